"""A recorded decision made again, by the same release or another, and what is different, in words. Pure.

The same release has to give the same decision in every part. Of another release the rule, the moves, the identity, what is
missing and the values of facts that both name are compared; that its rows have other names and conditions is no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from caseworker.core.facts import canonical
from caseworker.sop.decide import decide
from caseworker.sop.examples import brief
from caseworker.sop.explain import sentence, shown
from caseworker.sop.model import Decision, LookUp, Need, Playbook, Procedure, Progress, Vocabulary
from caseworker.sop.recorded import Recording, decision_to_facts, with_queues


@dataclass(frozen=True, slots=True)
class Replayed:
    """`decision` is None where the release has no procedure for the request. `differences` are empty where nothing differs.

    `notes` say what of the recorded progress the release does not know. `after_difference`: an earlier decision of the request
    was another one, so this one stands on a way that the release would not have gone.
    """

    recording: Recording
    decision: Decision | None
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    after_difference: bool = False

    @property
    def identical(self) -> bool:
        return not self.differences

    @property
    def rule(self) -> str:
        """The row that fires now, empty for none."""
        return self.decision.rule if self.decision else ""


def replay(
    recordings: Sequence[Recording], playbook: Playbook, vocabulary: Vocabulary, *, by: Mapping[str, Playbook]
) -> tuple[Replayed, ...]:
    """The decisions of one case made again, in their order. `by` are the releases that made them, those that are there."""
    differed: set[int] = set()
    found = []
    for recording in recordings:
        again = replay_one(recording, playbook, vocabulary, by=by.get(recording.release))
        found.append(replace(again, after_difference=recording.request in differed))
        if not again.identical:
            differed.add(recording.request)
    return tuple(found)


def replay_one(recording: Recording, playbook: Playbook, vocabulary: Vocabulary, *, by: Playbook | None = None) -> Replayed:
    """One decision made again. `by` is the release that made it, where it is there: what it asked in another way is noted."""
    procedure = procedure_of(recording, playbook)
    if procedure is None:
        return Replayed(recording, None, (f"{_row(recording.decision.rule)} -> no procedure handles {_intent(recording)!r}",))
    same = recording.release == playbook.release
    decides = with_queues(playbook, procedure.name, recording.queues) if same else playbook
    again = decide(
        decides, procedure.name, recording.facts, now=recording.now, progress=recording.progress, vocabulary=vocabulary
    )
    if same:
        return Replayed(recording, again, tuple(_in_every_part(recording.decision, again)))
    notes = tuple(_notes(recording, playbook, procedure, by))
    return Replayed(recording, again, tuple(_in_effect(recording.decision, again)), notes)


def procedure_of(recording: Recording, playbook: Playbook) -> Procedure | None:
    """The procedure that a release decides the recorded request by: that of its intent."""
    intent = _intent(recording)
    return playbook.procedure_for(intent) if intent else playbook.procedures.get(recording.decision.procedure)


def _intent(recording: Recording) -> str:
    request = recording.facts.get("request")
    return str(request.get("intent") or "") if isinstance(request, Mapping) else ""


# -- differences -------------------------------------------------------------------------------------------------------


def _in_every_part(before: Decision, after: Decision) -> Iterator[str]:
    old, new = decision_to_facts(before), decision_to_facts(after)
    if canonical(old) == canonical(new):
        return
    told = list(_in_effect(before, after))
    yield from told
    for part in sorted({*old, *new} - {"rule", "moves", "identity", "missing", "facts"}):
        if canonical(old.get(part)) != canonical(new.get(part)):
            yield _part(part, before, after) if part == "trace" else f"{part} is {new.get(part)} instead of {old.get(part)}"
    for name in sorted({*before.facts} ^ {*after.facts}):
        yield f"{name} is {'not known' if name in before.facts else 'known'} now"


def _part(_name: str, before: Decision, after: Decision) -> str:
    rows = {entry.row: entry for entry in before.trace}
    for entry in after.trace:
        old = rows.get(entry.row)
        if old is None or old.verdict != entry.verdict:
            return f"row {entry.row} is {entry.verdict} instead of {old.verdict if old else 'not there'}"
        if canonical(old) != canonical(entry):
            return f"row {entry.row} saw {_values(entry.seen)} instead of {_values(old.seen)}"
    return "the rows that were looked at are others"


def _values(seen: Mapping[str, object]) -> str:
    return ", ".join(f"{path} {shown(value)}" for path, value in seen.items()) or "nothing"


def _in_effect(before: Decision, after: Decision) -> Iterator[str]:
    """What a customer, a system or a person would notice."""
    if before.procedure != after.procedure:
        yield f"procedure {before.procedure} -> procedure {after.procedure}"
    old, new = tuple(brief(m) for m in before.moves), tuple(brief(m) for m in after.moves)
    if before.rule != after.rule or old != new:
        rows = _row(before.rule) if before.rule == after.rule else f"{_row(before.rule)} -> {_row(after.rule)}"
        moves = f": {', '.join(new)} instead of {', '.join(old)}" if old != new else ", with the same moves"
        unknown = "; what it gives was not recorded" if all(isinstance(m, LookUp) for m in after.moves) else ""
        yield f"{rows}{moves}{unknown}"
    elif canonical(before.moves) != canonical(after.moves):
        told = zip(before.moves, after.moves, strict=True)
        yield from (f"{sentence(b)} instead of {sentence(a)}" for a, b in told if canonical(a) != canonical(b))
    if before.identity != after.identity:
        yield f"identity {after.identity} instead of {before.identity}"
    if before.missing != after.missing:
        yield f"missing {', '.join(after.missing) or 'nothing'} instead of {', '.join(before.missing) or 'nothing'}"
    for name in sorted({*before.facts} & {*after.facts}):
        if canonical(before.facts[name]) != canonical(after.facts[name]):
            yield f"{name} is {shown(after.facts[name])} instead of {shown(before.facts[name])}"


def _row(name: str) -> str:
    return f"row {name}" if name else "no row"


# -- what a release does not know --------------------------------------------------------------------------------------


def _notes(recording: Recording, playbook: Playbook, procedure: Procedure, by: Playbook | None) -> Iterator[str]:
    """Rows, questions and needs of the recorded progress that mean nothing to the release, or something else."""
    progress = recording.progress
    rows = {row.name for row in procedure.rows}
    for name in (name for name in _rows_of(progress) if name not in rows):
        yield f"row {name}, of which the recording speaks, is not in this release"
    for key in (key for key in progress.asked if key not in playbook.questions):
        yield f"question {key}, which was asked, is not in this release"
    needs = {need.name: need for need in procedure.needs}
    old = by.procedures.get(recording.decision.procedure) if by else None
    before = {need.name: need for need in old.needs} if old else {}
    for name in progress.found:
        need = needs.get(name)
        if need is None:
            yield f"need {name}, which was looked up, is not in this release"
        elif name in before and _asks(need) != _asks(before[name]):
            yield f"need {name} is looked up in another way in this release; what was found then is used"


def _rows_of(progress: Progress) -> tuple[str, ...]:
    waiting = (progress.waiting,) if progress.waiting else ()
    return tuple(dict.fromkeys((*progress.fired, *waiting, *progress.confirmed)))


def _asks(need: Need) -> tuple[object, ...]:
    return need.find, need.look, dict(need.arguments)
