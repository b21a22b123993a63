"""One worker process: jobs, the heartbeat of its leases, the sweep for what is due."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from procrastinate.exceptions import ConnectorException

from caseworker.cases.ports import CaseStore, Upkeep
from caseworker.core.clock import Clock
from caseworker.core.errors import CaseworkerError, StoreError
from caseworker.engine.drain import Drain
from caseworker.engine.jobs import Jobs

log = logging.getLogger("caseworker.engine")
HEARTBEAT = 3.0
AT_ONCE = 500
LOST = 20  # the priority of a dead worker's cases, above that of people's decisions


@dataclass(slots=True)
class Worker:
    """Runs until cancelled. A database that goes away is waited for; nothing is lost meanwhile.

    `recover` is called when the database is lost: it starts the embedded server again. `sweep` in seconds.
    """

    jobs: Jobs
    drain: Drain
    cases: CaseStore
    upkeep: Upkeep
    clock: Clock
    concurrency: int
    recover: Callable[[], object]
    sweep: float = 3.0

    async def run(self) -> None:
        """Work."""
        self.jobs.on_look(self._look)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever("jobs", self._work, pause=1.0))
            group.create_task(self._forever("heartbeat", self._beat, pause=HEARTBEAT))
            group.create_task(self._forever("sweep", self._sweep, pause=self.sweep))

    async def _look(self, case: int) -> None:
        try:
            await self.drain.look(case)
        except StoreError as error:  # the sweep comes back to the case when the database is there again
            log.warning("Case %s waits: %s", case, error)

    async def _work(self) -> None:
        await self.jobs.run(name=self.drain.owner, concurrency=self.concurrency)

    async def _beat(self) -> None:
        if self.drain.held:
            await self.cases.renew(self.drain.owner, self.drain.held)

    async def _sweep(self) -> None:
        for case in await self.upkeep.lost_cases(await self.clock.now(), AT_ONCE):
            await self.jobs.wake_now(case, LOST)  # a customer has waited for it already; it passes the whole queue
        for case in await self.upkeep.due_cases(await self.clock.now(), AT_ONCE):
            await self.jobs.wake_now(case)
        await self.jobs.drop_orphans()

    async def _recover(self) -> None:
        try:
            await asyncio.to_thread(self.recover)
        except CaseworkerError as error:
            log.warning("The database cannot be started: %s", error)

    async def _forever(self, name: str, what: Callable[[], Awaitable[None]], *, pause: float) -> None:
        while True:
            try:
                await what()
            except (StoreError, ConnectorException, OSError) as error:
                log.warning("%s: %s; trying again", name, error)
                await self._recover()
            await asyncio.sleep(pause)
