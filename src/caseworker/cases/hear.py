"""What a mail, a timer, a receipt or a person changes in a case, before anything is decided. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from caseworker.cases.model import ActiveRow, Case, Effect, Entry, RequestState
from caseworker.cases.release import Release
from caseworker.cases.turn import record_of
from caseworker.core.facts import canonical, of
from caseworker.reading.model import Field, Reading, Request

PROVES_IDENTITY = ("order_number", "postcode")  # where a procedure names no other proofs
OVER_LIMIT = "over_limit"
REFUSED = "identity_refused"
MAX_TEXTS = 20
SURE = 0.6  # a field below it was not heard: it is asked for again
AUTOMATIC_WITHOUT_NEWS = 3  # mails of a customer in which nothing new was heard; by then he had two automatic answers


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What the machine has to know of a mail: who, whether believed, and what kind. `text_hash` is of the new words."""

    message_id: str
    references: tuple[str, ...]
    sender: str
    sender_name: str
    sender_verified: bool
    subject: str
    text_hash: str
    photos: int
    attachments: int
    may_answer: bool
    received_at: datetime
    words: str = ""  # the beginning of the new words, for people


def hear_mail(case: Case, mail: MailFacts, reading: Reading, release: Release) -> tuple[Case, tuple[Entry, ...]]:
    """The case after a person's mail: sender, answers, new requests."""
    if mail.text_hash and mail.text_hash in case.texts:  # nothing new; an answer that is under way still goes out
        return _hear_repeated(case)
    if mail.may_answer or not case.sender:  # a machine that writes into a thread does not become its customer
        case = _hear_sender(case, mail, release)
    if not mail.text_hash and not mail.attachments and case.requests:
        return case, (Entry("not_answered", {"because": "no words"}),)
    case = replace(case, language=_language(case, reading, release))
    known = case.requests
    waited = any(r.status == "awaiting_customer" for r in known)
    case = _hear_answers(case, reading, release)
    requests = list(case.requests)
    wished = {_join(requests, request, reading.fields, release) for request in reading.requests}
    before = {r.number: r for r in known}
    requests = [_as_confirmed(r, before.get(r.number), wished=r.number in wished) for r in requests]
    joined = replace(case, requests=tuple(requests))
    joined = _hear_unusual(joined, mail, reading, release, waited=waited)
    if not mail.may_answer and (reading.requests or reading.fields):  # nobody could be asked or told: people look
        joined = _to_people(
            joined, release.playbook.worker.fallback_queue, because="not_to_be_answered", intent="unclear", words=""
        )
    entries = (Entry("read", _summary(reading)),)
    return joined, entries


def _as_confirmed(r: RequestState, before: RequestState | None, *, wished: bool) -> RequestState:
    """A yes or no holds for what was asked: where a mail changes that, or wishes it anew, it is asked for again."""
    if before is None or not r.confirmed or _is_under_way(r):
        return r
    if canonical(of(r.answers)) != canonical(of(before.answers)):
        return replace(r, confirmed={})
    if wished:
        return replace(r, confirmed={row: said for row, said in r.confirmed.items() if row == before.confirming})
    return r


def _hear_repeated(case: Case) -> tuple[Case, tuple[Entry, ...]]:
    """Nothing new, so nothing to answer; but who was asked and can only say it again is heard by a person."""
    requests = tuple(
        replace(r, status="open", because="no_usable_answer") if r.status == "awaiting_customer" else r for r in case.requests
    )
    entry = Entry("not_answered", {"because": "the same words as before"})
    return replace(case, contacts=case.contacts + 1, requests=requests, asking=(), asked_at=None), (entry,)


def _hear_sender(case: Case, mail: MailFacts, release: Release) -> Case:
    changed = bool(case.sender) and case.sender != mail.sender
    requests = case.requests
    if changed or (case.sender_verified and not mail.sender_verified):  # a yes is one of whoever was asked
        requests = tuple(replace(r, confirmed={}, confirming="") for r in requests)
    if changed:  # an identity that one address has proven is not another's, and words found for one are not told to another
        requests = tuple(_without_proofs(r, release) for r in requests)
        untold = {part.request for part in case.parts}
        requests = tuple(replace(r, status="open", because="other_sender") if r.number in untold else r for r in requests)
    return replace(
        case,
        parts=() if changed else case.parts,
        sender=mail.sender,
        sender_name=mail.sender_name or ("" if changed else case.sender_name),
        sender_verified=mail.sender_verified,
        subject=case.subject or mail.subject,
        contacts=case.contacts + 1,
        photos=case.photos + mail.photos,
        attachments=case.attachments + mail.attachments,
        requests=requests,
        last_message_id=mail.message_id,
        references=(*case.references, mail.message_id)[-20:] if mail.message_id else case.references,
        may_answer=mail.may_answer and bool(mail.text_hash or mail.attachments),  # a mail without words is never answered
        texts=(*case.texts, mail.text_hash)[-MAX_TEXTS:] if mail.text_hash else case.texts,
        closed_at=None,
    )


