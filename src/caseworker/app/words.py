"""Facts as labels and values, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from caseworker.sop.explain import shown

Line = tuple[str, str]


def words(name: object) -> str:
    """A word of the program as people write it: `where_is_my_order` becomes `where is my order`."""
    return str(name or "").replace("_", " ").replace(":", ": ")


def lines_of(tree: object, *, prefix: str = "", deep: int = 2) -> list[Line]:
    """A tree of facts as labels and values; what is empty is left out."""
    if not isinstance(tree, Mapping):
        return [(prefix, shown(tree))] if tree not in (None, "", [], {}) else []
    if deep == 0:
        return [(prefix, told)] if (told := short(tree)) else []
    found: list[Line] = []
    for key, value in tree.items():
        label = f"{prefix}.{key}" if prefix else str(key)
        found += lines_of(value, prefix=label, deep=deep - 1)
    return found


def short(tree: Mapping[str, Any]) -> str:
    """A record by its simple values."""
    simple = {k: v for k, v in tree.items() if v not in (None, "") and not isinstance(v, Mapping | list | tuple)}
    return ", ".join(f"{key} {shown(value)}" for key, value in list(simple.items())[:8])


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """A list, or an empty one for anything else."""
    return value if isinstance(value, list | tuple) else ()
