"""prove: a seeded fault of each kind is found and told; without the fault nothing is."""

from collections.abc import Mapping

import pytest
from sop_builders import NEEDS, VOCABULARY, files, table

from caseworker.cli.proving import exit_code
from caseworker.core.errors import UsageError
from caseworker.core.money import Money
from caseworker.sop.load import load
from caseworker.sop.model import Playbook
from caseworker.sop.prove import PayLimit, Proof, prove
from caseworker.sop.proving.report import report, summary

EUR_ONLY = "currencies: {EUR: [DE, FR]}\n"
LIMITS = {"payments.refund": PayLimit("payments.refund", {"EUR": Money(15000, "EUR")}, {"EUR": Money(30000, "EUR")})}
NO_NEEDS = """
needs:
  order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
  lines: {choose: order.lines, by: request.items, ask: items, skip_when: size(order.lines) == 1}
verify: owner(order)
facts:
  value: sum(lines.map(l, l.refundable))
"""


def book(rules: str, *, needs: str = NO_NEEDS, more: str = "", proofs: str = EUR_ONLY, **changes: str) -> Playbook:
    text = f"sop: return\ntitle: Return\nintents: [return_item]\n{needs}\nrules:\n{rules}{more}"
    return load({**files(sop=text, **changes), "proofs.yaml": proofs})


def proved(
    rules: str,
    *,
    limits: Mapping[str, PayLimit] = LIMITS,
    needs: str = NO_NEEDS,
    more: str = "",
    proofs: str = EUR_ONLY,
    timeout: float = 10.0,
    **changes: str,
) -> Proof:
    made = book(rules, needs=needs, more=more, proofs=proofs, **changes)
    [proof] = prove(made, VOCABULARY, limits, timeout=timeout)
    return proof


def told(proof: Proof) -> str:
    return "\n".join(report(proof))


REST = """
  - otherwise: not_covered
    escalate: {queue: returns, because: not_covered}
"""
CLOSED = """
  - rule: not_delivered
    when: order.status != "delivered"
    reply: a
    resolve: answered
  - rule: returnable
    when: lines.all(l, l.returnable)
    reply: b
    resolve: answered
  - rule: not_returnable
    when: lines.exists(l, !l.returnable)
    reply: c
    resolve: answered
"""


# -- gaps --------------------------------------------------------------------------------------------------------------


def test_a_table_that_decides_everything_has_no_gap():
    proof = proved(CLOSED + REST)
    assert proof.gaps == ()
    assert not proof.open
    assert exit_code([proof]) == 0
    assert "gaps: none" in told(proof)


def test_a_gap_is_found_with_the_few_facts_that_make_it():
    proof = proved(CLOSED.replace("lines.exists(l, !l.returnable)", "lines.all(l, !l.returnable)") + REST)
    [gap] = proof.gaps
    assert gap.kind == "otherwise"
    assert gap.example.confirmed
    words = "; ".join(gap.example.words)
    assert "order.status is delivered" in words
    assert "order.lines has 2 items" in words
    assert "returnable is yes" in words
    assert "returnable is no" in words
    assert "email" not in words  # what only proves who the sender is does not matter here
    assert exit_code([proof]) == 1
    assert "no row decides; `not_covered` at the end takes it" in told(proof)


def test_gaps_are_listed_by_class_and_each_is_a_run_of_the_procedure():
    rules = """
  - rule: shipped
    when: order.status == "shipped"
    resolve: answered
    reply: a
  - rule: delivered
    when: order.status == "delivered" && order.total > param.goodwill
    resolve: answered
    reply: b
"""
    proof = proved(rules + REST)
    assert len(proof.gaps) == 2  # neither shipped nor delivered; delivered, and little money
    assert all(gap.example.confirmed for gap in proof.gaps)
    words = ["; ".join(gap.example.words) for gap in proof.gaps]
    assert sum("order.total" in text for text in words) == 1


def test_more_gaps_than_are_listed_are_told():
    rules = "".join(
        f"""
  - rule: row_{index}
    when: order.lines.exists(l, l.quantity == {index}) && order.total > money("{index}.00 EUR") && order.status == "paid"
    reply: a
    resolve: answered
"""
        for index in range(8)
    )
    proof = proved(rules + REST)
    assert proof.more_gaps
    assert "There are more gaps than these" in told(proof)


