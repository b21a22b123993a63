"""Playbooks, procedures and decisions. Everything is frozen and pure data; nothing here runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from caseworker.core.findings import NOWHERE, Finding, Place

__all__ = [
    "Accept",
    "Act",
    "ActSpec",
    "Ask",
    "Confirm",
    "Decision",
    "Escalate",
    "Finding",
    "Found",
    "Identity",
    "IntentSpec",
    "Invariant",
    "Judgement",
    "Known",
    "LookUp",
    "MailboxSpec",
    "Move",
    "Need",
    "OperationType",
    "Outcome",
    "Parameter",
    "ParameterValue",
    "Place",
    "Playbook",
    "Procedure",
    "Progress",
    "Promise",
    "PromiseSpec",
    "Proofs",
    "Question",
    "Range",
    "Resolve",
    "Row",
    "RowTrace",
    "Say",
    "Season",
    "Vocabulary",
    "Wait",
    "WaitSpec",
    "WorkerSpec",
]

Identity = Literal["not_needed", "verified", "unverified", "refused"]
Outcome = Literal["resolved", "declined", "answered", "no_answer"]


# -- what a playbook is told about the world (its vocabulary) ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OperationType:
    """An operation procedures may name. Types are words: `string int bool Money time Ref[order] order list[line]`, further
    `double`, `duration`, `map[string]`, `optional[time]` (may be absent) and `enum[placed|paid]` (a string of these).

    `money` is the argument that carries the amount, or a fact path such as `order.refundable` where the system decides it.
    """

    name: str
    kind: Literal["read", "write"]
    parameters: Mapping[str, str]
    required: frozenset[str]
    returns: str
    receipt: Mapping[str, str]
    money: str = ""
    charges: bool = False  # the customer pays the amount, not the retailer


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`records` maps a record type to the types of its fields; both come from outside, this room knows no shop."""

    records: Mapping[str, Mapping[str, str]]
    operations: Mapping[str, OperationType]
    refusals: frozenset[str] = frozenset()  # codes that `failed.NAME.code` may be; empty: not known

    def joined(self, other: "Vocabulary") -> "Vocabulary":
        """Both together; where both know a record the fields are put together, where both know an operation `other` wins."""
        records = {
            name: {**self.records.get(name, {}), **other.records.get(name, {})} for name in {*self.records, *other.records}
        }
        return Vocabulary(records, {**self.operations, **other.operations}, self.refusals | other.refusals)


