"""A shop, a relay and a database that misbehave: money moves once, nothing is lost, everything goes on by itself."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
import pytest
from house import MAILBOX, House, overdue_return, reading

from caseworker.commerce.errors import OutcomeUnknown, Unavailable
from caseworker.commerce.model import Receipt
from caseworker.commerce.ports import Capabilities, Commerce, Operation, WriteCall
from caseworker.core.errors import StoreError


@dataclass
class Stumbling:
    """A shop whose writes fail as often as a test says, before or after they were carried out."""

    shop: Commerce
    refuse: int = 0
    lose: int = 0
    cannot_tell: int = 0
    calls: list[str] = field(default_factory=list)

    def operations(self) -> Mapping[str, Operation]:
        return self.shop.operations()

    def capabilities(self) -> Capabilities:
        return self.shop.capabilities()

    async def read(self, shop: str, operation: str, arguments: Mapping[str, object]) -> object:
        return await self.shop.read(shop, operation, arguments)

    async def write(self, call: WriteCall) -> Receipt:
        self.calls.append(call.operation)
        if self.refuse:
            self.refuse -= 1
            raise Unavailable("Error 500.")
        receipt = await self.shop.write(call)
        if self.lose:
            self.lose -= 1
            raise OutcomeUnknown("No answer.")
        return receipt

    async def read_back(self, call: WriteCall) -> Receipt | None:
        if self.cannot_tell:
            self.cannot_tell -= 1
            raise OutcomeUnknown("It does not say.")
        return await self.shop.read_back(call)


async def _refund_wanted(house: House, *, subject: str = "my money", order: dict | None = None) -> tuple[dict, int]:
    order = order or await overdue_return(house)
    house.readings[subject] = reading("refund_status", fields={"order_number": order["number"]})
    taken = await house.mail(subject, "Where is my refund?", sender=order["email"])
    return order, taken.case


def _minor(order: dict) -> int:
    return int(order["returns"][0]["amount"].replace(".", ""))


async def test_a_shop_that_answers_500_is_asked_again_and_pays_once(house: House) -> None:
    order, case = await _refund_wanted(house)
    house.app.commerce = shop = Stumbling(house.sandbox, refuse=2)
    await house.work()
    assert await house.paid_back(order) == []
    assert house.outbox.texts == []
    await house.pass_time(step=5, until=60)
    assert await house.paid_back(order) == [_minor(order)]
    assert len(shop.calls) == 3
    assert len(house.outbox.texts) == 1
    assert (await house.file(case)).case.status == "closed"


async def test_a_lost_answer_is_read_back_and_the_money_moves_once(house: House) -> None:
    """With a shop that would pay a second time for the same key."""
    await house.sandbox.misbehave({"idempotency": "none"})
    order, case = await _refund_wanted(house)
    house.app.commerce = shop = Stumbling(house.sandbox, lose=1, cannot_tell=2)
    await house.work()
    assert house.outbox.texts == [], "nothing is claimed while nobody knows"
    await house.pass_time(step=5, until=120)
    assert await house.paid_back(order) == [_minor(order)]
    assert shop.calls == ["payments.refund"]
    assert "We have refunded" in house.outbox.texts[-1]
    assert (await house.file(case)).case.status == "closed"


async def test_what_nobody_can_tell_goes_to_a_person_and_is_never_paid_again(house: House) -> None:
    await house.sandbox.misbehave({"idempotency": "none"})
    order, case = await _refund_wanted(house)
    house.app.commerce = shop = Stumbling(house.sandbox, lose=1, cannot_tell=1000)
    await house.work()
    await house.pass_time(step=1200, until=1200 * 30)
    assert shop.calls == ["payments.refund"]
    assert await house.paid_back(order) == [_minor(order)]
    assert [item.case for item in await house.app.people.waiting()] == [case]
    assert not any("We have refunded" in text for text in house.outbox.texts)
    [told] = [text for text in house.outbox.texts if "colleague" in text]
    assert told


async def test_a_shop_that_is_down_is_waited_for(house: House) -> None:
    await house.sandbox.misbehave({"down": True})
    order, case = await _refund_wanted(house)
    await house.work()
    await house.pass_time(step=60, until=3600)
    assert await house.app.control.aside() == [], "an hour without the shop sets nothing aside"
    assert await house.app.people.waiting() == []
    await house.sandbox.misbehave({})
    await house.pass_time(step=60, until=900)
    assert await house.paid_back(order) == [_minor(order)]
    assert (await house.file(case)).case.status == "closed"
    assert len(house.outbox.texts) == 1


async def test_two_cases_at_once_about_the_same_money_move_it_once(house: House) -> None:
    await house.sandbox.misbehave({"idempotency": "none", "race": True})
    order, first = await _refund_wanted(house)
    _, second = await _refund_wanted(house, subject="money again", order=order)
    assert first != second
    one, other = house.app.worker().drain, house.app.worker().drain
    await asyncio.gather(one.look(first), other.look(second))
    await house.pass_time(step=5, until=60)
    assert await house.paid_back(order) == [_minor(order)]
    assert len(house.outbox.texts) == 2, "both are answered"


async def test_a_database_that_is_away_refuses_the_mail_whole(house: House) -> None:
    """The sender keeps a mail that was not stored: half of it would be lost for ever."""
    connections = (
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    raw = b"From: c@private.example\r\nSubject: now\r\nMessage-ID: <now@x.example>\r\n\r\nwords\r\n"
    await house.mail("before", "words", sender="c@private.example")

    async def cut() -> None:
        for _ in range(40):
            house.sql(connections)
            await asyncio.sleep(0.005)

    results, _ = await asyncio.gather(
        asyncio.gather(
            *(
                house.app.intake.take(raw.replace(b"now@", f"{n}@".encode()), mailbox=MAILBOX, envelope_from="c@x.example")
                for n in range(40)
            ),
            return_exceptions=True,
        ),
        cut(),
    )
    failed = [result for result in results if isinstance(result, BaseException)]
    assert failed, "the database was away for some of them"
    assert [type(error) for error in failed if not isinstance(error, StoreError)] == []
    stored = 1 + len(results) - len(failed)
    for table in ("raw_mails", "messages", "cases", "events"):
        [(count,)] = house.sql(f"select count(*) from {table}")
        assert count == stored, table
    again = await house.app.intake.take(raw, mailbox=MAILBOX, envelope_from="c@x.example")
    assert again.new_case, "the same process goes on when the database is back"


async def test_without_a_database_intake_says_so(house: House) -> None:
    url = house.app.database.url
    name = url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false')
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        try:
            with pytest.raises(StoreError):
                await house.mail("x", "words", sender="c@private.example")
            with pytest.raises(StoreError):
                await house.mail("x", "words", sender="c@private.example")
        finally:
            admin.execute(f'alter database "{name}" allow_connections true')
    assert (await house.mail("x", "words", sender="c@private.example")).new_case
