"""What came in, made into facts: mails are read, timers and receipts and people are heard."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from caseworker.cases import letters
from caseworker.cases.disbelieved import hear_disbelieved
from caseworker.cases.hear import MailFacts, hear_mail, hear_person, hear_receipt
from caseworker.cases.meanwhile import HeldBack, hold_back
from caseworker.cases.model import Case, Effect, Entry, Event, NewEvent, PromiseJudged, QueueItem
from caseworker.cases.ports import CaseStore, EffectStore, StoredMail
from caseworker.cases.release import Release
from caseworker.cases.turn import facts_of
from caseworker.commerce.errors import Refusal
from caseworker.commerce.model import Order
from caseworker.commerce.ports import Commerce
from caseworker.engine.promises import PromiseKeeper
from caseworker.engine.verify import Verifier
from caseworker.mail.model import Attachment, Message
from caseworker.mail.newtext import new_text
from caseworker.mail.ours import equal_text_hash
from caseworker.reading.model import Context, Intent, MailText, Question
from caseworker.reading.ports import Reader

NUMBER = re.compile(r"[A-Za-z]{0,4}[\s-]{0,2}\d[\d\s/-]{3,18}\d")
MAX_CANDIDATES = 20
MOST_WORDS = 2_000  # characters of a mail in a brief; the whole of it is on the case's page
CONFIRM = Question(key="confirm", kind="yes_no")


@dataclass(frozen=True, slots=True)
class Heard:
    """The case after an event; `quiet` where nothing is to be decided, `withdrawn` as in `Step`."""

    case: Case
    entries: tuple[Entry, ...] = ()
    timers: tuple[NewEvent, ...] = ()
    items: tuple[QueueItem, ...] = ()
    quiet: bool = False
    withdrawn: tuple[int, ...] = ()
    judged: tuple[PromiseJudged, ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    """Turns events into facts; asks the reader and, read-only, the shop for candidate orders."""

    cases: CaseStore
    effects: EffectStore
    reader: Reader
    commerce: Commerce
    verifier: Verifier
    promises: PromiseKeeper

    async def hear(self, case: Case, event: Event, release: Release, now: datetime) -> Heard:
        """One event."""
        match event.kind:
            case "mail":
                return await self._mail(case, await self.cases.mail(int(str(event.data["message"]))), release, now)
            case "timer":
                return await self._timer(case, event, release, now)
            case "receipt":
                effect = await self.effects.get(int(str(event.data["effect"])))
                return _reply_not_sent(case, effect, release) if effect.kind == "send" else Heard(hear_receipt(case, effect))
            case "person":
                return _person(case, event, release, now)
            case _:
                return Heard(case)

    async def _mail(self, case: Case, stored: StoredMail, release: Release, now: datetime) -> Heard:
        message = stored.message
        machine = _machine_mail(case, message, release)
        if machine is not None:
            return machine
        if message.trust.status == "failed" and _is_somebody_elses(case, message):
            return _disbelieved(case, stored, release)
        ours = await self.cases.our_texts(case.number)
        if ours:  # known only now that the case is: quotations of ourselves are cut whatever their form
            again = await asyncio.to_thread(  # a long mail must not keep the other cases' leases from being renewed
                new_text, message.text, html=message.html, our_texts=ours, subject=message.subject
            )
            message = replace(message, new_text=again)
        words = message.new_text.text
        if "encrypted" in message.flags:
            words = ""
        text = MailText(
            subject=message.subject,
            body=words,
            attachments={a.filename: a.text for a in message.attachments if not a.inline},
            history=message.new_text.history,
            pictures=tuple(a.filename for a in message.attachments if _is_photo(a)),
        )
        verified = message.trust.status == "verified"
        context = Context(
            orders=await self._candidates(case, message, words, forms=release.playbook.worker.order_numbers),
            sender_verified=verified,
            pending=(pending := waited_for(case, release)),
            open_intents=_open_intents(case, pending),
            number_forms=tuple(release.playbook.worker.order_numbers),
            default_language=case.language or release.playbook.worker.default_language,
            default_country=release.playbook.worker.default_country,
            mailboxes=tuple(mailbox.address.lower() for mailbox in release.playbook.worker.mailboxes),
        )
        reading = await self.reader.read(text, intents=_intents(release), questions=_questions(release), context=context)
        facts = _facts(message, stored, case)
        heard, entries = hear_mail(case, facts, reading, release)
        held = HeldBack(heard)
        if facts.text_hash not in case.texts:
            held = hold_back(
                case,
                heard,
                reading=reading,
                words=words,
                unstarted=await self.effects.unstarted(case.number),
                fallback_queue=release.playbook.worker.fallback_queue,
            )
            heard = held.case
        arrived = Entry("mail", {"message": stored.id, "from": heard.sender, "trust": message.trust.status})
        if reading.chaser and not reading.requests and case.requests:
            heard = _chaser(heard, release, now)
        return Heard(heard, (arrived, *entries, *held.entries), withdrawn=held.withdrawn)

    async def _candidates(self, case: Case, message: Message, words: str, *, forms: Sequence[str]) -> tuple[Order, ...]:
        """Orders by the verified sender's address and by number patterns in the mail; a look-up only, nothing is told."""
        orders: dict[str, Order] = {}
        queries: list[dict[str, object]] = []
        if message.trust.status == "verified" and message.sender:
            queries.append({"email": message.sender.email})
        numbers = {match.group().strip() for match in NUMBER.finditer(f"{message.subject}\n{words}"[:8000])}
        numbers |= {full for number in numbers for form in forms if (full := _full_number(number, form))}
        queries.extend({"number": number} for number in sorted(numbers)[:MAX_CANDIDATES])
        for arguments in queries:
            try:
                found = await self.commerce.read(case.shop, "orders.find", {**arguments, "limit": MAX_CANDIDATES})
            except Refusal:
                continue
            if isinstance(found, tuple | list):
                orders.update({order.number: order for order in found if isinstance(order, Order)})
        return tuple(orders.values())

    async def _timer(self, case: Case, event: Event, release: Release, now: datetime) -> Heard:
        name = event.data.get("name")
        waiting = [r for r in case.requests if r.status == "awaiting_customer"]
        if name == "remind":
            if not waiting or case.reminded:
                return Heard(case, quiet=True)
            facts = facts_of(case, waiting[0], now)
            reminded = replace(case, reminded=True)
            return Heard(letters.say(reminded, waiting[0], "reminder", release=release, facts=facts))
        if name == "give_up":
            requests = tuple(replace(r, status="ended", outcome="no_answer") if r in waiting else r for r in case.requests)
            if not waiting:
                return Heard(case, quiet=True)
            ended = replace(case, requests=requests, asking=(), asked_at=None)
            told = letters.say(ended, waiting[0], "gave_up", release=release, facts=facts_of(ended, waiting[0], now))
            return Heard(told, (Entry("gave_up", {"asked": list(case.asking)}),))
        if name == "promise":
            verdict = await self.promises.judge(case, event, release, now)
            return Heard(case, (verdict.entry,), items=verdict.items, quiet=True, judged=(verdict.judged,))
        if name == "verify":
            verified, entries = await self.verifier.verify(case, now)
            return Heard(verified, entries, quiet=True)
        return Heard(case)


