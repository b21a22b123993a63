"""How far results are from what was expected. Pure: scenarios and results in, figures and a list of failures out."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from caseworker.core.money import Money
from caseworker.lab.results import ReceiptResult, RequestResult, Result
from caseworker.lab.scenario import ExpectedRequest, Scenario, Write

IN_POLICY = ("resolved", "declined", "answered")
UNSURE = ("not_understood", "unclear")
NEUTRAL = ("answered", "declined", "awaiting_customer", "escalated")
ORDER_UNKNOWN = ("escalated", "awaiting_customer")
"""Outcomes that may come before the order was known."""

SAME_MATTER = frozenset({"where_is_my_order", "delivered_not_received", "missing_item"})
"""Names of one worry: a parcel, or something of it, is not there. A wrong name is counted, and forgiven where all else fits."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario. `right`: every expected request ended as expected, and every expected write was made.

    `exact`: right, with no request too many, no wrong write, no needless question, no leak, nothing unexplained.
    """

    id: str
    right: bool
    exact: bool
    expected: tuple[str, ...]
    got: tuple[str, ...]
    why: str
    intents_expected: int
    intents_right: int
    wrong_writes: tuple[str, ...] = ()
    missing_writes: tuple[str, ...] = ()
    extra_requests: tuple[str, ...] = ()
    questions: int = 0
    needless: tuple[str, ...] = ()
    in_policy: bool = False
    unsure: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Figures over a set. Shares are between 0 and 1; those of nothing are 0."""

    scenarios: int
    right: int
    exact: int
    intents_expected: int
    intents_right: int
    wrong_writes: int
    missing_writes: int
    questions: int
    needless_questions: int
    in_policy: int
    in_policy_unsure: int
    in_policy_right: int
    extra_requests: int
    unexplained: int
    leaks: int
    trouble: int
    by_outcome: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_tag: dict[str, tuple[int, int]] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types: the figures, their shares, every verdict."""
        shares = {
            "right": share(self.right, self.scenarios),
            "exact": share(self.exact, self.scenarios),
            "intents_right": share(self.intents_right, self.intents_expected),
            "needless_questions": share(self.needless_questions, self.questions),
            "in_policy_unsure": share(self.in_policy_unsure, self.in_policy),
            "in_policy_right": share(self.in_policy_right, self.in_policy),
        }
        return {**asdict(self), "shares": shares}


def share(part: int, whole: int) -> float:
    """A share, 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0


def score(scenarios: Sequence[Scenario], results: Sequence[Result]) -> Score:
    """Compare. A scenario without a result counts as wrong."""
    given = {result.id: result for result in results}
    pairs = [(s, given.get(s.id) or _nothing(s.id)) for s in scenarios]
    verdicts = tuple(judge(scenario, result) for scenario, result in pairs)
    policy = [v for v in verdicts if v.in_policy]
    return Score(
        scenarios=len(verdicts),
        right=sum(v.right for v in verdicts),
        exact=sum(v.exact for v in verdicts),
        intents_expected=sum(v.intents_expected for v in verdicts),
        intents_right=sum(v.intents_right for v in verdicts),
        wrong_writes=sum(len(v.wrong_writes) for v in verdicts),
        missing_writes=sum(len(v.missing_writes) for v in verdicts),
        questions=sum(v.questions for v in verdicts),
        needless_questions=sum(len(v.needless) for v in verdicts),
        in_policy=len(policy),
        in_policy_unsure=sum(v.unsure for v in policy),
        in_policy_right=sum(v.right for v in policy),
        extra_requests=sum(len(v.extra_requests) for v in verdicts),
        unexplained=sum(len(r.unexplained) for _, r in pairs),
        leaks=sum(len(r.leaks) for _, r in pairs),
        trouble=sum(len(r.trouble) for _, r in pairs),
        by_outcome=_shares((_outcome(s), v) for (s, _), v in zip(pairs, verdicts, strict=True)),
        by_tag=_shares((tag, v) for (s, _), v in zip(pairs, verdicts, strict=True) for tag in s.tags),
        verdicts=verdicts,
    )


def judge(scenario: Scenario, result: Result) -> Verdict:
    """One scenario."""
    expect = scenario.expect
    wrong, missing = compare_writes(expect.writes, result.receipts)
    pairs, extra = match(expect.requests, result.requests)
    neutral = _may_be_neutral(scenario) and not wrong and not result.leaks
    fits = [_fits(e, got, neutral=neutral) for e, got in pairs]
    needless = tuple(key for key in result.questions if key not in expect.questions)
    right = all(fits) and not missing and not (extra and not expect.requests)
    problems = (*result.unexplained, *result.leaks, *result.trouble)
    outcomes = {e.outcome for e in expect.requests}
    return Verdict(
        id=scenario.id,
        right=right,
        exact=right and not extra and not wrong and not needless and not problems,
        expected=tuple(_expected(e) for e in expect.requests),
        got=tuple(_got(g) for g in result.requests),
        why=expect.why,
        intents_expected=len(expect.requests),
        intents_right=sum(1 for e, got in pairs if got is not None and got.intent == e.intent),
        wrong_writes=wrong,
        missing_writes=missing,
        extra_requests=tuple(_got(g) for g in extra),
        questions=len(result.questions),
        needless=needless,
        in_policy=bool(outcomes) and outcomes <= set(IN_POLICY),
        unsure=any(r.outcome == "escalated" and r.because.startswith(UNSURE) for r in result.requests),
        problems=problems,
    )


