"""What the use cases need kept, beside `cases.ports`. Implemented by `store`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from caseworker.cases.intake import Arrival, MailboxRow, Taken
from caseworker.cases.model import Case, Entry
from caseworker.cases.ports import Lease
from caseworker.rollout.model import Change, ShadowDecision, Standing
from caseworker.rollout.rules import Rule
from caseworker.sop.recorded import Recording


class MailStore(Protocol):
    """Takes mails in; see `store.intake`."""

    async def receive(self, arrival: Arrival) -> Taken: ...


class RawStore(Protocol):
    """The stored bytes."""

    async def bytes_of(self, raw: int) -> bytes: ...

    async def unparsed(self) -> Sequence[Any]: ...


class ReleaseStore(Protocol):
    """Releases by content hash, where they stand, and what one in shadow would have decided."""

    async def keep(self, *, release: str, worker: str, files: Mapping[str, str], people: int, by: str, now: datetime) -> bool:
        """Store a release as a draft. False where it is there already; then nothing changes."""
        ...

    async def files(self, release: str) -> Mapping[str, str] | None: ...

    async def standings(self, worker: str) -> Sequence[Standing]:
        """All releases of a worker."""
        ...

    async def in_force(self, worker: str, pinned: str) -> Sequence[Standing]:
        """Those of them that matter to a case: live, in share, in shadow, with a successor, and the case's own."""
        ...

    async def apply(
        self, worker: str, rule: Rule, *, mailboxes: Mapping[str, Sequence[MailboxRow]], now: datetime
    ) -> Sequence[Change]:
        """Read the standings, ask the rule, write its changes and the log: under one lock a worker, in one transaction.

        A release that becomes live brings its mailboxes. Raises what the rule raises."""
        ...

    async def rows(self, worker: str) -> Sequence[Any]:
        """The releases of a worker as rows without their files, the youngest first; of all workers where none is named."""
        ...

    async def named(self, prefix: str) -> Sequence[Any]:
        """The releases whose hash begins so."""
        ...

    async def log(self, release: str) -> Sequence[Any]:
        """What was done with a release, in order."""
        ...

    async def keep_shadow(self, decisions: Sequence[ShadowDecision], now: datetime) -> None: ...

    async def shadow(self, release: str) -> Sequence[ShadowDecision]:
        """What a release decided in shadow, in the order of the cases."""
        ...

    async def cases(self, release: str) -> Sequence[Case]:
        """The cases that are not closed and are pinned to a release."""
        ...

    async def repin(self, lease: Lease, case: Case, entries: Sequence[Entry], now: datetime) -> None:
        """Store a case under another release. Raises FenceLost."""
        ...


class Control(Protocol):
    """Stops, retries, mailboxes."""

    async def stop(self, *, scope: str, value: str, by: str, now: datetime) -> int: ...

    async def stops(self) -> Sequence[Any]: ...

    async def lift(self, *, now: datetime, stop: int | None = None) -> Sequence[Any]: ...

    async def aside(self) -> Sequence[Mapping[str, Any]]: ...

    async def retry(self, *, case: int | None, now: datetime) -> int: ...

    async def set_mailboxes(self, rows: Sequence[MailboxRow]) -> None: ...

    async def mailboxes(self) -> Sequence[MailboxRow]: ...

    async def next_due(self) -> datetime | None: ...

    async def working(self) -> int: ...

    async def due_cases(self, now: datetime, limit: int) -> Sequence[int]: ...


class QueueStore(Protocol):
    """What waits for people."""

    async def open_items(self, queue: str | None = None) -> Sequence[Any]: ...

    async def item(self, number: int) -> Any: ...

    async def decide(self, number: int, *, decision: str, by: str, note: str, reply: str, now: datetime) -> int: ...


class CaseViews(Protocol):
    """Read models."""

    async def cases(
        self, *, status: str = "", search: str = "", intent: str = "", queue: str = "", limit: int = 50, offset: int = 0
    ) -> Sequence[Any]: ...

    async def unassigned(self, *, limit: int = 50, offset: int = 0) -> Sequence[Any]: ...

    async def counts(self) -> Mapping[str, int]: ...

    async def case(self, number: int) -> Any: ...

    async def timeline(self, number: int) -> Sequence[Any]: ...

    async def messages(self, number: int) -> Sequence[Any]: ...

    async def effects(self, number: int) -> Sequence[Any]: ...

    async def items(self, number: int) -> Sequence[Any]: ...

    async def promises(self, number: int) -> Sequence[Any]: ...


class DecisionViews(Protocol):
    """Recorded decisions."""

    async def of_cases(self, cases: Sequence[int]) -> Sequence[Recording]:
        """The decisions of these cases, each case's together and in their order."""
        ...

    async def recorded(self, *, since: datetime | None, limit: int | None) -> Sequence[int]:
        """Numbers of cases with a decision at or after `since`, the youngest case first."""
        ...

    async def lost(self, cases: Sequence[int]) -> Mapping[int, int]:
        """How many decisions that the timeline says were recorded are not there, by case; cases without any are left out."""
        ...

    async def releases(self, prefix: str) -> Sequence[str]:
        """Hashes of the releases that begin so."""
        ...
