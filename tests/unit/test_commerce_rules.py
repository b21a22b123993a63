"""The business rules of the sandbox's shop."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from caseworker.commerce.adapters.sandbox import form, records
from caseworker.commerce.adapters.sandbox.checks import Asked, Effect
from caseworker.commerce.adapters.sandbox.rules import apply, available_actions
from caseworker.commerce.arguments import coerce
from caseworker.commerce.errors import AmountExceeded, BadArguments, Denied, InvalidState, NotFound
from caseworker.commerce.operations import BUILT_IN
from caseworker.core.money import Money
from caseworker.core.refs import Ref

NOW = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
ORDER = Ref("sandbox", "order", "NW-1")


def shop_order(**changes: object) -> dict[str, Any]:
    """Boots (2 x 50.00) and a scarf (20.00), shipping 5.00; paid by gift card (25.00) and card (100.00)."""
    order = {
        "number": "NW-1",
        "state": "processing",
        "placed_at": "2026-11-20T10:00:00Z",
        "customer": "C-1",
        "shipping": "5.00",
        "address": {"street": "Lindenallee 3", "postcode": "20144", "city": "Hamburg", "country": "DE"},
        "lines": [
            {
                "id": "boots",
                "sku": "B-38",
                "title": "Boots",
                "quantity": 2,
                "unit_price": "50.00",
                "attributes": {"size": "38"},
            },
            {"id": "scarf", "sku": "S", "title": "Scarf", "unit_price": "20.00"},
        ],
        "payments": [{"id": "gift", "method": "gift_card", "captured": "25.00"}, {"id": "card", "captured": "100.00"}],
        **changes,
    }
    read: dict[str, Any] = form.read({"customers": [{"id": "C-1", "email": "a@example.org"}], "orders": [order]})["orders"][0]
    return read


def delivered(**changes: object) -> dict[str, Any]:
    parcel = {"id": "box", "state": "delivered", "lines": [{"line": "boots", "quantity": 2}, {"line": "scarf"}]}
    return shop_order(**{"state": "delivered", "shipments": [parcel], **changes})


def do(order: dict[str, Any], operation: str, *, variants: tuple[dict[str, Any], ...] = (), **arguments: object) -> Effect:
    spec = BUILT_IN[operation]
    if spec.parameters[0].type == "Ref[order]":
        arguments = {"order": ORDER, **arguments}
    return apply(operation, order, Asked(coerce(spec, arguments), NOW, "CW-1", "key", variants))


def moved(effect: Effect) -> dict[str, int]:
    return {movement.payment: movement.minor for movement in effect.movements}


def euros(amount: str) -> Money:
    return Money.parse(amount, "EUR")


def test_cancelling_everything_refunds_every_payment_with_the_shipping_fee() -> None:
    order = shop_order()
    effect = do(order, "orders.cancel")
    assert moved(effect) == {"card": 10000, "gift": 2500}
    assert effect.values["amount"] == euros("125.00")
    assert order["state"] == "cancelled"
    assert do(order, "orders.cancel").already


def test_cancelling_pieces_refunds_their_price_and_the_last_ones_the_rest() -> None:
    order = shop_order()
    assert moved(do(order, "orders.cancel", lines=[{"id": "boots", "quantity": 1}])) == {"card": 5000}
    assert order["state"] == "processing"
    assert moved(do(order, "orders.cancel", lines=["boots"])) == {"card": 5000}
    assert moved(do(order, "orders.cancel", lines=["scarf"])) == {"gift": 2500}
    assert order["state"] == "cancelled"


def test_an_order_that_was_not_paid_yet_is_cancelled_without_money() -> None:
    order = shop_order(state="placed", payments=[{"id": "card", "authorised": "125.00"}])
    assert do(order, "orders.cancel").movements == ()
    assert order["payments"][0]["state"] == "voided"


@pytest.mark.parametrize("state", ["shipped", "delivered"])
def test_cancelling_after_shipping_says_the_state(state: str) -> None:
    with pytest.raises(InvalidState) as refused:
        do(shop_order(state=state), "orders.cancel", lines=["scarf"])
    assert (refused.value.current, refused.value.allowed[:2]) == (state, ("placed", "paid"))


def test_what_is_not_shipped_yet_of_a_split_order_can_be_cancelled_by_line() -> None:
    order = shop_order(state="partly_shipped", shipments=[{"lines": [{"line": "boots", "quantity": 2}]}])
    with pytest.raises(InvalidState):
        do(order, "orders.cancel")
    with pytest.raises(InvalidState):
        do(order, "orders.cancel", lines=["boots"])
    assert moved(do(order, "orders.cancel", lines=["scarf"])) == {"card": 2000}
    assert order["state"] == "shipped"


def test_refunds_never_exceed_payment_line_or_order() -> None:
    order = delivered()
    card, gift = Ref("sandbox", "payment", "card"), Ref("sandbox", "payment", "gift")
    with pytest.raises(AmountExceeded) as refused:
        do(order, "payments.refund", payment=gift, amount=euros("25.01"))
    assert refused.value.max == euros("25.00")
    do(order, "payments.refund", payment=card, amount=euros("15.00"), lines=["scarf"])
    with pytest.raises(AmountExceeded) as refused:
        do(order, "payments.refund", payment=card, amount=euros("5.01"), lines=["scarf"])
    assert refused.value.max == euros("5.00")
    assert moved(do(order, "orders.refund", amount=euros("100.00"))) == {"card": 8500, "gift": 1500}
    with pytest.raises(AmountExceeded):
        do(order, "orders.refund", amount=euros("10.01"))
    with pytest.raises(BadArguments, match="in EUR"):
        do(order, "orders.refund", amount=Money(1, "PLN"))


def test_money_in_flight_is_not_refundable() -> None:
    order = delivered(payments=[{"id": "card", "captured": "125.00", "refunded": "20.00", "in_flight": "100.00"}])
    with pytest.raises(AmountExceeded) as refused:
        do(order, "orders.refund", amount=euros("5.01"))
    assert refused.value.max == euros("5.00")


def test_a_return_takes_delivered_pieces_once() -> None:
    order = delivered()
    effect = do(order, "returns.create", lines=[{"id": "boots", "quantity": 1}], reason="wrong_size")
    assert effect.values == {
        "number": "RMA-NW-1-1",
        "label_url": "https://returns.nordwind.example/labels/RMA-NW-1-1.pdf",
        "amount": euros("50.00"),
    }
    with pytest.raises(InvalidState):
        do(order, "returns.create", lines=[{"id": "boots", "quantity": 2}], reason="wrong_size")
    do(order, "returns.create", lines=["boots"], reason="wrong_size")
    with pytest.raises(InvalidState):
        do(order, "returns.create", lines=["boots"], reason="wrong_size")
    with pytest.raises(NotFound):
        do(order, "returns.create", lines=["hat"], reason="wrong_size")


@pytest.mark.parametrize("field", [{"returnable": False}, {"final_sale": True}])
def test_what_cannot_be_returned_is_refused(field: Mapping[str, bool]) -> None:
    order = delivered()
    order["lines"][0].update(field)
    with pytest.raises(InvalidState):
        do(order, "returns.create", lines=["boots"], reason="changed_mind")


def test_refunding_a_return_marks_it_and_happens_once() -> None:
    order = delivered()
    do(order, "returns.create", lines=["scarf"], reason="changed_mind")
    back = Ref("sandbox", "return", order["returns"][0]["id"])
    with pytest.raises(AmountExceeded):
        do(order, "orders.refund", amount=euros("20.01"), **{"return": back})
    do(order, "orders.refund", amount=euros("20.00"), **{"return": back})
    assert (order["returns"][0]["state"], order["returns"][0]["refunded_at"]) == ("refunded", "2026-12-02T09:00:00Z")
    with pytest.raises(InvalidState):
        do(order, "orders.refund", amount=euros("20.00"), **{"return": back})


def test_a_closed_return_frees_pieces_that_never_came_back() -> None:
    order = delivered()
    do(order, "returns.create", lines=["scarf"], reason="changed_mind")
    back = Ref("sandbox", "return", order["returns"][0]["id"])
    do(order, "returns.close", **{"return": back})
    assert do(order, "returns.close", **{"return": back}).already
    do(order, "returns.create", lines=["scarf"], reason="changed_mind")


def test_an_address_changes_before_shipping_within_the_country() -> None:
    order = shop_order()
    wanted = {"street": "Neue Gasse 5", "postcode": "20146", "city": "Hamburg"}
    do(order, "orders.change_address", address=wanted)
    assert order["address"]["street"] == "Neue Gasse 5"
    assert do(order, "orders.change_address", address=wanted).already
    with pytest.raises(Denied):
        do(order, "orders.change_address", address={**wanted, "country": "AT"})
    with pytest.raises(InvalidState):
        do(shop_order(state="shipped"), "orders.change_address", address=wanted)


def test_an_item_changes_to_a_variant_in_stock_at_the_same_price() -> None:
    def boots(size: str, stock: int, price: str = "50.00") -> dict[str, Any]:
        made = {"sku": f"B-{size}", "style": "B", "title": "Boots", "attributes": {"size": size}, "stock": stock}
        read: dict[str, Any] = form.read({"products": [{**made, "prices": {"EUR": price}}]})["products"][0]
        return read

    variants = (boots("38", 9), boots("39", 9), boots("40", 1), boots("41", 9, "55.00"))
    order = shop_order()
    assert do(order, "orders.change_item", line="boots", attributes={"size": "39"}, variants=variants).values["sku"] == "B-39"
    assert order["lines"][0]["attributes"] == {"size": "39"}
    assert do(order, "orders.change_item", line="boots", sku="B-39", variants=variants).already
    for size, error in (("40", InvalidState), ("41", InvalidState), ("99", NotFound)):
        with pytest.raises(error):
            do(order, "orders.change_item", line="boots", attributes={"size": size}, variants=variants)


def test_lost_pieces_are_sent_again_once_and_not_after_a_refund() -> None:
    parcel = {"id": "box", "state": "lost", "lines": [{"line": "boots", "quantity": 2}, {"line": "scarf"}]}
    order = shop_order(state="shipped", shipments=[parcel])
    effect = do(order, "orders.reship", lines=["boots"])
    assert order["shipments"][1]["lines"] == [{"line": "boots", "quantity": 2}]
    assert effect.values["number"] == "S-NW-1-2"
    with pytest.raises(InvalidState):
        do(order, "orders.reship", lines=["boots"])
    do(order, "orders.refund", amount=euros("20.00"), lines=["scarf"])
    with pytest.raises(InvalidState, match="refunded already"):
        do(order, "orders.reship", lines=["scarf"])


def test_a_state_that_is_not_known_blocks_everything_but_a_note() -> None:
    order = delivered(state="fraud_review")
    assert records.order(order, (), NOW).status == "other"
    assert records.order(order, (), NOW).raw_state == "fraud_review"
    assert available_actions(order) == ("orders.add_note",)
    for operation, arguments in (
        ("orders.cancel", {}),
        ("orders.refund", {"amount": euros("1.00")}),
        ("returns.create", {"lines": ["boots"], "reason": "damaged"}),
    ):
        with pytest.raises(InvalidState, match="fraud_review"):
            do(order, operation, **arguments)
    assert do(order, "orders.add_note", text="waits for the colleagues").quiet
    assert order["notes"][0]["case"] == "CW-1"


def test_available_actions_follow_the_state() -> None:
    assert {"orders.cancel", "orders.change_address", "orders.refund"} <= set(available_actions(shop_order()))
    assert not {"orders.cancel", "orders.change_address"} & set(available_actions(delivered()))
    assert {"returns.create", "orders.reship"} <= set(available_actions(delivered()))
