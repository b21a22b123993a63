"""A counterexample in words: only the facts that matter, found by changing each and deciding again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from caseworker.core.money import Money
from caseworker.sop.model import Decision, Escalate
from caseworker.sop.proving.concrete import Concrete, Path, replay
from caseworker.sop.proving.model import Case
from caseworker.sop.proving.sentences import sentences, told

Test = Callable[[Case], object]  # the same result means that nothing changed


def outcome(decision: Decision) -> object:
    """What makes two decisions different for a reader of a proof."""
    errors = tuple(entry.row for entry in decision.trace if entry.verdict in ("error", "unknown"))
    people = tuple(move.because for move in decision.moves if isinstance(move, Escalate))
    return decision.rule, errors, people, tuple(type(move).__name__ for move in decision.moves)


def describe(concrete: Concrete, case: Case, test: Test | None = None) -> tuple[str, ...]:
    """The facts that matter, one sentence each. What only proves who the sender is does not."""
    state = concrete.state
    check = test or (lambda changed: outcome(replay(state, changed)))
    before = check(case)

    def matters(path: Path, other: object) -> bool:
        changed = _with(case, path, other)
        return check(changed) != before and replay(state, changed).identity in ("not_needed", "verified")

    found: list[tuple[Path, str]] = []
    for path, value in _leaves(case.facts):
        others = list(_alternatives(value, case.now, state.world.texts()))
        if any(matters(path, other) for other in [*others, *([None] if path in concrete.optional else [])]):
            found.append((path, told(value, case.now)))
    for path, value in concrete.absent.items():
        if _parent(case.facts, path) and matters(path, value):
            found.append((path, "is not there"))
    return (*_history(case), *sentences(found, case.facts))


def _history(case: Case) -> Iterator[str]:
    for name in _names(case, "done"):
        yield f"{name} was done before"
    for name in _names(case, "failed"):
        yield f"{name} was refused before"
    rest = list(case.progress.fired)
    if rest:
        yield f"{'row' if len(rest) == 1 else 'rows'} {', '.join(rest)} fired before"
    for key in case.progress.asked:
        yield f"{key} was asked before"
    for need in case.progress.found:
        yield f"nothing is found for {need}"


def _names(case: Case, section: str) -> list[str]:
    found = case.facts.get(section)
    return list(found) if isinstance(found, Mapping) else []


# -- changing a fact ---------------------------------------------------------------------------------------------------


def _leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield from _leaves(inside, (*path, key))
        return
    if isinstance(value, list):
        yield path, value
        for index, inside in enumerate(value):
            if isinstance(inside, Mapping):
                yield from _leaves(inside, (*path, index))
        return
    yield path, value


def _alternatives(value: object, now: datetime, texts: tuple[str, ...]) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int():
            yield from (other for other in (0, 1, 2, value + 1, value + 1000) if other != value)
        case float():
            yield from (0.0, 1.0)
        case Money():
            yield from (Money(minor, value.currency) for minor in (0, 1, value.minor + 1, value.minor * 10 + 100_000))
            yield Money(value.minor, "EUR" if value.currency != "EUR" else "GBP")
        case datetime():
            yield from (now + timedelta(days=days) for days in (-400, -60, -20, -8, 0, 20, 400))
        case str():
            yield from (text for text in (*texts, "something else") if text != value)
        case list():
            yield []
            yield from ([item for other, item in enumerate(value) if other != gone] for gone in range(len(value)))
            yield [*value, *value]


def _with(case: Case, path: Path, value: object) -> Case:
    facts = _changed(case.facts, path, value)
    progress = case.progress
    if path[:2] == ("request", "confirmed"):
        progress = replace(progress, confirmed={})
    return Case(facts if isinstance(facts, Mapping) else {}, case.now, progress)


def _changed(tree: object, path: Path, value: object) -> object:
    if not path:
        return value
    head, *rest = path
    if isinstance(tree, list) and isinstance(head, int):
        return [_changed(item, tuple(rest), value) if index == head else item for index, item in enumerate(tree)]
    found = dict(tree) if isinstance(tree, Mapping) else {}
    found[head] = _changed(found.get(head), tuple(rest), value)
    return found


def _parent(tree: object, path: Path) -> bool:
    """Whether what holds the last step of a path is there."""
    for step in path[:-1]:
        tree = _inside(tree, step)
    return isinstance(tree, Mapping)


def _inside(tree: object, step: str | int) -> object:
    if isinstance(tree, Mapping):
        return tree.get(step)
    return tree[step] if isinstance(tree, list) and isinstance(step, int) and step < len(tree) else None
