"""`upgrade`, `backup`, `restore`."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import click

from caseworker.cli.running import settings
from caseworker.core.errors import ConfigurationError, StoreError
from caseworker.settings import Settings

_OTHER_VERSION = ("server version mismatch", "unsupported version")


@click.command()
def upgrade() -> None:
    """Bring the database to this version's schema. Safe to call again, and from several hosts at once.

    \b
    Example:
      caseworker upgrade
    """
    from caseworker.bootstrap import upgrade as bring_up

    with ExitStack() as stack:
        bring_up(_database(settings(), stack))
    click.echo("The database has this version's schema.")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def backup(file: Path, force: bool) -> None:
    """Write everything (cases, mails, attachments, releases, the sandbox) to FILE while the workers go on.

    Keep the installation's secret (the file `secret` in the data directory) with it: old threads need it.

    \b
    Example:
      caseworker backup caseworker.dump
    """
    if file.exists() and not force:
        raise ConfigurationError(f"{file} is there already.", remedy="Choose another name or give --force.")
    partial = file.with_name(file.name + ".partial")
    chosen = settings()
    with ExitStack() as stack:
        url = _database(chosen, stack)
        try:
            _call(chosen, "pg_dump", "--format=custom", "--no-owner", f"--file={partial}", f"--dbname={url}")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    click.echo(f"Written to {file}: {file.stat().st_size / 1e6:.1f} MB.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Replace everything in the database by the backup FILE, and bring it to this version's schema. Stop the workers first.

    \b
    Example:
      caseworker restore caseworker.dump --yes
    """
    from caseworker.bootstrap import upgrade as bring_up

    if not yes:
        click.confirm("Everything in the database is replaced. Go on?", abort=True)
    chosen = settings()
    with ExitStack() as stack:
        url = _database(chosen, stack)
        _call(chosen, "pg_restore", "--list", str(file))  # a file that is no backup must not cost the data that is there
        _empty(url)
        _call(chosen, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url}", str(file))
        bring_up(url)
    click.echo(f"Restored from {file}.")


def _database(chosen: Settings, stack: ExitStack) -> str:
    if chosen.database_url:
        return chosen.database_url
    from caseworker.store.embedded import EmbeddedServer

    server = EmbeddedServer(chosen.data_dir)
    stack.callback(server.stop, wait=10.0)
    return server.start()


def _call(chosen: Settings, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs: for a server of its own the machine's, where its version fits, else the wheel's."""
    from caseworker.store.embedded import EmbeddedServer

    own = str(EmbeddedServer(chosen.data_dir).programs / program)
    found = shutil.which(program) if chosen.database_url else None
    for path in (found or own, own):
        done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
        if done.returncode == 0:
            return
        if not any(word in done.stderr for word in _OTHER_VERSION):
            break
    text = next(
        (line for line in done.stderr.splitlines() if "error" in line.lower()), done.stderr.strip() or "no reason given"
    )
    raise StoreError(f"{program} failed: {text}", remedy="Look at the file, the disk's space and the database's address.")


def _empty(url: str) -> None:
    """Drop every schema that is ours."""
    import psycopg

    try:
        with psycopg.connect(url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS sandbox CASCADE")
            connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
            connection.execute("CREATE SCHEMA public")  # a dump takes it for granted
    except psycopg.Error as error:
        raise StoreError(f"The database cannot be emptied: {error}", remedy="Stop the workers and try again.") from error
