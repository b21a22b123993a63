"""What operators steer and workers look after: due cases, stops, retries, mailboxes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.intake import MailboxRow
from caseworker.cases.ports import WakeUp
from caseworker.core.errors import UsageError
from caseworker.store import tables as t
from caseworker.store.cases import TO_DO, due_events, held_back
from caseworker.store.database import Database
from caseworker.store.intake import wake


class PostgresControl:
    """Due cases, stops, set-aside work, mailboxes."""

    def __init__(self, database: Database, wake_up: WakeUp) -> None:
        self._database = database
        self._wake = wake_up

    async def due_cases(self, now: datetime, limit: int) -> Sequence[int]:
        """See `Upkeep.due_cases`."""
        c = t.cases.c
        free = sa.or_(c.lease_until.is_(None), c.lease_until < sa.func.clock_timestamp())
        return await self._due(now, free, limit)

    async def lost_cases(self, now: datetime, limit: int) -> Sequence[int]:
        """See `Upkeep.lost_cases`."""
        return await self._due(now, t.cases.c.lease_until < sa.func.clock_timestamp(), limit)

    async def _due(self, now: datetime, which: Any, limit: int) -> Sequence[int]:
        e, f, c = t.events.c, t.effects.c, t.cases.c
        due = sa.union(
            sa.select(e.case.label("case")).where(due_events(now)),
            sa.select(f.case.label("case")).where(f.status.in_(TO_DO), f.due_at <= now),
        ).subquery()
        statement = sa.select(c.number).join(due, due.c.case == c.number).where(which).limit(limit)
        async with self._database.begin() as connection:
            return (await connection.execute(statement)).scalars().all()

    async def next_due(self) -> datetime | None:
        """When the next event or effect falls due, whatever the clock says; None when nothing is left."""
        e, f = t.events.c, t.effects.c
        open_events = sa.and_(e.done_at.is_(None), e.aside.is_(False), sa.not_(held_back(e.due_at)))
        statement = sa.select(
            sa.func.least(
                sa.select(sa.func.min(e.due_at)).where(open_events).scalar_subquery(),
                sa.select(sa.func.min(f.due_at)).where(f.status.in_(TO_DO)).scalar_subquery(),
            )
        )
        async with self._database.begin() as connection:
            at = (await connection.execute(statement)).scalar()
        return at if isinstance(at, datetime) else None

    async def working(self) -> int:
        """How many cases are under a lease at this moment."""
        statement = sa.select(sa.func.count()).where(t.cases.c.lease_until > sa.func.clock_timestamp())
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).scalar() or 0)

    # -- stops -----------------------------------------------------------------------------------------------------

    async def stop(self, *, scope: str, value: str, by: str, now: datetime) -> int:
        """Turn acting and sending off; every process asks before each effect, so it holds at once."""
        statement = sa.insert(t.stops).values(scope=scope, value=value, by=by, since=now).returning(t.stops.c.id)
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def stops(self) -> Sequence[Any]:
        """The stops that are on."""
        async with self._database.begin() as connection:
            return (await connection.execute(sa.select(t.stops).where(t.stops.c.lifted_at.is_(None)))).all()

    async def lift(self, *, now: datetime, stop: int | None = None) -> Sequence[Any]:
        """Lift one stop (or all): what was held back is planned again. Returns the effects that were held back."""
        lifted = sa.update(t.stops).where(t.stops.c.lifted_at.is_(None)).values(lifted_at=now)
        if stop is not None:
            lifted = lifted.where(t.stops.c.id == stop)
        async with self._database.begin() as connection:
            await connection.execute(lifted)
            held = (await connection.execute(sa.select(t.effects).where(t.effects.c.status == "held"))).all()
            release = sa.update(t.effects).where(t.effects.c.status == "held").values(status="planned", due_at=now)
            await connection.execute(release)
            for case in {row.case for row in held}:
                await wake(connection, self._wake, case, priority=0)
        return held

    # -- set aside -------------------------------------------------------------------------------------------------

    async def aside(self) -> Sequence[Mapping[str, Any]]:
        """Events and effects that were set aside after too many failures, oldest first."""
        async with self._database.begin() as connection:
            events = (await connection.execute(sa.select(t.events).where(t.events.c.aside).order_by(t.events.c.due_at))).all()
            failed = sa.select(t.effects).where(t.effects.c.status == "aside").order_by(t.effects.c.id)
            effects = (await connection.execute(failed)).all()
        return [
            *({"what": "event", "case": e.case, "id": e.id, "error": e.error, "at": e.due_at} for e in events),
            *({"what": "effect", "case": f.case, "id": f.key, "error": f.error, "at": f.finished_at} for f in effects),
        ]

    async def retry(self, *, case: int | None, now: datetime) -> int:
        """Take set-aside events and effects up again, of one case or of all. Returns how many."""
        events = sa.update(t.events).where(t.events.c.aside).values(aside=False, attempts=0, due_at=now)
        # A write that was set aside may have happened: it is looked up in the system, never simply repeated.
        effects = sa.update(t.effects).where(t.effects.c.status == "aside")
        effects = effects.values(
            status=sa.case((t.effects.c.kind == "write", "unknown"), else_="planned"), attempts=0, due_at=now
        )
        if case is not None:
            events, effects = events.where(t.events.c.case == case), effects.where(t.effects.c.case == case)
        async with self._database.begin() as connection:
            found = [
                *(await connection.execute(events.returning(t.events.c.case))).scalars(),
                *(await connection.execute(effects.returning(t.effects.c.case))).scalars(),
            ]
            for number in set(found):
                await wake(connection, self._wake, number, priority=0)
        return len(found)

    # -- mailboxes -------------------------------------------------------------------------------------------------

    async def set_mailboxes(self, rows: Sequence[MailboxRow]) -> None:
        """Add or change mailboxes. An address belongs to exactly one AI worker. Raises UsageError."""
        async with self._database.begin() as connection:
            await put_mailboxes(connection, rows)

    async def mailboxes(self) -> Sequence[MailboxRow]:
        """All mailboxes."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(sa.select(t.mailboxes))).all()
        return [MailboxRow(r.address, r.worker, r.shop, r.authserv_id, r.signature) for r in rows]


async def put_mailboxes(connection: AsyncConnection, rows: Sequence[MailboxRow]) -> None:
    """Add or change mailboxes in the caller's transaction. Raises UsageError for one that another worker has."""
    for row in rows:
        owner = (await connection.execute(sa.select(t.mailboxes.c.worker).where(t.mailboxes.c.address == row.address))).scalar()
        if owner is not None and owner != row.worker:
            raise UsageError(
                f"The mailbox {row.address} belongs to the worker {owner!r}.",
                remedy="A mailbox has exactly one worker; take it out of the other playbook first.",
            )
        values = {f: getattr(row, f) for f in MailboxRow.__dataclass_fields__}
        statement = insert(t.mailboxes).values(**values)
        await connection.execute(statement.on_conflict_do_update(index_elements=["address"], set_=values))
