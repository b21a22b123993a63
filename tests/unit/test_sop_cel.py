"""Conditions: what they yield, what is refused before they run, and agreement with another implementation."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import celpy
import pytest
from celpy import celtypes
from hypothesis import given, settings
from hypothesis import strategies as st

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.functions import BY_COUNTRY, PLAIN
from caseworker.sop.cel.operators import OPERATIONS
from caseworker.sop.cel.types import Type, parse_type, records_of
from caseworker.sop.cel.typing import Checker, Problem
from caseworker.sop.cel.values import Fault, Unknown, too_large

FRIDAY = datetime(2026, 12, 18, 9, tzinfo=UTC)
EUR, GBP = Money(1000, "EUR"), Money(1000, "GBP")


class Facts:
    """A scope over plain values; names and fields that are not there are unknown."""

    def __init__(self, **values: object) -> None:
        self.values = values
        self.seen: dict[str, object] = {}
        self.variables: dict[str, object] = {}

    def get(self, name: str) -> object:
        return self.values.get(name, Unknown(frozenset({name})))

    def missing(self, root: str, path: str) -> object:
        del root
        return Unknown(frozenset({path}))

    def country(self) -> object:
        return "DE"


def value(source: str, **facts: object) -> object:
    return evaluate(source, Facts(**facts))


def unknown(*paths: str) -> Unknown:
    return Unknown(frozenset(paths))


# -- three values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x && y", unknown("x", "y")),
        ("false && x", False),
        ("x && false", False),
        ("true && x", unknown("x")),
        ("true || x", True),
        ("x || true", True),
        ("false || x", unknown("x")),
        ("!x", unknown("x")),
        ("x.a == y.b", unknown("x", "y")),
        ("x ? 1 : 2", unknown("x")),
        ("true ? 1 : x", 1),
        ("[1, 2].exists(i, i == 2 || x)", True),
        ("[1, 2].all(i, i == 1 && x)", False),
        ("[1, 2].exists(i, x)", unknown("x")),
        ("[1, x]", unknown("x")),
        ("size(x) > 0", unknown("x")),
    ],
)
def test_what_is_not_known_is_named_and_never_false(source: str, expected: object) -> None:
    assert value(source) == expected


def test_an_error_beside_something_unknown_waits_for_it() -> None:
    assert value("1 / 0 == 1 && x") == unknown("x")
    assert isinstance(value("1 / 0 == 1 && true"), Fault)
    assert value("1 / 0 == 1 && false") is False


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("1 + 2 * 3 - 4", 3),
        ("1.5 * 2.0", 3.0),
        ("0x10", 16),
        ('"a" + "b\\n"', "ab\n"),
        ('"abc".startsWith("ab") && "abc".endsWith("c") && "abc".contains("b")', True),
        ('lower("ÄB")', "äb"),
        ("[1, 2, 3].filter(i, i > 1).map(i, i * 2)", [4, 6]),
        ("[1, 2, 3].exists_one(i, i > 2)", True),
        ("[1, 2][1]", 2),
        ("2 in [1, 2]", True),
        ("size([1, 2])", 2),
        ("[1, 2].size()", 2),
        ('money("12.30 EUR")', Money(1230, "EUR")),
        ("eur + eur * 2", Money(3000, "EUR")),
        ("eur - eur == zero(eur)", True),
        ("percent(eur, 33)", Money(330, "EUR")),
        ("percent(eur, 0.05)", Money(1, "EUR")),
        ("min(eur, zero(eur))", Money(0, "EUR")),
        ("max(1, 2)", 2),
        ("sum([eur, eur])", Money(2000, "EUR")),
        ("days(friday, friday + duration('36h'))", 1),
        ("hours(friday, friday + duration('1d12h'))", 36),
        ("days(friday, friday - duration('1h'))", -1),
        ("friday - friday < duration('1s')", True),
        ("business_days(friday, 5)", datetime(2026, 12, 28, 9, tzinfo=UTC)),
        ("business_days_between(friday, friday + duration('10d'))", 5),
        ("ref == same", True),
        ("ref.id", "7"),
    ],
)
def test_values(source: str, expected: object) -> None:
    same = Ref("base", "order", "7", "v2")
    assert value(source, eur=EUR, friday=FRIDAY, ref=Ref("base", "order", "7"), same=same) == expected


@pytest.mark.parametrize(
    "source",
    [
        "eur == gbp",
        "eur < gbp",
        "eur + gbp",
        "eur in [gbp]",
        "1 == 1.0",
        "1 < 2.0",
        '1 == "1"',
        "true < false",
        "1 / 0",
        "[1][3]",
        'size("abc")',
        "sum([])",
        'money("1.234 EUR")',
        'money("Infinity EUR")',
        'duration("soon")',
        "1 && true",
        "null == null",
        "business_days(now, -1)",
        "record.gone",
    ],
)
def test_what_cannot_be_computed_is_an_error(source: str) -> None:
    assert isinstance(value(source, eur=EUR, gbp=GBP, now=FRIDAY, record={"gone": None}), Fault)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("percent(eur, 9223372036854775807)", "percent(): the amount is too large"),
        ("percent(eur, share)", "percent(): the amount is too large"),
        ("percent(eur, nan)", "percent(): nan is no share"),
        ("prorate(most, 9223372036854775807, 9223372036854775807) + eur", "the amount is too large"),
        ("eur * 9223372036854775807", "10.00 EUR * 9223372036854775807: the amount is too large"),
        ("sum([most, most])", "the amount is too large"),
        ("-most - most", "the amount is too large"),
        ("9223372036854775807 + 1", "9223372036854775807 + 1: the number is too large"),
        ("-9223372036854775807 - 2", "the number is too large"),
        ("digits * 1", "a int * 1: the number is too large"),
        ("share * share", "1e+300 * 1e+300: the number is too large"),
        ("last + duration('1d')", "9999-12-31 23:59:59+00:00 + 1 day, 0:00:00: date value out of range"),
        ("first - duration('1d')", "date value out of range"),
        ("longest + longest", "must have magnitude"),
        ("-longest", "must have magnitude"),
        ("-low", "the number is too large"),
        ("business_days(last, 3)", "business_days(): date value out of range"),
        ("business_days(now, 1000000000)", "business_days() takes 0 to 366 days"),
        ("business_days_between(first, last)", "counts at most ten years"),
        ("weekday(early)", "weekday(): date value out of range"),
        ("text + text", "the text is too long"),
        ("record[[1]]", "there is no entry [1]"),
        ("record[digits]", "there is no entry a int"),
        ("[1] in record", "a list is no key"),
    ],
)
def test_what_goes_beyond_every_bound_cannot_be_computed(source: str, why: str) -> None:
    found = value(
        source,
        eur=EUR,
        most=Money(10**18 - 1, "EUR"),
        share=1e300,
        nan=float("nan"),
        digits=10**5000,
        now=FRIDAY,
        first=datetime(1, 1, 1, tzinfo=UTC),
        early=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        last=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        longest=timedelta.max,
        low=-(2**63),
        text="a" * 60_000,
        record={"a": 1},
    )
    assert isinstance(found, Fault)
    assert why in found.message


def test_a_share_is_exact_however_large_the_amount_is() -> None:
    assert value("percent(a, 12.5)", a=Money(999_999_999_999_999_999, "EUR")) == Money(125_000_000_000_000_000, "EUR")
    assert value("percent(-a, 50)", a=Money(3, "EUR")) == Money(-2, "EUR")
    third = Money(333_333_333_333_333_333, "EUR")
    assert value("prorate(a, 333333333333333333, 999999999999999999)", a=Money(10**18 - 1, "EUR")) == third


EXTREMES: Mapping[str, object] = {
    "b": True, "i": 3, "zero": 0, "top": 2**63 - 1, "low": -(2**63), "beyond": 10**40, "digits": -(10**5000),
    "d": 0.5, "big": 1e308, "tiny": 5e-324, "inf": float("inf"), "nan": float("nan"),
    "t": "abc", "long": "a" * 99_999, "country": "DE", "none": None,
    "eur": EUR, "gbp": GBP, "most": Money(10**18 - 1, "EUR"), "debt": Money(-(10**30), "EUR"), "yen": Money(1, "JPY"),
    "now": FRIDAY, "first": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "naive": datetime(2026, 1, 1),  # noqa: DTZ001
    "last": datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5))),
    "day": timedelta(days=1), "ever": timedelta.max, "never": timedelta.min,
    "ref": Ref("base", "order", "7"), "record": {"a": 1, "n": None}, "list": [1, 2], "mixed": [1, "a", EUR, {"a": 1}, None],
    "empty": [], "moneys": [EUR, GBP],
}  # fmt: skip
NAMES = st.sampled_from([*EXTREMES, "unknown", "record.a", "record.gone", "record.n", "ref.id", "x"])
CONSTANTS = st.sampled_from(
    ["0", "-1", "9223372036854775807", "1e18", '"0001-01-01"', '"9999-12-31"', '"36500d"', '"1 EUR"', "[]"]
)
CALLED = st.sampled_from(sorted({*PLAIN, *BY_COUNTRY} - {"startsWith", "endsWith", "contains"}))


def combined(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, part, st.sampled_from(sorted({*OPERATIONS, "&&", "||"})), part),
        st.builds("{}({})".format, CALLED, st.lists(part, min_size=1, max_size=3).map(", ".join)),
        st.builds("({}).{}({})".format, part, st.sampled_from(["startsWith", "endsWith", "contains"]), part),
        st.builds("({}).{}(x, {})".format, part, st.sampled_from(["all", "exists", "exists_one", "filter", "map"]), part),
        st.builds("{}({})".format, st.sampled_from("!-"), part),
        st.builds("({})[{}]".format, part, part),
        st.builds("({} ? {} : {})".format, part, part, part),
        st.builds("[{}, {}]".format, part, part),
    )


@given(st.recursive(NAMES | CONSTANTS, combined, max_leaves=5))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_evaluating_always_ends_in_a_value_or_says_why_not(source: str) -> None:
    found = value(source, **EXTREMES)
    assert not too_large(found) or any(found is fact for fact in EXTREMES.values())


def test_has_tells_what_is_there() -> None:
    record = {"there": 1, "gone": None}
    assert value("has(r.there) && !has(r.gone) && !has(r.never)", r=record) is True
    assert value("has(r.a.b)", r={"a": None}) is False
    assert value("has(r.there)") == unknown("r")


def test_what_was_seen_is_kept_with_its_path() -> None:
    scope = Facts(order={"status": "paid", "total": EUR})
    assert evaluate('order.status == "paid" || order.total > x', scope) is True
    assert scope.seen == {"order.status": "paid"}


# -- types -------------------------------------------------------------------------------------------------------------

RECORDS = {
    "order": {
        "status": "enum[paid|shipped]", "total": "Money", "at": "optional[time]", "lines": "list[line]", "ref": "Ref[order]",
        "email": "string", "attributes": "map[string]",
    },
    "line": {
        "id": "string", "price": "Money", "count": "int", "weight": "double", "back_at": "optional[time]",
        "attributes": "map[string]",
    },
}  # fmt: skip
NAMES = {"order": "order", "now": "time", "n": "int", "d": "double", "full": "list[line]"}


def typed(source: str) -> tuple[Type, list[Problem]]:
    checker = Checker({name: parse_type(word) for name, word in NAMES.items()}, records_of(RECORDS), frozenset({"full"}))
    return checker.check(source), checker.problems


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ('order.status == "paid"', "bool"),
        ('order.status in ["paid", "shipped"]', "bool"),
        ("order.lines.map(l, l.price)", "list[Money]"),
        ("sum(full.map(l, l.price))", "Money"),
        ("size(order.lines) > 0 ? sum(order.lines.map(l, l.price)) : zero(order.total)", "Money"),
        ("has(order.at) && days(order.at, now) > 3", "bool"),
        ("!has(order.at) || days(order.at, now) > 3", "bool"),
        ("order.lines.filter(l, has(l.back_at)).map(l, l.back_at)", "list[time]"),
        ("order.lines.filter(l, has(l.attributes.size)).map(l, l.attributes)", "list[map[string]]"),
        ('order.lines.filter(l, has(l.attributes.size)).exists(l, has(l.attributes.size) && l.attributes.size == "M")', "bool"),
        ("order.lines[0].id", "string"),
        ("now - now", "duration"),
        ('now + duration("5d")', "time"),
        ("order.total * 2", "Money"),
        ("business_days(now, n)", "time"),
        ('n > 0 ? "a" : "b"', "string"),
        ('"x" in order.attributes', "bool"),
    ],
)
def test_sound_conditions_have_a_type(source: str, word: str) -> None:
    found, problems = typed(source)
    assert problems == []
    assert str(found) == word


@pytest.mark.parametrize(
    ("source", "code", "hint"),
    [
        ('order.status == "payd"', "never_equal", "paid, shipped"),
        ('order.status in ["paid", "gone"]', "never_equal", "paid, shipped"),
        ("order.stauts", "unknown_fact", "`status`"),
        ("ordr.status", "unknown_fact", "`order`"),
        ("n == d", "type", "3.0"),
        ("n < d", "type", "3.0"),
        ("n + d", "type", "3.0"),
        ("order.total > 10", "type", 'money("10.00 EUR")'),
        ("order.total == n", "type", "money"),
        ("now - now > 5", "type", "duration"),
        ("d == d", "type", "< and >"),
        ("order == order", "type", "fields"),
        ('order.email < "b"', "type", "numbers, amounts or times"),
        ("size(order.email)", "size_of_text", "lists only"),
        ("sum(order.lines.map(l, l.price))", "empty_sum", "size(x) > 0"),
        ("order.at == null", "null", "has"),
        ("days(order.total, now)", "arguments", "days("),
        ("nothing(1)", "unknown_function", "days"),
        ('money("ten")', "arguments", "10.00 EUR"),
        ("n && true", "type", "Compare"),
        ("order.lines.all(l, l.price)", "type", "true or false"),
        ("order.lines.all(n, true)", "hidden_name", "own"),
        ("n in n", "type", "in"),
        ("order.total / 2", "type", "percent"),
        ("n ? 1 : 2", "type", "Compare"),
        ('n > 0 ? 1 : "a"', "type", "both ways"),
        ("order.status = 'paid'", "no_condition", "=="),
        ("n > 1 and n < 3", "no_condition", "&&"),
        ("", "no_condition", "true"),
        ("{'a': 1}", "no_condition", "function library"),
        ("order.email.matches('a')", "no_condition", "startsWith"),
        ("has(1)", "no_condition", "has("),
        ("!" * 150 + "true", "no_condition", "facts:"),
        ("!" * 3900 + "true", "no_condition", "facts:"),
        ("n" * 5000, "no_condition", "facts:"),
        ("n > 9223372036854775808", "no_condition", "smaller"),
        ("n > -0x" + "f" * 3900, "no_condition", "smaller"),
        ("d > 1e400", "no_condition", "smaller"),
        ('order.total > money("Infinity EUR")', "arguments", "10.00 EUR"),
        ('order.total > money("NaN EUR")', "arguments", "10.00 EUR"),
        ('order.total > money("1e999999 EUR")', "arguments", "10.00 EUR"),
    ],
)
def test_mistakes_are_found_before_anything_runs(source: str, code: str, hint: str) -> None:
    _, problems = typed(source)
    [problem] = [p for p in problems if p.severity == "error"]
    assert problem.code == code
    assert hint in problem.advice


def test_what_may_be_absent_is_a_warning() -> None:
    _, [problem] = typed("days(order.at, now) > 3")
    assert (problem.severity, problem.code) == ("warning", "may_be_absent")


# -- another implementation --------------------------------------------------------------------------------------------

NUMBERS = st.integers(-9, 9).map(str)
INTS = st.recursive(
    st.one_of(NUMBERS, st.sampled_from(["a", "b"])),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=4,
)
COMPARISONS = st.tuples(INTS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), INTS).map(" ".join)
LISTS = st.tuples(st.sampled_from(["all", "exists"]), COMPARISONS).map(lambda t: f"[1, 2, 3].{t[0]}(i, i > 1 && ({t[1]}))")
BOOLS = st.recursive(
    st.one_of(COMPARISONS, LISTS, st.sampled_from(["p", "q", "true"])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"),
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, inner, inner).map(lambda t: f"(({t[0]}) ? ({t[1]}) : ({t[2]}))"),
    ),
    max_leaves=5,
)
ORACLE = celpy.Environment()


def oracle(source: str, facts: Mapping[str, object]) -> bool:
    activation = {
        name: celtypes.BoolType(v) if isinstance(v, bool) else celtypes.IntType(v)  # type: ignore[call-overload]
        for name, v in facts.items()
    }
    return bool(ORACLE.program(ORACLE.compile(source)).evaluate(activation))


@settings(max_examples=60, deadline=None)
@given(source=BOOLS, a=st.integers(-5, 5), b=st.integers(-5, 5), p=st.booleans(), q=st.booleans())
def test_conditions_agree_with_another_implementation(source: str, a: int, b: int, p: bool, q: bool) -> None:
    facts = {"a": a, "b": b, "p": p, "q": q}
    assert value(source, **facts) is oracle(source, facts)


@settings(max_examples=150, deadline=None)
@given(
    source=BOOLS, a=st.integers(-5, 5), b=st.integers(-5, 5), p=st.booleans(), q=st.booleans(), hidden=st.sampled_from("abpq")
)
def test_what_is_decided_without_a_fact_stays_when_it_comes(source: str, a: int, b: int, p: bool, q: bool, hidden: str) -> None:
    """Three values are sound: learning a fact turns unknown into a value and never one value into another."""
    facts: dict[str, object] = {"a": a, "b": b, "p": p, "q": q}
    full = value(source, **facts)
    partial = value(source, **{name: v for name, v in facts.items() if name != hidden})
    assert partial == full or partial == unknown(hidden)


def test_durations_are_read() -> None:
    assert value('duration("2w")') == timedelta(days=14)
