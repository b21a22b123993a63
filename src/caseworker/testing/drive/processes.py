"""Caseworker as real processes: started like an operator starts them, told to end, or killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caseworker.bootstrap import build
from caseworker.core.errors import CaseworkerError
from caseworker.settings import Settings
from caseworker.testing.drive.inprocess import AUTHSERV_ID
from caseworker.testing.drive.installation import Installation, lab_settings
from caseworker.testing.relay import Relay

READY = {"worker": "works with", "intake": "smtp://"}
START_WITHIN = 60.0  # seconds: the reader's weights are loaded
END_WITHIN = 30.0


class NotStarted(CaseworkerError):
    """A process ended, or said nothing, instead of becoming ready."""


@dataclass(slots=True)
class Process:
    """One process of Caseworker. `ready` is the line with which it said that it works; `log` gathers its stderr."""

    command: tuple[str, ...]
    process: asyncio.subprocess.Process
    ready: str
    log: Path
    _reading: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Not ended yet, in whatever way."""
        return self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT and the like. A process that has ended is left alone."""
        if self.running:
            self.process.send_signal(number)

    async def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.send(signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> int:
        """Ask it to end in order (SIGTERM), wait, and return its exit code; killed after 30 seconds."""
        self.send(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), END_WITHIN)
        except TimeoutError:
            await self.kill()
            return -signal.SIGKILL


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the `CASEWORKER_*` variables of a child process, beside this process's own environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORKER_")}
    values = {f"CASEWORKER_{name.upper()}": _text(getattr(settings, name)) for name in Settings.__dataclass_fields__}
    return {**own, **values}


async def start(command: Sequence[str], settings: Settings, *, log: Path, more: Mapping[str, str] | None = None) -> Process:
    """Start `python -m caseworker COMMAND...` and wait for its line of readiness. Raises NotStarted with the end of its log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "caseworker", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**environment(settings), **(more or {})},
            start_new_session=True,
        )
    try:
        ready = await asyncio.wait_for(_ready(process, READY[command[0]]), START_WITHIN)
    except TimeoutError:
        ready = ""
    if not ready:
        if process.returncode is None:
            process.kill()
        await process.wait()
        tail = (await asyncio.to_thread(log.read_text, errors="replace"))[-2000:]
        raise NotStarted(f"`caseworker {' '.join(command)}` did not become ready:\n{tail}", remedy=f"See {log}.")
    started = Process(tuple(command), process, ready, log)
    started._reading = asyncio.create_task(_drink(process))  # noqa: SLF001  # the pipe must not fill up
    return started


async def _ready(process: asyncio.subprocess.Process, mark: str) -> str:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode("utf-8", "replace"):
        if mark in line:
            return line.strip()
    return ""


async def _drink(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(65536):
        pass


def _text(value: object) -> str:
    return {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value)


@dataclass(slots=True)
class Fleet:
    """An installation of processes, with its workers and its intake at hand so that a run can kill them."""

    installation: Installation
    settings: Settings
    logs: Path
    workers: list[Process] = field(default_factory=list)
    intakes: list[Process] = field(default_factory=list)
    _started: int = 0

    async def add_worker(self, more: Mapping[str, str] | None = None) -> Process:
        """Start one more worker process."""
        log = self._log("worker")
        worker = await start(("worker",), self.settings, log=log, more=more)
        self.workers.append(worker)
        return worker

    async def add_intake(self) -> Process:
        """Start the SMTP receiver on a free port; from now on the relay hands mail to this one."""
        log = self._log("intake")
        intake = await start(("intake", "--port", "0"), self.settings, log=log)
        address = intake.ready.partition("smtp://")[2].split()[0]
        host, _, port = address.rpartition(":")
        self.installation.relay.target = (host, int(port))
        self.intakes.append(intake)
        return intake

    def _log(self, name: str) -> Path:
        self._started += 1
        return self.logs / f"{name}-{self._started}.log"

    async def end(self) -> None:
        """End every process in order."""
        await asyncio.gather(*(process.end() for process in (*self.intakes, *self.workers) if process.running))


@asynccontextmanager
async def open_fleet(settings: Settings, *, workers: int, folder: Path, authserv_id: str = AUTHSERV_ID) -> AsyncIterator[Fleet]:
    """Relay, intake and `workers` worker processes, running until the context ends. `folder` takes mails and logs."""
    async with AsyncExitStack() as stack:
        relay = Relay(authserv_id, folder / "mail")
        await relay.start()
        stack.push_async_callback(relay.stop)
        chosen = lab_settings(settings, relay)
        app = await stack.enter_async_context(build(chosen))
        fleet = Fleet(Installation(app, relay), chosen, folder / "logs")
        stack.push_async_callback(fleet.end)
        await fleet.add_intake()
        await asyncio.gather(*(fleet.add_worker() for _ in range(workers)))
        yield fleet
