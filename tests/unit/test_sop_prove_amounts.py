"""The largest amount counts every act of every row, each currency by itself; `decide` shows what is really paid."""

from dataclasses import replace

import pytest
from sop_builders import order
from test_sop_prove_soundness import KNOWN, LIMITS, NEVER, REST, book, decided, gift, paid, proved

from caseworker.cli.proving import exit_code
from caseworker.core.money import Money
from caseworker.sop.model import Progress, Vocabulary
from caseworker.sop.prove import PayLimit, Proof, prove
from caseworker.sop.proving.model import Payable
from caseworker.sop.proving.report import report

TWO = "currencies: {EUR: [DE, FR], GBP: [GB]}\n"
PAY = """
  - rule: pay
    when: order.status == "delivered"
    do:
      - vouchers.issue: {{amount: '{first}'}}
        as: first
      - gifts.give: {{amount: '{second}'}}
        as: second
    resolve: resolved
"""


def money(minor: int, currency: str = "EUR") -> Money:
    return Money(minor, currency)


def literal(text: str) -> str:
    return f'money("{text}")'


def pays(first: str, second: str) -> str:
    return PAY.format(first=first, second=second)


def by_currency(proof: Proof) -> dict[str, Payable]:
    return {entry.currency: entry for entry in proof.payable}


# -- two currencies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proofs", ["currencies: {EUR: [DE, FR]}\n", TWO])
def test_acts_of_one_row_in_two_currencies_count_each_in_its_own(proofs: str):
    made = book(pays(literal("50.00 EUR"), literal("30.00 GBP")) + REST, proofs=proofs)
    assert paid(decided(made)) == [money(5000), money(3000, "GBP")]
    found = by_currency(proved(made))
    assert (found["EUR"].procedure.amount, found["EUR"].alone.amount) == (money(5000), money(5000))
    assert (found["GBP"].procedure.amount, found["GBP"].alone.amount) == (money(3000, "GBP"), money(3000, "GBP"))
    assert found["EUR"].alone.path == ("pay (first, second)",)


def test_a_currency_that_only_an_amount_names_is_told():
    made = book(pays(literal("50.00 EUR"), literal("70.00 USD")) + REST)
    assert paid(decided(made)) == [money(5000), money(7000, "USD")]
    found = by_currency(proved(made))
    assert found["USD"].procedure.amount == money(7000, "USD")
    assert found["USD"].alone.amount == money(0, "USD")  # no guardrail names it, so it is never done
    assert found["EUR"].alone.amount == money(5000)  # the first act is done before the second is refused
    assert found["EUR"].alone.path == ("pay (first done, second refused)",)


RANGES = """ranges:
  - {of: order.total, from: 0.00 EUR, to: 80.00 EUR}
  - {of: order.total, from: 0.00 GBP, to: 60.00 GBP}
"""


def test_an_amount_in_the_currency_of_the_order_counts_beside_one_that_is_always_in_another():
    made = book(pays("order.total", literal("20.00 GBP")) + REST, proofs=TWO + RANGES)
    in_euro = decided(made, order=order(total=money(8000)))
    in_pounds = decided(made, order=order(total=money(6000, "GBP"), country="GB"))
    assert paid(in_euro) == [money(8000), money(2000, "GBP")]
    assert paid(in_pounds) == [money(6000, "GBP"), money(2000, "GBP")]
    found = by_currency(proved(made))
    assert found["EUR"].alone.amount == money(8000)
    assert found["GBP"].alone.amount == money(8000, "GBP")


def test_an_amount_that_is_in_one_currency_or_another_is_told_in_both():
    made = book(pays('order.country == "GB" ? money("40.00 GBP") : money("45.00 EUR")', literal("1.00 EUR")) + REST, proofs=TWO)
    assert paid(decided(made, order=order(country="GB"))) == [money(4000, "GBP"), money(100)]
    found = by_currency(proved(made))
    assert found["EUR"].alone.amount == money(4600)
    assert found["GBP"].alone.amount == money(4000, "GBP")


def test_an_invariant_is_judged_in_each_currency_by_itself():
    never = NEVER.replace("100.00 EUR", "60.00 EUR")
    rules = pays(literal("50.00 EUR"), literal("30.00 GBP")) + REST
    [entry] = proved(book(rules + never, proofs=TWO)).nevers
    assert entry.verdict == "not_proved"  # pounds cannot be held against euros
    [entry] = proved(book(rules + never.replace("60.00 EUR", "20.00 GBP"), proofs=TWO)).nevers
    assert entry.verdict == "refuted"
    proof = proved(book(pays(literal("50.00 EUR"), literal("9.00 EUR")) + REST + never, proofs=TWO))
    assert [found.verdict for found in proof.nevers] == ["proved"]


def test_an_invariant_that_two_currencies_keep_from_being_computed_is_not_proved():
    proof = proved(book(CLOSED + NEVER.replace("100.00 EUR", "60.00 EUR"), proofs=TWO))
    assert not proof.open
    assert [entry.verdict for entry in proof.nevers] == ["not_proved"]
    assert exit_code([proof]) == 3
    assert "not proved: never more_than_a_hundred; amounts of two currencies meet in it" in "\n".join(report(proof))


