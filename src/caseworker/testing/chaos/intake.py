"""One death of the intake at the worst moment: the mail is committed, and nobody has said 250 yet.

A deferred trigger waits inside COMMIT for a lock that the campaign holds. Meanwhile the intake is killed; then the lock is
given back and the server finishes the commit for a client that is gone.
"""

import asyncio
from collections.abc import Callable

import psycopg

from caseworker.testing.chaos.model import CampaignError
from caseworker.testing.drive.processes import Process

LOCK = 7_201_946
WITHIN = 30.0  # seconds
_TRAP = f"""
create function chaos_wait() returns trigger language plpgsql as
$$ begin perform pg_advisory_xact_lock_shared({LOCK}); return null; end $$;
create constraint trigger chaos_wait after insert on raw_mails deferrable initially deferred
for each row execute function chaos_wait();
"""
_GONE = "drop trigger chaos_wait on raw_mails; drop function chaos_wait();"
_WAITING = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
_HERE = " and database = (select oid from pg_database where datname = current_database())"


def lay_trap(url: str) -> None:
    """Make the trigger; it lets every commit pass until the lock is taken. Call before anything writes."""
    with psycopg.connect(url) as connection:
        connection.execute(_TRAP.encode())


def remove_trap(url: str) -> None:
    """Leave the tables as they were. Call when nothing writes any more."""
    with psycopg.connect(url) as connection:
        connection.execute(_GONE)


async def kill_while_committing(intake: Process, url: str, *, send: Callable[[], object]) -> bool:
    """Kill the intake inside the commit of a mail that `send` sets going. True when that mail was stored all the same."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        before = await _mails(connection)
        send()
        await _until(connection, waiting=True)
        await intake.kill()
        await connection.execute("select pg_advisory_unlock(%s)", (LOCK,))
        await _until(connection, waiting=False)
        return await _stored(connection, before)


async def _until(connection: psycopg.AsyncConnection[tuple[object, ...]], *, waiting: bool) -> None:
    for _ in range(int(WITHIN / 0.05)):
        row = await (await connection.execute(_WAITING + _HERE, (LOCK,))).fetchone()
        if row is not None and bool(row[0]) == waiting:
            return
        await asyncio.sleep(0.05)
    raise CampaignError("No mail came to its commit while the intake was to be killed.")


async def _stored(connection: psycopg.AsyncConnection[tuple[object, ...]], before: int) -> bool:
    """Whether the commit that was waited for comes to its end; long before a new intake could take the mail again."""
    for _ in range(20):
        if await _mails(connection) > before:
            return True
        await asyncio.sleep(0.05)
    return False


async def _mails(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> int:
    row = await (await connection.execute("select count(*) from raw_mails")).fetchone()
    return int(str(row[0])) if row else 0
