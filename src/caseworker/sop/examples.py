"""Worked cases: `examples/*.yaml` says what is known and what has to be decided. Run without network, in milliseconds.

A file holds one example or a list of them:

    example: window closed
    sop: return                      # or an intent in facts.request
    now: 2026-11-25T10:00:00Z
    facts: {sender: {...}, request: {...}, order: {...}}
    progress: {fired: [], asked: {postcode: 1}, waiting: row, waiting_since: TIME, confirmed: {row: true}, found: {order: []}}
      # a look-up that was refused: found: {order: {refused: not_found}}; a yes to something else than now: shown: {row: other}
    expect: {rule: window_closed, moves: ["reply return_window_closed", "resolve declined"]}

Amounts are written as "10.00 EUR", times as ISO 8601, references as "system:type:id", durations as "5d"; each becomes what the
vocabulary says the fact is. A need stands under its own name, as if it had been looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from caseworker.core.refs import Ref
from caseworker.sop.cel.functions import parse_money
from caseworker.sop.cel.types import ANY, Records, Type
from caseworker.sop.checking.environment import Environment, environment
from caseworker.sop.checking.expressions import check_names
from caseworker.sop.decide import decide
from caseworker.sop.durations import parse_duration
from caseworker.sop.loading.text import Item, Problems, read_yaml
from caseworker.sop.model import (
    Act,
    Ask,
    Confirm,
    Decision,
    Escalate,
    Finding,
    Found,
    LookUp,
    Move,
    Place,
    Playbook,
    Procedure,
    Progress,
    Promise,
    Resolve,
    Row,
    Say,
    Vocabulary,
    Wait,
)
from caseworker.sop.recorded import Recording

Coverage: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What one example came to. `problem` is empty where it passed; `expected` is the row that it names, `moves` what it wants.

    `recording` holds what was given and what came out, for explaining; None where the example cannot be read.
    """

    name: str
    place: Place
    problem: str
    decision: Decision | None
    expected: str = ""
    moves: tuple[str, ...] | None = None
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """All examples of a playbook. `coverage` lists for each procedure and row the examples that fire it.

    `replies` lists for each reply that a row names the examples that say it. `unreachable` are rows, as `procedure.row`, of
    which the author says that nothing reaches them: no example can; whether it is so is for `prove` to show.
    """

    results: tuple[ExampleResult, ...]
    coverage: Coverage
    replies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreachable: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[ExampleResult, ...]:
        return tuple(result for result in self.results if result.problem)

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Rows that no example fires, as `procedure.row`."""
        return tuple(f"{sop}.{row}" for sop, rows in self.coverage.items() for row, names in rows.items() if not names)

    @property
    def never_said(self) -> tuple[str, ...]:
        """Replies that no example says."""
        return tuple(reply for reply, names in self.replies.items() if not names)


def run_examples(playbook: Playbook, vocabulary: Vocabulary, *, procedure: str = "") -> ExampleRun:
    """Runs every example of a playbook, or those of one procedure. `vocabulary` is the connected system's."""
    vocabulary = playbook.vocabulary(vocabulary)
    chosen = {n: p for n, p in playbook.procedures.items() if procedure in ("", n)}
    fired: dict[str, dict[str, list[str]]] = {
        name: {row.name: [] for row in spec.rows if not row.unreachable} for name, spec in chosen.items()
    }
    said: dict[str, list[str]] = {reply: [] for spec in chosen.values() for row in spec.rows for reply in _replies_of(row)}
    results: list[ExampleResult] = []
    types = _Types(playbook, vocabulary)
    for item, problems in _examples(playbook):
        result = _run(item, problems, types)
        decision = result.decision
        if procedure and decision is not None and decision.procedure != procedure:
            continue
        results.append(result)
        if decision and decision.rule:
            fired[decision.procedure].setdefault(decision.rule, []).append(result.name)
        for reply in _said(decision) if decision else ():
            said[reply].append(result.name)
    coverage = {sop: {row: tuple(names) for row, names in rows.items()} for sop, rows in fired.items()}
    unreachable = tuple(f"{name}.{row.name}" for name, spec in chosen.items() for row in spec.rows if row.unreachable)
    return ExampleRun(tuple(results), coverage, {reply: tuple(said[reply]) for reply in sorted(said)}, unreachable)


def run_text(text: str, playbook: Playbook, vocabulary: Vocabulary, *, file: str = "examples/new.yaml") -> ExampleResult:
    """Runs one example that stands in no playbook yet."""
    problems = Problems()
    item = read_yaml(file, text, problems)
    one = item.value[0] if isinstance(item.value, list) and item.value else item
    return _run(one, problems, _Types(playbook, playbook.vocabulary(vocabulary)))