CLOSED = """
  - rule: pay
    when: "!has(done.first) && !has(failed.first)"
    do:
      - vouchers.issue: {amount: 'order.country == "GB" ? money("90.00 GBP") : money("50.00 EUR")'}
        as: first
    resolve: resolved
  - rule: again
    when: has(done.first) || has(failed.first)
    reply: a
    resolve: answered
  - otherwise: rest
    escalate: {queue: returns, because: x}
"""
RECEIPT = """
  - rule: gift
    when: order.status == "delivered"
    do:
      - vouchers.issue: {amount: 'money("50.00 GBP")'}
        as: first
  - rule: more
    when: has(done.first) && done.first.money_moved > money("40.00 GBP")
    do:
      - gifts.give: {amount: 'money("30.00 GBP")'}
        as: second
    resolve: resolved
"""


def test_a_receipt_is_in_the_currency_that_was_asked_for():
    made = book(RECEIPT + REST)
    done = {"first": {"status": "done", "money_moved": money(5000, "GBP")}}
    later = decided(made, done=done, progress=Progress(fired=("gift",)))
    assert paid(later) == [money(3000, "GBP")]
    proof = proved(made)
    assert proof.unreachable == ()
    assert {gap.kind for gap in proof.gaps} == {"otherwise"}
    assert by_currency(proof)["GBP"].alone.amount == money(8000, "GBP")


# -- several acts ------------------------------------------------------------------------------------------------------


def test_two_acts_of_one_row_are_both_paid_and_named():
    made = book(pays(literal("50.00 EUR"), literal("30.00 EUR")) + REST)
    assert paid(decided(made)) == [money(5000), money(3000)]
    [most] = proved(made).payable
    assert most.alone.amount == money(8000)
    assert most.alone.path == ("pay (first, second)",)


def test_what_was_paid_before_a_refusal_counts_with_what_a_later_row_pays():
    again = """
  - rule: again
    when: has(failed.second)
    do:
      - vouchers.issue: {amount: 'money("70.00 EUR")'}
        as: third
    resolve: resolved
"""
    made = book(pays(literal("50.00 EUR"), literal("30.00 EUR")) + again + REST)
    failed = {"second": {"code": "invalid_state", "message": ""}}
    done = {"first": {"status": "done", "money_moved": money(5000)}}
    later = decided(made, order=order(status="paid"), done=done, failed=failed, progress=Progress(fired=("pay",)))
    assert paid(later) == [money(7000)]
    [most] = proved(made).payable
    assert most.alone.amount == money(12000)
    assert most.alone.path == ("pay (first done, second refused)", "again")
    assert most.alone.example is not None
    assert most.alone.example.confirmed


def test_an_act_before_one_that_a_guardrail_forbids_is_paid():
    rules = pays(literal("50.00 EUR"), literal("30.00 EUR"))
    [proof] = prove(book(rules + REST + NEVER.replace("100.00", "40.00")), KNOWN, {"vouchers.issue": LIMITS["vouchers.issue"]})
    [most] = proof.payable
    assert (most.alone.amount, most.approved.amount, most.procedure.amount) == (money(5000), money(5000), money(8000))
    assert most.alone.path == ("pay (first done, second refused)",)
    [never] = proof.nevers
    assert never.verdict == "refuted"


def test_an_act_before_one_that_can_only_be_refused_is_paid():
    rules = pays(literal("50.00 EUR"), "order.total - order.total - order.total")
    [most] = proved(book(rules + REST)).payable
    assert most.alone.amount == money(5000)


REFUND = """
  - rule: pay
    when: order.status == "delivered"
    do:
      - vouchers.issue: {amount: 'money("50.00 EUR")'}
        as: first
      - payments.refund: {order: "ORDER.ref", amount: "ORDER.total"}
        as: second
    resolve: resolved
"""
SMALL = (
    "ranges: [{of: order.refundable, to: 10.00 EUR}, {of: order.total, to: 90.00 EUR}, {of: order.total, from: 20.00 EUR}]\n"
)


def limited(name: str) -> dict[str, PayLimit]:
    return {**LIMITS, name: PayLimit(name, {"EUR": money(50000)})}


def test_an_act_before_a_refund_that_the_shop_has_to_refuse_is_paid():
    made = book(REFUND.replace("ORDER", "order") + REST, proofs="currencies: {EUR: [DE]}\n" + SMALL)
    [proof] = prove(made, KNOWN, limited("payments.refund"))
    assert proof.payable[0].alone.amount == money(5000)


def test_a_refund_on_another_order_is_not_limited_by_this_one():
    needs = "  earlier: {look: orders.find, with: {email: order.email}}\n"
    rules = REFUND.replace("ORDER", "earlier[0]").replace('when: order.status == "delivered"', "when: size(earlier) > 0")
    more = "ranges: [{of: order.refundable, to: 10.00 EUR}, {of: earlier.total, to: 90.00 EUR}]\n"
    made = book(rules + REST, needs=needs, proofs="currencies: {EUR: [DE]}\n" + more)
    limits = limited("payments.refund")
    assert paid(decided(made, earlier=[order(total=money(9000))])) == [money(5000), money(9000)]
    [proof] = prove(made, KNOWN, limits)
    assert proof.payable[0].alone.amount == money(14000)


def test_what_the_customer_pays_counts_in_no_sum():
    charge = replace(gift("fees.take"), charges=True)
    known = Vocabulary(KNOWN.records, {**KNOWN.operations, "fees.take": charge})
    rules = pays(literal("50.00 EUR"), literal("30.00 EUR")).replace("gifts.give", "fees.take")
    [most] = proved(book(rules + REST), known).payable
    assert most.procedure.amount == money(5000)
    assert most.procedure.path == ("pay",)
