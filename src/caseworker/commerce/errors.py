"""How a retailer's system can refuse or fail:

CommerceError
├── Refusal            a business answer; becomes a fact that a procedure can test (`failed.NAME.code`)
│   ├── NotFound  Ambiguous  Conflict  InvalidState  AmountExceeded  Unsupported  Denied
└── Trouble            a technical failure
    ├── RateLimited  Unavailable     nothing was done; tried again later
    └── OutcomeUnknown               it may have been done: read back before anything else
"""

from datetime import timedelta

from caseworker.core.errors import CaseworkerError


class CommerceError(CaseworkerError):
    """A system of the retailer refused or failed. `code` is the word procedures test."""

    code = "error"


class Refusal(CommerceError):
    """The system understood and said no; nothing was changed."""

    code = "refused"


class NotFound(Refusal):
    """No such record."""

    code = "not_found"


class Ambiguous(Refusal):
    """Several records match."""

    code = "ambiguous"


class Conflict(Refusal):
    """The record has changed since it was read, or the key was used with other arguments."""

    code = "conflict"


class InvalidState(Refusal):
    """The record's state does not allow it (a shipped order cannot be cancelled)."""

    code = "invalid_state"


class AmountExceeded(Refusal):
    """More than is refundable was asked for."""

    code = "amount_exceeded"


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
