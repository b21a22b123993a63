"""prove never claims what `decide` refutes: for each case that was once claimed wrongly, `decide` shows what really happens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sop_builders import ANNA, NOW, VOCABULARY, files, order

from caseworker.core.money import Money
from caseworker.sop.decide import decide
from caseworker.sop.load import load
from caseworker.sop.model import Act, Decision, OperationType, Playbook, Progress, Vocabulary
from caseworker.sop.prove import PayLimit, Proof, prove

ORDER = "order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}"
EUR_ONLY = "currencies: {EUR: [DE, FR]}\n"
REST = """
  - otherwise: rest
    escalate: {queue: returns, because: x}
"""
NEVER = """
never:
  - {never: more_than_a_hundred, when: 'paid > money("100.00 EUR")'}
"""


def gift(name: str) -> OperationType:
    return OperationType(name, "write", {"amount": "Money"}, frozenset({"amount"}), "receipt", {}, money="amount")


GIFTS = {name: gift(name) for name in ("vouchers.issue", "gifts.give")}
KNOWN = replace(VOCABULARY, operations={**VOCABULARY.operations, **GIFTS})
LIMITS = {name: PayLimit(name, {"EUR": Money(10000, "EUR"), "GBP": Money(10000, "GBP")}) for name in GIFTS}


def book(rules: str, *, needs: str = "", proofs: str = EUR_ONLY) -> Playbook:
    head = f"sop: return\ntitle: Return\nintents: [return_item]\nneeds:\n  {ORDER}\n{needs}verify: owner(order)\nrules:\n"
    return load({**files(sop=head + rules), "proofs.yaml": proofs})


def proved(made: Playbook, vocabulary: Vocabulary = KNOWN) -> Proof:
    [proof] = prove(made, vocabulary, LIMITS)
    return proof


def decided(made: Playbook, vocabulary: Vocabulary = KNOWN, *, later: timedelta = timedelta(), **facts: Any) -> Decision:
    progress = facts.pop("progress", Progress())
    known: Mapping[str, Any] = {
        "sender": ANNA,
        "request": {"intent": "return_item", "confidence": 0.9},
        "order": order(),
        **facts,
    }
    return decide(made, "return", known, now=NOW + later, progress=progress, vocabulary=vocabulary)


def paid(decision: Decision) -> list[Money | None]:
    return [move.amount for move in decision.moves if isinstance(move, Act)]


FIRST_DONE = {"first": {"status": "done", "money_moved": Money(5000, "EUR")}}


# -- what counts where the customer could not say it -------------------------------------------------------------------

GUESSING = """
  - rule: guess
    when: '!has(request.return_reason) && reason == "damaged"'
    do: [{vouchers.issue: {amount: 'money("90.00 EUR")'}}]
    resolve: resolved
  - rule: said
    when: reason in ["damaged", "changed_mind"]
    reply: b
    resolve: answered
"""
REASON = (
    "  reason: {take: request.return_reason, one_of: [damaged, changed_mind], ask: return_reason, or_else: '\"damaged\"'}\n"
)


def test_what_counts_instead_of_an_answer_is_part_of_the_proof():
    made = book(GUESSING + REST + NEVER.replace("100.00", "1.00"), needs=REASON)
    assert paid(decided(made, progress=Progress(asked={"return_reason": 1}))) == [Money(9000, "EUR")]
    proof = proved(made)
    assert proof.unreachable == ()
    [most] = proof.payable
    assert most.alone.amount == Money(9000, "EUR")
    assert most.alone.example is not None
    assert most.alone.example.confirmed
    assert "return_reason was asked before" in most.alone.example.words
    [never] = proof.nevers
    assert never.verdict == "refuted"


# -- what goes on while a request waits --------------------------------------------------------------------------------

TWO_DATES = """
  - rule: late
    when: now >= date("2026-12-01") && has(done.first)
    do: [{vouchers.issue: {amount: 'money("90.00 EUR")'}, as: second}]
    resolve: resolved
  - rule: early
    when: now < date("2026-12-01")
    do: [{vouchers.issue: {amount: 'money("50.00 EUR")'}, as: first}]
    wait: {until: order.status == "cancelled", at_most: 30d, then: over}
  - rule: over
    when: timed_out.early
    reply: a
    resolve: answered
