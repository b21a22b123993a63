"""Keys, hashes and locks: what keeps a write from happening twice."""

import pytest

from caseworker.commerce.ports import WriteCall
from caseworker.commerce.receipts import arguments_hash, changes, lock_keys, refundable
from caseworker.core.money import Money, MoneyError
from caseworker.core.refs import Ref

ORDER = Ref("sandbox", "order", "1", "7")
PAYMENT = Ref("sandbox", "payment", "P-1")


def call(operation: str, **arguments: object) -> WriteCall:
    return WriteCall("base", operation, arguments, "k", "CW-1", "because")


def test_the_same_write_has_the_same_hash_after_its_records_were_read_again() -> None:
    line = {"id": "L1", "quantity": 2, "refundable": Money(100, "EUR")}
    first = arguments_hash({"order": ORDER, "lines": [line], "note": None})
    later = arguments_hash({"lines": [{**line, "refundable": Money(0, "EUR")}], "order": Ref("sandbox", "order", "1", "8")})
    assert first == later
    assert first != arguments_hash({"order": ORDER, "lines": [{**line, "quantity": 1}]})
    assert arguments_hash({"amount": Money(100, "EUR")}) != arguments_hash({"amount": Money(100, "PLN")})


def test_refunds_lock_their_payment_and_cancels_every_payment_of_the_order() -> None:
    assert lock_keys(call("payments.refund", payment=PAYMENT, amount=Money(1, "EUR"))) == ("base:payment:P-1",)
    assert lock_keys(call("orders.cancel", order=ORDER), payments=[PAYMENT]) == ("base:order:1", "base:payment:P-1")
    whole = {"ref": ORDER, "payments": [{"ref": PAYMENT}]}
    assert lock_keys(call("orders.refund", order=whole, amount=Money(1, "EUR"))) == ("base:order:1", "base:payment:P-1")
    assert lock_keys(call("orders.change_address", order={"ref": ORDER}, address={})) == ("base:order:1",)
    assert lock_keys(call("vouchers.issue", customer=Ref("sandbox", "customer", "C-1"))) == ("base:customer:C-1",)
    assert lock_keys(call("handoff.create", case="CW-1")) == ()


def test_refundable_is_never_negative_and_never_mixes_currencies() -> None:
    euros = [Money(amount, "EUR") for amount in (1000, 300, 200)]
    assert refundable(*euros) == Money(500, "EUR")
    assert refundable(Money(100, "EUR"), Money(100, "EUR"), Money(1, "EUR")) == Money(0, "EUR")
    with pytest.raises(MoneyError):
        refundable(Money(100, "EUR"), Money(0, "PLN"), Money(0, "EUR"))


def test_changes_name_what_differs_by_path_and_identity() -> None:
    before = {"status": "paid", "lines": [{"id": "a", "n": 0}, {"id": "b", "n": 0}], "flags": ["x"], "returns": []}
    after = {
        "status": "paid",
        "lines": [{"id": "b", "n": 1}, {"id": "a", "n": 0}],
        "flags": ["x", "y"],
        "returns": [{"id": "R", "n": 1}],
    }
    assert changes(before, after) == (
        {"lines.b.n": 0, "flags": ["x"]},
        {"lines.b.n": 1, "flags": ["x", "y"], "returns.R": {"id": "R", "n": 1}},
    )
