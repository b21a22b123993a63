"""How a retailer's system can refuse or fail:

CommerceError
├── BadArguments       a call that makes no sense; a mistake in a procedure or a binding, not an answer of the system
├── Refusal            a business answer; becomes a fact that a procedure can test (`failed.NAME.code`)
│   ├── NotFound  Ambiguous  Conflict  InvalidState  AmountExceeded  Unsupported  Denied
└── Trouble            a technical failure
    ├── RateLimited  Unavailable     nothing was done; tried again later
    └── OutcomeUnknown               it may have been done: read back before anything else
"""

from datetime import timedelta

from caseworker.core.errors import CaseworkerError
from caseworker.core.money import Money
from caseworker.core.refs import Ref


class CommerceError(CaseworkerError):
    """A system of the retailer refused or failed. `code` is the word procedures test."""

    code = "error"


class BadArguments(CommerceError):
    """An argument is missing, unknown or of the wrong type; nothing was done."""

    code = "bad_arguments"


class Refusal(CommerceError):
    """The system understood and said no; nothing was changed."""

    code = "refused"


class NotFound(Refusal):
    """No such record."""

    code = "not_found"


class Ambiguous(Refusal):
    """Several records match; `candidates` are they."""

    code = "ambiguous"

    def __init__(self, message: str, *, candidates: tuple[Ref, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.candidates = candidates


class Conflict(Refusal):
    """The record has changed since it was read, or the key was used with other arguments."""

    code = "conflict"


class InvalidState(Refusal):
    """The record's state does not allow it (a shipped order cannot be cancelled).

    `current` is the state in the system's own word, `allowed` the states in which it would be possible."""

    code = "invalid_state"

    def __init__(self, message: str, *, current: str = "", allowed: tuple[str, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.current = current
        self.allowed = allowed


class AmountExceeded(Refusal):
    """More than is refundable was asked for; `max` is what would be possible now."""

    code = "amount_exceeded"

    def __init__(self, message: str, *, max: Money | None = None, remedy: str = "") -> None:  # noqa: A002 (the fact is called so)
        super().__init__(message, remedy=remedy)
        self.max = max


class Unsupported(Refusal):
    """The system has no such operation."""

    code = "unsupported"


class Denied(Refusal):
    """Our account may not do this."""

    code = "denied"


class Trouble(CommerceError):
    """A technical failure."""

    code = "trouble"


class RateLimited(Trouble):
    """Too many calls; nothing was done."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: timedelta, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class Unavailable(Trouble):
    """The system is away; nothing was done."""

    code = "unavailable"


class OutcomeUnknown(Trouble):
    """The call was cut or timed out: it may have been done."""

    code = "outcome_unknown"
