"""Kills and freezes: armed through the failpoint folder, noticed by its log, followed until somebody else has the case."""

import asyncio
import fcntl
import os
import random
import signal
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from caseworker.core.clock import utc_now
from caseworker.testing.chaos.model import FAILPOINTS, CampaignError, Hit, Strike

LOOK = 0.05  # seconds between two looks at the log and at the cases
_CASE = 'select "case" from events where id = %(what)s union select "case" from effects where key = %(what)s'
_DUE = (
    'select exists (select from events where "case" = %(case)s and done_at is null and not aside and due_at <= now())'
    " or exists (select from effects where \"case\" = %(case)s and status in ('planned', 'started', 'pending', 'unknown'))"
)


def plan(*, kills: int, stops: int, dice: random.Random) -> list[Strike]:
    """Kills and freezes in a mixed order, each kind spread evenly over the failpoints."""
    strikes = [Strike("kill", FAILPOINTS[i % len(FAILPOINTS)]) for i in range(kills)]
    # Freezes begin where a late commit shows most: right before it.
    strikes += [Strike("stop", FAILPOINTS[(i + 3) % len(FAILPOINTS)]) for i in range(stops)]
    dice.shuffle(strikes)
    return strikes


@dataclass(slots=True)
class Striker:
    """`folder` is what `CASEWORKER_FAILPOINTS` names; `url` the database in which take-overs are seen."""

    folder: Path
    url: str
    hits: list[Hit] = field(default_factory=list)
    _read: int = 0

    def arm(self, strike: Strike) -> None:
        """The next worker that comes by is struck."""
        with (self.folder / strike.failpoint).open("a+") as orders:
            fcntl.flock(orders, fcntl.LOCK_EX)
            orders.write(f"{strike.act}\n")

    def disarm(self) -> None:
        """Nobody else is struck."""
        for name in FAILPOINTS:
            with (self.folder / name).open("a+") as orders:
                fcntl.flock(orders, fcntl.LOCK_EX)
                orders.truncate(0)

    async def watch(self) -> None:
        """Notice hits and take-overs until cancelled."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            while True:
                for hit in self._new():
                    await _locate(connection, hit)
                    self.hits.append(hit)
                await self._follow(connection)
                await asyncio.sleep(LOOK)

    def _new(self) -> list[Hit]:
        log = self.folder / "hits"
        if not log.exists():
            return []
        with log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        return [_hit(line) for line in text.decode().splitlines()]

    async def _follow(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        waiting = {hit.case: hit for hit in self.hits if hit.waits and hit.taken_after is None}
        if not waiting:
            return
        rows = await connection.execute("select number, fence from cases where number = any(%s)", (list(waiting),))
        for number, fence in await rows.fetchall():
            for hit in self.hits:
                if hit.case == number and hit.waits and hit.taken_after is None and fence > hit.fence:
                    hit.taken_after = (utc_now() - hit.at).total_seconds()

    async def wait(self, seen: int, *, seconds: float) -> Hit | None:
        """The hit that comes after the first `seen`, or None when none came in time."""
        for _ in range(int(seconds / LOOK)):
            if len(self.hits) > seen:
                return self.hits[seen]
            await asyncio.sleep(LOOK)
        return None

    async def wake(self, hit: Hit, *, least: float, most: float) -> None:
        """Wake a frozen worker after at least `least` seconds, once another one has taken its case over and gone on with it."""
        while True:
            frozen = (utc_now() - hit.at).total_seconds()
            done = not hit.waits or (hit.taken_after is not None and await self._ended(hit))
            if frozen >= most or (frozen >= least and done):
                break
            await asyncio.sleep(LOOK)
        hit.line = await self._last_line(hit.case)
        os.kill(hit.pid, signal.SIGCONT)

    async def _ended(self, hit: Hit) -> bool:
        """Whether what was in flight at the hit has been ended by somebody else."""
        statement = (
            "select exists (select from events where id = %(what)s and done_at is not null)"
            " or exists (select from effects where key = %(what)s and finished_at is not null)"
        )
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            row = await (await connection.execute(statement, {"what": hit.what})).fetchone()
        return bool(row and row[0])

    async def _last_line(self, case: int) -> int:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            rows = await connection.execute('select coalesce(max(line), 0) from timeline where "case" = %s', (case,))
            row = await rows.fetchone()
        return int(row[0]) if row else 0


def _hit(line: str) -> Hit:
    at, failpoint, act, pid, what = line.split(" ", 4)
    return Hit(Strike(act, failpoint), datetime.fromisoformat(at), int(pid), what)


async def _locate(connection: psycopg.AsyncConnection[TupleRow], hit: Hit) -> None:
    """Which case was in flight, under which fence, and whether anything is left to be taken over."""
    row = await (await connection.execute(_CASE, {"what": hit.what})).fetchone()
    if row is None:
        raise CampaignError(f"{hit.what!r} was in flight at {hit.strike.failpoint}, and the database knows nothing of it.")
    hit.case = int(row[0])
    rows = await connection.execute("select fence from cases where number = %s", (hit.case,))
    hit.fence = int((await rows.fetchone() or (0,))[0])
    due = await (await connection.execute(_DUE, {"case": hit.case})).fetchone()
    hit.waits = bool(due and due[0])