def match(
    expected: Sequence[ExpectedRequest], got: Sequence[RequestResult]
) -> tuple[list[tuple[ExpectedRequest, RequestResult | None]], list[RequestResult]]:
    """Pair each expected request with the one that is nearest, and what is left over.

    Same intent and order before same intent, before another name of the same matter, before anything: what stands in for an
    expected request is wrong, and not one too many.
    """
    left, pairs = list(got), dict[int, RequestResult]()
    for fits in (_same_and_order, _same, _matter_and_order, _matter, _anything):
        for index, wanted in enumerate(expected):
            found = next((g for g in left if index not in pairs and fits(wanted, g)), None)
            if found is not None:
                pairs[index] = found
                left.remove(found)
    return [(wanted, pairs.get(index)) for index, wanted in enumerate(expected)], left


def _same(e: ExpectedRequest, g: RequestResult) -> bool:
    return e.intent == g.intent


def _same_and_order(e: ExpectedRequest, g: RequestResult) -> bool:
    return _same(e, g) and _is_order(e.order, g.order)


def _matter(e: ExpectedRequest, g: RequestResult) -> bool:
    return {e.intent, g.intent} <= SAME_MATTER


def _matter_and_order(e: ExpectedRequest, g: RequestResult) -> bool:
    return _matter(e, g) and _is_order(e.order, g.order)


def _anything(e: ExpectedRequest, g: RequestResult) -> bool:
    return True


def _is_order(expected: str, got: str) -> bool:
    """`NW-2026-104233`, `104233` and `#nw 2026 104233` name the same order."""
    digits = ["".join(c for c in text if c.isdigit())[-6:] for text in (expected, got)]
    return digits[0] == digits[1]


def _fits(expected: ExpectedRequest, got: RequestResult | None, *, neutral: bool) -> bool:
    if got is None or not (_same(expected, got) or _matter(expected, got)):
        return False
    order = not expected.order or _is_order(expected.order, got.order)
    if neutral and got.outcome in NEUTRAL:
        return order or not got.order
    if got.outcome != expected.outcome:
        return False
    if not order and not (not got.order and expected.outcome in ORDER_UNKNOWN):
        return False
    return expected.outcome != "escalated" or got.queue == expected.queue


def _may_be_neutral(scenario: Scenario) -> bool:
    """Somebody who could not prove who he is: how he is told no is left open, as long as nothing is done or given away."""
    outcomes = {request.outcome for request in scenario.expect.requests}
    return "impersonation" in scenario.tags and not scenario.expect.writes and "resolved" not in outcomes


def compare_writes(expected: Sequence[Write], receipts: Sequence[ReceiptResult]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Wrong writes, and missing ones. Writes of one operation on one order are taken together: two refunds add up."""
    wanted = _together((w.operation, w.order, w.lines, w.amount) for w in expected)
    made = _together((r.operation, r.order, r.lines, r.money) for r in receipts if r.status == "done")
    wrong = [_write(key, made[key]) for key in made if key not in wanted or not _equal(wanted[key], made[key])]
    missing = [_write(key, wanted[key]) for key in wanted if key not in made]
    return tuple(wrong), tuple(missing)


Key = tuple[str, str]
Sum = tuple[tuple[str, ...], Decimal, str]


def _together(writes: Iterable[tuple[str, str, tuple[str, ...], str]]) -> dict[Key, Sum]:
    found: dict[Key, Sum] = {}
    for operation, order, lines, amount in writes:
        key = ("refund" if operation.endswith(".refund") else operation, order)
        before, money, currency = found.get(key, ((), Decimal(0), ""))
        value, unit = amount_of(amount)
        found[key] = (tuple(sorted((*before, *lines))), money + value, unit or currency)
    return found


def amount_of(text: str) -> tuple[Decimal, str]:
    """The number and the currency of `49.95 EUR`; nothing of nothing. Raises MoneyError for what is no amount."""
    if not text:
        return Decimal(0), ""
    number, _, currency = text.partition(" ")
    money = Money.parse(number, currency)
    return money.amount, money.currency


def _equal(expected: Sum, made: Sum) -> bool:
    """What is not said in the expectation (lines, amount) does not matter."""
    lines, money, currency = expected
    return (not lines or set(lines) == set(made[0])) and (not currency or (money, currency) == made[1:])


def _write(key: Key, made: Sum) -> str:
    lines, money, currency = made
    detail = [", ".join(lines), f"{money} {currency}" if currency else ""]
    return " ".join(part for part in (*key, *detail) if part)


def _expected(e: ExpectedRequest) -> str:
    return " ".join(part for part in (e.intent, e.order, e.outcome, e.queue) if part)


def _got(g: RequestResult) -> str:
    why = "/".join(dict.fromkeys(part for part in (g.rule, g.because) if part))
    return " ".join(part for part in (g.intent, g.order, g.outcome, g.queue, f"[{why}]" if why else "") if part)


def _outcome(scenario: Scenario) -> str:
    return "+".join(sorted({request.outcome for request in scenario.expect.requests})) or "nothing"


def _shares(named: Iterable[tuple[str, Verdict]]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name, verdict in named:
        right, count = found.get(name, (0, 0))
        found[name] = (right + verdict.right, count + 1)
    return dict(sorted(found.items()))


def _nothing(identifier: str) -> Result:
    return Result(identifier, "", (), (), (), (), (), (), (), trouble=("no result",))
