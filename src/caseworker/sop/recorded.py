"""A decision kept with everything it was made from, and the two documents in which it is stored.

What was looked up stands in the inputs once: where the decision holds the same record (an order among its facts, lines among
the arguments of an act) its document says `{"$at": [path into the inputs]}`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from caseworker.core.errors import StoreError
from caseworker.core.facts import dump, load, of
from caseworker.sop.model import (
    Act,
    Ask,
    Confirm,
    Decision,
    Escalate,
    Found,
    LookUp,
    Move,
    Playbook,
    Progress,
    Promise,
    Resolve,
    RowTrace,
    Say,
    Wait,
)

VERSION = 1
Document = Mapping[str, Any]
INPUT_UPGRADES: Mapping[int, Callable[[Document], Document]] = {}
DECISION_UPGRADES: Mapping[int, Callable[[Document], Document]] = {}
"""For each older version the pure function that makes the next one of it. They see plain JSON."""

_MOVES: Mapping[str, Callable[..., Move]] = {
    cls.__name__.lower(): cls for cls in (Act, Ask, Confirm, Escalate, LookUp, Promise, Resolve, Say, Wait)
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One decision of one request with its complete inputs. `release` is the playbook's hash, `now` UTC.

    `queues` are the queues of people as they were in force: by row, and for what no row decides under an empty name. `seq` is
    the event of the case in which it was made, `number` counts the decisions of that event from 1.
    """

    request: int
    release: str
    now: datetime
    facts: Mapping[str, object]
    progress: Progress
    decision: Decision
    queues: Mapping[str, str] = field(default_factory=dict)
    case: int = 0
    seq: int = 0
    number: int = 0


def queues_of(playbook: Playbook, procedure: str) -> dict[str, str]:
    """The queues that a procedure hands over to, by row, and the one for what no row decides under an empty name."""
    rows = playbook.procedures[procedure].rows
    return {"": playbook.worker.fallback_queue, **{row.name: row.escalate_queue for row in rows if row.escalate_queue}}


def with_queues(playbook: Playbook, procedure: str, queues: Mapping[str, str]) -> Playbook:
    """The playbook with the queues that were in force when a decision was made by it: they follow the release that is live."""
    if not queues or queues == queues_of(playbook, procedure):
        return playbook
    spec = playbook.procedures[procedure]
    rows = tuple(replace(row, escalate_queue=queues.get(row.name, row.escalate_queue)) for row in spec.rows)
    worker = replace(playbook.worker, fallback_queue=queues.get("", playbook.worker.fallback_queue))
    return replace(playbook, worker=worker, procedures={**playbook.procedures, procedure: replace(spec, rows=rows)})


def move_to_facts(move: object) -> dict[str, object]:
    """A move as facts, with its kind under `move`."""
    told = of(move)
    assert isinstance(told, dict)
    return {"move": type(move).__name__.lower(), **told}


def move_from_facts(stored: Mapping[str, object]) -> Move:
    """The move of `move_to_facts`."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items() if key != "move"}
    return _MOVES[str(stored["move"])](**values)


# -- to documents ------------------------------------------------------------------------------------------------------


def to_documents(recording: Recording) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the decision as plain JSON."""
    progress = recording.progress
    known: dict[int, list[str | int]] = {}
    for need, found in progress.found.items():
        _note(found.records, ["progress", "found", need, "records"], known)
    _note(recording.facts, ["facts"], known)
    inputs = {
        "version": VERSION,
        "now": dump(recording.now),
        "facts": dump(recording.facts),
        "progress": dump(_slim(_progress_to_facts(progress))),
        "queues": dict(recording.queues),
    }
    return inputs, {"version": VERSION, **_as_mapping(dump(_shared(decision_to_facts(recording.decision), known)))}


def _progress_to_facts(progress: Progress) -> dict[str, object]:
    found = {need: _slim({"records": each.records, "refused": each.refused}) for need, each in progress.found.items()}
    return {**_fields(progress), "found": found}


def decision_to_facts(decision: Decision) -> dict[str, object]:
    """A whole decision as facts; what is empty is left out."""
    told = {
        "procedure": decision.procedure,
        "rule": decision.rule,
        "moves": [{"move": type(move).__name__.lower(), **_fields(move)} for move in decision.moves],
        "trace": [_slim(_fields(entry)) for entry in decision.trace],
        "meanwhile": decision.meanwhile,
        "missing": list(decision.missing),
        "identity": decision.identity,
        "facts": decision.facts,
        "timed_out": decision.timed_out,
        "wrong": list(decision.wrong),
    }
    return _slim(told)


