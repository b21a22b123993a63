"""`serve` while what it stands on fails: the database stops, the disk is full, the relay refuses. No mail is lost."""

import json
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cli_house import MAILBOX, mail
from test_cli_serving import COMMAND, environment, free_port, line_of, listed, port_of, started, until

from caseworker.store.embedded import EmbeddedServer

__all__ = ["environment"]  # the fixture of the other file

AWAY = 20.0  # seconds


class Relay:
    """A relay on loopback that gives the answer it was told last, and keeps what it accepted."""

    def __init__(self) -> None:
        self.answer = "250 2.0.0 OK"
        self.asked = 0
        self.kept: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        self.asked += 1
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.kept.append(envelope.content)
        return self.answer


@pytest.fixture
def relay() -> Iterator[tuple[Relay, str]]:
    handler = Relay()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the account of the embedded server may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="caseworker-serve-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    EmbeddedServer(folder).wait_stopped(seconds=20)
    shutil.rmtree(folder)


def handed_in(port: int, subject: str) -> str:
    """Hand one mail over; returns the answer's code and text, of whichever step refused."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo()
        client.mail(f"{subject}@b.example")
        code, said = client.rcpt(MAILBOX)
        if code == 250:
            code, said = client.data(mail(subject, "Where is my order?", sender=f"{subject}@b.example"))
        return f"{code} {said.decode()}"


def test_a_database_that_is_away_for_twenty_seconds(open_folder: Path, tmp_path: Path, relay: tuple[Relay, str]) -> None:
    with EmbeddedServer(open_folder) as server:
        variables = {
            **os.environ,
            "CASEWORKER_DATABASE_URL": server.url,
            "CASEWORKER_DATA_DIR": str(tmp_path),
            "CASEWORKER_SMTP_PORT": "0",
            "CASEWORKER_RELAY": relay[1],
        }
        with started("serve", "--workers", "1", "--no-console", environment=variables) as serve:
            port = port_of(serve)
            line_of(serve, "Worker")
            assert handed_in(port, "before").startswith("250")
            until(lambda: len(relay[0].kept) == 1, seconds=60)
            server.stop(wait=20)
            begun = time.monotonic()
            refused = []
            while time.monotonic() - begun < AWAY:
                refused.append(handed_in(port, "meanwhile"))
                time.sleep(2)
            assert {answer[:3] for answer in refused} == {"451"}
            assert "Please try again later" in refused[0]
            server.start()
            until(lambda: handed_in(port, "meanwhile").startswith("250"), seconds=30)
            until(lambda: len(relay[0].kept) == 2, seconds=60)
            assert sorted(str(case["subject"]) for case in listed(variables)) == ["before", "meanwhile"]
            assert serve.poll() is None
            serve.send_signal(signal.SIGTERM)
            assert serve.wait(40) == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the server by /proc")
def test_an_embedded_database_that_is_killed_comes_back_by_itself(open_folder: Path, relay: tuple[Relay, str]) -> None:
    variables = {
        **{name: value for name, value in os.environ.items() if name != "CASEWORKER_DATABASE_URL"},
        "CASEWORKER_DATA_DIR": str(open_folder),
        "CASEWORKER_SMTP_PORT": "0",
        "CASEWORKER_RELAY": relay[1],
    }
    with started("serve", "--workers", "1", "--no-console", environment=variables) as serve:
        port = port_of(serve)
        line_of(serve, "Worker")
        assert handed_in(port, "before").startswith("250")
        postmaster = int((open_folder / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: handed_in(port, "after").startswith("250"), seconds=60)
        until(lambda: len(relay[0].kept) == 2, seconds=60)
        assert {case["subject"] for case in listed(variables)} == {"before", "after"}
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(40) == 0


def test_a_full_disk_refuses_for_now_and_says_so(environment: dict[str, str]) -> None:
    """PostgreSQL's own error for a full disk, raised where it would be: by the insert that makes the mail ours."""
    environment |= {"CASEWORKER_SMTP_PORT": "0"}
    with (
        psycopg.connect(environment["CASEWORKER_DATABASE_URL"], autocommit=True) as connection,
        started("intake", "--port", "0", environment=environment) as intake,
    ):
        port = port_of(intake)
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
            " 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON raw_mails FOR EACH ROW EXECUTE FUNCTION full_disk()")
        refused = handed_in(port, "too-much")
        assert refused.startswith("452"), refused
        assert "no room to store the mail, nothing was taken" in refused
        assert listed(environment) == []
        connection.execute("DROP FUNCTION full_disk CASCADE")
        assert handed_in(port, "too-much").startswith("250")
        assert [case["subject"] for case in listed(environment)] == ["too-much"]


def test_a_relay_that_refuses_for_now_is_asked_again_and_gets_the_reply_once(
    environment: dict[str, str], relay: tuple[Relay, str]
) -> None:
    environment |= {"CASEWORKER_SMTP_PORT": "0", "CASEWORKER_RELAY": relay[1]}
    relay[0].answer = "451 4.7.1 Greylisted, come back later"
    with started("serve", "--workers", "1", "--no-console", environment=environment) as serve:
        port = port_of(serve)
        assert handed_in(port, "hello").startswith("250")
        until(lambda: relay[0].asked >= 2, seconds=90)
        assert relay[0].kept == []
        relay[0].answer = "250 2.0.0 OK"
        until(lambda: relay[0].kept, seconds=90)
        until(lambda: listed(environment)[0]["status"] == "awaiting_customer")
        assert len(relay[0].kept) == 1
        assert "hello" in message_from_bytes(relay[0].kept[0])["Subject"]


def test_a_relay_that_refuses_for_good_brings_the_case_to_a_person(
    environment: dict[str, str], relay: tuple[Relay, str]
) -> None:
    environment |= {"CASEWORKER_SMTP_PORT": "0", "CASEWORKER_RELAY": relay[1]}
    relay[0].answer = "550 5.1.1 No such user here"
    with started("serve", "--workers", "1", "--no-console", environment=environment) as serve:
        port = port_of(serve)
        assert handed_in(port, "hello").startswith("250")
        until(lambda: waiting(environment), seconds=60)
        [item] = waiting(environment)
        assert (item["item"]["subject"], item["item"]["queue"]) == ("hello", "general"), item


def waiting(environment: dict[str, str]) -> list[dict[str, Any]]:
    done = subprocess.run([*COMMAND, "queue", "list", "--json"], env=environment, capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
