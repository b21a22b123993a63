"""What stands in a map under a key that is computed is of the map's type, or is not there: nothing else is assumed of it."""

from dataclasses import replace

import pytest
from sop_builders import order
from test_sop_prove_soundness import KNOWN, REST, book, decided, paid, proved

from caseworker.core.money import Money
from caseworker.sop.model import Playbook

MAPS = {"notes": "map[string]", "prices": "map[Money]", "pieces": "map[int]", "flags": "map[bool]"}
VOCABULARY = replace(KNOWN, records={**KNOWN.records, "order": {**KNOWN.records["order"], **MAPS}})
EMPTY: dict[str, object] = {name: {} for name in MAPS}
ROW = """
  - rule: row
    when: '{when}'
    do: [{{vouchers.issue: {{amount: '{amount}'}}}}]
    resolve: resolved
"""


def made_of(when: str, amount: str = 'money("50.00 EUR")', more: str = "") -> Playbook:
    return book(ROW.format(when=when, amount=amount) + more + REST)


@pytest.mark.parametrize(
    ("when", "maps"),
    [
        ('order.prices[order.status + "d"] > money("5.00 EUR")', {"prices": {"deliveredd": Money(900, "EUR")}}),
        ("order.pieces[order.number] == 3", {"pieces": {"NW-1001": 3}}),
        ("order.flags[order.number]", {"flags": {"NW-1001": True}}),
        ('order.notes[order.number] == "blue"', {"notes": {"NW-1001": "blue"}}),
        ('order.notes["si" + "ze"] == "L" && order.notes["size"] == "L"', {"notes": {"size": "L"}}),
        (
            'order.status in order.pieces && order.pieces["delivered"] > 0',
            {"pieces": {"delivered": 1}},
        ),
        ("size(order.pieces) == 2", {"pieces": {"a": 1, "b": 2}}),
        ('size(order.pieces) == 0 || order.pieces["a"] > 0', {"pieces": {"a": 1}}),
    ],
)
def test_a_row_that_reads_a_map_by_a_computed_key_can_fire(when: str, maps: dict[str, object]):
    made = made_of(when)
    decision = decided(made, VOCABULARY, order=order(**{**EMPTY, **maps}))
    assert paid(decision) == [Money(5000, "EUR")]
    proof = proved(made, VOCABULARY)
    assert proof.unreachable == ()
    assert proof.payable[0].alone.amount == Money(5000, "EUR")


def test_what_is_paid_out_of_a_map_is_bounded_by_nothing():
    made = made_of("order.number in order.prices", "order.prices[order.number]")
    most = proved(made, VOCABULARY).payable[0]
    assert paid(decided(made, VOCABULARY, order=order(**{**EMPTY, "prices": {"NW-1001": Money(70000, "EUR")}})))
    assert (most.procedure.amount, most.alone.amount) == (None, Money(10000, "EUR"))


def test_a_key_that_is_not_there_cannot_be_computed():
    [gap, *_] = [gap for gap in proved(made_of("order.pieces[order.number] == 3"), VOCABULARY).gaps if gap.kind != "otherwise"]
    assert (gap.kind, gap.row, gap.example.confirmed) == ("cannot_compute", "row", True)


def test_one_key_gives_one_value_however_it_is_written():
    number = "order.pieces[order.status] > 2"
    two = f'order.status == "paid" && {number} && order.pieces["paid"] < 3'
    guarded = f'order.status in order.pieces && "paid" in order.pieces && {two}'
    [row] = proved(made_of(guarded), VOCABULARY).unreachable
    assert (row.row, row.covered_by) == ("row", ())


def test_a_map_of_no_keys_has_none():
    [row] = proved(made_of('size(order.pieces) < 1 && "a" in order.pieces'), VOCABULARY).unreachable
    assert row.covered_by == ()
    [row] = proved(made_of('size(order.pieces) < 2 && "a" in order.pieces && "b" in order.pieces'), VOCABULARY).unreachable
    assert row.covered_by == ()
