"""An installation in the test's own process: real database, real sandbox shop, real mail bytes; a reader told what to read."""

import asyncio
import copy
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg

from caseworker.app.managers import CaseFile
from caseworker.bootstrap import App, Overrides, build
from caseworker.cases.intake import Taken
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.commerce.ports import Commerce
from caseworker.mail.errors import SendRefused
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Evidence, Field, Reading, Request
from caseworker.reading.ports import Reader
from caseworker.settings import Settings

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
MAILBOX = "service@nordwind.example"
SECRET = "a secret of the tests, long enough"


@dataclass
class TestClock:
    """A clock that stands until a test moves it."""

    __test__ = False
    at: datetime = AT

    async def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Outbox:
    """A transport that keeps what it was given, one mail per Message-ID, and refuses when told to."""

    name = "outbox"
    mails: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    repeats: int = 0
    tries: int = 0
    refuse: SendRefused | None = None

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        self.tries += 1
        if self.refuse is not None:
            raise self.refuse
        self.repeats += message_id in self.mails
        self.mails[message_id] = (recipients[0], raw)
        return "250 ok"

    @property
    def letters(self) -> list[EmailMessage]:
        """What customers got, in order."""
        return [message_from_bytes(raw, policy=policy.default) for _, raw in self.mails.values()]  # type: ignore[misc]

    @property
    def texts(self) -> list[str]:
        """The words of the letters, white space made equal."""
        return [" ".join(words_of(letter).split()) for letter in self.letters]


def words_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def reading(*intents: str, fields: Mapping[str, object] | None = None, **flags: object) -> Reading:
    """What the scripted reader says of a mail."""
    said = {key: _field(key, value) for key, value in (fields or {}).items()}
    requests = tuple(asked(intent) for intent in intents)
    values: dict[str, object] = {"risks": (), "abstained": "", "chaser": False, "thanks": False, **flags}
    return Reading("en", 0.99, requests, said, 0.0, reader="scripted", **values)  # type: ignore[arg-type]


def asked(intent: str, **fields: object) -> Request:
    """One request with fields of its own."""
    return Request(intent, 0.99, _EVIDENCE, {key: _field(key, value) for key, value in fields.items()})


def several(*requests: Request) -> Reading:
    """A mail with several requests, each with its own fields."""
    return replace(reading(), requests=requests)


_EVIDENCE = Evidence("body", 0, 1, "x")


def _field(key: str, value: object) -> Field:
    return Field(key, value, 0.99, _EVIDENCE)


@dataclass
class House:
    """One installation under test."""

    app: App
    clock: TestClock
    outbox: Outbox
    readings: dict[str, Reading]
    shop: dict[str, Any]
    sandbox: Sandbox
    reader: Reader

    async def mail(
        self,
        subject: str,
        text: str,
        *,
        sender: str,
        auth: str = "pass",
        references: str = "",
        message_id: str = "",
        to: str = MAILBOX,
        headers: Mapping[str, str] | None = None,
        change: Callable[[EmailMessage], object] | None = None,
        history: bool = False,
    ) -> Taken:
        """A customer's mail, taken in. `change` may do anything to it before it goes out."""
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = to
        mail["Subject"] = subject
        seed = hashlib.sha256(f"{subject}|{text}|{sender}".encode()).hexdigest()[:24]
        mail["Message-ID"] = message_id or f"<{seed}@customer.example>"
        if references:
            mail["In-Reply-To"] = references
        domain = sender.rpartition("@")[2].rstrip(">")
        mail["Authentication-Results"] = f"mx.nordwind.example; dmarc={auth} header.from={domain}"
        for name, value in (headers or {}).items():
            mail[name] = value
        mail.set_content(text)
        if change is not None:
            change(mail)
        return await self.app.intake.take(mail.as_bytes(), mailbox=MAILBOX, envelope_from=sender, history=history)

    async def work(self) -> None:
        """Do everything that is due."""
        drain = self.app.worker().drain
        while due := await self.app.control.due_cases(self.clock.at, 100):
            await asyncio.gather(*(drain.look(case) for case in due))

    async def pass_time(self, *, step: float = 60.0, until: float) -> None:
        """Let `until` seconds go by in steps, doing what falls due."""
        for _ in range(int(until / step)):
            self.clock.move(seconds=step)
            await self.work()

    async def file(self, taken: Taken | int) -> CaseFile:
        """The case's file."""
        return await self.app.managers.file(str(taken if isinstance(taken, int) else taken.case))

    async def paid_back(self, order: Mapping[str, Any]) -> list[int]:
        """The refunds that the shop booked for an order, in minor units."""
        rows = self.sql("select minor from sandbox.ledger where order_number = %s order by minor", order["number"])
        return [int(row[0]) for row in rows]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database, past everything."""
        with psycopg.connect(self.app.database.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def open_house(
    url: str,
    data_dir: Path,
    *,
    readings: dict[str, Reading],
    commerce: Commerce | None = None,
    reader: Reader | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """An installation over a migrated database. `settings` change what a fresh installation has."""
    clock, outbox = TestClock(), Outbox()
    chosen = reader or ScriptedReader(readings)
    overrides = Overrides(clock=clock, reader=chosen, transport=outbox, commerce=commerce)
    async with build(Settings(data_dir=data_dir, database_url=url, secret=SECRET, **settings), overrides) as app:
        shop = generate(customers=60, orders=240)
        assert isinstance(app.commerce, Sandbox)
        await app.commerce.load(shop)
        yield House(app, clock, outbox, readings, shop, app.commerce, chosen)


def order_in(house: House, *states: str, most: float = 100.0) -> dict[str, Any]:
    """An order of the shop in one of these states, paid at once by a single payment of at most `most` major units."""
    for order in house.shop["orders"]:
        if order["state"] in states and len(order["payments"]) == 1 and float(order["payments"][0]["captured"]) <= most:
            return order
    found = sorted({order["state"] for order in house.shop["orders"]})
    raise AssertionError(f"the shop has no such order; its states are {found}")


def returnable_order(house: House) -> dict[str, Any]:
    """A delivery of the last weeks of which nothing came back and everything may."""
    for order in house.shop["orders"]:
        whole = all(line["returnable"] and not line["final_sale"] and not line["returned"] for line in order["lines"])
        if order["state"] == "delivered" and whole and not order["returns"] and order["delivered_at"] > "2026-11-12":
            return order
    raise AssertionError("the shop has no order that can be returned")


async def overdue_return(house: House, *, worth: str = "") -> dict[str, Any]:
    """An order whose only return arrived two weeks ago and was not refunded; `worth` changes what it cost."""
    for found in house.shop["orders"]:
        [back, *more] = found["returns"] or [{"state": ""}]
        if back["state"] != "received" or more or len(found["payments"]) != 1 or len(found["lines"]) != 1:
            continue
        order = copy.deepcopy(found)
        order["returns"][0]["received_at"] = "2026-11-13T10:00:00Z"
        order["returns"][0]["created_at"] = min(order["returns"][0]["created_at"], "2026-11-12T10:00:00Z")
        if worth:
            order["shipping"], order["lines"][0]["unit_price"] = "0.00", worth
            order["returns"][0]["amount"] = worth
            order["payments"][0].update(authorised=worth, captured=worth)
        await house.sandbox.put("base", "orders", order)
        return order
    raise AssertionError("the shop has no such return")
