"""For people who work in queues: what waits, with everything gathered; and their decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caseworker.app.ports import QueueStore
from caseworker.core.clock import Clock
from caseworker.core.errors import UsageError

DECISIONS = {
    "approval": ("approve", "deny"),
    "escalation": ("resolve", "return"),
    "outcome_unknown": ("resolve", "return"),
}


@dataclass(slots=True)
class People:
    """Queue items and decisions."""

    queue: QueueStore
    clock: Clock

    async def waiting(self, queue: str | None = None) -> Sequence[Any]:
        """Items that nobody has decided, oldest first."""
        return await self.queue.open_items(queue)

    async def item(self, number: int) -> Any:
        """One item with its brief."""
        return await self.queue.item(number)

    async def decide(self, number: int, decision: str, *, by: str, note: str = "", reply: str = "") -> int:
        """Decide an item; the case goes on at once. Returns the case number. Raises UsageError."""
        item = await self.queue.item(number)
        allowed = DECISIONS[item.kind]
        if decision not in allowed:
            raise UsageError(
                f"Item {number} is an {item.kind}; {decision!r} does not fit it.", remedy=f"Decide {' or '.join(allowed)}."
            )
        now = await self.clock.now()
        return await self.queue.decide(number, decision=decision, by=by, note=note, reply=reply, now=now)