def test_an_accepted_gap_is_told_with_its_reason_and_not_counted():
    gap = CLOSED.replace("lines.exists(l, !l.returnable)", "lines.all(l, !l.returnable)") + REST
    more = 'accept:\n  - {gap: some, when: "lines.exists(l, !l.returnable)", because: people look at mixed parcels}\n'
    proof = proved(gap, more=more)
    assert proof.gaps == ()
    assert [(entry.name, entry.possible) for entry in proof.accepted] == [("some", True)]
    assert "people look at mixed parcels" in told(proof)


def test_an_accepted_gap_that_never_happens_is_superfluous():
    more = 'accept:\n  - {gap: some, when: "order.total > order.total", because: nothing}\n'
    proof = proved(CLOSED + REST, more=more)
    assert [entry.possible for entry in proof.accepted] == [False]
    assert "superfluous: it never happens" in told(proof)


def test_a_delivery_date_that_may_be_missing_cannot_be_computed():
    late = """
  - rule: late
    when: days(order.delivered_at, now) > 30
    reply: a
    resolve: declined
"""
    [gap] = proved(late + CLOSED + REST).gaps
    assert (gap.kind, gap.row) == ("cannot_compute", "late")
    assert "order.delivered_at is not there" in gap.example.words
    assert gap.example.confirmed
    safe = late.replace("days(", "has(order.delivered_at) && days(")
    assert proved(safe + CLOSED + REST).gaps == ()


def test_a_fact_that_nobody_supplies_is_a_gap():
    rules = """
  - rule: other_sender
    when: sender.address != order.email
    escalate: {queue: returns, because: a}
"""
    [gap] = proved(rules + CLOSED + REST).gaps
    assert (gap.kind, gap.row) == ("missing_fact", "other_sender")
    assert gap.example.confirmed
    safe = rules.replace("sender.address !=", "sender.verified && sender.address !=")
    assert proved(safe + CLOSED + REST).gaps == ()


def test_an_answer_that_is_asked_for_is_no_gap():
    rules = """
  - rule: photo
    when: request.photo
    resolve: answered
    reply: a
"""
    assert proved(rules + CLOSED + REST).gaps == ()


# -- currencies --------------------------------------------------------------------------------------------------------

SMALL = """
  - rule: small
    when: order.total <= param.goodwill
    reply: a
    resolve: answered
"""


def test_two_currencies_that_meet_are_a_gap_of_their_own():
    proof = proved(SMALL + CLOSED + REST, proofs="currencies: {EUR: [DE], GBP: [DE, GB]}\n")
    [gap] = proof.gaps
    assert (gap.kind, gap.row, gap.example.confirmed) == ("currency_mix", "small", True)
    assert "GBP" in "; ".join(gap.example.words)
    assert "are not of one currency" in gap.error


def test_where_each_currency_has_its_countries_they_do_not_meet():
    assert proved(SMALL + CLOSED + REST, proofs="currencies: {EUR: [DE, FR], GBP: [GB]}\n").gaps == ()


def test_without_a_word_on_countries_every_currency_of_the_guardrails_may_meet_every_country():
    limits = {"payments.refund": PayLimit("payments.refund", {"EUR": Money(1, "EUR"), "GBP": Money(1, "GBP")})}
    kinds = {gap.kind for gap in proved(SMALL + CLOSED + REST, proofs="{}\n", limits=limits).gaps}
    assert kinds == {"currency_mix"}


EARLIER = NO_NEEDS.replace("verify:", "  earlier: {look: orders.find, with: {email: order.email}}\nverify:")
DEARER = """
  - rule: dearer
    when: earlier.exists(e, e.total > order.total)
    reply: a
    resolve: answered
"""


