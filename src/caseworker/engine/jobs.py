"""procrastinate as the job engine. A job says only "look at case N": no event, no future date, no lock."""

from collections.abc import Awaitable, Callable

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued

from caseworker.cases.ports import AlreadyAwake

LOOK = "caseworker.look"
QUEUE = "cases"
Look = Callable[[int], Awaitable[None]]


class Jobs:
    """The job queue of one process. `pool` is the number of its own connections."""

    def __init__(self, url: str, *, pool: int = 4) -> None:
        connector = procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=pool)
        self.app = procrastinate.App(connector=connector)
        self._look: Look | None = None

        @self.app.task(name=LOOK, queue=QUEUE, pass_context=False)
        async def look(case: int) -> None:
            if self._look is not None:
                await self._look(case)

        self._task = look

    def on_look(self, look: Look) -> None:
        """Who is called with a case number when a job comes up."""
        self._look = look

    async def open(self) -> None:
        """Open the connections."""
        await self.app.open_async()

    async def close(self) -> None:
        """Close the connections."""
        await self.app.close_async()

    async def wake(self, connection: object, case: int, priority: int) -> None:
        """`WakeUp`: enqueue in the caller's own transaction. Raises AlreadyAwake where a job for the case waits."""
        configured = self._task.configure(priority=priority, queueing_lock=_lock(case, priority), connection=connection)
        try:
            await configured.defer_async(case=case)
        except AlreadyEnqueued as error:
            raise AlreadyAwake(f"Case {case} is to be looked at already.") from error

    async def wake_now(self, case: int, priority: int = 0) -> None:
        """Enqueue in a transaction of its own; a job that waits already is enough."""
        configured = self._task.configure(priority=priority, queueing_lock=_lock(case, priority))
        try:
            await configured.defer_async(case=case)
        except AlreadyEnqueued:
            return

    async def run(self, *, name: str, concurrency: int) -> None:
        """Work until cancelled."""
        await self.app.run_worker_async(
            queues=[QUEUE],
            name=name,
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="always",
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=3.0,
            stalled_worker_timeout=10.0,
            shutdown_graceful_timeout=20.0,
        )

    async def drop_orphans(self) -> None:
        """Jobs of workers that died are closed: the sweep has already woken their cases anew."""
        manager = self.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=10.0):
            if job.id is not None:
                await manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=True)


def _lock(case: int, priority: int) -> str:
    """One waiting job per case and priority: a person's decision does not wait behind the job of an earlier mail."""
    return f"case:{case}:{priority}"
