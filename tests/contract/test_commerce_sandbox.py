"""The sandbox keeps every promise of the port, and misbehaves exactly as it is told to."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from caseworker.commerce.adapters.sandbox import Sandbox, ShopError, generate
from caseworker.commerce.conformance import CHECKS, Check, Situation
from caseworker.commerce.errors import (
    AmountExceeded,
    BadArguments,
    Conflict,
    InvalidState,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from caseworker.commerce.model import Order, Receipt
from caseworker.commerce.ports import WriteCall
from caseworker.core.errors import ConfigurationError
from caseworker.core.money import Money

NOW = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


class FixedClock:
    async def now(self) -> datetime:
        return NOW


def shop_order(number: str, state: str) -> dict[str, Any]:
    order: dict[str, Any] = {
        "number": number,
        "state": state,
        "placed_at": "2026-11-20T10:00:00Z",
        "customer": "C-1",
        "shipping": "4.95",
        "address": {"street": "Lindenallee 3", "postcode": "20144", "city": "Hamburg", "country": "DE"},
        "lines": [
            {"sku": "BOOT-38", "title": "Boots", "unit_price": "79.95"},
            {"sku": "SCARF", "title": "Scarf", "unit_price": "19.90"},
        ],
        "payments": [{"captured": "104.80"}],
    }
    if state in ("shipped", "delivered"):
        parcel = "delivered" if state == "delivered" else "in_transit"
        lines = [{"line": f"{number}-{index}"} for index in (1, 2)]
        order["lines"] = [{**line, "id": f"{number}-{index}"} for index, line in enumerate(order["lines"], 1)]
        order["shipments"] = [{"state": parcel, "shipped_at": "2026-11-22T08:00:00Z", "lines": lines}]
    return order


def small_shop(*orders: dict[str, Any]) -> dict[str, Any]:
    customer = {"id": "C-1", "email": "lena.koch@example.org", "name": "Lena Koch", "language": "de", "country": "DE"}
    return {"shop": "Small", "customers": [customer], "orders": list(orders)}


@asynccontextmanager
async def open_sandbox(url: str, *orders: dict[str, Any]) -> AsyncIterator[Sandbox]:
    async with Sandbox(url, FixedClock()) as sandbox:
        await sandbox.install()
        await sandbox.load(small_shop(*orders), "base")
        yield sandbox


@pytest.fixture
async def sandbox(postgres_url: str) -> AsyncIterator[Sandbox]:
    async with open_sandbox(
        postgres_url, shop_order("NW-1", "processing"), shop_order("NW-2", "shipped"), shop_order("NW-3", "delivered")
    ) as opened:
        yield opened


async def find(sandbox: Sandbox, number: str, world: str = "base") -> Order:
    found = await sandbox.read(world, "orders.find", {"number": number})
    assert isinstance(found, tuple)
    [order] = found
    assert isinstance(order, Order)
    return order


def call(operation: str, arguments: dict[str, object], key: str = "k", world: str = "base", **more: Any) -> WriteCall:
    return WriteCall(world, operation, arguments, key, "CW-000001-00", "test", **more)


def refund(order: Order, amount: Money, key: str = "k", world: str = "base") -> WriteCall:
    return call("payments.refund", {"payment": order.payments[0].ref, "amount": amount}, key, world)


def recount(url: str, world: str = "base") -> int:
    """What the ledger says was paid back, in minor units, read without the adapter."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select coalesce(sum(minor), 0) from sandbox.ledger where world = %s and direction = 'refund'", (world,)
        ).fetchone()
    assert row is not None
    return int(row[0])


class Stage:
    shop = "base"
    run = "run"

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self.commerce = sandbox
        self._url = url
        self._made = 0

    async def order(self, situation: Situation) -> Order:
        self._made += 1
        await self.commerce.put("base", "orders", shop_order(f"NW-2026-{self._made}", situation))
        return await find(self.commerce, f"NW-2026-{self._made}")

    async def lose_next_answer(self) -> None:
        # the fault hits every write of the world from now on; a check loses one answer and then reads only
        await self.commerce.misbehave({"timeout_after_commit": 1.0}, "base")

    async def paid_back(self, order: Order) -> Money:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(
                "select coalesce(sum(minor), 0) from sandbox.ledger where world = 'base' and order_number = %s", (order.number,)
            ).fetchone()
        assert row is not None
        return Money(int(row[0]), order.captured.currency)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_conformance(check: Check, postgres_url: str) -> None:
    async with open_sandbox(postgres_url) as sandbox:
        assert check.applies(sandbox.capabilities())
        await check.run(Stage(sandbox, postgres_url))


