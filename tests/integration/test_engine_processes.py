"""Worker processes as they run in the field: one is killed, the others finish its work; each ends in order when told to."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest
from house import MAILBOX, SECRET

from caseworker.bootstrap import App, Overrides, build
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.settings import Settings

START = 60.0  # seconds a process may take to come up on a busy machine
TAKE_OVER = 30.0  # the promise of house.md


class Fleet:
    """Worker processes on one database, with failpoints."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.points = folder / "failpoints"
        self.points.mkdir()
        self.processes: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CASEWORKER_")}
        environ |= {
            "CASEWORKER_DATABASE_URL": self.url,
            "CASEWORKER_DATA_DIR": str(self.folder),
            "CASEWORKER_SECRET": SECRET,
            "CASEWORKER_FAILPOINTS": str(self.points),
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "caseworker", "worker"]
        process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        self.processes.append(process)
        return process

    def ready(self) -> None:
        for process in self.processes:
            assert process.stdout is not None
            assert "works with" in process.stdout.readline()

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    async def until(self, statement: str, wanted: list[tuple[Any, ...]], *, within: float) -> float:
        """Seconds until a query gives what is wanted."""
        begun = time.monotonic()
        while (found := self.sql(statement)) != wanted:
            assert time.monotonic() - begun < within, f"{found} instead of {wanted} after {within} s"
            await asyncio.sleep(0.1)
        return time.monotonic() - begun


@pytest.fixture
def fleet(database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(database_url, tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@asynccontextmanager
async def _desk(fleet: Fleet) -> AsyncIterator[App]:
    """The other side: intake and the shop, in this process."""
    settings = Settings(data_dir=fleet.folder, database_url=fleet.url, secret=SECRET)
    async with build(settings, Overrides(reader=ScriptedReader({}))) as app:
        yield app


async def _cancel_mail(app: App) -> dict[str, Any]:
    shop = generate(customers=40, orders=160)
    assert isinstance(app.commerce, Sandbox)
    await app.commerce.load(shop)
    open_orders = [o for o in shop["orders"] if o["state"] in ("paid", "processing") and len(o["payments"]) == 1]
    order = next(o for o in open_orders if float(o["payments"][0]["captured"]) < 100)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = order["email"], MAILBOX, f"Order {order['number']}"
    mail["Message-ID"] = "<one@customer.example>"
    domain = order["email"].partition("@")[2]
    mail["Authentication-Results"] = f"mx.nordwind.example; dmarc=pass header.from={domain}"
    mail.set_content(f"Please cancel my order {order['number']}.")
    await app.intake.take(mail.as_bytes(), mailbox=MAILBOX, envelope_from=order["email"])
    return order


async def test_the_case_of_a_killed_worker_is_finished_by_the_other(fleet: Fleet) -> None:
    """Killed between the write in the shop and its receipt: the worst moment there is."""
    (fleet.points / "after_call").write_text("kill\n")
    for _ in range(2):
        fleet.start()
    fleet.ready()
    async with _desk(fleet) as app:
        order = await _cancel_mail(app)
        begun = time.monotonic()
        while not any(process.poll() is not None for process in fleet.processes):
            assert time.monotonic() - begun < START, "no worker met the failpoint"
            await asyncio.sleep(0.05)
        [dead] = [process for process in fleet.processes if process.poll() is not None]
        assert dead.returncode == -signal.SIGKILL
        await fleet.until("select status from cases", [("closed",)], within=TAKE_OVER)
        await fleet.until("select status from effects where kind = 'send'", [("done",)], within=5)
        writes = fleet.sql("select count(*) from sandbox.requests")
        assert writes == [(1,)], "looked up, not repeated"
        assert (await app.commerce.record("base", "orders", order["id"]))["state"] == "cancelled"  # type: ignore[attr-defined]
    mails = [path for path in (fleet.folder / "outbox").rglob("*") if path.is_file()]
    assert len(mails) == 1, "told once"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_ends_in_order_when_it_is_told_to(fleet: Fleet, number: signal.Signals) -> None:
    worker = fleet.start()
    fleet.ready()
    await asyncio.sleep(2)  # it is at work now
    begun = time.monotonic()
    worker.send_signal(number)
    assert await asyncio.to_thread(worker.wait, 15) == 0
    assert time.monotonic() - begun < 10


async def test_a_worker_lives_on_when_its_connections_are_cut(fleet: Fleet) -> None:
    worker = fleet.start()
    fleet.ready()
    await asyncio.sleep(1)
    fleet.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    async with _desk(fleet) as app:
        await _cancel_mail(app)
        await fleet.until("select status from cases", [("closed",)], within=TAKE_OVER)
    assert worker.poll() is None
