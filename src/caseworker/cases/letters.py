"""Words for the customer: parts are gathered while a case is decided, and leave in one mail when nothing more is under way."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from caseworker.cases.model import ActState, Case, PartState, PlannedEffect, RequestState
from caseworker.cases.release import Release
from caseworker.core.facts import of
from caseworker.core.ids import case_reference
from caseworker.guard.brief import Asked, write_brief
from caseworker.sop.model import Decision
from caseworker.sop.parameters import resolve
from caseworker.writing.compose import Part, presentable, write_part, write_reply

GENERAL = "handed_over"
# A subject of somebody else's goes back in our name, so it may hold no address to go to.
_LINK = re.compile(r"://|\bwww\.|\b[\w-]{2,}\.[a-z]{2,}(?:/|\b)", re.IGNORECASE)


def reference(case: Case) -> str:
    """The case's reference as the customer sees it."""
    return case_reference(case.number)


def say(
    case: Case, r: RequestState, key: str, *, release: Release, facts: Mapping[str, object], question: bool = False
) -> Case:
    """Add the words of reply `key` for one request. Receipt-bound: words that need a receipt fail without it.

    `question`: they are answered yes or no.
    """
    if any(part.key == key and part.request == r.number for part in case.parts):
        return case
    values = {**facts, **r.known, "done": r.done, "failed": r.failed, "param": _parameters(r, release, facts)}
    part = write_part(release.replies, key, language=_language(case, release), values=values)
    state = PartState(key=key, request=r.number, text=part.text, subject=part.subject, receipts=part.receipts, whole=question)
    return replace(case, parts=(*case.parts, state))


def say_freely(case: Case, request: int, text: str, *, to: str) -> Case:
    """Words that a person wrote to whom he saw in the brief."""
    part = PartState(key="person", request=request, text=text, to=to or case.sender)
    return replace(case, parts=(*case.parts, part))


def hand_over_words(case: Case, r: RequestState, *, release: Release, facts: Mapping[str, object]) -> Case:
    """The customer is told that a person goes on, once per mail however many requests are handed over.

    An intent may have words of its own; they take the place of the general ones.
    """
    own = {spec.reply for spec in release.playbook.intents.values() if spec.reply}
    spec = release.playbook.intents.get(r.intent)
    key = spec.reply if spec and spec.reply and ("answer_by" in facts or not says_by_when(r.intent, release=release)) else ""
    if not key and any(part.key in {GENERAL, *own} for part in case.parts):
        return case
    if key:
        case = replace(case, parts=tuple(part for part in case.parts if part.key != GENERAL))
    return say(case, r, key or GENERAL, release=release, facts=facts)


def says_by_when(intent: str, *, release: Release) -> bool:
    """Whether an intent's own words for being handed over say until when a person answers."""
    spec = release.playbook.intents.get(intent)
    words = release.replies.by_key.get(spec.reply, {}) if spec and spec.reply else {}
    return any("answer_by" in reply.needed for reply in words.values())


def ask(case: Case, keys: Sequence[str], not_found: Sequence[str], *, release: Release) -> Case:
    """Remember what is asked; the questions are written with the letter, beside those that no letter has carried yet."""
    if not keys:
        return case
    waiting, unknown = (case.asking, case.not_found) if case.asked_at is None else ((), ())
    asking, missed = tuple(dict.fromkeys((*waiting, *keys))), tuple(dict.fromkeys((*unknown, *not_found)))
    return replace(case, asking=asking, not_found=missed, asked_at=None, reminded=False)


def is_held(case: Case) -> bool:
    """Whether the mail waits for something under way, so that one mail tells and asks everything."""
    return any(r.status == "acting" and r.active and any(a.status == "asked" for a in r.active.acts) for r in case.requests)


