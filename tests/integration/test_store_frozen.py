"""A process that is frozen in the middle of a transaction does not keep others from its rows."""

import asyncio

import pytest
import sqlalchemy as sa

from caseworker.core.errors import StoreAway
from caseworker.store import database as module
from caseworker.store.database import Database


async def test_a_transaction_that_nobody_goes_on_with_is_ended_by_the_server(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_IN_TRANSACTION", "300ms")
    frozen, other = Database(database_url), Database(database_url)
    lock = sa.text("select pg_advisory_xact_lock(1)")
    begun = asyncio.Event()

    async def freeze() -> None:
        async with frozen.begin() as connection:
            await connection.execute(lock)
            begun.set()
            await asyncio.sleep(1.0)
            await connection.execute(lock)

    holding = asyncio.create_task(freeze())
    await begun.wait()
    async with asyncio.timeout(0.9), other.begin() as connection:
        await connection.execute(lock)
    with pytest.raises(StoreAway):
        await holding
    async with frozen.begin() as connection:  # and goes on when it wakes up
        await connection.execute(lock)
    await frozen.close()
    await other.close()
