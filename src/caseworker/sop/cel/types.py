"""Types of conditions: words of a vocabulary to types, and what fits where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FORM = re.compile(r"([A-Za-z_]\w*)(?:\[(.*)\])?")
SCALARS = ("string", "int", "bool", "double", "Money", "time", "duration")


@dataclass(frozen=True, slots=True)
class Type:
    """`name` is a scalar, list, map, Ref, enum, record, optional or any.

    `of` is the record or the type referred to, `item` what is inside, `words` the texts of an enum, `present` optional
    fields of a record that were tested to be there, `currencies` those that an amount of the playbook can be in (empty: any).
    """

    name: str
    of: str = ""
    item: "Type | None" = None
    words: frozenset[str] = frozenset()
    present: frozenset[str] = field(default=frozenset(), compare=False)
    currencies: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        if self.name == "record":
            return self.of.removeprefix("$")
        if self.name == "enum":
            return "string"
        if self.item is not None:
            return f"{self.name}[{self.item}]"
        return f"{self.name}[{self.of}]" if self.of else self.name


ANSWERED_ADDRESS = "$answered_address"  # what a customer writes; may stand where an `address` is expected
ANY = Type("any")  # after an error, so that one mistake is told once
BOOL, INT, DOUBLE, STRING = Type("bool"), Type("int"), Type("double"), Type("string")
MONEY, TIME, DURATION = Type("Money"), Type("time"), Type("duration")


def parse_type(word: str) -> Type:
    """`list[line]` to a type; a word that is no built-in is a record. Raises ValueError."""
    found = _FORM.fullmatch(word.strip())
    if found is None:
        raise ValueError(f"{word!r} is no type")
    name, inner = found[1], found[2]
    if name in SCALARS and inner is None:
        return Type(name)
    if name in ("list", "map", "optional") and inner:
        return Type(name, item=parse_type(inner))
    if name == "enum" and inner:
        return Type("enum", words=frozenset(inner.split("|")))
    if name == "Ref":
        return Type("Ref", of=inner or "")
    if name == "any":
        return ANY
    if inner is not None:
        raise ValueError(f"{word!r} is no type")
    return Type("record", of=name)


def list_of(item: Type) -> Type:
    return Type("list", item=item)


def optional(item: Type) -> Type:
    return item if item.name in ("optional", "any") else Type("optional", item=item)


def fits(found: Type, wanted: Type) -> bool:
    """Whether a value of `found` may stand where `wanted` is expected."""
    if "any" in (found.name, wanted.name):
        return True
    if wanted.name == "optional" and wanted.item:
        return fits(found.item if found.name == "optional" and found.item else found, wanted.item)
    text = ("string", "enum")
    if found.name in text and wanted.name in text:
        return not wanted.words or not found.words or bool(found.words & wanted.words)
    if found.name != wanted.name:
        return False
    if found.name == "Ref":
        return not found.of or not wanted.of or found.of == wanted.of
    if found.item and wanted.item:
        return fits(found.item, wanted.item)
    return found.of == wanted.of or (found.of == ANSWERED_ADDRESS and wanted.of == "address")


Records = Mapping[str, Mapping[str, Type]]


def records_of(words: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Type]]:
    """The record types of a vocabulary."""
    return {record: {name: parse_type(word) for name, word in fields.items()} for record, fields in words.items()}
