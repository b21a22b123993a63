"""The root command: a table of commands that are imported when they are called, and the one place where errors end.

Exit codes: 0 done, 1 it failed or something was found, 2 the call or a setting was wrong, 130 interrupted.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import click

from caseworker import __version__
from caseworker.core.errors import CaseworkerError, ConfigurationError, UsageError


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives and its line in `--help`, which must not cost an import."""

    section: str
    module: str
    attribute: str
    help: str


def _lazy(section: str, module: str, attribute: str, text: str) -> Lazy:
    return Lazy(section, f"caseworker.cli.{module}", attribute, text)


_RUN, _CASES, _PLAYBOOK, _CARE = "Run", "Cases and people", "Playbook and mails", "Look after"
COMMANDS: dict[str, Lazy] = {
    "serve": _lazy(_RUN, "serving", "serve", "Run everything: intake, workers, console."),
    "worker": _lazy(_RUN, "serving", "worker", "Run one worker process."),
    "intake": _lazy(_RUN, "serving", "intake", "Take mails in by SMTP."),
    "cases": _lazy(_CASES, "cases", "cases", "List cases, show one, hand out its raw mails."),
    "explain": _lazy(_CASES, "explaining", "explain", "Say why a case went as it did."),
    "replay": _lazy(_CASES, "replaying", "replay", "Make recorded decisions again, by this or another release."),
    "queue": _lazy(_CASES, "queues", "queue", "See what waits for people, and decide it."),
    "new": _lazy(_PLAYBOOK, "writing", "new", "Begin a playbook: a copy of one that works."),
    "check": _lazy(_PLAYBOOK, "playbooks", "check", "Find what is wrong in a playbook."),
    "prove": _lazy(_PLAYBOOK, "proving", "prove", "Prove what a playbook does for all facts."),
    "examples": _lazy(_PLAYBOOK, "examples", "examples", "Run a playbook's worked examples."),
    "schema": _lazy(_PLAYBOOK, "writing", "schema", "Let editors complete and check a playbook's files."),
    "modernise": _lazy(_PLAYBOOK, "writing", "modernise", "Bring a playbook to the current language version."),
    "draft": _lazy(_PLAYBOOK, "drafting", "draft", "Draft a playbook from a handbook, by a language model."),
    "release": _lazy(_PLAYBOOK, "releases", "release", "Bring a playbook to live, step by step, and back."),
    "train": _lazy(_PLAYBOOK, "playbooks", "train", "Train the reader for a playbook's intents."),
    "read": _lazy(_PLAYBOOK, "reading", "read", "Show what the reader makes of a mail."),
    "import": _lazy(_PLAYBOOK, "importing", "import_mails", "Take in old mails: try the worker on history."),
    "sandbox": _lazy(_PLAYBOOK, "sandbox", "sandbox", "Fill, write out or break the sandbox shop."),
    "doctor": _lazy(_CARE, "doctor", "doctor", "Check the installation."),
    "stop": _lazy(_CARE, "operating", "stop", "Turn acting and sending off, everywhere, at once."),
    "resume": _lazy(_CARE, "operating", "resume", "Lift stops; list what was held back."),
    "retry": _lazy(_CARE, "operating", "retry", "Take up work that was set aside."),
    "upgrade": _lazy(_CARE, "maintenance", "upgrade", "Bring the database to this version's schema."),
    "backup": _lazy(_CARE, "maintenance", "backup", "Write everything to one file."),
    "restore": _lazy(_CARE, "maintenance", "restore", "Bring a backup back."),
}
_WHEN_INSTALLED: dict[str, Lazy] = {
    "demo": _lazy(_RUN, "demo", "demo", "Watch the worker answer a hundred mails."),
    "lab": _lazy(_PLAYBOOK, "lab", "lab", "Play scenarios on a movable clock; kill workers on purpose."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        entry = commands().get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, from the table alone."""
        table = commands()
        for section in (_RUN, _CASES, _PLAYBOOK, _CARE):
            with formatter.section(section):
                formatter.write_dl([(name, entry.help) for name, entry in table.items() if entry.section == section])


def commands() -> dict[str, Lazy]:
    """The commands of this installation."""
    there = {name: entry for name, entry in _WHEN_INSTALLED.items() if find_spec(entry.module) is not None}
    return {**there, **COMMANDS}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="caseworker")
@click.option("--debug", is_flag=True, help="Show tracebacks, log everything.")
@click.pass_context
def root(ctx: click.Context, debug: bool) -> None:
    """Caseworker owns a customer-service inbox from the first mail to a verified resolution.

    Settings come from CASEWORKER_... variables; without any, everything is kept under one data directory.

    \b
    Example:
      caseworker serve
    """
    ctx.obj = {"debug": debug}


def run(arguments: Sequence[str]) -> int:
    """Run a command line and say how it ended, as an exit code. Every error that was not handled ends here."""
    debug = "--debug" in arguments
    try:
        result = root.main(args=list(arguments), prog_name="caseworker", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except BrokenPipeError:  # `caseworker cases list | head`: nobody reads any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001  # the process boundary: a person sees what happened, never a bare traceback
        return _report(error, debug=debug)
    return result if isinstance(result, int) else 0


def _report(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, CaseworkerError):
        click.secho(f"Error: {error.message}", fg="red", err=True)
        if error.remedy:
            click.echo(f"  {error.remedy}", err=True)
        return 2 if isinstance(error, UsageError | ConfigurationError) else 1
    from caseworker.cli.crash import write_down

    click.secho(f"Error: something unforeseen happened: {type(error).__name__}: {error}", fg="red", err=True)
    click.echo(f"  The details are in {write_down(error)}; run with `caseworker --debug ...` to see them here.", err=True)
    return 1
