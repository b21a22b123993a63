"""`serve`, `worker`, `intake`: the processes of an installation."""

import asyncio
import getpass
from typing import TYPE_CHECKING

import click

from caseworker.cli.running import log_to_stderr, opened, settings, until_stopped

if TYPE_CHECKING:
    from caseworker.bootstrap import App


@click.command()
@click.option("--until-stdin-closes", is_flag=True, hidden=True, help="End when the process that started this one is gone.")
def worker(until_stdin_closes: bool) -> None:
    """Run one worker process until it is told to stop (SIGTERM, Ctrl-C).

    Any number of them may run, on any number of hosts, on one database; a dead one's work is taken over within 30 s.

    \b
    Example:
      CASEWORKER_DATABASE_URL=postgresql://db/caseworker caseworker worker
    """
    log_to_stderr()

    async def run() -> None:
        # one that `serve` starts anew is no wish of a person to publish what was edited meanwhile
        async with opened(adopt=not until_stdin_closes) as app:
            if not until_stdin_closes:
                _say_not_taught(app)
            engine = app.worker()
            click.echo(f"Worker {engine.drain.owner[:8]} works with {engine.concurrency} cases at a time.")
            await until_stopped(engine.run(), with_parent=until_stdin_closes)

    asyncio.run(run())


@click.command()
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one. [CASEWORKER_SMTP_PORT]"
)
def intake(port: int | None) -> None:
    """Take mails in by SMTP until it is told to stop. A mail is acknowledged when it is stored, not before.

    \b
    Example:
      caseworker intake --port 2525
    """
    log_to_stderr()

    async def run() -> None:
        async with opened(adopt=True) as app:
            await until_stopped(_take_mails(app, port))

    asyncio.run(run())


@click.command()
@click.option("--workers", metavar="N", type=click.IntRange(0, 64), help="Worker processes. [CASEWORKER_WORKERS, 2]")
@click.option("--no-console", is_flag=True, help="Leave the web pages out.")
def serve(workers: int | None, no_console: bool) -> None:
    """Run everything by one command: intake, worker processes, console. Ends in order on SIGTERM or Ctrl-C.

    \b
    Example:
      caseworker serve --workers 4
    """
    from caseworker.cli.supervising import supervise

    log_to_stderr()
    chosen = settings()
    count = chosen.workers if workers is None else workers

    async def run() -> None:
        async with opened(chosen, adopt=True) as app:
            await until_stopped(everything(app))

    async def everything(app: "App") -> None:
        if not no_console:
            require_free(chosen.console_host, chosen.console_port)
        _say_not_taught(app)
        async with asyncio.TaskGroup() as group:
            group.create_task(_take_mails(app, None))
            group.create_task(supervise(count))
            if not no_console:
                group.create_task(_show_console(app))

    asyncio.run(run())


def _say_not_taught(app: "App") -> None:
    """An intent that the reader does not know is never read, which nobody would notice."""
    from caseworker.bootstrap import not_taught

    missing = not_taught(app.settings, app.release.playbook)
    if missing:
        names, verb = ", ".join(missing), "is" if len(missing) == 1 else "are"
        click.secho(f"{names} {verb} not known to the reader: run `caseworker train {app.settings.playbook}`.", fg="yellow")


async def _take_mails(app: "App", port: int | None) -> None:
    """The SMTP receiver; runs until cancelled, then finishes what it is storing."""
    from caseworker.cli.supervising import keep_mailboxes
    from caseworker.core.errors import ConfigurationError
    from caseworker.mail.adapters.smtp_in import SmtpIntake

    wanted = app.settings.smtp_port if port is None else port
    receiver = SmtpIntake(app.settings.smtp_host, wanted, app.intake.receive, app.intake.mailbox_of)
    try:
        await receiver.start()
    except OSError as error:
        raise ConfigurationError(
            f"Mails cannot be taken in on {app.settings.smtp_host}:{wanted}: {error.strerror}.",
            remedy="End the program that listens there, or choose another port with CASEWORKER_SMTP_PORT.",
        ) from error
    addresses = ", ".join(sorted(row.address for row in await app.control.mailboxes()))
    click.echo(f"Mail:    smtp://{app.settings.smtp_host}:{receiver.port} for {addresses}")
    try:
        await keep_mailboxes(app)
    finally:
        await receiver.stop()


def require_free(host: str, port: int) -> None:
    """Before anything starts: the console's port can be listened on. Raises ConfigurationError."""
    import socket

    from caseworker.core.errors import ConfigurationError

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"The console cannot listen on {host}:{port}: {error.strerror}.",
                remedy="End the program that listens there, or choose another port with CASEWORKER_CONSOLE_PORT.",
            ) from error


async def _show_console(app: "App") -> None:
    from caseworker.console.facade import Facade
    from caseworker.console.server import serve as serve_console

    host, port = app.settings.console_host, app.settings.console_port
    click.echo(f"Console: http://{host}:{port}/")
    facade = Facade(app.managers, app.people, app.playbooks, app.releases, app.replays, account=getpass.getuser())
    await serve_console(facade, host=host, port=port, public_url=app.settings.public_url)
