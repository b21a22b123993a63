"""A case's state as JSON, with a version; each older version has one pure upgrade function."""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from caseworker.cases.model import Case
from caseworker.core import facts
from caseworker.core.errors import StoreError

_T = TypeVar("_T")
STATE_VERSION = 1
UPGRADES: Mapping[int, Callable[[Mapping[str, object]], Mapping[str, object]]] = {}


def dump_case(case: Case) -> object:
    """Plain JSON of the whole case."""
    return facts.dump(facts.of(case))


def load_case(state: Mapping[str, object], version: int) -> Case:
    """The case of a stored state, upgraded step by step. Raises StoreError for a state newer than this program."""
    if version > STATE_VERSION:
        raise StoreError(
            f"The case was written by a newer Caseworker (state {version}, this one knows {STATE_VERSION}).",
            remedy="Install the newer version on this host too.",
        )
    while version < STATE_VERSION:
        state, version = UPGRADES[version](state), version + 1
    tree = facts.load(state)
    assert isinstance(tree, Mapping)
    return build(Case, tree)


def build(cls: type[_T], tree: Mapping[str, object]) -> _T:
    """A dataclass from the tree that `facts.of` made of it. Fields that the tree lacks keep their defaults."""
    hints = _hints(cls)  # type: ignore[arg-type]  # a class is hashable, which cache() cannot see
    return cls(**{name: _value(hints[name], item) for name, item in tree.items() if name in hints})


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


def _value(hint: Any, item: object) -> object:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [a for a in get_args(hint) if a is not type(None)]
        return None if item is None else _value(inner[0], item)
    if origin is tuple and isinstance(item, list):
        return tuple(_value(get_args(hint)[0], each) for each in item)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(item, Mapping):
        return build(hint, item)
    return item
