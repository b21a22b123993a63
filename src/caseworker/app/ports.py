"""What the use cases need kept, beside `cases.ports`. Implemented by `store`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from caseworker.cases.intake import Arrival, MailboxRow, Taken
from caseworker.sop.recorded import Recording


class MailStore(Protocol):
    """Takes mails in; see `store.intake`."""

    async def receive(self, arrival: Arrival) -> Taken: ...


class RawStore(Protocol):
    """The stored bytes."""

    async def bytes_of(self, raw: int) -> bytes: ...

    async def unparsed(self) -> Sequence[Any]: ...


class ReleaseStore(Protocol):
    """Releases by content hash."""

    async def keep_release(self, *, release: str, worker: str, files: Mapping[str, str], now: datetime) -> None: ...

    async def release_files(self, release: str) -> Mapping[str, str] | None: ...


class Control(ReleaseStore, Protocol):
    """Stops, retries, mailboxes."""

    async def stop(self, *, scope: str, value: str, by: str, now: datetime) -> int: ...

    async def stops(self) -> Sequence[Any]: ...

    async def lift(self, *, now: datetime, stop: int | None = None) -> Sequence[Any]: ...

    async def aside(self) -> Sequence[Mapping[str, Any]]: ...

    async def retry(self, *, case: int | None, now: datetime) -> int: ...

    async def set_mailboxes(self, rows: Sequence[MailboxRow]) -> None: ...

    async def mailboxes(self) -> Sequence[MailboxRow]: ...

    async def next_due(self) -> datetime | None: ...

    async def working(self) -> int: ...

    async def due_cases(self, now: datetime, limit: int) -> Sequence[int]: ...


class QueueStore(Protocol):
    """What waits for people."""

    async def open_items(self, queue: str | None = None) -> Sequence[Any]: ...

    async def item(self, number: int) -> Any: ...

    async def decide(self, number: int, *, decision: str, by: str, note: str, reply: str, now: datetime) -> int: ...


class CaseViews(Protocol):
    """Read models."""

    async def cases(
        self, *, status: str = "", search: str = "", intent: str = "", queue: str = "", limit: int = 50, offset: int = 0
    ) -> Sequence[Any]: ...

    async def unassigned(self, *, limit: int = 50, offset: int = 0) -> Sequence[Any]: ...

    async def counts(self) -> Mapping[str, int]: ...

    async def case(self, number: int) -> Any: ...

    async def timeline(self, number: int) -> Sequence[Any]: ...

    async def messages(self, number: int) -> Sequence[Any]: ...

    async def effects(self, number: int) -> Sequence[Any]: ...

    async def items(self, number: int) -> Sequence[Any]: ...

    async def promises(self, number: int) -> Sequence[Any]: ...


class DecisionViews(Protocol):
    """Recorded decisions."""

    async def of_cases(self, cases: Sequence[int]) -> Sequence[Recording]:
        """The decisions of these cases, each case's together and in their order."""
        ...

    async def recorded(self, *, since: datetime | None, limit: int | None) -> Sequence[int]:
        """Numbers of cases with a decision at or after `since`, the youngest case first."""
        ...

    async def releases(self, prefix: str) -> Sequence[str]:
        """Hashes of the releases that begin so."""
        ...
