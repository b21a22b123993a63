"""How two playbooks differ, in the words of the people who write them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, TypeVar

from caseworker.core.findings import NOWHERE, Place
from caseworker.sop.explain import shown
from caseworker.sop.model import (
    ActSpec,
    IntentSpec,
    Need,
    Parameter,
    ParameterValue,
    Playbook,
    Procedure,
    PromiseSpec,
    Question,
    Row,
    Season,
    WaitSpec,
    WorkerSpec,
)
from caseworker.sop.parameters import resolve

T = TypeVar("T")
_LATER = date(9999, 1, 1)
_NO_WORDS = frozenset(("place", "lines", "name"))
_UNITS = ("business days", "days", "hours")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `kind` is what is counted: row, need, fact, proof, procedure, parameter, intent, question, setting;
    further reply, limit, queue, file. `lines` are what stands below it; `raises`: the worker may do more by itself."""

    kind: str
    text: str
    place: Place = NOWHERE
    lines: tuple[str, ...] = ()
    raises: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.place.line else self.text


def diff_playbooks(before: Playbook, after: Playbook) -> tuple[Difference, ...]:
    """What changed from one playbook to another: parameters, procedures, intents, questions, worker.yaml."""
    return (
        *_parameters(before, after),
        *_procedures(before.procedures, after.procedures),
        *_each("intent", before.intents, after.intents, _intent),
        *_each("question", before.questions, after.questions, _question),
        *_worker(before.worker, after.worker),
    )


def summary(differences: Sequence[Difference]) -> str:
    """`2 rows changed, 1 parameter, 3 replies`; empty where nothing differs."""
    counts: dict[str, int] = {}
    for difference in differences:
        counts[difference.kind] = counts.get(difference.kind, 0) + 1
    plural = {"reply": "replies"}
    parts = [f"{n} {kind if n == 1 else plural.get(kind, f'{kind}s')}" for kind, n in counts.items()]
    if parts:
        parts[0] = f"{parts[0]} changed"
    return ", ".join(parts)


# -- parameters --------------------------------------------------------------------------------------------------------


def _parameters(before: Playbook, after: Playbook) -> Iterator[Difference]:
    for name in sorted({*before.parameters, *after.parameters}):
        old, new = before.parameters.get(name), after.parameters.get(name)
        if old is None or new is None:
            there = old or new
            assert there is not None
            values = ", ".join(_valued(v) for v in there.values)
            yield Difference("parameter", f"{_words(name)}: {'new' if new else 'removed'}, {values}", there.place)
            continue
        lines = list(_values(old, new))
        if lines:
            yield replace(lines[0], lines=tuple(str(line) for line in lines[1:]))


def _values(old: Parameter, new: Parameter) -> Iterator[Difference]:
    if old.type != new.type:
        yield Difference("parameter", f"{_words(new.name)}: type {old.type} -> {new.type}", new.place)
    had, has = ({_circumstance(v): v for v in p.values} for p in (old, new))
    for before, instead in _other_dates(had, has):
        text = f"{_words(new.name)}: {_valued(has.pop(instead))}, it was{before or ' always'}"
        yield Difference("parameter", text, new.place)
        del had[before]
    for when, value in has.items():
        was = had[when].value if when in had else _held(old, value)
        if was != value.value or (when not in had and was is None):
            yield _changed(new, was, value.value, when, value.place)
        elif when not in had:
            yield Difference("parameter", f"{_words(new.name)}: {shown(was)} also{when}, as it was", value.place)
    for when, value in had.items():
        if when not in has and (now := _held(new, value)) != value.value:
            yield _changed(new, value.value, now, when, new.place)


def _other_dates(had: Mapping[str, ParameterValue], has: Mapping[str, ParameterValue]) -> list[tuple[str, str]]:
    """Rows that only got other dates: the same value in the same place."""
    gone, new = [w for w in had if w not in has], [w for w in has if w not in had]
    pairs = []
    for was in gone:
        old = had[was]
        same = (w for w in new if (has[w].value, has[w].country, has[w].brand) == (old.value, old.country, old.brand))
        if (now := next(same, None)) is not None:
            pairs.append((was, now))
            new.remove(now)
    return pairs