async def test_the_ledger_counts_what_the_payments_say(sandbox: Sandbox, postgres_url: str) -> None:
    order = await find(sandbox, "NW-3")
    await sandbox.write(refund(order, Money(1000, "EUR"), "a"))
    await sandbox.write(call("orders.refund", {"order": order.ref, "amount": Money(550, "EUR")}, "b"))
    await sandbox.write(call("orders.cancel", {"order": (await find(sandbox, "NW-1")).ref}, "c"))
    total = sum(
        Money.parse(payment["refunded"], "EUR").minor for o in (await sandbox.dump())["orders"] for payment in o["payments"]
    )
    assert recount(postgres_url) == total == 1550 + 10480


async def test_a_shop_without_idempotency_pays_twice(sandbox: Sandbox, postgres_url: str) -> None:
    await sandbox.misbehave({"idempotency": "none"})
    order = await find(sandbox, "NW-3")
    receipts = [await sandbox.write(refund(order, Money(1000, "EUR"))) for _ in range(2)]
    assert [receipt.status for receipt in receipts] == ["done", "done"]
    assert recount(postgres_url) == 2000
    found = await sandbox.read_back(refund(order, Money(1000, "EUR")))
    assert found is not None
    assert found.money_moved == Money(1000, "EUR")


async def test_a_shop_that_reads_without_locking_lets_all_refunds_through(sandbox: Sandbox, postgres_url: str) -> None:
    await sandbox.misbehave({"race": True})
    order = await find(sandbox, "NW-3")
    outcomes = await asyncio.gather(*(sandbox.write(refund(order, order.captured, f"k{index}")) for index in range(4)))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert recount(postgres_url) == 4 * 10480


async def test_faults_are_told_in_words_of_the_port(sandbox: Sandbox, postgres_url: str) -> None:
    order = await find(sandbox, "NW-3")
    write = refund(order, Money(100, "EUR"))
    for settings, error in (
        ({"down": True}, Unavailable),
        ({"error_500": 1.0}, Unavailable),
        ({"rate_limited": 1.0}, RateLimited),
        ({"timeout_before": 1.0}, OutcomeUnknown),
    ):
        await sandbox.misbehave(settings, "base")
        with pytest.raises(error):
            await sandbox.write(write)
    await sandbox.misbehave({}, "base")
    assert recount(postgres_url) == 0
    assert await sandbox.read_back(write) is None


async def test_faults_fall_the_same_way_in_every_run(sandbox: Sandbox) -> None:
    order = await find(sandbox, "NW-3")
    runs = []
    for world in ("one", "two"):
        await sandbox.fork(parent="base", child=world)
        await sandbox.misbehave({"error_500": 0.5, "seed": 4}, world)
        outcomes = await asyncio.gather(
            *(sandbox.write(refund(order, Money(1, "EUR"), f"k{index}", world)) for index in range(12)), return_exceptions=True
        )
        runs.append([isinstance(outcome, Receipt) for outcome in outcomes])
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 12


async def test_a_refused_call_succeeds_when_tried_again(sandbox: Sandbox, postgres_url: str) -> None:
    await sandbox.misbehave({"error_500": 0.5, "timeout_after_commit": 0.3, "seed": 1})
    order = await find_with_retries(sandbox, "NW-3")
    for index in range(10):
        await write_with_retries(sandbox, refund(order, Money(100, "EUR"), f"k{index}"))
    assert recount(postgres_url) == 1000


async def find_with_retries(sandbox: Sandbox, number: str) -> Order:
    while True:
        try:
            return await find(sandbox, number)
        except Unavailable:
            continue


async def write_with_retries(sandbox: Sandbox, write: WriteCall) -> Receipt:
    while True:
        try:
            return await sandbox.write(write)
        except (Unavailable, OutcomeUnknown):
            continue


async def test_a_fork_keeps_its_changes_to_itself(sandbox: Sandbox) -> None:
    before = await sandbox.dump("base")
    await sandbox.fork(parent="base", child="s-17")
    await sandbox.fork(parent="s-17", child="s-17-a")
    order = await find(sandbox, "NW-3", "s-17-a")
    await sandbox.write(refund(order, Money(1000, "EUR"), "k", "s-17-a"))
    await sandbox.write(call("handoff.create", {"case": "c", "summary": "s", "queue": "q"}, "h", "s-17-a"))
    with pytest.raises(AmountExceeded):
        await sandbox.write(refund(await find(sandbox, "NW-1", "s-17-a"), Money(99999, "EUR"), "k2", "s-17-a"))
    assert await sandbox.dump("base") == before
    assert await sandbox.difference("s-17") == []
    changed, new = await sandbox.difference("s-17-a")
    assert (changed["kind"], changed["id"], changed["before"]["payments"][0]["refunded"]) == ("orders", "NW-3", "0.00")
    assert changed["after"]["payments"][0]["refunded"] == "10.00"
    assert (new["kind"], new["before"], new["after"]["queue"]) == ("handoffs", None, "q")
    with pytest.raises(BadArguments, match="has forks"):
        await sandbox.drop("s-17")
    await sandbox.drop("s-17-a")
    with pytest.raises(NotFound):
        await sandbox.dump("s-17-a")


