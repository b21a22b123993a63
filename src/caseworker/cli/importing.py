"""`import`: old mails from files."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.app.history import HistoryReport, Imported
    from caseworker.bootstrap import App
    from caseworker.mail.adapters.files import LeftOut, MailSource

ROUNDS = 60
SHOWN = 20  # of what was not taken in


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--mailbox", required=True, help="The mailbox of ours that the mails were sent to.")
@click.option("--as", "kind", type=click.Choice(["history", "new"]), default="history", show_default=True,
              help="history: decide, do nothing; new: act, on mails younger than 7 days only.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def import_mails(path: Path, mailbox: str, kind: str, yes: bool, as_json: bool) -> int:
    """Take in mails from PATH: an .eml, an mbox, a Maildir, or a folder of these.

    As history nothing is sent and nothing is done: each mail counts as received on its own date, is read and decided, and a
    report says what the worker would have done. Mails that are here already are recognised. What is no mail, leads out of the
    folder or is too large is not taken in, and named at the end with its reason; exit code 1 when a mail is among it.

    \b
    Examples:
      caseworker import old.mbox --mailbox service@nordwind.example
      caseworker import inbox/ --mailbox service@nordwind.example --as new
    """
    from caseworker.mail.adapters.files import open_source

    source = open_source(path)
    if kind == "new":
        return with_app(lambda app: _as_new(app, source, mailbox=mailbox, yes=yes, as_json=as_json))
    return with_app(lambda app: _as_history(app, source, mailbox=mailbox, as_json=as_json))


async def _as_history(app: "App", source: "MailSource", *, mailbox: str, as_json: bool) -> int:
    from caseworker.app.history import report, take_old

    with _progress("Taking in", len(source)) as step:
        imported = await take_old(app.intake, source, mailbox=mailbox, history=True, on_each=step)
    with _progress("Deciding", len(imported.cases)) as step:
        await _decide(app, imported.cases, step)
    told = await report(app.views, imported.cases)
    if as_json:
        print_json({"imported": imported, "report": told, "not_taken": source.left_out})
    else:
        _print_import(imported)
        _print_report(told)
        _print_left_out(source.left_out)
    return _code(imported, source)


def _code(imported: "Imported", source: "MailSource") -> int:
    return 1 if imported.failed or any(each.lost for each in source.left_out) else 0


async def _decide(app: "App", cases: tuple[int, ...], step: Callable[[], None]) -> None:
    """Everything due in these cases; one that a worker holds at this moment is waited for."""
    import asyncio

    from caseworker.app.history import work_off

    drain = app.worker().drain
    await work_off(drain.look, cases, step)
    for _ in range(ROUNDS):
        now = await app.clock.now()
        left = [case for case in cases if await app.cases.has_due(case, now)]
        if not left:
            return
        await asyncio.sleep(0.5)
        await work_off(drain.look, left, lambda: None)


async def _as_new(app: "App", source: "MailSource", *, mailbox: str, yes: bool, as_json: bool) -> int:
    from caseworker.app.history import MAX_AGE, is_young, take_old

    now = await app.clock.now()
    young = sum(1 for _, raw in source if is_young(raw, now))
    old = len(source) - young
    click.echo(
        f"{young} mails are young enough to be acted upon; {old} are older than {MAX_AGE.days} days and left out.", err=True
    )
    if young and not yes:
        click.confirm(f"The worker will answer and act on {young} mails. Go on?", abort=True, err=True)
    chosen = ((name, raw) for name, raw in source if is_young(raw, now))
    with _progress("Taking in", young) as step:
        imported = await take_old(app.intake, chosen, mailbox=mailbox, history=False, on_each=step)
    if as_json:
        print_json({"imported": imported, "left_out": old, "not_taken": source.left_out})
    else:
        _print_import(imported)
        click.echo("The workers take them up now.")
        _print_left_out(source.left_out)
    return _code(imported, source)


@contextmanager
def _progress(label: str, length: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal's stderr; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _print_import(imported: "Imported") -> None:
    click.echo(
        f"{imported.mails} mails taken in, {imported.duplicates} were here already, "
        f"{imported.machine_mails} from machines; {len(imported.cases)} cases."
    )
    for name, reason in imported.failed:
        click.secho(f"  {name}: {reason}", fg="red")


def _print_left_out(left_out: "Sequence[LeftOut]") -> None:
    """What was not taken in: mails first, then what is none."""
    if not left_out:
        return
    click.secho(f"\nNot taken in: {len(left_out)}", bold=True)
    for each in sorted(left_out, key=lambda each: not each.lost)[:SHOWN]:
        click.secho(f"  {each.name} {each.why}", fg="red" if each.lost else None)
    if len(left_out) > SHOWN:
        click.echo(f"  and {len(left_out) - SHOWN} more; --json names them all")


def _print_report(told: "HistoryReport") -> None:
    click.secho("\nWhat the worker would have done, by intent:", bold=True)
    for intent, outcomes in told.intents.items():
        total = sum(outcomes.values())
        click.echo(f"  {intent:<24}{total:>6}   " + ", ".join(f"{name} {count}" for name, count in outcomes.items()))
    if told.undecided:
        click.echo(f"  {'(nothing asked, or unsure)':<24}{told.undecided:>6}")
    for label, counts in (("Rows that fired", told.rules), ("Languages", told.languages), ("Left to people", told.abstained)):
        if counts:
            click.echo(f"{label}: {', '.join(f'{name} {count}' for name, count in counts.items())}")