def _fields(value: object) -> dict[str, object]:
    """The fields of a dataclass as they are: what is in them is the very object that was given."""
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}  # type: ignore[attr-defined]


def _slim(tree: object) -> dict[str, object]:
    return {key: value for key, value in _as_mapping(tree).items() if value not in ("", None, {}, [], ())}


def _as_mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value


def _note(value: object, path: list[str | int], known: dict[int, list[str | int]]) -> None:
    """Where each record of the inputs stands, by the identity of its object."""
    if isinstance(value, Mapping):
        if value:
            known.setdefault(id(value), path)
        for key, item in value.items():
            _note(item, [*path, key], known)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _note(item, [*path, number], known)


def _shared(value: object, known: Mapping[int, list[str | int]]) -> object:
    if isinstance(value, Mapping):
        path = known.get(id(value))
        return {"$at": path} if path else {key: _shared(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shared(item, known) for item in value]
    return value


# -- from documents ----------------------------------------------------------------------------------------------------


def from_documents(inputs: Document, decision: Document, *, request: int, release: str) -> Recording:
    """The recording of two stored documents, brought to this version step by step.

    Raises StoreError for documents that a newer program wrote, and for those that are no recording.
    """
    try:
        return _recording(inputs, decision, request=request, release=release)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise StoreError(
            f"A recorded decision cannot be read: {type(error).__name__} {error}.",
            remedy="It is damaged, or was changed by hand; a backup of the database has it as it was.",
        ) from error


def _recording(inputs: Document, decision: Document, *, request: int, release: str) -> Recording:
    told = _as_mapping(load(_upgraded(inputs, INPUT_UPGRADES)))
    made = _as_mapping(_resolved(load(_upgraded(decision, DECISION_UPGRADES)), told))
    assert isinstance(told["now"], datetime)
    return Recording(
        request=request,
        release=release,
        now=told["now"],
        facts=_as_mapping(told["facts"]),
        progress=_progress(told.get("progress") or {}),
        decision=decision_from_facts(made),
        queues=told.get("queues") or {},
    )


def _upgraded(document: Document, upgrades: Mapping[int, Callable[[Document], Document]]) -> dict[str, Any]:
    version = int(document["version"])
    if version > VERSION:
        raise StoreError(
            f"A decision was recorded by a newer Caseworker (version {version}, this one knows {VERSION}).",
            remedy="Install the newer version on this host too.",
        )
    for step in range(version, VERSION):
        document = upgrades[step](document)
    return dict(document)


def _resolved(value: object, inputs: Mapping[str, Any]) -> object:
    if isinstance(value, dict):
        if list(value) == ["$at"]:
            return _at(inputs, value["$at"])
        return {key: _resolved(item, inputs) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, inputs) for item in value]
    return value


def _at(inputs: Any, path: Sequence[str | int]) -> object:
    for step in path:
        inputs = inputs[step]
    return inputs


def _progress(told: Mapping[str, Any]) -> Progress:
    found = {
        need: Found(tuple(each.get("records") or ()), each.get("refused") or "") for need, each in told.get("found", {}).items()
    }
    return Progress(
        fired=tuple(told.get("fired") or ()),
        asked=told.get("asked") or {},
        waiting=told.get("waiting") or "",
        waiting_since=told.get("waiting_since"),
        found=found,
        confirmed=told.get("confirmed") or {},
        shown=told.get("shown") or {},
    )


def decision_from_facts(told: Mapping[str, Any]) -> Decision:
    """The decision of `decision_to_facts`, or of what the timeline keeps of one."""
    return Decision(
        procedure=told.get("procedure") or "",
        rule=told.get("rule") or "",
        moves=tuple(move_from_facts(move) for move in told.get("moves") or ()),
        trace=tuple(_trace(entry) for entry in told.get("trace") or ()),
        meanwhile=told.get("meanwhile") or "",
        missing=tuple(told.get("missing") or ()),
        identity=told.get("identity") or "not_needed",
        facts=told.get("facts") or {},
        timed_out=told.get("timed_out") or "",
        wrong=tuple(told.get("wrong") or ()),
    )


def _trace(entry: Mapping[str, Any]) -> RowTrace:
    seen = entry.get("seen") or {}
    return RowTrace(entry.get("row") or "", entry["verdict"], seen, tuple(entry.get("missing") or ()), entry.get("error") or "")
