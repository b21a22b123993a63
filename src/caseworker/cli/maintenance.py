"""`upgrade`, `backup`, `restore`."""

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import click

from caseworker.cli.running import settings
from caseworker.core.errors import ConfigurationError, StoreError
from caseworker.settings import Settings

_EMPTY = b"""SET client_min_messages = warning;
BEGIN;
SET LOCAL lock_timeout = '30s';
DROP SCHEMA IF EXISTS sandbox CASCADE;
DROP SCHEMA IF EXISTS public CASCADE;
CREATE SCHEMA public;
"""  # every schema that is ours; a dump takes an empty `public` for granted
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
    from caseworker.app.places import require_writable

    if file.exists() and not force:
        raise ConfigurationError(f"{file} is there already.", remedy="Choose another name or give --force.")
    require_writable(file)
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

    If anything goes wrong, the database stays as it is.

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
        program = _call(chosen, "pg_restore", f"--file={os.devnull}", str(file))  # reads all of it: a damaged one ends here
        _replace(chosen, url, file, program)
        bring_up(url)
    click.echo(f"Restored from {file}.")


def _database(chosen: Settings, stack: ExitStack) -> str:
    if chosen.database_url:
        return chosen.database_url
    from caseworker.store.embedded import EmbeddedServer

    server = EmbeddedServer(chosen.data_dir)
    stack.callback(server.stop, wait=10.0)
    return server.start()


def _call(chosen: Settings, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs: for a server of its own the machine's, where its version fits, else the wheel's.

    Returns the one that did it.
    """
    own = _own(chosen, program)
    found = shutil.which(program) if chosen.database_url else None
    for path in (found or own, own):
        done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
        if done.returncode == 0:
            return path
        if not any(word in done.stderr for word in _OTHER_VERSION):
            break
    raise _failed(program, done.stderr)


def _own(chosen: Settings, program: str) -> str:
    from caseworker.store.embedded import EmbeddedServer

    return str(EmbeddedServer(chosen.data_dir).programs / program)


def _failed(program: str, told: str) -> StoreError:
    text = next((line for line in told.splitlines() if "error" in line.lower()), told.strip() or "no reason given")
    return StoreError(f"{program} failed: {text}", remedy="Look at the file, the disk's space and the database's address.")


def _replace(chosen: Settings, url: str, file: Path, program: str) -> None:
    """Everything of ours out and the backup in, in ONE transaction: it is committed only after all of the file has gone in.

    Whatever goes wrong before (a full disk, a lost connection, a killed program) leaves the database as it was.
    """
    take_out = [program, "--no-owner", "--file=-", str(file)]
    put_in = [_own(chosen, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={url}", "--file=-"]
    with ExitStack() as stack:
        source_told, sink_told = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        source = stack.enter_context(subprocess.Popen(take_out, stdout=subprocess.PIPE, stderr=source_told))  # noqa: S603  # our own arguments
        sink = stack.enter_context(
            subprocess.Popen(put_in, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=sink_told)  # noqa: S603  # our own arguments
        )
        assert source.stdout is not None
        assert sink.stdin is not None
        with suppress(BrokenPipeError), source.stdout, sink.stdin:  # a sink that gave up says why itself
            sink.stdin.write(_EMPTY)
            shutil.copyfileobj(source.stdout, sink.stdin)
            if source.wait() == 0:
                sink.stdin.write(b"COMMIT;\n")
        sunk, taken = sink.wait(), source.wait()
        if sunk == taken == 0:
            return
        name, told = ("pg_restore", source_told) if taken > 0 or sunk == 0 else ("psql", sink_told)  # below zero: a signal
        told.seek(0)
        raise _failed(name, told.read().decode(errors="replace"))
