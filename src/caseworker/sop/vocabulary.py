"""From frozen dataclasses to the type words of a `Vocabulary`, so that nobody writes a record's fields twice."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from caseworker.core.money import Money
from caseworker.core.refs import Ref

_PLAIN: Mapping[object, str] = {
    str: "string", bool: "bool", int: "int", float: "double", Money: "Money", datetime: "time", timedelta: "duration",
}  # fmt: skip


def record_types(classes: Mapping[str, type]) -> dict[str, dict[str, str]]:
    """Types of the fields of each record, by its word: `{"order": Order}` gives `{"order": {"status": "enum[paid|...]", ...}}`.

    A field `ref` is a reference to its own record, a Ref field named like a record is one to that. Raises TypeError for a
    field that no condition could read.
    """
    words = {cls: word for word, cls in classes.items()}
    return {word: _fields(word, cls, words) for word, cls in classes.items()}


def _fields(record: str, cls: type, words: Mapping[type, str]) -> dict[str, str]:
    hints = get_type_hints(cls)
    return {f.name: _word(hints[f.name], f.name, record, words) for f in fields(cls)}


def _word(hint: Any, name: str, record: str, words: Mapping[type, str]) -> str:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint in words:
        return words[hint]
    if hint is Ref:
        target = record if name == "ref" else name
        return f"Ref[{target}]" if target in words.values() else "Ref"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"enum[{'|'.join(arguments)}]"
    if origin in (Union, types.UnionType) and type(None) in arguments and len(arguments) == 2:
        return f"optional[{_word(next(a for a in arguments if a is not type(None)), name, record, words)}]"
    if origin in (tuple, list, Sequence):
        return f"list[{_word(arguments[0], name, record, words)}]"
    if origin is Mapping:
        return f"map[{_word(arguments[1], name, record, words)}]"
    raise TypeError(f"{record}.{name}: {hint} is no type of the procedure language")
