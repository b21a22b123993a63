"""What a case is decided with: the pinned playbook, and what always applies as it is live now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from caseworker.cases.model import ActiveRow, Case, Effect, Entry, RequestState
from caseworker.guard.judge import stricter
from caseworker.guard.model import Guardrails
from caseworker.knowledge.model import Article
from caseworker.sop.model import Act, Decision, Playbook, Procedure, Row, Vocabulary, WorkerSpec
from caseworker.writing.load import Replies


@dataclass(frozen=True, slots=True)
class Release:
    """`playbook` and `replies` are the case's pinned release; `guardrails`, the worker's modes and `articles` those of today.

    `articles` are the approved answers by key."""

    playbook: Playbook
    replies: Replies
    guardrails: Guardrails
    vocabulary: Vocabulary
    articles: Mapping[str, Article] = field(default_factory=dict)

    def mode_of(self, intent: str) -> str:
        """shadow, draft or live, for one intent."""
        worker = self.playbook.worker
        return worker.intent_modes.get(intent, worker.mode)


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides a case at this moment, and the hash of the release that decides along in shadow and does nothing."""

    release: Release
    shadow: str = ""


def with_live(pinned: Release, live: Release) -> Release:
    """A release as it applies while another one is live.

    Procedures, words, intents and parameters are the pinned ones. Modes, mailboxes, machines, the forms of order numbers,
    queues and approved answers are those of today; of two limits the stricter. A queue that is not there any more is the
    default one.
    """
    if pinned.playbook.release == live.playbook.release:
        return live
    guardrails = stricter(pinned.guardrails, live.guardrails)
    playbook = replace(pinned.playbook, worker=_worker(pinned.playbook.worker, live.playbook.worker, guardrails))
    return replace(pinned, playbook=_rerouted(playbook, guardrails), guardrails=guardrails, articles=live.articles)


def repinned(case: Case, release: Release, *, because: str = "withdrawn", by: str = "") -> tuple[Case, tuple[Entry, ...]]:
    """The case under another release, from this event on. Receipts and rows that fired stay. `by` is who wanted it.

    A row under way ends as it was decided: money may have moved, and its words tell of it. Where the other release has not got
    those words, the row ends with people. What no letter has asked yet, and what has no procedure there, is decided anew.
    """
    to = release.playbook.release
    if case.release == to:
        return case, ()
    unasked = case.asking if case.asked_at is None else ()
    requests = tuple(_still_awaited(_still_sayable(r, release), release, unasked) for r in case.requests)
    entry = Entry("release_changed", {"before": case.release, "after": to, "because": because, "by": by})
    return replace(case, release=to, requests=requests, asking=() if unasked else case.asking), (entry,)


def is_orphan(r: RequestState, release: Release) -> bool:
    """Whether a procedure began the request and the release has none for it: people go on, and the customer is told."""
    return bool(r.known or r.asked or r.fired) and release.playbook.procedure_for(r.intent) is None


def is_taken_back(case: Case, effect: Effect, release: Release) -> bool:
    """Whether a write is one of a release that was withdrawn, and nothing of its row has begun: `release` decides it anew."""
    if case.release == release.playbook.release or effect.kind != "write" or effect.status != "planned":
        return False
    return any(r.number == effect.request and has_not_begun(r) for r in case.requests)


def has_not_begun(r: RequestState) -> bool:
    """Whether a row is under way of which no act was begun, as far as its receipts say, and none approved by a person."""
    acts = r.active.acts if r.active is not None and r.status == "acting" else ()
    return bool(acts) and all(act.status in ("planned", "asked") and not act.approved for act in acts)


def taken_back(case: Case, unstarted: Collection[int]) -> tuple[Case, tuple[int, ...]]:
    """The case with its rows that have not begun back at their beginning, and their requests.

    `unstarted` are requests with a write that certainly did not happen. The round keeps its key from being used once more.
    """
    back = tuple(r.number for r in case.requests if r.number in unstarted and has_not_begun(r))
    requests = [replace(r, active=None, status="open", round=r.round + 1) if r.number in back else r for r in case.requests]
    return replace(case, requests=tuple(requests)), back


def why_not_act(r: RequestState, decision: Decision, release: Release) -> str:
    """Why people decide instead of what another release than the one that began the request would do; empty for no reason.

    It cannot know whether it pays once more for what a row that it has not got did, nor heed an answer to what it never asks.
    """
    rows = release.playbook.procedures[decision.procedure].rows
    acts = [move for move in decision.moves if isinstance(move, Act)]
    if acts and unheeded(r, rows):
        return "the customer was asked for a yes that is not asked there"
    money = any(release.vocabulary.operations[act.operation].money for act in acts)
    if money and r.done and not {row.name for row in rows}.issuperset(r.fired):
        return "it might pay once more for what a row did that is not there"
    return ""


def unheeded(r: RequestState, rows: Sequence[Row]) -> frozenset[str]:
    """The rows whose yes or no the customer was asked for, and which none of these rows asks for."""
    return frozenset({*r.confirmed, r.confirming} - {"", *(row.name for row in rows if row.confirm)})


def _still_awaited(r: RequestState, release: Release, unasked: Collection[str]) -> RequestState:
    if r.status != "awaiting_customer" or not (is_orphan(r, release) or any(key in r.asked for key in unasked)):
        return r
    return replace(r, status="open", asked={key: n - (key in unasked) for key, n in r.asked.items()})


def _still_sayable(r: RequestState, release: Release) -> RequestState:
    row, known = r.active, release.replies.by_key
    if row is None:
        return r
    said = {str(move["reply"]) for move in row.after if move.get("reply")}
    meanwhile = row.meanwhile if row.meanwhile in known else ""
    if said <= known.keys():
        return replace(r, active=replace(row, meanwhile=meanwhile))
    return replace(r, active=_to_people(row, release, meanwhile))


def _to_people(row: ActiveRow, release: Release, meanwhile: str) -> ActiveRow:
    queue = release.playbook.worker.fallback_queue
    move: Mapping[str, object] = {"move": "escalate", "queue": queue, "because": "release_changed"}
    return replace(row, meanwhile=meanwhile, after=(move,))


def _worker(pinned: WorkerSpec, live: WorkerSpec, guardrails: Guardrails) -> WorkerSpec:
    own = {mailbox.address for mailbox in live.mailboxes}
    return replace(
        pinned,
        mailboxes=(*live.mailboxes, *(m for m in pinned.mailboxes if m.address not in own)),
        mode=live.mode,
        intent_modes=live.intent_modes,
        known_machines=live.known_machines,
        order_numbers=live.order_numbers,
        fallback_queue=pinned.fallback_queue if pinned.fallback_queue in guardrails.queues else live.fallback_queue,
    )


def _rerouted(playbook: Playbook, guardrails: Guardrails) -> Playbook:
    gone = {q for p in playbook.procedures.values() for row in p.rows if (q := row.escalate_queue) not in guardrails.queues}
    gone |= {i.queue for i in playbook.intents.values() if i.queue not in guardrails.queues}
    if not gone - {""}:
        return playbook

    def row(one: Row) -> Row:
        return replace(one, escalate_queue=guardrails.default_queue) if one.escalate_queue in gone - {""} else one

    def procedure(one: Procedure) -> Procedure:
        return replace(one, rows=tuple(row(each) for each in one.rows))

    intents = {n: replace(i, queue="") if i.queue in gone else i for n, i in playbook.intents.items()}
    return replace(playbook, procedures={n: procedure(p) for n, p in playbook.procedures.items()}, intents=intents)
