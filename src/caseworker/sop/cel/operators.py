"""Operators on values (never Unknown or Fault). What does not fit yields a Fault."""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from caseworker.core.money import Money, MoneyError
from caseworker.core.refs import Ref
from caseworker.sop.cel.values import Fault, too_large, trouble

_SIMPLE = frozenset({str, bool, int, datetime, timedelta})
_ORDERED = (int, float, Money, datetime, timedelta)


_PLAIN = {
    str: "string",
    bool: "bool",
    int: "int",
    float: "double",
    Money: "Money",
    datetime: "time",
    timedelta: "duration",
    dict: "record",
}


def kind_of(value: object) -> str:
    """The type of a value as the language calls it."""
    plain = _PLAIN.get(value.__class__)
    if plain:
        return plain
    if isinstance(value, Mapping):
        return "record"
    if isinstance(value, list | tuple):
        return "list"
    return type(value).__name__


def _equal(left: object, right: object) -> object:
    if left.__class__ is right.__class__ and left.__class__ in _SIMPLE:
        return left == right
    if isinstance(left, Money) and isinstance(right, Money) and left.currency != right.currency:
        return Fault(f"{left} and {right} are not of one currency")
    if isinstance(left, Ref) and isinstance(right, Ref):
        return (left.system, left.type, left.id) == (right.system, right.type, right.id)
    if kind_of(left) != kind_of(right):
        return Fault(f"a {kind_of(left)} and a {kind_of(right)} cannot be compared")
    return left == right


def _unequal(left: object, right: object) -> object:
    same = _equal(left, right)
    return same if isinstance(same, Fault) else not same


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], object]:
    def ordered(left: Any, right: Any) -> object:
        if type(left) is not type(right) or not isinstance(left, _ORDERED) or isinstance(left, bool):
            return Fault(f"a {kind_of(left)} and a {kind_of(right)} have no order")
        try:
            return compare(left, right)
        except (MoneyError, TypeError) as error:
            return Fault(str(error))

    return ordered


def _within(left: object, right: object) -> object:
    if isinstance(right, Mapping):
        return left in right if isinstance(left, str) else Fault(f"a {kind_of(left)} is no key")
    if not isinstance(right, list | tuple):
        return Fault(f"`in` takes a list, not a {kind_of(right)}")
    results = [_equal(left, item) for item in right]
    return True if True in results else trouble(*results) or False


def _arithmetic(sign: str, compute: Callable[[Any, Any], object]) -> Callable[[Any, Any], object]:
    allowed = PAIRS[sign]

    def arithmetic(left: Any, right: Any) -> object:
        if (kind_of(left), kind_of(right)) not in allowed:
            return Fault(f"{kind_of(left)} {sign} {kind_of(right)} is not offered")
        try:
            found = compute(left, right)
        except (MoneyError, ArithmeticError, TypeError) as error:
            return Fault(f"{told(left)} {sign} {told(right)}: {error}")
        wrong = too_large(found)
        return Fault(f"{told(left)} {sign} {told(right)}: {wrong}") if wrong else found

    return arithmetic


def told(value: object) -> str:
    """A value in a message; of digits without end not even Python makes a text."""
    return f"a {kind_of(value)}" if too_large(value) else str(value)


_SAME = frozenset({("int", "int"), ("double", "double")})
PAIRS: Mapping[str, frozenset[tuple[str, str]]] = {
    "+": _SAME
    | {("Money", "Money"), ("string", "string"), ("time", "duration"), ("duration", "time"), ("duration", "duration")},
    "-": _SAME | {("Money", "Money"), ("time", "duration"), ("time", "time"), ("duration", "duration")},
    "*": _SAME | {("Money", "int"), ("int", "Money")},
    "/": _SAME,
    "%": frozenset({("int", "int")}),
}


def _multiply(left: Any, right: Any) -> object:
    return right * left if isinstance(right, Money) else left * right


def _divide(left: Any, right: Any) -> object:
    """Whole numbers are cut towards zero, as CEL has it."""
    if isinstance(left, float):
        return left / right
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def _remainder(left: int, right: int) -> int:
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def negative(value: Any) -> object:
    """`-value`"""
    if not isinstance(value, int | float | Money | timedelta) or isinstance(value, bool):
        return Fault(f"a {kind_of(value)} has no negative")
    try:
        found = -value
    except OverflowError as error:
        return Fault(f"-({value}): {error}")
    wrong = too_large(found)
    return Fault(f"-({told(value)}): {wrong}") if wrong else found


OPERATIONS: Mapping[str, Callable[[Any, Any], object]] = {
    "==": _equal,
    "!=": _unequal,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _within,
    "+": _arithmetic("+", operator.add),
    "-": _arithmetic("-", operator.sub),
    "*": _arithmetic("*", _multiply),
    "/": _arithmetic("/", _divide),
    "%": _arithmetic("%", _remainder),
}
