"""What cases need kept. Implemented by `store`; every write is one transaction that either holds or never was."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from caseworker.cases.model import Case, Effect, Event, Step
from caseworker.cases.release import InForce, Release
from caseworker.core.errors import CaseworkerError
from caseworker.guard.model import Moved
from caseworker.mail.model import Message, OutgoingMail


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a case. Every commit carries the fence; a worker that lost the case cannot commit."""

    case: int
    owner: str
    fence: int


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A message with what intake stored beside it."""

    id: int
    case: int
    message: Message
    received_at: datetime


class CaseStore(Protocol):
    """Cases, their events and effects. Raises `StoreError`; commits raise `FenceLost` when the lease is somebody else's."""

    async def take(self, case: int, owner: str) -> Lease | None:
        """The lease of a case, or None while another worker holds it."""
        ...

    async def renew(self, owner: str, cases: Collection[int]) -> None:
        """Prolong the leases of the cases that a worker works on (every 3 seconds); others of its name run out."""
        ...

    async def give_up(self, lease: Lease) -> None:
        """Return the lease."""
        ...

    async def load(self, case: int) -> Case: ...

    async def next_event(self, case: int, now: datetime) -> Event | None:
        """The next event by sequence that is due, not done and not set aside.

        One that failed and waits to be tried again holds back the later ones: order within a case is kept."""
        ...

    async def has_due(self, case: int, now: datetime) -> bool: ...

    async def commit(self, lease: Lease, event: Event, step: Step, now: datetime) -> None:
        """End an event: state, timeline, effects, timers, queue items, promises, event done. One commit."""
        ...

    async def fail(self, lease: Lease, event: Event, error: str, retry_at: datetime | None) -> None:
        """Count a failed attempt; without `retry_at` the event is set aside."""
        ...

    async def mail(self, message: int) -> StoredMail: ...

    async def our_texts(self, case: int) -> tuple[str, ...]:
        """What we wrote in a case, the last five mails: quoted, it is no customer's words."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits checked again when an intent is written, in minor units of `currency`; None where there is none."""

    customer: str
    currency: str
    minor: int
    per_case: int | None
    per_customer_day: int | None


@dataclass(frozen=True, slots=True)
class Intent:
    """`go` to call now; `busy` another effect holds the payment's lock; `limit` the day's limit would be broken;
    `repeat` the same act was done for the same record by another case."""

    verdict: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EffectOutcome:
    """How an effect ended or goes on. `retry_at` for trouble; `tell` False keeps the case's events free of it."""

    status: str
    receipt: Mapping[str, object]
    error: Mapping[str, object]
    retry_at: datetime | None = None
    tell: bool = True


class EffectStore(Protocol):
    """Effects and what bounds them. Raises as `CaseStore` does."""

    async def next(self, case: int, now: datetime) -> Effect | None:
        """The next effect that is due: planned, or left started, pending or unknown."""
        ...

    async def begin(self, lease: Lease, effect: Effect, *, locks: Sequence[str], limit: Limits | None, now: datetime) -> Intent:
        """Write the intent: payment locks, limits of the customer's day, status started. One commit."""
        ...

    async def end(
        self, lease: Lease, effect: Effect, outcome: EffectOutcome, *, now: datetime, sent: OutgoingMail | None = None
    ) -> None:
        """Write the receipt (or refusal, or trouble), free the locks, and append the receipt event. One commit."""
        ...

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still ours, asked just before a call goes out."""
        ...

    async def get(self, effect: int) -> Effect: ...

    async def unstarted(self, case: int) -> frozenset[int]:
        """The requests of a case whose next write has certainly not been done: planned, tried in vain, or held by a stop."""
        ...

    async def done_writes(self, case: int) -> Sequence[Effect]:
        """The writes of a case that have a receipt."""
        ...

    async def totals(self, case: Case, now: datetime) -> Moved:
        """Money moved, planned or in flight, for this case and for its customers in the last 24 hours."""
        ...

    async def is_guessing(self, case: Case, named: Collection[str], now: datetime) -> bool:
        """Whether too many wrong proofs came from this sender, or for an order that he named, in the last 24 hours."""
        ...

    async def sent_today(self, recipient: str, now: datetime, *, verified: bool) -> int:
        """Automatic mails to one address, whatever its plus part, in the last 24 hours."""
        ...

    async def stopped(self, case: Case, operation: str) -> str:
        """The stop that holds this effect back, or an empty string."""
        ...


class AlreadyAwake(CaseworkerError):
    """A job for the case is waiting already; nothing more is needed."""


class WakeUp(Protocol):
    """Enqueues "look at case N" inside the caller's transaction (`connection` is the driver's). Raises AlreadyAwake."""

    async def __call__(self, connection: object, case: int, priority: int) -> None: ...


class Upkeep(Protocol):
    """What a worker looks after beside its cases."""

    async def due_cases(self, now: datetime, limit: int) -> Sequence[int]:
        """Cases with something due that nobody holds: timers, retries, work of dead workers."""
        ...

    async def lost_cases(self, now: datetime, limit: int) -> Sequence[int]:
        """Those of them that a worker held and did not give back: it is dead or frozen."""
        ...


class Releases(Protocol):
    """Loaded releases. Raises `PlaybookError` for one that is not there."""

    async def get(self, release: str) -> Release:
        """A release as it was published, by its hash."""
        ...

    async def in_force(self, worker: str, pinned: str) -> InForce:
        """What decides a case pinned to a release now: the same, or what took its place; within the limits of today."""
        ...
