"""`release`: from a folder to live and back."""

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from caseworker.cli.moving import move
from caseworker.cli.output import json_option, moment, print_json, table
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.app.releases import ReleaseTold, RolledBack

_F = TypeVar("_F", bound=Callable[..., Any])


def by_option(command: _F) -> _F:
    """`--by` and `--note` of everything that is written to the log."""
    command = click.option("--note", default="", help="Why; stands in the log.")(command)
    return click.option("--by", required=True, help="Who does this; stands in the log.")(command)


@click.group()
def release() -> None:
    """Bring a playbook from a folder to live, step by step, and back.

    RELEASE is the beginning of its hash (4 digits or more), or `live`, `previous`, `share`, `shadow`, `draft` (the
    youngest draft).

    \b
    Example:
      caseworker release list
    """


@release.command("list")
@json_option
def list_releases(as_json: bool) -> None:
    """List the releases of the worker, the youngest first.

    \b
    Example:
      caseworker release list
    """
    found = with_app(lambda app: app.releases.all())
    if as_json:
        print_json(list(found))
        return
    columns = ("release", "state", "since (UTC)", "by", "open cases", "proposed")
    rows = [(r.short, _state(r), r.since, r.by, r.cases, _proposed(r)) for r in found]
    table(columns, rows, empty="No release yet: `caseworker release import FOLDER`.")


@release.command("show")
@click.argument("release")
@json_option
def show(release: str, as_json: bool) -> None:
    """Show RELEASE and everything that was done with it.

    \b
    Example:
      caseworker release show live
    """

    async def work(app: Any) -> tuple["ReleaseTold", Sequence[Any]]:
        return await app.releases.find(release), await app.releases.log(release)

    told, log = with_app(work)
    if as_json:
        print_json({"release": told, "log": list(log)})
        return
    _say(told)
    people = f", its guardrails ask for {told.people} people" if told.people > 1 else ""
    click.echo(f"  of the worker {told.worker}, hash {told.release}{people}; open cases: {told.cases}")
    if told.successor:
        click.echo(f"  its cases are decided by {told.successor[:12]}")
    for line in log:
        approved = f", approved by {line.approved_by}" if line.approved_by else ""
        share = f" {line.percent} %" if line.percent else ""
        done = f"{line.before or 'new'} -> {line.after}{share}"
        note = f": {line.note}" if line.note else ""
        click.echo(f"  {moment(line.at)}  {done} ({line.how}) by {line.by}{approved}{note}")


@release.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--by", default=None, help="Who does this; without it the name of your account.")
@json_option
def take_in(folder: Path, by: str | None, as_json: bool) -> None:
    """Check the playbook in FOLDER and keep it as a draft. Nothing is decided by it yet.

    \b
    Example:
      caseworker release import ./my-playbook
    """
    told, new = with_app(lambda app: app.releases.take_in(folder, by=by or getpass.getuser()))
    if as_json:
        print_json({"new": new, "release": told})
        return
    click.echo(f"Release {told.short}{'' if new else ' is there already'}: {_state(told)}.")


@release.command("export")
@click.argument("release")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def export(release: str, folder: Path, as_json: bool) -> None:
    """Write RELEASE into the new folder FOLDER; importing that gives the same release.

    \b
    Example:
      caseworker release export live ./live-playbook
    """
    count = with_app(lambda app: app.releases.export(release, folder))
    if as_json:
        print_json({"folder": str(folder), "files": count})
        return
    click.echo(f"{count} files written to {folder}.")


@release.command("shadow")
@click.argument("release")
@by_option
@json_option
def shadow(release: str, by: str, note: str, as_json: bool) -> None:
    """Let RELEASE decide along on every case and do nothing. `compare` shows how it differs.

    \b
    Example:
      caseworker release shadow 3fa9 --by anna
    """
    _done(with_app(lambda app: app.releases.shadow(release, by=by, note=note)), as_json=as_json)