@dataclass(frozen=True, slots=True)
class Given:
    """What one example says is known: the arguments of `decide`."""

    procedure: str
    facts: Mapping[str, object]
    now: datetime
    progress: Progress


def given_of(playbook: Playbook, vocabulary: Vocabulary) -> tuple[Given, ...]:
    """What is known in each example of a playbook. Raises ValueError for one that cannot be read."""
    types, found = _Types(playbook, playbook.vocabulary(vocabulary)), []
    for item, _ in _examples(playbook):
        procedure, facts, now, progress = _given(item.mapping(), types)
        found.append(Given(procedure.name, facts, now, progress))
    return tuple(found)


@dataclass(slots=True)
class _Types:
    """A playbook with the types of its facts, made once a procedure."""

    playbook: Playbook
    vocabulary: Vocabulary
    _made: dict[str, Environment] = field(default_factory=dict)

    def of(self, procedure: Procedure) -> Environment:
        if procedure.name not in self._made:
            env = environment(self.playbook, procedure, self.vocabulary)
            check_names(env)
            self._made[procedure.name] = env
        return self._made[procedure.name]


def _replies_of(row: Row) -> tuple[str, ...]:
    return tuple(reply for reply in (row.reply, row.meanwhile, row.confirm) if reply)


def _said(decision: Decision) -> tuple[str, ...]:
    told = [move.reply for move in decision.moves if isinstance(move, Say | Confirm)]
    acts = any(isinstance(move, Act) for move in decision.moves)
    return tuple(dict.fromkeys([*told, *([decision.meanwhile] if acts and decision.meanwhile else [])]))


def example_findings(playbook: Playbook) -> tuple[Finding, ...]:
    """What is wrong in the form of the examples; whether they come out is for `run_examples`."""
    found: list[Finding] = []
    for item, problems in _examples(playbook):
        if item.value is not None or not problems.findings:
            item.keys("sop", "now", "facts", "progress", required=("example", "expect"))
        found += [finding for finding in problems.findings if finding not in found]
    return tuple(found)


def _examples(playbook: Playbook) -> Iterator[tuple[Item, Problems]]:
    for name in sorted(playbook.files):
        if name.startswith("examples/") and name.endswith((".yaml", ".yml")):
            problems = Problems()
            item = read_yaml(name, playbook.files[name], problems)
            for entry in item.value if isinstance(item.value, list) else [item]:
                yield entry, problems


def _run(item: Item, problems: Problems, types: _Types) -> ExampleResult:
    if item.value is None and problems.findings:  # the file could not be read
        first = problems.findings[0]
        return ExampleResult(str(first.place), first.place, f"{first.message} {first.advice}", None)
    keys = item.keys("sop", "now", "facts", "progress", required=("example", "expect"))
    name = keys["example"].text() if "example" in keys else str(item.place)
    try:
        procedure, facts, now, progress = _given(keys, types)
    except ValueError as error:
        return ExampleResult(name, item.place, f"{error}.", None)
    expect = keys["expect"].keys("moves", "identity", "missing", required=("rule",)) if "expect" in keys else {}
    if problems.findings:
        return ExampleResult(name, item.place, "; ".join(f.message for f in problems.findings), None)
    playbook = types.playbook
    decision = decide(playbook, procedure.name, facts, now=now, progress=progress, vocabulary=types.vocabulary)
    expected = expect["rule"].text() if "rule" in expect else ""
    recording = Recording(1, playbook.release, now, facts, progress, decision)
    problem = "; ".join(_differences(expect, decision))
    moves = expect["moves"].texts() if "moves" in expect else None
    return ExampleResult(name, item.place, problem, decision, expected, moves, recording)


def _differences(expect: Mapping[str, Item], decision: Decision) -> Iterator[str]:
    rule = expect["rule"].text() if "rule" in expect else ""
    if decision.rule != rule:
        yield f"row {decision.rule or '(none)'} instead of {rule or '(none)'}"
    moves = tuple(brief(move) for move in decision.moves)
    if "moves" in expect and moves != expect["moves"].texts():
        yield f"moves {list(moves)} instead of {list(expect['moves'].texts())}"
    if "identity" in expect and decision.identity != expect["identity"].text():
        yield f"identity {decision.identity} instead of {expect['identity'].text()}"
    if "missing" in expect and decision.missing != expect["missing"].texts():
        yield f"missing {list(decision.missing)} instead of {list(expect['missing'].texts())}"


