"""An installation that the command line finds by its environment, with cases in it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from caseworker import bootstrap
from caseworker.cli.main import run
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.core.clock import utc_now
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Evidence, Field, Reading, Request
from caseworker.settings import from_environment

MAILBOX = "service@nordwind.example"


@dataclass
class Desk:
    """`readings` says what is read in a mail, by its subject. Commands run in this process."""

    capsys: pytest.CaptureFixture[str]
    readings: dict[str, Reading] = field(default_factory=dict)
    shop: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command that has to end with `code`; returns what it printed."""
        self.capsys.readouterr()
        ended = run(arguments)
        shown = self.capsys.readouterr()
        assert ended == code, f"{arguments}: {ended}\n{shown.out}\n{shown.err}"
        return shown.out if code == 0 else shown.out + shown.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self(*arguments, "--json", code=code))

    def load_shop(self) -> None:
        """A small shop."""
        self.shop = generate(customers=60, orders=240)

        async def load() -> None:
            async with bootstrap.build(from_environment()) as app:
                assert isinstance(app.commerce, Sandbox)
                await app.commerce.load(self.shop)

        asyncio.run(load())

    def work(self, *mails: bytes) -> None:
        """Take mails in and do everything that is due, as worker processes would."""

        async def do() -> None:
            async with bootstrap.build(from_environment()) as app:
                for raw in mails:
                    await app.intake.take(raw, mailbox=MAILBOX)
                drain = app.worker().drain
                while due := await app.control.due_cases(await app.clock.now(), 100):
                    await asyncio.gather(*(drain.look(case) for case in due))

        asyncio.run(do())

    def order(self, *states: str, most: float = 100.0) -> dict[str, Any]:
        """An order in one of these states, paid at once by at most `most` major units."""
        fitting = (o for o in self.shop["orders"] if o["state"] in states and len(o["payments"]) == 1)
        return next(o for o in fitting if float(o["payments"][0]["captured"]) <= most)


def mail(subject: str, text: str, *, sender: str, at: datetime | None = None) -> bytes:
    """A verified customer's mail."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"Ada <{sender}>", MAILBOX, subject
    made["Message-ID"] = f"<{subject.replace(' ', '-')}@customer.example>"
    made["Date"] = format_datetime(at or utc_now())
    made["Authentication-Results"] = f"mx.nordwind.example; dmarc=pass header.from={sender.rpartition('@')[2]}"
    made.set_content(text)
    return made.as_bytes()


def reading(*intents: str, abstained: str = "", **fields: object) -> Reading:
    """What the scripted reader says of a mail."""
    evidence = Evidence("body", 0, 1, "x")
    said = {key: Field(key, value, 0.99, evidence) for key, value in fields.items()}
    requests = tuple(Request(intent, 0.99, evidence) for intent in intents)
    return Reading("en", 0.99, requests, said, 0.0, (), abstained, "scripted")


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, url: str, readings: dict[str, Reading]) -> None:
    """Point the environment at a database of the test's own, with a reader that is told what to read."""
    monkeypatch.setenv("CASEWORKER_DATABASE_URL", url)
    monkeypatch.setenv("CASEWORKER_DATA_DIR", str(folder))
    monkeypatch.setenv("CASEWORKER_SMTP_PORT", "0")
    monkeypatch.setenv("CASEWORKER_CONSOLE_PORT", "0")
    monkeypatch.setattr(bootstrap, "make_reader", lambda settings, release: ScriptedReader(readings))
