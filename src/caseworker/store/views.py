"""Read models for lists, pages and reports. Nothing here writes."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from caseworker.core.errors import UsageError
from caseworker.store import tables as t
from caseworker.store.database import Database


class PostgresViews:
    """See `app.ports.CaseViews`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cases(
        self, *, status: str = "", search: str = "", intent: str = "", queue: str = "", limit: int = 50, offset: int = 0
    ) -> Sequence[Any]:
        """Cases, the one changed last first. `search` finds words in address, name, subject and order number."""
        c = t.cases.c
        statement = sa.select(t.cases).order_by(c.updated_at.desc(), c.number.desc()).limit(limit).offset(offset)
        if status:
            statement = statement.where(c.status == status)
        if intent:
            statement = statement.where(sa.literal(intent) == sa.any_(c.intents))
        if queue:
            statement = statement.where(c.queue == queue)
        for word in search.lower().split():
            statement = statement.where(c.search.contains(word, autoescape=True))
        return await self._all(statement)

    async def unassigned(self, *, limit: int = 50, offset: int = 0) -> Sequence[Any]:
        """Mails that came in and are in no case, the last one first; `raw` is the number of their bytes, `why` the rule."""
        c = t.messages.c
        why = c.parsed["classification"]["why"].as_string().label("why")
        statement = sa.select(c.raw, c.at, c.recipient.label("mailbox"), c.sender, c.subject, c.text, c.kind, why)
        statement = statement.where(c.case.is_(None), c.direction == "in").order_by(c.id.desc())
        return await self._all(statement.limit(limit).offset(offset))

    async def counts(self) -> Mapping[str, int]:
        """How many cases in each status."""
        rows = await self._all(sa.select(t.cases.c.status, sa.func.count()).group_by(t.cases.c.status))
        return {row[0]: row[1] for row in rows}

    async def case(self, number: int) -> Any:
        """One case's row. Raises UsageError where there is none."""
        rows = await self._all(sa.select(t.cases).where(t.cases.c.number == number))
        if not rows:
            raise UsageError(f"There is no case {number}.", remedy="`caseworker cases list` shows those that exist.")
        return rows[0]

    async def timeline(self, number: int) -> Sequence[Any]:
        """Everything that happened to a case, in order."""
        return await self._all(sa.select(t.timeline).where(t.timeline.c.case == number).order_by(t.timeline.c.line))

    async def messages(self, number: int) -> Sequence[Any]:
        """Mails of a case, in and out, in order."""
        return await self._all(sa.select(t.messages).where(t.messages.c.case == number).order_by(t.messages.c.id))

    async def effects(self, number: int) -> Sequence[Any]:
        """What was done for a case, in order."""
        return await self._all(sa.select(t.effects).where(t.effects.c.case == number).order_by(t.effects.c.id))

    async def items(self, number: int) -> Sequence[Any]:
        """Queue items of a case, in order."""
        return await self._all(sa.select(t.queue_items).where(t.queue_items.c.case == number).order_by(t.queue_items.c.id))

    async def promises(self, number: int) -> Sequence[Any]:
        """Promises made in a case, by due date."""
        return await self._all(sa.select(t.promises).where(t.promises.c.case == number).order_by(t.promises.c.due))

    async def _all(self, statement: sa.Select[Any]) -> Sequence[Any]:
        async with self._database.begin() as connection:
            return list((await connection.execute(statement)).all())
