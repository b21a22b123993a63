"""`draft`: a first playbook from a handbook."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import settings

if TYPE_CHECKING:
    from caseworker.app.drafting import Drafted, Progress

_SHOWN = 12  # entries of a list on the screen; REPORT.md has all


@click.command()
@click.argument("handbook", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the draft; without it HANDBOOK-draft.")
@click.option("--language", "languages", multiple=True, default=("en",), show_default=True, help="The worker's languages.")
@click.option("--country", default="DE", show_default=True, help="The worker's country, two letters.")
@click.option("--mailbox", default="service@example.com", show_default=True, help="The worker's mail address.")
@click.option("--max-calls", default=100, show_default=True, type=click.IntRange(1), help="Most calls of the model.")
@json_option
def draft(
    handbook: Path, out: Path | None, languages: tuple[str, ...], country: str, mailbox: str, max_calls: int, as_json: bool
) -> int:
    """Draft procedures from HANDBOOK (Markdown or text) by the language model of CASEWORKER_MODEL.

    The handbook's text is sent to CASEWORKER_MODEL_URL, and to nobody else. The draft is in shadow mode, every act in it
    waits for a person, and REPORT.md says what to look at. Ends with exit code 1 when errors remain; the files are kept.

    \b
    Examples:
      caseworker draft handbook.md --out ./my-playbook
      caseworker draft handbook.md --language en --language de --max-calls 40
    """
    from caseworker.app.drafting import Drafting, Wanted
    from caseworker.bootstrap import make_language_model
    from caseworker.cli.playbooks import offline

    model = make_language_model(settings())
    folder = out or Path(f"{handbook.stem}-draft")
    wanted = Wanted(handbook, folder, tuple(dict.fromkeys(languages)), mailbox, country, max_calls)
    with _progress() as progress:
        drafted = asyncio.run(Drafting(offline(), model, progress).draft(wanted))
    if as_json:
        print_json(_plain(drafted))
    else:
        _print(drafted)
    return 1 if drafted.review.errors else 0


def _plain(drafted: "Drafted") -> dict[str, object]:
    found, usage = drafted.review, drafted.usage
    return {
        "folder": str(drafted.folder),
        "sections": [{"title": section.title, "line": section.line} for section in drafted.sections],
        "procedures": drafted.procedures,
        "examples": drafted.examples,
        "errors": found.errors,
        "findings": found.findings,
        "failed_examples": found.failed,
        "left_to_people": found.refused,
        "taken_away": [{"procedure": t.procedure, "row": t.row, "operation": t.operation} for t in found.taken],
        "not_in_handbook": found.unproven,
        "figures": found.figures,
        "not_expressed": found.not_expressed,
        "not_covered": found.not_covered,
        "usage": {"calls": usage.calls, "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }


def _print(drafted: "Drafted") -> None:
    found = drafted.review
    for finding in found.findings:
        click.echo(f"{drafted.folder / finding.place.file}:{finding.place.line}: ", nl=False)
        click.secho(finding.severity, fg="red" if finding.severity == "error" else "yellow", nl=False)
        click.echo(f" [{finding.code}] {finding.message}\n    {finding.advice}")
    taken = [f"{t.procedure}, row {t.row}: the shop has no operation {t.operation}" for t in found.taken]
    for title, entries in (
        ("Examples that fail", found.failed),
        ("Left to people", found.refused),
        ("Goes to people, for want of an operation", taken),
        ("Not found in the handbook: check this", found.unproven),
        ("Figures to look at", found.figures),
        ("Could not be expressed", found.not_expressed),
        ("Sentences not covered", found.not_covered),
    ):
        _list(title, entries)
    procedures, sections = len(drafted.procedures), len(drafted.sections)
    click.echo(f"{drafted.folder}: {procedures} procedures from {sections} sections, {drafted.examples} examples, ", nl=False)
    click.echo(f"{found.errors} errors. {drafted.usage}")
    click.echo(f"It is a draft and not live. Go through {drafted.folder / 'REPORT.md'}.")


def _list(title: str, entries: "list[str] | tuple[str, ...]") -> None:
    if not entries:
        return
    click.secho(f"{title}:", bold=True)
    for entry in entries[:_SHOWN]:
        click.echo(f"  {entry}")
    if len(entries) > _SHOWN:
        click.echo(f"  and {len(entries) - _SHOWN} more in REPORT.md")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A bar on a terminal's stderr; silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _of: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def show(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage.capitalize(), total=of)
            bar.update(tasks[stage], completed=done)  # type: ignore[arg-type]  # rich's own number of the task

        yield show
