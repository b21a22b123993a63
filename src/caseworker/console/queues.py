"""What waits for people, oldest first."""

from nicegui import ui

from caseworker.app.items import tell_item
from caseworker.console.facade import Facade
from caseworker.console.parts import address, box, frame, link, pill, text, when, words
from caseworker.core.ids import case_reference


def add_queues_page(facade: Facade) -> None:
    """`/queues`"""

    @ui.page("/queues", response_timeout=15)
    async def queues(queue: str = "") -> None:
        everything = [tell_item(item) for item in await facade.people.waiting()]
        shown = [item for item in everything if queue in ("", item.queue)]
        names = sorted({item.queue for item in everything})
        with frame("Queues", here="queues", waiting=len(everything)):
            with box("cw-tabs", tag="nav"):
                for name in ("", *names):
                    count = sum(1 for item in everything if name in ("", item.queue))
                    with link("", address("/queues", queue=name), "cw-tab cw-here" if name == queue else "cw-tab"):
                        text(words(name).capitalize() or "All")
                        text(count, "cw-count")
            if not shown:
                with box("cw-empty"):
                    text("Nothing waits for people.", "cw-empty-title", tag="p")
                return
            with box("cw-list", tag="table"):
                with box(tag="thead"), box(tag="tr"):
                    for heading in ("Case", "Kind", "Queue", "Because", "What", "Since"):
                        text(heading, tag="th")
                with box(tag="tbody"):
                    for item in shown:
                        reference = case_reference(item.case)
                        with box(tag="tr"):
                            with box("cw-mono", tag="td"):
                                link(reference, f"/cases/{reference}#item-{item.id}")
                            with box(tag="td"):
                                pill(words(item.kind), "s-with_people")
                            text(item.queue, tag="td")
                            text(words(item.because), tag="td", title=item.why)
                            with box("cw-who", tag="td"):
                                link(item.wants or item.name or "a mail", f"/cases/{reference}#item-{item.id}")
                                text(item.subject, "cw-quiet")
                            with box(tag="td"):
                                when(item.created_at)
