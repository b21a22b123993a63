"""The lab's clock: one row that every process reads, so that a day can pass in a second."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from caseworker.core.clock import utc_now
from caseworker.store import tables as t
from caseworker.store.database import Database


class DatabaseClock:
    """Reads the row; without one it is the machine's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """The lab's time, or the machine's where no lab has set one."""
        async with self._database.begin() as connection:
            at = (await connection.execute(sa.select(t.clock.c.at))).scalar()
        return at if isinstance(at, datetime) else utc_now()

    async def move(self, at: datetime) -> None:
        """Set the clock; it never goes back while cases are open, which is the caller's to see to."""
        statement = insert(t.clock).values(one=True, at=at)
        async with self._database.begin() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=["one"], set_={"at": at}))
