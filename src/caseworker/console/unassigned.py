"""Mails that came in and are in no case: what machines wrote, and the rule that said so."""

from nicegui import ui

from caseworker.console.facade import Facade
from caseworker.console.parts import UNASSIGNED, address, box, frame, link, text, when, words

PAGE = 50
LAST_PAGE = 100_000
WORDS = 200  # characters of a mail that are shown


def add_unassigned_page(facade: Facade) -> None:
    """`/unassigned`"""

    @ui.page(UNASSIGNED, response_timeout=15)
    async def unassigned(page: int = 1) -> None:
        page = min(max(page, 1), LAST_PAGE)
        found = await facade.managers.unassigned(limit=PAGE + 1, offset=(page - 1) * PAGE)
        with frame("Mails in no case", here="cases", waiting=len(await facade.people.waiting())):
            if not found:
                with box("cw-empty"):
                    text("Every mail is in a case.", "cw-empty-title", tag="p")
                    link("Show all cases", "/")
                return
            with box("cw-list", tag="table"):
                with box(tag="thead"), box(tag="tr"):
                    for heading in ("Raw mail", "Mail", "Kind", "Because", "Came"):
                        text(heading, tag="th")
                with box(tag="tbody"):
                    for row in found[:PAGE]:
                        with box(tag="tr"):
                            text(row.raw, "cw-mono", tag="td", title=f"caseworker cases raw {row.raw}")
                            with box("cw-who", tag="td"):
                                text(row.subject or "(no subject)", "cw-subject", title=row.text[:WORDS])
                                text(row.sender, "cw-quiet")
                            text(words(row.kind), tag="td")
                            text(words(row.why), tag="td")
                            with box(tag="td"):
                                when(row.at)
            with box("cw-paging", tag="nav"):
                if page > 1:
                    link("← Newer", address(UNASSIGNED, page=page - 1))
                if len(found) > PAGE:
                    link("Older →", address(UNASSIGNED, page=page + 1))
