"""Cases per second and milliseconds a stage, beside empty procrastinate jobs and plain commits, in one run."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import procrastinate
import psycopg

from bench.house import MAILBOX, Timed, open_house, question_mails
from caseworker.bootstrap import App

MAILS = 400


async def run() -> Mapping[str, object]:
    """One worker in this process, `MAILS` waiting mails; then the same number of empty jobs and of commits."""
    async with open_house() as (app, sink, shop):
        mails = question_mails(shop, MAILS)
        reader = app.reader()
        timed = Timed()
        for owner, name, stage in (
            (reader, "read", "read the mail"),
            (app.commerce, "read", "look up in the shop"),
            (app.cases, "commit", "commit an event"),
            (app.effects, "begin", "commit an intent"),
            (app.effects, "end", "commit a receipt"),
        ):
            timed.wrap(owner, name, stage)
        start = time.perf_counter()
        for _, raw in mails:
            await app.intake.take(raw, mailbox=MAILBOX)
        intake = time.perf_counter() - start
        before = await asyncio.to_thread(commits, app.database.url)
        seconds = await _work(app, lambda: len(sink.at) >= MAILS)
        per_case = (await asyncio.to_thread(commits, app.database.url) - before) / MAILS
        empty = await _empty_jobs(app.database.url)
        plain = await asyncio.to_thread(_plain_commits, app.database.url, round(per_case))
    return {
        "mails": MAILS,
        "intake, mails per second": round(MAILS / intake, 1),
        "cases per second, one worker process": round(MAILS / seconds, 1),
        "writing transactions per case": round(per_case, 1),
        "empty procrastinate jobs per second": round(empty, 1),
        "the same number of plain commits, cases per second, one connection": round(plain, 1),
        "ratio to empty jobs": round(MAILS / seconds / empty, 3),
        "ratio to plain commits": round(MAILS / seconds / plain, 3),
        "ms a call (wall, 8 cases at once)": {k: round(v / timed.calls[k] * 1000, 2) for k, v in timed.seconds.items()},
        "calls a case": {k: round(v / MAILS, 2) for k, v in timed.calls.items()},
    }


async def _work(app: App, done: object) -> float:
    start = time.perf_counter()
    task = asyncio.create_task(app.worker().run())
    while not done():  # type: ignore[operator]  # a callable of the caller's
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - start
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return seconds


async def _empty_jobs(url: str) -> float:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4))
    left = MAILS

    @app.task(name="bench.empty", queue="bench")
    async def empty() -> None:
        nonlocal left
        left -= 1

    async with app.open_async():
        for _ in range(MAILS):
            await empty.defer_async()
        start = time.perf_counter()
        await app.run_worker_async(
            queues=["bench"], concurrency=8, wait=False, install_signal_handlers=False, delete_jobs="always"
        )
        return MAILS / (time.perf_counter() - start)


def _plain_commits(url: str, per_case: int) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_rows (id bigserial PRIMARY KEY, data text)")
        start = time.perf_counter()
        for _ in range(MAILS * per_case):
            connection.execute("INSERT INTO bench_rows (data) VALUES (%s)", ("x" * 200,))
        return MAILS / (time.perf_counter() - start)


def commits(url: str) -> int:
    """Writing transactions so far: the next transaction number, which transactions that only read do not take."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        assert row is not None
        return int(row[0])
