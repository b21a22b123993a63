"""From a recorded decision to a worked example with stand-ins for people, numbers, texts and dates. Pure.

Only what the decision looked at is kept. What was written is run before it is handed over: it has to give the same row, moves,
identity and missing facts, and no text of the original may stand in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from caseworker.core.errors import PlaybookError
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.types import ANY
from caseworker.sop.checking.environment import Environment, environment
from caseworker.sop.checking.expressions import check_names
from caseworker.sop.decide import decide
from caseworker.sop.examples import brief, run_text
from caseworker.sop.model import Decision, Found, Need, Playbook, Procedure, Progress, Vocabulary
from caseworker.sop.originals import texts_in
from caseworker.sop.own_words import NOT_FOUND, expressions, own_words
from caseworker.sop.reads import kept, noting
from caseworker.sop.recorded import Recording
from caseworker.sop.standins import StandIns
from caseworker.sop.yaml_text import block

WEEKS = (-8, -4, 4, 8, -12, 12, -2, 2, -1, 1, 52, -52, 0)  # by how many the dates may be moved, in this order
PROVING = ("order_number", "postcode")
OTHER = "something else"  # than the acts that a yes was said to
HEAD = "# Made from a recorded decision: people, numbers, texts and dates are stand-ins.\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """The text of an example. `notes` say what could not be done as usual."""

    text: str
    procedure: str
    rule: str
    notes: tuple[str, ...] = ()


def sample_of(recording: Recording, playbook: Playbook, vocabulary: Vocabulary) -> Sample:
    """An example of a recorded decision, in the release that made it. Raises PlaybookError where none can be made."""
    procedure = playbook.procedures[recording.decision.procedure]
    needs = {need.name: need for need in procedure.needs}
    progress = recording.progress
    noted_found = {name: replace(found, records=noting(found.records)) for name, found in progress.found.items()}
    sections = {name: noting(value) for name, value in recording.facts.items() if name in ("done", "failed")}
    decision = decide(
        playbook,
        procedure.name,
        {**recording.facts, **sections},
        now=recording.now,
        progress=replace(progress, found=noted_found),
        vocabulary=vocabulary,
    )
    facts, found = _given(noted_found, needs, vocabulary)
    for name, section in sections.items():
        if pruned := kept(section, always=("status",)):
            facts[name] = pruned
    facts = {**_sections(recording, procedure), **facts}
    env = environment(playbook, procedure, vocabulary)
    check_names(env)
    return _written(recording, decision, _Parts(facts, found, env), vocabulary)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What an example is written from."""

    facts: Mapping[str, object]
    found: Mapping[str, object]
    env: Environment


def _written(recording: Recording, decision: Decision, parts: _Parts, vocabulary: Vocabulary) -> Sample:
    """The first text that comes out the same: dates moved by as many weeks as parameters and calendars allow."""
    problem, stand = "", StandIns(own_words(parts.env), _originals(recording), stayed={OTHER})
    for weeks in WEEKS:
        for shown in (False, True) if recording.progress.confirmed else (False,):
            stand.weeks = weeks
            written = _example(recording, decision, parts, stand, shown=shown)
            text = HEAD + "\n".join(block([written])) + "\n"
            result = run_text(text, parts.env.playbook, vocabulary)
            problem = problem or result.problem
            if not result.problem:
                _require_nothing_told([written["facts"], written.get("progress")], stand)
                notes = () if weeks else ("The dates are those of the case: moved by whole weeks they decide otherwise.",)
                return Sample(text, decision.procedure, decision.rule, notes)
    raise PlaybookError(
        f"No example can be made of this decision without its real values: {problem}.", remedy="Write one by hand after it."
    )


def _example(recording: Recording, decision: Decision, parts: _Parts, stand: StandIns, *, shown: bool) -> dict[str, object]:
    """The example as a tree."""
    env = parts.env
    records = [name for name in parts.facts if name not in ("sender", "request")]  # what things are is known best there
    told = {name: stand.tree(parts.facts[name], env.names.get(name, ANY), env.records, name) for name in records}
    found = {name: _found(parts.found[name], stand, env, name) for name in parts.found}
    told = {
        name: stand.tree(parts.facts[name], env.names.get(name, ANY), env.records, name) for name in ("sender", "request")
    } | told
    progress = _progress(recording.progress, stand, shown=shown) | ({"found": found} if found else {})
    what = decision.rule or "; ".join(brief(move) for move in decision.moves)
    expect: dict[str, object] = {"rule": decision.rule, "moves": [brief(move) for move in decision.moves]}
    if decision.identity != "not_needed":
        expect["identity"] = decision.identity
    if decision.missing:
        expect["missing"] = list(decision.missing)
    return {
        "example": f"{decision.procedure}, {what} (from a case)",
        "sop": decision.procedure,
        "now": stand.time(recording.now),
        "facts": told,
        **({"progress": progress} if progress else {}),
        "expect": expect,
    }


