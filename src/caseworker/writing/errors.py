"""Errors of this room. What cannot be said truthfully is not said; the case goes to a person instead."""

from caseworker.core.errors import PlaybookError


class ReplyError(PlaybookError):
    """A reply is not there, or its words need something that is not known."""


class ReceiptMissing(ReplyError):
    """The words speak of something as done, and there is no receipt that it is. `receipt` is its name."""

    def __init__(self, message: str, *, receipt: str, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.receipt = receipt
