"""A mail on its way into a case."""

from dataclasses import dataclass
from datetime import datetime

from caseworker.mail.model import Message, ThreadHints


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A mailbox of ours: which AI worker owns it, which shop connection it uses."""

    address: str
    worker: str
    shop: str
    authserv_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A parsed mail with where it goes. `event_id` is mailbox + Message-ID + body hash: a repeat is the same event."""

    raw: bytes
    event_id: str
    mailbox: str
    worker: str
    shop: str
    release: str
    envelope_from: str
    message: Message
    hints: ThreadHints
    token_cases: tuple[int, ...]
    received_at: datetime
    history: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an arrival. `case` 0: machine mail that belongs to no case, kept and shown."""

    case: int
    new_case: bool
    duplicate: bool
    message: int = 0