def _full_number(written: str, form: str) -> str:
    """The order number that bare digits stand for: `104233` in the form `NW-2026-######`; empty where they do not fit."""
    digits = re.sub(r"\D", "", written)
    return form[: form.index("#")] + digits if "#" in form and len(digits) == form.count("#") else ""


def _facts(message: Message, stored: StoredMail, case: Case) -> MailFacts:
    answer_to = message.answer_to
    photos = sum(1 for a in message.attachments if _is_photo(a))
    words = message.new_text.text.strip()
    return MailFacts(
        message_id=message.message_id,
        references=message.references,
        sender=answer_to.email if answer_to else "",
        sender_name=answer_to.name if answer_to else "",
        sender_verified=message.trust.status == "verified" and _answers_to_itself(message),
        subject=message.subject,
        text_hash=equal_text_hash(words) if words else "",
        photos=photos,
        attachments=len(message.attachments),
        may_answer=message.classification.may_answer and answer_to is not None,
        received_at=stored.received_at,
        words=words[:MOST_WORDS],
    )


def _is_photo(attachment: Attachment) -> bool:
    """A picture that was sent along; those within the words are logos as a rule."""
    return attachment.picture and not attachment.inline


def _answers_to_itself(message: Message) -> bool:
    """Only the From address is ever proven: a Reply-To that names somebody else is somebody else."""
    return message.answer_to is not None and message.sender is not None and message.answer_to.email == message.sender.email


