"""The verdict on one write."""

import pytest

from caseworker.core.money import Money, MoneyError
from caseworker.guard.judge import judge
from caseworker.guard.model import Guardrails, Limit, Queue, Totals


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def rails(**limit: object) -> Guardrails:
    return Guardrails(
        limits={"pay": Limit("pay", **limit)},  # type: ignore[arg-type]  # limits are written as keywords in these tests
        queues={"general": Queue("general", "General", 480, 1)},
        default_queue="general",
    )


LIMITS = {"per_action": {"EUR": eur(15000)}, "per_case": {"EUR": eur(30000)}, "per_customer_day": {"EUR": eur(40000)}}


@pytest.mark.parametrize(
    ("amount", "case", "day", "decision", "rule"),
    [
        (15000, 0, 0, "allowed", "within"),
        (15001, 0, 0, "needs_approval", "per_action 150.00 EUR"),
        (10000, 20000, 20000, "allowed", "within"),
        (10000, 20001, 20001, "needs_approval", "per_case 300.00 EUR"),
        (10000, 0, 30001, "needs_approval", "per_customer_day 400.00 EUR"),
        (0, 30000, 40000, "allowed", "within"),
        (-1, 0, 0, "forbidden", "negative"),
    ],
)
def test_amounts_against_their_limits(amount: int, case: int, day: int, decision: str, rule: str):
    verdict = judge(rails(**LIMITS), "pay", moves_money=True, amount=eur(amount), totals=Totals(eur(case), eur(day), 0))
    assert verdict.decision == decision
    assert rule in verdict.rule


def test_above_a_limit_can_be_forbidden():
    verdict = judge(rails(**LIMITS, above="forbid"), "pay", moves_money=True, amount=eur(15001))
    assert (verdict.decision, verdict.queue) == ("forbidden", "general")


def test_money_without_a_limit_is_forbidden():
    assert judge(rails(), "other", moves_money=True, amount=eur(1)).decision == "forbidden"
    assert judge(rails(**LIMITS), "pay", moves_money=True, amount=Money(1, "GBP")).decision == "forbidden"
    assert judge(rails(), "pay", moves_money=True, amount=eur(1)).decision == "forbidden"


def test_an_unknown_amount_goes_to_a_person():
    assert judge(rails(**LIMITS), "pay", moves_money=True).decision == "needs_approval"


def test_what_moves_no_money_needs_no_limit():
    assert judge(rails(), "other", moves_money=False).decision == "allowed"


def test_a_case_may_do_it_only_so_often():
    guardrails = rails(count_per_case=2)
    assert judge(guardrails, "pay", moves_money=False, totals=Totals(eur(0), eur(0), 1)).decision == "allowed"
    assert judge(guardrails, "pay", moves_money=False, totals=Totals(eur(0), eur(0), 2)).decision == "needs_approval"


def test_always_approve_asks_a_person_and_lifts_no_ban():
    guardrails = rails(always_approve=True, per_case={"EUR": eur(100)}, above="forbid")
    assert judge(guardrails, "pay", moves_money=True, amount=eur(1)).decision == "needs_approval"
    assert judge(guardrails, "pay", moves_money=True, amount=eur(101)).decision == "forbidden"


def test_totals_of_another_currency_are_an_error():
    with pytest.raises(MoneyError):
        judge(rails(**LIMITS), "pay", moves_money=True, amount=eur(1), totals=Totals(Money(0, "GBP"), Money(0, "GBP"), 0))
