"""What can go wrong with a mail (below `MailError` in the one tree)."""

from caseworker.core.errors import MailError


class SendRefused(MailError):
    """The relay refused. `permanent` is True for 5xx: trying again does not help."""

    def __init__(self, message: str, *, permanent: bool, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.permanent = permanent


class SendUnknown(MailError):
    """The connection was lost after the mail was handed over: it may or may not have been taken."""
