"""What a reader returns: requests and fields with evidence and confidence, or an abstention. Never an operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from caseworker.commerce.model import Order

FieldKind = Literal[
    "order_number", "items", "choice", "yes_no", "postcode", "address", "text", "photo", "money", "date", "quantity",
    "email", "phone", "code",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of the mail: `text == source_text[start:end]` where source is `subject`, `body` or `attachment:NAME`."""

    source: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """One value for one question key.

    `value` by kind: order_number, text, postcode, email, code: str; phone: str in its international form (`+44...`);
    items: tuple of order line ids; choice: one of the options; yes_no: bool; address: mapping street/postcode/city/country;
    money: Money; date: ISO date string; quantity: int;
    photo: bool. `derived` says how where the value is not verbatim in the mail.
    """

    key: str
    value: object
    confidence: float
    evidence: Evidence | None
    derived: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A value that a procedure may need. `options` are the allowed values of a choice, with words per language.

    `forms` are how a code looks: `#` is a digit, `@` a letter.
    """

    key: str
    kind: FieldKind
    options: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # option -> language -> phrases
    forms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """What customers write about. `examples` are sentences by language; they train the reader."""

    name: str
    description: str
    examples: Mapping[str, tuple[str, ...]]
    always_escalate: bool = False


@dataclass(frozen=True, slots=True)
class MailText:
    """The part of a mail that a reader may see: subject, new words, text of attachments by name; history is context only.

    `pictures` are the names of attachments whose content is that of a photo.
    """

    subject: str
    body: str
    attachments: Mapping[str, str] = field(default_factory=dict)
    history: str = ""
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before reading. `orders` are candidates found by sender address or written number.

    `sender_verified` False: a candidate may correct a number that the customer wrote, never add one that he did not.
    `number_forms` are how the retailer's order numbers look, with # for a digit. `pending` are the questions that the case has
    asked and waits for, in that order; `open_intents` the matters it already works on, so that a reply which names them again
    is nothing new.
    """

    orders: tuple[Order, ...] = ()
    sender_verified: bool = False
    pending: tuple[Question, ...] = ()
    default_language: str = "en"
    open_intents: tuple[str, ...] = ()
    number_forms: tuple[str, ...] = ()
    default_country: str = ""  # whose telephone numbers need no country code
    mailboxes: tuple[str, ...] = ()  # the shop's own addresses, in small letters: never a customer's


@dataclass(frozen=True, slots=True)
class Request:
    """One thing the customer wants, with the fields said for it.

    `evidence` is the sentence that says it best, `words` all sentences that say it, in order (empty: the evidence alone).
    """

    intent: str
    confidence: float
    evidence: Evidence | None
    fields: Mapping[str, Field] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The typed facts of one mail.

    `abstained` is empty or why no request is reported: `language` (outside the playbook's), `unsure`, `out_of_scope` (no
    customer's matter), `too_many`, `empty`, `attachment_only`. Fields, risks and mood are given even then.
    `requests` empty and `abstained` empty: nothing is asked (thanks, or only answers to pending questions).
    `fields` hold for all requests of the mail (an order number said once). `risks` are flags such as `legal_threat`.
    `chaser` is True for "any news?" without a new matter. `mood` is -1 (angry) to 1 (pleased).
    """

    language: str
    language_confidence: float
    requests: tuple[Request, ...]
    fields: Mapping[str, Field]
    mood: float
    risks: tuple[str, ...]
    abstained: str
    reader: str
    chaser: bool = False
    thanks: bool = False