def brief(move: Move) -> str:
    """A move as examples write it."""
    match move:
        case LookUp(operation=operation):
            return f"look {operation}"
        case Ask(keys=keys):
            return f"ask {' '.join(keys)}"
        case Act(operation=operation, amount=amount):
            return f"do {operation}" if amount is None else f"do {operation} {amount}"
        case Say(reply=reply):
            return f"reply {reply}"
        case Confirm(reply=reply):
            return f"confirm {reply}"
        case Promise(what=what, amount=amount):
            return f"promise {what}" if amount is None else f"promise {what} {amount}"
        case Wait():
            return "wait"
        case Escalate(queue=queue, because=because):
            return f"escalate {queue} {because}"
        case Resolve(outcome=outcome):
            return f"resolve {outcome}"


# -- what is given -----------------------------------------------------------------------------------------------------


def _given(keys: Mapping[str, Item], types: _Types) -> tuple[Procedure, Mapping[str, object], datetime, Progress]:
    written = keys["facts"].mapping() if "facts" in keys else {}
    procedure = _procedure(keys, written, types.playbook)
    env = types.of(procedure)
    facts = {name: _convert(item, env.names.get(name, ANY), env.records) for name, item in written.items() if name != "now"}
    now = keys.get("now") or written.get("now")
    if now is None:
        raise ValueError("`now:` is missing; a decision needs the time")
    return procedure, facts, _time(now.text()), _progress(keys.get("progress"), env)


def _procedure(keys: Mapping[str, Item], facts: Mapping[str, Item], playbook: Playbook) -> Procedure:
    if "sop" in keys:
        procedure = playbook.procedures.get(keys["sop"].text())
    else:
        intent = facts["request"].mapping().get("intent") if "request" in facts else None
        procedure = playbook.procedure_for(intent.text()) if intent else None
    if procedure is None:
        raise ValueError("the example names no procedure; write `sop:` or an intent in facts.request")
    return procedure


def _progress(item: Item | None, env: Environment) -> Progress:
    keys = item.keys("fired", "asked", "waiting", "waiting_since", "confirmed", "shown", "found") if item else {}
    found = {}
    for need, records in keys["found"].mapping().items() if "found" in keys else ():
        kind = env.names.get(need, ANY)
        if isinstance(records.value, dict):
            found[need] = Found((), records.mapping()["refused"].text() if "refused" in records.mapping() else "not_found")
            continue
        found[need] = Found(tuple(_record(record, kind, env.records) for record in records.items()))
    return Progress(
        fired=keys["fired"].texts() if "fired" in keys else (),
        asked={key: int(count.number()) for key, count in keys["asked"].mapping().items()} if "asked" in keys else {},
        waiting=keys["waiting"].text() if "waiting" in keys else "",
        waiting_since=_time(keys["waiting_since"].text()) if "waiting_since" in keys else None,
        confirmed={row: yes.flag() for row, yes in keys["confirmed"].mapping().items()} if "confirmed" in keys else {},
        found=found,
        shown={row: what.text() for row, what in keys["shown"].mapping().items()} if "shown" in keys else {},
    )


def _record(item: Item, kind: Type, records: Records) -> Mapping[str, object]:
    value = _convert(item, kind, records)
    return value if isinstance(value, Mapping) else {}


def _convert(item: Item, kind: Type, records: Records) -> object:
    """A written value as the fact that its type says. Raises ValueError with the place."""
    if item.value is None:
        return None
    if kind.name == "optional" and kind.item:
        return _convert(item, kind.item, records)
    if kind.name == "list" and isinstance(item.value, list):
        return [_convert(entry, kind.item or ANY, records) for entry in item.value]
    if isinstance(item.value, dict):
        fields = records.get(kind.of, {}) if kind.name == "record" else {}
        return {key: _convert(entry, fields.get(key, kind.item or ANY), records) for key, entry in item.value.items()}
    if isinstance(item.value, list):
        return [_convert(entry, ANY, records) for entry in item.value]
    try:
        return _scalar(item, kind)
    except ValueError as error:
        raise ValueError(f"{item.place}: {error}") from error


def _scalar(item: Item, kind: Type) -> object:
    match kind.name:
        case "Money":
            return parse_money(item.text())
        case "time":
            return _time(item.text())
        case "duration":
            return parse_duration(item.text())
        case "Ref":
            system, _, rest = item.text().partition(":")
            type_, _, id_ = rest.partition(":")
            return Ref(system, type_, id_)
        case "string" | "enum":
            return item.text()
        case "double":
            return item.number()
    return item.value


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
