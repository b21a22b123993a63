"""What a campaign is told, and what it reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from caseworker.core.errors import CaseworkerError

FAILPOINTS = ("before_intent", "after_intent", "after_call", "before_commit", "after_commit")
FAULTS: Mapping[str, object] = {
    "error_500": 0.03,
    "timeout_before": 0.03,
    "timeout_after_commit": 0.04,
    "rate_limited": 0.02,
    "idempotency": "none",  # a repeated key pays twice: the protection has to be ours
}


class CampaignError(CaseworkerError):
    """The campaign itself could not go on; it says nothing about the installation."""


@dataclass(frozen=True, slots=True)
class Order:
    """One campaign. `folder` takes data, mails and logs; `database_url` empty: an embedded server there.

    `kills` SIGKILLs and `stops` SIGSTOPs of workers, spread over the failpoints. `fence` False must make it fail.
    """

    folder: Path
    mails: int = 300
    seed: int = 7
    kills: int = 30
    stops: int = 10
    database_url: str = ""
    fence: bool = True
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Strike:
    """What is done at the next hit of a failpoint: `kill` or `stop`."""

    act: str
    failpoint: str


@dataclass(slots=True)
class Hit:
    """A strike that met its worker. `case` is what was in flight, `fence` that case's number at that moment.

    `taken_after` is the seconds until another worker had the case; None where nothing was left to take over. `line` is the
    case's last timeline line when a frozen worker was woken.
    """

    strike: Strike
    at: datetime
    pid: int
    what: str
    case: int = 0
    fence: int = 0
    waits: bool = False
    taken_after: float | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """A 250 as the customer's client noted it."""

    message_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold. `findings` are the places where it did not."""

    name: str
    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Nothing was found against it."""
        return not self.findings


@dataclass(slots=True)
class Report:
    """How a campaign ended. Times in seconds."""

    order: Order
    took: float = 0.0
    acknowledged: int = 0
    sent_again: int = 0
    hits: list[Hit] = field(default_factory=list)
    intake_kills: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()

    @property
    def holds(self) -> bool:
        """Everything held."""
        return bool(self.conditions) and all(condition.holds for condition in self.conditions)

    def struck(self, act: str, failpoint: str = "") -> int:
        """How many strikes of a kind hit."""
        return sum(h.strike.act == act and failpoint in ("", h.strike.failpoint) for h in self.hits)

    @property
    def takeovers(self) -> list[float]:
        """Seconds until a case of a killed or frozen worker was somebody else's, shortest first."""
        return sorted(h.taken_after for h in self.hits if h.taken_after is not None)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running campaign stands."""

    phase: str
    acknowledged: int
    mails: int
    strikes: int
    of_strikes: int
