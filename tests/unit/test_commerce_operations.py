"""The vocabulary that procedures are checked against, and the arguments that arrive from them."""

from datetime import UTC, datetime

import pytest

from caseworker.commerce.adapters.sandbox.lookups import READS
from caseworker.commerce.arguments import Pieces, coerce
from caseworker.commerce.errors import BadArguments
from caseworker.commerce.model import PostalAddress
from caseworker.commerce.operations import BUILT_IN, records
from caseworker.core.money import Money
from caseworker.core.refs import Ref

ORDER = Ref("sandbox", "order", "1")
PAYMENT = Ref("sandbox", "payment", "P-1")


def test_records_follow_the_model() -> None:
    known = records()
    assert known["order"]["ref"] == "Ref[order]"
    assert known["order"]["customer"] == "Ref[customer]"
    assert known["order"]["lines"] == "list[line]"
    assert known["order"]["delivered_at"] == "optional[time]"
    assert known["order"]["address"] == "address"
    assert known["order"]["status"].startswith("enum[placed|paid|")
    assert known["line"]["attributes"] == "map[string]"
    assert known["payment"]["refundable"] == "Money"
    assert set(known) >= {"order", "line", "payment", "shipment", "return", "customer", "address"}


def test_every_type_word_of_an_operation_is_known() -> None:
    plain = {"string", "int", "bool", "Money", "time", "receipt", "map[string]"} | set(records())
    for operation in BUILT_IN.values():
        words = [
            operation.returns,
            *(parameter.type for parameter in operation.parameters),
            *(operation.receipt or {}).values(),
        ]
        for word in words:
            inner = word.removeprefix("list[").removeprefix("Ref[").removesuffix("]") if "map" not in word else word
            assert inner in plain, f"{operation.name}: {word}"


def test_operations_that_move_money_say_where_the_amount_is() -> None:
    moving = {name: operation.money for name, operation in BUILT_IN.items() if operation.money}
    assert moving == {
        "orders.cancel": "order.refundable",
        "payments.refund": "amount",
        "orders.refund": "amount",
        "vouchers.issue": "amount",
    }
    assert BUILT_IN["returns.create"].receipt == {"number": "string", "label_url": "string", "amount": "Money"}
    assert {name for name, operation in BUILT_IN.items() if operation.kind == "read"} == set(READS)


def test_lines_arrive_as_ids_as_pieces_and_as_whole_records() -> None:
    line = {"id": "L3", "quantity": 2, "unit_price": Money(100, "EUR"), "title": "Boots"}
    typed = coerce(BUILT_IN["orders.cancel"], {"order": ORDER, "lines": ["L1", {"id": "L2", "quantity": 1}, line]})
    assert typed["lines"] == (Pieces("L1"), Pieces("L2", 1), Pieces("L3"))
    assert coerce(BUILT_IN["orders.cancel"], {"order": {"ref": ORDER, "number": "x"}, "lines": None}) == {"order": ORDER}


def test_addresses_arrive_as_mappings() -> None:
    given = {"street": " Neue Gasse 5 ", "postcode": 20144, "city": "Hamburg", "country": "de"}
    typed = coerce(BUILT_IN["orders.change_address"], {"order": ORDER, "address": given})
    assert typed["address"] == PostalAddress("", "Neue Gasse 5", "20144", "Hamburg", "DE")


@pytest.mark.parametrize(
    ("operation", "arguments", "said"),
    [
        ("orders.get", {}, "orders.get needs 'order'"),
        ("orders.get", {"order": ORDER, "colour": "red"}, "no parameter 'colour'"),
        ("orders.get", {"order": "1"}, "orders.get: order is '1', which is not a reference to a record of type order"),
        ("orders.get", {"order": PAYMENT}, "sandbox:payment:P-1, which is not a reference to a record of type order"),
        ("orders.cancel", {"order": ORDER, "lines": [{"id": "L1", "quantity": 0}]}, "orders.cancel: lines[0]"),
        ("payments.refund", {"payment": PAYMENT, "amount": 10}, "amount is 10, which is not an amount with its currency"),
        ("payments.refund", {"payment": PAYMENT, "amount": Money(0, "EUR")}, "0.00 EUR, which is not more than zero"),
        ("orders.change_address", {"order": ORDER, "address": {"city": "Bonn"}}, "lacks street, postcode"),
        ("orders.find", {"since": datetime(2026, 1, 1)}, "not a time with its zone"),  # noqa: DTZ001 (what is refused)
        ("orders.find", {"limit": "3"}, "not a whole number"),
    ],
)
def test_nonsense_is_said_to_be_nonsense(operation: str, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(BadArguments) as refused:
        coerce(BUILT_IN[operation], arguments)
    assert said in str(refused.value)


def test_times_become_utc() -> None:
    since = datetime.fromisoformat("2026-12-02T10:00:00+01:00")
    assert coerce(BUILT_IN["orders.find"], {"since": since}) == {"since": datetime(2026, 12, 2, 9, tzinfo=UTC)}
