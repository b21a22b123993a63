"""Queue items as people read them: what was asked, what was found, what was checked, what is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseworker.app.people import DECISIONS
from caseworker.app.words import Line, lines_of, mapping, sequence, words
from caseworker.core.facts import load

_TOLD_APART = frozenset(
    ("case", "subject", "title", "why", "because", "asked", "found", "checked", "done", "refused", "proposed", "approve")
)


@dataclass(frozen=True, slots=True)
class ItemTold:
    """One queue item. `subject` and `wants` say in a line what it is about, `why` what `because` means.

    `brief` are labels and values in reading order; `allowed` the decisions that fit it; `decision` is empty while it waits.
    """

    id: int
    case: int
    kind: str
    request: int
    queue: str
    because: str
    name: str
    created_at: datetime
    subject: str
    wants: str
    why: str
    brief: tuple[Line, ...]
    allowed: tuple[str, ...]
    decision: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""


def tell_item(item: Any) -> ItemTold:
    """One queue item in words."""
    brief = mapping(load(item.brief))
    return ItemTold(
        id=item.id,
        case=item.case,
        kind=item.kind,
        request=item.request,
        queue=item.queue,
        because=item.because,
        name=item.name,
        created_at=item.created_at,
        subject=str(brief.get("subject") or ""),
        wants=", ".join(words(asked.get("intent")) for asked in _asked(brief)),
        why=str(brief.get("why") or ""),
        brief=tuple(_brief_lines(brief)),
        allowed=() if item.decided_at else DECISIONS.get(item.kind, ()),
        decision=item.decision,
        decided_by=item.decided_by,
        decided_at=item.decided_at,
        note=item.note,
    )


def _brief_lines(brief: Mapping[str, Any]) -> list[Line]:
    """A brief from top to bottom; what is not known here comes last, as it is."""
    lines: list[Line] = []
    for asked in _asked(brief):
        lines.append(("wants", f"{words(asked.get('intent'))} “{asked.get('quote') or asked.get('words') or ''}”"))
        lines += [(words(key), value) for key, value in lines_of(asked.get("answers"))]
    lines += lines_of(brief.get("approve"), prefix="to approve")
    lines += [("proposed", str(text)) for text in sequence(brief.get("proposed"))]
    lines += [(line["label"], line["value"]) for line in _lines(brief.get("found"))]
    lines += [(f"row {row.get('rule')}", _checked(row)) for row in map(mapping, sequence(brief.get("checked")))]
    lines += [(f"{key}: {line['label']}", line["value"]) for key in ("done", "refused") for line in _lines(brief.get(key))]
    rest = {key: value for key, value in brief.items() if key not in _TOLD_APART}
    return [*lines, *lines_of(rest)]


def _asked(brief: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(asked) for asked in sequence(brief.get("asked"))]


def _lines(value: object) -> Sequence[Mapping[str, str]]:
    return [line for line in sequence(value) if isinstance(line, Mapping) and "label" in line and "value" in line]


def _checked(row: Mapping[str, Any]) -> str:
    seen = "; ".join(f"{line['label']} is {line['value']}" for line in _lines(row.get("seen")))
    note = str(row.get("note") or "")
    return f"{words(row.get('verdict'))}{f' ({seen})' if seen else ''}{f', {note}' if note else ''}"
