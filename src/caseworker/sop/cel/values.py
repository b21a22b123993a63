"""What a condition can yield beside a value: not known yet, or not computable. Neither is ever taken for false."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from caseworker.core.money import LARGEST_MINOR, Money
from caseworker.core.numbers import LARGEST

LONGEST_TEXT = 100_000  # characters of a text that is put together from others


@dataclass(frozen=True, slots=True)
class Unknown:
    """Facts are missing that may still come; `paths` names them."""

    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fault:
    """The value cannot be computed. `absent` tells a fact that is known not to be there, which `has()` makes false."""

    message: str
    absent: bool = False


TROUBLE = frozenset({Unknown, Fault})  # asked by class: a decision asks some hundred times


class Scope(Protocol):
    """Where a condition reads its facts, and where it notes what it saw (path to value)."""

    seen: dict[str, object]
    variables: dict[str, object]

    def get(self, name: str) -> object:
        """The value of a name, Unknown, or Fault."""
        ...

    def missing(self, root: str, path: str) -> object:
        """What it means that `path` below `root` is not in the tree: Unknown or Fault."""
        ...

    def country(self) -> object:
        """ISO country of the business calendar, or Unknown."""
        ...


def trouble(*values: object) -> Unknown | Fault | None:
    """Unknown (all paths together) before Fault: what is missing may settle the matter. None where all are values."""
    for value in values:
        if value.__class__ in TROUBLE:
            break
    else:
        return None
    wrong = [value for value in values if value.__class__ in TROUBLE]
    unknown = [value.paths for value in wrong if isinstance(value, Unknown)]
    if unknown:
        return Unknown(frozenset().union(*unknown))
    return next(value for value in wrong if isinstance(value, Fault))


def absent(path: str) -> Fault:
    """`path` is known not to be there."""
    return Fault(f"{path} is not there; test it with has({path}).", absent=True)


def noted(value: object) -> object:
    """What is kept of a value that was seen: of a record its name, so that a trace stays small."""
    kind = value.__class__
    if kind is str or kind is bool or kind is int:
        return value
    if isinstance(value, Mapping):
        return str(value.get("number") or value.get("id") or value.get("ref") or "a record")
    if isinstance(value, list | tuple):
        return [noted(item) for item in value]
    return value


def too_large(value: object) -> str:
    """Why a computed value is more than databases and other programs hold; empty where it is not."""
    match value:
        case int():
            return "" if abs(value) <= LARGEST else "the number is too large"
        case float():
            return "" if isfinite(value) else "the number is too large"
        case Money(minor=minor):
            return "" if abs(minor) <= LARGEST_MINOR else "the amount is too large"
        case str():
            return "" if len(value) <= LONGEST_TEXT else "the text is too long"
    return ""
