"""Workers in one process: one at a time on a case, harmless wake-ups, nothing that fails spins or is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from house import House, open_house, order_in, reading

from caseworker.core.errors import StoreAway
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Context, MailText, Reading
from caseworker.store import cases as store_cases


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(database_url, tmp_path, readings={}) as opened:
        yield opened


async def _cancel(house: House, subject: str = "cancel") -> int:
    order = order_in(house, "paid", "processing")
    house.readings[subject] = reading("cancel_order", fields={"order_number": order["number"]})
    return (await house.mail(subject, "Cancel it.", sender=order["email"])).case


async def test_of_two_workers_on_a_case_one_works_and_the_other_leaves(house: House) -> None:
    case = await _cancel(house)
    drains = [house.app.worker().drain for _ in range(6)]
    assert len({drain.owner for drain in drains}) == 6
    await asyncio.gather(*(drain.look(case) for drain in drains))
    assert isinstance(house.reader, ScriptedReader)
    assert len(house.reader.seen) == 1, "read once"
    assert len(house.outbox.mails) == 1
    assert house.outbox.repeats == 0
    assert house.sql("select lease_owner, lease_until from cases") == [("", None)], "given back"


async def test_looking_again_changes_nothing(house: House) -> None:
    case = await _cancel(house)
    drain = house.app.worker().drain
    await drain.look(case)
    [(lines, events)] = house.sql("select next_line, next_seq from cases")
    for _ in range(3):
        await drain.look(case)
    assert house.sql("select next_line, next_seq from cases") == [(lines, events)]
    await drain.look(4711)  # a case that does not exist harms nobody


async def test_a_mail_that_comes_while_the_case_is_held_is_seen_by_the_holder(house: House) -> None:
    """Its own job finds the lease taken and ends; the holder looks once more after giving the case back."""
    order = order_in(house, "delivered")
    came: list[int] = []

    class Interrupted(ScriptedReader):
        async def read(self, mail: MailText, *, context: Context, **given: object) -> Reading:  # type: ignore[override]
            if not came:
                came.append(1)
                letter = await house.mail("where 2", "Another thing.", sender=order["email"], references="<first@x.example>")
                await house.app.worker().drain.look(letter.case)  # the second mail's job: finds the lease taken
                assert len(house.reader.seen) == 0  # type: ignore[attr-defined]
            return await super().read(mail, context=context, **given)  # type: ignore[arg-type]

    house.readings["where"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    house.reader = house.app._reader = Interrupted(house.readings)
    taken = await house.mail("where 1", "One thing.", sender=order["email"], message_id="<first@x.example>")
    await house.app.worker().drain.look(taken.case)
    assert house.sql("select count(*) from events where kind = 'mail' and done_at is not null") == [(2,)]
    assert house.sql("select count(*) from cases") == [(1,)]


async def test_a_frozen_worker_that_wakes_up_commits_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_cases, "LEASE", timedelta(milliseconds=200))
    case = await _cancel(house)
    frozen, living = house.app.worker().drain, house.app.worker().drain
    blocked, read_on = asyncio.Event(), asyncio.Event()
    scripted = ScriptedReader(house.readings)

    class Frozen(ScriptedReader):
        async def read(self, mail: MailText, **given: object) -> Reading:  # type: ignore[override]
            blocked.set()
            await read_on.wait()
            return await scripted.read(mail, **given)  # type: ignore[arg-type]

    frozen.hearing = replace(frozen.hearing, reader=Frozen({}))
    zombie = asyncio.create_task(frozen.look(case))
    await blocked.wait()
    await asyncio.sleep(0.3)
    monkeypatch.setattr(store_cases, "LEASE", timedelta(seconds=10))
    await living.look(case)
    lines = house.sql("select next_line from cases")
    read_on.set()
    await zombie
    assert house.sql("select next_line from cases") == lines
    assert len(house.outbox.mails) == 1
    assert house.sql("select operation, status from effects order by id") == [("orders.cancel", "done"), ("mail.send", "done")]


async def test_a_reply_that_cannot_be_written_is_set_aside_and_does_not_spin(house: House) -> None:
    case = await _cancel(house)
    stop = await house.app.control.stop(scope="action", value="mail.send", by="t", now=house.clock.at)
    await house.work()
    house.sql("update effects set arguments = jsonb_set(arguments, '{to}', '\"no address\"') where kind = 'send'")
    await house.app.control.lift(now=house.clock.at, stop=stop)
    await house.work()
    [aside] = await house.app.control.aside()
    assert (aside["case"], aside["error"]["code"]) == (case, "not_composed")


async def test_an_effect_that_fails_unforeseen_backs_off_and_is_set_aside(house: House) -> None:
    case = await _cancel(house)
    house.app._transport = _Broken()
    await house.work()
    assert list(await house.app.control.due_cases(house.clock.at, 10)) == [], "it waits: no hot loop"
    await house.pass_time(step=60, until=1800)
    assert 2 <= _Broken.tries <= 10
    [aside] = await house.app.control.aside()
    assert aside["case"] == case
    assert "KeyError" in aside["error"]["message"]


class _Broken:
    name = "broken"
    tries = 0

    async def send(self, raw: bytes, **_: object) -> str:
        _Broken.tries += 1
        raise KeyError("unforeseen")


async def test_a_database_that_blinks_while_a_case_is_given_back_does_not_keep_it(house: House) -> None:
    case = await _cancel(house)
    drain = house.app.worker().drain
    store = drain.cases

    class Blinking:
        async def give_up(self, lease: object) -> None:
            raise StoreAway("away")

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    drain.cases = Blinking()  # type: ignore[assignment]
    await drain.look(case)
    assert drain.held == set(), "so its heartbeat ends and the lease runs out"
