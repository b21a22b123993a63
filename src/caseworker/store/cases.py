"""`CaseStore` on PostgreSQL: leases, fences, commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.model import Case, Entry, Event, NewEvent, PlannedEffect, Step
from caseworker.cases.ports import Lease, StoredMail
from caseworker.core.errors import FenceLost, UsageError
from caseworker.core.facts import canonical
from caseworker.core.money import Money
from caseworker.mail.model import Message
from caseworker.store import tables as t
from caseworker.store.codec import build, dump_case, load_case
from caseworker.store.database import Database
from caseworker.store.decisions import add_recordings
from caseworker.store.rows import clean, event, plain, tree

LEASE = timedelta(seconds=10)
MAX_LOSSES = 6
MOST_TOLD, MOST_WORDS = 20, 2_000  # mails, and characters of each, that are added to the brief of an item that waits
TO_DO = ("planned", "started", "pending", "unknown")


class PostgresCases:
    """Keeps cases. `fence` False only in a chaos run that has to fail."""

    def __init__(self, database: Database, *, fence: bool = True) -> None:
        self._database = database
        self._fence = fence

    async def take(self, case: int, owner: str) -> Lease | None:
        """See `CaseStore.take`. The database's clock decides, so hosts need not agree on the time."""
        held = sa.select(t.cases.c.number, t.cases.c.lease_until).where(t.cases.c.number == case).with_for_update().subquery()
        statement = (
            sa.update(t.cases)
            .where(t.cases.c.number == held.c.number)
            .where(sa.or_(held.c.lease_until.is_(None), held.c.lease_until < sa.func.clock_timestamp()))
            .values(lease_owner=owner, fence=t.cases.c.fence + 1, lease_until=sa.func.clock_timestamp() + LEASE)
            .returning(t.cases.c.fence, held.c.lease_until)
        )
        async with self._database.begin() as connection:
            taken = (await connection.execute(statement)).one_or_none()
            if taken is not None and taken.lease_until is not None:
                await _count_loss(connection, case)
        return None if taken is None else Lease(case, owner, taken.fence)

    async def renew(self, owner: str, cases: Collection[int]) -> None:
        """See `CaseStore.renew`. A lease that has run out is not renewed: somebody may be on the way to it."""
        statement = (
            sa.update(t.cases)
            .where(t.cases.c.number.in_(list(cases)), t.cases.c.lease_owner == owner)
            .where(t.cases.c.lease_until > sa.func.clock_timestamp())
            .values(lease_until=sa.func.clock_timestamp() + LEASE)
        )
        async with self._database.begin() as connection:
            await connection.execute(statement)

    async def give_up(self, lease: Lease) -> None:
        """See `CaseStore.give_up`."""
        statement = (
            sa.update(t.cases)
            .where(t.cases.c.number == lease.case, t.cases.c.fence == lease.fence)
            .values(lease_until=None, lease_owner="")
        )
        async with self._database.begin() as connection:
            await connection.execute(statement)

    async def holds(self, lease: Lease) -> bool:
        """See `CaseStore.holds`."""
        statement = sa.select(t.cases.c.fence).where(
            t.cases.c.number == lease.case,
            t.cases.c.fence == lease.fence,
            t.cases.c.lease_until > sa.func.clock_timestamp(),
        )
        async with self._database.begin() as connection:
            return not self._fence or (await connection.execute(statement)).scalar() is not None

    async def load(self, case: int) -> Case:
        """See `CaseStore.load`."""
        async with self._database.begin() as connection:
            row = (await connection.execute(sa.select(t.cases).where(t.cases.c.number == case))).one_or_none()
        if row is None:
            raise UsageError(f"There is no case {case}.", remedy="`caseworker cases list` shows those that exist.")
        return load_case(row.state, row.state_version)

    async def next_event(self, case: int, now: datetime) -> Event | None:
        """See `CaseStore.next_event`."""
        statement = sa.select(t.events).where(_due_event(case, now)).order_by(t.events.c.seq).limit(1)
        async with self._database.begin() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else event(row)

    async def has_due(self, case: int, now: datetime) -> bool:
        """See `CaseStore.has_due`."""
        statement = sa.select(
            sa.or_(
                sa.exists().where(_due_event(case, now)),
                sa.exists().where(due_effect(case, now)),
            )
        )
        async with self._database.begin() as connection:
            return bool((await connection.execute(statement)).scalar())

    async def commit(self, lease: Lease, event: Event, step: Step, now: datetime) -> None:
        """See `CaseStore.commit`."""
        async with self._database.begin() as connection:
            row = await self.guard(connection, lease)
            done = t.events.c.case == event.case, t.events.c.seq == event.seq
            await connection.execute(sa.update(t.events).where(*done).values(done_at=now))
            await _withdraw(connection, step, now=now)
            if event.kind == "mail":
                await _tell_items(connection, event)
            await add_recordings(connection, event, step.recordings)
            await _plan(connection, step, worker=row.worker, now=now)
            seq = await add_events(connection, event.case, step.timers, seq=row.next_seq, now=now)
            line = await add_lines(connection, event.case, step.entries, line=row.next_line, now=now)
            await _people(connection, step, worker=row.worker, now=now)
            await _suspect(connection, step, worker=row.worker, now=now)
            await connection.execute(
                sa.update(t.cases)
                .where(t.cases.c.number == event.case)
                .values(next_seq=seq, next_line=line, **case_columns(step.case, now))
            )

    async def fail(self, lease: Lease, event: Event, error: str, retry_at: datetime | None) -> None:
        """See `CaseStore.fail`."""
        values: dict[str, Any] = {"attempts": event.attempts + 1, "error": error}
        values.update({"aside": True} if retry_at is None else {"due_at": retry_at})
        statement = sa.update(t.events).where(t.events.c.case == event.case, t.events.c.seq == event.seq)
        async with self._database.begin() as connection:
            await self.guard(connection, lease)
            await connection.execute(statement.values(**values))

    async def mail(self, message: int) -> StoredMail:
        """See `CaseStore.mail`."""
        async with self._database.begin() as connection:
            row = (await connection.execute(sa.select(t.messages).where(t.messages.c.id == message))).one()
        return StoredMail(row.id, row.case, build(Message, tree(row.parsed)), row.at)

    async def our_texts(self, case: int) -> tuple[str, ...]:
        """See `CaseStore.our_texts`."""
        c = t.messages.c
        statement = sa.select(c.text).where(c.case == case, c.direction == "out").order_by(c.id.desc()).limit(5)
        async with self._database.begin() as connection:
            return tuple((await connection.execute(statement)).scalars().all())

    async def guard(self, connection: AsyncConnection, lease: Lease) -> Any:
        """The case's row, locked; raises FenceLost where another worker has it."""
        statement = sa.select(t.cases).where(t.cases.c.number == lease.case).with_for_update()
        row = (await connection.execute(statement)).one()
        if self._fence and row.fence != lease.fence:
            raise FenceLost(f"Case {lease.case} was taken over by {row.lease_owner or 'another worker'}.")
        return row


