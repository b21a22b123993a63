"""The console in a real browser, over a real installation."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from chromium import Page, browser

from caseworker.app.playbooks import shipped
from caseworker.app.releases import ReleaseTold
from caseworker.bootstrap import Overrides, build
from caseworker.commerce.adapters.sandbox import Sandbox, generate
from caseworker.core.ids import case_reference
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Evidence, Field, Reading, Request
from caseworker.settings import from_environment

MAILBOX = "service@nordwind.example"
ATTACK = "<img src=x onerror=\"document.title='broken in'\"> <b>bold</b>"


def said(intent: str, **fields: object) -> Reading:
    evidence = Evidence("body", 0, 1, "x")
    values = {key: Field(key, value, 0.99, evidence) for key, value in fields.items()}
    return Reading("en", 0.99, (Request(intent, 0.99, evidence),), values, 0.0, (), "", "scripted")


def mail(subject: str, text: str, sender: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, MAILBOX, subject
    made["Message-ID"] = f"<{subject.replace(' ', '-')}@customer.example>"
    made["Authentication-Results"] = f"mx.nordwind.example; dmarc=pass header.from={sender.rpartition('@')[2]}"
    made.set_content(text)
    return made.as_bytes()


async def fill() -> None:
    """A shop; a cancel that was done (case 1), a threat that waits for people (case 2), a newsletter that is in no case."""
    shop = generate(customers=60, orders=240)
    order = next(o for o in shop["orders"] if o["state"] == "paid" and float(o["payments"][0]["captured"]) <= 100)
    readings = {"cancel it": said("cancel_order", order_number=order["number"]), "court": said("legal_threat")}
    async with build(from_environment(), Overrides(reader=ScriptedReader(readings))) as app:
        assert isinstance(app.commerce, Sandbox)
        await app.commerce.load(shop)
        await app.intake.take(mail("cancel it", f"Please cancel {order['number']}.", order["email"]), mailbox=MAILBOX)
        await app.intake.take(mail("court", f"My lawyer will write. {ATTACK}", "angry@customer.example"), mailbox=MAILBOX)
        news = b"Precedence: bulk\r\n" + mail("Spring offers", f"Everything must go. {ATTACK}", "news@other.example")
        await app.intake.take(news, mailbox=MAILBOX)
        drain = app.worker().drain
        while due := await app.control.due_cases(await app.clock.now(), 100):
            for case in due:
                await drain.look(case)


@pytest.fixture
def console(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The console's address; the processes end with the test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"DATABASE_URL": postgres_url, "DATA_DIR": tmp_path / "data", "SMTP_PORT": 0, "CONSOLE_PORT": port}
    for name, value in settings.items():
        monkeypatch.setenv(f"CASEWORKER_{name}", str(value))
    asyncio.run(fill())
    command = [sys.executable, "-m", "caseworker", "serve", "--workers", "0"]
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Mail:"):
            break
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with browser(tmp_path / "profile") as opened:
        yield opened


def opened(page: Page, url: str, *words: str) -> str:
    """The server may need a moment after its first line: an address that does not answer yet is asked again."""
    for _ in range(20):
        page.open(url)
        if "ERR_CONNECTION_REFUSED" not in page.text():
            break
    return page.until(*words)


def test_a_manager_finds_a_case_and_reads_why(page: Page, console: str) -> None:
    shown = opened(page, f"{console}/", "cancel it", "court")
    assert "With people\n1" in shown
    assert "angry@customer.example" in shown
    opened(page, f"{console}/?status=closed&search=cancel", "cancel it")
    assert "court" not in page.text()
    opened(page, f"{console}/?search=nobody-of-that-name", "No case fits.")
    shown = opened(page, f"{console}/cases/{case_reference(1)}", "orders.cancel: done", "Decided by cancel")
    assert "Please cancel" in shown
    assert "resolved" in shown
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.until("cancel_all", "does not hold", "order.status")
    opened(page, f"{console}/cases/CW-000099-ZZ", "is no case")


def test_a_mail_in_no_case_is_found(page: Page, console: str) -> None:
    opened(page, f"{console}/", "cancel it")
    page.evaluate("[...document.querySelectorAll('a')].find(a => a.innerText === 'Mails in no case').click()")
    shown = page.until("Spring offers", "mailing list", "news@other.example")
    assert "cancel it" not in shown
    assert "broken in" not in page.evaluate("document.title")


def test_a_manager_sees_releases_and_how_one_in_shadow_differs(page: Page, console: str, tmp_path: Path) -> None:
    told = asyncio.run(shadow_of(tmp_path / "other"))
    opened(page, f"{console}/releases", "live", "shadow", "anna", told.short)
    shown = opened(page, f"{console}/releases/{told.short}", "What was done with it", "draft → shadow", "a look")
    assert "return window 30 -> 41 days (parameters.yaml:" in shown
    opened(page, f"{console}/releases/live", "first start")
    opened(page, f"{console}/releases/ffff0000", "No release begins with ffff0000")


async def shadow_of(folder: Path) -> ReleaseTold:
    """Another release in shadow: the shipped playbook with a longer window."""
    shutil.copytree(shipped("retail"), folder)
    text = (folder / "parameters.yaml").read_text()
    (folder / "parameters.yaml").write_text(text.replace("    - 30\n", "    - 41\n", 1))
    async with build(from_environment()) as app:
        told, _ = await app.releases.take_in(folder, by="anna")
        return await app.releases.shadow(told.release, by="anna", note="a look")


def test_a_person_decides_and_nothing_a_customer_wrote_becomes_a_page(page: Page, console: str) -> None:
    opened(page, f"{console}/queues", "legal threat", "court")
    shown = opened(page, f"{console}/cases/{case_reference(2)}", "Resolved by me", "My lawyer will write.")
    assert ATTACK in shown
    assert "broken in" not in page.evaluate("document.title")
    page.evaluate("[...document.querySelectorAll('button')].find(b => b.innerText.includes('Resolved by me')).click()")
    page.until("Decided by people", "resolve by")
    opened(page, f"{console}/queues", "Nothing waits for people.")


def test_the_keyboard_reaches_the_search_and_the_focus_is_seen(page: Page, console: str) -> None:
    opened(page, f"{console}/", "cancel it")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert page.evaluate("document.activeElement.innerText") == "Caseworker"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.evaluate("document.querySelector('input[type=search]').tabIndex") == 0
    foreign = page.evaluate(
        "performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))"
    )
    assert [name for name in foreign if not name.startswith("data:")] == []
