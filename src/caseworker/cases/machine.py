"""`advance(case, ...) -> Step`: what happens next in a case. Pure: no clock, no network, no database.

Called again and again within one event: while the step asks for look-ups it has changed nothing; once it asks for none, its
effects, timers, queue items and entries are committed together.
"""

from collections.abc import Mapping
from dataclasses import replace
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
    WrongProof,
)
from caseworker.cases.release import Release, is_orphan, why_not_act
from caseworker.cases.turn import Turn, brief, facts_of, fallback, hand_over, put, record_of, request_of, say
from caseworker.core.facts import of
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.guard.model import Moved, Totals, add_totals
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
from caseworker.sop.recorded import Recording, move_from_facts, move_to_facts, queues_of
from caseworker.sop.scope import anchor_of

MAX_DECISIONS = 12
NOT_THE_OWNER = ("identity_refused", "identity_unproven")
VERIFY_AFTER = timedelta(hours=1)


def advance(
    case: Case,
    *,
    release: Release,
    found: Mapping[tuple[int, str], Found],
    totals: Moved,
    now: datetime,
    event: str,
    locked: bool = False,
) -> Step:
    """One step. `found` are look-ups by (request, need); `totals` money already moved; `event` the event's id.

    `locked`: too many wrong proofs came from this sender or for this order, so that none counts today.
    """
    turn = Turn(release, found, totals, now, event, locked)
    for number in [r.number for r in case.requests]:
        case = _advance_request(case, number, turn)
    if turn.lookups:
        return Step(case=case, lookups=tuple(turn.lookups))
    case = letters.ask(case, turn.asking, turn.not_found, release=release)
    case, written = letters.letters_of(case, release=release, event=event, now=now)
    turn.effects.extend(written)
    case = _settle_status(case, turn)
    return Step(
        case=case,
        effects=tuple(turn.effects),
        timers=tuple(turn.timers),
        items=tuple(turn.items),
        promises=tuple(turn.promises),
        entries=tuple(turn.entries),
        wrong_proofs=tuple(turn.wrong_proofs),
        recordings=tuple(turn.recordings),
    )


def _advance_request(case: Case, number: int, turn: Turn) -> Case:
    for _ in range(MAX_DECISIONS):
        r = request_of(case, number)
        if r.status in ("ended", "with_people", "awaiting_approval", "awaiting_customer"):
            return case
        if r.because and r.active is None:
            return hand_over(case, r, turn, queue=r.queue, because=r.because)
        if r.active is not None:
            case, settled = _drive_row(case, r, turn)
            if not settled:
                return case
            continue
        procedure = turn.release.playbook.procedure_for(r.intent)
        if procedure is None:
            return _without_procedure(case, r, turn)
        playbook, facts, progress = turn.release.playbook, facts_of(case, r, turn.now, locked=turn.locked), _progress(r, turn)
        decision = decide(playbook, procedure.name, facts, now=turn.now, progress=progress, vocabulary=turn.release.vocabulary)
        looks = [m for m in decision.moves if isinstance(m, LookUp)]
        if looks:
            turn.lookups.extend(CaseLookUp(number, m.need, m.operation, m.arguments) for m in looks)
            return case
        queues = queues_of(playbook, procedure.name)
        turn.recordings.append(Recording(number, playbook.release, turn.now, facts, progress, decision, queues))
        before = r
        case = _take(case, r, decision, turn)
        if request_of(case, number) == before:
            return case
    r = request_of(case, number)
    return hand_over(case, r, turn, queue=fallback(turn), because="too_many_steps")


def _without_procedure(case: Case, r: RequestState, turn: Turn) -> Case:
    """The release that began it is not the one that decides now, or a person gave back what the worker can do nothing about."""
    if not is_orphan(r, turn.release):
        return hand_over(case, r, turn, queue=r.queue, because="no_procedure", tell=False)
    spec = turn.release.playbook.intents.get(r.intent)
    return hand_over(case, r, turn, queue=r.queue or (spec.queue if spec else ""), because="release_changed")


def _progress(r: RequestState, turn: Turn) -> Progress:
    return Progress(
        fired=r.fired,
        asked=r.asked,
        waiting=r.waiting,
        waiting_since=r.waiting_since,
        found={need: result for (number, need), result in turn.found.items() if number == r.number},
        confirmed=r.confirmed,
        shown=r.shown,
    )


