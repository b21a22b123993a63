"""What a proof is told and what it says. Plain data; the solver is not needed to read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caseworker.core.money import Money
from caseworker.sop.model import Place, Progress

GapKind = Literal["otherwise", "cannot_compute", "missing_fact", "currency_mix"]


@dataclass(frozen=True, slots=True)
class PayLimit:
    """What the guardrails say of an operation that moves money: limits by currency.

    `forbids`: what is above a limit is refused, not put to a person. `asks`: a person is asked whatever the amount."""

    operation: str
    per_action: Mapping[str, Money] = field(default_factory=dict)
    per_case: Mapping[str, Money] = field(default_factory=dict)
    forbids: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One state of the facts that shows something; `decide` can be run on it."""

    facts: Mapping[str, object]
    now: datetime
    progress: Progress


@dataclass(frozen=True, slots=True)
class Example:
    """A case in words. `confirmed`: `decide` was run on it and did what the proof says; else it is only possible."""

    case: Case
    words: tuple[str, ...]
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Facts that no row decides. `conditions` are those that make it (source and whether it holds), one class of cases."""

    kind: GapKind
    row: str
    example: Example
    conditions: tuple[tuple[str, str], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A gap that the author accepts; `possible` is False where it never happens and None where that is not known."""

    name: str
    because: str
    possible: bool | None
    place: Place


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A row that no facts make fire; `covered_by` are the rows above that take every case. Empty: it never holds at all."""

    row: str
    covered_by: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two rows that both hold and do different things. `weight` 0 moves money, 1 declines, 2 is the rest."""

    upper: str
    lower: str
    difference: str
    weight: int
    example: Example
    place: Place


@dataclass(frozen=True, slots=True)
class Most:
    """The most that a request can pay. `amount` is None where nothing limits it; without `proved` it may be more."""

    amount: Money | None
    path: tuple[str, ...] = ()
    example: Example | None = None
    bound_by: str = ""
    proved: bool = True


@dataclass(frozen=True, slots=True)
class Payable:
    """Per currency: by the procedure alone, within the guardrails, and with a person's approval."""

    currency: str
    procedure: Most
    alone: Most
    approved: Most


@dataclass(frozen=True, slots=True)
class Never:
    """An invariant; `verdict` proved, refuted (with an example and the rows that lead there) or not_proved."""

    name: str
    verdict: Literal["proved", "refuted", "not_proved"]
    place: Place
    path: tuple[str, ...] = ()
    example: Example | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything about one procedure. `not_proved` names the questions without an answer, each with the reason."""

    procedure: str
    title: str
    gaps: tuple[Gap, ...] = ()
    more_gaps: bool = False
    accepted: tuple[Accepted, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    more_conflicts: int = 0
    payable: tuple[Payable, ...] = ()
    nevers: tuple[Never, ...] = ()
    not_proved: tuple[str, ...] = ()
    questions: int = 0
    closed: bool = False  # the author says that the last row is unreachable

    @property
    def open(self) -> bool:
        """Whether something was found that the author has to settle."""
        refuted = any(never.verdict == "refuted" for never in self.nevers)
        return bool(self.gaps or self.unreachable or self.conflicts or refuted)
