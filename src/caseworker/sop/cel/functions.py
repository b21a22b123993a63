"""The function library, at run time. Every function takes values only (never Unknown or Fault) and may raise ValueFault.

Days and hours are counted in whole units, rounded down. Business days follow the calendar of the order's country
(package `holidays`: weekends and public holidays of the whole country).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any

from caseworker.core.errors import CaseworkerError
from caseworker.core.money import Money
from caseworker.sop.cel.operators import OPERATIONS
from caseworker.sop.cel.values import Fault
from caseworker.sop.durations import parse_duration


class ValueFault(Exception):
    """A function cannot be computed for these values."""


def parse_money(text: str) -> Money:
    """`"12.30 EUR"` to Money. Raises ValueError with what is wrong."""
    amount, _, currency = text.strip().partition(" ")
    try:
        return Money.parse(amount, currency.strip())
    except CaseworkerError as error:
        raise ValueError(str(error).rstrip(".")) from error


def _days(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(days=1)


def _hours(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(hours=1)


def _size(value: Sequence[object] | Mapping[str, object]) -> int:
    if isinstance(value, str):
        raise ValueFault("size() of a text is read differently by different systems and is not offered")
    return len(value)


def _sum(items: Sequence[Any]) -> object:
    if not items:
        raise ValueFault("sum() of an empty list has no currency and no kind; test size() > 0 first")
    total, *others = items
    for item in others:
        total = OPERATIONS["+"](total, item)
        if isinstance(total, Fault):
            raise ValueFault(total.message)
    return total


def _rounded(exact: Fraction) -> int:
    """Half a coin is a whole one."""
    size = int(abs(exact) + Fraction(1, 2))
    return size if exact >= 0 else -size


def _percent(amount: Money, share: float) -> Money:
    if not isfinite(share):
        raise ValueFault(f"{share} is no share")
    return Money(_rounded(amount.minor * Fraction(str(share)) / 100), amount.currency)


def _money(text: str) -> Money:
    try:
        return parse_money(text)
    except ValueError as error:
        raise ValueFault(str(error)) from error


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueFault(str(error)) from error


def _date(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)
    except ValueError as error:
        raise ValueFault(str(error)) from error


def _prorate(amount: Money, part: int, whole: int) -> Money:
    """The share of `part` pieces of `whole`, rounded half up to the smallest coin."""
    if whole <= 0 or not 0 <= part <= whole:
        raise ValueFault("prorate() takes a part from 0 to the whole, which is more than 0")
    return Money(_rounded(Fraction(amount.minor * part, whole)), amount.currency)


def _same(left: object, right: object) -> None:
    if type(left) is not type(right):
        raise ValueFault("min() and max() take two values of one type")


def _least(left: Any, right: Any) -> object:
    _same(left, right)
    return min(left, right)


def _greatest(left: Any, right: Any) -> object:
    _same(left, right)
    return max(left, right)


PLAIN: Mapping[str, Callable[..., object]] = {
    "days": _days,
    "hours": _hours,
    "size": _size,
    "sum": _sum,
    "percent": _percent,
    "money": _money,
    "duration": _duration,
    "date": _date,
    "weekday": lambda at: at.astimezone(UTC).isoweekday(),
    "prorate": _prorate,
    "zero": lambda amount: Money(0, amount.currency),
    "lower": lambda text: text.lower(),
    "min": _least,
    "max": _greatest,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
}


# -- calendars ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _calendar(country: str) -> Any:
    import holidays  # slow to import

    try:
        return holidays.country_holidays(country)
    except NotImplementedError as error:
        raise ValueFault(f"there is no business calendar for country {country!r}") from error


def business_days(country: str, start: datetime, count: int) -> datetime:
    """`count` business days after `start`, at the same time of day."""
    if not 0 <= count <= 366:
        raise ValueFault("business_days() takes 0 to 366 days")
    at = start.astimezone(UTC)
    return datetime.combine(_day_after(country, at.date(), count), at.timetz())


@lru_cache(maxsize=4096)
def _day_after(country: str, day: date, count: int) -> date:
    calendar = _calendar(country)
    while count:
        day += timedelta(days=1)
        count -= bool(calendar.is_working_day(day))
    return day


def _business_days_between(country: str, start: datetime, end: datetime) -> int:
    """Business days after the day of `start`, up to and with the day of `end`; negative where `end` is earlier."""
    if end < start:
        return -_business_days_between(country, end, start)
    if end - start > timedelta(days=3660):
        raise ValueFault("business_days_between() counts at most ten years")
    calendar, day, last, count = _calendar(country), start.astimezone(UTC).date(), end.astimezone(UTC).date(), 0
    while day < last:
        day += timedelta(days=1)
        count += bool(calendar.is_working_day(day))
    return count


def _business_day(country: str, at: datetime) -> bool:
    return bool(_calendar(country).is_working_day(at.astimezone(UTC).date()))


BY_COUNTRY: Mapping[str, Callable[..., object]] = {
    "business_days": business_days,
    "business_days_between": _business_days_between,
    "business_day": _business_day,
}
