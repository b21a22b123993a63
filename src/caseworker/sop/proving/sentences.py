"""Facts as sentences; what belongs to one item of a list stands together."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from caseworker.sop.explain import shown
from caseworker.sop.proving.concrete import Path


def sentences(found: Sequence[tuple[Path, str]], facts: Mapping[str, object]) -> Iterator[str]:
    """One sentence for each fact outside lists, and one for each list."""
    items: dict[Path, dict[int, list[str]]] = {}
    lists = {path: text for path, text in found if isinstance(_at(facts, path), list)}
    order: dict[Path, str] = {}
    for path, text in found:
        place = next((position for position, step in enumerate(path) if isinstance(step, int)), None)
        if place is None:
            order[path] = text
            continue
        head, index = path[:place], int(path[place])
        order.setdefault(head, "")
        items.setdefault(head, {}).setdefault(index, []).append(f"{_dotted(path[place + 1 :])} {text}")
    for path, text in order.items():
        inside = items.get(path)
        yield f"{_dotted(path)} {text}" if inside is None else _list(path, lists.get(path, ""), inside, facts)


def _list(path: Path, text: str, inside: Mapping[int, list[str]], facts: Mapping[str, object]) -> str:
    told_items = [f"{_label(facts, path, index)} ({', '.join(parts)})" for index, parts in inside.items()]
    head = text.split(" (", maxsplit=1)[0] if text else "has"
    return f"{_dotted(path)} {head}: {', '.join(told_items)}" if text else f"of {_dotted(path)} {', '.join(told_items)}"


def _label(facts: Mapping[str, object], path: Path, index: int) -> str:
    item = _at(facts, (*path, index))
    name = item.get("id") or item.get("number") if isinstance(item, Mapping) else None
    return str(name) if name else f"number {index + 1}"


def _at(tree: object, path: Path) -> object:
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int):
            tree = tree[step]
    return tree


def _dotted(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def told(value: object, now: datetime) -> str:
    """What a fact is."""
    if isinstance(value, list):
        return f"has {_listed(value)}"
    if isinstance(value, datetime):
        return f"is {_when(value, now)}"
    return f"is {'empty' if value == '' else shown(value)}"


def _listed(value: list[object]) -> str:
    if not value:
        return "nothing in it"
    labels = [str(item.get("id") or "") if isinstance(item, Mapping) else shown(item) for item in value]
    named = f" ({', '.join(labels)})" if all(labels) else ""
    return f"{'one item' if len(value) == 1 else f'{len(value)} items'}{named}"


def _when(value: datetime, now: datetime) -> str:
    span = abs(now - value)
    if not span:
        return "now"
    days, hours = span.days, span.seconds // 3600
    text = f"{days} day{'s' if days != 1 else ''}" if days else ""
    if hours and days < 100:
        text = f"{text} {hours} hour{'s' if hours != 1 else ''}".strip()
    text = text or "a moment"
    return f"{text} ago" if value < now else f"in {text}"
