"""Recorded decisions: written in the commit that ends their event, read back for explaining and replaying."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from caseworker.cases.model import Event
from caseworker.sop.recorded import Recording, from_documents, to_documents
from caseworker.store import tables as t
from caseworker.store.database import Database
from caseworker.store.rows import clean_tree


async def add_recordings(connection: AsyncConnection, event: Event, recordings: Sequence[Recording]) -> None:
    """Store the decisions of an event, in their order."""
    rows = [_row(event, number, recording) for number, recording in enumerate(recordings, start=1)]
    if rows:
        await connection.execute(sa.insert(t.decisions), rows)


def _row(event: Event, number: int, recording: Recording) -> dict[str, Any]:
    inputs, decision = to_documents(recording)
    return {
        "case": event.case,
        "seq": event.seq,
        "number": number,
        "request": recording.request,
        "release": recording.release,
        "procedure": recording.decision.procedure,
        "rule": recording.decision.rule,
        "at": recording.now,
        "inputs": clean_tree(inputs),
        "decision": clean_tree(decision),
    }


class PostgresDecisions:
    """See `app.ports.DecisionViews`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_cases(self, cases: Sequence[int]) -> Sequence[Recording]:
        """The recorded decisions of these cases, each case's in their order."""
        c = t.decisions.c
        statement = sa.select(t.decisions).where(c.case.in_(cases)).order_by(c.case, c.seq, c.number)
        async with self._database.begin() as connection:
            return [_recording(row) for row in (await connection.execute(statement)).all()]

    async def recorded(self, *, since: datetime | None, limit: int | None) -> Sequence[int]:
        """The numbers of the cases with a decision at or after `since`, the youngest case first."""
        c = t.decisions.c
        statement = sa.select(c.case).distinct().order_by(c.case.desc()).limit(limit)
        if since is not None:
            statement = statement.where(c.at >= since)
        async with self._database.begin() as connection:
            return list((await connection.execute(statement)).scalars().all())

    async def lost(self, cases: Sequence[int]) -> Mapping[int, int]:
        """See `DecisionViews.lost`."""
        line, made = t.timeline.c, t.decisions.c
        named = line.data["recorded"]
        there = sa.exists().where(
            made.case == line.case,
            made.seq == named["event"].as_string().cast(sa.BigInteger),
            made.number == named["number"].as_integer(),
        )
        statement = (
            sa.select(line.case, sa.func.count())
            .where(line.case.in_(cases), line.kind == "decided", named["event"].as_string().is_not(None), ~there)
            .group_by(line.case)
        )
        async with self._database.begin() as connection:
            return {row[0]: row[1] for row in (await connection.execute(statement)).all()}

    async def releases(self, prefix: str) -> Sequence[str]:
        """Hashes of the releases that begin so."""
        statement = sa.select(t.releases.c.hash).where(t.releases.c.hash.startswith(prefix, autoescape=True))
        async with self._database.begin() as connection:
            return list((await connection.execute(statement)).scalars().all())


def _recording(row: Any) -> Recording:
    found = from_documents(row.inputs, row.decision, request=row.request, release=row.release)
    return replace(found, case=row.case, seq=row.seq, number=row.number)