async def _count_loss(connection: AsyncConnection, case: int) -> None:
    """The last holder died or froze. An event under which that happens again and again is set aside, or no other is reached."""
    e = t.events.c
    waits = sa.and_(e.case == case, e.done_at.is_(None), e.aside.is_(False), e.kind != "timer")  # timers lie in the future
    first = sa.select(sa.func.min(e.seq)).where(waits).scalar_subquery()
    counted = sa.update(t.events).where(e.case == case, e.seq == first)
    lost = {
        "attempts": e.attempts + 1,
        "aside": e.attempts + 1 >= MAX_LOSSES,
        "error": "Its workers ended in the middle of it.",
    }
    await connection.execute(counted.values(**lost))


def _due_event(case: int, now: datetime) -> Any:
    return sa.and_(t.events.c.case == case, due_events(now))


def due_events(now: datetime) -> Any:
    """Events that are due. One that failed and waits to be tried again holds back the later ones of its case."""
    c = t.events.c
    return sa.and_(c.done_at.is_(None), c.aside.is_(False), c.due_at <= now, sa.not_(held_back(now)))


def held_back(until: Any) -> Any:
    """Whether an earlier event of the case waits, after a failure, until later than `until`."""
    earlier = t.events.alias("earlier")
    e = earlier.c
    waits = sa.and_(e.done_at.is_(None), e.aside.is_(False), e.attempts > 0, e.due_at > until)
    return sa.exists().where(e.case == t.events.c.case, e.seq < t.events.c.seq, waits).correlate(t.events)


