"""The promises of `CaseStore` and `EffectStore`, on PostgreSQL: leases and fences, order, one commit or none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from caseworker.cases.intake import Arrival, Taken
from caseworker.cases.model import Case, Entry, Event, NewEvent, PlannedEffect, Step
from caseworker.cases.ports import AlreadyAwake, EffectOutcome, Lease, Limits
from caseworker.core.errors import FenceLost, StoreError, UsageError
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.engine.jobs import Jobs
from caseworker.mail.model import MailboxSettings
from caseworker.mail.parse import event_id, parse
from caseworker.mail.thread import hints
from caseworker.store import cases as store_cases
from caseworker.store.cases import PostgresCases
from caseworker.store.control import PostgresControl
from caseworker.store.database import Database
from caseworker.store.effects import PostgresEffects
from caseworker.store.intake import PostgresIntake
from caseworker.store.people import PostgresQueue

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
BOX = "service@nordwind.example"


@dataclass
class Stores:
    """All stores over one database."""

    database: Database
    jobs: Jobs
    cases: PostgresCases
    effects: PostgresEffects
    intake: PostgresIntake
    control: PostgresControl
    queue: PostgresQueue

    async def mail(
        self, name: str, *, to: str = BOX, sender: str = "c@private.example", at: datetime = AT, reply_to: str = ""
    ) -> Taken:
        raw = f"From: {sender}\r\nTo: {to}\r\nSubject: {name}\r\nMessage-ID: <{name}@x.example>\r\n"
        raw += f"In-Reply-To: <{reply_to}@x.example>\r\n" if reply_to else ""
        raw += f"\r\nwords {name}\r\n"
        settings = MailboxSettings(address=BOX, own_addresses=frozenset({BOX}))
        message = parse(raw.encode(), settings, envelope_from=sender)
        arrival = Arrival(
            raw=raw.encode(),
            event_id=event_id(BOX, message),
            mailbox=BOX,
            worker="retail",
            shop="base",
            release="r1",
            envelope_from=sender,
            message=message,
            hints=hints(message, settings),
            token_cases=(),
            received_at=at,
        )
        return await self.intake.receive(arrival)

    async def reply_in(self, case: int, name: str, *, at: datetime = AT) -> Taken:
        """One more mail of the same case."""
        [(first,)] = self.sql(f'select min(message_id) from messages where "case" = {case}')
        return await self.mail(name, at=at, reply_to=str(first).partition("@")[0])

    async def taken(self, name: str = "m1") -> tuple[int, Lease]:
        case = (await self.mail(name)).case
        lease = await self.cases.take(case, "one")
        assert lease is not None
        return case, lease

    async def state(self, case: int) -> Case:
        """The case as a worker would commit it: it knows its customer."""
        return replace(await self.cases.load(case), sender="c@private.example")

    async def enqueue(self, case: int) -> None:
        async with self.database.begin() as connection:
            await self.jobs.wake((await connection.get_raw_connection()).driver_connection, case, 0)

    async def event(self, case: int, now: datetime = AT) -> Event:
        found = await self.cases.next_event(case, now)
        assert found is not None
        return found

    def sql(self, statement: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.database.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[Stores]:
    database, jobs = Database(database_url), Jobs(database_url, pool=2)
    await jobs.open()
    cases = PostgresCases(database)
    yield Stores(
        database,
        jobs,
        cases,
        PostgresEffects(database, cases),
        PostgresIntake(database, jobs.wake),
        PostgresControl(database, jobs.wake),
        PostgresQueue(database, jobs.wake),
    )
    await jobs.close()
    await database.close()


def _refund(case: int, *, key: str = "", amount: int = 1000, payment: str = "P-1") -> PlannedEffect:
    return PlannedEffect(
        key=key or f"{case}/1.1/refund_now/refund",
        kind="write",
        request=1,
        name="refund",
        operation="payments.refund",
        arguments={"payment": Ref("sandbox", "payment", payment), "amount": Money(amount, "EUR")},
        amount=Money(amount, "EUR"),
    )


# -- leases and fences ----------------------------------------------------------------------------------------------------


async def test_one_worker_has_a_case_until_it_gives_it_back(stores: Stores) -> None:
    case, lease = await stores.taken()
    assert await stores.cases.take(case, "other") is None
    assert await stores.cases.take(case, "one") is None, "not even to itself: two tasks of a worker are two"
    await stores.cases.give_up(lease)
    again = await stores.cases.take(case, "other")
    assert again is not None
    assert again.fence > lease.fence


async def test_of_many_that_reach_for_a_case_one_gets_it(stores: Stores) -> None:
    case = (await stores.mail("m1")).case
    leases = await asyncio.gather(*(stores.cases.take(case, f"w{n}") for n in range(12)))
    assert sum(lease is not None for lease in leases) == 1


async def test_who_lost_a_case_can_commit_nothing(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_cases, "LEASE", timedelta(milliseconds=50))
    case, zombie = await stores.taken()
    event, state = await stores.event(case), await stores.state(case)
    await asyncio.sleep(0.1)
    monkeypatch.setattr(store_cases, "LEASE", timedelta(seconds=10))
    living = await stores.cases.take(case, "living")
    assert living is not None, "a lease that ran out is taken over"
    assert not await stores.effects.holds(zombie)
    step = Step(replace(state, subject="zombie"), effects=(_refund(case),), entries=(Entry("zombie", {}),))
    with pytest.raises(FenceLost):
        await stores.cases.commit(zombie, event, step, AT)
    with pytest.raises(FenceLost):
        await stores.cases.fail(zombie, event, "no", None)
    assert stores.sql("select count(*) from effects") == [(0,)]
    assert stores.sql("select count(*) from timeline") == [(0,)]
    await stores.cases.give_up(zombie)
    assert await stores.cases.take(case, "third") is None, "a zombie gives nobody else's lease back"
    await stores.cases.commit(living, event, Step(state, effects=(_refund(case),)), AT)
    [effect] = [await stores.effects.next(case, AT)]
    assert effect is not None
    for attempt in (
        stores.effects.begin(zombie, effect, locks=(), limit=None, now=AT),
        stores.effects.end(zombie, effect, EffectOutcome("done", {}, {}), now=AT),
    ):
        with pytest.raises(FenceLost):
            await attempt
    assert (await stores.effects.get(effect.id)).status == "planned"


async def test_without_the_fence_a_zombie_does_commit(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch that a chaos run needs to prove that it would see the damage."""
    monkeypatch.setattr(store_cases, "LEASE", timedelta(milliseconds=20))
    case, zombie = await stores.taken()
    event, state = await stores.event(case), await stores.state(case)
    await asyncio.sleep(0.05)
    assert await stores.cases.take(case, "living") is not None
    careless = PostgresCases(stores.database, fence=False)
    await careless.commit(zombie, event, Step(replace(state, subject="zombie")), AT)
    assert (await stores.cases.load(case)).subject == "zombie"


