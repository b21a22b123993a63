"""`advance(case, ...) -> Step`: what happens next in a case. Pure: no clock, no network, no database.

Called again and again within one event: while the step asks for look-ups it has changed nothing; once it asks for none, its
effects, timers, queue items and entries are committed together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from caseworker.cases import letters
from caseworker.cases.model import (
    ActiveRow,
    ActState,
    Case,
    CaseLookUp,
    CaseStatus,
    Entry,
    NewEvent,
    PlannedEffect,
    PromiseMade,
    QueueItem,
    RequestState,
    Step,
)
from caseworker.cases.release import Release
from caseworker.core.facts import of
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.guard.model import Totals
from caseworker.sop.decide import decide
from caseworker.sop.model import (
    Act,
    Ask,
    Confirm,
    Decision,
    Escalate,
    Found,
    LookUp,
    Progress,
    Promise,
    Resolve,
    Say,
    Wait,
)

MAX_DECISIONS = 12
NOT_THE_OWNER = ("identity_refused", "identity_unproven")
VERIFY_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Turn:
    """What one call of `advance` gathers; filled by the functions below, read once at the end."""

    release: Release
    found: Mapping[tuple[int, str], Found]
    totals: Mapping[str, Totals]
    now: datetime
    event: str
    lookups: list[CaseLookUp] = field(default_factory=list)
    effects: list[PlannedEffect] = field(default_factory=list)
    timers: list[NewEvent] = field(default_factory=list)
    items: list[QueueItem] = field(default_factory=list)
    promises: list[PromiseMade] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    asking: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    decisions: dict[int, Decision] = field(default_factory=dict)


def advance(
    case: Case,
    *,
    release: Release,
    found: Mapping[tuple[int, str], Found],
    totals: Mapping[str, Totals],
    now: datetime,
    event: str,
) -> Step:
    """One step. `found` are look-ups by (request, need); `totals` money already moved by action; `event` the event's id."""
    turn = Turn(release, found, totals, now, event)
    for number in [r.number for r in case.requests]:
        case = _advance_request(case, number, turn)
    if turn.lookups:
        return Step(case=case, lookups=tuple(turn.lookups))
    case = letters.ask(case, turn.asking, turn.not_found, release=release)
    case, letter = letters.letter_of(case, release=release, event=event, now=now)
    if letter is not None:
        turn.effects.append(letter)
    case = _settle_status(case, turn)
    return Step(
        case=case,
        effects=tuple(turn.effects),
        timers=tuple(turn.timers),
        items=tuple(turn.items),
        promises=tuple(turn.promises),
        entries=tuple(turn.entries),
    )


def facts_of(case: Case, r: RequestState, now: datetime) -> dict[str, object]:
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
            "given": dict.fromkeys(r.answers, True),
            "confirmed": dict(r.confirmed),
            **r.answers,
        },
        "sender": {"address": case.sender, "verified": case.sender_verified},
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


def _advance_request(case: Case, number: int, turn: Turn) -> Case:
    for _ in range(MAX_DECISIONS):
        r = _request(case, number)
        if r.status in ("ended", "with_people", "awaiting_approval", "awaiting_customer"):
            return case
        if r.because and r.active is None:
            return _hand_over(case, r, turn, queue=r.queue, because=r.because)
        if r.active is not None:
            case, settled = _drive_row(case, r, turn)
            if not settled:
                return case
            continue
        decision = decide(
            turn.release.playbook,
            _procedure(r, turn),
            facts_of(case, r, turn.now),
            now=turn.now,
            progress=_progress(r, turn),
            vocabulary=turn.release.vocabulary,
        )
        looks = [m for m in decision.moves if isinstance(m, LookUp)]
        if looks:
            turn.lookups.extend(CaseLookUp(number, m.need, m.operation, m.arguments) for m in looks)
            return case
        before = r
        case = _take(case, r, decision, turn)
        if _request(case, number) == before:
            return case
    r = _request(case, number)
    return _hand_over(case, r, turn, queue=_fallback(turn), because="too_many_steps")


