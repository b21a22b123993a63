"""One call of `advance`: what it is given, what it gathers, and the small steps that every part of the machine takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from caseworker.cases import letters
from caseworker.cases.model import (
    BY_A_PERSON,
    ActState,
    Case,
    CaseLookUp,
    Entry,
    NewEvent,
    PlannedEffect,
    PromiseMade,
    QueueItem,
    RequestState,
    WrongProof,
)
from caseworker.cases.release import Release
from caseworker.guard.model import Moved, Totals
from caseworker.sop.cel.functions import business_days
from caseworker.sop.identity import naming_key
from caseworker.sop.model import Decision, Found, Promise
from caseworker.sop.recorded import Recording, move_to_facts

BUSINESS_DAY = 8 * 60  # minutes of work in a day, for service levels


@dataclass(slots=True)
class Turn:
    """What one call of `advance` gathers; filled by the functions below, read once at the end."""

    release: Release
    found: Mapping[tuple[int, str], Found]
    totals: Moved
    now: datetime
    event: str
    locked: bool = False
    planned: dict[tuple[str, str], Totals] = field(default_factory=dict)
    wrong_proofs: list[WrongProof] = field(default_factory=list)
    lookups: list[CaseLookUp] = field(default_factory=list)
    effects: list[PlannedEffect] = field(default_factory=list)
    timers: list[NewEvent] = field(default_factory=list)
    items: list[QueueItem] = field(default_factory=list)
    promises: list[PromiseMade] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    asking: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    decisions: dict[int, Decision] = field(default_factory=dict)
    recordings: list[Recording] = field(default_factory=list)


def facts_of(case: Case, r: RequestState, now: datetime, *, locked: bool = False) -> dict[str, object]:
    """The facts tree of one request, as sop.md lists it. What is not known is absent."""
    return {
        "now": now,
        "message": {
            "received_at": now,
            "language": case.language,
            "has_photo": case.photos > 0,
            "attachments": case.attachments,
        },
        "request": {
            "intent": r.intent,
            "confidence": r.confidence,
            "words": r.words,
            "again": r.round > 1,
            "given": dict.fromkeys(r.answers, True),
            "confirmed": dict(r.confirmed),
            **r.answers,
        },
        "sender": {"address": case.sender, "verified": case.sender_verified, "locked": locked},
        "done": dict(r.done),
        "failed": dict(r.failed),
        "timed_out": dict.fromkeys(r.timed_out, True),
        "case": {
            "opened_at": case.opened_at,
            "contacts": case.contacts,
            "chased": case.chased,
            "reference": letters.reference(case),
        },
    }


def record_of(r: RequestState, part: str) -> str:
    """The number, or the owner's email, of the record that the request is about; empty where none is known.

    A record without a number is told apart by its reference.
    """
    record = r.known.get(r.anchor or "order")
    if not isinstance(record, Mapping):
        return ""
    found = record.get(part) or ((record.get("ref") or record.get("id")) if part == "number" else "")
    return str(found or "")


def named_records(case: Case, release: Release) -> frozenset[str]:
    """What the customer wrote to name the records of his requests (an order number), for the count of wrong proofs."""
    keys = {"order_number"}
    for r in case.requests:
        procedure = release.playbook.procedure_for(r.intent)
        if procedure and procedure.verify:
            keys.add(naming_key(procedure))
    return frozenset(str(r.answers[key]) for r in case.requests for key in keys if r.answers.get(key))


def brief(case: Case, r: RequestState, turn: Turn, act: ActState | None = None) -> Mapping[str, object]:
    """The brief of a request as it stands."""
    return letters.brief(case, r, release=turn.release, decision=turn.decisions.get(r.number), act=act)


def say(case: Case, r: RequestState, key: str, turn: Turn, *, question: bool = False) -> Case:
    """Words for one request."""
    return letters.say(case, r, key, release=turn.release, facts=facts_of(case, r, turn.now), question=question)


def hand_over(case: Case, r: RequestState, turn: Turn, *, queue: str, because: str, tell: bool = True) -> Case:
    """A request goes to people, and the customer is told so, unless he knows it already (`tell` False)."""
    queue = queue or fallback(turn)
    if tell and not case.history and turn.release.mode_of(r.intent) == "live":
        case = _tell_handed_over(case, r, turn, queue=queue)
    r = replace(r, status="with_people", outcome="escalated", queue=queue, because=because, rule=r.rule or because)
    turn.entries.append(Entry("handed_over", {"request": r.number, "queue": queue, "because": because}))
    if case.history:
        return put(case, replace(r, status="ended", outcome="would:escalated"))
    turn.items.append(QueueItem("escalation", r.number, queue, because, brief(case, r, turn)))
    return put(case, r)


def _tell_handed_over(case: Case, r: RequestState, turn: Turn, *, queue: str) -> Case:
    """The words for it; where they say by when a person answers, that is a promise."""
    facts = facts_of(case, r, turn.now)
    if not letters.says_by_when(r.intent, release=turn.release):
        return letters.hand_over_words(case, r, release=turn.release, facts=facts)
    due = _answer_by(r.intent, queue, turn)
    told = letters.hand_over_words(case, r, release=turn.release, facts={**facts, "answer_by": due})
    if told is not case:
        promise = Promise("answer", None, due, BY_A_PERSON)
        turn.promises.append(PromiseMade(r.number, promise.what, None, due, BY_A_PERSON))
        data = {"name": "promise", "request": r.number, **move_to_facts(promise)}
        turn.timers.append(NewEvent(f"promise:{r.number}.{r.round}:handed_over", "timer", data, due))
    return told


def _answer_by(intent: str, queue: str, turn: Turn) -> datetime:
    """What the intent says, else the queue's service level in whole business days, never less than one."""
    playbook = turn.release.playbook
    within = playbook.intents[intent].answer_within
    if within is not None:
        return turn.now + within
    level = turn.release.guardrails.queues.get(queue)
    days = max(1, -(-(level.service_minutes if level else 0) // BUSINESS_DAY))
    return business_days(playbook.worker.default_country, turn.now, days)


def request_of(case: Case, number: int) -> RequestState:
    """A request by its number."""
    return case.requests[number - 1]


def put(case: Case, r: RequestState) -> Case:
    """The case with one request changed."""
    return replace(case, requests=tuple(r if old.number == r.number else old for old in case.requests))


def fallback(turn: Turn) -> str:
    """The queue for what no rule names."""
    return turn.release.playbook.worker.fallback_queue
