"""Queues: what waits for people, and what they decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from caseworker.cases.model import NewEvent
from caseworker.cases.ports import WakeUp
from caseworker.core.errors import UsageError
from caseworker.store import tables as t
from caseworker.store.cases import add_events
from caseworker.store.database import Database
from caseworker.store.intake import URGENT, wake


class PostgresQueue:
    """Queue items."""

    def __init__(self, database: Database, wake_up: WakeUp) -> None:
        self._database = database
        self._wake = wake_up

    async def open_items(self, queue: str | None = None) -> Sequence[Any]:
        """Items nobody has decided, oldest first."""
        statement = sa.select(t.queue_items).where(t.queue_items.c.decided_at.is_(None)).order_by(t.queue_items.c.id)
        if queue is not None:
            statement = statement.where(t.queue_items.c.queue == queue)
        async with self._database.begin() as connection:
            return (await connection.execute(statement)).all()

    async def item(self, number: int) -> Any:
        """One item. Raises UsageError where there is none."""
        async with self._database.begin() as connection:
            statement = sa.select(t.queue_items).where(t.queue_items.c.id == number)
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise UsageError(f"There is no queue item {number}.", remedy="`caseworker queue list` shows those that wait.")
        return row

    async def decide(self, number: int, *, decision: str, by: str, note: str, reply: str, now: datetime) -> int:
        """Write the decision down and wake the case: item, event and job in one transaction. Returns the case.

        The same item decided twice is an error for the second person, who then sees the first decision.
        """
        async with self._database.begin() as connection:
            statement = sa.select(t.queue_items).where(t.queue_items.c.id == number).with_for_update()
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                raise UsageError(f"There is no queue item {number}.", remedy="`caseworker queue list` shows those that wait.")
            if row.decided_at is not None:
                raise UsageError(
                    f"Item {number} was decided already: {row.decision} by {row.decided_by}.", remedy="Nothing was changed."
                )
            done = {"decided_at": now, "decision": decision, "decided_by": by, "note": note}
            await connection.execute(sa.update(t.queue_items).where(t.queue_items.c.id == number).values(**done))
            case = sa.select(t.cases.c.next_seq).where(t.cases.c.number == row.case).with_for_update()
            seq = int((await connection.execute(case)).scalar_one())
            data = {
                "item": number,
                "request": row.request,
                "name": row.name,
                "kind": row.kind,
                "decision": decision,
                "by": by,
                "note": note,
                "reply": reply,
                "to": str(row.brief.get("customer") or ""),
            }
            event = NewEvent(f"item:{number}", "person", data, now)
            seq = await add_events(connection, row.case, [event], seq=seq, now=now)
            await connection.execute(sa.update(t.cases).where(t.cases.c.number == row.case).values(next_seq=seq))
            await wake(connection, self._wake, row.case, priority=URGENT)
        return int(row.case)
