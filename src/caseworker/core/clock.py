"""The clock port. Only this room reads the machine's clock; everybody else is handed a `Clock`."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Always UTC and timezone-aware."""

    async def now(self) -> datetime:
        """The present moment. May ask the database (the lab's clock is a row there)."""
        ...


class SystemClock:
    """The machine's own clock."""

    async def now(self) -> datetime:
        return utc_now()


def utc_now() -> datetime:
    """The machine's time, for log lines, file names and durations; business time comes from a `Clock`."""
    return datetime.now(UTC)
