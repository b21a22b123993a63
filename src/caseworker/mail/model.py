"""What intake knows about one mail. Everything is frozen; every judgement carries its reason."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MAX_MAIL = 50 * 1024 * 1024  # bytes of one mail, however it comes

Kind = Literal["person", "auto_reply", "out_of_office", "bounce", "delay", "complaint", "receipt", "bulk", "system", "ours"]


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address, lower-cased, with the display name as written."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part with a file name. `size` in bytes; `content_type` by content where it is known, else as declared.

    `picture`: its bytes are those of an image, whatever it is called, and as many as a photo has.
    """

    filename: str
    content_type: str
    size: int
    sha256: str
    text: str = ""
    inline: bool = False
    truncated: bool = False
    picture: bool = False


@dataclass(frozen=True, slots=True)
class NewText:
    """The customer's own new words, cut from the quoted history below (or around) them.

    `sure` is False where the whole text was kept because no cut was certain. `cut_by` names the rule that cut.
    """

    text: str
    history: str
    sure: bool
    cut_by: str


@dataclass(frozen=True, slots=True)
class Trust:
    """May the From address be believed? Only Authentication-Results of the configured authserv_id count."""

    status: Literal["verified", "unverified", "failed"]
    why: str


@dataclass(frozen=True, slots=True)
class Classification:
    """Two separate questions: is it a machine (`kind`), and may we ever answer it automatically (`may_answer`)?

    `for_person` is False where no person's case needs to see it. `why` names the rule that decided.
    """

    kind: Kind
    may_answer: bool
    for_person: bool
    why: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says: the failed recipient, status like `5.1.1`, and the original's Message-ID."""

    recipient: str
    status: str
    permanent: bool
    original_message_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed mail. Times are UTC; `date` is None where the header is missing or nonsense.

    `body_hash` is over body and identity headers without transport headers: a repeat after a lost 250 has the same one.
    `raw_size` in bytes. `delivered_to` are
    envelope recipients, as our receiver or the mail server noted them. `flags` are short words
    for what was odd (`hidden_text`, `encrypted`, `capped`, `two_from`, `reply_to_differs`, `unparsable_part`).
    """

    message_id: str
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    date: datetime | None
    text: str
    html: str
    new_text: NewText
    classification: Classification
    trust: Trust
    attachments: tuple[Attachment, ...]
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    body_hash: str
    raw_size: int
    bounce: Bounce | None = None
    delivered_to: tuple[Address, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def answer_to(self) -> Address | None:
        """Where an answer goes: one Reply-To, else the sender."""
        return self.reply_to[0] if len(self.reply_to) == 1 else self.sender


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """What a mailbox of ours is told. `authserv_id` names the only host whose Authentication-Results count.

    `own_addresses` are all addresses we send from; `known_machines` maps a no-reply sender (shop form, marketplace) that
    may be answered to the header that names the customer (`reply-to`). `order_numbers` are the forms of the shop's order
    numbers with `#` for each digit: a list's mail that names an order is a customer's.
    """

    address: str
    authserv_id: str | None = None
    own_addresses: frozenset[str] = frozenset()
    known_machines: tuple[str, ...] = ()
    order_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A reply before it becomes bytes. `message_id` is fixed before the first attempt to send."""

    message_id: str
    sender: Address
    to: Address
    subject: str
    text: str
    language: str
    case_reference: str
    thread_token: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    bounce_address: str = ""
    cc: tuple[Address, ...] = ()
    date: datetime | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ThreadHints:
    """What a mail says about the case it belongs to, in the order in which it is believed (mail.md).

    `tokens` from plus addresses, `message_ids` from In-Reply-To and then References from the right,
    `bounced_ids` from an enclosed original, `subject_cases` case numbers from subject tokens with right check digits.
    """

    tokens: tuple[str, ...]
    message_ids: tuple[str, ...]
    bounced_ids: tuple[str, ...]
    subject_cases: tuple[int, ...]
