"""`caseworker demo`: a hundred customers write to the shop Nordwind, and the worker answers."""

import asyncio
import dataclasses
import fcntl
import getpass
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.lab import bar, moment, shop_of
from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import log_to_stderr, settings, until_stopped
from caseworker.cli.serving import require_free
from caseworker.core.errors import ConfigurationError

if TYPE_CHECKING:
    from caseworker.lab.results import Result
    from caseworker.lab.score import Score
    from caseworker.testing.drive.processes import Fleet

AT = "2026-12-02T09:00Z"


@click.command("demo")
@click.option("--once", is_flag=True, help="End when all mails are answered, instead of leaving console and SMTP running.")
@json_option
def demo(once: bool, as_json: bool) -> int:
    """Let the worker answer 100 mails (60 English, 40 German) of scripted customers, then leave everything running.

    The shop is generated; the mails come over SMTP through a relay; customers answer when they are asked. Its data lies
    beside your own in a folder of its own, made anew each time.

    \b
    Examples:
      caseworker demo
      caseworker demo --once --json
    """
    log_to_stderr()
    with _folder() as folder:
        return asyncio.run(_demo(folder, once=once, as_json=as_json))


async def _demo(folder: Path, *, once: bool, as_json: bool) -> int:
    from caseworker.app.playbooks import shipped
    from caseworker.lab import scenario, score
    from caseworker.lab.play import open_lab, play

    scenarios = scenario.load(shipped("retail") / "demo" / "mails.jsonl")
    chosen = dataclasses.replace(settings(), database_url="", playbook="retail")
    if not once:
        require_free(chosen.console_host, chosen.console_port)
    if not as_json:
        click.echo("Starting database, relay, intake and two workers; loading the shop ...")
    async with open_lab(chosen, shop=shop_of(None, moment(AT)), folder=folder) as fleet:
        with bar("Answering") as progress:
            results = await play(scenarios, fleet, at=moment(AT), progress=progress)
        judged = score.score(scenarios, results)
        if as_json:
            print_json({"outcomes": _outcomes(results), **_figures(judged)})
        else:
            _print(results, judged)
        if not once:
            await until_stopped(_stay(fleet))
    return 1 if judged.wrong_writes or judged.unexplained or judged.leaks else 0


def _outcomes(results: "tuple[Result, ...]") -> dict[str, int]:
    return dict(Counter(request.outcome for result in results for request in result.requests).most_common())


def _figures(judged: "Score") -> dict[str, Any]:
    whole = judged.as_json()
    return {name: value for name, value in whole.items() if name != "verdicts"}


def _print(results: "tuple[Result, ...]", judged: "Score") -> None:
    from caseworker.lab.report import table

    replies = sum(len(result.replies) for result in results)
    asked = sum(1 for result in results if result.questions)
    click.echo(f"\n{len(results)} customers wrote; {replies} replies went out; {asked} customers were asked something first.")
    for outcome, count in _outcomes(results).items():
        click.echo(f"  {outcome:<20} {count:>4} requests")
    click.echo("\nAgainst what the mails' authors expect:\n")
    click.echo(table(judged))


async def _stay(fleet: "Fleet") -> None:
    """Console and SMTP stay, over the same database, until Ctrl-C."""
    from caseworker.console.facade import Facade
    from caseworker.console.server import serve as serve_console

    app = fleet.installation.app
    host, port = app.settings.console_host, app.settings.console_port
    target = fleet.installation.relay.target
    click.echo(f"\nConsole: http://{host}:{port}/")
    if target is not None:
        click.echo(f"Mail:    smtp://{target[0]}:{target[1]} for {app.release.playbook.worker.mailboxes[0].address}")
    click.echo(f"Replies: {fleet.logs.parent / 'mail'}")
    there = app.settings
    place = f"CASEWORKER_DATABASE_URL='{there.database_url}'" if there.database_url else f"CASEWORKER_DATA_DIR={there.data_dir}"
    click.echo(f"Look into it from another terminal: {place} CASEWORKER_CLOCK=database caseworker queue list")
    click.echo(f"The shop's clock stands at {await app.clock.now():%Y-%m-%d %H:%M} UTC. Ctrl-C ends everything.")
    facade = Facade(app.managers, app.people, app.playbooks, app.releases, app.replays, account=getpass.getuser())
    await serve_console(facade, host=host, port=port, public_url=app.settings.public_url)


@contextmanager
def _folder() -> Iterator[Path]:
    """The demo's own folder, empty; only one demo uses it at a time."""
    data = settings().data_dir
    folder = data.parent / f"{data.name}-demo"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError("A demo is running already.", remedy="End it with Ctrl-C first.") from error
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        yield folder
