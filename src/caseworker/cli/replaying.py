"""`replay`: recorded decisions made again, by the release that made them or by another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import NUMBER, json_option, moment, print_json
from caseworker.cli.running import with_app
from caseworker.core.errors import UsageError

if TYPE_CHECKING:
    from caseworker.app.replay import CaseAgain, DecisionAgain, Totals
    from caseworker.bootstrap import App


@click.command()
@click.argument("case", default="")
@click.option("--release", default="", help="Another release: its hash, the beginning of it, or a playbook folder.")
@click.option("--all", "every", is_flag=True, help="All recorded cases instead of one.")
@click.option("--since", metavar="DATE", default="", help="With --all: cases with a decision on or after this day (UTC).")
@click.option("--limit", metavar="N", type=NUMBER, help="With --all: the N youngest cases.")
@json_option
def replay(case: str, release: str, every: bool, since: str, limit: int | None, as_json: bool) -> int:
    """Make the decisions of CASE again from what was recorded of them. No system is asked, nothing is done.

    The release that made them has to give the same decisions in every part: exit code 1 where it does not. With --release the
    differences are shown in words, and are no failure.

    \b
    Example:
      caseworker replay CW-00001T-1T
      caseworker replay CW-00001T-1T --release ./my-playbook
      caseworker replay --all --since 2026-11-01 --release 3f2a9c
    """
    if every == bool(case):
        raise UsageError("Give a CASE, or --all.", remedy="`caseworker cases list` names the cases.")
    if not every and (since or limit):
        raise UsageError("--since and --limit go with --all.", remedy="Leave them out, or add --all.")
    if every:
        return _all(release, _day(since), limit, as_json=as_json)
    again = with_app(lambda app: app.replays.case(case, release))
    if as_json:
        print_json(again)
    else:
        _tell(again)
    return 1 if (again.different and not again.release) or again.missing or again.lost else 0


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no date.", remedy="Write for example 2026-11-01.") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _tell(again: "CaseAgain") -> None:
    by = f"release {again.release[:12]}" if again.release else "the release that made each"
    click.secho(f"{again.reference}: {_count(len(again.decisions), 'decision')} made again by {by}", bold=True)
    for decision in again.decisions:
        _tell_one(decision)
    _tell_missing(again.missing)
    if again.lost:
        click.secho(f"  {_count(again.lost, 'recorded decision')} of this case not in the database any more.", fg="red")
    different = len(again.different)
    click.echo(f"\n{len(again.decisions) - different} identical, {different} different.")


def _tell_one(decision: "DecisionAgain") -> None:
    head = f"decision {decision.number}, request {decision.request}"
    if decision.identical and not decision.notes:
        click.echo(f"  {head}: identical ({f'row {decision.before}' if decision.before else 'no row'})")
        return
    click.secho(f"  {head} ({moment(decision.at)} UTC): {'identical' if decision.identical else 'different'}", bold=True)
    for difference in decision.differences:
        click.echo(f"    {difference}")
    if decision.after_difference:
        click.echo("    This request was decided differently before: what is given here is the way that was recorded.")
    for note in decision.notes:
        click.echo(f"    {note}.")


def _tell_missing(releases: tuple[str, ...]) -> None:
    for release in releases:
        click.secho(f"  Release {release[:12]} is not in the database: its decisions were not made again.", fg="red")


def _all(release: str, since: datetime | None, limit: int | None, *, as_json: bool) -> int:
    async def work(app: "App") -> "tuple[Totals, str]":
        with _bar() as tell:
            totals = await app.replays.every(release=release, since=since, limit=limit, on_each=tell)
        return totals, (await app.replays.release(release)).playbook.release if release else ""

    totals, other = with_app(work)
    if as_json:
        print_json(_as_json(totals, other))
    else:
        _tell_totals(totals, other)
    return 1 if (totals.changes and not other) or totals.missing or totals.lost or totals.unreadable else 0


def _as_json(totals: "Totals", other: str) -> dict[str, Any]:
    return {
        "release": other,
        "cases": totals.cases,
        "cases_different": totals.cases_different,
        "decisions": totals.decisions,
        "identical": totals.identical,
        "different": dict(totals.changes.most_common()),
        "examples": totals.examples,
        "missing": sorted(totals.missing),
        "lost": totals.lost,
        "unreadable": totals.unreadable,
    }


def _tell_totals(totals: "Totals", other: str) -> None:
    for case, reason in totals.unreadable.items():
        click.secho(f"{case} was left out: {reason}", fg="red")
    if not totals.cases:
        click.echo("No case was made again." if totals.unreadable else "Nothing was recorded.")
        return
    by = f"release {other[:12]}" if other else "the releases that made them"
    click.echo(f"{_count(totals.cases, 'case')}, {_count(totals.decisions, 'decision')} made again by {by}:")
    different = totals.decisions - totals.identical
    click.secho(
        f"  {totals.identical} identical, {different} different in {_count(totals.cases_different, 'case')}.",
        fg="green" if not different else None,
    )
    for change, count in totals.changes.most_common():
        click.echo(f"  {count:5}  {change}   (for example {', '.join(totals.examples[change])})")
    _tell_missing(tuple(sorted(totals.missing)))
    for case, count in totals.lost.items():
        click.secho(f"  {_count(count, 'recorded decision')} of {case} not in the database any more.", fg="red")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)

        def tell(done: int, of: int) -> None:
            shown.update(task, total=of, completed=done)

        yield tell
