"""`EffectStore` on PostgreSQL: intent before the call, receipt after it, one lock per payment, the day's limit."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.model import Case, Effect, Entry, NewEvent
from caseworker.cases.ports import EffectOutcome, Intent, Lease, Limits
from caseworker.cases.turn import record_of
from caseworker.core.money import Money
from caseworker.guard.model import Moved, Totals
from caseworker.mail.model import OutgoingMail
from caseworker.store import tables as t
from caseworker.store.cases import PostgresCases, add_events, add_lines, due_effect, record_name, unstarted_writes
from caseworker.store.database import Database
from caseworker.store.rows import effect as effect_of
from caseworker.store.rows import plain

LOCK = timedelta(minutes=2)
DAY = timedelta(hours=24)
REPEAT_WINDOW = timedelta(days=30)
MOVING = ("started", "done", "pending", "unknown")
SETTLED = ("done", "refused", "aside", "cancelled")


MAX_WRONG_PROOFS = 5  # a day, by one sender or for one order; a customer who mistypes needs two


class _Busy(Exception):  # leaves a savepoint; never seen outside this module
    pass


class PostgresEffects:
    """Keeps effects."""

    def __init__(self, database: Database, cases: PostgresCases) -> None:
        self._database = database
        self._cases = cases

    async def next(self, case: int, now: datetime) -> Effect | None:
        """See `EffectStore.next`."""
        statement = sa.select(t.effects).where(due_effect(case, now)).order_by(t.effects.c.id).limit(1)
        async with self._database.begin() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else effect_of(row)

    async def holds(self, lease: Lease) -> bool:
        """See `EffectStore.holds`."""
        return await self._cases.holds(lease)

    async def get(self, effect: int) -> Effect:
        """See `EffectStore.get`."""
        async with self._database.begin() as connection:
            return effect_of((await connection.execute(sa.select(t.effects).where(t.effects.c.id == effect))).one())

    async def begin(self, lease: Lease, effect: Effect, *, locks: Sequence[str], limit: Limits | None, now: datetime) -> Intent:
        """See `EffectStore.begin`."""
        async with self._database.begin() as connection:
            await self._cases.guard(connection, lease)
            over = await _over_limit(connection, effect, limit, now) or await _repeat(connection, effect, now)
            if over is not None:
                return over
            try:
                async with connection.begin_nested():
                    await _lock(connection, effect, locks)
            except _Busy:
                return Intent("busy")
            started = {"status": "started", "attempts": effect.attempts + 1, "started_at": now}
            await connection.execute(sa.update(t.effects).where(t.effects.c.id == effect.id).values(**started))
        return Intent("go")

    async def end(
        self, lease: Lease, effect: Effect, outcome: EffectOutcome, *, now: datetime, sent: OutgoingMail | None = None
    ) -> None:
        """See `EffectStore.end`."""
        values: dict[str, Any] = {
            "status": outcome.status,
            "receipt": plain(outcome.receipt),
            "error": plain(outcome.error),
            "due_at": outcome.retry_at or now,
            "attempts": effect.attempts + 1,
        }
        if outcome.status in SETTLED:
            values["finished_at"] = now
        async with self._database.begin() as connection:
            row = await self._cases.guard(connection, lease)
            await connection.execute(sa.update(t.effects).where(t.effects.c.id == effect.id).values(**values))
            await connection.execute(sa.delete(t.locks).where(t.locks.c.effect == effect.key))
            new = [_receipt_event(effect, outcome, now)] if outcome.tell else []
            seq = await add_events(connection, effect.case, new, seq=row.next_seq, now=now)
            line = await add_lines(connection, effect.case, [_line(effect, outcome)], line=row.next_line, now=now)
            if sent is not None:
                await connection.execute(sa.insert(t.messages).values(**_sent_row(effect, sent, row.worker, now)))
            values = {"next_seq": seq, "next_line": line, "updated_at": now}
            await connection.execute(sa.update(t.cases).where(t.cases.c.number == effect.case).values(**values))

    async def unstarted(self, case: int) -> frozenset[int]:
        """See `EffectStore.unstarted`."""
        statement = sa.select(t.effects.c.request).where(unstarted_writes(case))
        async with self._database.begin() as connection:
            return frozenset((await connection.execute(statement)).scalars().all())

    async def done_writes(self, case: int) -> Sequence[Effect]:
        """See `EffectStore.done_writes`."""
        c = t.effects.c
        statement = sa.select(t.effects).where(c.case == case, c.kind == "write", c.status == "done").order_by(c.id)
        async with self._database.begin() as connection:
            return [effect_of(row) for row in (await connection.execute(statement)).all()]

    async def totals(self, case: Case, now: datetime) -> Moved:
        """See `EffectStore.totals`."""
        c = t.effects.c
        mine = c.case == case.number
        in_case = sa.func.coalesce(sa.func.sum(c.minor).filter(mine), 0)
        today = sa.func.coalesce(sa.func.sum(c.minor).filter(c.created_at > now - DAY), 0)
        statement = (
            sa.select(c.operation, c.currency, in_case, today, sa.func.count().filter(mine))
            .where(c.kind == "write", c.status.in_(("planned", "held", *MOVING)))
            .where(sa.or_(mine, sa.and_(c.customer.in_(_customers(case)), c.created_at > now - DAY)))
            .group_by(c.operation, c.currency)
        )
        async with self._database.begin() as connection:
            rows = (await connection.execute(statement)).all()
        return {
            (operation, currency): Totals(Money(int(own), currency or "XXX"), Money(int(day), currency or "XXX"), count)
            for operation, currency, own, day, count in rows
        }

    async def is_guessing(self, case: Case, named: Collection[str], now: datetime) -> bool:
        """See `EffectStore.is_guessing`."""
        records = {record_name(name) for name in named}
        if not records and not case.sender:
            return False
        c = t.wrong_proofs.c
        guessed = sa.func.count(sa.distinct(sa.tuple_(c.record, c.proof)))
        recent = sa.select(guessed).where(c.at > now - DAY, c.worker == case.worker)
        async with self._database.begin() as connection:
            by_sender = (await connection.execute(recent.where(c.sender == case.sender))).scalar() or 0
            for_record = (await connection.execute(recent.where(c.record.in_(records)))).scalar() or 0
        return max(by_sender, for_record) >= MAX_WRONG_PROOFS

    async def sent_today(self, recipient: str, now: datetime, *, verified: bool) -> int:
        """See `EffectStore.sent_today`."""
        c = t.messages.c
        local, _, domain = recipient.rpartition("@")
        person = local.partition("+")[0]
        tagged = sa.and_(
            c.recipient.startswith(f"{person}+", autoescape=True), c.recipient.endswith(f"@{domain}", autoescape=True)
        )
        same = sa.or_(c.recipient == f"{person}@{domain}", tagged)
        of_case = sa.select(t.cases.c.state["sender_verified"].as_boolean()).where(t.cases.c.number == c.case)
        statement = sa.select(sa.func.count()).where(same, c.direction == "out", c.at > now - DAY)
        statement = statement.where(sa.func.coalesce(of_case.scalar_subquery(), sa.false()).is_(verified))
        async with self._database.begin() as connection:
            return int((await connection.execute(statement)).scalar() or 0)

    async def stopped(self, case: Case, operation: str) -> str:
        """See `EffectStore.stopped`."""
        statement = sa.select(t.stops.c.scope, t.stops.c.value).where(t.stops.c.lifted_at.is_(None))
        async with self._database.begin() as connection:
            stops = (await connection.execute(statement)).all()
        intents = {r.intent for r in case.requests}
        for scope, value in stops:
            hit = {
                "all": True,
                "intent": value in intents,
                "action": value == operation,
                "mailbox": value == case.mailbox,
            }.get(scope, False)
            if hit:
                return f"{scope} {value}".strip()
        return ""


def _customers(case: Case) -> list[str]:
    """Whose money the case moves: the owners of the orders found so far, and whoever writes."""
    owners = {record_of(r, "email").strip().lower() for r in case.requests}
    return [f"{case.shop}:{address}" for address in {case.sender, *owners} - {""}]


async def _over_limit(connection: AsyncConnection, effect: Effect, limit: Limits | None, now: datetime) -> Intent | None:
    """The limits of the case and of the day, checked under a lock of the customer: two cases at once cannot both pass them."""
    if limit is None or (limit.per_case is None and limit.per_customer_day is None):
        return None
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(limit.customer, 7))))
    c = t.effects.c
    moved = sa.select(sa.func.coalesce(sa.func.sum(c.minor), 0)).where(
        c.currency == limit.currency, c.operation == effect.operation, c.status.in_(MOVING), c.id != effect.id
    )
    today = moved.where(c.customer == limit.customer, c.created_at > now - DAY)
    for most, counted, per in (
        (limit.per_case, moved.where(c.case == effect.case), "case"),
        (limit.per_customer_day, today, "day"),
    ):
        already = int((await connection.execute(counted)).scalar() or 0)
        if most is not None and already + limit.minor > most:
            return Intent(
                "limit", f"{effect.operation}: {already + limit.minor} of {most} minor units {limit.currency} per {per}"
            )
    return None


async def _repeat(connection: AsyncConnection, effect: Effect, now: datetime) -> Intent | None:
    """The same act on the same record by another request or case is not done a second time."""
    if effect.kind != "write":
        return None
    c = t.effects.c
    mine = sa.select(c.subject_key).where(c.id == effect.id).scalar_subquery()
    statement = sa.select(c.case).where(
        c.subject_key == mine,
        c.operation == effect.operation,
        c.id != effect.id,
        c.status.in_(MOVING),
        c.created_at > now - REPEAT_WINDOW,
    )
    other = (await connection.execute(statement.limit(1))).scalar()
    return None if other is None else Intent("repeat", str(other))


async def _lock(connection: AsyncConnection, effect: Effect, locks: Sequence[str]) -> None:
    for name in sorted(locks):
        until = sa.func.clock_timestamp() + LOCK
        statement = insert(t.locks).values(name=name, case=effect.case, effect=effect.key, until=until)
        free = sa.or_(t.locks.c.until < sa.func.clock_timestamp(), t.locks.c.effect == effect.key)
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={"case": effect.case, "effect": effect.key, "until": until}, where=free
        )
        if (await connection.execute(statement.returning(t.locks.c.name))).scalar() is None:
            raise _Busy


def _receipt_event(effect: Effect, outcome: EffectOutcome, now: datetime) -> NewEvent:
    identity = f"{effect.case}:receipt:{effect.id}:{effect.attempts}:{outcome.status}"
    return NewEvent(identity, "receipt", {"effect": effect.id}, now)


def _line(effect: Effect, outcome: EffectOutcome) -> Entry:
    data = {
        "request": effect.request,
        "name": effect.name,
        "operation": effect.operation,
        "status": outcome.status,
        "receipt": outcome.receipt,
        "error": outcome.error,
    }
    if effect.kind == "send" and outcome.status == "done":
        return Entry("sent", {**data, "to": effect.arguments.get("to"), "replies": effect.arguments.get("replies")})
    return Entry("effect", data)


def _sent_row(effect: Effect, sent: OutgoingMail, worker: str, now: datetime) -> Mapping[str, Any]:
    return {
        "worker": worker,
        "case": effect.case,
        "direction": "out",
        "message_id": sent.message_id,
        "sender": sent.sender.email,
        "recipient": sent.to.email,
        "subject": sent.subject,
        "text": sent.text,
        "kind": "ours",
        "at": now,
        "parsed": plain({"language": sent.language, "replies": effect.arguments.get("replies", [])}),
    }
