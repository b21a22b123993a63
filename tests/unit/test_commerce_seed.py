"""The generated shop and the form of shop.json."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caseworker.commerce.adapters.sandbox import form
from caseworker.commerce.adapters.sandbox.faults import Faults
from caseworker.commerce.adapters.sandbox.form import ShopError
from caseworker.commerce.adapters.sandbox.seed import DEFAULT_AT, generate, stamp
from caseworker.commerce.errors import BadArguments

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "shop-json.md"


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return generate()


def test_the_shop_is_the_same_for_the_same_seed() -> None:
    few = {"customers": 50, "orders": 100}
    assert generate(5, DEFAULT_AT, **few) == generate(5, DEFAULT_AT, **few)
    assert generate(5, DEFAULT_AT, **few) != generate(6, DEFAULT_AT, **few)


def test_the_shop_is_complete_and_consistent(shop: dict[str, Any]) -> None:
    assert form.read(shop) == shop


def test_the_shop_is_large_and_european(shop: dict[str, Any]) -> None:
    orders = shop["orders"]
    assert len(shop["customers"]) >= 2000
    assert len(orders) >= 6000
    assert {customer["country"] for customer in shop["customers"]} == {"DE", "AT", "GB", "IE", "FR", "NL", "PL", "ES"}
    assert {order["currency"] for order in orders} == {"EUR", "GBP", "PLN"}
    assert len({line["category"] for order in orders for line in order["lines"]}) == 10
    assert all({"en", "de"} <= set(line["titles"]) for order in orders for line in order["lines"])
    assert all(re.fullmatch(r"NW-202[56]-\d{6}", order["number"]) for order in orders)
    assert len({customer["email"] for customer in shop["customers"]}) == len(shop["customers"])


def test_nothing_has_happened_after_the_shops_present(shop: dict[str, Any]) -> None:
    now = stamp(DEFAULT_AT)
    for order in shop["orders"]:
        past = [order["placed_at"], order["shipped_at"], order["delivered_at"]]
        past += [parcel[name] for parcel in order["shipments"] for name in ("shipped_at", "delivered_at", "last_scan_at")]
        past += [back[name] for back in order["returns"] for name in ("created_at", "received_at", "refunded_at")]
        assert all(moment is None or moment <= now for moment in past), order["number"]
        for back in order["returns"]:
            moments = [back[name] for name in ("created_at", "received_at", "refunded_at") if back[name]]
            assert moments == sorted(moments), order["number"]
            assert back["created_at"] > order["delivered_at"], order["number"]
            assert back["state"] != "refunded" or back["refunded_at"], order["number"]


def test_recent_weeks_hold_every_situation_that_customers_write_about(shop: dict[str, Any]) -> None:
    now, recent = stamp(DEFAULT_AT), [order for order in shop["orders"] if order["placed_at"] > "2026-10-03"]
    situations: Counter[str] = Counter(order["state"] for order in recent)
    for order in recent:
        situations["split payment"] += len(order["payments"]) > 1
        situations["split parcels"] += len(order["shipments"]) > 1
        situations["final sale"] += order["state"] == "delivered" and any(line["final_sale"] for line in order["lines"])
        situations["partial refund"] += any(payment["state"] == "partly_refunded" for payment in order["payments"])
        for parcel in order["shipments"]:
            situations[parcel["state"]] += 1
            situations["late parcel"] += parcel["state"] == "in_transit" and parcel["expected_at"] < now
        for back in order["returns"]:
            situations[f"return {back['state']}"] += 1
            situations["refund overdue"] += back["state"] == "received" and back["refund_due_at"] < now
    for situation in (
        *("placed", "paid", "processing", "partly_shipped", "shipped", "delivered", "cancelled", "returned", "fraud_review"),
        *("split payment", "split parcels", "final sale", "partial refund", "late parcel", "lost", "at_pickup_point"),
        *("return requested", "return in_transit", "return received", "return refunded", "return rejected", "refund overdue"),
    ):
        assert situations[situation] >= 10, (situation, situations[situation])


def small(**order: object) -> dict[str, Any]:
    line = {"id": "L1", "sku": "S", "title": "Scarf", "unit_price": "20.00"}
    address = {"street": "Lindenallee 3", "postcode": "20144", "city": "Hamburg", "country": "DE"}
    given = {"number": "NW-1", "placed_at": "2026-11-20T10:00:00+01:00", "customer": "C-1", "address": address, "lines": [line]}
    return {"customers": [{"id": "C-1", "email": "a@example.org", "language": "de"}], "orders": [{**given, **order}]}


def test_what_is_left_out_follows_from_the_rest() -> None:
    parcels = [{"state": "delivered", "lines": [{"line": "L1"}]}]
    order = form.read(small(state="delivered", payments=[{"captured": 20, "refunded": "5"}], shipments=parcels))["orders"][0]
    assert (order["id"], order["email"], order["language"], order["country"]) == ("NW-1", "a@example.org", "de", "DE")
    assert order["placed_at"] == "2026-11-20T09:00:00Z"
    assert (order["lines"][0]["shipped"], order["lines"][0]["delivered"], order["lines"][0]["cancelled"]) == (1, 1, 0)
    payment = order["payments"][0]
    assert (payment["id"], payment["captured"], payment["refunded"], payment["state"]) == (
        *("P-NW-1-1", "20.00", "5.00", "partly_refunded"),
    )
    assert form.read({"orders": [order], "customers": small()["customers"]})["orders"] == [order]


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"payments": [{"captured": "12.3.4"}]}, 'orders[0].payments[0].captured: "12.3.4" is no amount'),
        ({"payments": [{"captured": 12.3}]}, "orders[0].payments[0].captured: 12.3 is no amount"),
        ({"payments": [{"captured": "-1"}]}, 'orders[0].payments[0].captured: "-1" is negative'),
        ({"shipping": "1.005"}, 'orders[0].shipping: "1.005" has more decimals than EUR'),
        ({"currency": "EURO"}, 'orders[0].currency: "EURO" is no ISO 4217 currency'),
        ({"placed_at": "yesterday"}, 'orders[0].placed_at: "yesterday" is no time such as 2026-12-02T09:00:00Z'),
        ({"placed_at": "2026-11-20T10:00:00"}, 'orders[0].placed_at: "2026-11-20T10:00:00" has no time zone; write Z for UTC'),
        ({"customer": "C-9"}, 'orders[0].customer: "C-9" is no customer of this shop'),
        ({"colour": "red"}, "orders[0].colour: is no field of this record"),
        ({"adress": {}}, "orders[0].adress: is no field of this record; perhaps address?"),
        (
            {"payments": [{"captured": "5", "refunded": "6"}]},
            "orders[0].payments[0].refunded: with `in_flight` it is more than was captured",
        ),
        ({"payments": [{"captured": "21"}]}, "orders[0].payments: 21.00 captured is more than the order's total of 20.00"),
        ({"shipments": [{"lines": [{"line": "X"}]}]}, 'orders[0].shipments[0].lines[0].line: "X" is no line of this order'),
        ({"lines": [{"sku": "S", "title": "T"}]}, "orders[0].lines[0].unit_price: is missing"),
    ],
)
def test_problems_say_where_and_what(order: dict[str, object], problem: str) -> None:
    with pytest.raises(ShopError) as refused:
        form.read(small(**order))
    assert problem in refused.value.problems
    assert refused.value.remedy.startswith("Nothing was loaded")


def test_doubled_records_are_found() -> None:
    shop = small()
    shop["customers"] *= 2
    with pytest.raises(ShopError, match='customers: id "C-1" stands 2 times'):
        form.read(shop)


def test_every_field_and_fault_is_in_the_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    tables = (form.ORDER, form.LINE, form.PAYMENT, form.SHIPMENT, form.RETURN, form.CUSTOMER, form.PRODUCT, form.VOUCHER)
    fields = {name for table in (*tables, form.HANDOFF, form.NOTE, form.TRACE, form.INVOICE, form.ADDRESS) for name in table}
    fields |= set(form.KINDS) | set(Faults.__dataclass_fields__)
    assert sorted(name for name in fields if f"`{name}`" not in text and name not in re.findall(r"[a-z_0-9]+", text)) == []


def test_unknown_faults_are_refused() -> None:
    assert Faults.of({"error_500": 1}).hits("error_500", "k", 1)
    for settings in ({"eror_500": 1.0}, {"error_500": 1.5}, {"error_500": True}, {"down": "yes"}, {"idempotency": "some"}):
        with pytest.raises(BadArguments):
            Faults.of(settings)


def test_the_present_can_be_chosen() -> None:
    shop = generate(1, datetime(2025, 3, 1, tzinfo=UTC), customers=20, orders=30)
    assert shop["at"] == "2025-03-01T00:00:00Z"
    assert max(order["placed_at"] for order in shop["orders"]) < shop["at"]