def _language(case: Case, reading: Reading, release: Release) -> str:
    worker = release.playbook.worker
    if reading.language in worker.languages and (reading.language_confidence >= 0.5 or not case.language):
        return reading.language
    return case.language or worker.default_language


def _answered(case: Case, r: RequestState, values: Mapping[str, object], *, own_wish: bool) -> Mapping[str, object]:
    asked = case.asking if r.status == "awaiting_customer" else ()
    if _is_under_way(r):
        values = {key: value for key, value in values.items() if key in asked}
    elif own_wish:
        values = {key: value for key, value in values.items() if key in asked or key not in r.answers}
    if (
        "postcode" in r.answers and "postcode" not in asked
    ):  # that of some other address, which proves nothing and undoes nothing
        values = {key: value for key, value in values.items() if key != "postcode"}
    return {**r.answers, **values}


def _is_under_way(r: RequestState) -> bool:
    """Something is being done or was done for it: which order and which items that was for does not change any more."""
    return r.active is not None or bool(r.done)


def _proofs(r: RequestState, release: Release) -> frozenset[str]:
    """Answers that prove an identity: those that the procedure names, and those that any other one does."""
    procedure = release.playbook.procedure_for(r.intent)
    return frozenset({*PROVES_IDENTITY, *(procedure.proof if procedure else ())})


def _without_proofs(r: RequestState, release: Release) -> RequestState:
    return replace(r, answers={key: value for key, value in r.answers.items() if key not in _proofs(r, release)})


def _sure(fields: Mapping[str, Field]) -> dict[str, object]:
    return {key: field.value for key, field in fields.items() if field.confidence >= SURE}


def _hear_answers(case: Case, reading: Reading, release: Release) -> Case:
    """Fields said for the whole mail answer every open request; what an open request asked for is no longer awaited.

    A mail with a wish of its own speaks of that one: it answers what was asked or is not known yet, and changes nothing else.
    """
    values = _sure(reading.fields)
    confirmed = values.pop("confirm", None)
    meant = _meant(case, values, confirmed)
    requests = []
    for r in case.requests:
        heard = r
        said = {} if _is_of_another(case, r, values) else values
        if r.outcome == "no_answer" and (said or r.number in meant):  # given up; it comes late and goes on where it stopped
            heard = replace(r, status="open", outcome="", answers={**r.answers, **said})
        if r.status == "ended" and r.because == REFUSED and not _proofs(r, release).isdisjoint(said):  # a slip set right
            heard = replace(r, status="open", outcome="", because="", answers={**r.answers, **said})
        if r.status in ("open", "acting", "awaiting_customer", "waiting"):
            heard = replace(r, answers=_answered(case, r, said, own_wish=bool(reading.requests)))
            if r.status == "awaiting_customer":
                heard = replace(heard, status="open")
        if r.number in meant and isinstance(confirmed, bool):
            heard = replace(heard, confirmed={**r.confirmed, r.confirming: confirmed}, confirming="")
        requests.append(heard)
    news = bool(values) or bool(meant) or bool(reading.requests)
    return replace(
        case,
        requests=tuple(requests),
        asking=(),
        asked_at=None,
        reminded=False,
        automatic_without_news=0 if news else case.automatic_without_news + 1,
    )


def _meant(case: Case, values: Mapping[str, object], confirmed: object) -> frozenset[int]:
    """The requests that a yes or no answers. A yes is one to a single question; where several are open it names the order."""
    if not isinstance(confirmed, bool):
        return frozenset()
    asked = [r for r in case.requests if r.confirming and (r.status == "awaiting_customer" or r.outcome == "no_answer")]
    named = [r for r in asked if _order_of(r) == values.get("order_number")] or asked
    return frozenset(r.number for r in named) if len(named) == 1 or not confirmed else frozenset()