def _procedure(r: RequestState, turn: Turn) -> str:
    procedure = turn.release.playbook.procedure_for(r.intent)
    assert procedure is not None, "a request without a procedure was marked for people when it was heard"
    return procedure.name


def _progress(r: RequestState, turn: Turn) -> Progress:
    return Progress(
        fired=r.fired,
        asked=r.asked,
        waiting=r.waiting,
        waiting_since=r.waiting_since,
        found={need: result for (number, need), result in turn.found.items() if number == r.number},
        confirmed=r.confirmed,
    )


def _take(case: Case, r: RequestState, decision: Decision, turn: Turn) -> Case:
    """The moves of one decision become state, effects and words."""
    acts = [m for m in decision.moves if isinstance(m, Act)]
    after = tuple(m for m in decision.moves if not isinstance(m, Act))
    entry = {
        "request": r.number,
        "procedure": decision.procedure,
        "rule": decision.rule,
        "identity": decision.identity,
        "moves": [_move(m) for m in decision.moves],
        "trace": of(decision.trace),
        "missing": list(decision.missing),
    }
    quiet = len(after) == 1 and isinstance(after[0], Wait) and r.waiting == decision.rule
    turn.decisions[r.number] = decision
    if not quiet:
        turn.entries.append(Entry("decided", entry))
    r = replace(r, known=of(decision.facts), rule=decision.rule or r.rule)  # type: ignore[arg-type]  # a mapping stays one
    if decision.timed_out:
        r = replace(r, timed_out=(*r.timed_out, decision.timed_out))
    if r.waiting and decision.rule != r.waiting and not any(isinstance(m, Ask) for m in after):
        r = replace(r, waiting="", waiting_since=None)
    mode = turn.release.mode_of(r.intent)
    asks = any(isinstance(m, Ask) for m in after)  # on history the customer's answer is in a later mail
    if not asks if case.history else mode != "live":
        return _take_in_shadow(case, r, decision, turn)
    if acts:
        row = ActiveRow(
            rule=decision.rule,
            acts=tuple(ActState(a.name, a.operation, a.arguments, amount=a.amount) for a in acts),
            after=tuple(_move(m) for m in after),
            meanwhile=decision.meanwhile,
            sender=case.sender,
        )
        return _put(case, replace(r, status="acting", active=row, waiting="", waiting_since=None))
    return _after(case, r, after, turn)


def _take_in_shadow(case: Case, r: RequestState, decision: Decision, turn: Turn) -> Case:
    """Decided, not done: people do the work, and the timeline says what the worker would have done."""
    outcome = next((m.outcome for m in decision.moves if isinstance(m, Resolve)), "")
    escalate = next((m for m in decision.moves if isinstance(m, Escalate)), None)
    turn.entries.append(
        Entry("would", {"request": r.number, "rule": decision.rule, "moves": [_move(m) for m in decision.moves]})
    )
    if case.history:
        return _put(case, replace(r, status="ended", outcome=f"would:{outcome or ('escalated' if escalate else 'open')}"))
    queue, because = (escalate.queue, escalate.because) if escalate else (_fallback(turn), "shadow")
    r = replace(r, status="with_people", outcome="escalated", queue=queue, because=because)
    turn.items.append(QueueItem("escalation", r.number, queue, because, _brief(case, r, turn)))
    return _put(case, r)


def _drive_row(case: Case, r: RequestState, turn: Turn) -> tuple[Case, bool]:
    """One act after the other; the moves after them once every receipt is there. True when the table is to be decided again."""
    row = r.active
    assert row is not None
    act = next((a for a in row.acts if a.status != "done"), None)
    same_sender = row.sender in ("", case.sender)
    if act is None:
        r = replace(r, active=None)
        if not same_sender:  # somebody else wrote meanwhile: what was done is not theirs to hear
            return _hand_over(case, r, turn, queue=r.queue, because="other_sender"), False
        case = _after(case, r, tuple(_unmove(m) for m in row.after), turn, rule=row.rule)
        return case, _request(case, r.number).status == "open"
    if act.status in ("pending", "unknown"):
        if row.meanwhile and not row.said_meanwhile and same_sender:
            case = letters.say(case, r, row.meanwhile, release=turn.release, facts=facts_of(case, r, turn.now))
            r = replace(r, active=replace(row, said_meanwhile=True))
        return _put(case, replace(r, status="acting")), False
    if act.status == "asked":
        return case, False
    return _plan(case, r, act, turn)