def test_orders_of_a_customer_may_be_in_several_currencies():
    proofs = "currencies: {EUR: [DE, FR], GBP: [GB]}\n"
    [gap] = proved(DEARER + CLOSED + REST, needs=EARLIER, proofs=proofs).gaps
    assert (gap.kind, gap.row, gap.example.confirmed) == ("currency_mix", "dearer", True)
    same = DEARER.replace("e.total > order.total", "e.country == order.country && e.total > order.total")
    assert proved(same + CLOSED + REST, needs=EARLIER, proofs=proofs).gaps == ()


# -- rows --------------------------------------------------------------------------------------------------------------

TWO = """
  - rule: much
    when: size(order.lines) > {first}
    reply: a
    resolve: answered
  - rule: more
    when: size(order.lines) > {second}
    reply: b
    resolve: answered
"""


def test_a_row_that_a_row_above_takes_by_meaning_never_fires():
    [row] = proved(TWO.format(first=2, second=3) + REST).unreachable
    assert (row.row, row.covered_by) == ("more", ("much",))
    assert proved(TWO.format(first=3, second=2) + REST).unreachable == ()


def test_rows_that_take_every_case_together_are_named():
    rules = """
  - rule: paid
    when: order.status == "paid" || order.status == "shipped"
    reply: a
    resolve: answered
  - rule: done
    when: order.status in ["delivered", "cancelled"]
    reply: a
    resolve: answered
  - rule: last
    when: order.total > money("1.00 EUR")
    reply: b
    resolve: answered
"""
    proof = proved(rules + REST)
    [row] = proof.unreachable
    assert (row.row, set(row.covered_by)) == ("last", {"paid", "done"})
    assert "row last never fires" in told(proof)


def test_a_condition_that_never_holds_is_told():
    rules = """
  - rule: never
    when: size(order.lines) > 1 && size(order.lines) < 2
    reply: a
    resolve: answered
"""
    [row] = proved(rules + CLOSED + REST).unreachable
    assert (row.row, row.covered_by) == ("never", ())


# -- contradictions ----------------------------------------------------------------------------------------------------

PAY = """
  - rule: {name}
    when: {when}
    {key}do:
      - payments.refund: {{order: order.ref, amount: {amount}}}
        as: {receipt}
    reply: a
    resolve: resolved
"""
DECLINE = """
  - rule: decline
    when: size(order.lines) > 2
    reply: b
    resolve: declined
"""


def pay(name: str = "pay", when: str = 'order.status == "delivered"', amount: str = "order.total", key: str = "") -> str:
    return PAY.format(name=name, when=when, amount=amount, key=f"{key}\n    " if key else "", receipt=name)


def test_a_row_that_pays_and_one_that_declines_contradict_each_other():
    proof = proved(pay() + DECLINE + REST)
    [conflict] = proof.conflicts
    assert (conflict.upper, conflict.lower, conflict.weight, conflict.example.confirmed) == ("pay", "decline", 0, True)
    assert "write `before: [decline]` in row pay" in told(proof)


def test_before_says_that_the_order_is_meant():
    assert proved(pay(key="before: [decline]") + DECLINE + REST).conflicts == ()


def test_rows_that_never_hold_together_do_not_contradict_each_other():
    assert proved(pay(when="size(order.lines) == 1") + DECLINE + REST).conflicts == ()


def test_a_special_case_above_the_general_one_is_no_contradiction():
    assert proved(pay(when="size(order.lines) == 3") + DECLINE + REST).conflicts == ()


def test_two_rows_that_pay_different_amounts_contradict_each_other():
    other = pay("half", "size(order.lines) > 1", '"percent(order.total, 50)"')
    assert [c.lower for c in proved(pay() + other + REST).conflicts] == ["half"]
    same = pay("all", "size(order.lines) > 1")
    assert proved(pay() + same + REST).conflicts == ()


# -- money -------------------------------------------------------------------------------------------------------------


def amounts(proof: Proof) -> tuple[object, object, object]:
    [entry] = proof.payable
    return entry.procedure.amount, entry.alone.amount, entry.approved.amount


def test_the_largest_amount_is_what_the_procedure_and_the_guardrails_allow():
    proof = proved(pay(amount="order.refundable") + REST)
    assert amounts(proof) == (None, Money(15000, "EUR"), None)
    assert proof.payable[0].alone.bound_by == "per_action of payments.refund"
    assert proof.payable[0].alone.path == ("pay",)
    assert "without a limit by the procedure" in told(proof)


