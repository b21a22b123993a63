"""Which types operators and functions take, and what they give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from caseworker.sop.cel.functions import parse_money
from caseworker.sop.cel.operators import PAIRS
from caseworker.sop.cel.tree import Call, Expr, Lit
from caseworker.sop.cel.types import ANY, BOOL, DURATION, INT, MONEY, STRING, TIME, Type, fits
from caseworker.sop.durations import parse_duration


@dataclass(frozen=True, slots=True)
class Refused:
    """Why types do not fit."""

    code: str
    message: str
    advice: str


COMPARABLE = ("bool", "int", "string", "enum", "Money", "time", "duration", "Ref")
ORDERED = ("int", "double", "Money", "time", "duration")


def result_any(sign: str) -> Type:
    """The result where one side is wrong already."""
    return ANY if sign in "+-*/%" else BOOL


def operator(sign: str, left: Type, right: Type) -> Type | Refused:
    """The type of `left sign right`."""
    if left.name == right.name == "Money" and left.currencies and right.currencies and left.currencies != right.currencies:
        return _mix(left, right)
    if sign in ("==", "!="):
        return _equal(left, right)
    if sign == "in":
        return _within(left, right)
    if sign in ("<", "<=", ">", ">="):
        if left.name == right.name and left.name in ORDERED:
            return BOOL
        return Refused(
            "type", f"A {left} and a {right} have no order.", _mixed(left, right) or "Compare numbers, amounts or times."
        )
    return _arithmetic(sign, left, right)


def _mix(left: Type, right: Type) -> Refused:
    first, second = (" or ".join(sorted(side.currencies)) for side in (left, right))
    text = (
        f"An amount in {first} meets one in {second}; for some orders these are two currencies, and nothing could be decided."
    )
    return Refused("currency_mix", text, "Use a parameter that has a value in every currency.")


def _mixed(left: Type, right: Type) -> str:
    if {left.name, right.name} == {"int", "double"}:
        return "Write 3.0 and not 3 beside a decimal number."
    if "Money" in (left.name, right.name):
        return 'Write an amount as money("10.00 EUR") or use a parameter.'
    if "duration" in (left.name, right.name):
        return 'Write a duration as duration("5d").'
    return ""


def _equal(left: Type, right: Type) -> Type | Refused:
    if left.name == "enum" and right.name == "enum" and left.words and right.words and not left.words & right.words:
        one, many = (left, right) if len(left.words) <= len(right.words) else (right, left)
        word = ", ".join(f'"{w}"' for w in sorted(one.words))
        return Refused("never_equal", f"It is never {word}.", f"Possible are {', '.join(sorted(many.words))}.")
    if not fits(left, right):
        return Refused("type", f"A {left} and a {right} are never equal.", _mixed(left, right) or "Compare like with like.")
    if left.name not in COMPARABLE:
        return Refused("type", f"A {left} cannot be compared with ==.", "Compare one of its fields, or use < and >.")
    return BOOL


def _within(left: Type, right: Type) -> Type | Refused:
    if right.name == "map":
        return BOOL if fits(left, STRING) else Refused("type", f"The keys are texts, not {left}.", "Use a text.")
    if right.name != "list" or right.item is None:
        return Refused("type", f"`in` takes a list, not a {right}.", 'Write for example x in ["a", "b"].')
    if left.words and right.item.words:
        strange = right.item.words - left.words if len(left.words) > 1 else left.words - right.item.words
        if strange:
            words = ", ".join(f'"{w}"' for w in sorted(strange))
            return Refused(
                "never_equal",
                f"It is never {words}.",
                f"Possible are {', '.join(sorted(left.words | right.item.words - strange))}.",
            )
        return BOOL
    return _equal(left, right.item)


def _arithmetic(sign: str, left: Type, right: Type) -> Type | Refused:
    first, second = (("string" if t.name == "enum" else t.name) for t in (left, right))
    if (first, second) not in PAIRS[sign]:
        advice = _mixed(left, right)
        if sign == "/" and first == "Money":
            advice = "Use percent(amount, 50)."
        return Refused("type", f"{left} {sign} {right} is not offered.", advice or "Keep to one type.")
    if sign == "-" and (first, second) == ("time", "time"):
        return DURATION
    if "Money" in (first, second):
        return Type("Money", currencies=left.currencies | right.currencies)
    return TIME if "time" in (first, second) else STRING if first == "string" else left


# -- functions ---------------------------------------------------------------------------------------------------------

Rule = Callable[[Call, Sequence[Type]], Type | Refused]


def _plain(result: Type, *wanted: Type) -> Rule:
    def rule(expr: Call, found: Sequence[Type]) -> Type | Refused:
        if len(found) != len(wanted) or not all(fits(f, w) for f, w in zip(found, wanted, strict=True)):
            return _usage(expr, found)
        return result

    return rule


def _usage(expr: Call, found: Sequence[Type]) -> Refused:
    given = ", ".join(str(f) for f in found)
    return Refused("arguments", f"{expr.name}() cannot take ({given}).", f"Write {USAGE[expr.name]}.")


def _size(expr: Call, found: Sequence[Type]) -> Type | Refused:
    if len(found) == 1 and found[0].name in ("string", "enum"):
        return Refused(
            "size_of_text", "The size of a text is counted differently by different systems.", "Use size() of lists only."
        )
    return INT if len(found) == 1 and found[0].name in ("list", "map", "any") else _usage(expr, found)


def _sum(expr: Call, found: Sequence[Type]) -> Type | Refused:
    item = found[0].item if len(found) == 1 and found[0].name == "list" else None
    return item if item and item.name in ("Money", "int", "any") else _usage(expr, found)


def _extreme(expr: Call, found: Sequence[Type]) -> Type | Refused:
    if len(found) == 2 and "any" in (found[0].name, found[1].name):
        return ANY
    same = len(found) == 2 and found[0].name == found[1].name and found[0].name in ORDERED
    return found[0] if same else _usage(expr, found)


def _percent(expr: Call, found: Sequence[Type]) -> Type | Refused:
    good = len(found) == 2 and fits(found[0], MONEY) and found[1].name in ("int", "double", "any")
    return found[0] if good else _usage(expr, found)


def _amount(text: str) -> Type:
    return Type("Money", currencies=frozenset({parse_money(text).currency}))


def _duration(text: str) -> Type:
    parse_duration(text)
    return DURATION


def _date(text: str) -> Type:
    date.fromisoformat(text)
    return TIME


def _literal(read: Callable[[str], Type]) -> Rule:
    def rule(expr: Call, found: Sequence[Type]) -> Type | Refused:
        only: Expr | None = expr.arguments[0] if len(expr.arguments) == 1 else None
        if not isinstance(only, Lit) or not isinstance(only.value, str):
            return _usage(expr, found)
        try:
            return read(only.value)
        except ValueError as error:
            return Refused("arguments", f"{error}.", f"Write {USAGE[expr.name]}.")

    return rule


USAGE: Mapping[str, str] = {
    "days": "days(order.delivered_at, now)",
    "hours": "hours(case.opened_at, now)",
    "business_days": "business_days(now, 10)",
    "business_days_between": "business_days_between(order.placed_at, now)",
    "sum": "sum(lines.map(l, l.refundable)) or sum(lines.map(l, l.quantity))",
    "money": 'money("10.00 EUR")',
    "duration": 'duration("5d")',
    "date": 'date("2026-12-24")',
    "business_day": "business_day(now)",
    "weekday": "weekday(now) <= 5",
    "prorate": "prorate(line.refundable, 1, line.quantity)",
    "percent": "percent(order.total, 10)",
    "zero": "zero(order.total)",
    "min": "min(a, b) with two amounts, numbers or times",
    "max": "max(a, b) with two amounts, numbers or times",
    "size": "size(order.lines)",
    "lower": "lower(address.city)",
    "startsWith": 'text.startsWith("a")',
    "endsWith": 'text.endsWith("a")',
    "contains": 'text.contains("a")',
}
RULES: Mapping[str, Rule] = {
    "days": _plain(INT, TIME, TIME),
    "hours": _plain(INT, TIME, TIME),
    "business_days": _plain(TIME, TIME, INT),
    "business_days_between": _plain(INT, TIME, TIME),
    "sum": _sum,
    "money": _literal(_amount),
    "duration": _literal(_duration),
    "date": _literal(_date),
    "business_day": _plain(BOOL, TIME),
    "weekday": _plain(INT, TIME),
    "prorate": _plain(MONEY, MONEY, INT, INT),
    "percent": _percent,
    "zero": _plain(MONEY, MONEY),
    "min": _extreme,
    "max": _extreme,
    "size": _size,
    "lower": _plain(STRING, STRING),
    "startsWith": _plain(BOOL, STRING, STRING),
    "endsWith": _plain(BOOL, STRING, STRING),
    "contains": _plain(BOOL, STRING, STRING),
}


def call(expr: Call, found: Sequence[Type]) -> Type | Refused:
    """The type of a function's result."""
    rule = RULES.get(expr.name)
    if rule is None:
        offered = ", ".join(sorted(RULES))
        return Refused("unknown_function", f"There is no function {expr.name}().", f"Offered are {offered}.")
    return rule(expr, found)
