"""An installation in the test's own process: real database, real sandbox shop, real mail bytes; a reader told what to read."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from caseworker.bootstrap import App, Overrides, build
from caseworker.cases.intake import Taken
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.commerce.ports import Commerce
from caseworker.mail.errors import SendRefused
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Evidence, Field, Reading, Request
from caseworker.settings import Settings

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
MAILBOX = "service@nordwind.example"


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
    refuse: SendRefused | None = None

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        if self.refuse is not None:
            raise self.refuse
        self.repeats += message_id in self.mails
        self.mails[message_id] = (recipients[0], raw)
        return "250 ok"


def reading(*intents: str, fields: Mapping[str, object] | None = None, **flags: object) -> Reading:
    """What the scripted reader says of a mail."""
    evidence = Evidence("body", 0, 1, "x")
    said = {key: Field(key, value, 0.99, evidence) for key, value in (fields or {}).items()}
    requests = tuple(Request(intent, 0.99, evidence) for intent in intents)
    values: dict[str, object] = {"risks": (), "abstained": "", "chaser": False, "thanks": False, **flags}
    return Reading("en", 0.99, requests, said, 0.0, reader="scripted", **values)  # type: ignore[arg-type]


@dataclass
class House:
    """One installation under test."""

    app: App
    clock: TestClock
    outbox: Outbox
    readings: dict[str, Reading]
    shop: dict[str, Any]

    async def mail(
        self, subject: str, text: str, *, sender: str, auth: str = "pass", references: str = "", message_id: str = ""
    ) -> Taken:
        """A customer's mail, taken in."""
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = MAILBOX
        mail["Subject"] = subject
        mail["Message-ID"] = message_id or f"<{abs(hash((subject, text)))}@customer.example>"
        if references:
            mail["In-Reply-To"] = references
        domain = sender.rpartition("@")[2].rstrip(">")
        mail["Authentication-Results"] = f"mx.nordwind.example; dmarc={auth} header.from={domain}"
        mail.set_content(text)
        return await self.app.intake.take(mail.as_bytes(), mailbox=MAILBOX, envelope_from=sender)

    async def work(self) -> None:
        """Do everything that is due."""
        drain = self.app.worker().drain
        while due := await self.app.control.due_cases(self.clock.at, 100):
            await asyncio.gather(*(drain.look(case) for case in due))

    @property
    def sandbox(self) -> Sandbox:
        assert isinstance(self.app.commerce, Sandbox)
        return self.app.commerce


@asynccontextmanager
async def open_house(
    url: str, data_dir: Path, *, readings: dict[str, Reading], commerce: Commerce | None = None
) -> AsyncIterator[House]:
    clock, outbox = TestClock(), Outbox()
    reader = ScriptedReader(readings)
    settings = Settings(data_dir=data_dir, database_url=url, secret="a secret of the tests, long enough")
    overrides = Overrides(clock=clock, reader=reader, transport=outbox, commerce=commerce)
    async with build(settings, overrides) as app:
        shop = generate(customers=60, orders=240)
        if isinstance(app.commerce, Sandbox):
            await app.commerce.load(shop)
        yield House(app, clock, outbox, readings, shop)


def order_in(house: House, *states: str, most: float = 100.0) -> dict[str, Any]:
    """An order of the shop in one of these states, paid at once by a single payment of at most `most` major units."""
    for order in house.shop["orders"]:
        if order["state"] in states and len(order["payments"]) == 1 and float(order["payments"][0]["captured"]) <= most:
            return order
    found = sorted({order["state"] for order in house.shop["orders"]})
    raise AssertionError(f"the shop has no such order; its states are {found}")
