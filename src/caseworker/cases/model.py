"""A case and what moves it. Frozen; the stored form is `STATE_VERSION` of `cases.state`.

Three words are used in no other sense: a case is *resolved* (claimed) on receipts, *confirmed* when the customer was told, and
*verified* when the promised state was read back from the system of record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caseworker.sop.recorded import Recording

CaseStatus = Literal["open", "awaiting_customer", "waiting", "with_people", "closed"]
RequestStatus = Literal["open", "acting", "awaiting_customer", "waiting", "awaiting_approval", "with_people", "ended"]
EventKind = Literal["mail", "timer", "receipt", "person", "wake"]
EffectKind = Literal["write", "send"]
EffectStatus = Literal["planned", "started", "done", "pending", "unknown", "refused", "held", "aside", "shadow", "cancelled"]
Mode = Literal["shadow", "draft", "live"]


@dataclass(frozen=True, slots=True)
class ActState:
    """One act of the row under way. `amount` is Money or None; `approved` once a person said yes."""

    name: str
    operation: str
    arguments: Mapping[str, object]
    amount: object = None
    approved: bool = False
    over_limit: bool = False  # a limit was reached between the decision and the call: a person decides
    status: Literal["planned", "asked", "pending", "unknown", "done"] = "planned"


@dataclass(frozen=True, slots=True)
class ActiveRow:
    """A row that fired and whose acts are not all settled. `after` are the moves that follow, as facts.

    `sender` is who wrote when it fired: its words are for nobody else."""

    rule: str
    acts: tuple[ActState, ...]
    after: tuple[Mapping[str, object], ...]
    meanwhile: str = ""
    said_meanwhile: bool = False
    sender: str = ""


@dataclass(frozen=True, slots=True)
class RequestState:
    """One thing the customer wants, and how far it is.

    `answers` are `request.KEY` facts gathered over all mails; `done` and `failed` are receipts and refusals by name;
    `known` are the facts the last decision computed (order, lines, amounts), kept for briefs and replies. `round` counts how
    often the request was taken up anew; it is part of the effects' keys. `confirming` is the row whose yes or no is awaited,
    `confirmed` the answers by row, `shown` what each question showed: an answer holds for that alone. `record` is the number
    of the record (an order) that something was begun for: from then on the request is about no other.
    `meanwhile` is for a brief: what was not done because the customer wrote, and what he wrote.
    """

    number: int
    intent: str
    confidence: float
    words: str
    round: int = 1
    status: RequestStatus = "open"
    outcome: str = ""
    queue: str = ""
    because: str = ""
    rule: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    fired: tuple[str, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)
    waiting: str = ""
    waiting_since: datetime | None = None
    timed_out: tuple[str, ...] = ()
    confirmed: Mapping[str, bool] = field(default_factory=dict)
    confirming: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)
    done: Mapping[str, object] = field(default_factory=dict)
    failed: Mapping[str, object] = field(default_factory=dict)
    active: ActiveRow | None = None
    known: Mapping[str, object] = field(default_factory=dict)
    record: str = ""
    anchor: str = ""  # the need whose owner counts; `order` where none is named
    meanwhile: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartState:
    """Words already found for the customer, waiting for the one mail that carries them. `receipts` are those it relies on.

    `to` is set on a person's words: whom that person saw and answered, whoever wrote meanwhile. `whole` is a question that is
    answered yes or no.
    """

    key: str
    request: int
    text: str
    subject: str = ""
    receipts: tuple[str, ...] = ()
    to: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the machine sees it. Times UTC.

    `sender` is who wrote last; an identity proven by one address is not another's."""

    number: int
    worker: str
    mailbox: str
    shop: str
    release: str
    status: CaseStatus
    opened_at: datetime
    language: str = ""
    subject: str = ""
    sender: str = ""
    sender_name: str = ""
    sender_verified: bool = False
    contacts: int = 0
    photos: int = 0
    attachments: int = 0
    chased: bool = False
    requests: tuple[RequestState, ...] = ()
    parts: tuple[PartState, ...] = ()
    asking: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    asked_at: datetime | None = None
    reminded: bool = False
    last_message_id: str = ""
    references: tuple[str, ...] = ()
    may_answer: bool = True
    texts: tuple[str, ...] = ()
    automatic_without_news: int = 0
    closed_at: datetime | None = None
    verified_at: datetime | None = None
    history: bool = False

    @property
    def open_requests(self) -> tuple[RequestState, ...]:
        """Requests that the worker still has to end."""
        return tuple(r for r in self.requests if r.status not in ("ended", "with_people"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a case. `id` makes repeats free; order is by `seq`, never by time."""

    case: int
    seq: int
    id: str
    kind: EventKind
    data: Mapping[str, object]
    due_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be stored with a commit, for example a timer. A timer replaces an open one of the same `id`."""

    id: str
    kind: EventKind
    data: Mapping[str, object]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedEffect:
    """An effect to do after the commit. `key` is deterministic: the same effect planned twice is one row.

    `owner` is the address of the record's owner, whoever asked: the limits of a customer's day are counted by it.
    """

    key: str
    kind: EffectKind
    request: int
    name: str
    operation: str
    arguments: Mapping[str, object]
    amount: object = None
    reason: str = ""
    mode: Mode = "live"
    owner: str = ""
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect as stored. `receipt` are facts; `error` is a refusal or trouble as facts."""

    id: int
    case: int
    key: str
    kind: EffectKind
    request: int
    name: str
    operation: str
    arguments: Mapping[str, object]
    amount: object
    reason: str
    status: EffectStatus
    attempts: int
    due_at: datetime
    receipt: Mapping[str, object] = field(default_factory=dict)
    error: Mapping[str, object] = field(default_factory=dict)
    customer: str = ""
    approved: bool = False


@dataclass(frozen=True, slots=True)
class WrongProof:
    """What names a record (an order number) with proofs that are not its own: somebody may be guessing."""

    record: str
    proof: str


@dataclass(frozen=True, slots=True)
class QueueItem:
    """Work for a person. An `approval` holds one act; an `escalation` hands a request over with everything gathered."""

    kind: Literal["escalation", "approval", "outcome_unknown"]
    request: int
    queue: str
    because: str
    brief: Mapping[str, object]
    name: str = ""


BY_A_PERSON = "a person has answered"  # the check of a promise that no system can show


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """A commitment in a reply: what, how much, until when, and the condition that says it was kept (or `BY_A_PERSON`)."""

    request: int
    what: str
    amount: object
    due: datetime
    kept_when: str
    bound: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromiseJudged:
    """What became of a promise when it fell due. `unclear`: its condition could not be computed."""

    request: int
    what: str
    due: datetime
    status: Literal["kept", "broken", "unclear"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's timeline. `kind` is a word, `data` facts."""

    kind: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """What one turn asks for: look-ups first (then it is asked again), or changes to commit and effects to do.

    `withdrawn` are requests whose writes, where none has begun, and whose open approvals are taken back. `recordings` are the
    decisions whose moves were taken, in order.
    """

    case: Case
    lookups: tuple["CaseLookUp", ...] = ()
    effects: tuple[PlannedEffect, ...] = ()
    timers: tuple[NewEvent, ...] = ()
    items: tuple[QueueItem, ...] = ()
    promises: tuple[PromiseMade, ...] = ()
    entries: tuple[Entry, ...] = ()
    wrong_proofs: tuple[WrongProof, ...] = ()
    withdrawn: tuple[int, ...] = ()
    judged: tuple[PromiseJudged, ...] = ()
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseLookUp:
    """A read for one request's need."""

    request: int
    need: str
    operation: str
    arguments: Mapping[str, object]
