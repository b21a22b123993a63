"""Looking at a folder again and again, without any help of the system's: works on every disk and in every container."""

import time
from collections.abc import Callable
from pathlib import Path

PAUSE = 0.4  # seconds between two looks
Fingerprint = frozenset[tuple[str, int, int]]


def fingerprint(folder: Path) -> Fingerprint:
    """Every file with its size and the time of its last change, in nanoseconds."""
    found = set()
    for file in folder.rglob("*"):
        try:
            state = file.stat()
        except OSError:  # an editor replaces a file by another one: the next look sees it
            continue
        if file.is_file():
            found.add((str(file), state.st_size, state.st_mtime_ns))
    return frozenset(found)


def watch(folder: Path, work: Callable[[], None], *, pause: Callable[[float], None] = time.sleep) -> None:
    """Do `work` now and whenever a file of the folder changes, until Ctrl-C."""
    seen: Fingerprint | None = None
    try:
        while True:
            now = fingerprint(folder)
            if now != seen:
                seen = now
                work()
            pause(PAUSE)
    except KeyboardInterrupt:
        return
