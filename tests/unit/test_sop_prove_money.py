"""The largest amount is never less than what a request really pays, and waits are part of the ways of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sop_builders import ANNA, NOW, VOCABULARY, files, order, request

from caseworker.core.money import Money
from caseworker.sop.decide import decide
from caseworker.sop.load import load
from caseworker.sop.model import Act, Escalate, Playbook, Progress, Resolve, Vocabulary
from caseworker.sop.prove import PayLimit, prove
from caseworker.sop.proving.model import Most, Payable

LIMITS = {"payments.refund": PayLimit("payments.refund", {"EUR": Money(1500, "EUR")}, {"EUR": Money(2500, "EUR")})}
HEAD = """
sop: return
title: Return
intents: [return_item]
needs:
  order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
verify: owner(order)
rules:
"""
PROOFS = """
currencies: {EUR: [DE]}
ranges:
  - {of: order.total, from: 0.00 EUR, to: 50.00 EUR}
  - {of: order.refundable, from: 0.00 EUR, to: 40.00 EUR}
"""
LAST = "  - otherwise: not_covered\n    escalate: {queue: returns, because: not_covered}\n"
CONDITIONS = [
    'order.status == "paid"',
    "order.refundable > param.goodwill",
    "order.refunded <= param.goodwill",
    "order.total > order.refundable",
    "has(done.one)",
    "has(failed.one)",
    "has(done.two) || has(failed.two)",
    "!has(done.one)",
    "has(done.one) && done.one.money_moved >= param.goodwill",
    "has(failed.one) && order.refundable == order.total",
]
AMOUNTS = ["param.goodwill", "order.refundable", "order.total", "percent(order.total, 30)", "min(order.total, param.goodwill)"]


def book(rules: str, proofs: str = PROOFS) -> Playbook:
    return load({**files(sop=HEAD + rules + LAST), "proofs.yaml": proofs})


def row(name: str, condition: str, amount: str, end: str = "") -> str:
    act = f"      - payments.refund: {{order: order.ref, amount: '{amount}'}}\n        as: {name}\n"
    return f"  - rule: {name}\n    when: '{condition}'\n    do:\n{act}{end}"


@st.composite
def books(draw: st.DrawFn) -> Playbook:
    rows = []
    for name in draw(st.permutations(["one", "two", "three"])):
        end = draw(st.sampled_from(["", "", "    resolve: resolved\n"]))
        rows.append(row(name, draw(st.sampled_from(CONDITIONS)), draw(st.sampled_from(AMOUNTS)), end))
    return book("".join(rows))


@dataclass
class Request:
    """Plays a request to its end. The shop pays back what is refundable and refuses more; `refuses` are refusals by chance."""

    book: Playbook
    facts: dict[str, Any]
    refuses: list[bool]
    progress: Progress = field(default_factory=Progress)
    paid: int = 0
    in_limits: bool = True

    def run(self) -> int:
        for _ in range(12):
            decision = decide(self.book, "return", self.facts, now=NOW, progress=self.progress, vocabulary=VOCABULARY)
            [act] = [move for move in decision.moves if isinstance(move, Act)] or [None]
            refused = act is not None and not self.do(act)
            self.progress = replace(self.progress, fired=(*self.progress.fired, decision.rule))
            if not refused and any(isinstance(move, Escalate | Resolve) for move in decision.moves):
                break
        return self.paid

    def do(self, act: Act) -> bool:
        record, amount = self.facts["order"], act.amount
        assert isinstance(amount, Money)
        if amount > record["refundable"] or (self.refuses and self.refuses.pop()):
            self.facts["failed"] = {**self.facts["failed"], act.name: {"code": "amount_exceeded", "message": ""}}
            return False
        self.facts["order"] = {
            **record,
            "refundable": record["refundable"] - amount,
            "refunded": record["refunded"] + amount,
        }
        self.facts["done"] = {**self.facts["done"], act.name: {"status": "done", "money_moved": amount}}
        self.in_limits = self.in_limits and amount.minor <= 1500 and self.paid + amount.minor <= 2500
        self.paid += amount.minor
        return True


def facts(total: int, refundable: int, refunded: int, status: str) -> dict[str, Any]:
    amounts: Mapping[str, Money] = {
        "total": Money(total, "EUR"),
        "refundable": Money(refundable, "EUR"),
        "refunded": Money(refunded, "EUR"),
    }
    record = order(status=status, **amounts)
    return {"order": record, "sender": ANNA, "request": request(), "done": {}, "failed": {}}


@given(
    books(),
    st.lists(
        st.tuples(
            st.integers(0, 5000),
            st.integers(0, 4000),
            st.integers(0, 2000),
            st.sampled_from(["paid", "shipped"]),
            st.lists(st.booleans(), max_size=3),
        ),
        min_size=30,
        max_size=60,
    ),
)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_pays_more_than_was_proved(made: Playbook, many: list[tuple[int, int, int, str, list[bool]]]) -> None:
    [proof] = prove(made, VOCABULARY, LIMITS)
    assert not proof.not_proved
    nothing = Most(Money(0, "EUR"))
    most = next(iter(proof.payable), Payable("EUR", nothing, nothing, nothing))
    assert most.procedure.amount is not None
    assert most.alone.amount is not None
    for total, refundable, refunded, status, refuses in many:
        played = Request(made, facts(total, refundable, refunded, status), list(refuses))
        paid = played.run()
        assert paid <= most.procedure.amount.minor
        if played.in_limits:
            assert paid <= most.alone.amount.minor
    for example in (most.procedure.example, most.alone.example):
        assert example is None or example.confirmed


WAITING = """
  - rule: first
    when: order.status == "paid"
    do:
      - payments.refund: {order: order.ref, amount: param.goodwill}
        as: first
    wait: {until: order.status == "delivered", at_most: 5d, every: 1d, then: late}
  - rule: arrived
    when: has(done.first) && order.status == "delivered"
    do:
      - payments.refund: {order: order.ref, amount: param.goodwill}
        as: second
    resolve: resolved
  - rule: late
    when: timed_out.first
    do:
      - payments.refund: {order: order.ref, amount: "percent(order.total, 100)"}
        as: third
    resolve: resolved
"""


def test_what_is_paid_after_a_wait_counts() -> None:
    [proof] = prove(book(WAITING), VOCABULARY, {})
    [most] = proof.payable
    assert most.procedure.amount == Money(1000 + 4000, "EUR")  # after the wait as much as may be refundable then
    assert most.procedure.path == ("first", "late")
    assert most.procedure.example is not None
    assert most.procedure.example.confirmed
    assert most.alone.amount == Money(0, "EUR")  # no guardrail, so nothing may be done


def test_what_the_customer_pays_is_not_counted() -> None:
    charge = replace(VOCABULARY.operations["payments.refund"], charges=True)
    charging = Vocabulary(VOCABULARY.records, {**VOCABULARY.operations, "payments.refund": charge})
    [proof] = prove(book(row("one", "order.total > order.refunded", "order.total")), charging, LIMITS)
    assert proof.payable == ()
