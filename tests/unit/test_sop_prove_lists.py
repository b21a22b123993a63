"""What is proved holds for lists of any length; what only a long list could show is said to be not proved."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sop_builders import line, order
from test_sop_prove_soundness import EUR_ONLY, KNOWN, REST, book, decided, paid
from test_sop_prove_soundness import proved as proved_with

from caseworker.core.money import Money
from caseworker.sop.model import Playbook
from caseworker.sop.prove import Proof

VOCABULARY = replace(KNOWN, records={**KNOWN.records, "line": {**KNOWN.records["line"], "final_sale": "bool"}})
PAY = """
  - rule: row
    when: '{when}'
    do: [{{vouchers.issue: {{amount: '{amount}'}}}}]
    resolve: resolved
"""
TEN = 'money("10.00 EUR")'


def made_of(when: str, amount: str = TEN, *, more: str = "", proofs: str = EUR_ONLY) -> Playbook:
    return book(PAY.format(when=when, amount=amount) + more + REST, proofs=proofs)


def proved(made: Playbook) -> Proof:
    return proved_with(made, VOCABULARY)


def table(*conditions: str, proofs: str = EUR_ONLY) -> Playbook:
    return book("".join(answered(f"row{n}", when) for n, when in enumerate(conditions)) + REST, proofs=proofs)


def lines(count: int, **fields: Any) -> dict[str, object]:
    return order(lines=[line(number, **fields) for number in range(count)])


def answered(name: str, when: str) -> str:
    return f"\n  - rule: {name}\n    when: '{when}'\n    resolve: answered\n"


@pytest.mark.parametrize(
    "when",
    [
        "size(order.lines) > 12",
        "size(order.lines.filter(l, l.returnable)) == 13",
        "order.lines[8].quantity > 0",
        "sum(order.lines.map(l, l.quantity > 0 ? 1 : 0)) > 7",
        "size(order.lines.filter(l, l.quantity > 1)) + size(order.lines.filter(l, l.quantity == 1)) > 9",
    ],
)
def test_a_row_that_only_a_long_list_makes_fire_is_not_said_to_never_fire(when: str):
    made = made_of(when)
    most = 13
    assert paid(decided(made, order=lines(most))) == [Money(1000, "EUR")]
    proof = proved(made)
    assert proof.unreachable == ()
    [told] = [name for name in proof.not_proved if name.startswith("row row: whether it can fire")]
    assert " items, and only such a list could show it" in told


def test_a_gap_that_only_a_long_list_makes_is_not_denied():
    made = table("size(order.lines) < 13")
    assert decided(made, order=lines(13)).rule == "rest"
    proof = proved(made)
    assert proof.gaps == ()
    assert [name for name in proof.not_proved if name.startswith("gaps")]


def test_what_is_paid_for_each_item_is_not_bounded_by_six_of_them():
    made = made_of('order.lines.all(l, l.refundable <= money("10.00 EUR"))', "sum(order.lines.map(l, l.refundable))")
    decision = decided(made, order=lines(9, refundable=Money(1000, "EUR")))
    assert paid(decision) == [Money(9000, "EUR")]
    most = proved(made).payable[0].procedure
    assert most.amount is None or most.amount >= Money(9000, "EUR")
    assert not most.proved


def test_where_the_data_say_that_there_are_few_all_of_them_are_looked_at():
    said = f"{EUR_ONLY}ranges:\n  - {{of: order.lines, from: 1, to: 8}}\n"
    proof = proved(made_of("size(order.lines) > 6", proofs=said))
    assert (proof.unreachable, proof.not_proved) == ((), ())
    example = proof.payable[0].alone.example
    assert example is not None
    assert example.confirmed
    assert len(example.case.facts["order"]["lines"]) in (7, 8)  # type: ignore[index]  # the order is a record of facts
    [row] = proved(made_of("size(order.lines) > 8", proofs=said)).unreachable
    assert row.row == "row"


@pytest.mark.parametrize(
    ("when", "other"),
    [
        ("order.lines.exists(l, l.final_sale)", "order.lines.all(l, !l.final_sale)"),
        ("size(order.lines.filter(l, l.final_sale)) > 0", "!order.lines.exists(l, l.final_sale)"),
        ("size(order.lines) > 9", "size(order.lines) <= 9"),
        ("order.lines.exists(l, l.final_sale && l.quantity > 1)", "order.lines.all(l, !l.final_sale || l.quantity <= 1)"),
        (
            "order.lines.exists(l, l.quantity > 3)",
            "size(order.lines.filter(l, l.quantity > 3)) == 0 && order.lines.filter(l, l.quantity > 3).all(l, l.final_sale)",
        ),
    ],
)
def test_what_holds_of_every_item_is_proved_for_any_number_of_them(when: str, other: str):
    proof = proved(table(when, other))
    assert (proof.gaps, proof.unreachable, proof.not_proved) == ((), (), ())


def test_the_later_of_two_items_of_one_list_is_not_looked_for_in_a_circle():
    """In every list some item is the largest, which six items with a larger one each, whatever it is, would deny."""
    larger = "order.lines.exists(l, order.lines.all(k, k.quantity <= l.quantity))"
    proof = proved(made_of(f"size(order.lines) > 0 && !{larger}"))
    assert [row.row for row in proof.unreachable] == ["row"] or proof.not_proved


# -- random tables and long lists --------------------------------------------------------------------------------------

ITEMS = [
    "l.final_sale",
    "l.returnable",
    "l.quantity > 2",
    "l.quantity > 1 && !l.returnable",
    "l.quantity * 2 > size(order.lines)",
]
WHOLE = [
    "order.lines.exists(l, {0})",
    "order.lines.all(l, {0})",
    "order.lines.exists_one(l, {0})",
    "size(order.lines.filter(l, {0})) > size(order.lines.filter(l, {1}))",
    "size(order.lines.filter(l, {0}).filter(l, {1})) >= 3",
    "sum(order.lines.map(l, {0} ? l.quantity : 1)) > 9",
    "order.lines.filter(l, {0}).exists(l, {1})",
    "size(order.lines.filter(l, {0})) > 0 && order.lines.filter(l, {0})[0].quantity > 2",
    "order.lines.exists(l, {0} && order.lines.exists(k, k.quantity > l.quantity))",
    "order.lines.all(l, order.lines.exists(k, k.quantity >= l.quantity && k.final_sale))",
    "size(order.lines) > 7",
    "order.lines[0].returnable",
]


@st.composite
def conditions(draw: st.DrawFn) -> str:
    def one() -> str:
        return draw(st.sampled_from(WHOLE)).format(draw(st.sampled_from(ITEMS)), draw(st.sampled_from(ITEMS)))

    sign = draw(st.sampled_from(["&&", "||", "&& !"]))
    return f"{one()} {sign} ({one()})"


@st.composite
def orders(draw: st.DrawFn) -> dict[str, object]:
    def item(number: int) -> dict[str, object]:
        return line(number, quantity=draw(st.integers(1, 4)), final_sale=draw(st.booleans()), returnable=draw(st.booleans()))

    return order(lines=[item(number) for number in range(draw(st.integers(1, 11)))])


@given(conditions(), conditions(), st.lists(orders(), min_size=10, max_size=20))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_long_list_does_what_a_proof_excludes(first: str, second: str, found: list[dict[str, object]]):
    made = table(first, second)
    proof = proved(made)
    dead = {row.row for row in proof.unreachable}
    closed = not proof.gaps and not any(name.startswith("gaps") for name in proof.not_proved)
    for record in found:
        rule = decided(made, order=record).rule
        assert rule not in dead
        assert not (closed and rule == "rest")
