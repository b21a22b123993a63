"""One case: its requests on top, the timeline, and what waits for a decision beside it."""

from collections.abc import Callable, Sequence

from nicegui import ui

from caseworker.app.decisions import DecisionTold, RowTold, Told
from caseworker.app.items import ItemTold
from caseworker.app.story import Moment, Story
from caseworker.console.facade import Facade
from caseworker.console.parts import box, facts, frame, link, pill, status_pill, text, when, words
from caseworker.core.errors import CaseworkerError, UsageError

EVERY = 3.0  # seconds between two looks for news
SHOUT = {
    "fired": "fires",
    "false": "does not hold",
    "unknown": "not known yet",
    "already_fired": "fired before",
    "error": "failed",
}
DECIDE = {
    "approve": "Approve",
    "deny": "Deny",
    "resolve": "Resolved by me",
    "return": "Back to the worker",
}


def add_case_page(facade: Facade) -> None:
    """`/cases/REFERENCE`"""

    @ui.page("/cases/{reference}", response_timeout=15)
    async def case(reference: str) -> None:
        waiting = len(await facade.people.waiting())
        try:
            story = await facade.story(reference)
        except UsageError as error:
            with frame("No such case", here="cases", waiting=waiting), box("cw-empty"):
                text(error.message, "cw-empty-title", tag="p")
                link("Show all cases", "/")
            return
        with frame(story.reference, here="cases", waiting=waiting):
            _head(story)
            news = link("This case has changed. Show it.", f"/cases/{reference}", "cw-news")
            news.visible = False
            beside = any((story.items, story.under_way, story.promises))
            with box("cw-columns" if beside else ""):
                with box("cw-timeline", tag="ol"):
                    for moment in story.moments:
                        _moment(moment)
                if beside:
                    with box("cw-side", tag="aside"):
                        _side(story, facade)

        async def look() -> None:
            fresh = await facade.managers.file(reference)
            changed = len(fresh.timeline) != len(story.moments) or fresh.case.status != story.status
            news.visible = changed  # not rebuilt under the reader's eyes: somebody may be writing a note

        ui.timer(EVERY, look)


def _head(story: Story) -> None:
    with box("cw-head"):
        with box("cw-title"):
            text(story.subject or "(no subject)", tag="h1")
            status_pill(story.status)
            if story.verified_at:
                pill("✓ verified", "good")
            if story.is_history:
                pill("history: decided, nothing done", "quiet")
        with box("cw-quiet cw-sub"):
            text(story.reference, "cw-mono")
            text(f"from {story.sender}")
            text(f"language {story.language or 'unknown'}")
            text("opened")
            when(story.opened_at)
            text(f"release {story.release[:12]}", "cw-mono", title=story.release)
        with box("cw-requests"):
            for request in story.requests:
                with box("cw-request"):
                    text(words(request.intent), "cw-strong")
                    pill(words(request.outcome or request.status), f"o-{(request.outcome or request.status).split(':')[0]}")
                    if request.rule:
                        text(f"rule {request.rule}", "cw-mono cw-quiet")
                    if request.queue and request.status in ("with_people", "awaiting_approval"):
                        text(f"waits in {request.queue}: {words(request.because)}", "cw-quiet")


def _moment(moment: Moment) -> None:
    with box(f"cw-moment cw-t-{moment.tone}", tag="li"):
        when(moment.at)
        with box("cw-what"):
            text(moment.title, "cw-strong", tag="h2")
            if moment.text:
                facts([line for line in moment.facts if line[0] != "raw mail"])
                text(moment.text, "cw-mail", tag="pre")
            elif moment.decision is None:
                facts(moment.facts)
            if moment.decision is not None:
                _decision(moment.decision)
            if moment.more:
                with box("cw-trace", tag="details"):
                    text("The whole receipt", tag="summary")
                    facts(moment.more)


