"""The function library as formulas; the other side of `cel.functions`.

What has no exact formula (calendars, letters) is a function of which only bounds are known: a proof with it is sound, and a
counterexample counts only when `decide` gives the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import z3

from caseworker.core.money import Money
from caseworker.sop.cel.functions import parse_money
from caseworker.sop.durations import parse_duration
from caseworker.sop.proving.logic import Term, both, constant, either, floor, no, number, pick, total
from caseworker.sop.proving.operators import unlike
from caseworker.sop.proving.rests import may_mix, size_of, some, summed
from caseworker.sop.proving.values import OK, Status, Val, mixed, trouble
from caseworker.sop.proving.world import DAY, SECOND, World, micros

if TYPE_CHECKING:
    from caseworker.sop.proving.reading import Facts

HOUR = 3600 * SECOND
_LONGEST = 3660 * DAY
Function = Callable[[Sequence[Val], World], Val]


def call(name: str, arguments: Sequence[Val], facts: "Facts") -> Val:
    """The value of a call."""
    values = list(arguments)
    if name in _BY_COUNTRY:
        values.insert(0, facts.country())
    known = trouble(*(value.status for value in values))
    if any(value.kind == "any" for value in values) or (name not in _PLAIN and name not in _BY_COUNTRY):
        return Val("any", 0, trouble(known, OK if known is not OK else Status(fault=True)))
    found = (_BY_COUNTRY.get(name) or _PLAIN[name])(values, facts.world)
    return replace(found, status=trouble(known, found.status.under(known.ok)))


def _elapsed(unit: int) -> Function:
    def elapsed(values: Sequence[Val], _world: World) -> Val:
        return Val("int", floor(values[1].term - values[0].term, unit))

    return elapsed


def _size(values: Sequence[Val], _world: World) -> Val:
    if values[0].kind == "map":
        return Val("int", values[0].term.size())
    return Val("int", size_of(values[0]))


def _sum(values: Sequence[Val], _world: World) -> Val:
    slots, rest = values[0].slots, values[0].rest
    empty = Status(fault=no(some(slots, rest, [True] * len(slots))))
    if not slots:
        return Val("Money", 0, Status(fault=True), 0)
    found = total((*(pick(slot.there, slot.value.term, 0) for slot in slots), summed(slots, rest)))
    if slots[0].value.kind == "int":
        return Val("int", found, empty)
    currency = slots[-1].value.currency
    for slot in reversed(slots[:-1]):
        currency = pick(slot.there, slot.value.currency, currency)
    mix = mixed([slot.value for slot in slots])
    if mix is not False:
        pairs = [(one, two) for i, one in enumerate(slots) for two in slots[i + 1 :]]
        mix = either(*(both(one.there, two.there, mixed([one.value, two.value])) for one, two in pairs))
        mix = either(mix, may_mix(rest))
    return Val("Money", found, trouble(empty, Status(fault=mix, mix=mix)), currency)


def _share(minor: Term, share: Fraction) -> Term:
    """`minor * share`, rounded half up (away from zero) to whole numbers."""
    up, down = share.numerator, share.denominator
    scaled = number(minor) * up
    return z3.If(scaled >= 0, (scaled * 2 + down) / (2 * down), -((-scaled * 2 + down) / (2 * down)))


def _percent(values: Sequence[Val], world: World) -> Val:
    amount, share = values
    return Val("Money", _percent_of(amount.term, share.term, world), OK, amount.currency)


def _percent_of(minor: Term, share: Term, world: World) -> Term:
    fixed = constant(share)
    if fixed is not None:
        exact = fixed if isinstance(fixed, Fraction) else Fraction(Decimal(str(fixed)))
        return _share(minor, exact / 100)
    if z3.is_app_of(share, z3.Z3_OP_ITE):
        condition, then, other = share.children()
        return pick(condition, _percent_of(minor, then, world), _percent_of(minor, other, world))
    return _part(world.key("percent", minor, share), minor, number(share), 100, world)


def _part(name: str, minor: Term, part: Term, whole: Term, world: World) -> Term:
    """A share that is not fixed: from nothing to all, where the part is from nothing to the whole."""
    found = z3.Int(name)
    if world.once(name):
        inside = z3.And(part >= 0, part <= whole, minor >= 0)
        world.axioms += [
            z3.Implies(inside, z3.And(found >= 0, found <= minor)),
            z3.Implies(part == whole, found == minor),
            z3.Implies(part == 0, found == 0),
        ]
    return found


def _prorate(values: Sequence[Val], world: World) -> Val:
    amount, part, whole = values
    inside = both(whole.term > 0, part.term >= 0, part.term <= whole.term)
    status = Status(fault=z3.Not(inside) if z3.is_expr(inside) else not inside)
    up, down = constant(part.term), constant(whole.term)
    if isinstance(up, int) and isinstance(down, int) and down > 0:
        return Val("Money", _share(amount.term, Fraction(up, down)), status, amount.currency)
    name = world.key("prorate", amount.term, part.term, whole.term)
    found = _part(name, number(amount.term), number(part.term), number(whole.term), world)
    return Val("Money", found, status, amount.currency)


def _literal(kind: str, read: Callable[[str], object]) -> Function:
    def literal(values: Sequence[Val], world: World) -> Val:
        return fixed(kind, read(world.texts()[values[0].term]), world)

    return literal


def fixed(kind: str, value: object, world: World) -> Val:
    """A value that is certain."""
    if isinstance(value, Money):
        return Val("Money", value.minor, OK, world.text(value.currency))
    if kind in ("time", "duration"):
        return Val(kind, micros(value))  # type: ignore[arg-type]  # because the kind says that it is a time or a duration
    if kind == "string":
        return Val(kind, world.text(str(value)))
    return Val(kind, z3.RealVal(str(value)) if kind == "double" else value)


def _date(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)


def _extreme(*, least: bool) -> Function:
    def extreme(values: Sequence[Val], _world: World) -> Val:
        left, right = values
        smaller = left.term <= right.term
        term = pick(smaller, left.term, right.term) if least else pick(smaller, right.term, left.term)
        return Val(left.kind, term, unlike(left, right), left.currency)

    return extreme


def _weekday(values: Sequence[Val], _world: World) -> Val:
    return Val("int", (floor(values[0].term, DAY) + 3) % 7 + 1)  # 1970-01-01 was a Thursday


# -- texts -------------------------------------------------------------------------------------------------------------


def _lower(values: Sequence[Val], world: World) -> Val:
    term = values[0].term
    if isinstance(term, int):
        return Val("string", world.text(world.texts()[term].lower()))
    found = z3.Function("lower", z3.IntSort(), z3.IntSort())(term)
    if world.once(world.key("lower", term)):
        world.nice.append(found == term)
    return Val("string", found)


def _part_of(name: str, test: Callable[[str, str], bool]) -> Function:
    def part_of(values: Sequence[Val], world: World) -> Val:
        text, part = (value.term for value in values)
        if isinstance(text, int) and isinstance(part, int):
            return Val("bool", test(world.texts()[text], world.texts()[part]))
        return Val("bool", z3.Function(name, z3.IntSort(), z3.IntSort(), z3.BoolSort())(number(text), number(part)))

    return part_of


# -- calendars ---------------------------------------------------------------------------------------------------------


def _business_days(values: Sequence[Val], world: World) -> Val:
    """`n` business days are at least n days and, weekends and public holidays of any calendar counted, at most 3n + 15."""
    country, start, count = values
    few = both(count.term >= 0, count.term <= 366)
    status = Status(fault=z3.Not(few) if z3.is_expr(few) else not few)
    return Val("time", _later(country.term, start.term, count.term, world), status)


def _later(country: Term, start: Term, count: Term, world: World) -> Term:
    if z3.is_app_of(number(count), z3.Z3_OP_ITE):
        condition, then, other = count.children()
        return pick(condition, _later(country, start, then, world), _later(country, start, other, world))
    ints = [z3.IntSort()] * 3
    spent = z3.Function("days of business days", *ints, z3.IntSort())(number(country), number(floor(start, DAY)), number(count))
    if world.once(world.key("business", country, start, count)):
        bounds = z3.And(spent >= count, spent <= 3 * count + 15)
        world.axioms += [z3.Implies(number(count) >= 0, bounds), z3.Implies(number(count) == 0, spent == 0)]
        usual = constant(count)
        if isinstance(usual, int):  # what a usual calendar gives; only to find counterexamples that `decide` confirms
            world.nice.append(spent == usual * 7 // 5 + 2)
    return start + spent * DAY


def _business_days_between(values: Sequence[Val], world: World) -> Val:
    country, start, end = values
    ints = [z3.IntSort()] * 4
    first, last = number(floor(start.term, DAY)), number(floor(end.term, DAY))
    days = last - first
    found = z3.Function("business days between", *ints)(number(country.term), first, last)
    if world.once(world.key("between", country.term, start.term, end.term)):
        forth = z3.And(found >= 0, found <= days, days <= 3 * found + 15)
        back = z3.And(found <= 0, found >= days, -days <= 15 - 3 * found)
        world.axioms.append(z3.If(days >= 0, forth, back))
    long = end.term - start.term > _LONGEST
    return Val("int", found, Status(fault=either(long, start.term - end.term > _LONGEST)))


def _business_day(values: Sequence[Val], _world: World) -> Val:
    country, at = values
    open_ = z3.Function("business day", z3.IntSort(), z3.IntSort(), z3.BoolSort())
    return Val("bool", open_(number(country.term), number(floor(at.term, DAY))))


_BY_COUNTRY: Mapping[str, Function] = {
    "business_days": _business_days,
    "business_days_between": _business_days_between,
    "business_day": _business_day,
}
_PLAIN: Mapping[str, Function] = {
    "days": _elapsed(DAY),
    "hours": _elapsed(HOUR),
    "size": _size,
    "sum": _sum,
    "percent": _percent,
    "prorate": _prorate,
    "money": _literal("Money", parse_money),
    "duration": _literal("duration", parse_duration),
    "date": _literal("time", _date),
    "weekday": _weekday,
    "zero": lambda values, _world: Val("Money", 0, OK, values[0].currency),
    "lower": _lower,
    "min": _extreme(least=True),
    "max": _extreme(least=False),
    "startsWith": _part_of("startsWith", str.startswith),
    "endsWith": _part_of("endsWith", str.endswith),
    "contains": _part_of("contains", lambda text, part: part in text),
}
