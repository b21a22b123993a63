"""Old mails: taken in as history, decided, nothing done; and the report of what the worker would have done."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from typing import Any

from caseworker.app.intake import Intake
from caseworker.app.ports import CaseViews
from caseworker.core.errors import CaseworkerError
from caseworker.core.facts import load
from caseworker.mail.headers import parse_date

MAX_AGE = timedelta(days=7)
"""Mails older than this are never acted upon by an import."""

AT_ONCE = 8
_FIRST_STEP = {"open": "acted", "awaiting_customer": "asked"}  # history goes no further than the first step
Look = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import. `cases` are the numbers of all cases that mails came to; `failed` name and reason."""

    mails: int
    duplicates: int
    machine_mails: int
    cases: tuple[int, ...]
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What the worker would have done. `intents` maps an intent to outcomes and how often; mails, not cases, in `read`."""

    cases: int
    intents: Mapping[str, Mapping[str, int]]
    languages: Mapping[str, int]
    abstained: Mapping[str, int]
    rules: Mapping[str, int]
    undecided: int


async def take_old(
    intake: Intake,
    mails: Iterable[tuple[str, bytes]],
    *,
    mailbox: str,
    history: bool,
    on_each: Callable[[], None],
) -> Imported:
    """Take mails in one after the other, in the given order. With `history` each counts as received on its own date."""
    taken, failed = [], []
    for name, raw in mails:
        try:
            as_of = date_of(raw) if history else None
            taken.append(await intake.take(raw, mailbox=mailbox, as_of=as_of, history=history))
        except CaseworkerError as error:
            failed.append((name, str(error)))
        on_each()
    new = [t for t in taken if not t.duplicate]
    return Imported(
        mails=len(new),
        duplicates=len(taken) - len(new),
        machine_mails=sum(1 for t in new if t.case == 0),
        cases=tuple(dict.fromkeys(t.case for t in taken if t.case)),
        failed=tuple(failed),
    )


async def work_off(look: Look, cases: Sequence[int], on_each: Callable[[], None]) -> None:
    """Decide what is due in these cases, some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: int) -> None:
        async with gate:
            await look(case)
            on_each()

    await asyncio.gather(*(one(case) for case in cases))


async def report(views: CaseViews, cases: Sequence[int]) -> HistoryReport:
    """Counts over the timelines of these cases."""
    intents: dict[str, Counter[str]] = {}
    languages: Counter[str] = Counter()
    abstained: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    undecided = 0
    for number in cases:
        state: Any = load((await views.case(number)).state)
        timeline = [(line.kind, load(line.data)) for line in await views.timeline(number)]
        reads: list[Any] = [data for kind, data in timeline if kind == "read"]
        languages.update(str(r.get("language")) for r in reads)
        abstained.update(str(r["abstained"]) for r in reads if r.get("abstained"))
        would: list[Any] = [data for kind, data in timeline if kind == "would"]
        rules.update(str(w["rule"]) for w in would if w.get("rule"))
        requests = state.get("requests") or ()
        undecided += not requests
        for request in requests:
            outcome = str(request.get("outcome") or request.get("status")).removeprefix("would:")
            intents.setdefault(str(request["intent"]), Counter())[_FIRST_STEP.get(outcome, outcome)] += 1
    plain = {intent: dict(found.most_common()) for intent, found in sorted(intents.items())}
    return HistoryReport(
        len(cases), plain, dict(languages.most_common()), dict(abstained.most_common()), dict(rules.most_common()), undecided
    )


def date_of(raw: bytes) -> datetime | None:
    """The mail's own date in UTC, None where it has none that makes sense."""
    return parse_date(str(BytesHeaderParser().parsebytes(raw).get("Date") or ""))


def is_young(raw: bytes, now: datetime) -> bool:
    """True for a mail that an import may still act upon; one without a date is none."""
    date = date_of(raw)
    return date is not None and now - MAX_AGE <= date <= now + timedelta(days=1)
