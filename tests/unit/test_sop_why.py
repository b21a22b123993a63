"""Why a row did or did not fire: the part that decided, followed to the facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from recording_builders import recorded
from sop_builders import NOW, STRANGER, VOCABULARY, line, order, playbook, table

from caseworker.app.playbooks import shipped
from caseworker.core.money import Money
from caseworker.sop.cel.parse import parse
from caseworker.sop.cel.text import written
from caseworker.sop.explain import explain_recording, explain_row, how_identified, row_lines
from caseworker.sop.load import load, read_folder
from caseworker.sop.model import Found, Playbook, Progress
from caseworker.sop.recorded import Recording

ANSWERS = {"items": ["l1", "l2"], "return_reason": "changed_mind"}


def told(recording: Recording, book: Playbook, row: str) -> list[str]:
    """What is said of one row, as plain lines."""
    why = explain_row(recording, book, VOCABULARY, row)
    assert why is not None
    return list(row_lines(why))


def one_row(when: str, *, facts: str = "", found: dict[str, object] | None = None) -> list[str]:
    """What is said of a row with this condition, over the usual order."""
    needs = f"needs:\n  order: {{find: orders.find, with: {{email: sender.address}}}}\nverify: owner(order)\n{facts}"
    book = table(f"  - rule: tried\n    when: {when}\n    resolve: answered", needs=needs)
    return told(recorded(book, found=found or {"order": order()}), book, "tried")


def test_of_a_false_and_only_the_false_parts_are_told() -> None:
    [line_] = one_row('order.status == "paid" && order.country == "DE"')
    assert line_ == 'Row tried does not hold: order.status == "paid" is false: order.status is delivered'


def test_of_a_false_or_every_part_is_told() -> None:
    lines = one_row('order.status == "paid" || order.country == "FR"')
    assert lines == [
        "Row tried does not hold:",
        '    order.status == "paid" is false: order.status is delivered',
        '    order.country == "FR" is false: order.country is DE',
    ]


def test_of_a_true_or_the_part_that_made_it_so_is_told() -> None:
    assert one_row('order.country == "DE" || order.status == "paid"') == [
        'Row tried fires: order.country == "DE" is true: order.country is DE'
    ]


def test_a_guard_that_is_false_hides_what_it_guards() -> None:
    lines = one_row("has(order.delivered_at) && days(order.delivered_at, now) > 3", found={"order": order(delivered_at=None)})
    assert lines == ["Row tried does not hold: order.delivered_at is not there"]


def test_the_item_that_broke_all_is_named() -> None:
    lines = [line(1), line(2, returnable=False), line(3)]
    assert one_row("order.lines.all(l, l.returnable)", found={"order": order(lines=lines)}) == [
        "Row tried does not hold: order.lines.all(l, l.returnable) is false: l2: l.returnable is false"
    ]


def test_where_exists_finds_none_the_items_are_told_and_an_empty_list_is_said_so() -> None:
    text = "\n".join(one_row("order.lines.exists(l, l.quantity > 1)"))
    assert "(none of 2)" in text
    assert "l1: l.quantity > 1 is false: l.quantity is 1" in text
    assert "l2: l.quantity > 1 is false: l.quantity is 1" in text
    assert "the list is empty" in one_row("order.lines.exists(l, l.quantity > 1)", found={"order": order(lines=[])})[0]


def test_the_items_that_a_filter_leaves_out_are_told_with_the_reason() -> None:
    lines = [line(1, returnable=False), line(2, returnable=False)]
    facts = "facts:\n  allowed: order.lines.filter(l, l.returnable)"
    text = "\n".join(one_row("size(allowed) > 0", facts=facts, found={"order": order(lines=lines)}))
    assert "size(allowed) > 0 is false" in text
    assert "allowed is [] (order.lines.filter(l, l.returnable))" in text
    assert "l1: l.returnable is false" in text
    assert "l2: l.returnable is false" in text


def test_a_named_fact_is_followed_to_what_it_was_computed_from_and_once_only() -> None:
    facts = "facts:\n  days_since: days(order.delivered_at, now)\n  over: days_since > param.return_window_days"
    needs = f"needs:\n  order: {{find: orders.find, with: {{email: sender.address}}}}\nverify: owner(order)\n{facts}"
    rules = "  - rule: one\n    when: over\n    resolve: answered\n  - rule: two\n    when: over\n    resolve: answered"
    book = table(rules, needs=needs)
    first, second, _ = (
        list(row_lines(row)) for row in explain_recording(recorded(book, found={"order": order()}), book, VOCABULARY)
    )
    text = "\n".join(first)
    assert "over is false" in text
    assert "days_since > param.return_window_days is false" in text
    assert "days_since is 9 (days(order.delivered_at, now)): order.delivered_at is 2026-11-16 10:00 UTC" in text
    assert second == ["Row two does not hold: over is false"], "it was told above"


@pytest.mark.parametrize(
    ("country", "at", "value", "where"),
    [
        ("FR", NOW, 30, "parameters.yaml:4"),
        ("GB", NOW, 14, "country GB, parameters.yaml:4"),
        ("DE", datetime(2026, 12, 2, 10, tzinfo=UTC), 45, "country DE from 2026-12-01 to 2027-01-31, parameters.yaml:4"),
    ],
)
def test_a_parameter_is_told_with_the_row_that_gave_it(country: str, at: datetime, value: int, where: str) -> None:
    book = playbook()
    found = {"order": order(country=country, delivered_at=at - timedelta(days=2))}
    text = "\n".join(told(recorded(book, found=found, answers=ANSWERS, now=at), book, "window_closed"))
    assert f"param.return_window_days is {value} ({where})" in text


def test_what_is_not_known_yet_and_what_cannot_be_computed_are_told() -> None:
    book = playbook()
    asked = recorded(book, found={"order": order()})
    assert "days_since > param.return_window_days is false" in "\n".join(told(asked, book, "window_closed"))
    assert "lines is not known" in "\n".join(told(asked, book, "accept"))
    mixed = table('  - rule: small\n    when: order.total < money("5.00 EUR")\n    resolve: answered')
    wrong = recorded(mixed, found={"order": order(total=Money(1, "GBP"))})
    assert "not of one currency" in "\n".join(told(wrong, mixed, "small"))


def test_rows_that_fired_before_were_not_reached_or_were_refused_by_the_customer_are_told() -> None:
    book = playbook()
    again = recorded(book, found={"order": order()}, answers=ANSWERS, progress=Progress(fired=("not_delivered",)))
    assert told(again, book, "not_delivered") == ["Row not_delivered has fired before."]
    assert told(again, book, "not_covered") == ["Row not_covered was not reached."]
    confirmed = table("  - rule: sure\n    when: 'true'\n    confirm: shown\n    resolve: answered")
    no = recorded(confirmed, found={"order": order()}, progress=Progress(confirmed={"sure": False}))
    assert told(no, confirmed, "sure") == ["Row sure does not hold: the customer said no to it"]
    doubtful = table("  - rule: sure\n    when: 'true'\n    confidence: 0.95\n    resolve: answered")
    assert "sure to 90%, the row wants 95%" in told(recorded(doubtful, found={"order": order()}), doubtful, "sure")[0]


def test_a_row_that_is_not_there_has_no_reason() -> None:
    book = playbook()
    assert explain_row(recorded(book, found={"order": order()}), book, VOCABULARY, "nowhere") is None


def test_it_is_told_what_proves_the_owner() -> None:
    book = playbook()
    by_address = recorded(book, found={"order": order()})
    assert how_identified(by_address, book, VOCABULARY) == (
        "The sender is the owner: Anna@Example.com is verified and the address of order."
    )
    proven = recorded(
        book, found={"order": order()}, sender=STRANGER, answers={"order_number": "nw 1001", "postcode": "D-50667"}
    )
    assert how_identified(proven, book, VOCABULARY) == "The sender is the owner: order number and postcode are right."
    stranger = recorded(book, sender=STRANGER)
    assert "nobody verified that the mail comes from anna@example.com" in how_identified(stranger, book, VOCABULARY)
    open_ = replace(stranger, decision=replace(stranger.decision, identity="not_needed"))
    assert how_identified(open_, book, VOCABULARY) == "Nobody has to prove who he is."


def test_an_order_that_nothing_fits_is_told_as_missing() -> None:
    book = playbook()
    nothing = recorded(book, found={"order": Found(())}, answers={"order_number": "4"})
    assert "order.status is not known, order is missing" in "\n".join(told(nothing, book, "not_delivered"))


def test_every_condition_of_the_shipped_playbook_is_written_as_it_was_read() -> None:
    book = load(read_folder(shipped("retail")))
    sources = [source for spec in book.procedures.values() for source in (*spec.facts.values(), *(r.when for r in spec.rows))]
    conditions = [source for source in sources if source]
    assert len(conditions) > 200
    for source in conditions:
        assert parse(written(parse(source))) == parse(source), source


@pytest.mark.parametrize(
    "source",
    [
        "!(a && b) || c",
        "a ? (b ? 1 : 2) : 3",
        "(a ? b : c) ? 1 : 2",
        "-(a + b) * c",
        "a - (b - c)",
        'a.b[0].c("x\\"y")',
        "[1, 2.5][0]",
    ],
)
def test_parentheses_stay_where_they_are_needed(source: str) -> None:
    source = source.replace('.c("', '.contains("')
    assert parse(written(parse(source))) == parse(source)
