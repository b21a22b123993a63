"""Small parts of pages. Every text goes in as text: nothing a customer wrote is ever read as HTML."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element

from caseworker.core.clock import utc_now

STATUSES = {
    "open": "open",
    "awaiting_customer": "awaiting customer",
    "waiting": "waiting",
    "with_people": "with people",
    "closed": "closed",
}


UNASSIGNED = "/unassigned"
"""The address of the mails in no case."""
RELEASES = "/releases"
"""The address of the releases."""


@contextmanager
def frame(title: str, *, here: str, waiting: int) -> Iterator[None]:
    """A page: the bar on top, then what the block adds. `waiting` is shown at the queues."""
    ui.add_css(files("caseworker.console").joinpath("look.css").read_text(encoding="utf-8"))
    ui.page_title(f"{title} · Caseworker")
    with box("cw-bar", tag="header"):
        link("Caseworker", "/", "cw-brand")
        with box("cw-nav", tag="nav"):
            link("Cases", "/", "cw-here" if here == "cases" else "")
            link(f"Queues {waiting}" if waiting else "Queues", "/queues", "cw-here" if here == "queues" else "")
            link("Releases", RELEASES, "cw-here" if here == "releases" else "")
    with box("cw-page", tag="main"):
        yield


def box(classes: str = "", *, tag: str = "div") -> Element:
    """An element to put others into."""
    return ui.element(tag).classes(classes)


def text(content: object, classes: str = "", *, tag: str = "span", title: str = "") -> Element:
    """A text in its own element."""
    element = ui.label(str(content)).classes(classes) if tag == "div" else _tagged(str(content), tag).classes(classes)
    if title:
        element.props["title"] = title
    return element


def _tagged(content: str, tag: str) -> Element:
    element = ui.label(content)
    element.tag = tag
    return element


def link(content: str, target: str, classes: str = "", *, title: str = "") -> Element:
    """A link within the console."""
    element = ui.link(content, target).classes(classes)
    if title:
        element.props["title"] = title
    return element


def when(at: datetime, classes: str = "cw-when") -> Element:
    """A time, UTC: the hour for today, else the day with it; the whole of it in the tooltip."""
    now = utc_now()
    shown = f"{at:%H:%M}" if at.date() == now.date() else f"{at:%d %b %H:%M}" if at.year == now.year else f"{at:%d %b %Y}"
    return text(shown, classes, tag="time", title=f"{at:%Y-%m-%d %H:%M:%S} UTC")


def pill(content: str, tone: str = "") -> Element:
    """A word with a state's colour."""
    return text(content, f"cw-pill cw-{tone}" if tone else "cw-pill")


def status_pill(status: str) -> Element:
    """A case's status."""
    return pill(STATUSES.get(status, status), f"s-{status}")


def facts(lines: tuple[tuple[str, str], ...] | list[tuple[str, str]], classes: str = "cw-facts") -> None:
    """Labels and values in two columns."""
    if lines:
        with box(classes, tag="dl"):
            for label, value in lines:
                text(label, tag="dt")
                text(value, tag="dd")


def address(path: str, **query: str | int) -> str:
    """A path with the parameters that are not empty."""
    given = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def words(name: str) -> str:
    """`where_is_my_order` as people write it."""
    return name.replace("_", " ").replace(":", ": ")
