"""One way to the database: an async engine, a transaction that turns driver errors into ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from caseworker.core.errors import StoreAway, StoreError, StoreFull

IDLE_IN_TRANSACTION = "8s"  # no transaction of ours waits for anything outside the database
_OUT_OF_RANGE = "22003"
_DISK_FULL = "53100"
_AWAY = ("08", "57P", "53300", "25P03")  # the last one: we were frozen in a transaction, and the server ended it


class Database:
    """The engine of one process. `url` is `postgresql://...`; connections are made when they are needed."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self._engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url), pool_size=pool_size, max_overflow=10, pool_pre_ping=False, pool_recycle=1800
        )
        event.listen(self._engine.sync_engine, "connect", _bound)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back by any error. Raises `StoreError` and its kinds."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            raise explain(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _bound(connection: Any, record: object) -> None:
    """A process that is frozen in the middle of a transaction holds its rows no longer than a lease lasts."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION}'")
    cursor.close()
    connection.commit()


def sqlalchemy_url(url: str) -> str:
    """Our `postgresql://` as SQLAlchemy's name for psycopg 3."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def explain(error: Exception) -> StoreError:
    """Which of our errors a driver's error is."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None) or ""
    text = str(original).splitlines()[0] if str(original) else type(original).__name__
    if state == _DISK_FULL or "No space left on device" in text:
        return StoreFull(
            f"The database's disk is full: {text}", remedy="Free space on it; nothing was lost, senders try again."
        )
    if state == _OUT_OF_RANGE:
        return StoreError("There is nothing with so large a number.", remedy="Look at the number again.")
    gone = isinstance(error, OperationalError | InterfaceError | OSError)
    if state.startswith(_AWAY) or (not state and gone) or getattr(error, "connection_invalidated", False):
        return StoreAway(f"The database does not answer: {text}", remedy="Start it or check CASEWORKER_DATABASE_URL.")
    return StoreError(f"The database refused: {text}", remedy="Run `caseworker doctor`.")
