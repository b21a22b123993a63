"""The processes of an installation: mails come in by SMTP, workers are watched, nothing is left behind."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_house import MAILBOX, mail

COMMAND = (sys.executable, "-m", "caseworker")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], object], *, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "CASEWORKER_DATABASE_URL": database_url, "CASEWORKER_DATA_DIR": str(tmp_path)}


@contextmanager
def started(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str], start: str) -> str:
    """The next line of its output that begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise AssertionError(f"it ended with {process.wait()} before it said {start!r}")


def port_of(process: subprocess.Popen[str]) -> int:
    return int(line_of(process, "Mail:").split("smtp://127.0.0.1:")[1].split()[0])


def children(process: subprocess.Popen[str]) -> list[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in found.read_text().split()] if found.exists() else []


def lives(number: int) -> bool:
    state = Path(f"/proc/{number}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def deliver(port: int, subject: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("a@b.example", [MAILBOX], mail(subject, "Where is my order?", sender="a@b.example"))


def listed(environment: dict[str, str]) -> list[dict[str, object]]:
    done = subprocess.run([*COMMAND, "cases", "list", "--json"], env=environment, capture_output=True, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_intake_takes_a_mail_and_ends_in_order(environment: dict[str, str]) -> None:
    with started("intake", "--port", "0", environment=environment) as intake:
        port = port_of(intake)
        deliver(port, "first")
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("a@b.example", ["stranger@nordwind.example"], b"Subject: x\r\n\r\nx")
        [case] = listed(environment)
        assert (case["subject"], case["status"]) == ("first", "open")
        intake.send_signal(signal.SIGTERM)
        assert intake.wait(20) == 0


def test_a_taken_port_is_said_so(environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "intake", "--port", port], env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert port in done.stderr
    assert "CASEWORKER_SMTP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes by /proc")
def test_serve_watches_its_worker_and_leaves_none_behind(environment: dict[str, str]) -> None:
    environment |= {"CASEWORKER_SMTP_PORT": "0", "CASEWORKER_CONSOLE_PORT": str(free_port())}
    with started("serve", "--workers", "1", environment=environment) as serve:
        port = port_of(serve)
        line_of(serve, "Worker")
        [first] = children(serve)
        os.kill(first, signal.SIGKILL)
        line_of(serve, "Worker")
        [second] = children(serve)
        assert second != first
        deliver(port, "to be worked on")
        until(lambda: listed(environment)[0]["status"] != "open")
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(40) == 0
        assert not lives(second)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes by /proc")
def test_a_worker_ends_when_serve_is_killed(environment: dict[str, str]) -> None:
    environment |= {"CASEWORKER_SMTP_PORT": "0"}
    with started("serve", "--workers", "1", "--no-console", environment=environment) as serve:
        line_of(serve, "Worker")
        [worker] = children(serve)
        serve.kill()
        serve.wait()
        until(lambda: not lives(worker), seconds=40)