async def test_only_what_is_worked_on_stays_leased(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease whose return failed must run out, though its worker lives on."""
    monkeypatch.setattr(store_cases, "LEASE", timedelta(milliseconds=300))
    busy, _ = await stores.taken("m1")
    forgotten, _ = await stores.taken("m2")
    for _ in range(5):
        await asyncio.sleep(0.1)
        await stores.cases.renew("one", {busy})
    assert await stores.cases.take(forgotten, "other") is not None
    assert await stores.cases.take(busy, "other") is None


async def test_a_lease_that_ran_out_is_not_renewed(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_cases, "LEASE", timedelta(milliseconds=20))
    case, lease = await stores.taken()
    await asyncio.sleep(0.05)
    monkeypatch.setattr(store_cases, "LEASE", timedelta(seconds=10))
    await stores.cases.renew("one", {case})
    assert not await stores.effects.holds(lease)


# -- events ---------------------------------------------------------------------------------------------------------------


async def test_events_end_by_sequence_whatever_their_times_say(stores: Stores) -> None:
    case, lease = await stores.taken()
    await stores.reply_in(case, "earlier", at=AT - timedelta(days=3))
    ended = []
    while event := await stores.cases.next_event(case, AT):
        ended.append(event.seq)
        await stores.cases.commit(lease, event, Step(await stores.state(case)), AT)
    assert ended == [1, 2]
    assert not await stores.cases.has_due(case, AT)


async def test_a_mail_that_waits_for_another_try_keeps_later_mails_waiting(stores: Stores) -> None:
    case, lease = await stores.taken()
    second = await stores.reply_in(case, "second")
    assert second.case == case
    await stores.cases.fail(lease, await stores.event(case), "the shop is away", AT + timedelta(minutes=1))
    await stores.cases.give_up(lease)
    assert await stores.cases.next_event(case, AT) is None
    assert not await stores.cases.has_due(case, AT), "or its worker would look again and again"
    assert list(await stores.control.due_cases(AT, 10)) == []
    assert await stores.control.next_due() == AT + timedelta(minutes=1)
    later = AT + timedelta(minutes=2)
    assert list(await stores.control.due_cases(later, 10)) == [case]
    assert (await stores.event(case, later)).seq == 1


async def test_an_event_set_aside_lets_the_next_ones_pass_and_comes_back_on_demand(stores: Stores) -> None:
    case, lease = await stores.taken()
    await stores.reply_in(case, "second")
    await stores.cases.fail(lease, await stores.event(case), "nonsense", None)
    assert (await stores.event(case)).seq == 2
    [aside] = await stores.control.aside()
    assert (aside["case"], aside["error"]) == (case, "nonsense")
    assert await stores.control.retry(case=case, now=AT) == 1
    event = await stores.event(case)
    assert (event.seq, event.attempts) == (1, 0)


async def test_a_timer_replaces_the_one_of_its_name_and_blocks_nothing(stores: Stores) -> None:
    case, lease = await stores.taken()
    state = await stores.state(case)
    first = NewEvent("remind", "timer", {"name": "remind"}, AT + timedelta(days=3))
    await stores.cases.commit(lease, await stores.event(case), Step(state, timers=(first,)), AT)
    await stores.reply_in(case, "second")
    assert (await stores.event(case)).kind == "mail", "a timer that is not due is not waited for"
    later = replace(first, due_at=AT + timedelta(days=4))
    await stores.cases.commit(lease, await stores.event(case), Step(state, timers=(later,)), AT)
    assert await stores.cases.next_event(case, AT + timedelta(days=3, hours=1)) is None
    timer = await stores.event(case, AT + timedelta(days=4))
    await stores.cases.commit(lease, timer, Step(state), AT)
    again = replace(first, due_at=AT + timedelta(days=9))
    await stores.reply_in(case, "third")
    await stores.cases.commit(lease, await stores.event(case), Step(state, timers=(again,)), AT)
    assert (await stores.event(case, AT + timedelta(days=9))).kind == "timer", "the name of a timer that is over is free again"


async def test_a_commit_is_whole_or_nothing(stores: Stores) -> None:
    case, lease = await stores.taken()
    state = await stores.state(case)
    impossible = Entry("x", {"value": object()})
    with pytest.raises(TypeError):
        await stores.cases.commit(
            lease, await stores.event(case), Step(state, effects=(_refund(case),), entries=(impossible,)), AT
        )
    assert stores.sql("select count(*) from effects") == [(0,)]
    assert (await stores.event(case)).seq == 1


async def test_a_case_that_does_not_exist_is_said_to_be_so(stores: Stores) -> None:
    with pytest.raises(UsageError, match="no case 4711"):
        await stores.cases.load(4711)
    assert await stores.cases.take(4711, "one") is None


# -- effects --------------------------------------------------------------------------------------------------------------


async def _planned(stores: Stores, name: str, effect: Callable[[int], PlannedEffect], owner: str) -> tuple:
    case = (await stores.mail(name)).case
    lease = await stores.cases.take(case, owner)
    assert lease is not None
    await stores.cases.commit(lease, await stores.event(case), Step(await stores.state(case), effects=(effect(case),)), AT)
    found = await stores.effects.next(case, AT)
    assert found is not None
    return lease, found


async def test_the_same_effect_planned_twice_is_one(stores: Stores) -> None:
    case, lease = await stores.taken()
    await stores.reply_in(case, "second")
    state = await stores.state(case)
    for _ in range(2):
        await stores.cases.commit(lease, await stores.event(case), Step(state, effects=(_refund(case),)), AT)
    assert stores.sql("select count(*) from effects") == [(1,)]


async def test_a_payments_lock_lets_one_effect_through_at_a_time(stores: Stores) -> None:
    one, first = await _planned(stores, "a", lambda case: _refund(case, amount=100), "one")
    two, second = await _planned(stores, "b", lambda case: _refund(case, amount=200), "two")
    begun = [
        await stores.effects.begin(lease, effect, locks=["base:payment:P-1"], limit=None, now=AT)
        for lease, effect in ((one, first), (two, second))
    ]
    assert [intent.verdict for intent in begun] == ["go", "busy"]
    await stores.effects.end(one, first, EffectOutcome("done", {}, {}), now=AT)
    again = await stores.effects.begin(two, second, locks=["base:payment:P-1"], limit=None, now=AT)
    assert again.verdict == "go"


async def test_the_same_act_for_the_same_record_by_another_case_is_a_repeat(stores: Stores) -> None:
    one, first = await _planned(stores, "a", _refund, "one")
    two, second = await _planned(stores, "b", _refund, "two")
    assert (await stores.effects.begin(one, first, locks=[], limit=None, now=AT)).verdict == "go"
    assert (await stores.effects.begin(two, second, locks=[], limit=None, now=AT)).verdict == "repeat"


async def test_two_cases_at_once_do_not_pass_the_days_limit_together(stores: Stores) -> None:
    made = [await _planned(stores, f"m{n}", lambda case: _refund(case, payment=f"P-{case}"), f"w{n}") for n in range(6)]
    limit = Limits("base:c@private.example", "EUR", 1000, None, 3000)
    intents = await asyncio.gather(
        *(stores.effects.begin(lease, effect, locks=[], limit=limit, now=AT) for lease, effect in made)
    )
    assert sorted(intent.verdict for intent in intents) == ["go", "go", "go", "limit", "limit", "limit"]


# -- jobs inside a transaction -----------------------------------------------------------------------------------------------


def _jobs(stores: Stores) -> int:
    [(count,)] = stores.sql("select count(*) from procrastinate_jobs")
    return count


async def test_a_job_follows_its_transaction(stores: Stores) -> None:
    async def broken() -> None:
        async with stores.database.begin() as connection:
            await stores.jobs.wake((await connection.get_raw_connection()).driver_connection, 1, 0)
            raise UsageError("something else went wrong")

    with pytest.raises(UsageError):
        await broken()
    assert _jobs(stores) == 0
    await stores.enqueue(1)
    assert _jobs(stores) == 1


async def test_a_case_that_is_to_be_looked_at_already_does_not_spoil_the_next_mail(stores: Stores) -> None:
    case, _ = await stores.taken()
    assert _jobs(stores) == 1
    second = await stores.reply_in(case, "second")
    assert (second.case, _jobs(stores)) == (case, 1), "one job, and the second mail is stored all the same"
    assert stores.sql("select count(*) from messages") == [(2,)]
    with pytest.raises(AlreadyAwake):
        await stores.enqueue(case)


async def test_a_broken_statement_is_a_store_error(stores: Stores) -> None:
    import sqlalchemy as sa

    with pytest.raises(StoreError, match="refused"):
        async with stores.database.begin() as connection:
            await connection.execute(sa.text("select nonsense"))