def letters_of(case: Case, *, release: Release, event: str, now: datetime) -> tuple[Case, tuple[PlannedEffect, ...]]:
    """The mail of this event, unless something is still under way or the sender must not be answered automatically.

    What a person wrote always leaves: in the same mail where it goes to the same customer, else in one of its own.
    """
    asks = case.asking if case.asked_at is None else ()
    if is_held(case) or (not case.parts and not asks):
        return case, ()
    cleared = replace(case, parts=())
    if case.history:
        return cleared, ()
    together = case.may_answer and bool(case.sender)
    apart = [part for part in case.parts if part.to and not (together and part.to == case.sender)]
    found = [
        _letter(
            replace(case, parts=(part,), sender=part.to, sender_name=""), (), release=release, name=f"{event}/person", now=now
        )
        for part in apart[:1]
    ]
    rest = tuple(part for part in case.parts if part not in apart)
    if together and (rest or asks):
        found.append(_letter(replace(case, parts=rest), asks, release=release, name=event, now=now))
    return cleared, tuple(found)


def _letter(case: Case, asks: Sequence[str], *, release: Release, name: str, now: datetime) -> PlannedEffect:
    parts = [Part(p.key, p.text, p.subject, p.receipts, p.whole) for p in case.parts]
    several = sum(part.whole for part in parts) > 1  # one yes to two questions says nothing
    if several and "confirm_each" in release.replies.by_key:
        parts.append(write_part(release.replies, "confirm_each", language=_language(case, release), values={}))
    written = write_reply(
        release.replies,
        parts,
        asks=asks,
        not_found=case.not_found,
        language=_language(case, release),
        customer_name=case.sender_name,
        signature=_signature(case, release),
        reference=reference(case),
        values=_shown(case),
    )
    arguments = {
        "to": case.sender,
        "to_name": presentable(case.sender_name),
        "subject": written.subject if not case.subject or _LINK.search(case.subject) else case.subject,
        "text": written.text,
        "language": _language(case, release),
        "in_reply_to": case.last_message_id,
        "references": list(case.references),
        "replies": list(written.replies),
        "receipts": list(written.receipts),
        "asks": list(asks),
        "date": now,
    }
    return PlannedEffect(
        key=f"{case.number}/send/{name}", kind="send", request=0, name="send", operation="mail.send", arguments=arguments
    )


def brief(
    case: Case, r: RequestState, *, release: Release, decision: Decision | None, act: ActState | None = None
) -> Mapping[str, object]:
    """Everything gathered for a person: what was asked, found and checked, which rule, what is proposed; as facts."""
    spec = release.playbook.intents.get(r.intent)
    procedure = release.playbook.procedure_for(r.intent)
    asked = Asked(r.intent, spec.description if spec else "", r.words, r.confidence, dict(r.answers))
    written = write_brief(
        decision or Decision("", r.rule, (), (), facts=r.known),
        title=procedure.title if procedure else (spec.description if spec else r.intent),
        asked=[asked],
        words=release.guardrails.because,
        done=_receipts(r.done),
        failed=_receipts(r.failed),
        because=r.because,
    )
    facts = of(written)
    assert isinstance(facts, dict)
    proposed = of({"operation": act.operation, "arguments": act.arguments, "amount": act.amount}) if act else None
    about = {"case": reference(case), "customer": case.sender, "verified": case.sender_verified, "subject": case.subject}
    return {**about, **facts, **({"approve": proposed} if proposed else {}), **r.meanwhile}


def _receipts(receipts: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    return {name: receipt for name, receipt in receipts.items() if isinstance(receipt, Mapping)}


def _parameters(r: RequestState, release: Release, facts: Mapping[str, object]) -> Mapping[str, object]:
    """The playbook's parameters for the order's country and brand, as the procedure saw them."""
    worker, order, now = release.playbook.worker, r.known.get("order"), facts["now"]
    assert isinstance(now, datetime)
    given = order if isinstance(order, Mapping) else {}
    country, brand = str(given.get("country") or worker.default_country), str(given.get("brand") or worker.brand)
    return {
        name: resolve(parameter, country=country, brand=brand, on=now.date())
        for name, parameter in release.playbook.parameters.items()
    }


def _shown(case: Case) -> Mapping[str, object]:
    """Facts that questions may show: those of the request that asks."""
    asking = [r for r in case.requests if r.status == "awaiting_customer"]
    return asking[0].known if asking else {}


def _language(case: Case, release: Release) -> str:
    return case.language or release.playbook.worker.default_language


def _signature(case: Case, release: Release) -> str:
    for mailbox in release.playbook.worker.mailboxes:
        if mailbox.address == case.mailbox:
            return mailbox.signature
    return release.playbook.worker.mailboxes[0].signature if release.playbook.worker.mailboxes else ""
