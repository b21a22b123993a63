"""prove never claims what `decide` refutes: for each case that was once claimed wrongly, `decide` shows what really happens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sop_builders import ANNA, NOW, VOCABULARY, files, line, order

from caseworker.cli.proving import exit_code
from caseworker.core.money import Money
from caseworker.sop.decide import decide
from caseworker.sop.load import load
from caseworker.sop.model import Act, Decision, OperationType, Playbook, Progress, Vocabulary
from caseworker.sop.prove import PayLimit, Proof, prove
from caseworker.sop.proving.report import report

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
