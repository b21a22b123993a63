"""How two guardrails differ: which limits rise, which fall."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from caseworker.core.money import Money
from caseworker.guard.model import Guardrails, Limit, Queue

_CAPS = ("per_case", "per_customer_day")


@dataclass(frozen=True, slots=True)
class GuardChange:
    """One change. `raises`: more money may move, or be moved with fewer people asked. `kind` is limit or queue."""

    kind: str
    text: str
    raises: bool = False


def diff_guardrails(before: Guardrails, after: Guardrails) -> tuple[GuardChange, ...]:
    """Limits by action, the number of people, queues and reasons."""
    found = list(_actions(before.limits, after.limits))
    if before.people != after.people:
        found.append(_limit(f"people to publish {before.people} -> {after.people}", raises=after.people < before.people))
    found += _queues(before.queues, after.queues)
    if before.default_queue != after.default_queue:
        found.append(GuardChange("queue", f"default queue {before.default_queue} -> {after.default_queue}"))
    for word in sorted({*before.because, *after.because}):
        was, now = before.because.get(word), after.because.get(word)
        if was != now:
            what = "added" if was is None else "removed" if now is None else "words changed"
            found.append(GuardChange("queue", f"reason {word}: {what}"))
    return tuple(found)


def _limit(text: str, *, raises: bool) -> GuardChange:
    return GuardChange("limit", f"{'LIMIT RAISED' if raises else 'limit lowered'}: {text}", raises)


def _actions(before: Mapping[str, Limit], after: Mapping[str, Limit]) -> Iterator[GuardChange]:
    for action in sorted({*before, *after}):
        old, new = before.get(action), after.get(action)
        if old is None:
            yield _limit(f"{action} has an entry now", raises=True)
        elif new is None:
            yield _limit(f"{action} has no entry any more, so no money", raises=False)
        else:
            yield from _changed(action, old, new)


def _changed(action: str, old: Limit, new: Limit) -> Iterator[GuardChange]:
    yield from _amounts(f"{action} per_action", old.per_action, new.per_action, missing_is_free=False)
    for key in _CAPS:
        yield from _amounts(f"{action} {key}", getattr(old, key), getattr(new, key), missing_is_free=True)
    was, now = old.count_per_case, new.count_per_case
    if was != now:
        yield _limit(f"{action} count_per_case {_or(was)} -> {_or(now)}", raises=now is None or (was is not None and now > was))
    if old.above != new.above:
        yield _limit(f"{action} above its limits: {old.above} -> {new.above}", raises=new.above == "approve")
    if old.always_approve != new.always_approve:
        told = "is not always approved any more" if old.always_approve else "is always approved now"
        yield _limit(f"{action} {told}", raises=old.always_approve)
    if old.queue != new.queue:
        yield GuardChange("queue", f"{action} is approved in {new.queue or 'the default queue'}, was {old.queue or 'there'}")


def _amounts(about: str, old: Mapping[str, Money], new: Mapping[str, Money], *, missing_is_free: bool) -> Iterator[GuardChange]:
    """A currency that `per_action` does not name is forbidden; one that the other limits do not name is not bounded there."""
    for currency in sorted({*old, *new}):
        was, now = old.get(currency), new.get(currency)
        if was == now:
            continue
        none = "unlimited" if missing_is_free else "none"
        raises = missing_is_free if now is None else (not missing_is_free if was is None else now > was)
        yield _limit(f"{about} {was or f'{none} {currency}'} -> {now or f'{none} {currency}'}", raises=raises)


def _or(count: int | None) -> str:
    return "unlimited" if count is None else str(count)


def _queues(before: Mapping[str, Queue], after: Mapping[str, Queue]) -> list[GuardChange]:
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            found.append(GuardChange("queue", f"queue {name} {'added' if old is None else 'removed'}"))
        elif old != new:
            parts = [f"{key} {a} -> {b}" for key, a, b in _fields(old, new) if a != b]
            found.append(GuardChange("queue", f"queue {name}: {', '.join(parts)}"))
    return found


def _fields(old: Queue, new: Queue) -> Iterator[tuple[str, object, object]]:
    yield "title", old.title, new.title
    yield "service level", f"{old.service_minutes} min", f"{new.service_minutes} min"
    yield "priority", old.priority, new.priority