def due_effect(case: int, now: datetime) -> Any:
    """Effects of a case that have something to be done now."""
    c = t.effects.c
    return sa.and_(c.case == case, c.status.in_(TO_DO), c.due_at <= now)


def unstarted_writes(case: int) -> Any:
    """Writes of a case of which nothing has gone out. Whoever holds the lease sees them as they are: nobody else begins one."""
    c = t.effects.c
    return sa.and_(c.case == case, c.kind == "write", c.status.in_(("planned", "held")))


def case_columns(case: Case, now: datetime) -> Mapping[str, Any]:
    """The columns that lists and searches use, beside the whole state."""
    waiting = next((r.queue for r in case.requests if r.status in ("with_people", "awaiting_approval")), "")
    numbers = [str(r.answers.get("order_number") or "") for r in case.requests]
    return {
        "status": case.status,
        "sender": case.sender,
        "language": case.language,
        "subject": clean(case.subject),
        "queue": waiting,
        "release": case.release,
        "intents": [r.intent for r in case.requests],
        "outcomes": [r.outcome for r in case.requests if r.outcome],
        "search": " ".join([case.sender, case.sender_name, case.subject, *numbers, *(_found_number(case))])
        .lower()
        .replace("\x00", ""),
        "updated_at": now,
        "closed_at": case.closed_at,
        "verified_at": case.verified_at,
        "state": plain(dump_case(case)),
    }


def _found_number(case: Case) -> list[str]:
    orders = [r.known.get("order") for r in case.requests]
    return [str(o.get("number")) for o in orders if isinstance(o, Mapping)]


async def _withdraw(connection: AsyncConnection, step: Step, *, now: datetime) -> None:
    """Take back what was to be done, and what a person was asked to approve: neither can be gone on with from now on."""
    if not step.withdrawn:
        return
    writes = sa.update(t.effects).where(unstarted_writes(step.case.number), t.effects.c.request.in_(step.withdrawn))
    await connection.execute(writes.values(status="cancelled", finished_at=now))
    c = t.queue_items.c
    approvals = sa.update(t.queue_items).where(
        c.case == step.case.number, c.request.in_(step.withdrawn), c.kind == "approval", c.decided_at.is_(None)
    )
    note = "The customer wrote again; see the new item of this case."
    await connection.execute(approvals.values(decided_at=now, decision="withdrawn", decided_by="caseworker", note=note))


async def _tell_items(connection: AsyncConnection, event: Event) -> None:
    """Whoever opens an item that waits sees in its brief what was written since."""
    c, m = t.queue_items.c, t.messages.c
    waiting = sa.select(c.id, c.brief).where(c.case == event.case, c.decided_at.is_(None))
    items = (await connection.execute(waiting)).all()
    if not items:
        return
    written = sa.select(m.at, m.sender, m.text).where(m.id == int(str(event.data["message"])))
    mail = (await connection.execute(written)).one()
    told = f"{mail.at:%Y-%m-%d %H:%M} UTC, {mail.sender}: {mail.text[:MOST_WORDS]}"
    for item in items:
        since = [*item.brief.get("written_since", ()), told][-MOST_TOLD:]
        await connection.execute(
            sa.update(t.queue_items).where(c.id == item.id).values(brief={**item.brief, "written_since": since})
        )


async def _plan(connection: AsyncConnection, step: Step, *, worker: str, now: datetime) -> None:
    for planned in step.effects:
        values = effect_row(planned, case=step.case, worker=worker, now=now)
        await connection.execute(insert(t.effects).values(**values).on_conflict_do_nothing(index_elements=["key"]))


