"""What `serve` watches: its worker processes, the list of mailboxes."""

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

from caseworker.core.errors import CaseworkerError, StoreError

if TYPE_CHECKING:
    from caseworker.bootstrap import App

log = logging.getLogger("caseworker.serve")
SETTLED = 10.0  # seconds after which a worker counts as well started
LONGEST_PAUSE = 30.0
PATIENCE = 25.0  # seconds a worker has for its orderly end: the engine's own are 20


async def supervise(count: int) -> None:
    """Keep `count` worker processes running until cancelled; none outlives this process, however it ends."""
    async with asyncio.TaskGroup() as group:
        for number in range(1, count + 1):
            group.create_task(_keep_worker(number))


async def _keep_worker(number: int) -> None:
    loop, pause = asyncio.get_running_loop(), 1.0
    while True:
        begun = loop.time()
        # A session of its own: Ctrl-C reaches us alone, and we pass it on. Its stdin closes with us, even after kill -9.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "caseworker", "worker", "--until-stdin-closes"),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        pause = 1.0 if loop.time() - begun > SETTLED else min(pause * 2, LONGEST_PAUSE)
        log.error("Worker %s ended with code %s; started again in %.0f s", number, code, pause)
        await asyncio.sleep(pause)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        log.warning("Worker process %s did not end in %.0f s and is killed; its cases are taken over", process.pid, PATIENCE)
        process.kill()
        await process.wait()


async def keep_mailboxes(app: "App") -> None:
    """Know new mailboxes within seconds; start the embedded database again when it was lost. Runs until cancelled."""
    is_away = False
    while True:
        try:
            await app.intake.refresh()
        except StoreError as error:
            if not is_away:
                log.warning("Mails are put off, their senders try again: %s", error)
            is_away = True
            await _recover(app)
        else:
            if is_away:
                log.warning("The database answers again; mails are taken in.")
            is_away = False
        await asyncio.sleep(0.5)


async def _recover(app: "App") -> None:
    try:
        await asyncio.to_thread(app.recover)
    except CaseworkerError as error:
        log.warning("The database cannot be started: %s", error)
