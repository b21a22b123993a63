"""What a campaign is about: a shop, and customers who write to it. The same for the same seed and moment.

Every customer has an order of their own in a state that makes the wish in policy, and says it in words that leave no doubt,
so that each mail has exactly one right end. The orders lie on top of a generated shop with its thousands of others.
"""

import random
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from caseworker.commerce.adapters.sandbox import generate

MAILBOX = "service@nordwind.example"
AUTHSERV_ID = "mx.nordwind.example"
MONEY = ("cancel", "refund", "damaged")  # kinds of mail that end with money on its way to the customer
KINDS = ("cancel", "return", "refund", "where", "damaged")
SHOP_CUSTOMERS, SHOP_ORDERS = 400, 1500
FIRST_NUMBER = 900001


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of a customer's. `number` is the order it is about; `thread` the Message-ID it refers to, or empty."""

    message_id: str
    sender: str
    number: str
    kind: str
    raw: bytes
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One customer. The mails of a round are sent at once, the next round when all of this one were acknowledged.

    `twice`: the first mail is sent a second time, byte by byte the same.
    """

    rounds: tuple[tuple[Mail, ...], ...]
    twice: bool = False

    @property
    def mails(self) -> tuple[Mail, ...]:
        """All mails."""
        return tuple(mail for part in self.rounds for mail in part)


@dataclass(frozen=True, slots=True)
class World:
    """`shop` is the sandbox's document; `stories` what its customers send."""

    shop: dict[str, Any]
    stories: tuple[Story, ...]


def make(*, mails: int, seed: int, at: datetime) -> World:
    """A world in which customers send `mails` different mails."""
    dice = random.Random(seed)
    shop = generate(seed, at, customers=max(SHOP_CUSTOMERS, mails), orders=SHOP_ORDERS)
    people = list(shop["customers"])
    dice.shuffle(people)
    numbers = iter(range(FIRST_NUMBER, FIRST_NUMBER + mails))
    stories: list[Story] = []
    left = mails
    for person in people:
        if not left:
            break
        shape = _shape(dice, left)
        stories.append(_story(dice, person, shape, numbers=numbers, shop=shop, at=at))
        left -= len(stories[-1].mails)
    return World(shop, tuple(stories))


def _shape(dice: random.Random, left: int) -> str:
    shape = dice.choices(["one", "twice", "thread", "two_at_once"], [60, 10, 18, 12])[0]
    needed = {"one": 1, "twice": 1, "thread": 2, "two_at_once": 3}[shape]
    return shape if needed <= left else "one"


def _story(
    dice: random.Random, person: Mapping[str, Any], shape: str, *, numbers: Iterator[int], shop: dict[str, Any], at: datetime
) -> Story:
    def write(kind: str, thread: str = "") -> Mail:
        order = _order(dice, person, kind, number=next(numbers), at=at)
        shop["orders"].append(order)
        return _mail(dice, person, kind, number=order["number"], thread=thread, at=at)

    kinds = dice.sample(KINDS, 3)
    first = write(kinds[0])
    match shape:
        case "thread":
            return Story(((first,), (write(kinds[1], first.message_id),)))
        case "two_at_once":
            return Story(((first,), (write(kinds[1], first.message_id), write(kinds[2], first.message_id))))
    return Story(((first,),), twice=shape == "twice")


# -- orders ------------------------------------------------------------------------------------------------------------


def _order(dice: random.Random, person: Mapping[str, Any], kind: str, *, number: int, at: datetime) -> dict[str, Any]:
    """One line, one card payment; its state is the one in which what `kind` asks for is simply done."""
    price = f"{dice.randrange(21, 89)}.95"
    order: dict[str, Any] = {
        "id": str(number),
        "number": f"NW-{at.year}-{number}",
        "customer": person["id"],
        "brand": "nordwind",
        "currency": "EUR",
        "country": "DE",
        "address": {"street": "Lindenallee 3", "postcode": "20144", "city": "Hamburg", "country": "DE"},
        "lines": [{"sku": f"CH{number}", "title": "Desk lamp", "titles": {"de": "Schreibtischlampe"}, "unit_price": price}],
        "payments": [{"method": "card", "captured": price}],
    }
    line = {"line": f"{number}-1", "quantity": 1}
    match kind:
        case "cancel":
            order.update(state="paid", placed_at=_days(at, 0.5), expected_at=_days(at, -3))
        case "where":
            parcel = {
                "tracking_number": f"NP{number}",
                "shipped_at": _days(at, 1),
                "expected_at": _days(at, -1),
                "lines": [line],
            }
            order.update(state="shipped", placed_at=_days(at, 2), shipped_at=_days(at, 1), expected_at=_days(at, -1))
            order["shipments"] = [parcel]
        case "return" | "damaged":
            order.update(_arrived(at, placed=8, delivered=4))
        case "refund":
            order.update(_arrived(at, placed=70, delivered=65), state="returned")
            order["lines"][0]["returned"] = 1
            back = {"state": "received", "reason": "changed_mind", "created_at": _days(at, 45), "received_at": _days(at, 40)}
            order["returns"] = [{**back, "refund_due_at": _days(at, 33), "lines": [line]}]
    return order


