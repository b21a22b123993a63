"""An installation for measuring: embedded PostgreSQL as in production (fsync on), a generated shop, the embedded reader."""

import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from caseworker.bootstrap import App, Overrides, build
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.settings import Settings

MAILBOX = "service@nordwind.example"
AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


class StandingClock:
    """The shop's moment, so that every run sees the same states."""

    async def now(self) -> datetime:
        """Always the same."""
        return AT


class Timed:
    """Wraps an async callable and adds up its wall time in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        """Replace `owner.name` by itself with a stopwatch."""
        inner = getattr(owner, name)

        async def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return await inner(*args, **kwargs)
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
                self.calls[stage] = self.calls.get(stage, 0) + 1

        setattr(owner, name, timed)


class Sink:
    """A relay that takes everything at once and remembers when."""

    name = "sink"

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        """Taken."""
        self.at[recipients[0]] = time.perf_counter()
        return "250 taken"


@asynccontextmanager
async def open_house() -> AsyncIterator[tuple[App, Sink, dict[str, Any]]]:
    """The application over a database of its own, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="caseworker-bench-", dir="/tmp"))
    os.chmod(folder, 0o755)  # noqa: PTH101, S103  # the database runs under another account for root
    sink = Sink()
    try:
        async with build(
            Settings(data_dir=folder, secret="bench " * 8), Overrides(clock=StandingClock(), transport=sink)
        ) as app:
            shop = generate(at=AT)
            assert isinstance(app.commerce, Sandbox)
            await app.commerce.load(shop)
            yield app, sink, shop
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def question_mails(shop: dict[str, Any], count: int) -> list[tuple[str, bytes]]:
    """`count` mails of different customers: "where is my order", each with its order's number."""
    mails = []
    seen = set()
    for order in shop["orders"]:
        email = order["email"]
        if order["state"] in ("shipped", "delivered", "processing") and email not in seen:
            seen.add(email)
            mail = EmailMessage()
            mail["From"], mail["To"] = email, MAILBOX
            mail["Subject"] = f"Order {order['number']}"
            mail["Message-ID"] = f"<bench-{len(mails)}@customer.example>"
            mail["Authentication-Results"] = f"mx.nordwind.example; dmarc=pass header.from={email.partition('@')[2]}"
            mail.set_content(f"Hello,\n\nwhere is my order {order['number']}? When will it arrive?\n\nThanks\n")
            mails.append((email, mail.as_bytes()))
        if len(mails) == count:
            return mails
    raise ValueError(f"the shop has only {len(mails)} such orders")