async def test_two_writers_of_one_fork_do_not_overwrite_each_other(sandbox: Sandbox) -> None:
    await sandbox.fork(parent="base", child="fork")
    order = await find(sandbox, "NW-3", "fork")
    await asyncio.gather(
        *(sandbox.write(call("orders.add_note", {"order": order.ref, "text": f"{n}"}, f"n{n}", "fork")) for n in range(8))
    )
    [changed] = await sandbox.difference("fork")
    assert sorted(note["text"] for note in changed["after"]["notes"]) == [str(n) for n in range(8)]


async def test_the_generated_shop_comes_back_as_it_was_loaded(postgres_url: str) -> None:
    shop = generate(3, NOW, customers=150, orders=400)
    async with Sandbox(postgres_url, FixedClock()) as sandbox:
        await sandbox.install()
        await sandbox.load(shop)
        assert await sandbox.dump() == shop
        await sandbox.install()
        await sandbox.load(shop)
        assert await sandbox.dump() == shop


async def test_nothing_is_loaded_where_one_amount_is_wrong(sandbox: Sandbox) -> None:
    before = await sandbox.dump()
    shop = copy.deepcopy(before)
    shop["orders"][1]["payments"][0]["captured"] = "12.3.4"
    with pytest.raises(ShopError) as refused:
        await sandbox.load(shop)
    assert refused.value.problems == ['orders[1].payments[0].captured: "12.3.4" is no amount']
    assert await sandbox.dump() == before


async def test_the_rest_of_the_vocabulary(sandbox: Sandbox) -> None:
    order = await find(sandbox, "NW-2")
    parcel = order.shipments[0].ref
    anew = {"order": order.ref, "lines": [order.lines[0].id]}
    with pytest.raises(InvalidState):  # it is on its way
        await sandbox.write(call("orders.reship", anew, "r1"))
    trace = await sandbox.write(call("shipments.trace", {"shipment": parcel}, "t1"))
    again = await sandbox.write(call("shipments.trace", {"shipment": parcel}, "t2"))
    assert (trace.status, again.status, trace.values) == ("done", "already_done", again.values)
    assert trace.values["answer_by"] == NOW + timedelta(days=5)
    assert (await sandbox.write(call("orders.reship", anew, "r2"))).status == "done", "a parcel that is traced counts as lost"
    voucher = await sandbox.write(call("vouchers.issue", {"customer": order.customer, "amount": Money(500, "EUR")}, "v"))
    assert voucher.money_moved == Money(500, "EUR")
    [person] = await sandbox.read("base", "customers.find", {"email": "Lena.Koch@example.org"})  # type: ignore[misc]  # a tuple
    assert (person.name, person.orders) == ("Lena Koch", 3)
    history = await sandbox.read("base", "customers.history", {"customer": person.ref, "limit": 2})
    assert isinstance(history, tuple)
    assert len(history) == 2
    with pytest.raises(NotFound):
        await sandbox.read("base", "invoices.get", {"order": order.ref})


async def test_a_connection_that_breaks_before_the_commit_leaves_nothing_behind(sandbox: Sandbox, postgres_url: str) -> None:
    order = await find(sandbox, "NW-3")
    await sandbox.misbehave({"race": True}, "base")  # makes every write pause between check and act
    writing = asyncio.create_task(sandbox.write(refund(order, Money(1000, "EUR"))))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        ended = 0
        while not ended and not writing.done():
            await asyncio.sleep(0.002)
            ended = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()"
                " and query like 'select doc%'"
            ).rowcount
    with pytest.raises(Unavailable):
        await writing
    assert recount(postgres_url) == 0
    await sandbox.misbehave({}, "base")
    assert await sandbox.read_back(refund(order, Money(1000, "EUR"))) is None
    assert (await sandbox.write(refund(order, Money(1000, "EUR")))).status == "done"


async def test_what_the_warehouse_changes_makes_older_readings_stale(sandbox: Sandbox) -> None:
    order = await find(sandbox, "NW-1")
    document = await sandbox.record("base", "orders", order.ref.id)
    await sandbox.put("base", "orders", {**document, "state": "paid"})
    with pytest.raises(Conflict):
        await sandbox.write(call("orders.cancel", {"order": order.ref}, expected_version=order.ref.version))
    with pytest.raises(ShopError, match="is no customer of this shop"):
        await sandbox.put("base", "orders", {**document, "customer": "C-9"})


async def test_a_database_without_the_tables_says_what_to_do(postgres_url: str) -> None:
    async with Sandbox(postgres_url, FixedClock()) as sandbox:
        with pytest.raises(ConfigurationError, match="install"):
            await sandbox.dump()


async def test_a_database_that_is_away_is_unavailable(tmp_path: Any) -> None:
    async with Sandbox(f"postgresql://nobody@/none?host={tmp_path}", FixedClock(), timeout=0.3) as sandbox:
        with pytest.raises(Unavailable):
            await sandbox.read("base", "orders.find", {"number": "NW-1"})
