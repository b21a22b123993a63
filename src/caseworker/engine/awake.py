"""A call to the world is not gone on with by a process that was frozen meanwhile.

Between the last look at the lease and the moment when a request leaves this process lie a few awaits. A process that is frozen
there (a paused machine, SIGSTOP) loses its case; another worker looks up that nothing was done, and does it. When the first one
wakes up, its request must not leave any more.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from caseworker.core.errors import FenceLost

TICK = 0.5  # seconds
FROZEN = 5.0  # seconds without a tick; a lease lives at least 7 s after its last renewal


@asynccontextmanager
async def awake(*, limit: float = FROZEN, tick: float = TICK) -> AsyncIterator[None]:
    """Give the body up with FenceLost when the process stood still for longer than `limit` seconds.

    The watch is a timer's callback, not a task: after a standstill the event loop runs the timers that are overdue before any
    task's next step, so the body does not take one.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    last, stood_still = time.monotonic(), False
    timer = loop.call_later(tick, lambda: look())  # noqa: PLW0108  # defined below, bound when it is called  # noqa: PLW0108  # it is defined below, and needs the timer itself

    def look() -> None:
        nonlocal last, stood_still, timer
        now = time.monotonic()
        if now - last > limit:
            stood_still = True
            task.cancel()
            return
        last, timer = now, loop.call_later(tick, look)

    try:
        yield
    except asyncio.CancelledError:
        if not stood_still or task.uncancel() > 0:
            raise
        raise FenceLost("This process stood still while it was about to call; the outcome is looked up.") from None
    finally:
        timer.cancel()