def _changed(parameter: Parameter, was: object, now: object, when: str, place: Place) -> Difference:
    name, unit = _words(parameter.name), ""
    for known in _UNITS:
        if parameter.type == "int" and name.endswith(f" {known}"):
            name, unit = name.removesuffix(f" {known}"), f" {known}"
            break
    told = [shown(value) if value is not None else "nothing" for value in (was, now)]
    return Difference("parameter", f"{name} {told[0]} -> {told[1]}{unit}{when}", place if place.line else parameter.place)


def _held(parameter: Parameter, like: ParameterValue) -> object:
    """What a parameter was where a row of the other playbook holds."""
    on = like.valid_from or like.valid_to or (date(2000, *like.season.first) if like.season else _LATER)
    return resolve(parameter, country=like.country or "", brand=like.brand or "", on=on)


def _circumstance(value: ParameterValue) -> str:
    parts = [f" in {value.country}" if value.country else "", f" for {value.brand}" if value.brand else ""]
    parts += [_in_season(value.season) if value.season else ""]
    parts += [f" from {value.valid_from}" if value.valid_from else "", f" to {value.valid_to}" if value.valid_to else ""]
    return "".join(parts)


def _in_season(season: Season) -> str:
    first, last = (f"{month:02}-{day:02}" for month, day in (season.first, season.last))
    return f" in the season {season.name} ({first} to {last})"


def _valued(value: ParameterValue) -> str:
    return f"{shown(value.value)}{_circumstance(value)}"


# -- procedures --------------------------------------------------------------------------------------------------------


