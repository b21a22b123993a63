"""Decisions of a case in words: from their recordings, or from what the timeline keeps where there is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from caseworker.app.managers import CaseFile
from caseworker.app.words import Line, mapping
from caseworker.cases.release import Release
from caseworker.core.facts import load
from caseworker.sop.explain import (
    RowWhy,
    Told,
    explain,
    explain_recording,
    explain_row,
    how_identified,
    row_lines,
    sentence,
    shown,
)
from caseworker.sop.load import short
from caseworker.sop.model import Decision, Playbook, RowTrace, Vocabulary
from caseworker.sop.recorded import Recording, decision_from_facts

__all__ = [
    "DecisionAt",
    "DecisionTold",
    "Recorded",
    "RowTold",
    "Told",
    "decisions_of",
    "recorded_of",
    "tell_decision",
    "why_not",
]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded decision. `number` counts those of the case from 1; `release` is None where it is not there any more."""

    number: int
    recording: Recording
    release: Release | None


@dataclass(frozen=True, slots=True)
class RowTold:
    """One row of the decision table as it was looked at: its condition, the verdict, and why.

    `because` are the parts of the condition that decided, from the recorded facts; without a recording it is empty, and `seen`
    are the values that the condition saw.
    """

    name: str
    verdict: str
    condition: str
    seen: tuple[Line, ...]
    note: str = ""
    because: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionTold:
    """One decision. `lines` are the explanation in sentences, `moves` what was to happen.

    `number` is its place in the case, 0 where it was not recorded.
    """

    request: int
    procedure: str
    title: str
    rule: str
    identity: str
    moves: tuple[str, ...]
    missing: tuple[str, ...]
    rows: tuple[RowTold, ...]
    lines: tuple[str, ...]
    number: int = 0


@dataclass(frozen=True, slots=True)
class DecisionAt:
    """A decision and when it was made (UTC). `is_quiet`: it only went on waiting, so the timeline does not name it."""

    at: datetime
    decision: DecisionTold
    is_quiet: bool = False


def recorded_of(data: Mapping[str, Any], recorded: Sequence[Recorded]) -> Recorded | None:
    """The recording that a `decided` entry of the timeline names."""
    named = mapping(data.get("recorded"))
    key = str(named.get("event")), named.get("number")
    return next((each for each in recorded if (str(each.recording.seq), each.recording.number) == key), None)


def tell_decision(data: Mapping[str, Any], playbook: Playbook | None, recorded: Recorded | None) -> DecisionTold:
    """A `decided` entry in words. `playbook` is the case's release, for entries that were not recorded."""
    if recorded is not None:
        return _from_recording(recorded)
    return _from_trace(decision_from_facts(data), int(data.get("request") or 0), playbook)


def decisions_of(file: CaseFile, playbook: Playbook | None, recorded: Sequence[Recorded]) -> tuple[DecisionAt, ...]:
    """Every decision of a case in order, also those that only went on waiting."""
    entries = [(line.at, mapping(load(line.data))) for line in file.timeline if line.kind == "decided"]
    found = [DecisionAt(at, tell_decision(data, playbook, None)) for at, data in entries if not recorded_of(data, recorded)]
    told = {id(each) for _, data in entries if (each := recorded_of(data, recorded))}
    found += [DecisionAt(each.recording.now, _from_recording(each), id(each) not in told) for each in recorded]
    return tuple(sorted(found, key=lambda each: (each.at, each.decision.number)))


def why_not(recorded: Sequence[Recorded], row: str) -> Iterator[tuple[Recorded, RowWhy]]:
    """What each decision says of one row; decisions by procedures without such a row are left out."""
    for each in recorded:
        if each.release is not None and each.recording.decision.procedure in each.release.playbook.procedures:
            why = explain_row(each.recording, each.release.playbook, each.release.vocabulary, row)
            if why is not None:
                yield each, why


def _from_recording(recorded: Recorded) -> DecisionTold:
    recording, release = recorded.recording, recorded.release
    decision = recording.decision
    if release is None or decision.procedure not in release.playbook.procedures:
        return _from_trace(decision, recording.request, None, number=recorded.number)
    playbook, vocabulary = release.playbook, release.vocabulary
    rows = explain_recording(recording, playbook, vocabulary)
    told = _from_trace(decision, recording.request, playbook, number=recorded.number)
    why = {row.row: row.because for row in rows}
    return replace(
        told,
        rows=tuple(replace(row, because=why.get(row.name, ())) for row in told.rows),
        lines=tuple(_lines(recording, rows, playbook, vocabulary)),
    )


def _lines(recording: Recording, rows: Sequence[RowWhy], playbook: Playbook, vocabulary: Vocabulary) -> Iterator[str]:
    decision = recording.decision
    title = playbook.procedures[decision.procedure].title
    yield f"{title} (procedure {decision.procedure}, release {short(playbook.release)})"
    yield how_identified(recording, playbook, vocabulary)
    for row in rows:
        yield from row_lines(row)
    if decision.timed_out:
        yield f"The wait of row {decision.timed_out} ended without what it waited for."
    if decision.missing:
        yield f"Not known yet: {', '.join(decision.missing)}."
    for move in decision.moves:
        yield f"Now: {sentence(move)}"


def _from_trace(decision: Decision, request: int, playbook: Playbook | None, *, number: int = 0) -> DecisionTold:
    procedure = playbook.procedures.get(decision.procedure) if playbook else None
    conditions = {row.name: " ".join(row.when.split()) or "otherwise" for row in procedure.rows} if procedure else {}
    return DecisionTold(
        request=request,
        procedure=decision.procedure,
        title=procedure.title if procedure else decision.procedure,
        rule=decision.rule,
        identity=decision.identity,
        moves=tuple(sentence(move) for move in decision.moves),
        missing=decision.missing,
        rows=tuple(_row(entry, conditions) for entry in decision.trace if entry.verdict != "not_reached"),
        lines=explain(decision, playbook) if playbook and procedure else (),
        number=number,
    )


def _row(entry: RowTrace, conditions: Mapping[str, str]) -> RowTold:
    note = entry.error or (f"missing: {', '.join(entry.missing)}" if entry.missing else "")
    seen = tuple((path, told) for path, value in entry.seen.items() if (told := shown(value)) != "a record")
    return RowTold(entry.row, entry.verdict, conditions.get(entry.row, ""), seen, note)