def _found(value: object, stand: StandIns, env: Environment, name: str) -> object:
    """Records of a look-up, or a refusal: with a word that the playbook or the vocabulary knows, for it may say anything."""
    kind = env.names.get(name, ANY)
    if isinstance(value, Mapping):
        return {"refused": value["refused"] if value["refused"] in stand.own.words else NOT_FOUND}
    assert isinstance(value, list)
    item = kind.item if kind.name in ("list", "optional") and kind.item else kind
    return [stand.tree(record, item, env.records, name) for record in value]


def _progress(progress: Progress, stand: StandIns, *, shown: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "fired": list(progress.fired),
        "asked": dict(progress.asked),
        "waiting": progress.waiting,
        "waiting_since": stand.time(progress.waiting_since) if progress.waiting_since else "",
        "confirmed": dict(progress.confirmed),
        "shown": dict.fromkeys(progress.confirmed, OTHER) if shown else {},
    }
    return {name: value for name, value in told.items() if value}


# -- what is kept ------------------------------------------------------------------------------------------------------


def _given(
    noted: Mapping[str, Found], needs: Mapping[str, Need], vocabulary: Vocabulary
) -> tuple[dict[str, object], dict[str, object]]:
    """Look-ups as facts under the need's name where they gave what was wanted, else as `progress.found`."""
    facts: dict[str, object] = {}
    found: dict[str, object] = {}
    for name, result in noted.items():
        need = needs.get(name)
        if need is None:
            continue
        records = [kept(record, always=("id",)) for record in result.records]
        operation = vocabulary.operations.get(need.look) if need.look else None
        if result.refused:
            found[name] = {"refused": result.refused}
        elif operation is not None and operation.returns.startswith("list["):
            facts[name] = records
        elif len(records) == 1 or (need.look and records):
            facts[name] = records[0]
        else:
            found[name] = records
    return facts, found


def _sections(recording: Recording, procedure: Procedure) -> dict[str, object]:
    """`sender`, `request` and those parts of `message`, `case` and `timed_out` that the procedure reads."""
    read = _reads(procedure)
    request = _mapping(recording.facts.get("request"))
    sender = _mapping(recording.facts.get("sender"))
    proving = (*PROVING, *procedure.proof) if procedure.verify else ()
    keys = ["intent", *(key for key in request if f"request.{key}" in read or key in proving)]
    if any(row.confidence for row in procedure.rows):
        keys.append("confidence")
    told = {key: request[key] for key in dict.fromkeys(keys) if key in request and key not in ("given", "confirmed")}
    given = [key for key in _mapping(request.get("given")) if key in proving or f"request.given.{key}" in read]
    told |= {"given": dict.fromkeys(given, True)} if given else {}
    told |= {"confirmed": request["confirmed"]} if request.get("confirmed") else {}
    locked = {"locked": True} if sender.get("locked") is True else {}
    address = {"address": sender["address"]} if sender.get("address") else {}
    found: dict[str, object] = {"sender": {**address, "verified": sender.get("verified") is True, **locked}, "request": told}
    for section in ("message", "case"):
        values = _mapping(recording.facts.get(section))
        if used := {key: value for key, value in values.items() if f"{section}.{key}" in read}:
            found[section] = used
    if over := _mapping(recording.facts.get("timed_out")):
        found["timed_out"] = dict(over)
    return found


def _reads(procedure: Procedure) -> frozenset[str]:
    """Every path of a section that an expression of the procedure names, and the answers to its questions."""
    found = {f"request.{need.ask}" for need in procedure.needs if need.ask}
    for expr in expressions(procedure):
        for path in paths(expr):
            parts = path.split(".")
            found |= {".".join(parts[:2]), ".".join(parts[:3])}
    return frozenset(found)


# -- what must not be told ---------------------------------------------------------------------------------------------


def _originals(recording: Recording) -> frozenset[str]:
    """Every text of the recorded inputs, with keys, references, and numbers that are no quantities."""
    progress = recording.progress
    found = [(each.records, each.refused) for each in progress.found.values()]
    inputs = [recording.facts, found, progress.asked, progress.shown]
    return frozenset(text for value in inputs for text in texts_in(value) if text)


def _require_nothing_told(given: list[object], stand: StandIns) -> None:
    """The last look, whatever went wrong before it, at every text and key. What is expected is made of the playbook's names.

    Raises PlaybookError.
    """
    if any(map(stand.told_by, texts_in(given))):
        raise PlaybookError(
            "The example would hold a text of the case itself.", remedy="Write one by hand after what `explain` shows."
        )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
