"""The list of cases: tabs by status with live counts, a search, filters by a click on an intent or a queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from caseworker.console.facade import Facade
from caseworker.console.parts import STATUSES, UNASSIGNED, address, box, frame, link, status_pill, text, when, words
from caseworker.core.ids import case_reference

PAGE = 50
LAST_PAGE = 100_000
EVERY = 3.0  # seconds between two looks for news


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address asks for. `page` from 1."""

    status: str = ""
    search: str = ""
    intent: str = ""
    queue: str = ""
    page: int = 1

    def address(self) -> str:
        """The address of this list."""
        page = self.page if self.page > 1 else 0
        return address("/", status=self.status, search=self.search, intent=self.intent, queue=self.queue, page=page)


@dataclass(slots=True)
class Listing:
    """What is shown now; `is_more` when there is a page after this one."""

    rows: Sequence[Any]
    counts: Mapping[str, int]
    is_more: bool

    @property
    def signature(self) -> object:
        """Changes when anything shown changes."""
        return [(row.number, row.updated_at) for row in self.rows], dict(self.counts)


def add_cases_page(facade: Facade) -> None:
    """`/`"""

    @ui.page("/", response_timeout=15)
    async def cases(status: str = "", search: str = "", intent: str = "", queue: str = "", page: int = 1) -> None:
        search, intent, queue = (value.replace("\x00", "") for value in (search, intent, queue))
        wanted = Filter(status if status in STATUSES else "", search, intent, queue, min(max(page, 1), LAST_PAGE))
        shown = await _load(facade, wanted)
        waiting = len(await facade.people.waiting())

        @ui.refreshable
        def live() -> None:
            _tabs(wanted, shown.counts)
            _rows(wanted, shown)

        with frame("Cases", here="cases", waiting=waiting):
            _filters(wanted)
            live()
            link("Mails in no case", UNASSIGNED, "cw-quiet", title="Absence notes, lists and automatic replies")

        async def look() -> None:
            nonlocal shown
            fresh = await _load(facade, wanted)
            if fresh.signature != shown.signature:  # only then, so that the keyboard's focus stays where it is
                shown = fresh
                live.refresh()

        ui.timer(EVERY, look)


async def _load(facade: Facade, wanted: Filter) -> Listing:
    found = await facade.managers.cases(
        status=wanted.status,
        search=wanted.search,
        intent=wanted.intent,
        queue=wanted.queue,
        limit=PAGE + 1,
        offset=(wanted.page - 1) * PAGE,
    )
    return Listing(found[:PAGE], await facade.managers.counts(), len(found) > PAGE)


def _filters(wanted: Filter) -> None:
    with box("cw-filters"):
        field = ui.input(placeholder="Address, name, subject, order number", value=wanted.search)
        field.props('type=search dense outlined clearable aria-label="Search cases"').classes("cw-search")
        field.on("keydown.enter", lambda: ui.navigate.to(replace(wanted, search=field.value or "", page=1).address()))
        field.on("clear", lambda: ui.navigate.to(replace(wanted, search="", page=1).address()))
        for name in ("intent", "queue"):
            if value := getattr(wanted, name):
                target = replace(wanted, page=1, **{name: ""}).address()
                link(f"{name}: {words(value)} ✕", target, "cw-chip", title="Take this filter away")


def _tabs(wanted: Filter, counts: Mapping[str, int]) -> None:
    with box("cw-tabs", tag="nav"):
        _tab("All", sum(counts.values()), replace(wanted, status="", page=1), is_here=not wanted.status)
        for status, shown in STATUSES.items():
            target = replace(wanted, status=status, page=1)
            _tab(shown.capitalize(), counts.get(status, 0), target, is_here=wanted.status == status)


def _tab(label: str, count: int, target: Filter, *, is_here: bool) -> None:
    with link("", target.address(), "cw-tab cw-here" if is_here else "cw-tab"):
        text(label)
        text(count, "cw-count")


def _rows(wanted: Filter, shown: Listing) -> None:
    if not shown.rows:
        _nothing(wanted)
        return
    with box("cw-list", tag="table"):
        with box(tag="thead"), box(tag="tr"):
            for heading in ("Case", "Status", "Customer", "Wants", "Outcome", "Changed"):
                text(heading, tag="th")
        with box(tag="tbody"):
            for row in shown.rows:
                _row(row, wanted)
    with box("cw-paging", tag="nav"):
        if wanted.page > 1:
            link("← Newer", replace(wanted, page=wanted.page - 1).address())
        first = (wanted.page - 1) * PAGE + 1
        text(f"{first} to {first + len(shown.rows) - 1}", "cw-quiet")
        if shown.is_more:
            link("Older →", replace(wanted, page=wanted.page + 1).address())


def _row(row: Any, wanted: Filter) -> None:
    reference = case_reference(row.number)
    with box(tag="tr"):
        with box("cw-mono", tag="td"):
            link(reference, f"/cases/{reference}")
        with box(tag="td"):
            status_pill(row.status)
        with box("cw-who", tag="td"):
            link(row.subject or "(no subject)", f"/cases/{reference}", "cw-subject")
            text(row.sender, "cw-quiet")
        with box(tag="td"):
            for intent in dict.fromkeys(row.intents):
                link(words(intent), replace(wanted, intent=intent, page=1).address(), "cw-tag", title="Only this intent")
        with box(tag="td"):
            text(", ".join(words(o) for o in dict.fromkeys(row.outcomes)))
            if row.queue:
                link(row.queue, replace(wanted, queue=row.queue, page=1).address(), "cw-tag cw-people", title="Only this queue")
            if row.verified_at:
                text("✓ verified", "cw-good", title=f"{row.verified_at:%Y-%m-%d %H:%M} UTC")
        with box(tag="td"):
            when(row.updated_at)


def _nothing(wanted: Filter) -> None:
    with box("cw-empty"):
        if wanted == Filter():
            text("No mail has come in yet.", "cw-empty-title", tag="p")
            text("Send one to a mailbox of the playbook, or take in old ones:", tag="p")
            text("caseworker import mails.mbox --mailbox service@your-shop.example", "cw-mono", tag="p")
        else:
            text("No case fits.", "cw-empty-title", tag="p")
            link("Show all cases", "/")
