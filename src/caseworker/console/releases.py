"""Releases: where each stands, who brought it there, what one in shadow does differently. Nothing is changed here."""

from collections.abc import Sequence

from nicegui import ui

from caseworker.app.diffing import ReleaseDiff
from caseworker.app.releases import Comparison, LogLine, ReleaseTold
from caseworker.console.facade import Facade
from caseworker.console.parts import RELEASES, box, frame, link, pill, text, when
from caseworker.core.errors import CaseworkerError, UsageError

TONES = {"live": "good", "share": "good", "shadow": "people", "withdrawn": "quiet", "retired": "quiet", "draft": "quiet"}


def add_releases_page(facade: Facade) -> None:
    """`/releases` and `/releases/HASH`"""

    @ui.page(RELEASES, response_timeout=15)
    async def releases() -> None:
        found = await facade.releases.all()
        with frame("Releases", here="releases", waiting=len(await facade.people.waiting())):
            if not found:
                with box("cw-empty"):
                    text("No release yet.", "cw-empty-title", tag="p")
                    text("caseworker release import ./my-playbook", "cw-mono", tag="p")
                return
            with box("cw-list", tag="table"):
                with box(tag="thead"), box(tag="tr"):
                    for heading in ("Release", "State", "Since", "By", "Open cases", "Proposed"):
                        text(heading, tag="th")
                with box(tag="tbody"):
                    for told in found:
                        _row(told)

    @ui.page(RELEASES + "/{name}", response_timeout=30)
    async def one(name: str) -> None:
        waiting = len(await facade.people.waiting())
        try:
            told = await facade.releases.find(name)
        except UsageError as error:
            with frame("No such release", here="releases", waiting=waiting), box("cw-empty"):
                text(error.message, "cw-empty-title", tag="p")
                link("Show all releases", RELEASES)
            return
        log, compared = await facade.releases.log(told.release), await facade.releases.compare(told.release)
        diff = await _diff(facade, told)
        with frame(f"Release {told.short}", here="releases", waiting=waiting):
            _head(told)
            _log(log)
            if compared.decisions or compared.errors:
                _compared(compared)
            if diff is not None:
                _changes(diff)


async def _diff(facade: Facade, told: ReleaseTold) -> ReleaseDiff | None:
    """How it differs from what is live; None for the live one, or where one of them cannot be read any more."""
    if told.state == "live":
        return None
    try:
        return await facade.releases.diff("live", told.release)
    except CaseworkerError:
        return None


def _state(told: ReleaseTold) -> None:
    pill(f"share {told.percent} %" if told.state == "share" else told.state, TONES[told.state])


def _row(told: ReleaseTold) -> None:
    with box(tag="tr"):
        with box("cw-mono", tag="td"):
            link(told.short, f"{RELEASES}/{told.short}", title=told.release)
        with box(tag="td"):
            _state(told)
        with box(tag="td"):
            when(told.since)
        text(told.by, tag="td")
        text(told.cases, tag="td")
        wish = told.proposal
        text(f"{wish.to}{f' {wish.percent} %' if wish.percent else ''} by {wish.by}" if wish else "", tag="td")


def _head(told: ReleaseTold) -> None:
    with box("cw-head"):
        with box("cw-title"):
            text(f"Release {told.short}", tag="h1")
            _state(told)
        with box("cw-quiet cw-sub"):
            text(told.release, "cw-mono")
            text(f"worker {told.worker}")
            text(f"{told.cases} open cases")
            if told.people > 1:
                text(f"its guardrails ask for {told.people} people to publish")
            if told.successor:
                text(f"its cases are decided by {told.successor[:12]}")


def _log(log: Sequence[LogLine]) -> None:
    with box("cw-card"):
        text("What was done with it", tag="h3")
        with box("cw-list", tag="table"), box(tag="tbody"):
            for line in log:
                with box(tag="tr"):
                    with box(tag="td"):
                        when(line.at)
                    text(f"{line.before or 'new'} → {line.after}{f' {line.percent} %' if line.percent else ''}", tag="td")
                    text(line.how, "cw-quiet", tag="td")
                    text(f"{line.by}{f', approved by {line.approved_by}' if line.approved_by else ''}", tag="td")
                    text(line.note, tag="td")


def _compared(found: Comparison) -> None:
    share = f", {found.percent_same:.1f} % the same" if found.percent_same is not None else ""
    with box("cw-card"):
        text("In shadow", tag="h3")
        text(f"{found.decisions} decisions{share}, {found.errors} errors", tag="p")
        for case, error in found.error_examples:
            text(f"{case}: {error}", "cw-bad", tag="p")
        with box("cw-list", tag="table"), box(tag="tbody"):
            for group in found.groups:
                with box(tag="tr"):
                    text(group.decisions, tag="td")
                    text(f"{group.before} → {group.after}", "cw-mono", tag="td")
                    with box(tag="td"):
                        for case in group.cases:
                            link(case, f"/cases/{case}", "cw-tag")


def _changes(diff: ReleaseDiff) -> None:
    with box("cw-card"):
        text("Beside what is live", tag="h3")
        text(f"{diff.summary}." if diff.summary else "Nothing is decided or said differently.", tag="p")
        for difference in diff.differences:
            text(str(difference), "cw-bad" if difference.raises else "", tag="p")
            if difference.lines:
                text("\n".join(difference.lines), "cw-mail", tag="pre")
