"""An embedded PostgreSQL under the data directory, shared by every process that works there.

The first process that calls `start` makes the cluster and starts the server, the others join it. Each holds a shared lock for
as long as it lives; when the last one has gone, in whatever way, the supervisor (`embedded_supervisor`) stops the server. The
server listens on a unix socket in a folder of mode 0700 and on no TCP port.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from caseworker.core.errors import ConfigurationError, StoreError
from caseworker.store import embedded_host as host
from caseworker.store import embedded_supervisor as supervisor

DATABASE = "caseworker"
_ROLE = "caseworker"  # owns the database, may make others (restore, tests), is no superuser
_SUPERUSER = "postgres"
_CLUSTER = "postgres"
_LOG = "postgres.log"
_LOG_LIMIT = 10 * 1024 * 1024  # bytes; a larger log is put aside at the next start
_ATTEMPTS = 5  # to open a server that is up
_PAUSE = 0.1  # seconds between two of them
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",  # names the socket, nothing else
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "min_wal_size": "80MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
}


class EmbeddedServer:
    """One process's hold on the embedded server of `data_dir`.

    `tuning` adds to or replaces settings of PostgreSQL and counts for the process that starts the server; `programs` is the
    folder of PostgreSQL's programs, by default the wheel's. `patience` is how many seconds any one step may take.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        tuning: Mapping[str, str] | None = None,
        programs: Path | None = None,
        patience: float = 90.0,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._tuning = dict(tuning or {})
        self._given_programs = programs
        self._patience = patience
        self._cluster = self._data_dir / _CLUSTER
        self._log = self._data_dir / _LOG
        self._sockets = host.socket_folder(self._data_dir)
        self._users: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of the product's own database, over the unix socket."""
        return self._address(_ROLE, DATABASE)

    @property
    def programs(self) -> Path:
        """The folder with `pg_dump`, `pg_restore` and the rest."""
        return (self._given_programs or host.wheel_programs()).resolve()

    def start(self) -> str:
        """Starts or joins the server and returns `url`. Safe to call again, for instance after a lost connection.

        Raises `ConfigurationError` where the folder, the account or the version does not fit, `StoreError` where the server
        does not come up.
        """
        account = host.server_account(self._data_dir)
        host.prepare_data_dir(self._data_dir, account)
        try:
            with self._locked(supervisor.START_LOCK, fcntl.LOCK_EX):
                self._start_holding(account)
        except PermissionError as error:
            raise ConfigurationError(
                f"There is no permission to use {error.filename or self._data_dir}.",
                remedy="Run as the user that owns the data directory, or set CASEWORKER_DATA_DIR to another one.",
            ) from error
        except OSError as error:
            raise host.failure(str(error), doing="starting it", log=self._log) from error
        return self.url

    def stop(self, *, wait: float = 0.0) -> None:
        """Lets go of the server. With `wait`, the last user stays up to so many seconds until it has stopped."""
        if self._users is None:
            return
        descriptor, self._users = self._users, None
        # Alone: the lock turns exclusive, or the supervisor was quicker and has it exclusively already.
        alone = supervisor.try_lock(descriptor, fcntl.LOCK_EX) or not supervisor.try_lock(descriptor, fcntl.LOCK_SH)
        os.close(descriptor)
        if alone and wait:
            self.wait_stopped(seconds=wait)

    def wait_stopped(self, *, seconds: float) -> bool:
        """Waits for others to let go and the server to end; False when it still runs after so many seconds."""
        return supervisor.wait_until(lambda: not self._is_supervised(), seconds=seconds)

    def _start_holding(self, account: host.Account | None) -> None:
        held_before = self._users is not None
        if self._users is None:
            self._users = self._lock(supervisor.USERS_LOCK, fcntl.LOCK_SH)
        try:
            self._ensure_usable(account)
        except BaseException:
            if not held_before:
                self.stop()
            raise

    def _ensure_usable(self, account: host.Account | None) -> None:
        """A server that was about to end when it was looked at refuses the connection; then the next one is waited for."""
        for attempt in range(1, _ATTEMPTS + 1):
            self._ensure_running(account)
            try:
                return self._ensure_database()
            except psycopg.Error as error:
                if attempt == _ATTEMPTS:
                    raise host.failure(str(error), doing="opening it", log=self._log) from error
            time.sleep(_PAUSE)
        return None

    def _ensure_running(self, account: host.Account | None) -> None:
        since, launched = 0, False
        while not self._await_ready():
            if launched:
                raise host.failure(self._logged(since), doing="starting it", log=self._log)
            since, launched = self._launch(account), True

    def _await_ready(self) -> bool:
        """True once the server takes connections; False when nobody is there to bring it up.

        Raises `StoreError` where a supervisor tries again and again to bring back a server that had crashed, in vain.
        """
        since = self._log.stat().st_size if self._log.exists() else 0

        def is_settled() -> bool:
            ready = supervisor.is_ready(self._cluster, self._sockets)
            return ready or not self._is_supervised() or self._logged(since).count(supervisor.ENDED) > 1

        in_time = supervisor.wait_until(is_settled, seconds=self._patience, pause=0.01)
        if not self._is_supervised():
            return False
        if supervisor.is_ready(self._cluster, self._sockets):
            return True
        output = self._logged(since)
        if in_time or "FATAL" in output:
            raise host.failure(output, doing="bringing it up after a crash", log=self._log)
        raise StoreError(
            f"The embedded database takes longer than {self._patience:.0f} s to come up.",
            remedy=f"After a crash it may have much to recover: wait and start again. Its log is in {self._log}.",
        )

    def _logged(self, since: int) -> str:
        """What was logged after the first `since` bytes."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(since)
            return log.read().decode("utf-8", "replace")

    def _launch(self, account: host.Account | None) -> int:
        """Starts a supervisor and returns the length of the log before it."""
        programs = host.reachable_programs(self.programs, data_dir=self._data_dir, account=account)
        self._ensure_cluster(programs, account)
        self._sockets = host.private_folder(self._sockets, account)
        settings = {**_SETTINGS, **self._tuning}
        settings["unix_socket_directories"] = '"{}"'.format(str(self._sockets).replace('"', '""'))
        plan = supervisor.Plan(
            data_dir=str(self._data_dir),
            cluster=str(self._cluster),
            socket_dir=str(self._sockets),
            argv=[
                str(programs / "postgres"),
                "-D",
                str(self._cluster),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            env=host.environment(),
            uid=account.uid if account else None,
            gid=account.gid if account else None,
        )
        return self._spawn(plan)

    def _spawn(self, plan: supervisor.Plan) -> int:
        with contextlib.suppress(FileNotFoundError):
            if self._log.stat().st_size > _LOG_LIMIT:
                self._log.replace(self._log.with_suffix(".log.1"))
        descriptor = supervisor.open_private(self._log, os.O_WRONLY | os.O_APPEND)
        try:
            written = os.fstat(descriptor).st_size
            subprocess.run(  # noqa: S603  # our own file under our own Python
                [sys.executable, "-I", "-S", supervisor.__file__, str(self._data_dir)],
                input=json.dumps(asdict(plan)).encode(),
                stdout=descriptor,
                stderr=descriptor,
                cwd="/",
                env=host.environment(),
                start_new_session=True,
                check=False,
            )
        finally:
            os.close(descriptor)
        return written

    def _ensure_cluster(self, programs: Path, account: host.Account | None) -> None:
        """Makes the cluster beside its place and moves it there when it is complete; checks the version of one that exists."""
        if self._cluster.exists():
            host.own_tree(self._cluster, account)
            found = (self._cluster / "PG_VERSION").read_text("ascii").strip()
            if found != str(host.MAJOR):
                raise ConfigurationError(
                    f"{self._cluster} was written by PostgreSQL {found}, and this release brings PostgreSQL {host.MAJOR}.",
                    remedy="Make a backup with the release that wrote it, move the folder away, and restore with this release.",
                )
            return
        host.require_room(self._data_dir)
        partial = self._data_dir / f"{_CLUSTER}.partial"
        if partial.exists():
            shutil.rmtree(partial)
        host.private_folder(partial, account)
        command = [str(programs / "initdb"), "-D", str(partial), "-U", _SUPERUSER, "--encoding=UTF8", "--no-locale"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"]
        command += ["--no-instructions", *(["--no-sync"] if self._tuning.get("fsync") == "off" else [])]
        made = host.run_as(account, command)
        if made.returncode:
            shutil.rmtree(partial)
            raise host.failure(made.stderr or made.stdout, doing="making the cluster", log=self._log)
        partial.rename(self._cluster)

    def _ensure_database(self) -> None:
        with psycopg.connect(self._address(_SUPERUSER, "postgres"), autocommit=True, connect_timeout=30) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_ROLE]).fetchone() is None:
                connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEDB")
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {_ROLE}")

    def _address(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='')}&port=5432"

    def _is_supervised(self) -> bool:
        """True while a supervisor lives."""
        try:
            descriptor = supervisor.open_lock(self._data_dir / supervisor.SUPERVISOR_LOCK)
        except FileNotFoundError:
            return False
        try:
            return not supervisor.try_lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def _lock(self, name: str, how: int) -> int:
        descriptor = supervisor.open_lock(self._data_dir / name)
        if supervisor.wait_until(lambda: supervisor.try_lock(descriptor, how), seconds=self._patience, pause=0.01):
            return descriptor
        os.close(descriptor)
        raise StoreError(
            f"Another process has been starting or stopping the database in {self._data_dir} for {self._patience:.0f} s.",
            remedy=f"See what it waits for in {self._log}, or end it.",
        )

    @contextlib.contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        descriptor = self._lock(name, how)
        try:
            yield
        finally:
            os.close(descriptor)
