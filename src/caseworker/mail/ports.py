"""Ways in and out for mail."""

from typing import Protocol


class Handover(Protocol):
    """Called by an intake adapter with raw bytes; returns only after the commit that makes the mail ours.

    Raises `StoreError` (the database is away: say 4xx and let the sender try again).
    """

    async def __call__(self, raw: bytes, *, mailbox: str, envelope_from: str | None) -> None: ...


class Transport(Protocol):
    """Hands a finished mail to a relay or a folder.

    Raises `SendRefused(permanent=True|False)` from `mail.errors`, or `SendUnknown` when the connection was lost after the
    data was sent: the same Message-ID may then be sent once more, receivers and our relay recognise it.
    """

    name: str

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        """Returns the relay's answer, for the receipt."""
        ...
