"""A brief: what a person has to see to go on with a case, in the order in which it is read.

What the customer asked, in his own words; what was found; what was checked; which rule decided and why; what was done and
refused; what is proposed. Built from plain data; nothing here looks anything up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.model import Act, Confirm, Decision, Escalate, Move, Promise, Resolve, RowTrace, Say

_LONGEST = 200  # characters of one shown value
_RECORD_NAMES = ("number", "title", "name", "tracking_number", "method", "id")  # what a record is called by, best first


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `quote` are the words it was read from, `confidence` is the reader's (0 to 1), `answers` by question."""

    intent: str
    description: str
    quote: str = ""
    confidence: float = 1.0
    answers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A label and a value, both as shown."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One row of the procedure that was looked at: what it saw, and whether it held."""

    rule: str
    verdict: str
    seen: tuple[Line, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything gathered for a person. `why` explains `because` in words; `missing` are facts that nobody could supply."""

    title: str
    asked: tuple[Asked, ...]
    found: tuple[Line, ...]
    checked: tuple[Checked, ...]
    rule: str
    because: str
    why: str
    done: tuple[Line, ...]
    refused: tuple[Line, ...]
    proposed: tuple[str, ...]
    identity: str
    missing: tuple[str, ...] = ()


def write_brief(
    decision: Decision,
    *,
    title: str,
    asked: Sequence[Asked],
    words: Mapping[str, str],
    done: Mapping[str, Mapping[str, object]] | None = None,
    failed: Mapping[str, Mapping[str, object]] | None = None,
    because: str = "",
) -> Brief:
    """The brief of one decision.

    `title` is the procedure's (or the intent's, where no procedure decided); `words` explain reasons (routing.yaml);
    `done` and `failed` are the facts of the same names. `because` is the reason where no row names one, such as
    `needs_approval`; a row's own reason goes first.
    """
    reason = next((move.because for move in decision.moves if isinstance(move, Escalate)), because)
    return Brief(
        title=title,
        asked=tuple(asked),
        found=tuple(_found(decision.facts)),
        checked=tuple(_checked(row) for row in decision.trace if row.verdict != "not_reached"),
        rule=decision.rule,
        because=reason,
        why=words.get(reason, reason.replace("_", " ")),
        done=tuple(Line(name, _receipt(receipt)) for name, receipt in (done or {}).items()),
        refused=tuple(Line(name, _refusal(refusal)) for name, refusal in (failed or {}).items()),
        proposed=tuple(text for move in decision.moves if (text := _proposal(move))),
        identity=decision.identity,
        missing=decision.missing,
    )


def shown(value: object) -> str:
    """A fact as a person reads it: amounts with their currency, times to the minute in UTC, records by their number."""
    match value:
        case bool():
            text = "yes" if value else "no"
        case None:
            text = "unknown"
        case Money() | Ref():
            text = str(value)
        case datetime():
            text = f"{value:%Y-%m-%d %H:%M} UTC"
        case Mapping():
            text = _record(value)
        case list() | tuple():
            text = ", ".join(shown(item) for item in value) or "none"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _record(value: Mapping[str, object]) -> str:
    name = next((str(value[key]) for key in _RECORD_NAMES if value.get(key)), "")
    if not name:
        return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
    state = value.get("status")
    return f"{name} ({state})" if state else name


def _found(facts: Mapping[str, object]) -> list[Line]:
    """Records show their simple fields one by one; everything else is one line."""
    lines: list[Line] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            simple = {key: item for key, item in value.items() if not isinstance(item, Mapping | list | tuple | Ref | None)}
            lines += [Line(f"{name}.{key}", shown(item)) for key, item in simple.items() if item != ""]
        else:
            lines.append(Line(name, shown(value)))
    return lines


def _checked(row: RowTrace) -> Checked:
    note = row.error or (f"not known: {', '.join(row.missing)}" if row.missing else "")
    return Checked(row.row, row.verdict, tuple(Line(path, shown(value)) for path, value in row.seen.items()), note)


def _receipt(receipt: Mapping[str, object]) -> str:
    parts = [shown(receipt.get("status"))]
    parts += [f"{key} {shown(value)}" for key, value in receipt.items() if key != "status" and value not in (None, "")]
    return ", ".join(parts)


def _refusal(refusal: Mapping[str, object]) -> str:
    code, message = refusal.get("code", "refused"), refusal.get("message", "")
    return f"{code}: {message}" if message else str(code)


def _proposal(move: Move) -> str:
    match move:
        case Act():
            amount = f" of {shown(move.amount)}" if move.amount is not None else ""
            return f"do {move.operation}{amount} with {shown(move.arguments)}"
        case Say() | Confirm():
            return f"answer with `{move.reply}`"
        case Promise():
            amount = f" of {shown(move.amount)}" if move.amount is not None else ""
            return f"promise {move.what}{amount} by {move.due:%Y-%m-%d}"
        case Resolve():
            return f"close the request as {move.outcome}"
        case _:
            return ""