def test_a_parameter_limits_it():
    proof = proved(pay(when="order.refundable <= param.goodwill", amount="order.refundable") + REST)
    assert amounts(proof) == (Money(1000, "EUR"), Money(1000, "EUR"), Money(1000, "EUR"))
    assert proof.payable[0].alone.example is not None
    assert proof.payable[0].alone.example.confirmed


def test_a_declared_range_gives_a_figure():
    ranges = EUR_ONLY + "ranges:\n  - {of: order.refundable, from: 0.00 EUR, to: 200.00 EUR}\n"
    assert amounts(proved(pay(amount="order.refundable") + REST, proofs=ranges))[0] == Money(20000, "EUR")


def test_what_is_forbidden_above_a_limit_is_not_paid_with_an_approval():
    limits = {"payments.refund": PayLimit("payments.refund", {"EUR": Money(15000, "EUR")}, forbids=True)}
    assert amounts(proved(pay(amount="order.refundable") + REST, limits=limits))[2] == Money(15000, "EUR")


TWICE = """
  - rule: first
    when: order.status == "delivered"
    do:
      - payments.refund: {order: order.ref, amount: param.goodwill}
        as: first
  - rule: second
    when: has(done.first)
    do:
      - payments.refund: {order: order.ref, amount: param.goodwill}
        as: second
    reply: a
    resolve: resolved
"""


def test_a_limit_that_is_broken_on_one_way_through_two_rows_is_found():
    never = 'never:\n  - {never: more_than_goodwill, when: "paid > param.goodwill"}\n'
    proof = proved(TWICE + REST, more=never)
    [broken] = proof.nevers
    assert (broken.verdict, broken.path) == ("refuted", ("first", "second"))
    assert broken.example is not None
    assert broken.example.confirmed
    assert amounts(proof)[0] == Money(2000, "EUR")
    assert "never more_than_goodwill: broken by rows first, second" in told(proof)
    assert exit_code([proof]) == 1


def test_the_same_limit_is_proved_where_the_second_row_waits_for_a_refusal():
    never = 'never:\n  - {never: more_than_goodwill, when: "paid > param.goodwill"}\n'
    proof = proved(TWICE.replace("has(done.first)", "has(failed.first)") + REST, more=never)
    assert [entry.verdict for entry in proof.nevers] == ["proved"]
    assert "never more_than_goodwill: proved" in told(proof)


def test_what_was_paid_back_cannot_be_paid_back_again():
    twice = TWICE.replace("param.goodwill", "order.refundable")
    never = 'never:\n  - {never: more_than_there_is, when: "paid > order.refundable + order.refunded"}\n'
    assert [entry.verdict for entry in proved(twice + REST, more=never).nevers] == ["proved"]


INVARIANTS = """
never:
  - {never: cancelled, when: 'order.status == "cancelled"'}
  - {never: not_known_here, when: size(orders) > 1}
"""


def test_an_invariant_of_the_playbook_counts_where_its_facts_are_known():
    proofs = EUR_ONLY + INVARIANTS
    assert [(entry.name, entry.verdict) for entry in proved(CLOSED + REST, proofs=proofs).nevers] == [("cancelled", "refuted")]


# -- what is not proved ------------------------------------------------------------------------------------------------


def test_questions_without_an_answer_are_named_and_nothing_is_claimed():
    never = 'never:\n  - {never: too_much, when: "paid > param.goodwill"}\n'
    proof = proved(TWICE + REST, more=never, timeout=0)
    assert not proof.open
    assert proof.not_proved
    assert [entry.verdict for entry in proof.nevers] == ["not_proved"]
    assert exit_code([proof]) == 3
    text = told(proof)
    assert "gaps: not proved" in text
    assert "never too_much: not proved" in text
    assert "not proved: gaps" in text
    assert "0 gaps" in summary([proof])


def test_a_procedure_that_is_not_there_is_a_mistake_of_the_call():
    with pytest.raises(UsageError, match="no procedure refund"):
        prove(table(CLOSED, needs=NEEDS), VOCABULARY, {}, procedures=["refund"])
