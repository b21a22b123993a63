"""What every command that works with an installation shares: settings, the App, logs, and an orderly end."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from caseworker.settings import Settings, from_environment

if TYPE_CHECKING:
    from caseworker.bootstrap import App

_T = TypeVar("_T")
log = logging.getLogger("caseworker")


def settings() -> Settings:
    """The settings of this call."""
    return from_environment()


@asynccontextmanager
async def opened(chosen: Settings | None = None, *, adopt: bool = False) -> AsyncIterator["App"]:
    """The application; its imports happen here. `adopt` as in `bootstrap.build`."""
    from caseworker.bootstrap import build

    async with build(chosen or settings(), adopt=adopt) as app:
        yield app


def with_app(work: "Callable[[App], Awaitable[_T]]") -> _T:
    """Open the application, do one thing with it, close it."""

    async def run() -> _T:
        async with opened() as app:
            return await work(app)

    return asyncio.run(run())


def log_to_stderr() -> None:
    """Log lines on stderr, UTC; the libraries' own only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    context = click.get_current_context(silent=True)
    is_debug = bool(context and context.find_root().obj and context.find_root().obj.get("debug"))
    if not is_debug:
        handler.addFilter(_without_traceback)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    log.setLevel(logging.DEBUG if is_debug else logging.INFO)


def _without_traceback(record: logging.LogRecord) -> bool:
    """What a library stumbled over in one line (a lost database is everyday); `--debug` shows the rest."""
    if not record.name.startswith("caseworker") and record.exc_info:
        error = record.exc_info[1]
        cause = error.__cause__ if error is not None and error.__cause__ is not None else error
        record.msg, record.args, record.exc_info = f"{record.getMessage().splitlines()[0]} {cause}", (), None
    return True


async def until_stopped(work: Coroutine[object, object, None], *, with_parent: bool = False) -> None:
    """Run until it ends, SIGTERM or SIGINT comes, or (`with_parent`) stdin closes; then cancel it and wait for its end.

    A second signal ends the process at once, as it does without us.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        await loop.connect_read_pipe(lambda: _UntilClosed(stop), sys.stdin)
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    stopped.cancel()
    if task.done():
        task.result()
        return
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


class _UntilClosed(asyncio.Protocol):
    """The parent holds the other end of our stdin; when it is gone, in whatever way, so are we."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop.set()