# -- a playbook as loaded ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """One value with the circumstances it holds in; None means any. Dates are inclusive."""

    value: object
    country: str | None = None
    brand: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    season: "Season | None" = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Season:
    """A part of every year, from the first day to the last, both inclusive; it may run over the turn of the year.

    Days are (month, day)."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]

    def holds(self, on: date) -> bool:
        """Whether a day is in the season."""
        day = (on.month, on.day)
        return self.first <= day <= self.last if self.first <= self.last else day >= self.first or day <= self.last


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value; the most specific matching row wins (country and brand before date range before none)."""

    name: str
    type: str
    values: tuple[ParameterValue, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only the customer knows. The answer arrives as `request.KEY`; words stand in `replies/ask_KEY/`.

    `forms` are how a code looks: `#` is a digit, `@` a letter.
    """

    key: str
    kind: str
    options: Mapping[str, Mapping[str, tuple[str, ...]]]
    place: Place
    forms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One fact that a procedure needs, by exactly one of `find`, `look`, `choose`, `take`.

    find: operation returning records, exactly one wanted; look: operation returning one record; choose: a list expression
    and the request field with chosen ids; take: a request field. `arguments` are CEL sources by parameter name.
    """

    name: str
    find: str = ""
    look: str = ""
    choose: str = ""
    take: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    using: str = ""
    one_of: tuple[str, ...] = ()
    ask: str = ""
    skip_when: str = ""
    or_else: str = ""  # what counts where the customer was asked and could not say it
    optional: bool = False
    ask_late: bool = False  # asked only when a row needs it, not along with other questions
    place: Place = NOWHERE
    lines: Mapping[str, int] = field(default_factory=dict)  # line of each key, for messages


@dataclass(frozen=True, slots=True)
class ActSpec:
    """One operation of a row. `arguments` are CEL sources; `name` is what its receipt is called in `done` and `failed`."""

    operation: str
    arguments: Mapping[str, str]
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class WaitSpec:
    """`until` is CEL; the case is looked at every `every` and gives up after `at_most`, when row `then` fires."""

    until: str
    at_most: timedelta
    then: str
    every: timedelta
    place: Place


@dataclass(frozen=True, slots=True)
class PromiseSpec:
    """A commitment to the customer. `amount`, `by` and `kept_when` are CEL sources."""

    what: str
    amount: str
    by: str
    kept_when: str
    place: Place


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the decision table. `when` is CEL; `otherwise` rows have an empty one.

    `confidence` is the least confidence of the request's intent with which the row may fire (0 to 1).
    """

    name: str
    when: str
    do: tuple[ActSpec, ...] = ()
    reply: str = ""
    meanwhile: str = ""
    confirm: str = ""
    promise: PromiseSpec | None = None
    wait: WaitSpec | None = None
    escalate_queue: str = ""
    escalate_because: str = ""
    resolve: Outcome | Literal[""] = ""
    place: Place = NOWHERE
    confidence: float = 0.0
    unreachable: bool = False  # the last row of a table that leaves nothing open; `prove` shows whether that is so
    lines: Mapping[str, int] = field(default_factory=dict)  # line of each key, for messages
    before: tuple[str, ...] = ()  # rows that this one goes before on purpose, although both can hold


@dataclass(frozen=True, slots=True)
class Accept:
    """A gap that the author leaves open on purpose: where `when` (CEL) holds, the last row is right. `because` says why."""

    name: str
    when: str
    because: str
    place: Place


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must never hold where a row fires (CEL). `paid` is the money that the request has moved, this row included."""

    name: str
    when: str
    place: Place


@dataclass(frozen=True, slots=True)
class Range:
    """What the retailer knows of his data: the least and the most of a fact path, both possible. None leaves a side open."""

    path: str
    least: object
    most: object
    place: Place


@dataclass(frozen=True, slots=True)
class Proofs:
    """proofs.yaml: what `prove` may assume and has to show in every procedure.

    `currencies` maps a currency to the countries whose orders are in it; empty: every currency may meet every country."""

    ranges: tuple[Range, ...] = ()
    never: tuple[Invariant, ...] = ()
    currencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure: needs, identity rule, named facts, rows. Parts that it uses are written out."""

    name: str
    title: str
    intents: tuple[str, ...]
    needs: tuple[Need, ...]
    verify: str
    facts: Mapping[str, str]
    rows: tuple[Row, ...]
    place: Place
    lines: Mapping[str, int] = field(default_factory=dict)  # line of each named fact (`facts.NAME`) and key, for messages
    accept: tuple[Accept, ...] = ()
    never: tuple[Invariant, ...] = ()
    proof: Mapping[str, str] = field(default_factory=dict)  # what proves that a stranger owns the record: question -> CEL
    at_least: int = 0  # how many of them have to fit
    uses: tuple[str, ...] = ()  # parts whose needs, facts and rows are in it
    fact_places: Mapping[str, Place] = field(default_factory=dict)  # where each named fact stands, here or in a part


@dataclass(frozen=True, slots=True)
class IntentSpec:
    """What customers write about, as the playbook says it. `risks` are the reader's risk flags that make a mail this matter.

    `reply` are the words for being handed over to people, instead of the general ones. Where they mention `answer_by`, that is
    a promise: within `answer_within`, else within the queue's service level.
    """

    name: str
    description: str
    examples: Mapping[str, tuple[str, ...]]
    always_escalate: bool
    queue: str
    place: Place
    risks: tuple[str, ...] = ()
    reply: str = ""
    answer_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class MailboxSpec:
    """A mailbox of this worker. `shop` names the connection to the retailer's systems."""

    address: str
    shop: str
    authserv_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """worker.yaml: which mailboxes, languages, reader, and how far the worker may act per intent.

    `order_numbers` are the forms of the shop's order numbers with `#` for each digit (`NW-2026-######`): a customer who writes
    only the digits is found too.
    """

    name: str
    mailboxes: tuple[MailboxSpec, ...]
    languages: tuple[str, ...]
    default_language: str
    default_country: str
    mode: Literal["shadow", "draft", "live"]
    intent_modes: Mapping[str, str]
    known_machines: tuple[str, ...]
    brand: str
    remind_after: timedelta
    give_up_after: timedelta
    fallback_queue: str
    order_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """A folder that is versioned as one thing. `release` is the hash of its content; `files` the text by path.

    `declared` are operations and records of the retailer's own; `format` is the language version the texts were written in."""

    release: str
    files: Mapping[str, str]
    worker: WorkerSpec
    parameters: Mapping[str, Parameter]
    intents: Mapping[str, IntentSpec]
    questions: Mapping[str, Question]
    procedures: Mapping[str, Procedure]
    proofs: Proofs = Proofs()
    declared: Vocabulary = Vocabulary({}, {})
    format: int = 1

    def vocabulary(self, system: Vocabulary) -> Vocabulary:
        """What its procedures may name: the connected system's operations and records, and those it declares."""
        return self.declared.joined(system)

    def procedure_for(self, intent: str) -> Procedure | None:
        """The procedure that handles an intent, if there is one."""
        return next((p for p in self.procedures.values() if intent in p.intents), None)


# -- what `decide` is given and gives back -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one look-up. `records` are facts (mappings); `refused` is the code of a refusal, empty otherwise."""

    records: tuple[Mapping[str, object], ...]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What already happened for this request.

    `fired` rows never fire again. `asked` counts how often a question was put. `waiting` is a row whose wait is open, since
    when; `found` are look-ups by need name, made in this event. `confirmed` maps a row to the customer's yes or no, `shown` to
    the `Confirm.shown` that the yes was said to (a row without one counts as confirmed whatever it does).
    """

    fired: tuple[str, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)
    waiting: str = ""
    waiting_since: datetime | None = None
    found: Mapping[str, Found] = field(default_factory=dict)
    confirmed: Mapping[str, bool] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Read something: the engine calls the operation and decides again with the result in `Progress.found[need]`."""

    need: str
    operation: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the customer, all keys in one mail. For `not_found` keys an answer was there, but nothing fits it."""

    keys: tuple[str, ...]
    not_found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """One write, with evaluated arguments. `amount` is the money it may move (Money), None where it moves none."""

    name: str
    operation: str
    arguments: Mapping[str, object]
    amount: object = None


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with the words of a reply key."""

    reply: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask for the customer's yes before the row's acts; `reply` lists what will be done.

    `shown` stands for the acts with their records: a yes is one to them and to no others.
    """

    reply: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """A commitment with a due time and a check (CEL source, judged later with fresh facts).

    `bound` are the named facts that the check uses, as they were when the promise was made: a refund empties what is
    refundable, so "refunded >= value" means the value of that day. `judge` takes them.
    """

    what: str
    amount: object
    due: datetime
    kept_when: str
    bound: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until the condition holds or `deadline` passes; look again at `next_look`."""

    next_look: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Escalate:
    """To people. `because` is a word with meaning in `routing.yaml` and briefs."""

    queue: str
    because: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """The request ends with this outcome."""

    outcome: Outcome


Move = LookUp | Ask | Act | Say | Confirm | Promise | Wait | Escalate | Resolve


@dataclass(frozen=True, slots=True)
class RowTrace:
    """Why a row did or did not fire, with the values its condition saw (of records only their names).

    `error` says why it could not be computed.
    """

    row: str
    verdict: Literal["fired", "false", "unknown", "already_fired", "not_reached", "error"]
    seen: Mapping[str, object]
    missing: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The moves of exactly one row (or look-ups, or questions), and how they were found.

    `meanwhile` is a reply for the time in which an act of the row is pending or unknown. `facts` are the named facts and
    needs that were computed, for replies and briefs; nothing that was looked up is among them before the identity holds.
    `rule` is empty for look-ups, questions and escalations that no row asked for. `timed_out` is the row whose wait ended
    by time-out in this decision; the case keeps it as the fact `timed_out.ROW`. `wrong` are proofs of identity that do not fit.
    """

    procedure: str
    rule: str
    moves: tuple[Move, ...]
    trace: tuple[RowTrace, ...]
    meanwhile: str = ""
    missing: tuple[str, ...] = ()
    identity: Identity = "not_needed"
    facts: Mapping[str, object] = field(default_factory=dict)
    timed_out: str = ""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What `judge` says of a condition outside the table (a promise's check): True, False, or None with what it needs.

    `look_ups` are to be made first; `error` says why it cannot be computed at all.
    """

    holds: bool | None
    look_ups: tuple[LookUp, ...] = ()
    missing: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the other parts of the playbook offer, for `check`.

    `replies` maps a reply key to its languages and each language to the variable paths its words use
    (`{"return_label": {"en": {"order.number", "done.rma.number"}}}`). `guarded_actions` are the operations that
    `guardrails.yaml` has an entry for; `operations` those the connected system offers, None where that is not known.
    `taught` are the intents that the reader knows without sentences of the playbook, None where that is not known.
    """

    replies: Mapping[str, Mapping[str, frozenset[str]]]
    queues: frozenset[str]
    guarded_actions: frozenset[str]
    operations: frozenset[str] | None = None
    taught: frozenset[str] | None = None
