"""Whatever is done to an order in whatever sequence: its counts stay possible and its money adds up."""

import copy
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from caseworker.commerce.adapters.sandbox import form
from caseworker.commerce.adapters.sandbox.amounts import minor
from caseworker.commerce.adapters.sandbox.checks import Asked
from caseworker.commerce.adapters.sandbox.rules import apply, available_actions
from caseworker.commerce.arguments import coerce
from caseworker.commerce.errors import Refusal
from caseworker.commerce.operations import BUILT_IN
from caseworker.core.money import Money
from caseworker.core.refs import Ref

NOW = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
LINES = ("a", "b", "c")
CUSTOMER = {"id": "C-1", "email": "a@example.org"}

pieces = st.lists(
    st.one_of(
        st.sampled_from(LINES),
        st.builds(lambda line, n: {"id": line, "quantity": n}, st.sampled_from(LINES), st.integers(1, 3)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda item: item if isinstance(item, str) else item["id"],
)
amount = st.integers(1, 9000).map(lambda units: Money(units, "EUR"))
payment = st.sampled_from(["p1", "p2"]).map(lambda name: Ref("sandbox", "payment", name))
back = st.integers(1, 3).map(lambda index: Ref("sandbox", "return", f"R-NW-1-{index}"))


def act(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments))


acts = st.one_of(
    act("orders.cancel"),
    act("orders.cancel", lines=pieces),
    act("payments.refund", payment=payment, amount=amount),
    act("payments.refund", payment=payment, amount=amount, lines=pieces),
    act("orders.refund", amount=amount),
    act("orders.refund", amount=amount, **{"return": back}),
    act("returns.create", lines=pieces, reason=st.just("damaged")),
    act("returns.close", **{"return": back}),
    act("orders.reship", lines=pieces),
)


def shop_order(state: str, sent: int) -> dict[str, Any]:
    lines = [{"id": name, "sku": name, "title": name, "quantity": 2, "unit_price": "13.33"} for name in LINES]
    parcel = {"id": "box", "state": "delivered", "lines": [{"line": name, "quantity": 2} for name in LINES[:sent]]}
    order = {
        "number": "NW-1",
        "state": state,
        "placed_at": "2026-11-20T10:00:00Z",
        "customer": "C-1",
        "shipping": "4.95",
        "address": {"street": "Lindenallee 3", "postcode": "20144", "city": "Hamburg", "country": "DE"},
        "lines": lines,
        "payments": [{"id": "p1", "captured": "20.00"}, {"id": "p2", "captured": "64.93", "in_flight": "1.00"}],
        "shipments": [parcel] if sent else [],
    }
    read: dict[str, Any] = form.read({"customers": [CUSTOMER], "orders": [order]})["orders"][0]
    return read


def refunded(order: dict[str, Any]) -> int:
    return sum(minor(order, payment["refunded"]) for payment in order["payments"])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from([("paid", 0), ("partly_shipped", 2), ("delivered", 3)]), st.lists(acts, min_size=1, max_size=10))
def test_an_order_stays_possible_and_its_money_adds_up(
    start: tuple[str, int], sequence: list[tuple[str, dict[str, Any]]]
) -> None:
    order = shop_order(*start)
    for operation, arguments in sequence:
        spec = BUILT_IN[operation]
        if spec.parameters[0].name == "order":
            arguments["order"] = Ref("sandbox", "order", "NW-1")
        changed = copy.deepcopy(order)
        try:
            effect = apply(operation, changed, Asked(coerce(spec, arguments), NOW, "CW-1", "k"))
        except Refusal:
            continue
        assert sum(movement.minor for movement in effect.movements) == refunded(changed) - refunded(order)
        assert not effect.already or changed == order
        assert effect.already or operation in (*available_actions(order), "returns.close"), "an action was not announced"
        form.read({"customers": [CUSTOMER], "orders": [changed]})
        order = changed
