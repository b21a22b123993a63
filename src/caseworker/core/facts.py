"""Facts: the typed tree that procedures see, and its one JSON form.

A fact is None, bool, int, float, str, Money, Ref, datetime (UTC), timedelta, or a list or mapping of facts. `of` turns any
frozen dataclass into a tree; `dump` and `load` go to plain JSON and back without loss (tagged objects such as
`{"$money": [100, "EUR"]}`).
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta

from caseworker.core.money import Money
from caseworker.core.refs import Ref

Facts = Mapping[str, object]


def of(value: object) -> object:
    """Dataclasses become mappings, tuples become lists; Money, Ref and times stay what they are."""
    if isinstance(value, Money | Ref):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: of(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): of(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [of(item) for item in value]
    return value


def dump(value: object) -> object:
    """To plain JSON types."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Money():
            return {"$money": [value.minor, value.currency]}
        case Ref():
            return {"$ref": [value.system, value.type, value.id, value.version]}
        case datetime():
            return {"$time": value.astimezone(UTC).isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case timedelta():
            return {"$seconds": value.total_seconds()}
        case Mapping():
            return {str(key): dump(item) for key, item in value.items()}
        case list() | tuple():
            return [dump(item) for item in value]
        case _ if is_dataclass(value):
            return dump(of(value))
    raise TypeError(f"{type(value).__name__} is no fact")


def load(value: object) -> object:
    """From plain JSON types, as `dump` wrote them."""
    if isinstance(value, list):
        return [load(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(tag, body)] = value.items()
        if tag == "$money":
            return Money(body[0], body[1])
        if tag == "$ref":
            return Ref(*body)
        if tag == "$time":
            return datetime.fromisoformat(body)
        if tag == "$date":
            return date.fromisoformat(body)
        if tag == "$seconds":
            return timedelta(seconds=body)
    return {key: load(item) for key, item in value.items()}


def canonical(value: object) -> str:
    """The one text of a fact, for hashes and for comparing arguments."""
    return json.dumps(dump(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
