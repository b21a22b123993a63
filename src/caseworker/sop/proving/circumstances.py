"""Parameters for all countries, brands and days: `sop.parameters.resolve` is asked once for each that it can tell."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

from caseworker.sop.model import Parameter, Season
from caseworker.sop.parameters import depends_on_place, resolve
from caseworker.sop.proving.functions import fixed
from caseworker.sop.proving.logic import Term, both, either, equal, no
from caseworker.sop.proving.values import ABSENT, OK, Status, Val, choose, trouble
from caseworker.sop.proving.world import FIRST_NOW, LAST_NOW, World, micros

_ELSEWHERE = "\0"  # a country or brand that no parameter names
_KINDS = {"int": "int", "Money": "Money", "duration": "duration", "string": "string", "percent": "double"}


def parameter_value(parameter: Parameter, world: World, *, country: Val, brand: Val, now: Term) -> Val:
    """The value in all circumstances; absent in those that no entry fits."""
    local = depends_on_place(parameter)
    cases: list[tuple[Term, object]] = []
    for place, brand_name in product(_named(parameter, "country"), _named(parameter, "brand")):
        where = both(_is(world, country, place, parameter, "country"), _is(world, brand, brand_name, parameter, "brand"))
        for value, when in _by_day(parameter, place, brand_name, now):
            cases.append((both(where, when), value))
    found = Val(_KINDS.get(parameter.type, "any"), 0, ABSENT, 0 if parameter.type == "Money" else None)
    for value in dict.fromkeys(value for _, value in cases):
        condition = either(*(term for term, other in cases if other is value or other == value))
        one = found if value is None else fixed(found.kind, value, world)
        found = choose(condition, one, found)
    if not local or country.status is OK:
        return found
    return Val(
        found.kind, found.term, trouble(Status(country.status.unknown, country.status.dead), found.status), found.currency
    )


def _named(parameter: Parameter, key: str) -> list[str]:
    named = {getattr(value, key) for value in parameter.values} - {None}
    return [*sorted(named), _ELSEWHERE]


def _is(world: World, value: Val, name: str, parameter: Parameter, key: str) -> Term:
    if name != _ELSEWHERE:
        return equal(value.term, world.text(name))
    return no(either(*(equal(value.term, world.text(other)) for other in _named(parameter, key)[:-1])))


def _by_day(parameter: Parameter, country: str, brand: str, now: Term) -> Iterator[tuple[object, Term]]:
    """Each value with the days on which it holds."""
    days = _boundaries(parameter)
    spans: dict[int, list[Term]] = {}
    values: list[object] = []
    for first, after in zip(days, [*days[1:], None], strict=True):
        value = resolve(parameter, country=country, brand=brand, on=first)
        number = next((index for index, other in enumerate(values) if other == value), len(values))
        if number == len(values):
            values.append(value)
        begins = True if first == days[0] else now >= _midnight(first)
        ends = True if after is None else now < _midnight(after)
        spans.setdefault(number, []).append(both(begins, ends))
    for number, value in enumerate(values):
        yield value, either(*spans[number])


def _midnight(day: date) -> int:
    return micros(datetime.combine(day, time.min, tzinfo=UTC))


def _boundaries(parameter: Parameter) -> list[date]:
    """The first days of all spans in which no entry begins or ends."""
    first, last = FIRST_NOW.date(), LAST_NOW.date()
    found = {first}
    for value in parameter.values:
        found |= {value.valid_from} if value.valid_from else set()
        found |= {value.valid_to + timedelta(days=1)} if value.valid_to else set()
        found |= set(_season(value.season)) if value.season else set()
    return sorted(day for day in found if first <= day < last)


def _season(season: Season) -> Iterator[date]:
    for year in range(FIRST_NOW.year, LAST_NOW.year + 1):
        yield _day(year, season.first)
        yield _day(year, season.last) + timedelta(days=1)


def _day(year: int, month_day: tuple[int, int]) -> date:
    try:
        return date(year, *month_day)
    except ValueError:  # 29 February
        return date(year, month_day[0], month_day[1] - 1)
