"""Running cases and another release: what each request would come to next under the one and under the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from caseworker.cases.model import Case, RequestState
from caseworker.cases.release import Release, repinned, unheeded, why_not_act
from caseworker.cases.turn import facts_of
from caseworker.core.ids import case_reference
from caseworker.rollout.beside import label
from caseworker.sop.decide import decide
from caseworker.sop.explain import sentence
from caseworker.sop.model import Found, LookUp, Procedure, Progress


@dataclass(frozen=True, slots=True)
class RequestMoved:
    """One open request of a case: its next decision under either release, in words, from what is known of it now."""

    request: int
    intent: str
    status: str
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class CaseMoved:
    """One case. `problem` says why it was not moved; empty where it was, or where nobody tried."""

    reference: str
    requests: tuple[RequestMoved, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """An open request that does not simply go on under another release, and what becomes of it at its case's next event."""

    reference: str
    request: int
    intent: str
    status: str
    what: str


def affected(case: Case, after: Release) -> tuple[Affected, ...]:
    """What becomes of the open requests of a case that another release cannot go on with."""
    moved = {r.number: r for r in repinned(case, after)[0].requests}
    told = [(r, _what(r, moved[r.number], after)) for r in case.open_requests]
    return tuple(Affected(case_reference(case.number), r.number, r.intent, r.status, what) for r, what in told if what)


def _what(r: RequestState, moved: RequestState, after: Release) -> str:
    procedure = after.playbook.procedure_for(r.intent)
    if r.active is not None and r.status == "awaiting_approval":
        return f"waits for a person as before: row {r.active.rule} is done where its act is approved"
    if r.active is not None and moved.active is not None and r.active.after != moved.active.after:
        return f"goes to people when row {r.active.rule} is done, for its words are not there; the customer is told"
    if procedure is None:
        first = f"row {r.active.rule} ends, then it " if r.active else ""
        return f"{first}goes to people, for there is no procedure for it; the customer is told"
    if r.waiting and all(row.name != r.waiting or row.wait is None for row in procedure.rows):
        return f"is decided anew, for there is no wait in row {r.waiting}"
    if asked := unheeded(r, procedure.rows):
        return (
            f"goes to people where it would act, for row {', '.join(sorted(asked))}, which asks for a yes, does not do so there"
        )
    unknown = [key for key in r.asked if key not in after.playbook.questions] if r.status == "awaiting_customer" else []
    return f"is decided anew, for there is no question {', '.join(unknown)}" if unknown else ""


def preview(case: Case, before: Release, after: Release, now: datetime) -> CaseMoved:
    """What would change for a case. Nothing is looked up: a request whose record is not known yet begins with a look-up."""
    requests = tuple(
        RequestMoved(r.number, r.intent, r.status, next_decision(case, r, before, now), next_decision(case, r, after, now))
        for r in case.open_requests
    )
    return CaseMoved(case_reference(case.number), requests)


def next_decision(case: Case, r: RequestState, release: Release, now: datetime) -> str:
    """The next decision of an open request in words."""
    if r.active is not None:
        return f"ends row {r.active.rule}, which is under way"
    procedure = release.playbook.procedure_for(r.intent)
    if procedure is None:
        return f"to people: no procedure for {r.intent}"
    decision = decide(
        release.playbook,
        procedure.name,
        facts_of(case, r, now),
        now=now,
        progress=_progress(r, procedure),
        vocabulary=release.vocabulary,
    )
    if any(isinstance(move, LookUp) for move in decision.moves):
        return f"looks up {', '.join(m.need for m in decision.moves if isinstance(m, LookUp))}"
    if because := why_not_act(r, decision, release):
        return f"to people instead of row {decision.rule}: {because}"
    return f"{label(decision)}: {' '.join(sentence(move) for move in decision.moves)}"


def _progress(r: RequestState, procedure: Procedure) -> Progress:
    """As the request stands. A question that is open counts as not put, so that the decision that put it is made again."""
    found = {need.name: known for need in procedure.needs if (known := _found(r.known.get(need.name)))}
    asked = {k: n - 1 if r.status == "awaiting_customer" else n for k, n in r.asked.items()}
    progress = Progress(fired=r.fired, asked=asked, waiting=r.waiting, waiting_since=r.waiting_since, found=found)
    return replace(progress, confirmed=r.confirmed, shown=r.shown)


def _found(known: object) -> Found | None:
    if isinstance(known, Mapping):
        return Found((known,))
    if isinstance(known, list) and known and all(isinstance(record, Mapping) for record in known):
        return Found(tuple(known))
    return None
