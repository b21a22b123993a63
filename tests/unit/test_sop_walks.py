"""Whole requests, driven as a case does it, over many worlds: deterministic, every row once, an end in a few steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sop_builders import ANNA, NOW, STRANGER, VOCABULARY, line, order, playbook, request, table

from caseworker.core.money import Money
from caseworker.sop.decide import decide
from caseworker.sop.model import Act, Ask, Confirm, Decision, Escalate, Found, LookUp, Playbook, Progress, Resolve, Wait

BOOKS = {
    "return": playbook(),
    "several": table(
        """
  - rule: note
    when: order.total > param.goodwill
    do:
      - returns.create: {order: order.ref, lines: lines, reason: reason}
        as: note
  - rule: ask_first
    when: has(done.note) && order.status == "delivered"
    confirm: sure
    do:
      - payments.refund: {order: order.ref, amount: value}
        as: refund
  - rule: refused
    when: has(failed.refund) || has(failed.note)
    escalate: {queue: returns, because: refused}
  - rule: wait
    when: order.status == "shipped"
    wait: {until: order.status == "delivered", at_most: 5d, every: 1d, then: too_long}
  - rule: too_long
    when: timed_out.wait
    escalate: {queue: returns, because: too_long}
  - rule: done
    when: has(done.refund) || order.status == "delivered"
    resolve: resolved
"""
    ),
}


@dataclass
class Customer:
    """Plays the case: look-ups, the customer's answers, receipts, time."""

    book: Playbook
    world: list[dict[str, object]]
    sender: Mapping[str, object]
    answers: Mapping[str, object]
    refuses: bool
    says: bool
    said: dict[str, object] = field(default_factory=dict)
    sections: dict[str, dict[str, object]] = field(default_factory=lambda: {"done": {}, "failed": {}, "timed_out": {}})
    now_days: int = 0
    fired: list[str] = field(default_factory=list)

    def decide(self, progress: Progress) -> Decision:
        facts = {"sender": self.sender, "request": request(**self.said), **self.sections}
        now = NOW + timedelta(days=self.now_days)
        first, second = (
            decide(self.book, "return", facts, now=now, progress=progress, vocabulary=VOCABULARY) for _ in range(2)
        )
        assert first == second
        return first

    def run(self) -> Decision:
        progress = Progress()
        for _ in range(40):
            decision = self.decide(progress)
            if any(isinstance(move, Resolve | Escalate) for move in decision.moves):
                self._fires(decision, progress)
                return decision
            progress = self._answer(decision, progress)
        raise AssertionError("the request does not end")

    def _answer(self, decision: Decision, progress: Progress) -> Progress:
        match decision.moves[0]:
            case LookUp(need=need, arguments=arguments):
                assert arguments, "a look-up without arguments would find everything"
                assert self.sender["verified"] or "email" not in arguments
                return replace(progress, found={**progress.found, need: Found(tuple(self.world))})
            case Ask(keys=keys):
                self.said |= {key: self.answers[key] for key in keys if key in self.answers}
                asked = {key: progress.asked.get(key, 0) + 1 for key in keys}
                assert all(count <= 2 for count in asked.values()), "nobody is asked a third time"
                return replace(progress, asked={**progress.asked, **asked}, found={})
            case Confirm():
                return replace(progress, confirmed={**progress.confirmed, decision.rule: self.says}, found={})
            case Wait():
                self.now_days += 2
                since = progress.waiting_since or NOW + timedelta(days=self.now_days - 2)
                again = progress.waiting == decision.rule
                fired = progress if again else self._fires(decision, progress)
                return replace(fired, waiting=decision.rule, waiting_since=since, found={})
        for move in decision.moves:
            assert isinstance(move, Act)
            section = "failed" if self.refuses else "done"
            fact = {"code": "invalid_state", "message": "no"} if self.refuses else {"status": "done", "at": NOW}
            self.sections[section][move.name] = fact
        return replace(self._fires(decision, progress), found={})

    def _fires(self, decision: Decision, progress: Progress) -> Progress:
        if decision.rule:
            assert decision.rule not in self.fired, "a row fires once"
            assert decision.identity in ("verified", "not_needed"), "no row fires for a stranger"
            self.fired.append(decision.rule)
        return replace(progress, fired=tuple(self.fired))


ORDERS = st.builds(
    lambda status, days, currency, lines: order(
        status=status,
        delivered_at=None if days is None else NOW - timedelta(days=days),
        total=Money(3000, currency),
        lines=[line(n, returnable=good) for n, good in enumerate(lines, 1)],
    ),
    st.sampled_from(["paid", "shipped", "delivered", "cancelled"]),
    st.one_of(st.none(), st.integers(0, 60)),
    st.sampled_from(["EUR", "GBP"]),
    st.lists(st.booleans(), min_size=1, max_size=3),
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "order_number": st.sampled_from(["NW-1001", "nw1001", "4"]),
        "postcode": st.sampled_from(["50667", "10115"]),
        "items": st.lists(st.sampled_from(["l1", "l2", "l9"]), max_size=2),
        "return_reason": st.sampled_from(["damaged", "changed_mind", "no reason"]),
    },
)


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(BOOKS)),
    world=st.lists(ORDERS, max_size=2),
    sender=st.sampled_from([ANNA, STRANGER, {"address": "b@example.com", "verified": True}]),
    answers=ANSWERS,
    refuses=st.booleans(),
    says=st.booleans(),
)
def test_every_request_ends_and_no_row_fires_twice(
    name: str, world: list[dict[str, object]], sender: dict[str, object], answers: dict[str, object], refuses: bool, says: bool
) -> None:
    customer = Customer(BOOKS[name], world, sender, answers, refuses, says)
    decision = customer.run()
    assert len(customer.fired) == len(set(customer.fired))
    if decision.identity != "verified":
        assert not any(isinstance(move, Resolve) for move in decision.moves)


def test_a_walk_with_confirmation_refund_and_end() -> None:
    customer = Customer(
        BOOKS["several"], [order()], ANNA, {"items": ["l2"], "return_reason": "damaged"}, refuses=False, says=True
    )
    assert customer.run().moves == (Resolve("resolved"),)
    assert customer.fired == ["note", "ask_first", "done"]


def test_a_walk_that_waits_in_vain() -> None:
    world = [order(status="shipped")]
    customer = Customer(BOOKS["several"], world, ANNA, {"items": ["l2"], "return_reason": "damaged"}, refuses=False, says=True)
    assert customer.run().moves == (Escalate("returns", "too_long"),)
    assert customer.fired == ["note", "wait", "too_long"]
