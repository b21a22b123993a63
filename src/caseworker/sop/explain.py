"""A decision in words that the person who wrote the procedure can follow.

`explain_recording` has the facts and says of each row which part of its condition decided; `explain` has the stored trace alone
and shows conditions with the values they saw.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop import parameters
from caseworker.sop.cel.values import Fault, Unknown, noted
from caseworker.sop.cel.why import Reason, Why
from caseworker.sop.load import short
from caseworker.sop.model import (
    Act,
    Ask,
    Confirm,
    Decision,
    Escalate,
    LookUp,
    Move,
    ParameterValue,
    Playbook,
    Procedure,
    Promise,
    Resolve,
    Row,
    RowTrace,
    Say,
    Vocabulary,
    Wait,
)
from caseworker.sop.needs import Needs
from caseworker.sop.recorded import Recording
from caseworker.sop.scope import Scope, build

LONGEST = 120  # characters of a part that are shown
_IDENTITY = {
    "not_needed": "Nobody has to prove who he is.",
    "verified": "The sender is the owner.",
    "unverified": "It is not proven yet that the sender is the owner; nothing is told or done.",
    "refused": "The sender could not prove to be the owner.",
}


def explain(decision: Decision, playbook: Playbook) -> tuple[str, ...]:
    """Lines of plain text: what was decided by which release, why each row above did not fire, and what happens now."""
    procedure = playbook.procedures[decision.procedure]
    rows = {row.name: row for row in procedure.rows}
    lines = [f"{procedure.title} (procedure {procedure.name}, release {short(playbook.release)})", _IDENTITY[decision.identity]]
    for entry in decision.trace:
        lines += _row(entry, rows.get(entry.row))
    if decision.timed_out:
        lines.append(f"The wait of row {decision.timed_out} ended without what it waited for.")
    if decision.missing:
        lines.append(f"Not known yet: {', '.join(decision.missing)}.")
    lines += [f"Now: {sentence(move)}" for move in decision.moves]
    return tuple(lines)


def _row(entry: RowTrace, row: Row | None) -> Iterator[str]:
    condition = " ".join(row.when.split()) if row and row.when else "otherwise"
    seen = "; ".join(f"{path} is {shown(value)}" for path, value in entry.seen.items())
    because = f" ({seen})" if seen else ""
    match entry.verdict:
        case "fired":
            yield f"Row {entry.row} fires: {condition}{because}"
        case "false":
            yield f"Row {entry.row} does not hold: {condition}{because}"
        case "unknown":
            yield f"Row {entry.row} cannot be decided yet, {', '.join(entry.missing)} is missing: {condition}{because}"
        case "already_fired":
            yield f"Row {entry.row} has fired before."
        case "error":
            name = f"Row {entry.row}" if entry.row else "The procedure"
            yield f"{name} cannot be computed: {entry.error}{because}"


def sentence(move: Move) -> str:
    """One move in words."""
    match move:
        case LookUp():
            given = ", ".join(f"{name} {shown(value)}" for name, value in move.arguments.items())
            return f"look up {move.need} by {move.operation} ({given})."
        case Ask():
            again = f" (no match for {', '.join(move.not_found)})" if move.not_found else ""
            return f"ask the customer for {', '.join(move.keys)}{again}."
        case Act():
            given = ", ".join(f"{name} {shown(value)}" for name, value in move.arguments.items())
            amount = f", moves {move.amount}" if move.amount is not None else ""
            return f"do {move.operation} ({given}){amount}."
        case Say():
            return f"answer with {move.reply}."
        case Confirm():
            return f"ask for the customer's yes with {move.reply}."
        case Promise():
            amount = f" of {shown(move.amount)}" if move.amount is not None else ""
            return f"promise {move.what}{amount} by {shown(move.due)}; kept when {' '.join(move.kept_when.split())}."
        case Wait():
            return f"wait until {shown(move.deadline)} at most; next look {shown(move.next_look)}."
        case Escalate():
            return f"hand over to people in {move.queue}: {move.because}."
        case Resolve():
            return f"the request ends: {move.outcome}."


def shown(value: object) -> str:
    """A fact as people read it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Money() | Ref():
            return str(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M UTC")
        case timedelta():
            return f"{value.days} days" if value.days and not value.seconds else str(value)
        case Mapping():
            return str(noted(value))
        case list() | tuple():
            return f"[{', '.join(shown(item) for item in value[:6])}{', ...' if len(value) > 6 else ''}]"
    return str(value)


# -- why: from the recorded facts --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, and the sentences that it rests on."""

    says: str
    because: tuple["Told", ...] = ()


@dataclass(frozen=True, slots=True)
class RowWhy:
    """A row as it was looked at. `because` are the parts of its condition that decided."""

    row: str
    verdict: str
    condition: str
    because: tuple[Told, ...]


def explain_recording(recording: Recording, playbook: Playbook, vocabulary: Vocabulary) -> tuple[RowWhy, ...]:
    """Why each row that was looked at did or did not fire, in their order. `playbook` is the release that decided."""
    why, rows = _reader(recording, playbook, vocabulary)
    looked_at = [entry for entry in recording.decision.trace if entry.verdict != "not_reached"]
    return tuple(_why_row(entry, rows.get(entry.row), why, recording) for entry in looked_at)


def explain_row(recording: Recording, playbook: Playbook, vocabulary: Vocabulary, name: str) -> RowWhy | None:
    """Why one row did or did not fire, also one that was not reached; None for a row that the procedure does not have."""
    why, rows = _reader(recording, playbook, vocabulary)
    entry = next((entry for entry in recording.decision.trace if entry.row == name), None)
    row = rows.get(name)
    return None if row is None else _why_row(entry or RowTrace(name, "not_reached", {}), row, why, recording)


def told_lines(told: Sequence[Told], *, indent: str = "    ") -> Iterator[str]:
    """Sentences with what they rest on: on the same line where that is short, else below."""
    for each in told:
        chains = [_beside(part) for part in each.because]
        fits = all(chains) and len("; ".join(chains)) <= LONGEST
        beside = chains if fits else [part.says for part in each.because if not part.because]
        yield f"{each.says}{': ' if beside else ''}{'; '.join(beside)}"
        below = [] if fits else [part for part in each.because if part.because]
        yield from (f"{indent}{line}" for line in told_lines(below, indent=indent))


def row_lines(row: RowWhy) -> Iterator[str]:
    """A row in plain text: its verdict, and why."""
    heads = {
        "fired": f"Row {row.row} fires",
        "false": f"Row {row.row} does not hold",
        "unknown": f"Row {row.row} cannot be decided yet",
        "already_fired": f"Row {row.row} has fired before",
        "not_reached": f"Row {row.row} was not reached",
        "error": f"Row {row.row} cannot be computed" if row.row else "The procedure cannot be computed",
    }
    head, lines = heads[row.verdict], list(told_lines(row.because))
    if row.verdict == "not_reached" and lines:
        head += ", for itself"
    if len(lines) == 1 and len(lines[0]) <= LONGEST:
        yield f"{head}: {lines[0]}"
        return
    bare = f": {row.condition}" if not lines and row.verdict == "fired" and row.condition else ""
    yield f"{head}{':' if lines else bare or '.'}"
    yield from (f"    {line}" for line in lines)


def _beside(told: Told) -> str:
    """A sentence and all that it rests on where that is one short chain, else an empty text."""
    if not told.because:
        return told.says
    rest = _beside(told.because[0]) if len(told.because) == 1 else ""
    chain = f"{told.says}: {rest}"
    return chain if rest and len(chain) <= LONGEST else ""


def how_identified(recording: Recording, playbook: Playbook, vocabulary: Vocabulary) -> str:
    """What proves that the sender is the owner, or why it is not proven."""
    procedure, identity = playbook.procedures[recording.decision.procedure], recording.decision.identity
    words = _IDENTITY[identity]
    if identity == "not_needed" or not procedure.verify:
        return words
    scope = _reader(recording, playbook, vocabulary)[0].scope
    sender, record = recording.facts.get("sender"), scope.get(procedure.verify)
    sender = sender if isinstance(sender, Mapping) else {}
    address, owner = (str(each.get(key) or "") for each, key in ((sender, "address"), (_record(record), "email")))
    same = bool(owner) and address.strip().casefold() == owner.strip().casefold()
    verified = sender.get("verified") is True
    if identity == "verified":
        own = f"{address} is verified and the address of {procedure.verify}"
        return f"{words[:-1]}: {own if same and verified else 'order number and postcode are right'}."
    if not verified:
        return f"{words[:-1]}: nobody verified that the mail comes from {address}."
    return words if same or not owner else f"{words[:-1]}: {address} is not the address of {procedure.verify}."


def _record(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _reader(recording: Recording, playbook: Playbook, vocabulary: Vocabulary) -> tuple[Why, Mapping[str, Row]]:
    procedure = playbook.procedures[recording.decision.procedure]
    scope = build(
        playbook,
        procedure,
        recording.facts,
        now=recording.now,
        needs=Needs(procedure, recording.progress, vocabulary).resolvers(),
        timed_out=recording.decision.timed_out,
    )
    return Why(scope, _Origins(playbook, procedure, scope, recording.now)), {row.name: row for row in procedure.rows}


def _why_row(entry: RowTrace, row: Row | None, why: Why, recording: Recording) -> RowWhy:
    condition = " ".join(row.when.split()) if row and row.when else "otherwise"
    if row is None or entry.verdict == "already_fired":
        return RowWhy(entry.row, entry.verdict, condition if row else "", (Told(entry.error),) if entry.error else ())
    told = [_told(reason) for reason in (why.condition(row.when) if row.when else ())]
    told = [*_beside_the_condition(row, recording), *told]
    if entry.error and not any(entry.error in each.says for each in told):
        told.append(Told(entry.error))
    return RowWhy(entry.row, entry.verdict, condition, tuple(told))


def _beside_the_condition(row: Row, recording: Recording) -> Iterator[Told]:
    """What else keeps a row from firing: a no of the customer, too little confidence."""
    if row.confirm and recording.progress.confirmed.get(row.name) is False:
        yield Told("the customer said no to it")
    request = recording.facts.get("request")
    confidence = request.get("confidence") if isinstance(request, Mapping) else None
    if row.confidence and isinstance(confidence, int | float) and confidence < row.confidence:
        yield Told(f"the intent is sure to {confidence:.0%}, the row wants {row.confidence:.0%}")


def _told(reason: Reason) -> Told:
    item = f"{reason.item}: " if reason.item else ""
    note = f" ({reason.note})" if reason.note else ""
    return Told(f"{item}{_says(reason)}{note}", tuple(_told(part) for part in reason.because))


def _says(reason: Reason) -> str:
    text = reason.text if len(reason.text) <= LONGEST else f"{reason.text[: LONGEST - 3]}..."
    match reason.value:
        case Unknown(paths=missing):
            told = reason.because or missing == {text}
            return f"{text} is not known" + ("" if told else f", {', '.join(sorted(missing))} is missing")
        case Fault(message=message):
            return f"{text} cannot be computed: {message}"
        case bool() as value:
            if reason.presence:
                return f"{text} is {'' if value else 'not '}there"
            return f"{text} is {'true' if value else 'false'}"
    return f"{text} is {shown(noted(reason.value))}"


class _Origins:
    """Where names of a procedure come from."""

    def __init__(self, playbook: Playbook, procedure: Procedure, scope: Scope, now: datetime) -> None:
        self._playbook, self._procedure, self._scope, self._now = playbook, procedure, scope, now
        self._needs = {need.name: need for need in procedure.needs}

    def definition(self, name: str) -> str:
        return self._procedure.facts.get(name, "")

    def note(self, path: str) -> str:
        head, _, rest = path.partition(".")
        if head == "param" and rest in self._playbook.parameters:
            return self._of_parameter(rest)
        need = self._needs.get(path)
        return f"from {need.take}" if need is not None and need.take else ""

    def _of_parameter(self, name: str) -> str:
        parameter = self._playbook.parameters[name]
        country, brand = self._scope.country(), self._scope.brand(self._playbook.worker.brand)
        row = parameters.row_of(parameter, country=str(country), brand=str(brand), on=self._now.date())
        return _circumstances(row) if row else ""


def _circumstances(row: ParameterValue) -> str:
    """When a row of parameters.yaml holds, and where it stands."""
    parts = [f"country {row.country}" if row.country else "", f"brand {row.brand}" if row.brand else ""]
    parts += [f"season {row.season.name}" if row.season else ""]
    parts += [f"from {row.valid_from}" if row.valid_from else "", f"to {row.valid_to}" if row.valid_to else ""]
    told = " ".join(part for part in parts if part)
    return ", ".join(part for part in (told, str(row.place) if row.place.line else "") if part)
