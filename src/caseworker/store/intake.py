"""A mail becomes ours: raw bytes, message, event and job in ONE transaction; only then is it acknowledged."""

import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.intake import Arrival, Taken
from caseworker.cases.model import Case, NewEvent
from caseworker.cases.ports import AlreadyAwake, WakeUp
from caseworker.store import tables as t
from caseworker.store.cases import add_events, case_columns
from caseworker.store.codec import STATE_VERSION
from caseworker.store.database import Database
from caseworker.store.rows import clean, plain

CHUNK = 1024 * 1024
JOIN_WINDOW = timedelta(days=14)
URGENT = 10


class PostgresIntake:
    """Takes mails in."""

    def __init__(self, database: Database, wake: WakeUp) -> None:
        self._database = database
        self._wake = wake

    async def receive(self, arrival: Arrival) -> Taken:
        """One transaction. Raises `StoreError`; then nothing was stored and the sender keeps the mail."""
        async with self._database.begin() as connection:
            raw = await _store_raw(connection, arrival)
            if raw is None:
                return await _duplicate(connection, arrival)
            case = await find_case(connection, arrival)
            new = case is None and _opens(arrival)
            if new:
                case = await _open_case(connection, arrival)
            # The case is locked before the message refers to it: two mails of one case at once would each hold a share of
            # its row and wait for the other's. So messages and events are numbered in the same order, too.
            seq = 0 if case is None else await _lock_case(connection, case)
            message = await _store_message(connection, arrival, raw=raw, case=case)
            if case is None:
                return Taken(0, new_case=False, duplicate=False, message=message)
            await self._add_event(connection, arrival, case=case, message=message, seq=seq)
        return Taken(case, new_case=new, duplicate=False, message=message)

    async def _add_event(self, connection: AsyncConnection, arrival: Arrival, *, case: int, message: int, seq: int) -> None:
        data = {"message": message, "kind": arrival.message.classification.kind}
        event = NewEvent(arrival.event_id, "mail", data, arrival.received_at)
        seq = await add_events(connection, case, [event], seq=seq, now=arrival.received_at)
        update = sa.update(t.cases).where(t.cases.c.number == case)
        await connection.execute(update.values(next_seq=seq, updated_at=arrival.received_at))
        await wake(connection, self._wake, case, priority=0)


def _opens(arrival: Arrival) -> bool:
    """A person's mail opens a case; our own, in an export of the whole mailbox, is no customer's."""
    classification = arrival.message.classification
    return classification.for_person and not (arrival.history and classification.kind == "ours")