@release.command("compare")
@click.argument("release", default="shadow")
@json_option
def compare(release: str, as_json: bool) -> None:
    """Show how RELEASE (without it the one in shadow) decided beside what counted.

    \b
    Example:
      caseworker release compare 3fa9
    """

    async def work(app: Any) -> tuple["ReleaseTold", Any, tuple[str, ...]]:
        return await app.releases.find(release), await app.releases.compare(release), await app.releases.not_met(release)

    told, found, strange = with_app(work)
    if as_json:
        groups = [{"before": g.before, "after": g.after, "decisions": g.decisions, "cases": g.cases} for g in found.groups]
        errors = [{"case": case, "error": error} for case, error in found.error_examples]
        counts = {"decisions": found.decisions, "same": found.same, "percent_same": found.percent_same, "errors": found.errors}
        more = {"error_examples": errors, "not_met": strange, "beside": found.beside}
        print_json({"release": told.release, **counts, "groups": groups, **more})
        return
    if strange:
        text = f"Never met in shadow, for the live release does not know them: {', '.join(strange)}."
        click.secho(f"{text} Try them with `caseworker read MAIL --playbook FOLDER`.", fg="yellow")
    if not found.decisions and not found.errors:
        click.echo(f"Release {told.short} has decided nothing in shadow yet.")
        return
    share = f", {found.percent_same:.1f} % the same" if found.percent_same is not None else ""
    click.echo(f"Release {told.short}: {found.decisions} decisions in shadow{share}, {found.errors} errors.")
    if len(found.beside) > 1:
        click.echo(f"  Beside {', '.join(f'{live[:12]}: {count}' for live, count in found.beside.items())}.")
    for case, error in found.error_examples:
        click.secho(f"  {case}: {error}", fg="red")
    rows = [(g.decisions, g.before, g.after, ", ".join(g.cases)) for g in found.groups]
    table(("decisions", "live decided", "this would have", "cases"), rows, empty="No decision differs.")


