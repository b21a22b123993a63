"""Worked cases, explanations, and the reference page: what it shows works."""

import re
from pathlib import Path

import pytest
from sop_builders import ANNA, STRANGER, VOCABULARY, known, order, playbook, run, table

from caseworker.commerce import operations
from caseworker.core.money import Money
from caseworker.sop.cel.signatures import RULES
from caseworker.sop.cel.typing import Checker
from caseworker.sop.check import Known, check
from caseworker.sop.checking.environment import environment
from caseworker.sop.checking.expressions import check_names
from caseworker.sop.examples import run_examples
from caseworker.sop.explain import explain
from caseworker.sop.load import load
from caseworker.sop.model import OperationType, Playbook, Progress, Vocabulary

EXAMPLE = """
- example: accepted
  now: 2026-11-25T10:00:00
  facts:
    sender: {address: anna@example.com, verified: true}
    request: {intent: return_item, items: [l1], return_reason: damaged}
    order:
      {ref: "base:order:7", email: anna@example.com, country: DE, status: delivered, delivered_at: 2026-11-20,
       refunded: 0.00 EUR, lines: [{id: l1, returnable: true, refundable: 12.30 EUR}, {id: l2}]}
  expect: {rule: accept, moves: [do returns.create, reply return_label, promise refund 12.30 EUR, resolve resolved]}
"""


def examples(text: str, book: Playbook | None = None) -> Playbook:
    files = dict((book or playbook()).files)
    return load({**files, "examples/a.yaml": text})


def test_an_example_that_holds() -> None:
    result = run_examples(examples(EXAMPLE), VOCABULARY)
    assert [r.problem for r in result.results] == [""]
    assert result.coverage["return"]["accept"] == ("accepted",)
    assert "return.not_covered" in result.never_fired
    assert "return.accept" not in result.never_fired


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("rule: accept", "rule: window_closed", "row accept instead of window_closed"),
        ("12.30 EUR, resolve", "12.00 EUR, resolve", "promise refund 12.30 EUR"),
        ("return_item, items", "nothing, items", "names no procedure"),
        ("  now: 2026-11-25T10:00:00\n", "", "`now:` is missing"),
        ("12.30 EUR}", "a lot}", "examples/a.yaml:"),
        ("expect: {rule: accept", "expect: {row: accept", "not known here"),
        ("delivered_at: 2026-11-20", "delivered_at: yesterday", "examples/a.yaml:"),
    ],
)
def test_an_example_that_does_not_hold_says_why(old: str, new: str, problem: str) -> None:
    assert old in EXAMPLE
    result = run_examples(examples(EXAMPLE.replace(old, new)), VOCABULARY)
    [failed] = result.failed
    assert problem in failed.problem
    assert failed.place.file == "examples/a.yaml"


# -- explanations ------------------------------------------------------------------------------------------------------


def test_a_decision_is_explained() -> None:
    book = playbook()
    lines = explain(run(book, found={"order": order()}, answers={"items": ["l1"], "return_reason": "damaged"}), book)
    text = "\n".join(lines)
    assert f"Customer wants to send something back (procedure return, release {book.release[:12]})" in text
    assert 'Row not_delivered does not hold: order.status != "delivered" (order.status is delivered)' in text
    assert "days_since is 9; param.return_window_days is 30" in text
    assert "Row accept fires: lines.all(l, l.returnable)" in text
    assert "Now: do returns.create (order base:order:7, lines [l1], reason damaged)." in text
    assert "Now: promise refund of 10.00 EUR by 2026-12-09 10:00 UTC; kept when order.refunded >= value." in text
    assert "not_covered" not in text, "rows below the one that fired are not told"


def test_questions_refusals_and_errors_are_explained() -> None:
    book = playbook()
    asked = explain(run(book, sender=STRANGER), book)
    assert "Not known yet: order." in asked
    assert "Now: ask the customer for order_number, items, return_reason, postcode." in asked
    assert any("look up order by orders.find (email Anna@Example.com)" in line for line in explain(run(book), book))
    again = explain(run(book, found={"order": []}, answers={"order_number": "4"}), book)
    assert any("(no match for order_number)" in line for line in again)
    mixed = table('  - rule: small\n    when: order.total < money("5.00 EUR")\n    resolve: answered')
    error = explain(run(mixed, found={"order": order(total=Money(1, "GBP"))}), mixed)
    assert any("Row small cannot be computed" in line and "not of one currency" in line for line in error)
    fired = explain(run(book, found={"order": order()}, progress=Progress(fired=("not_delivered",)), sender=ANNA), book)
    assert "Row not_delivered has fired before." in fired


# -- the reference page ------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sop-language.md").read_text(encoding="utf-8")
BUILT_IN = Vocabulary(
    operations.records(),
    {
        name: OperationType(
            name,
            operation.kind,
            {p.name: p.type for p in operation.parameters},
            frozenset(p.name for p in operation.parameters if p.required),
            operation.returns,
            operation.receipt or {},
            operation.money,
        )
        for name, operation in operations.BUILT_IN.items()
    },
)


def page() -> Playbook:
    return load(dict(re.findall(r"```yaml (\S+)\n(.*?)```", PAGE, re.DOTALL)))


def test_the_playbook_of_the_reference_page_is_sound() -> None:
    book = page()
    told: Known = known(book)
    assert [f for f in check(book, BUILT_IN, told) if f.severity == "error"] == []


def test_the_examples_of_the_reference_page_hold() -> None:
    result = run_examples(page(), BUILT_IN)
    assert len(result.results) == 3
    assert [r.problem for r in result.results] == ["", "", ""]


def test_the_functions_of_the_reference_page_are_those_of_the_language() -> None:
    env = environment(page(), page().procedures["return"], BUILT_IN)
    check_names(env)
    rows = re.findall(r"^\| `([^`]*\([^`]*)` \|", PAGE.split("| Function |")[1], re.MULTILINE)
    named = set()
    for source in rows:
        checker = Checker(env.names, env.records, frozenset(env.full))
        checker.check(source)
        assert [p for p in checker.problems if p.severity == "error"] == [], source
        named |= {name for name in RULES if f"{name}(" in source}
    assert set(RULES) - named == {"endsWith", "contains"}