async def wake(connection: AsyncConnection, wake_up: WakeUp, case: int, *, priority: int) -> None:
    """Enqueue "look at case N" in this transaction; a job that waits already is enough.

    In a savepoint: the refusal of a second job would otherwise abort the mail's own transaction.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    try:
        async with connection.begin_nested():
            await wake_up(driver, case, priority)
    except AlreadyAwake:
        return


async def _lock_case(connection: AsyncConnection, case: int) -> int:
    """Hold the case until the transaction ends. Returns its next sequence number."""
    statement = sa.select(t.cases.c.next_seq).where(t.cases.c.number == case).with_for_update()
    return int((await connection.execute(statement)).scalar_one())


async def _store_raw(connection: AsyncConnection, arrival: Arrival) -> int | None:
    broken = "unparsable_part" in arrival.message.flags
    row = {
        "worker": arrival.worker,
        "mailbox": arrival.mailbox,
        "event_id": arrival.event_id,
        "envelope_from": clean(arrival.envelope_from),
        "size": len(arrival.raw),
        "status": "unparsed" if broken else "parsed",
        "error": "a part of it could not be parsed" if broken else "",
        "received_at": arrival.received_at,
    }
    statement = insert(t.raw_mails).values(**row).on_conflict_do_nothing(index_elements=["event_id"])
    raw = (await connection.execute(statement.returning(t.raw_mails.c.id))).scalar()
    if raw is None:
        return None
    chunks = [
        {"mail": raw, "number": i, "data": zlib.compress(arrival.raw[start : start + CHUNK], 1)}
        for i, start in enumerate(range(0, max(len(arrival.raw), 1), CHUNK))
    ]
    for chunk in chunks:
        await connection.execute(sa.insert(t.raw_chunks).values(**chunk))
    return int(raw)


async def _duplicate(connection: AsyncConnection, arrival: Arrival) -> Taken:
    statement = sa.select(t.events.c.case).where(t.events.c.id == arrival.event_id)
    case = (await connection.execute(statement)).scalar()
    return Taken(int(case or 0), new_case=False, duplicate=True)


async def find_case(connection: AsyncConnection, arrival: Arrival) -> int | None:
    """Which case a mail belongs to, by the order of mail.md: token, message ids, bounced original, subject token.

    A case reference in a subject can be guessed and a From address forged, so it opens a case only to its own customer with a
    verified address. Last: a verified sender whose one open case waits for an answer. Never two customers in one case by
    guessing.
    """
    for number in arrival.token_cases:
        if await _exists(connection, arrival, number):
            return number
    for message_id in map(clean, (*arrival.hints.message_ids, *arrival.hints.bounced_ids)):
        c = t.messages.c
        known = sa.select(c.case).join(t.cases, t.cases.c.number == c.case).where(c.message_id == message_id, _alike(arrival))
        case = (await connection.execute(known.order_by(c.id.desc()).limit(1))).scalar()
        if case is not None:
            return int(case)
    for number in arrival.hints.subject_cases if _is_proven(arrival) else ():
        if await _exists(connection, arrival, number, sender=_writer(arrival)):
            return number
    return await _waiting_case(connection, arrival)


def _writer(arrival: Arrival) -> str:
    return clean(arrival.message.sender.email) if arrival.message.sender else ""


def _is_proven(arrival: Arrival) -> bool:
    """The From address is verified, and it is also the one that answers go to."""
    message = arrival.message
    answered = message.answer_to is not None and message.sender is not None and message.answer_to.email == message.sender.email
    return message.trust.status == "verified" and answered


async def _exists(connection: AsyncConnection, arrival: Arrival, number: int, *, sender: str | None = None) -> bool:
    c = t.cases.c
    statement = sa.select(c.number).where(c.number == number, _alike(arrival))
    if sender is not None:
        statement = statement.where(c.sender == sender)
    return (await connection.execute(statement)).scalar() is not None


def _alike(arrival: Arrival) -> sa.ColumnElement[bool]:
    """Cases of the same worker and kind: a live mail never joins an imported one, where nobody would answer it."""
    c = t.cases.c
    return sa.and_(c.worker == arrival.worker, c.state["history"].as_boolean().is_(arrival.history))


async def _waiting_case(connection: AsyncConnection, arrival: Arrival) -> int | None:
    message = arrival.message
    if not _is_proven(arrival) or not message.classification.for_person:
        return None
    c = t.cases.c
    statement = sa.select(c.number).where(
        c.sender == _writer(arrival),
        _alike(arrival),
        c.status == "awaiting_customer",
        c.mailbox == arrival.mailbox,
        c.updated_at > arrival.received_at - JOIN_WINDOW,
    )
    rows = (await connection.execute(statement.limit(2))).scalars().all()
    return int(rows[0]) if len(rows) == 1 else None


async def _open_case(connection: AsyncConnection, arrival: Arrival) -> int:
    number = (await connection.execute(sa.text("SELECT nextval(pg_get_serial_sequence('cases', 'number'))"))).scalar_one()
    case = Case(
        number=int(number),
        worker=arrival.worker,
        mailbox=arrival.mailbox,
        shop=arrival.shop,
        release=arrival.release,
        status="open",
        opened_at=arrival.received_at,
        history=arrival.history,
    )
    columns = dict(case_columns(case, arrival.received_at))
    columns.update(
        number=case.number,
        worker=case.worker,
        mailbox=case.mailbox,
        shop=case.shop,
        opened_at=case.opened_at,
        state_version=STATE_VERSION,
        sender=_writer(arrival),
        subject=clean(arrival.message.subject[:500]),
    )
    await connection.execute(sa.insert(t.cases).values(**columns))
    return case.number


async def _store_message(connection: AsyncConnection, arrival: Arrival, *, raw: int, case: int | None) -> int:
    message = arrival.message
    row: dict[str, Any] = {
        "worker": arrival.worker,
        "case": case,
        "raw": raw,
        "direction": "in",
        "message_id": clean(message.message_id),
        "sender": _writer(arrival),
        "recipient": arrival.mailbox,
        "subject": clean(message.subject[:1000]),
        "text": clean(message.new_text.text[:100_000]),
        "kind": message.classification.kind,
        "at": arrival.received_at,
        "parsed": plain(message),
    }
    statement = sa.insert(t.messages).values(**row).returning(t.messages.c.id)
    return int((await connection.execute(statement)).scalar_one())


class RawMails:
    """The stored bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bytes_of(self, raw: int) -> bytes:
        """A mail as it came."""
        statement = sa.select(t.raw_chunks.c.data).where(t.raw_chunks.c.mail == raw).order_by(t.raw_chunks.c.number)
        async with self._database.begin() as connection:
            chunks: Sequence[bytes] = (await connection.execute(statement)).scalars().all()
        return b"".join(zlib.decompress(chunk) for chunk in chunks)

    async def unparsed(self) -> Sequence[Any]:
        """Mails of which a part could not be parsed: kept whole, shown to a person as far as they could be read."""
        statement = sa.select(t.raw_mails).where(t.raw_mails.c.status == "unparsed").order_by(t.raw_mails.c.id)
        async with self._database.begin() as connection:
            return (await connection.execute(statement)).all()
