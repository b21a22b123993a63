"""Arguments as procedures hand them over, brought into the types that an operation declares. The one place that coerces.

References arrive as Ref (or as a whole record, whose `ref` counts), lines as mappings with an `id`, or as an id, addresses as
mappings. Nonsense is BadArguments: a mistake of whoever wrote the call, never an answer of the system.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from caseworker.commerce.errors import BadArguments
from caseworker.commerce.model import Line, PostalAddress
from caseworker.commerce.ports import Operation
from caseworker.core import facts
from caseworker.core.money import Money
from caseworker.core.refs import Ref

_ADDRESS = ("name", "street", "postcode", "city", "country")


@dataclass(frozen=True, slots=True)
class Pieces:
    """So many pieces of a line; None means every piece that the operation can still take."""

    id: str
    quantity: int | None = None


def coerce(operation: Operation, given: Mapping[str, object]) -> dict[str, object]:
    """Typed arguments by name; those that were left out, or are None, are absent. BadArguments says which one is wrong."""
    known = {parameter.name: parameter for parameter in operation.parameters}
    for name in given:
        if name not in known:
            raise BadArguments(f"{operation.name} has no parameter {name!r}.", remedy=f"It takes {', '.join(known) or 'none'}.")
    result: dict[str, object] = {}
    for name, parameter in known.items():
        value = given.get(name)
        if value is not None:
            result[name] = _typed(parameter.type, facts.of(value), f"{operation.name}: {name}")
        elif parameter.required:
            raise BadArguments(f"{operation.name} needs {name!r} ({parameter.type}).", remedy="Give it in the procedure.")
    return result


def pieces(value: object, where: str) -> Pieces:
    """A line: an id, `{id, quantity}` for so many pieces, or a whole line record, which stands for all its pieces."""
    if isinstance(value, Line):
        return Pieces(value.id)
    if isinstance(value, str) and value:
        return Pieces(value)
    if isinstance(value, Mapping) and isinstance(value.get("id"), str):
        quantity = value.get("quantity")
        if quantity is None or "unit_price" in value:
            return Pieces(value["id"])
        if type(quantity) is int and quantity > 0:
            return Pieces(value["id"], quantity)
    raise _wrong(where, value, "a line: an id, or a mapping with `id` and perhaps a `quantity` from 1")


def address(value: object, where: str) -> PostalAddress:
    """An address; `name` and `country` may be missing and are then empty."""
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "an address with street, postcode and city")
    parts = {name: str(value.get(name) or "").strip() for name in _ADDRESS}
    missing = [name for name in ("street", "postcode", "city") if not parts[name]]
    if missing:
        raise BadArguments(f"{where} lacks {', '.join(missing)}.", remedy="Ask the customer for the whole address.")
    country = parts["country"].upper()
    if country and not re.fullmatch("[A-Z]{2}", country):
        raise _wrong(f"{where}.country", value.get("country"), "a country code of two letters")
    return PostalAddress(**{**parts, "country": country})


def _typed(word: str, value: object, where: str) -> object:
    """The value as the type word asks for; words that are not built in take the value as it is."""
    outer, _, rest = word.partition("[")
    inner = rest.removesuffix("]")
    if outer == "list":
        items = value if isinstance(value, list) else [value]
        return tuple(_typed(inner, item, f"{where}[{index}]") for index, item in enumerate(items))
    if outer == "optional":
        return _typed(inner, value, where)
    if outer == "Ref":
        return _reference(inner, value, where)
    if outer == "enum":
        if value not in inner.split("|"):
            raise _wrong(where, value, f"one of {inner.replace('|', ', ')}")
        return value
    converter = _PLAIN.get(outer)
    return converter(value, where) if converter else value


def _reference(kind: str, value: object, where: str) -> Ref:
    if isinstance(value, Mapping):
        value = value.get("ref")
    if isinstance(value, Ref) and value.type == kind:
        return value
    raise _wrong(where, value, f"a reference to a record of type {kind}")


def _string(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(where, value, "a text")


def _integer(value: object, where: str) -> int:
    if type(value) is int:
        return value
    raise _wrong(where, value, "a whole number")


def _boolean(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(where, value, "true or false")


def _money(value: object, where: str) -> Money:
    if not isinstance(value, Money):
        raise _wrong(where, value, "an amount with its currency")
    if value.minor <= 0:
        raise _wrong(where, value, "more than zero")
    return value


def _time(value: object, where: str) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise _wrong(where, value, "a time with its zone")


def _texts(value: object, where: str) -> dict[str, str]:
    if isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
        return {str(key): item for key, item in value.items()}
    raise _wrong(where, value, "a mapping of texts")


def _wrong(where: str, value: object, wanted: str) -> BadArguments:
    shown = str(value) if isinstance(value, Money | Ref) else repr(value)
    return BadArguments(f"{where} is {shown[:80]}, which is not {wanted}.", remedy="Correct the argument in the procedure.")


_PLAIN: Mapping[str, Callable[[object, str], object]] = {
    "string": _string,
    "int": _integer,
    "bool": _boolean,
    "Money": _money,
    "time": _time,
    "map": _texts,
    "line": pieces,
    "address": address,
}