def _is_of_another(case: Case, r: RequestState, values: Mapping[str, object]) -> bool:
    """What is said of the order of another open request says nothing about this one."""
    named = values.get("order_number")
    if not named or "order_number" in case.asking or _order_of(r) in ("", named):
        return False
    return any(_order_of(other) == named for other in case.requests if other.status not in ("ended", "with_people"))


def _order_of(r: RequestState) -> str:
    return record_of(r, "number") or str(r.answers.get("order_number") or "")


def _join(requests: list[RequestState], said: Request, mail_wide: Mapping[str, Field], release: Release) -> int:
    """A wish joins the request that it repeats, or is a new one. Returns the request's number."""
    answers = {key: value for key, value in _sure({**mail_wide, **said.fields}).items() if key != "confirm"}
    for index, r in enumerate(requests):
        if r.intent == said.intent and _same_matter(r, answers):
            requests[index] = _join_same(r, answers, _words(said))
            return r.number
    requests.append(
        RequestState(
            number=len(requests) + 1,
            intent=said.intent,
            confidence=said.confidence,
            words=_words(said),
            answers=answers,
        )
    )
    spec = release.playbook.intents.get(said.intent)
    if spec is None or spec.always_escalate or release.playbook.procedure_for(said.intent) is None:
        because = "always_people" if spec and spec.always_escalate else "no_procedure"
        queue = spec.queue if spec and spec.queue else release.playbook.worker.fallback_queue
        requests[-1] = replace(requests[-1], queue=queue, because=because)
    return requests[-1].number


def _words(said: Request) -> str:
    return said.words or (said.evidence.text if said.evidence else "")


def _same_matter(r: RequestState, answers: Mapping[str, object]) -> bool:
    before, now = r.answers.get("order_number"), answers.get("order_number")
    return before is None or now is None or before == now


def _join_same(r: RequestState, answers: Mapping[str, object], words: str) -> RequestState:
    if _is_under_way(r) and any(r.answers.get(key, value) != value for key, value in answers.items()):
        return replace(r, status="open", because="asked_again") if r.active is None and r.status != "with_people" else r
    if r.status in ("open", "acting", "awaiting_customer", "waiting", "awaiting_approval"):
        status = "open" if r.status == "awaiting_customer" else r.status
        return replace(r, answers={**r.answers, **answers}, status=status)
    if r.status == "ended" and not r.done:  # told something; asked again: look again with fresh facts
        anew = replace(r, round=r.round + 1, words=words or r.words, status="open", outcome="", rule="", fired=())
        anew = replace(anew, waiting="", waiting_since=None)
        return replace(anew, failed={}, timed_out=(), confirmed={}, confirming="", answers={**r.answers, **answers})
    if r.status == "ended":  # something was done already: doing it again is for a person to say
        return replace(r, status="open", because="asked_again", answers={**r.answers, **answers})
    return r


def _hear_unusual(case: Case, mail: MailFacts, reading: Reading, release: Release, *, waited: bool) -> Case:
    """Risks and an abstention send the mail to people, whatever else was read."""
    worker = release.playbook.worker
    if reading.risks:
        risk = reading.risks[0]
        matter = next((i for i in release.playbook.intents.values() if risk == i.name or risk in i.risks), None)
        queue = matter.queue if matter and matter.queue else worker.fallback_queue
        return _to_people(
            case, queue, because=risk, intent=matter.name if matter else risk, words=mail.words, heard=_sure(reading.fields)
        )
    if case.automatic_without_news >= AUTOMATIC_WITHOUT_NEWS and not reading.requests and not reading.thanks:
        return _to_people(case, worker.fallback_queue, because="no_progress", intent="unclear", words=mail.words)
    # An answer that was not understood is asked for once more; a person who has the case sees the mail anyway.
    expected = waited or any(r.status == "with_people" for r in case.requests)
    heard = bool(reading.requests) or expected or reading.thanks or (reading.chaser and bool(case.requests))
    if not heard and (reading.abstained or not case.requests):
        because = f"not_understood:{reading.abstained or 'nothing_asked'}"
        return _to_people(
            case, worker.fallback_queue, because=because, intent="unclear", words=mail.words, heard=_sure(reading.fields)
        )
    return case


