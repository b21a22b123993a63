"""Where the releases of a worker stand. Frozen; times UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["draft", "shadow", "share", "live", "retired", "withdrawn"]
How = Literal["", "first start", "folder", "command"]
MAX_PERCENT = 99


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one person wants for a release; it is done when another one approves. `percent` counts where `to` is `share`."""

    to: Literal["share", "live"]
    by: str
    at: datetime
    percent: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One release of a worker, without its content.

    `percent` of new cases begin with it where it is in `share`. `people` is how many its own guardrails ask for. `successor`
    decides its cases since it was withdrawn. `how` says what made it live last, `live_at` when; None where it never was.
    `approved_at` is when two people made it live the last time.
    """

    release: str
    worker: str
    state: State = "draft"
    percent: int = 0
    people: int = 1
    successor: str = ""
    how: How = ""
    live_at: datetime | None = None
    proposal: Proposal | None = None
    approved_at: datetime | None = None


Standings = Sequence[Standing]
"""All releases of one worker."""


@dataclass(frozen=True, slots=True)
class Change:
    """One release goes from a state to another (or only its share or its proposal changes).

    `proposal` is the one that is open afterwards. `by` asked for it, `approved_by` is the second person where there was one.
    """

    release: str
    before: State
    after: State
    by: str
    percent: int = 0
    successor: str = ""
    how: How = "command"
    approved_by: str = ""
    note: str = ""
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What a process does with the release of its folder. `notice` is for the log where the folder does not become live."""

    changes: tuple[Change, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class ShadowDecision:
    """What a release in shadow decided beside the one that counted, for one request of one event.

    `moves` are facts, those of the shadow. `error` says why it could not decide; then nothing else counts.
    """

    release: str
    case: int
    seq: int
    request: int = 0
    live_release: str = ""
    live_rule: str = ""
    rule: str = ""
    moves: tuple[Mapping[str, object], ...] = ()
    same: bool = False
    error: str = ""