def _machine_mail(case: Case, message: Message, release: Release) -> Heard | None:
    """Bounces, out-of-office and the like: noted on the case, never answered, never reopening it."""
    kind = message.classification.kind
    if kind != "bounce" and message.classification.for_person:
        return None
    entry = Entry("machine_mail", {"kind": kind, "why": message.classification.why})
    if kind == "bounce" and _returns_our_mail(case, message):
        assert message.bounce is not None
        queue = release.playbook.worker.fallback_queue
        brief = {
            "asked": {},
            "because": "undeliverable",
            "recipient": message.bounce.recipient,
            "status": message.bounce.status,
        }
        item = QueueItem("escalation", 1, queue, "undeliverable", brief)
        return Heard(replace(case, may_answer=False), (entry,), items=(item,), quiet=True)
    return Heard(case, (entry,), quiet=True)


def _disbelieved(case: Case, stored: StoredMail, release: Release) -> Heard:
    message = stored.message
    heard, entries, items = hear_disbelieved(case, message, release)
    claimed = message.sender.email if message.sender else ""
    arrived = Entry("mail", {"message": stored.id, "from": claimed, "trust": message.trust.status})
    return Heard(heard, (arrived, *entries), items=items, quiet=not case.history)


def _is_somebody_elses(case: Case, message: Message) -> bool:
    """The case is one of a customer whose address was verified, or of another address.

    Else it is as good as a mail without any check (a forwarder breaks many): only order number and postcode prove anything.
    """
    writer = message.sender.email if message.sender else ""
    return bool(case.contacts) and (case.sender_verified or case.sender != writer or not _answers_to_itself(message))


def _returns_our_mail(case: Case, message: Message) -> bool:
    """A permanent bounce of the address that the case writes to; anybody can write one about another."""
    bounce = message.bounce
    return bounce is not None and bounce.permanent and bounce.recipient.lower() in ("", case.sender)


def _chaser(case: Case, release: Release, now: datetime) -> Case:
    """ "Any news?": answered once with the case's real state; asked again, a person sees it on the timeline."""
    last = case.requests[-1]
    if last.status == "ended" and not last.done:
        anew = replace(last, round=last.round + 1, status="open", outcome="", fired=(), failed={}, timed_out=())
        return replace(case, requests=(*case.requests[:-1], anew))
    if case.chased or release.mode_of(last.intent) != "live":
        return case
    case = replace(case, chased=True)
    return letters.say(case, last, "chaser_open", release=release, facts=facts_of(case, last, now))


def _reply_not_sent(case: Case, effect: Effect, release: Release) -> Heard:
    """The customer was never told: a person sees the words and why they did not go out."""
    said = {key: effect.arguments.get(key) for key in ("to", "subject", "text")}
    brief = {**said, "because": "reply_not_sent", "error": dict(effect.error)}
    queue = release.playbook.worker.fallback_queue
    item = QueueItem("escalation", len(case.requests) or 1, queue, "reply_not_sent", brief)
    return Heard(case, (Entry("reply_not_sent", {"error": dict(effect.error)}),), items=(item,), quiet=True)


def _person(case: Case, event: Event, release: Release, now: datetime) -> Heard:
    heard, reply = hear_person(case, event.data)
    if reply:
        number = int(str(event.data.get("request") or 1))
        heard = letters.say_freely(heard, number, reply, to=str(event.data.get("to") or ""))
    entry = Entry("person", {k: event.data.get(k) for k in ("request", "decision", "by", "note", "name")})
    return Heard(heard, (entry,))


def waited_for(case: Case, release: Release) -> tuple[Question, ...]:
    """What the last mail asked for, in that order, then what was asked before: own words answer only the former."""
    known = {question.key: question for question in _questions(release)}
    before = [key for r in case.requests if r.status == "awaiting_customer" for key in r.asked]
    pending = [known[key] for key in dict.fromkeys((*case.asking, *before)) if key in known and key in before]
    pending = [question for question in pending if question.kind != "text" or question.key in case.asking]
    if any(r.confirming for r in case.requests):
        pending.append(CONFIRM)
    return tuple(pending)


def _open_intents(case: Case, pending: Sequence[Question]) -> tuple[str, ...]:
    """What the case is about already; not beside a question for a yes: "yes, and cancel the lamp" is no plain yes."""
    if CONFIRM in pending:
        return ()
    return tuple(r.intent for r in case.open_requests)


def _intents(release: Release) -> Sequence[Intent]:
    return [Intent(i.name, i.description, i.examples, i.always_escalate) for i in release.playbook.intents.values()]


def _questions(release: Release) -> Sequence[Question]:
    return [
        Question(key=q.key, kind=q.kind, options=tuple(q.options), words=q.options, forms=q.forms)  # type: ignore[arg-type]  # kinds are checked by `caseworker check`
        for q in release.playbook.questions.values()
    ]
