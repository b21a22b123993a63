"""`ReleaseStore` on PostgreSQL: content by hash, states under a lock, the log, and what a release in shadow decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.intake import MailboxRow
from caseworker.cases.model import Case, Entry
from caseworker.cases.ports import Lease
from caseworker.core import facts
from caseworker.core.errors import UsageError
from caseworker.rollout.model import Change, Proposal, ShadowDecision, Standing
from caseworker.rollout.rules import Rule
from caseworker.store import tables as t
from caseworker.store.cases import PostgresCases, add_lines, case_columns
from caseworker.store.codec import build, load_case
from caseworker.store.control import put_mailboxes
from caseworker.store.database import Database
from caseworker.store.rows import plain, tree

_IN_FORCE = ("live", "share", "shadow")
_LOCK = 8  # the second half of the advisory lock's name; others of ours have other numbers
_LIST = [c for c in t.releases.c if c.name != "files"]
_OPEN_CASES = (
    sa.select(sa.func.count())
    .where(t.cases.c.release == t.releases.c.hash, t.cases.c.status != "closed")
    .correlate(t.releases)
    .scalar_subquery()
    .label("open_cases")
)
_APPROVED_AT = (
    sa.select(sa.func.max(t.release_log.c.at))
    .where(
        t.release_log.c.release == t.releases.c.hash,
        t.release_log.c.after == "live",
        t.release_log.c.approved_by != "",
    )
    .correlate(t.releases)
    .scalar_subquery()
    .label("approved_at")
)


class PostgresReleases:
    """See `app.ports.ReleaseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cases = PostgresCases(database)

    # -- content -------------------------------------------------------------------------------------------------------

    async def keep(self, *, release: str, worker: str, files: Mapping[str, str], people: int, by: str, now: datetime) -> bool:
        """See `ReleaseStore.keep`."""
        values = {"hash": release, "worker": worker, "files": dict(files), "created_at": now, "since": now, "by": by}
        statement = insert(t.releases).values(**values, people=people)
        statement = statement.on_conflict_do_nothing(index_elements=["hash"])
        async with self._database.begin() as connection:
            new = (await connection.execute(statement.returning(t.releases.c.hash))).scalar() is not None
            if new:
                imported = {"worker": worker, "release": release, "at": now, "after": "draft", "by": by, "how": "import"}
                await connection.execute(sa.insert(t.release_log).values(**imported))
        return new

    async def files(self, release: str) -> Mapping[str, str] | None:
        """See `ReleaseStore.files`."""
        async with self._database.begin() as connection:
            return (await connection.execute(sa.select(t.releases.c.files).where(t.releases.c.hash == release))).scalar()

    # -- states --------------------------------------------------------------------------------------------------------

    async def standings(self, worker: str) -> Sequence[Standing]:
        """See `ReleaseStore.standings`."""
        async with self._database.begin() as connection:
            return await _standings(connection, t.releases.c.worker == worker)

    async def in_force(self, worker: str, pinned: str) -> Sequence[Standing]:
        """See `ReleaseStore.in_force`."""
        c = t.releases.c
        matters = sa.or_(c.state.in_(_IN_FORCE), c.successor != "", c.hash == pinned)
        async with self._database.begin() as connection:
            return await _standings(connection, sa.and_(c.worker == worker, matters))

    async def apply(
        self, worker: str, rule: Rule, *, mailboxes: Mapping[str, Sequence[MailboxRow]], now: datetime
    ) -> Sequence[Change]:
        """See `ReleaseStore.apply`."""
        async with self._database.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(worker, _LOCK))))
            changes = rule(await _standings(connection, t.releases.c.worker == worker))
            for change in sorted(changes, key=lambda c: c.after in _IN_FORCE):  # a place is left before it is taken
                await _write(connection, change, worker=worker, now=now)
                if change.after == "live" and change.before != "live":
                    if change.release not in mailboxes:
                        raise UsageError("Somebody else changed the releases meanwhile.", remedy="Look, and try again.")
                    await put_mailboxes(connection, mailboxes[change.release])
        return changes

    async def rows(self, worker: str) -> Sequence[Any]:
        """See `ReleaseStore.rows`."""
        statement = sa.select(*_LIST, _OPEN_CASES).order_by(t.releases.c.created_at.desc(), t.releases.c.hash)
        if worker:
            statement = statement.where(t.releases.c.worker == worker)
        return await self._all(statement)

    async def named(self, prefix: str) -> Sequence[Any]:
        """See `ReleaseStore.named`."""
        which = t.releases.c.hash.startswith(prefix, autoescape=True)
        return await self._all(sa.select(*_LIST, _OPEN_CASES).where(which).limit(10))

    async def log(self, release: str) -> Sequence[Any]:
        """See `ReleaseStore.log`."""
        return await self._all(sa.select(t.release_log).where(t.release_log.c.release == release).order_by(t.release_log.c.id))

    # -- shadow --------------------------------------------------------------------------------------------------------

    async def keep_shadow(self, decisions: Sequence[ShadowDecision], now: datetime) -> None:
        """Store what a release decided in shadow; the same event decided again is no second one."""
        if not decisions:
            return
        rows = [{**cast("dict[str, Any]", plain(decision)), "at": now} for decision in decisions]
        async with self._database.begin() as connection:
            await connection.execute(insert(t.shadow_decisions).on_conflict_do_nothing(), rows)

    async def shadow(self, release: str) -> Sequence[ShadowDecision]:
        """See `ReleaseStore.shadow`."""
        c = t.shadow_decisions.c
        statement = sa.select(t.shadow_decisions).where(c.release == release).order_by(c.case, c.seq, c.request)
        return [build(ShadowDecision, tree({**row._mapping, "at": None})) for row in await self._all(statement)]  # noqa: SLF001

    # -- cases ---------------------------------------------------------------------------------------------------------

    async def cases(self, release: str) -> Sequence[Case]:
        """See `ReleaseStore.cases`."""
        c = t.cases.c
        statement = sa.select(c.state, c.state_version).where(c.release == release, c.status != "closed").order_by(c.number)
        return [load_case(row.state, row.state_version) for row in await self._all(statement)]

    async def repin(self, lease: Lease, case: Case, entries: Sequence[Entry], now: datetime) -> None:
        """See `ReleaseStore.repin`."""
        async with self._database.begin() as connection:
            row = await self._cases.guard(connection, lease)
            line = await add_lines(connection, case.number, entries, line=row.next_line, now=now)
            update = sa.update(t.cases).where(t.cases.c.number == case.number)
            await connection.execute(update.values(next_line=line, **case_columns(case, now)))

    async def _all(self, statement: sa.Select[Any]) -> Sequence[Any]:
        async with self._database.begin() as connection:
            return list((await connection.execute(statement)).all())


async def _standings(connection: AsyncConnection, which: Any) -> list[Standing]:
    return [_standing(row) for row in (await connection.execute(sa.select(*_LIST, _APPROVED_AT).where(which))).all()]


def _standing(row: Any) -> Standing:
    return Standing(
        release=row.hash,
        worker=row.worker,
        state=row.state,
        percent=row.percent,
        people=row.people,
        successor=row.successor,
        how=row.how,
        live_at=row.live_at,
        proposal=build(Proposal, tree(row.proposal)) if row.proposal else None,
        approved_at=row.approved_at,
    )


async def _write(connection: AsyncConnection, change: Change, *, worker: str, now: datetime) -> None:
    """One change of a release, and its line in the log. Who proposed something is in the log alone, the state is not his."""
    c = t.releases.c
    values: dict[str, Any] = {
        "state": change.after,
        "percent": change.percent,
        "successor": change.successor,
        "proposal": facts.dump(facts.of(change.proposal)) if change.proposal else {},
    }
    if change.proposal is None:
        values.update(since=now, by=change.by, how=change.how)
    if change.after == "live":
        values["live_at"] = now
    done = await connection.execute(sa.update(t.releases).where(c.hash == change.release, c.worker == worker).values(**values))
    assert done.rowcount == 1
    proposal = change.proposal
    line = {
        "worker": worker,
        "release": change.release,
        "at": now,
        "before": change.before,
        "after": proposal.to if proposal else change.after,
        "percent": proposal.percent if proposal else change.percent,
        "by": change.by,
        "approved_by": change.approved_by,
        "how": "proposal" if proposal else change.how,
        "note": change.note,
    }
    await connection.execute(sa.insert(t.release_log).values(**line))