def _plan(case: Case, r: RequestState, act: ActState, turn: Turn) -> tuple[Case, bool]:
    row = r.active
    assert row is not None
    operation = turn.release.vocabulary.operations[act.operation]
    amount = act.amount if isinstance(act.amount, Money) else None
    verdict = judge(
        turn.release.guardrails,
        act.operation,
        moves_money=bool(operation.money),
        amount=amount,
        totals=turn.totals.get(act.operation),
    )
    if verdict.decision == "forbidden" and not act.approved:
        turn.entries.append(Entry("forbidden", {"request": r.number, "act": act.name, "guardrail": verdict.rule}))
        failed = {**r.failed, act.name: {"code": "guardrail", "message": verdict.rule}}
        return _put(case, replace(r, status="open", active=None, fired=(*r.fired, row.rule), failed=failed)), True
    if verdict.decision == "needs_approval" and not act.approved:
        queue = verdict.queue or _fallback(turn)
        item = QueueItem("approval", r.number, queue, verdict.rule, _brief(case, r, turn, act), name=act.name)
        turn.items.append(item)
        turn.entries.append(
            Entry("approval_asked", {"request": r.number, "act": act.name, "guardrail": verdict.rule, "queue": queue})
        )
        case = letters.hand_over_words(case, r, release=turn.release, facts=facts_of(case, r, turn.now))
        return _put(case, replace(r, status="awaiting_approval", queue=queue)), False
    turn.effects.append(
        PlannedEffect(
            key=f"{case.number}/{r.number}.{r.round}/{row.rule}/{act.name}",
            kind="write",
            request=r.number,
            name=act.name,
            operation=act.operation,
            arguments=act.arguments,
            amount=amount,
            reason=f"{r.intent}: {row.rule}",
        )
    )
    acts = tuple(replace(a, status="asked") if a.name == act.name else a for a in row.acts)
    return _put(case, replace(r, status="acting", active=replace(row, acts=acts))), False


def _after(case: Case, r: RequestState, moves: tuple[object, ...], turn: Turn, rule: str = "") -> Case:
    """Reply, promise, wait, hand over, resolve: in the order of sop.md. The row has fired."""
    rule = rule or r.rule
    ends = any(isinstance(m, Say | Wait | Escalate | Resolve | Promise) for m in moves)
    if (ends or not moves) and rule and rule not in r.fired and r.waiting != rule:
        r = replace(r, fired=(*r.fired, rule), status="open")
    for move in moves:
        case, r = _make(case, r, move, turn)
    if r.status == "acting":
        r = replace(r, status="open")
    return _put(case, r)


def _make(case: Case, r: RequestState, move: object, turn: Turn) -> tuple[Case, RequestState]:
    """One move that needs no receipt."""
    match move:
        case Ask():
            asked = {**r.asked, **{k: r.asked.get(k, 0) + 1 for k in move.keys}}
            turn.asking.extend(k for k in move.keys if k not in turn.asking)
            turn.not_found.extend(k for k in move.not_found if k not in turn.not_found)
            return case, replace(r, status="awaiting_customer", asked=asked)
        case Confirm():
            return _say(case, r, move.reply, turn), replace(r, status="awaiting_customer", confirming=r.rule)
        case Say():
            return _say(case, r, move.reply, turn), r
        case Promise():
            turn.promises.append(PromiseMade(r.number, move.what, move.amount, move.due, move.kept_when, move.bound))
            return case, r
        case Wait():
            since = r.waiting_since if r.waiting == r.rule and r.waiting_since else turn.now
            look = {"name": "look", "request": r.number}
            turn.timers.append(NewEvent(f"look:{r.number}", "timer", look, min(move.next_look, move.deadline)))
            return case, replace(r, status="waiting", waiting=r.rule, waiting_since=since)
        case Escalate() if move.because in NOT_THE_OWNER:
            # Nothing about the order is told, not even that it exists; there is nothing for a person to do either.
            case = _say(case, r, "no_personal_data", turn)
            turn.entries.append(Entry("not_the_owner", {"request": r.number, "because": move.because}))
            return case, replace(r, status="ended", outcome="declined", because=move.because)
        case Escalate():
            r = replace(r, status="with_people", outcome="escalated", queue=move.queue, because=move.because)
            if not any(part.request == r.number for part in case.parts):
                case = letters.hand_over_words(case, r, release=turn.release, facts=facts_of(case, r, turn.now))
            turn.items.append(QueueItem("escalation", r.number, move.queue, move.because, _brief(case, r, turn)))
            return case, r
        case Resolve():
            return case, replace(r, status="ended", outcome=move.outcome)
    raise TypeError(f"{move!r} is no move that follows a row's acts")