def _procedures(before: Mapping[str, Procedure], after: Mapping[str, Procedure]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            there = old or new
            assert there is not None
            yield Difference("procedure", f"procedure {name}: {'added' if new else 'removed'}", there.place)
            continue
        yield from _procedure(old, new)


def _procedure(old: Procedure, new: Procedure) -> Iterator[Difference]:
    about = f"procedure {new.name}"
    for key in ("title", "intents", "verify"):
        was, now = getattr(old, key), getattr(new, key)
        if was != now:
            place = Place(new.place.file, new.lines.get(key, new.place.line))
            yield Difference("procedure", f"{about}: {key} {_told(was)} -> {_told(now)}", place)
    yield from _each("need", {n.name: n for n in old.needs}, {n.name: n for n in new.needs}, _plain, about=f"{about}: ")
    for name in dict.fromkeys((*old.facts, *new.facts)):
        source, instead = _one_line(old.facts.get(name, "")), _one_line(new.facts.get(name, ""))
        if source != instead:
            place = new.fact_places.get(name) or old.fact_places.get(name) or new.place
            yield Difference("fact", f"{about}: fact {name} {_from_to(source, instead)}", place)
    yield from _rows(about, old.rows, new.rows)
    for key in ("accept", "never"):
        was, now = ({a.name: _one_line(a.when) for a in getattr(p, key)} for p in (old, new))
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                yield Difference("proof", f"{about}: {key} {name} {_from_to(was.get(name, ''), now.get(name, ''))}", new.place)


def _rows(about: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Difference]:
    had, has = {r.name: r for r in old}, {r.name: r for r in new}
    yield from _each("row", had, has, _plain, about=f"{about}: ")
    stay_old, stay_new = [r.name for r in old if r.name in has], [r.name for r in new if r.name in had]
    for name in _moved(stay_old, stay_new):
        at = stay_new.index(name)
        where = f"after {stay_new[at - 1]}" if at else "to the top"
        yield Difference("row", f"{about}: row {name} moved {where}", has[name].place)


def _moved(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The fewest names that have to be moved to come from one order to the other: those outside the longest common run."""
    from difflib import SequenceMatcher

    kept = {old[i] for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks() for i in _span(block)}
    return [name for name in new if name not in kept]


def _span(block: Any) -> range:
    return range(block.a, block.a + block.size)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _intent(old: IntentSpec, new: IntentSpec) -> Iterator[str]:
    yield from _plain(replace(old, examples={}), replace(new, examples={}))
    for language in sorted({*old.examples, *new.examples}):
        was, now = set(old.examples.get(language, ())), set(new.examples.get(language, ()))
        yield from (f"example {language} added: {text}" for text in sorted(now - was))
        yield from (f"example {language} removed: {text}" for text in sorted(was - now))


def _question(old: Question, new: Question) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"kind {old.kind} -> {new.kind}"
    for option in sorted({*old.options, *new.options}):
        was, now = old.options.get(option), new.options.get(option)
        if was is None or now is None:
            yield f"option {option} {'added' if now is not None else 'removed'}"
        elif was != now:
            yield f"option {option}: words changed"


def _worker(old: WorkerSpec, new: WorkerSpec) -> Iterator[Difference]:
    place = Place("worker.yaml", 1)
    for f in fields(WorkerSpec):
        was, now = getattr(old, f.name), getattr(new, f.name)
        if f.name == "mailboxes":
            boxes_was, boxes_now = ({m.address: m for m in boxes} for boxes in (was, now))
            yield from _each("setting", boxes_was, boxes_now, _plain, about="", what="mailbox")
        elif f.name == "intent_modes":
            for intent in sorted({*was, *now}):
                a, b = was.get(intent, old.mode), now.get(intent, new.mode)
                if a != b:
                    yield Difference("setting", f"mode of {intent} {a} -> {b}", place, raises=b == "live")
        elif was != now:
            raises = f.name == "mode" and now == "live"
            yield Difference("setting", f"{_words(f.name)} {_told(was)} -> {_told(now)}", place, raises=raises)


def _each(
    kind: str,
    before: Mapping[str, T],
    after: Mapping[str, T],
    changes: Callable[[T, T], Iterator[str]],
    *,
    about: str = "",
    what: str = "",
) -> Iterator[Difference]:
    """Things with names: added, removed, or changed in what `changes` says."""
    what = what or kind
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            there: Any = new if old is None else old
            lines = tuple(_plain(None, there)) if new is not None and kind in ("row", "need") else ()
            done = "added" if old is None else "removed"
            yield Difference(kind, f"{about}{what} {name} {done}", getattr(there, "place", NOWHERE), lines)
            continue
        lines = tuple(changes(old, new))
        if len(lines) == 1:
            yield Difference(kind, f"{about}{what} {name} changed: {lines[0]}", getattr(new, "place", NOWHERE))
        elif lines:
            yield Difference(kind, f"{about}{what} {name} changed", getattr(new, "place", NOWHERE), lines)


def _plain(old: Any, new: Any) -> Iterator[str]:
    """The fields of a dataclass that differ, places apart; those that are set where there was none before."""
    for f in fields(new):
        if f.name in _NO_WORDS:
            continue
        was, now = _told(getattr(old, f.name)) if old is not None else "", _told(getattr(new, f.name))
        if was != now:
            label = _KEYS.get(f.name, f.name.replace("_", " "))
            yield f"{label} {_from_to(was, now)}" if old is not None else f"{label} {now}"


_KEYS = {"escalate_queue": "queue", "escalate_because": "because", "one_of": "one_of", "skip_when": "skip_when"}


def _from_to(was: str, now: str) -> str:
    if not was:
        return f"added: {now}"
    return f"{was} -> {now}" if now else f"removed: {was}"


def _told(value: object) -> str:
    """A value of a specification as it would be written."""
    match value:
        case None | "" | () | False | 0.0:
            return ""
        case True:
            return "yes"
        case str():
            return _one_line(value)
        case ActSpec():
            arguments = ", ".join(f"{k}: {_one_line(v)}" for k, v in value.arguments.items())
            return f"{value.operation} {{{arguments}}} as {value.name}"
        case PromiseSpec():
            return _one_line(f"{value.what} {value.amount} by {value.by} kept when {value.kept_when}")
        case WaitSpec():
            return _one_line(f"until {value.until} at most {shown(value.at_most)} every {shown(value.every)} then {value.then}")
        case Need() | Row():
            return value.name
        case Mapping():
            return ", ".join(f"{key}: {_told(item)}" for key, item in value.items())
        case tuple() | list():
            return ", ".join(_told(item) for item in value)
    return shown(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _words(name: str) -> str:
    return name.replace("_", " ")
