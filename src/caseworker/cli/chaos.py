"""`lab chaos`: kill and freeze workers while they work, then count everything again."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import json_option, print_json, table

if TYPE_CHECKING:
    from caseworker.testing.chaos.model import Progress, Report

SHOWN = 10  # findings of a condition that are printed; --json has all


@click.command("chaos")
@click.option("--mails", default=300, show_default=True, type=click.IntRange(10, 5000), help="Different mails of customers.")
@click.option("--seed", default=7, show_default=True, help="Another number, another run.")
@click.option("--kills", default=30, show_default=True, type=click.IntRange(0, 1000), help="Workers killed (SIGKILL).")
@click.option("--stops", default=10, show_default=True, type=click.IntRange(0, 1000), help="Workers frozen for 16 s and woken.")
@click.option("--database-url", default="", metavar="URL", help="An empty database; without it one is started for the run.")
@click.option("--no-fence", is_flag=True, help="Switch the protection against woken workers off: the run has to fail.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep mails, logs and data in a new FOLDER.")
@json_option
def chaos(
    mails: int, seed: int, kills: int, stops: int, database_url: str, no_fence: bool, keep: Path | None, as_json: bool
) -> int:
    """Kill and freeze workers while customers write; then count again what was lost or done twice.

    Exit code 0 only when nothing was lost, nothing was said or paid twice, and everything ended.
    docs/how-to/run-a-chaos-campaign.md explains the figures.

    \b
    Examples:
      caseworker lab chaos
      caseworker lab chaos --mails 40 --kills 5 --stops 2
    """
    if not kills + stops:
        raise click.UsageError("Give at least one kill or stop.")
    from caseworker.testing.chaos.campaign import run
    from caseworker.testing.chaos.model import Order

    with _folder(keep) as folder, _shown() as tell:
        order = Order(
            folder,
            mails=mails,
            seed=seed,
            kills=kills,
            stops=stops,
            database_url=database_url,
            fence=not no_fence,
        )
        report = asyncio.run(run(order, tell))
    if as_json:
        print_json(figures(report))
    else:
        _print(report)
    return 0 if report.holds else 1


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the run. For root the server works under another account, which must be able to pass through it."""
    from caseworker.app.places import claim

    if keep is not None:
        keep = keep.absolute()
        claim(keep)
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="caseworker-chaos-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _shown() -> Iterator[Callable[["Progress"], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} strikes, {task.fields[mails]} mails"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None, mails=0)

        def tell(progress: "Progress") -> None:
            bar.update(
                task,
                description=progress.phase.capitalize(),
                total=progress.of_strikes or 1,
                completed=progress.strikes,
                mails=progress.acknowledged,
            )

        yield tell


def figures(report: "Report") -> dict[str, Any]:
    """The report as JSON types."""
    from caseworker.testing.chaos.model import FAILPOINTS

    taken = report.takeovers
    return {
        "passed": report.holds,
        "mails": report.order.mails,
        "seed": report.order.seed,
        "fence": report.order.fence,
        "database": "external" if report.order.database_url else "embedded",
        "seconds": round(report.took, 1),
        "acknowledged": report.acknowledged,
        "sent_again_by_customers": report.sent_again,
        "kills": report.struck("kill"),
        "stops": report.struck("stop"),
        "intake_kills": report.intake_kills,
        "by_failpoint": {
            name: {"kills": report.struck("kill", name), "stops": report.struck("stop", name)} for name in FAILPOINTS
        },
        "taken_over": {
            "cases": len(taken),
            "p50": round(median(taken), 1) if taken else None,
            "max": round(taken[-1], 1) if taken else None,
        },
        "counts": dict(report.counts),
        "conditions": [{"name": c.name, "holds": c.holds, "findings": list(c.findings)} for c in report.conditions],
    }


def _print(report: "Report") -> None:
    shown = figures(report)
    taken, counts = shown["taken_over"], shown["counts"]
    click.echo(
        f"{shown['acknowledged']} mails acknowledged ({shown['mails']} different ones), {counts['cases']} cases,"
        f" {counts['letters']} replies ({counts['interim_letters']} of them only said that it takes longer),"
        f" {counts['movements']} movements of money, in {shown['seconds']:.0f} s on an {shown['database']} database."
    )
    click.echo()
    rows = [[name, by["kills"], by["stops"]] for name, by in shown["by_failpoint"].items()]
    table(["Failpoint", "Kills", "Freezes"], [*rows, ["all", shown["kills"], shown["stops"]]])
    click.echo()
    click.echo(f"Intake killed inside a commit: {shown['intake_kills']}.")
    if taken["cases"]:
        click.echo(f"Taken over: {taken['cases']} cases, p50 {taken['p50']} s, max {taken['max']} s.")
    click.echo(f"Handed to the relay again under the same Message-ID: {counts['repeats']}.")
    click.echo()
    table(
        ["Condition", "", "Findings"],
        [[c.name, "holds" if c.holds else "BROKEN", len(c.findings) or ""] for c in report.conditions],
    )
    for condition in report.conditions:
        for finding in condition.findings[:SHOWN]:
            click.echo(f"{condition.name}: {finding}")
    click.echo()
    click.echo("Passed." if report.holds else "Failed.")
