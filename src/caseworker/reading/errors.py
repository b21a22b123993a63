"""Errors of this room: what a language model can answer instead of a text."""

from caseworker.core.errors import ReadingError


class ModelAway(ReadingError):
    """The model gave no usable answer for now: no connection, time-out, too many requests, a fault of the server.

    `retry_after` are the seconds that the server asks to wait, None where it says nothing.
    """

    def __init__(self, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class ModelRefused(ReadingError):
    """The model's server does not take the request (key, name of the model, form); trying again does not help."""