def _brief(case: Case, r: RequestState, turn: Turn, act: ActState | None = None) -> Mapping[str, object]:
    return letters.brief(case, r, release=turn.release, decision=turn.decisions.get(r.number), act=act)


def _say(case: Case, r: RequestState, key: str, turn: Turn) -> Case:
    return letters.say(case, r, key, release=turn.release, facts=facts_of(case, r, turn.now))


def _hand_over(case: Case, r: RequestState, turn: Turn, *, queue: str, because: str) -> Case:
    if not case.history and turn.release.mode_of(r.intent) == "live":
        case = letters.hand_over_words(case, r, release=turn.release, facts=facts_of(case, r, turn.now))
    queue = queue or _fallback(turn)
    r = replace(r, status="with_people", outcome="escalated", queue=queue, because=because, rule=r.rule or because)
    turn.entries.append(Entry("handed_over", {"request": r.number, "queue": queue, "because": because}))
    if case.history:
        return _put(case, replace(r, status="ended", outcome="would:escalated"))
    turn.items.append(QueueItem("escalation", r.number, queue, because, _brief(case, r, turn)))
    return _put(case, r)


def _settle_status(case: Case, turn: Turn) -> Case:
    statuses = {r.status for r in case.requests}
    status: CaseStatus
    if statuses & {"with_people", "awaiting_approval"}:
        status = "with_people"
    elif "awaiting_customer" in statuses:
        status = "awaiting_customer"
    elif statuses & {"waiting", "acting"}:
        status = "waiting"
    elif statuses & {"open"}:
        status = "open"
    else:
        status = "closed"
    if "awaiting_customer" in statuses and case.asked_at is None and not case.history:
        worker = turn.release.playbook.worker
        case = replace(case, asked_at=turn.now)
        turn.timers.append(NewEvent("remind", "timer", {"name": "remind"}, turn.now + worker.remind_after))
        turn.timers.append(NewEvent("give_up", "timer", {"name": "give_up"}, turn.now + worker.give_up_after))
    if status == "closed" and case.closed_at is None:
        case = replace(case, closed_at=turn.now)
        turn.entries.append(Entry("closed", {"outcomes": {str(r.number): r.outcome for r in case.requests}}))
        if any(r.done for r in case.requests):
            turn.timers.append(NewEvent("verify", "timer", {"name": "verify"}, turn.now + VERIFY_AFTER))
    return replace(case, status=status)


def _request(case: Case, number: int) -> RequestState:
    return case.requests[number - 1]


def _put(case: Case, r: RequestState) -> Case:
    return replace(case, requests=tuple(r if old.number == r.number else old for old in case.requests))


def _fallback(turn: Turn) -> str:
    return turn.release.playbook.worker.fallback_queue


_MOVES: Mapping[str, Callable[..., object]] = {
    cls.__name__.lower(): cls for cls in (Ask, Confirm, Say, Promise, Wait, Escalate, Resolve)
}


def _move(move: object) -> Mapping[str, object]:
    facts = of(move)
    assert isinstance(facts, dict)
    return {"move": type(move).__name__.lower(), **facts}


def _unmove(stored: Mapping[str, object]) -> object:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k != "move"}
    return _MOVES[str(stored["move"])](**values)