def effect_row(planned: PlannedEffect, *, case: Case, worker: str, now: datetime) -> dict[str, Any]:
    """A planned effect as a row. `subject_key` is the same for the same act on the same record, in whatever case."""
    money = planned.amount if isinstance(planned.amount, Money) else None
    return {
        "worker": worker,
        "case": case.number,
        "key": planned.key,
        "kind": planned.kind,
        "request": planned.request,
        "name": planned.name,
        "operation": planned.operation,
        "subject_key": canonical({"shop": case.shop, "a": planned.arguments}) if planned.kind == "write" else "",
        "arguments": plain(planned.arguments),
        "minor": money.minor if money else None,
        "currency": money.currency if money else "",
        "reason": planned.reason,
        "customer": f"{case.shop}:{planned.owner or case.sender}",
        "approved": planned.approved,
        "status": "planned" if planned.mode == "live" else "shadow",
        "created_at": now,
        "due_at": now,
    }


async def add_events(connection: AsyncConnection, case: int, new: Sequence[NewEvent], *, seq: int, now: datetime) -> int:
    """Store events; an open timer of the same id is replaced. Returns the next free sequence number."""
    for each in new:
        identity = f"{case}:{each.id}" if each.kind == "timer" else each.id
        if each.kind == "timer":
            await connection.execute(sa.delete(t.events).where(t.events.c.id == identity, t.events.c.done_at.is_(None)))
            identity_done = sa.update(t.events).where(t.events.c.id == identity).values(id=f"{identity}#{seq}")
            await connection.execute(identity_done)
        row = {
            "case": case,
            "seq": seq,
            "id": identity,
            "kind": each.kind,
            "data": plain(each.data),
            "created_at": now,
            "due_at": each.due_at,
        }
        await connection.execute(insert(t.events).values(**row).on_conflict_do_nothing(index_elements=["id"]))
        seq += 1
    return seq


async def add_lines(connection: AsyncConnection, case: int, entries: Sequence[Entry], *, line: int, now: datetime) -> int:
    """Append to the timeline. Returns the next free line number."""
    rows = [{"case": case, "line": line + i, "at": now, "kind": e.kind, "data": plain(e.data)} for i, e in enumerate(entries)]
    if rows:
        await connection.execute(sa.insert(t.timeline), rows)
    return line + len(rows)


def record_name(number: str) -> str:
    """An order number without the ways of spelling it."""
    return "".join(char for char in number.upper() if char.isalnum())


async def _suspect(connection: AsyncConnection, step: Step, *, worker: str, now: datetime) -> None:
    """Remember wrong proofs; the same one again in the same case is no new guess."""
    for wrong in step.wrong_proofs:
        row = {
            "case": step.case.number,
            "record": record_name(wrong.record),
            "proof": record_name(wrong.proof),
            "worker": worker,
            "sender": step.case.sender,
            "at": now,
        }
        await connection.execute(insert(t.wrong_proofs).values(**row).on_conflict_do_nothing())


async def _people(connection: AsyncConnection, step: Step, *, worker: str, now: datetime) -> None:
    for item in step.items:
        await connection.execute(
            sa.insert(t.queue_items).values(
                worker=worker,
                case=step.case.number,
                kind=item.kind,
                request=item.request,
                queue=item.queue,
                because=item.because,
                name=item.name,
                brief=plain(item.brief),
                created_at=now,
            )
        )
    for promise in step.promises:
        await connection.execute(
            sa.insert(t.promises).values(
                worker=worker,
                case=step.case.number,
                request=promise.request,
                what=promise.what,
                amount=plain({"amount": promise.amount, "bound": promise.bound}),
                due=promise.due,
                kept_when=promise.kept_when,
                created_at=now,
            )
        )
    p = t.promises.c
    for judged in step.judged:
        mine = (p.case == step.case.number, p.request == judged.request, p.what == judged.what, p.due == judged.due)
        await connection.execute(sa.update(t.promises).where(*mine, p.status == "open").values(status=judged.status))
