"""A mail that comes while something waits to be done may take the wish back: it is read by a person first. Pure.

Waiting is what a person has not approved, what a stop holds back, and what a shop that is away has not got yet. Such an act is
withdrawn. What may have happened already cannot be; then a person gets the mail while the act goes on.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from caseworker.cases.hear import SURE
from caseworker.cases.model import Case, Entry, RequestState
from caseworker.cases.turn import record_of
from caseworker.core.facts import of
from caseworker.reading.model import Reading, Request

WRITTEN_MEANWHILE = "written_meanwhile"
MOST_WORDS = 2_000  # characters of the mail in the brief; the whole of it is on the case's page
# Words with which people take something back, beside thanks, a "any news?" or an answer to another question.
_STOPS = re.compile(
    r"\b(?:stop|don'?t|do not|keep(?:ing)? (?:it|them|the|my|everything)|no longer|not any ?more|never ?mind|changed my mind"
    r"|forget (?:it|about)|take (?:it |that )?back|withdraw|revoke|stopp\w*|halt|nicht mehr|doch nicht|bitte nicht"
    r"|nicht (?:stornier|ändern|schicken|erstatten)\w*|behalte\w*|zurückziehen|widerruf\w*|anders überlegt|vergessen sie)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """`withdrawn` are the requests whose planned writes and open approvals are taken back in the same commit."""

    case: Case
    withdrawn: tuple[int, ...] = ()
    entries: tuple[Entry, ...] = ()


def hold_back(
    before: Case, heard: Case, *, reading: Reading, words: str, unstarted: Collection[int], fallback_queue: str
) -> HeldBack:
    """The case after a mail, with what was waiting to be done in `before` handed to people where the mail may speak of it.

    `words` are the mail's new words; `unstarted` the requests whose write has certainly not happened; `fallback_queue` takes
    the mail where the act is under way.
    """
    waiting = [r for r in before.requests if r.active is not None and r.status in ("acting", "awaiting_approval")]
    concerned = [r.number for r in waiting if words.strip() and _concerns(before, r, reading, words)]
    stopped = tuple(r.number for r in waiting if r.number in concerned and (r.number in unstarted or _asks_people(r)))
    requests = [_stopped(r, words) if r.number in stopped else r for r in heard.requests]
    entries = [Entry("held_back", {"request": number, "because": WRITTEN_MEANWHILE}) for number in stopped]
    if len(concerned) > len(stopped) and not any(r.because and r.active is None for r in requests if r.status == "open"):
        requests.append(_for_people(len(requests) + 1, words, fallback_queue))
    return HeldBack(replace(heard, requests=tuple(requests)), stopped, tuple(entries))


def _asks_people(r: RequestState) -> bool:
    return r.status == "awaiting_approval"


def _stopped(r: RequestState, words: str) -> RequestState:
    """Back to the beginning of the row, with people; the round keeps the effect's key from being used a second time."""
    assert r.active is not None
    acts = [{"operation": act.operation, "amount": act.amount} for act in r.active.acts if act.status != "done"]
    return replace(
        r,
        status="open",
        active=None,
        round=r.round + 1,
        because=r.because or WRITTEN_MEANWHILE,
        meanwhile={"held_back": of(acts), "written": words[:MOST_WORDS]},
    )


def _for_people(number: int, words: str, queue: str) -> RequestState:
    return RequestState(
        number=number,
        intent="unclear",
        confidence=0.0,
        words=words[:MOST_WORDS],
        queue=queue,
        because=WRITTEN_MEANWHILE,
    )


def _concerns(case: Case, r: RequestState, reading: Reading, words: str) -> bool:
    """Whether a mail may be about what waits to be done for `r`: more than thanks, a question for news or another matter."""
    if reading.risks or reading.abstained:
        return True
    told = [_about(r, request, reading) for request in reading.requests]
    if any(about == "same" for about in told):
        return True
    if told and all(about == "other order" for about in told):
        return False
    answers = {key for key, field in reading.fields.items() if field.confidence >= SURE}
    awaited = any(other.confirming and other.status == "awaiting_customer" for other in case.requests)
    answered = bool(answers & set(case.asking)) or (awaited and "confirm" in answers)
    if told or reading.thanks or reading.chaser or answered:
        return bool(_STOPS.search(words))
    return True


def _about(r: RequestState, said: Request, reading: Reading) -> str:
    field = said.fields.get("order_number") or reading.fields.get("order_number")
    named = field.value if field is not None and field.confidence >= SURE else None
    own = record_of(r, "number") or r.answers.get("order_number")
    if named and own and named != own:
        return "other order"
    return "same" if said.intent == r.intent or (named and named == own) else "another matter"
