"""`check`, `train`: a playbook before it works."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import settings

if TYPE_CHECKING:
    from caseworker.app.playbooks import Playbooks

MOST_SEED = 2**32 - 1  # what every generator of random numbers takes


def offline() -> "Playbooks":
    """Playbooks without a database: checking needs to know the operations only, so nothing is ever connected here."""
    from caseworker.app.playbooks import Playbooks
    from caseworker.commerce.adapters.sandbox import Sandbox
    from caseworker.core.clock import SystemClock
    from caseworker.store.database import Database
    from caseworker.store.releases import PostgresReleases

    nowhere = "postgresql://nowhere"
    clock = SystemClock()
    return Playbooks(PostgresReleases(Database(nowhere)), Sandbox(nowhere, clock), clock)


@click.command()
@click.argument("playbook", default="")
@json_option
def check(playbook: str, as_json: bool) -> int:
    """Find what is wrong in PLAYBOOK (a folder, or `retail`; without it the one of CASEWORKER_PLAYBOOK). Needs no database.

    Ends with exit code 1 when there are errors; warnings are for you to judge.

    \b
    Example:
      caseworker check ./my-playbook
    """
    from caseworker.app.playbooks import shipped
    from caseworker.sop.errors import PlaybookProblems

    folder = shipped(playbook or settings().playbook)
    try:
        _, findings = offline().check(folder)
    except PlaybookProblems as problems:
        findings = tuple(problems.findings)
    errors = sum(1 for f in findings if f.severity == "error")
    if as_json:
        print_json({"playbook": str(folder), "errors": errors, "findings": findings})
        return 1 if errors else 0
    for finding in findings:
        click.echo(f"{folder / finding.place.file}:{finding.place.line}: ", nl=False)
        click.secho(finding.severity, fg="red" if finding.severity == "error" else "yellow", nl=False)
        click.echo(f" [{finding.code}] {finding.message}")
        if finding.advice:
            click.echo(f"    {finding.advice}")
    click.echo(f"{folder.resolve().name}: {errors} errors, {len(findings) - errors} warnings.")
    return 1 if errors else 0


@click.command()
@click.argument("playbook", default="")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the weights, for CASEWORKER_WEIGHTS; without it the data directory, where the reader finds them.",
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, MOST_SEED), help="The same seed gives the same weights."
)
@json_option
def train(playbook: str, out: Path | None, seed: int, as_json: bool) -> None:
    """Teach the reader the intents of PLAYBOOK. Takes minutes on one core, needs no network.

    What is learnt is used for the playbook of that name from the next start on.

    \b
    Example:
      caseworker train ./my-playbook
    """
    from caseworker.app.places import require_writable
    from caseworker.app.playbooks import shipped
    from caseworker.bootstrap import trained_for
    from caseworker.reading.adapters.use import UseEncoder
    from caseworker.reading.model import Intent
    from caseworker.reading.train import train as fit
    from caseworker.sop.load import load, read_folder

    book = load(read_folder(shipped(playbook or settings().playbook)))
    target = out or trained_for(settings(), book.worker.name)
    require_writable(target)
    intents = [Intent(i.name, i.description, i.examples, i.always_escalate) for i in book.intents.values()]
    encoder = UseEncoder()
    encoder.check()
    with click.progressbar(length=100, label=f"Learning {len(intents)} intents", file=sys.stderr) as bar:
        heads = fit(intents, encoder, seed, progress=lambda share: bar.update(int(100 * share) - bar.pos))
    heads.save(target, "use")
    held_out = heads.meta.get("held_out")
    figures = {name: held_out[name] for name in book.intents if name in held_out} if isinstance(held_out, dict) else {}
    if as_json:
        print_json({"folder": str(target), "labels": heads.labels, "held_out": figures})
        return
    click.echo(f"Written to {target}: {len(figures)} intents, {heads.meta.get('sentences')} sentences.")
    for name, figure in figures.items():
        click.echo(f"  {name}: precision {figure['precision']}, recall {figure['recall']}, {figure['n']} sentences")
