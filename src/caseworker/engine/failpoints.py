"""Failpoints: places where a chaos run may kill or freeze a worker, so that a kill always hits something under way.

Off unless `CASEWORKER_FAILPOINTS` names a folder. There a file `NAME` holds what is to be done at failpoint NAME, once per
line: `kill` (SIGKILL to this process) or `stop` (SIGSTOP). Each hit takes one line and is logged to `hits`.
"""

import fcntl
import os
import signal
from pathlib import Path

from caseworker.core.clock import utc_now

NAMES = ("before_intent", "after_intent", "after_call", "before_commit", "after_commit")
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Failpoints:
    """`folder` empty: every call returns at once."""

    def __init__(self, folder: str = "") -> None:
        self._folder = Path(folder) if folder else None

    def hit(self, name: str, what: str) -> None:
        """Maybe die here. `what` (an effect's key or an event's id) is logged with the hit."""
        if self._folder is None:
            return
        order = self._take(name)
        if order is None:
            return
        with (self._folder / "hits").open("a") as log:
            log.write(f"{utc_now().isoformat()} {name} {order} {os.getpid()} {what}\n")
            log.flush()
            os.fsync(log.fileno())
        os.kill(os.getpid(), _SIGNALS[order])

    def _take(self, name: str) -> str | None:
        assert self._folder is not None
        try:
            with (self._folder / name).open("r+") as orders:
                fcntl.flock(orders, fcntl.LOCK_EX)
                lines = orders.read().split()
                if not lines:
                    return None
                orders.seek(0)
                orders.truncate()
                orders.write("\n".join(lines[1:]))
                return lines[0]
        except FileNotFoundError:
            return None
