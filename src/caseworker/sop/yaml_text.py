"""Facts as the YAML that people would write: short things on one line, texts in quotes only where they need them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 128
_BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ ./@+-]*")
_NUMBER = re.compile(r"[-+]?[\d.]+|0\d+")
_OTHERS = ("true", "false", "null")


def block(value: object, indent: str = "") -> Iterator[str]:
    """Lines of a mapping or list, each with `indent` before it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", item, f"{indent}  ")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            line = f"{indent}- {inline(item)}"
            if len(line) <= WIDTH and _is_flat(item):
                yield line
                continue
            first, *rest = block(item, f"{indent}  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
    else:
        yield f"{indent}{_scalar(value)}"


def _entry(head: str, value: object, indent: str) -> Iterator[str]:
    line = f"{head} {inline(value)}"
    if not isinstance(value, Mapping | list | tuple) or not value or (len(line) <= WIDTH and _is_flat(value)):
        yield line
        return
    yield head
    yield from block(value, indent)


def _is_flat(value: object) -> bool:
    """Whether it reads well on one line: nothing in it holds records."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return not any(isinstance(item, Mapping) and any(isinstance(v, Mapping | list) for v in item.values()) for item in items)


def inline(value: object) -> str:
    """On one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(inline(item) for item in value)}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if not isinstance(value, str):
        return text
    plain = _BARE.fullmatch(text) and not _NUMBER.fullmatch(text) and text not in _OTHERS and not text.endswith(" ")
    return text if plain else json.dumps(text, ensure_ascii=False)
