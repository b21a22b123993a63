"""The sandbox's way to PostgreSQL. What goes wrong there is told in the words of `commerce.errors`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed

from caseworker.commerce.errors import OutcomeUnknown, Unavailable
from caseworker.core.errors import ConfigurationError

Connection = AsyncConnection[tuple[object, ...]]
_REMEDY = "It is tried again; look whether PostgreSQL runs if this stays."


class Database:
    """A pool of connections. `timeout` is how many seconds a call waits for one."""

    def __init__(self, conninfo: str, *, connections: int, timeout: float) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo, min_size=1, max_size=connections, timeout=timeout, open=False, kwargs={"autocommit": True}
        )

    async def open(self) -> None:
        """Start the pool; connections are made in the background, so that a shop that is away does not hinder a start."""
        try:
            await self._pool.open()
        except psycopg.ProgrammingError as error:
            raise ConfigurationError(f"The sandbox's database address is not usable: {error}", remedy="Correct it.") from error

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection outside of any transaction. Unavailable where the database is away or gives up on a statement."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except psycopg.errors.UndefinedTable as error:
            raise ConfigurationError(
                "The sandbox's tables are missing in this database.", remedy="Call install() first."
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolClosed) as error:
            raise Unavailable(f"The sandbox's database is away: {error}", remedy=_REMEDY) from error

    @asynccontextmanager
    async def transaction(self, connection: Connection) -> AsyncIterator[None]:
        """A transaction. Where the connection breaks while it commits, nobody can say whether it did: OutcomeUnknown."""
        finished = False
        try:
            async with connection.transaction():
                yield
                finished = True
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if finished:
                raise OutcomeUnknown("The connection broke while a write was committed.", remedy="Read it back.") from error
            raise