@release.command("diff")
@click.argument("before")
@click.argument("after")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Say in words what changes from BEFORE to AFTER; each is a release or a playbook folder.

    \b
    Examples:
      caseworker release diff live 3fa9
      caseworker release diff live ./my-playbook
    """
    found = with_app(lambda app: app.releases.diff(before, after))
    if as_json:
        print_json(found)
        return
    for difference in found.differences:
        click.secho(str(difference), fg="red" if difference.raises else None, bold=difference.raises)
        for line in difference.lines:
            click.echo(f"    {line}")
    if found.only_layout:
        click.echo("Only comments or layout differ; nothing is decided or said differently.")
    else:
        click.echo(f"{found.summary}." if found.summary else "Nothing differs.")


@release.command("share")
@click.argument("release")
@click.option("--percent", type=click.IntRange(1, 99), required=True, help="How much of the new cases, 1 to 99.")
@by_option
@json_option
def share(release: str, percent: int, by: str, note: str, as_json: bool) -> None:
    """Let RELEASE begin with a share of the new cases and act on them. A customer stays on his side while the share stands.

    \b
    Example:
      caseworker release share 3fa9 --percent 10 --by anna
    """
    _done(with_app(lambda app: app.releases.share(release, percent, by=by, note=note)), as_json=as_json)


@release.command("publish")
@click.argument("release")
@by_option
@json_option
def publish(release: str, by: str, note: str, as_json: bool) -> None:
    """Make RELEASE live: all new cases begin with it. Running cases stay on theirs (see `move`).

    \b
    Example:
      caseworker release publish 3fa9 --by anna --note "longer return window"
    """
    _done(with_app(lambda app: app.releases.publish(release, by=by, note=note)), as_json=as_json)


@release.command("propose")
@click.argument("release")
@click.option("--live", is_flag=True, help="Propose to make it live.")
@click.option("--share", "percent", type=click.IntRange(1, 99), help="Propose a share of the new cases, in percent.")
@by_option
@json_option
def propose(release: str, live: bool, percent: int | None, by: str, note: str, as_json: bool) -> None:
    """Propose RELEASE, where the guardrails ask for two people; another person approves it.

    \b
    Examples:
      caseworker release propose 3fa9 --share 10 --by anna
      caseworker release propose 3fa9 --live --by anna
    """
    if live == (percent is not None):
        raise click.UsageError("Say what you propose: --live, or --share N.")
    to: Literal["live", "share"] = "live" if live else "share"
    _done(with_app(lambda app: app.releases.propose(release, to, by=by, percent=percent or 0, note=note)), as_json=as_json)


@release.command("approve")
@click.argument("release")
@click.option("--live", is_flag=True, help="Approve only that it becomes live.")
@click.option("--share", "percent", type=click.IntRange(1, 99), help="Approve only this share, in percent.")
@by_option
@json_option
def approve(release: str, live: bool, percent: int | None, by: str, note: str, as_json: bool) -> None:
    """Approve what another person proposed for RELEASE; it is done at once.

    With --live or --share N nothing is done where the proposal is, or became meanwhile, another one.

    \b
    Examples:
      caseworker release approve 3fa9 --by ben
      caseworker release approve 3fa9 --share 10 --by ben
    """
    if live and percent is not None:
        raise click.UsageError("Approve --live or --share N, not both.")
    only = ("live", 0) if live else ("share", percent) if percent is not None else None
    _done(with_app(lambda app: app.releases.approve(release, by=by, note=note, only=only)), as_json=as_json)


@release.command("withdraw")
@click.argument("release")
@by_option
@json_option
def withdraw(release: str, by: str, note: str, as_json: bool) -> None:
    """Give RELEASE up; cases that it began go on with the live one from their next event. For the live one see `rollback`.

    \b
    Example:
      caseworker release withdraw share --by anna --note "too many questions"
    """

    async def work(app: Any) -> "RolledBack":
        told = await app.releases.withdraw(release, by=by, note=note)
        found: RolledBack = await app.releases.rolled_back(told)
        return found

    found = with_app(work)
    if as_json:
        _print_back(found, preview=False)
        return
    _say(found.withdrawn)
    _go_over(found)


@release.command("rollback")
@click.option("--to", "target", default="", help="A release that was live before; without it the previous one.")
@click.option("--preview", is_flag=True, help="Only show which open cases would not simply go on; nothing is changed.")
@click.option("--by", default="", help="Who does this; stands in the log. Needed unless you preview.")
@click.option("--note", default="", help="Why; stands in the log.")
@json_option
def rollback(target: str, preview: bool, by: str, note: str, as_json: bool) -> None:
    """Withdraw the live release. Its cases and all new ones are decided by the previous one from their next event on.

    It holds in every process at once, without a restart. Receipts stay: what was done is not done again. Open cases that the
    previous release cannot go on with (it has no procedure for them, no words for what is being done) are listed.

    \b
    Examples:
      caseworker release rollback --preview
      caseworker release rollback --by anna --note "wrong label"
      caseworker release rollback --to 91bc --by anna
    """

    async def work(app: Any) -> "RolledBack":
        if preview:
            seen: RolledBack = await app.releases.preview_roll_back(to=target)
            return seen
        gone, now = await app.releases.roll_back(by=by, to=target, note=note)
        if not as_json:  # said before anything else is looked at
            click.echo(f"Release {gone.short} is withdrawn; {now.short} is live again.")
        done: RolledBack = await app.releases.rolled_back(gone)
        return done

    found = with_app(work)
    if as_json:
        _print_back(found, preview=preview)
        return
    if preview:
        click.echo(f"Release {found.withdrawn.short} would be withdrawn; {found.live.short} would be live again.")
    _go_over(found)


def _print_back(found: "RolledBack", *, preview: bool) -> None:
    names = ("withdrawn", "live", "cases", "affected", "share")
    print_json({"preview": preview, **{name: getattr(found, name) for name in names}})


def _go_over(found: "RolledBack") -> None:
    """The open cases that another release decides at their next event, and what becomes of those that do not simply go on."""
    if found.share:
        share = f"Release {found.share.short} keeps its share of {found.share.percent} % of new cases"
        click.secho(f"{share}; `caseworker release withdraw share` ends that.", fg="yellow")
    if not found.cases:
        return
    click.echo(f"{found.cases} open cases go over to {found.live.short} at their next event.")
    rows = [(a.reference, a.request, a.intent, a.status, a.what) for a in found.affected]
    table(("case", "request", "wants", "is", "and then"), rows, empty="All of them can go on there.")


release.add_command(move)


def _done(told: "ReleaseTold", *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        _say(told)


def _say(told: "ReleaseTold") -> None:
    proposed = _proposed(told)
    since = f", since {moment(told.since)} UTC by {told.by}" if told.by else ""
    click.echo(f"Release {told.short}: {_state(told)}{since}.{f' Proposed: {proposed}.' if proposed else ''}")


def _state(told: "ReleaseTold") -> str:
    return f"share {told.percent} %" if told.state == "share" else told.state


def _proposed(told: "ReleaseTold") -> str:
    wish = told.proposal
    if wish is None:
        return ""
    return f"{wish.to}{f' {wish.percent} %' if wish.percent else ''} by {wish.by}"
