"""A decision in words that the person who wrote the procedure can follow."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.values import noted
from caseworker.sop.load import short
from caseworker.sop.model import (
    Act,
    Ask,
    Confirm,
    Decision,
    Escalate,
    LookUp,
    Move,
    Playbook,
    Promise,
    Resolve,
    Row,
    RowTrace,
    Say,
    Wait,
)

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