def _to_people(
    case: Case, queue: str, *, because: str, intent: str, words: str, heard: Mapping[str, object] = MappingProxyType({})
) -> Case:
    """Everything open goes to people for one reason; the reason itself is a request, so that it is seen.

    It carries the mail's words and the fields that were `heard` all the same.
    """
    requests = [r if r.status in ("ended", "with_people") else replace(r, queue=queue, because=because) for r in case.requests]
    if not any(r.intent == intent and r.because == because for r in requests):
        requests.append(
            RequestState(
                number=len(requests) + 1,
                intent=intent,
                confidence=0.0,
                words=words,
                queue=queue,
                because=because,
                answers={key: value for key, value in heard.items() if key != "confirm"},
            )
        )
    return replace(case, requests=tuple(requests))


def _summary(reading: Reading) -> Mapping[str, object]:
    return {
        "reader": reading.reader,
        "language": reading.language,
        "mood": reading.mood,
        "risks": list(reading.risks),
        "abstained": reading.abstained,
        "chaser": reading.chaser,
        "thanks": reading.thanks,
        "requests": [
            {
                "intent": r.intent,
                "confidence": round(r.confidence, 4),
                "evidence": r.evidence.text if r.evidence else "",
                "fields": {k: _field(f) for k, f in r.fields.items()},
            }
            for r in reading.requests
        ],
        "fields": {k: _field(f) for k, f in reading.fields.items()},
    }


def _field(field: Field) -> Mapping[str, object]:
    return {
        "value": list(field.value) if isinstance(field.value, tuple) else field.value,
        "confidence": round(field.confidence, 4),
        "evidence": field.evidence.text if field.evidence else "",
        "derived": field.derived,
    }


def hear_receipt(case: Case, effect: Effect) -> Case:
    """A write is settled (or pending, or unknown): its receipt or refusal becomes a fact of its request."""
    requests = tuple(_settle(r, effect) if r.number == effect.request else r for r in case.requests)
    return replace(case, requests=requests)


def _settle(r: RequestState, effect: Effect) -> RequestState:
    if r.active is None:
        return r
    if effect.status == "refused" and effect.error.get("code") == OVER_LIMIT:  # nothing went out; a person is asked
        again = tuple(replace(a, status="planned", over_limit=True) if a.name == effect.name else a for a in r.active.acts)
        return replace(r, active=replace(r.active, acts=again))
    if effect.status == "refused":
        return replace(
            r,
            active=None,
            status="open",
            fired=(*r.fired, r.active.rule),
            failed={**r.failed, effect.name: effect.error},
        )
    if (
        effect.status == "cancelled"
    ):  # its release was withdrawn before it was begun; the round makes the next effect another one
        return replace(r, active=None, status="open", round=r.round + 1)
    if effect.status == "aside":  # tried often enough: a person goes on, with everything gathered
        because = str(effect.error.get("code") or "system_trouble")
        return replace(r, active=None, status="open", fired=(*r.fired, r.active.rule), because=because)
    status = effect.status if effect.status in ("done", "pending", "unknown") else "unknown"
    acts = tuple(replace(a, status=status) if a.name == effect.name else a for a in r.active.acts)
    active: ActiveRow = replace(r.active, acts=acts)
    if status == "done":
        return replace(r, active=active, done={**r.done, effect.name: effect.receipt})
    return replace(r, active=active)


def hear_person(case: Case, data: Mapping[str, object]) -> tuple[Case, str]:
    """A person decided a queue item. Returns the case and the reply that the person wrote, if any.

    approve: the act goes on; deny: becomes `failed.NAME = denied_by_person`; resolve: the request is ended by the person;
    return: the request goes back to the worker.
    """
    number, decision = data.get("request"), str(data.get("decision"))
    requests = tuple(_heed(r, decision, data) if r.number == number else r for r in case.requests)
    return replace(case, requests=requests), str(data.get("reply") or "")


def _heed(r: RequestState, decision: str, data: Mapping[str, object]) -> RequestState:
    if decision == "resolve":
        return replace(r, status="ended", outcome=r.outcome or "escalated", active=None)
    if decision == "return":
        return replace(r, status="open", queue="", because="", outcome="")
    if r.active is None or r.status != "awaiting_approval":
        return r
    name = str(data.get("name"))
    if decision == "approve":
        acts = tuple(replace(a, approved=True, status="planned") if a.name == name else a for a in r.active.acts)
        return replace(r, status="acting", active=replace(r.active, acts=acts))
    refusal = {"code": "denied_by_person", "message": str(data.get("note") or "")}
    return replace(r, status="open", active=None, fired=(*r.fired, r.active.rule), failed={**r.failed, name: refusal})