"""


def waiting(row: str) -> Progress:
    return Progress(fired=(row,), waiting=row, waiting_since=NOW)


def test_time_goes_on_while_a_request_waits():
    made = book(TWO_DATES + REST + NEVER)
    assert paid(decided(made)) == [Money(5000, "EUR")]
    later = decided(made, later=timedelta(days=7), done=FIRST_DONE, progress=waiting("early"))
    assert paid(later) == [Money(9000, "EUR")]
    proof = proved(made)
    [most], [never] = proof.payable, proof.nevers
    assert most.alone.amount == Money(14000, "EUR")
    assert most.alone.path == ("early", "late")
    assert most.alone.example is not None
    assert most.alone.example.confirmed
    assert never.verdict == "refuted"


SEASONAL = """
  - rule: more
    when: has(done.first)
    do: [{vouchers.issue: {amount: 'param.gift'}, as: second}]
    resolve: resolved
  - rule: early
    when: now < date("2026-12-01")
    do: [{vouchers.issue: {amount: 'param.gift'}, as: first}]
    wait: {until: order.status == "cancelled", at_most: 30d, then: rest}
"""
GIFT = """
gift: {type: Money, values: ["50.00 EUR", {value: "90.00 EUR", from: 2026-12-01, to: 2026-12-31}]}
"""


def test_parameters_of_other_days_count_after_a_wait():
    texts = files(sop=f"sop: return\ntitle: R\nintents: [return_item]\nneeds:\n  {ORDER}\nrules:\n{SEASONAL}{REST}")
    made = load({**texts, "parameters.yaml": GIFT, "proofs.yaml": EUR_ONLY})
    [most] = proved(made).payable
    assert most.alone.amount == Money(14000, "EUR")


def test_a_time_out_comes_after_its_time():
    rules = TWO_DATES.replace('now >= date("2026-12-01") && has(done.first)', "timed_out.early").replace(
        "then: over", "then: late"
    )
    never = NEVER.replace('paid > money("100.00 EUR")', 'timed_out.early && now < date("2020-01-31")')
    [entry] = proved(book(rules + REST + never)).nevers
    assert entry.verdict == "proved"


PHOTO = """
  - rule: photo_there
    when: message.has_photo && has(done.first)
    do: [{vouchers.issue: {amount: 'money("90.00 EUR")'}, as: second}]
    resolve: resolved
  - rule: no_photo
    when: "!message.has_photo"
    do: [{vouchers.issue: {amount: 'money("50.00 EUR")'}, as: first}]
    wait: {until: message.has_photo, at_most: 30d, then: over}
  - rule: over
    when: timed_out.no_photo
    reply: a
    resolve: answered
"""


def test_customers_write_while_a_request_waits():
    made = book(PHOTO + REST + NEVER)
    later = decided(made, message={"has_photo": True}, done=FIRST_DONE, progress=waiting("no_photo"))
    assert paid(later) == [Money(9000, "EUR")]
    proof = proved(made)
    [most], [never] = proof.payable, proof.nevers
    assert most.alone.amount == Money(14000, "EUR")
    assert never.verdict == "refuted"


def test_answers_come_while_a_request_waits():
    made = book(
        PHOTO.replace('"!message.has_photo"', "'!has(request.photo)'").replace("message.has_photo", "has(request.photo)") + REST
    )
    [most] = proved(made).payable
    assert most.alone.amount == Money(14000, "EUR")


BETWEEN = """
  - rule: photo_there
    when: message.has_photo && has(done.first)
    do: [{vouchers.issue: {amount: 'money("90.00 EUR")'}, as: second}]
    resolve: resolved
  - rule: no_photo
    when: "!message.has_photo"
    do: [{vouchers.issue: {amount: 'money("50.00 EUR")'}, as: first}]
"""


def test_customers_write_while_an_act_takes_its_time():
    [most] = proved(book(BETWEEN + REST)).payable
    assert most.alone.amount == Money(14000, "EUR")