def _arrived(at: datetime, *, placed: float, delivered: float) -> dict[str, Any]:
    shipped = _days(at, delivered + 1.5)
    return {"state": "delivered", "placed_at": _days(at, placed), "shipped_at": shipped, "delivered_at": _days(at, delivered)}


def _days(at: datetime, before: float) -> str:
    return (at - timedelta(days=before)).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- mails -------------------------------------------------------------------------------------------------------------

_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "en": {
        "cancel": ("Cancel order {n}", "please cancel my order {n}. I do not need it any more."),
        "return": ("Return of order {n}", "I want to return the desk lamp from order {n}. I changed my mind."),
        "refund": ("Refund for {n}", "I sent order {n} back weeks ago. Where is my refund?"),
        "where": ("Where is my order {n}?", "where is my order {n}? When will it arrive?"),
        "damaged": ("Damaged item in order {n}", "the lamp in order {n} arrived damaged, see the photo. I want my money back."),
    },
    "de": {
        "cancel": ("Bestellung {n} stornieren", "bitte stornieren Sie meine Bestellung {n}. Ich brauche sie nicht mehr."),
        "return": ("Rücksendung {n}", "ich möchte die Lampe aus Bestellung {n} zurückschicken. Sie gefällt mir nicht."),
        "refund": ("Erstattung für {n}", "ich habe die Bestellung {n} vor Wochen zurückgeschickt. Wo bleibt meine Erstattung?"),
        "where": ("Wo ist meine Bestellung {n}?", "wo bleibt meine Bestellung {n}? Wann kommt sie an?"),
        "damaged": (
            "Bestellung {n}: Artikel beschädigt",
            "die Lampe aus Bestellung {n} kam beschädigt an, siehe Foto. Ich möchte mein Geld zurück.",
        ),
    },
}
_GREETINGS = {"en": ("Hello,", "Kind regards"), "de": ("Guten Tag,", "Viele Grüße")}


def _mail(dice: random.Random, person: Mapping[str, Any], kind: str, *, number: str, thread: str, at: datetime) -> Mail:
    language = "de" if person["language"] == "de" else "en"
    subject, text = (part.format(n=number) for part in _WORDS[language][kind])
    hello, bye = _GREETINGS[language]
    message_id = f"{dice.getrandbits(80):020x}@{person['email'].rpartition('@')[2]}"
    mail = EmailMessage()
    mail["From"] = f"{_plain(person['name'])} <{person['email']}>"
    mail["To"] = MAILBOX
    mail["Subject"] = f"Re: {subject}" if thread else subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}>"
    if thread:
        mail["In-Reply-To"] = f"<{thread}>"
        mail["References"] = f"<{thread}>"
    mail.set_content(f"{hello}\n\n{text}\n\n{bye}\n{person['name']}\n")
    if kind == "damaged":
        mail.add_attachment(photo(dice.getrandbits(24)), maintype="image", subtype="png", filename="photo.png")
        mail.set_boundary(f"=={dice.getrandbits(64):016x}==")
    raw = mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return Mail(message_id, person["email"], number, kind, raw, thread)


def _plain(name: str) -> str:
    return '"' + name.replace('"', "") + '"'


def photo(colour: int) -> bytes:
    """A small picture of one colour (PNG), as many bytes as a photo has: it is not compressed."""
    side, rgb = 64, colour.to_bytes(3)
    rows = b"".join(b"\x00" + rgb * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