def _take(case: Case, r: RequestState, decision: Decision, turn: Turn) -> Case:
    """The moves of one decision become state, effects and words."""
    acts = [m for m in decision.moves if isinstance(m, Act)]
    after = tuple(m for m in decision.moves if not isinstance(m, Act))
    entry = {
        "request": r.number,
        "release": turn.release.playbook.release,
        "procedure": decision.procedure,
        "rule": decision.rule,
        "identity": decision.identity,
        "moves": [move_to_facts(m) for m in decision.moves],
        "trace": of(decision.trace),
        "missing": list(decision.missing),
        "recorded": {"event": turn.event, "number": len(turn.recordings)},
    }
    quiet = len(after) == 1 and isinstance(after[0], Wait) and r.waiting == decision.rule
    turn.decisions[r.number] = decision
    if not quiet:
        turn.entries.append(Entry("decided", entry))
    anchor = anchor_of(turn.release.playbook.procedures[decision.procedure])
    r = replace(r, known=of(decision.facts), rule=decision.rule or r.rule, anchor=anchor)  # type: ignore[arg-type]  # a mapping stays one
    if decision.wrong:
        record_name, *proofs = (str(r.answers.get(key) or "") for key in decision.wrong)
        turn.wrong_proofs.append(WrongProof(record_name, " ".join(proofs)))
    record = record_of(r, "number")
    if r.record and record and r.record != record:  # what is done for one order says nothing about another
        return hand_over(case, r, turn, queue=r.queue, because="other_record")
    if why_not_act(r, decision, turn.release):
        return hand_over(case, r, turn, queue=r.queue, because="release_changed")
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
            after=tuple(move_to_facts(m) for m in after),
            meanwhile=decision.meanwhile,
            sender=case.sender,
        )
        return put(case, replace(r, status="acting", active=row, waiting="", waiting_since=None, record=r.record or record))
    return _after(case, r, after, turn)


def _take_in_shadow(case: Case, r: RequestState, decision: Decision, turn: Turn) -> Case:
    """Decided, not done: people do the work, and the timeline says what the worker would have done."""
    outcome = next((m.outcome for m in decision.moves if isinstance(m, Resolve)), "")
    escalate = next((m for m in decision.moves if isinstance(m, Escalate)), None)
    turn.entries.append(
        Entry("would", {"request": r.number, "rule": decision.rule, "moves": [move_to_facts(m) for m in decision.moves]})
    )
    if case.history:
        return put(case, replace(r, status="ended", outcome=f"would:{outcome or ('escalated' if escalate else 'open')}"))
    queue, because = (escalate.queue, escalate.because) if escalate else (fallback(turn), "shadow")
    r = replace(r, status="with_people", outcome="escalated", queue=queue, because=because)
    turn.items.append(QueueItem("escalation", r.number, queue, because, brief(case, r, turn)))
    return put(case, r)


def _drive_row(case: Case, r: RequestState, turn: Turn) -> tuple[Case, bool]:
    """One act after the other; the moves after them once every receipt is there. True when the table is to be decided again."""
    row = r.active
    assert row is not None
    act = next((a for a in row.acts if a.status != "done"), None)
    same_sender = row.sender in ("", case.sender)
    if act is None:
        r = replace(r, active=None)
        if not same_sender:  # somebody else wrote meanwhile: what was done is not theirs to hear
            return hand_over(case, r, turn, queue=r.queue, because="other_sender"), False
        case = _after(case, r, tuple(move_from_facts(m) for m in row.after), turn, rule=row.rule)
        return case, request_of(case, r.number).status == "open"
    if act.status in ("pending", "unknown"):
        if row.meanwhile and not row.said_meanwhile and same_sender:
            case = letters.say(case, r, row.meanwhile, release=turn.release, facts=facts_of(case, r, turn.now))
            r = replace(r, active=replace(row, said_meanwhile=True))
        return put(case, replace(r, status="acting")), False
    if act.status == "asked":
        return case, False
    return _plan(case, r, act, turn)


