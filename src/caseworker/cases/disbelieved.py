"""A mail into somebody's case whose sender failed the check (DMARC): people read it, no answer in it counts. Pure."""

from dataclasses import replace

from caseworker.cases import letters
from caseworker.cases.model import Case, Entry, QueueItem, RequestState
from caseworker.cases.release import Release
from caseworker.mail.model import Message

BECAUSE = "sender_failed_the_check"
MOST_WORDS = 2_000  # characters of the mail in the brief; the whole of it is on the case's page


def hear_disbelieved(case: Case, message: Message, release: Release) -> tuple[Case, tuple[Entry, ...], tuple[QueueItem, ...]]:
    """The case with the mail as one more request for people.

    It keeps its sender, its answers and its proofs: only the request is new, and one waits at a time.
    """
    queue = release.playbook.worker.fallback_queue
    told = Entry("handed_over", {"request": len(case.requests) + 1, "queue": queue, "because": BECAUSE})
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
