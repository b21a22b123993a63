"""The embedded server from outside: real processes, real signals, and never a PostgreSQL left behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from caseworker.core.errors import ConfigurationError, StoreError
from caseworker.store import embedded_host
from caseworker.store.embedded import EmbeddedServer
from caseworker.store.embedded_supervisor import wait_until

_TUNING = {"fsync": "off", "shared_buffers": "16MB"}
_PATIENCE = 15.0  # seconds; the bound for everything that has to come to an end
_USER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands an ignored one down
from pathlib import Path
from caseworker.store.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1]), tuning={"fsync": "off", "shared_buffers": "16MB"}).start(), flush=True)
sys.stdin.read()
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another account")


class Host:
    """A data directory and the processes that use it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.users: list[subprocess.Popen[str]] = []

    def server(self) -> EmbeddedServer:
        return EmbeddedServer(self.data_dir, tuning=_TUNING)

    def user(self) -> subprocess.Popen[str]:
        """A process of its own, in a session of its own, that starts or joins the server and stays. Not ready yet."""
        process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(self.data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.users.append(process)
        return process

    def servers(self) -> list[psutil.Process]:
        """Every process of PostgreSQL that works on this data directory."""
        return _processes(lambda process: process.cwd() == str(self.data_dir / "postgres"))

    def supervisors(self) -> list[psutil.Process]:
        def is_ours(process: psutil.Process) -> bool:
            line = process.cmdline()
            return str(self.data_dir) in line and any(part.endswith("embedded_supervisor.py") for part in line)

        return _processes(is_ours)

    def postmaster(self) -> int:
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    def is_quiet(self) -> bool:
        return not self.servers() and not self.supervisors()


def _processes(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and wanted(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every account may enter, whatever pytest's own folder is."""
    folder = Path(tempfile.mkdtemp(prefix="caseworker-embedded-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def host(place: Path) -> Iterator[Host]:
    used = Host(place / "data")
    yield used
    for user in used.users:
        user.kill()
        user.communicate()
    left = not wait_until(used.is_quiet, seconds=_PATIENCE)
    for process in [*used.supervisors(), *used.servers()] if left else ():
        process.kill()
    assert not left, "the test left a PostgreSQL or its supervisor behind"


def _ready(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    assert url.startswith("postgresql://")
    return url


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def _write(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])


def _notes(url: str) -> object:
    return _ask(url, "SELECT array_agg(text ORDER BY text) FROM note")


def test_processes_that_start_at_once_share_one_server_and_the_last_to_leave_stops_it(host: Host) -> None:
    users = [host.user() for _ in range(3)]
    urls = {_ready(user) for user in users}
    assert len(urls) == 1
    assert len(host.supervisors()) == 1
    [url] = urls
    postmaster = host.postmaster()
    for user in users[:-1]:
        user.communicate()
    assert not wait_until(host.is_quiet, seconds=0.5)
    assert host.postmaster() == postmaster
    assert _ask(url, "SELECT 1") == 1
    users[-1].communicate()
    assert wait_until(host.is_quiet, seconds=_PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_users_that_are_ended_by_a_signal_leave_no_server_behind(host: Host, number: signal.Signals) -> None:
    users = [host.user(), host.user()]
    _write(_ready(users[0]), "kept")
    _ready(users[1])
    for user in users:
        os.killpg(user.pid, number)  # the whole group, as Ctrl-C in a terminal does
    assert wait_until(host.is_quiet, seconds=_PATIENCE)
    with host.server() as server:
        assert _notes(server.url) == ["kept"]


def test_a_supervisor_killed_with_9_takes_the_server_along_and_the_next_start_recovers(host: Host) -> None:
    with host.server() as server:
        _write(server.url, "kept")
        [supervisor] = host.supervisors()
        supervisor.kill()
        if sys.platform == "linux":
            assert wait_until(lambda: not host.servers(), seconds=_PATIENCE)
        assert _notes(server.start()) == ["kept"]
    assert wait_until(host.is_quiet, seconds=_PATIENCE)


def test_a_start_that_meets_the_end_of_a_killed_supervisors_server_waits_for_it(host: Host) -> None:
    with host.server() as first:
        _write(first.url, "kept")
        [supervisor] = host.supervisors()
        supervisor.kill()
        with host.server() as second:
            assert _notes(second.url) == ["kept"]
            assert len(host.supervisors()) == 1


def test_a_server_without_a_supervisor_is_ended_and_taken_over(host: Host) -> None:
    with host.server() as server:
        _write(server.url, "kept")
        programs = server.programs
        server.stop(wait=_PATIENCE)
    account = embedded_host.server_account(host.data_dir)
    stray = subprocess.Popen(
        [programs / "postgres", "-D", host.data_dir / "postgres", "-c", "listen_addresses=", "-k", host.data_dir / "run"],
        user=account.uid if account else None,
        group=account.gid if account else None,
        stderr=subprocess.DEVNULL,
    )
    assert wait_until(lambda: len(host.servers()) > 3, seconds=_PATIENCE)
    with host.server() as server:
        assert stray.wait(_PATIENCE) == 0
        assert _notes(server.url) == ["kept"]


def test_a_server_that_crashes_is_started_again_while_it_is_in_use(host: Host) -> None:
    with host.server() as server:
        _write(server.url, "kept")
        before = host.postmaster()
        os.kill(before, signal.SIGKILL)
        assert wait_until(lambda: not psutil.pid_exists(before), seconds=_PATIENCE)
        assert _notes(server.start()) == ["kept"]
        assert host.postmaster() != before


def test_a_pid_file_whose_number_belongs_to_another_process_by_now_does_not_block(host: Host) -> None:
    with host.server() as server:
        os.kill(host.postmaster(), signal.SIGSTOP)
        left = (host.data_dir / "postgres" / "postmaster.pid").read_text()
        os.kill(host.postmaster(), signal.SIGCONT)
        server.stop(wait=_PATIENCE)
    owner = (host.data_dir / "postgres").stat().st_uid
    bystander = subprocess.Popen(["/bin/sleep", "60"], user=owner if os.geteuid() == 0 else None)
    try:
        (host.data_dir / "postgres" / "postmaster.pid").write_text(f"{bystander.pid}\n" + left.split("\n", 1)[1])
        with host.server() as server:
            assert _ask(server.url, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_server_listens_on_its_socket_only_and_the_product_is_no_superuser(place: Path) -> None:
    with EmbeddedServer(place / "data") as server:
        with psycopg.connect(server.url) as connection:
            names = ("listen_addresses", "fsync", "synchronous_commit", "data_checksums", "TimeZone", "server_encoding")
            assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
            shown = {name: connection.execute(f"SHOW {name}").fetchone() for name in names}
        assert {name: row[0] for name, row in shown.items() if row} == {
            "listen_addresses": "",
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
        }
        assert stat.S_IMODE((place / "data" / "run").stat().st_mode) == 0o700
        [postmaster] = [p for p in Host(place / "data").servers() if p.pid == Host(place / "data").postmaster()]
        assert not postmaster.net_connections("inet")
        server.stop(wait=_PATIENCE)
    assert wait_until(Host(place / "data").is_quiet, seconds=_PATIENCE)


def test_a_data_directory_with_a_very_long_path_has_its_socket_in_a_private_temp_folder(place: Path) -> None:
    host = Host(place / ("long-" * 30) / ("longer-" * 20))
    with host.server() as server:
        assert _ask(server.url, "SELECT 1") == 1
        sockets = embedded_host.socket_folder(host.data_dir)
        assert sockets.parent == Path(tempfile.gettempdir())
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        with host.server() as second:
            assert second.url == server.url
        server.stop(wait=_PATIENCE)
    shutil.rmtree(sockets)


def test_a_socket_folder_that_somebody_else_made_is_refused(place: Path) -> None:
    (place / "elsewhere").mkdir()
    (place / "link").symlink_to(place / "elsewhere")
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        embedded_host.private_folder(place / "link", None)


@needs_root
def test_a_closed_parent_keeps_its_mode_and_is_refused_by_name(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match=f"may not enter {closed}, .*CASEWORKER_DATA_DIR.*/var/lib/caseworker"):
        EmbeddedServer(closed / "data", tuning=_TUNING).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_a_closed_data_directory_that_holds_something_is_not_opened(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    (home / "letter").touch()
    with pytest.raises(ConfigurationError, match=f"may not enter {home}"):
        EmbeddedServer(home, tuning=_TUNING).start()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@needs_root
def test_programs_below_a_closed_folder_are_copied_once_and_run_from_there(host: Host, place: Path) -> None:
    closed = place / "venv"
    closed.mkdir(mode=0o700)
    package = embedded_host.wheel_programs().parent.parent
    for part in package.parent.glob(f"{package.name}*"):
        if part.is_dir() and not part.name.endswith("-info"):
            shutil.copytree(part, closed / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    programs = closed / embedded_host.wheel_programs().relative_to(package.parent)
    made = []
    for _ in range(2):
        with EmbeddedServer(host.data_dir, tuning=_TUNING, programs=programs) as server:
            assert _ask(server.url, "SELECT 1") == 1
            [copy] = host.data_dir.glob("pgsql-*")
            made.append(copy.stat().st_ctime_ns)
            assert Path(psutil.Process(host.postmaster()).exe()).is_relative_to(copy)
            server.stop(wait=_PATIENCE)
    assert made[0] == made[1]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_in_an_ordinary_users_data_directory_root_runs_the_server_as_that_user(host: Host) -> None:
    host.data_dir.mkdir()
    os.chown(host.data_dir, 65534, 65534)
    with host.server() as server:
        assert psutil.Process(host.postmaster()).uids().effective == 65534
        server.stop(wait=_PATIENCE)
    owners = {path.stat().st_uid for path in host.data_dir.iterdir()}
    assert owners == {65534}


def test_a_data_directory_without_write_permission_is_refused(place: Path) -> None:
    (place / "data").mkdir(mode=0o500)
    with _ordinary_user(place / "data"), pytest.raises(ConfigurationError, match=r"no permission to (write|use)"):
        EmbeddedServer(place / "data", tuning=_TUNING).start()


@contextmanager
def _ordinary_user(owned: Path) -> Iterator[None]:
    """Root may write everywhere, so root tries it as `nobody`, who owns the folder."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(owned, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_cluster_of_another_major_version_is_refused_with_the_way_out(host: Host) -> None:
    cluster = host.data_dir / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigurationError, match=r"written by PostgreSQL 16.*backup"):
        host.server().start()


def test_a_start_that_fails_says_why_and_leaves_nothing_running(host: Host) -> None:
    with pytest.raises(StoreError, match=r"shared_bufers.*postgres\.log"):
        EmbeddedServer(host.data_dir, tuning={"fsync": "off", "shared_bufers": "1MB"}).start()
    assert wait_until(host.is_quiet, seconds=_PATIENCE)
    with host.server() as server:
        assert _ask(server.url, "SELECT 1") == 1


def test_too_little_space_is_said_before_anything_is_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_host, "_ROOM_NEEDED", 2**62)
    with pytest.raises(StoreError, match="MB are free"):
        EmbeddedServer(place / "data", tuning=_TUNING).start()
    assert not (place / "data" / "postgres").exists()


@pytest.mark.parametrize(
    ("output", "kind", "words"),
    [
        ("FATAL:  could not write file: No space left on device", StoreError, "disk is full"),
        ('FATAL:  could not open file "x": Permission denied', ConfigurationError, "may not read or write"),
        ('FATAL:  lock file "postmaster.pid" already exists', StoreError, "Another PostgreSQL"),
        ("FATAL:  could not create shared memory segment", StoreError, "no shared memory"),
        ("FATAL:  something new", StoreError, "something new"),
        ("", StoreError, "no reason given"),
    ],
)
def test_what_postgresql_says_becomes_an_error_with_a_remedy(output: str, kind: type[Exception], words: str) -> None:
    error = embedded_host.failure(output, doing="starting it", log=Path("/data/postgres.log"))
    assert type(error) is kind
    assert words in error.message
    assert "/data/postgres.log" in error.remedy
