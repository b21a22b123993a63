"""One case as people read it: requests on top, everything that happened in order, what waits, what was promised.

Plain frozen data with every value already in words; consoles and the command line only lay it out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from caseworker.app.decisions import DecisionTold, Recorded, recorded_of, tell_decision
from caseworker.app.items import ItemTold, tell_item
from caseworker.app.managers import CaseFile
from caseworker.app.words import Line, lines_of, mapping, sequence, words
from caseworker.core.facts import load
from caseworker.sop.explain import sentence, shown
from caseworker.sop.load import short as short_release
from caseworker.sop.model import Playbook
from caseworker.sop.recorded import move_from_facts

Tone = Literal["in", "out", "read", "decision", "done", "trouble", "people", "quiet"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. `facts` are labels and values, `more` those that few want; `text` a mail's words; times UTC."""

    at: datetime
    kind: str
    tone: Tone
    title: str
    facts: tuple[Line, ...] = ()
    text: str = ""
    decision: DecisionTold | None = None
    more: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestTold:
    """One thing the customer wants, and how far it is."""

    number: int
    intent: str
    status: str
    outcome: str
    rule: str
    queue: str
    because: str
    words: str
    confidence: float


@dataclass(frozen=True, slots=True)
class PromiseTold:
    """A commitment: what, how much, until when, and whether it was kept."""

    what: str
    amount: str
    due: datetime
    status: str
    kept_when: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one case, in words. `under_way` are effects that are not done: label and state."""

    reference: str
    number: int
    status: str
    subject: str
    sender: str
    language: str
    mailbox: str
    release: str
    queue: str
    is_history: bool
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    verified_at: datetime | None
    requests: tuple[RequestTold, ...]
    moments: tuple[Moment, ...]
    items: tuple[ItemTold, ...]
    promises: tuple[PromiseTold, ...]
    under_way: tuple[Line, ...]


def tell(file: CaseFile, playbook: Playbook | None, recorded: Sequence[Recorded] = ()) -> Story:
    """The story of a case file. `playbook` is the case's pinned release; None where it is not there any more.

    `recorded` are the case's decisions with their inputs: with them it is said why each row did not fire.
    """
    row, state = file.case, mapping(load(file.case.state))
    open_effects = [e for e in file.effects if e.status not in ("done", "refused", "cancelled")]
    return Story(
        reference=file.reference,
        number=row.number,
        status=row.status,
        subject=row.subject,
        sender=row.sender,
        language=row.language,
        mailbox=row.mailbox,
        release=row.release,
        queue=row.queue,
        is_history=bool(state.get("history")),
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        verified_at=row.verified_at,
        requests=tuple(_request(mapping(r)) for r in sequence(state.get("requests"))),
        moments=tuple(_moments(file, playbook, recorded)),
        items=tuple(tell_item(item) for item in file.items),
        promises=tuple(_promise(p) for p in file.promises),
        under_way=tuple((e.operation or e.kind, e.status) for e in open_effects),
    )


# -- the timeline ------------------------------------------------------------------------------------------------------


def _moments(file: CaseFile, playbook: Playbook | None, recorded: Sequence[Recorded]) -> list[Moment]:
    mails = {m.id: m for m in file.messages}
    sent = {m.message_id: m for m in file.messages if m.direction == "out"}
    outgoing = [m for m in file.messages if m.direction == "out"]
    moments: list[Moment] = []
    for line in file.timeline:
        data = mapping(load(line.data))
        if line.kind == "mail":
            moments.append(_mail_in(line.at, data, mails.get(data.get("message"))))
        elif line.kind == "sent":
            moments.append(_mail_out(line.at, data, _which(data, sent, outgoing)))
        elif line.kind == "decided":
            moments.append(_decided(line.at, data, tell_decision(data, playbook, recorded_of(data, recorded))))
        else:
            moments.append(_TOLD.get(line.kind, _anything)(line.at, line.kind, data))
    return moments


def _which(data: Mapping[str, Any], sent: Mapping[str, Any], outgoing: list[Any]) -> Any:
    """The mail of a `sent` line: by its Message-ID where the receipt has it, else the next one in order."""
    named = sent.get(str(mapping(data.get("receipt") or {}).get("message_id") or ""))
    if named is None:
        return outgoing.pop(0) if outgoing else None
    if named in outgoing:
        outgoing.remove(named)
    return named


def _mail_in(at: datetime, data: Mapping[str, Any], mail: Any) -> Moment:
    trust = {"verified": "sender verified", "failed": "sender NOT who he says"}.get(
        str(data.get("trust")), "sender not verified"
    )
    facts = [("subject", mail.subject), *_if("raw mail", str(mail.raw or ""))] if mail else []
    return Moment(at, "mail", "in", f"Mail from {data.get('from')}", (("trust", trust), *facts), mail.text if mail else "")


def _mail_out(at: datetime, data: Mapping[str, Any], mail: Any) -> Moment:
    facts = [("subject", mail.subject)] if mail else []
    replies = ", ".join(str(r) for r in sequence(data.get("replies")))
    return Moment(
        at, "sent", "out", f"Reply to {data.get('to')}", (*facts, *_if("words from", replies)), mail.text if mail else ""
    )


def _decided(at: datetime, data: Mapping[str, Any], told: DecisionTold) -> Moment:
    title = (
        f"Decided by {told.procedure} \u203a {told.rule}"
        if told.rule
        else f"{told.title}: {'; '.join(told.moves) or 'nothing'}"
    )
    facts = (("identity", words(told.identity)), *_if("not known yet", ", ".join(told.missing)))
    facts += tuple(_if("release", short_release(str(data.get("release") or ""))))
    return Moment(at, "decided", "decision", title, facts, decision=told)


def _read(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    requests = [mapping(r) for r in sequence(data.get("requests"))]
    asked = ", ".join(f"{words(r.get('intent'))} ({float(r.get('confidence') or 0):.0%})" for r in requests)
    quiet = "nothing is asked" if not data.get("abstained") else f"not understood for sure ({words(data['abstained'])})"
    facts: list[Line] = [("language", str(data.get("language")))]
    facts += [(words(r.get("intent")), f"“{r['evidence']}”") for r in requests if r.get("evidence")]
    for fields in (data.get("fields"), *(r.get("fields") for r in requests)):
        facts += [_field(key, mapping(f)) for key, f in mapping(fields or {}).items()]
    facts += _if("risks", ", ".join(words(r) for r in sequence(data.get("risks"))))
    facts += [("reader", str(data.get("reader")))]
    return Moment(at, kind, "read", f"Read: {asked or quiet}", tuple(dict.fromkeys(facts)))


def _field(key: str, field: Mapping[str, Any]) -> Line:
    how = f"“{field['evidence']}”" if field.get("evidence") else words(field.get("derived"))
    return words(key), f"{shown(field.get('value'))}, {float(field.get('confidence') or 0):.0%}{', ' + how if how else ''}"


def _looked_up(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    found = ", ".join(str(f) for f in sequence(data.get("found")) if f) or str(len(sequence(data.get("found"))))
    result = f"refused: {words(data['refused'])}" if data.get("refused") else found
    facts = [*lines_of(data.get("arguments")), ("found", result)]
    return Moment(at, kind, "quiet", f"Looked up {data.get('need')} by {data.get('operation')}", tuple(facts))


def _would(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    moves = "; ".join(sentence(move_from_facts(mapping(m))) for m in sequence(data.get("moves")))
    return Moment(at, kind, "decision", f"Would have (row {data.get('rule') or 'none'}): {moves}")


def _effect(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    status = str(data.get("status"))
    tone: Tone = "done" if status == "done" else "trouble"
    receipt = mapping(data.get("receipt"))
    plain = {key: value for key, value in receipt.items() if not isinstance(value, Mapping | list)}
    states = {key: value for key, value in receipt.items() if key not in plain}
    facts = (*lines_of(plain), *lines_of(data.get("error")))
    title = f"{data.get('operation') or 'send'}: {words(status)}"
    return Moment(at, kind, tone, title, facts, more=tuple(lines_of(states)))


def _person(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    who = data.get("by") or "somebody"
    return Moment(
        at, kind, "people", f"{who} decided: {words(data.get('decision'))}", tuple(_if("note", str(data.get("note") or "")))
    )


def _told(tone: Tone, pattern: str) -> Callable[[datetime, str, Mapping[str, Any]], Moment]:
    """A line whose title is one sentence; values are put into it as words."""

    def make(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
        return Moment(at, kind, tone, pattern.format_map(_Words(data)))

    return make


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""

    def __getitem__(self, key: str) -> str:
        value = super().get(key, "")
        return ", ".join(words(v) for v in value) if isinstance(value, list) else words(value)


def _closed(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    outcomes = mapping(data.get("outcomes") or {}).values()
    return Moment(at, kind, "done", f"Closed: {', '.join(words(o) for o in outcomes) or 'nothing was asked'}")


def _release_changed(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    before, after = (short_release(str(data.get(key) or "")) for key in ("before", "after"))
    title = f"Decided by release {after} from now on, no more by {before}"
    return Moment(at, kind, "people", title, (*_if("by", str(data.get("by") or "")), ("why", words(data.get("because")))))


def _not_verified(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    missing = [mapping(m) for m in sequence(data.get("missing"))]
    facts = tuple((str(m.get("effect")), words(m.get("because"))) for m in missing)
    return Moment(at, kind, "trouble", "Not verified: the system of record does not confirm what was done", facts)


def _anything(at: datetime, kind: str, data: Mapping[str, Any]) -> Moment:
    return Moment(at, kind, "quiet", words(kind).capitalize(), tuple(lines_of(data)))


_TOLD: Mapping[str, Callable[[datetime, str, Mapping[str, Any]], Moment]] = {
    "read": _read,
    "looked_up": _looked_up,
    "would": _would,
    "effect": _effect,
    "person": _person,
    "closed": _closed,
    "release_changed": _release_changed,
    "not_verified": _not_verified,
    "not_answered": _told("quiet", "Not answered: {because}"),
    "machine_mail": _told("quiet", "Mail from a machine ({kind}): {why}"),
    "forbidden": _told("trouble", "{act} is forbidden by the guardrail {guardrail}"),
    "approval_asked": _told("people", "Approval asked for {act} in the queue {queue}: {guardrail}"),
    "handed_over": _told("people", "Handed over to people in the queue {queue}: {because}"),
    "promise_kept": _told("done", "Promise kept: {what}"),
    "promise_broken": _told("trouble", "Promise not kept: {what}"),
    "promise_unclear": _told("trouble", "Promise cannot be checked: {what}. {error}"),
    "gave_up": _told("quiet", "Gave up waiting for an answer about {asked}"),
    "verified": _told("done", "Verified in the system of record ({receipts} receipts)"),
}


# -- parts -------------------------------------------------------------------------------------------------------------


def _request(r: Mapping[str, Any]) -> RequestTold:
    return RequestTold(
        number=int(r["number"]),
        intent=str(r["intent"]),
        status=str(r.get("status") or ""),
        outcome=str(r.get("outcome") or ""),
        rule=str(r.get("rule") or ""),
        queue=str(r.get("queue") or ""),
        because=str(r.get("because") or ""),
        words=str(r.get("words") or ""),
        confidence=float(r.get("confidence") or 0),
    )


def _promise(row: Any) -> PromiseTold:
    amount = load(row.amount)
    return PromiseTold(row.what, shown(amount) if amount else "", row.due, row.status, row.kept_when)


def _if(label: str, value: str) -> list[Line]:
    return [(label, value)] if value else []
