"""Parts of a condition that name no fact, and so come out the same for every case: those that can never be computed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from caseworker.sop.cel.evaluate import closure
from caseworker.sop.cel.tree import Binary, Call, Expr, Index, Lit, Name, children
from caseworker.sop.cel.values import Fault, absent

_ONE = Lit(1, "int")
_AMOUNT = Call("money", (Lit("1.00 EUR", "string"),))


@dataclass
class _Nothing:
    """A scope without facts."""

    seen: dict[str, object] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)

    def get(self, name: str) -> object:
        return absent(name)

    def missing(self, root: str, path: str) -> object:
        return absent(path)

    def country(self) -> object:
        return "DE"  # any will do: what a calendar cannot count in one country, it cannot count in another


def constant_faults(expr: Expr) -> Iterator[tuple[Expr, str]]:
    """The smallest parts that fail whatever the facts are, each with the reason."""
    found = [fault for part in children(expr) for fault in constant_faults(part)]
    yield from found
    told = "" if found else _fault(expr)
    if told:
        yield expr, told


def _fault(expr: Expr) -> str:
    """Why a part fails: it is constant as a whole, or what it divides by, counts with or points at is."""
    if _is_constant(expr):
        return _told(expr)
    match expr:
        case Binary(operator="/" | "%" as sign, right=right) if _is_constant(right) and type(_value(right)) is int:
            return _told(Binary(sign, _ONE, right))
        case Index(index=index) if _is_constant(index) and isinstance(place := _value(index), int) and place < 0:
            return f"there is no element {place}"
        case Call(name="prorate", arguments=(_, part, whole)) if _is_constant(part) and _is_constant(whole):
            return _told(Call("prorate", (_AMOUNT, part, whole)))
    return ""


def _is_constant(expr: Expr) -> bool:
    return not isinstance(expr, Name) and all(map(_is_constant, children(expr)))


def _told(expr: Expr) -> str:
    value = _value(expr)
    return value.message if isinstance(value, Fault) else ""


def _value(expr: Expr) -> object:
    return closure(expr, frozenset())(_Nothing())