def _plan(case: Case, r: RequestState, act: ActState, turn: Turn) -> tuple[Case, bool]:
    row = r.active
    assert row is not None
    operation = turn.release.vocabulary.operations[act.operation]
    amount = act.amount if isinstance(act.amount, Money) else None
    kind = (act.operation, amount.currency if amount else "")
    verdict = judge(
        turn.release.guardrails,
        act.operation,
        moves_money=bool(operation.money),
        amount=amount,
        totals=add_totals(turn.totals.get(kind), turn.planned.get(kind)),
    )
    if verdict.decision == "forbidden" and not act.approved:
        turn.entries.append(Entry("forbidden", {"request": r.number, "act": act.name, "guardrail": verdict.rule}))
        failed = {**r.failed, act.name: {"code": "guardrail", "message": verdict.rule}}
        return put(case, replace(r, status="open", active=None, fired=(*r.fired, row.rule), failed=failed)), True
    if (verdict.decision == "needs_approval" or act.over_limit) and not act.approved:
        queue = verdict.queue or fallback(turn)
        item = QueueItem("approval", r.number, queue, verdict.rule, brief(case, r, turn, act), name=act.name)
        turn.items.append(item)
        turn.entries.append(
            Entry("approval_asked", {"request": r.number, "act": act.name, "guardrail": verdict.rule, "queue": queue})
        )
        case = letters.hand_over_words(case, r, release=turn.release, facts=facts_of(case, r, turn.now))
        return put(case, replace(r, status="awaiting_approval", queue=queue)), False
    zero = Money(0, "XXX")
    turn.planned[kind] = add_totals(turn.planned.get(kind), Totals(amount or zero, amount or zero, 1)) or Totals(zero, zero, 1)
    turn.effects.append(
        PlannedEffect(
            key=f"{case.number}/{r.number}.{r.round}/{row.rule}/{act.name}{'/approved' if act.over_limit else ''}",
            kind="write",
            request=r.number,
            name=act.name,
            operation=act.operation,
            arguments=act.arguments,
            amount=amount,
            reason=f"{r.intent}: {row.rule}",
            owner=record_of(r, "email").strip().lower(),
            approved=act.approved,
        )
    )
    acts = tuple(replace(a, status="asked") if a.name == act.name else a for a in row.acts)
    return put(case, replace(r, status="acting", active=replace(row, acts=acts))), False


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
    return put(case, r)


def _make(case: Case, r: RequestState, move: object, turn: Turn) -> tuple[Case, RequestState]:
    """One move that needs no receipt."""
    match move:
        case Ask():
            asked = {**r.asked, **{k: r.asked.get(k, 0) + 1 for k in move.keys}}
            turn.asking.extend(k for k in move.keys if k not in turn.asking)
            turn.not_found.extend(k for k in move.not_found if k not in turn.not_found)
            return case, replace(r, status="awaiting_customer", asked=asked)
        case Confirm():
            asking = replace(r, status="awaiting_customer", confirming=r.rule, shown={**r.shown, r.rule: move.shown})
            return say(case, r, move.reply, turn, question=True), asking
        case Say():
            return say(case, r, move.reply, turn), r
        case Promise():
            turn.promises.append(PromiseMade(r.number, move.what, move.amount, move.due, move.kept_when, move.bound))
            promise = {"name": "promise", "request": r.number, **move_to_facts(move)}
            turn.timers.append(NewEvent(f"promise:{r.number}.{r.round}:{r.rule}", "timer", promise, move.due))
            return case, r
        case Wait():
            since = r.waiting_since if r.waiting == r.rule and r.waiting_since else turn.now
            look = {"name": "look", "request": r.number}
            turn.timers.append(NewEvent(f"look:{r.number}", "timer", look, min(move.next_look, move.deadline)))
            return case, replace(r, status="waiting", waiting=r.rule, waiting_since=since)
        case Escalate() if move.because in NOT_THE_OWNER:
            # Nothing about the order is told, not even that it exists; there is nothing for a person to do either.
            case = say(case, r, "no_personal_data", turn)
            turn.entries.append(Entry("not_the_owner", {"request": r.number, "because": move.because}))
            return case, replace(r, status="ended", outcome="declined", because=move.because)
        case Escalate():
            r = replace(r, status="with_people", outcome="escalated", queue=move.queue, because=move.because)
            if not any(part.request == r.number for part in case.parts):
                case = letters.hand_over_words(case, r, release=turn.release, facts=facts_of(case, r, turn.now))
            turn.items.append(QueueItem("escalation", r.number, move.queue, move.because, brief(case, r, turn)))
            return case, r
        case Resolve():
            return case, replace(r, status="ended", outcome=move.outcome)
    raise TypeError(f"{move!r} is no move that follows a row's acts")


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
    if "awaiting_customer" in statuses and case.asked_at is None and not case.history and not letters.is_held(case):
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
