"""`caseworker lab`: play scripted customers against a playbook and a shop; kill workers while they work."""

import asyncio
import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.chaos import chaos
from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import log_to_stderr, settings
from caseworker.core.errors import UsageError

if TYPE_CHECKING:
    from caseworker.lab.results import Result
    from caseworker.lab.run import OnProgress
    from caseworker.lab.score import Score


@click.group("lab")
def lab() -> None:
    """Try a playbook on scripted customers; try the engine under faults. Nothing here touches your own installation."""


lab.add_command(chaos)


@lab.command("run")
@click.argument("scenarios", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--playbook", default="retail", show_default=True, help="A playbook folder, or `retail`.")
@click.option(
    "--shop", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="shop.json; else the generated shop."
)
@click.option("--at", default="2026-12-02T09:00Z", show_default=True, help="The moment at which the scenarios begin (UTC).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write one result per line to this file.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 16), help="Worker processes.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep mails, logs and data in a new FOLDER.")
@json_option
def run(
    scenarios: Path, playbook: str, shop: Path | None, at: str, out: Path | None, workers: int, keep: Path | None, as_json: bool
) -> int:
    """Play SCENARIOS (JSON lines) on a movable clock, each customer in a copy of the shop of his own.

    docs/reference/lab.md describes scenarios and results. Exit code 1 where a change of a shop has no receipt, personal
    data was given away, or something was written that a scenario does not expect.

    \b
    Example:
      caseworker lab run mails.jsonl --playbook retail --at 2026-12-02T09:00Z --out results.jsonl
    """
    from caseworker.app.places import require_writable, write_files
    from caseworker.lab.report import table

    log_to_stderr()
    if out is not None:
        require_writable(out)
    with folder_of(keep) as folder, bar("Playing") as progress:
        results, score = asyncio.run(
            played(scenarios, playbook=playbook, shop=shop, at=moment(at), folder=folder, workers=workers, progress=progress)
        )
    if out is not None:
        write_files({out: "".join(json.dumps(r.as_json(), ensure_ascii=False) + "\n" for r in results).encode()})
    if as_json:
        print_json(score.as_json())
    else:
        click.echo(table(score))
    return 1 if score.wrong_writes or score.unexplained or score.leaks else 0


async def played(
    scenarios: Path,
    *,
    playbook: str,
    shop: Path | None,
    at: datetime,
    folder: Path,
    workers: int = 2,
    progress: "OnProgress | None" = None,
) -> "tuple[tuple[Result, ...], Score]":
    """A whole run and its score."""
    from caseworker.lab import scenario, score
    from caseworker.lab.play import open_lab, play

    loaded = scenario.load(scenarios)
    chosen = dataclasses.replace(settings(), database_url="", playbook=playbook)
    async with open_lab(chosen, shop=shop_of(shop, at), folder=folder, workers=workers) as fleet:
        results = await play(loaded, fleet, at=at, progress=progress)
    return results, score.score(loaded, results)


def shop_of(path: Path | None, at: datetime) -> dict[str, Any]:
    """The shop of a file, or the generated one as it stands at `at`."""
    if path is None:
        from caseworker.commerce.adapters.sandbox import generate

        return generate(at=at)
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is no JSON: {error}.", remedy="Mend it; docs/reference/shop-json.md describes the form."
        ) from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} holds no shop.", remedy="docs/reference/shop-json.md describes the form.")
    return loaded


def moment(text: str) -> datetime:
    """A time of the command line, in UTC."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no time.", remedy="Write for example 2026-12-02T09:00Z.") from error


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """A folder for one run: the given new one, or one that goes away. Its database's account has to get through to it."""
    from caseworker.app.places import claim

    if keep is not None:
        claim(keep)
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="caseworker-lab-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def bar(title: str) -> "Iterator[OnProgress]":
    """A progress bar on stderr where that is a terminal; elsewhere a line now and then is not wanted either."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(title), BarColumn(), TextColumn("{task.fields[shown]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=1.0, shown="starting")

        def tell(p: Any) -> None:
            text = f"{p.settled}/{p.scenarios} settled, {p.mails} mails, {p.replies} replies, {p.at:%d %b %H:%M}"
            shown.update(task, total=max(p.scenarios, p.cases), completed=p.settled, shown=text)

        yield tell
