"""A mail whose sender failed the check (DMARC): people read it; nobody is answered, nothing is done, no answer counts. Pure."""

from dataclasses import replace

from caseworker.cases import letters
from caseworker.cases.model import Case, Entry, QueueItem, RequestState
from caseworker.cases.release import Release
from caseworker.mail.model import Message

BECAUSE = "sender_failed_the_check"
MOST_WORDS = 2_000  # characters of the mail in the brief; the whole of it is on the case's page


def hear_disbelieved(case: Case, message: Message, release: Release) -> tuple[Case, tuple[Entry, ...], tuple[QueueItem, ...]]:
    """The case with the mail as one more request for people.

    A case that exists keeps its sender, its answers and its proofs: only the request is new, and one waits at a time. A new
    case is the named sender's as far as people may want to write to him; the worker itself never does.
    """
    queue = release.playbook.worker.fallback_queue
    told = Entry("handed_over", {"request": len(case.requests) + 1, "queue": queue, "because": BECAUSE})
    if not case.contacts:
        case = _begun(case, message)
    if any(r.because == BECAUSE and r.status == "with_people" for r in case.requests):
        return case, (), ()
    request = RequestState(
        number=len(case.requests) + 1,
        intent="unclear",
        confidence=0.0,
        words=message.new_text.text[:MOST_WORDS],
        status="with_people",
        outcome="escalated",
        queue=queue,
        because=BECAUSE,
        rule=BECAUSE,
    )
    if case.history:
        request = replace(request, status="ended", outcome="would:escalated")
        return replace(case, requests=(*case.requests, request)), (told,), ()
    heard = replace(case, requests=(*case.requests, request), status="with_people", closed_at=None)
    claimed = message.sender.email if message.sender else ""
    brief = {**letters.brief(heard, request, release=release, decision=None), "from": claimed, "trust": message.trust.why}
    return heard, (told,), (QueueItem("escalation", request.number, queue, BECAUSE, brief),)


def _begun(case: Case, message: Message) -> Case:
    sender = message.sender
    return replace(
        case,
        sender=case.sender or (sender.email if sender else ""),
        sender_name=case.sender_name or (sender.name if sender else ""),
        subject=case.subject or message.subject,
        contacts=case.contacts + 1,
        last_message_id=message.message_id,
        references=(message.message_id,) if message.message_id else (),
        may_answer=False,
    )