def _decision(told: DecisionTold) -> None:
    for move in told.moves:
        text(move, "cw-move", tag="p")
    with box("cw-trace", tag="details"):
        text(f"Why: {len(told.rows)} rows looked at, identity {words(told.identity)}", tag="summary")
        with box(tag="table"), box(tag="tbody"):
            for row in told.rows:
                with box(f"cw-v-{row.verdict}", tag="tr"):
                    with box(tag="td"):
                        text(row.name, "cw-mono cw-strong")
                        text(SHOUT.get(row.verdict, row.verdict), "cw-verdict")
                    with box(tag="td"):
                        _why(row)


def _why(row: RowTold) -> None:
    """The part of the condition that decided; the whole of it one click away, or alone where nothing was recorded."""
    if row.because:
        _reasons(row.because)
        with box("cw-trace", tag="details"):
            text("The whole condition", tag="summary")
            text(row.condition, "cw-condition", tag="code")
        return
    text(row.condition, "cw-condition", tag="code")
    facts(row.seen, "cw-facts cw-seen")
    if row.note:
        text(row.note, "cw-bad")


def _reasons(told: Sequence[Told]) -> None:
    with box("cw-why", tag="ul"):
        for each in told:
            with box(tag="li"):
                text(each.says)
                if each.because:
                    _reasons(each.because)


def _side(story: Story, facade: Facade) -> None:
    for item in story.items:
        if not item.decision:
            _item(item, facade)
    for label, state in story.under_way:
        with box("cw-card"):
            text("Under way", tag="h3")
            text(f"{label}: {words(state)}")
    if story.promises:
        with box("cw-card"):
            text("Promises", tag="h3")
            for promise in story.promises:
                with box("cw-promise"):
                    text(f"{words(promise.what)} {promise.amount}".strip(), "cw-strong")
                    pill(promise.status, f"p-{promise.status}")
                    text(f"by {promise.due:%Y-%m-%d}", "cw-quiet", title=promise.kept_when)
    decided = [item for item in story.items if item.decision]
    if decided:
        with box("cw-card"):
            text("Decided by people", tag="h3")
            for item in decided:
                text(f"{words(item.kind)}: {words(item.decision)} by {item.decided_by}", tag="p")
                if item.note:
                    text(item.note, "cw-quiet", tag="p")


def _item(item: ItemTold, facade: Facade) -> None:
    with box("cw-card cw-item") as card:
        card.props["id"] = f"item-{item.id}"
        with box("cw-title"):
            text(words(item.kind).capitalize(), tag="h3")
            pill(item.queue, "people")
        text(item.why or words(item.because), tag="p", title=item.because)
        with box("cw-trace", tag="details"):
            text("Everything gathered", tag="summary")
            facts(item.brief)
        note = ui.textarea("Note (stays inside)").props("dense outlined autogrow rows=2").classes("cw-wide")
        reply = ui.textarea("Your words to the customer").props("dense outlined autogrow rows=2").classes("cw-wide")
        by = ui.input("Your name", value=facade.account).props("dense outlined").classes("cw-wide")
        with box("cw-buttons"):
            for position, decision in enumerate(item.allowed):
                button = ui.button(DECIDE[decision], on_click=_decide(facade, item, decision, note, reply, by))
                button.props("no-caps unelevated" if position == 0 else "no-caps outline")


def _decide(
    facade: Facade, item: ItemTold, decision: str, note: ui.textarea, reply: ui.textarea, by: ui.input
) -> Callable[[], object]:
    async def act() -> None:
        if not (by.value or "").strip():
            ui.notify("Give your name: it stands on the timeline.", type="warning")
            return
        try:
            await facade.people.decide(
                item.id, decision, by=by.value.strip(), note=note.value or "", reply=(reply.value or "").strip()
            )
        except CaseworkerError as error:
            ui.notify(str(error), type="negative")
            return
        ui.navigate.reload()

    return act
