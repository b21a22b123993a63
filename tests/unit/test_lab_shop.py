"""What a shop's records say has happened, and where receipts disagree with them."""

import copy
from decimal import Decimal
from typing import Any

from caseworker.lab.shop import Change, changes, unexplained

NUMBER = "NW-2026-104233"


def order() -> dict[str, Any]:
    return {
        "id": "104233",
        "number": NUMBER,
        "state": "delivered",
        "currency": "EUR",
        "address": {"street": "Lindenallee 3"},
        "lines": [{"id": "104233-1", "cancelled": 0, "sku": "A"}, {"id": "104233-2", "cancelled": 0, "sku": "B"}],
        "payments": [{"id": "P-1", "refunded": "0.00", "in_flight": "0.00"}],
        "shipments": [{"id": "S-1", "trace": None}],
        "returns": [],
        "notes": [],
        "invoice": None,
    }


def difference(after: dict[str, Any], before: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [{"kind": "orders", "id": "104233", "before": before or order(), "after": after}]


def test_a_refund_is_seen_by_the_money() -> None:
    after = order()
    after["payments"][0]["refunded"] = "12.30"
    assert changes(difference(after)) == (Change("payments.refund", NUMBER, (), Decimal("12.30"), "EUR"),)


def test_a_cancel_has_its_money_with_it_and_no_lines_where_it_was_all() -> None:
    after = order()
    after["state"] = "cancelled"
    after["lines"][0]["cancelled"] = after["lines"][1]["cancelled"] = 1
    after["payments"][0]["in_flight"] = "20.00"
    assert changes(difference(after)) == (Change("orders.cancel", NUMBER, (), Decimal("20.00"), "EUR"),)


def test_returns_parcels_and_traces_are_named() -> None:
    after = order()
    after["returns"] = [{"id": "R-1", "state": "requested", "lines": [{"line": "104233-1"}]}]
    after["shipments"] = [
        {"id": "S-1", "trace": {"number": "T"}},
        {"id": "S-2", "trace": None, "lines": [{"line": "104233-2"}]},
    ]
    seen = [(change.operation, change.lines) for change in changes(difference(after))]
    assert seen == [("returns.create", ("104233-1",)), ("orders.reship", ("104233-2",)), ("shipments.trace", ())]


def test_what_has_no_name_is_kept_as_unknown() -> None:
    after = copy.deepcopy(order())
    after["flags"] = ["odd"]
    [change] = changes(difference(after))
    assert change.operation == f"unknown: order {NUMBER}"


def test_receipts_explain_changes_and_changes_receipts() -> None:
    refund = Change("payments.refund", NUMBER, (), Decimal("12.30"), "EUR")
    assert unexplained([refund], [refund]) == ()
    assert unexplained([refund], []) == (f"{NUMBER}: refund without a receipt", f"{NUMBER}: 12.30 went back, receipts say 0")
    assert unexplained([], [Change("shipments.trace", NUMBER)]) == (
        f"{NUMBER}: a receipt of shipments.trace, and nothing changed",
    )
    twice = Change("payments.refund", NUMBER, (), Decimal("24.60"), "EUR")
    assert unexplained([twice], [refund]) == (f"{NUMBER}: 24.60 went back, receipts say 12.30",)


def test_a_refund_beside_a_cancel_is_told_apart_by_the_sum() -> None:
    cancel = Change("orders.cancel", NUMBER, (), Decimal("30.00"), "EUR")
    claims = [
        Change("orders.cancel", NUMBER, (), Decimal(20), "EUR"),
        Change("payments.refund", NUMBER, (), Decimal(10), "EUR"),
    ]
    assert unexplained([cancel], claims) == ()
