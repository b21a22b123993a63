"""Of two releases' limits the stricter: for every action, amount, currency and history the verdict is the harder of the two."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseworker.core.money import Money
from caseworker.guard.judge import judge, stricter
from caseworker.guard.load import load
from caseworker.guard.model import Guardrails, Limit, Queue, Totals
from caseworker.sop.errors import PlaybookProblems

HARDNESS = ("allowed", "needs_approval", "forbidden")
ROUTING = "default_queue: general\nqueues: {general: {title: General}}\n"


def rails(limits: dict[str, Limit], *queues: str) -> Guardrails:
    return Guardrails(limits, {q: Queue(q, q, 60, 1) for q in ("general", *queues)}, "general")


_amounts = st.dictionaries(st.sampled_from(["EUR", "GBP"]), st.integers(0, 300)).map(
    lambda found: {currency: Money(minor, currency) for currency, minor in found.items()}
)
_limit = st.builds(
    Limit,
    action=st.just("pay"),
    per_action=_amounts,
    per_case=_amounts,
    per_customer_day=_amounts,
    count_per_case=st.none() | st.integers(0, 3),
    above=st.sampled_from(["approve", "forbid"]),
    always_approve=st.booleans(),
)
_rails = st.builds(lambda limit: rails({"pay": limit} if limit else {}), st.none() | _limit)


@given(pinned=_rails, live=_rails, minor=st.none() | st.integers(0, 400), done=st.integers(0, 300), count=st.integers(0, 3))
@pytest.mark.parametrize("currency", ["EUR", "GBP", "PLN"])
@pytest.mark.parametrize("moves_money", [True, False])
def test_the_verdict_is_the_harder_of_the_two(
    currency: str,
    moves_money: bool,
    pinned: Guardrails,
    live: Guardrails,
    minor: int | None,
    done: int,
    count: int,
) -> None:
    amount = None if minor is None else Money(minor, currency)
    totals = Totals(Money(done, currency), Money(done, currency), count)

    def hardness(guardrails: Guardrails) -> int:
        verdict = judge(guardrails, "pay", moves_money=moves_money, amount=amount, totals=totals)
        return HARDNESS.index(verdict.decision)

    assert hardness(stricter(pinned, live)) == max(hardness(pinned), hardness(live))


def test_a_currency_that_one_does_not_name_is_forbidden_there() -> None:
    euros = rails({"pay": Limit("pay", per_action={"EUR": Money(100, "EUR")})})
    pounds = rails({"pay": Limit("pay", per_action={"GBP": Money(100, "GBP")}, always_approve=True)})
    for one, other in ((euros, pounds), (pounds, euros)):
        both = stricter(one, other)
        assert judge(both, "pay", moves_money=True, amount=Money(1, "GBP")).decision == "forbidden"
        assert judge(both, "pay", moves_money=True, amount=Money(1, "EUR")).decision == "needs_approval"


def test_queues_words_and_the_number_of_people_are_those_of_today() -> None:
    old = rails({"pay": Limit("pay", per_action={"EUR": Money(100, "EUR")}, queue="finance")}, "finance")
    new = replace(rails({"pay": Limit("pay", per_action={"EUR": Money(500, "EUR")}, queue="money")}, "money"), people=2)
    both = stricter(old, new)
    assert (sorted(both.queues), both.people) == (["general", "money"], 2)
    assert judge(both, "pay", moves_money=True, amount=Money(200, "EUR")).queue == "general", "the old queue is gone"
    assert judge(both, "pay", moves_money=True, amount=Money(900, "EUR")).queue == "money"


@pytest.mark.parametrize(("text", "people"), [("", 1), ("publishing: {people: 1}", 1), ("publishing: {people: 2}", 2)])
def test_how_many_people_publish_stands_in_the_guardrails(text: str, people: int) -> None:
    assert load({"routing.yaml": ROUTING, "guardrails.yaml": text}).people == people


@pytest.mark.parametrize("people", ["0", "3", "1.5", "two"])
def test_another_number_of_people_is_refused(people: str) -> None:
    with pytest.raises(PlaybookProblems) as raised:
        load({"routing.yaml": ROUTING, "guardrails.yaml": f"publishing: {{people: {people}}}"})
    assert {f.place.line for f in raised.value.findings} == {1}
