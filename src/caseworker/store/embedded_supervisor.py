"""The small process that owns one embedded PostgreSQL: starts it, restarts it after a crash, stops it after its last user.

Run by file name with `python -I -S`, so it imports nothing but the standard library and is up in milliseconds. Its plan (see
`Plan`) comes as JSON on standard input; then it leaves its parent's session, so that Ctrl-C in a terminal does not reach it.

Who is alive is always read from file locks, because the kernel drops them however a process ends:

- `users.lock`       shared by every process that uses the server; the supervisor stops the server when it gets it exclusively
- `supervisor.lock`  held by the supervisor for as long as it lives
- `server.lock`      inherited by PostgreSQL and all its children: free only when not one of them is left
- `start.lock`       held by the process that is just starting or joining

Should the supervisor itself be killed, the kernel (Linux: PR_SET_PDEATHSIG) sends PostgreSQL the signal of a fast shutdown.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

USERS_LOCK = "users.lock"
SUPERVISOR_LOCK = "supervisor.lock"
SERVER_LOCK = "server.lock"
START_LOCK = "start.lock"
ENDED = "PostgreSQL ended by itself"  # in the log, where starters look for it
SOCKET_NAME = ".s.PGSQL.5432"

_POLL = 0.1  # seconds between two looks at the users' lock
_STOPPING = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))  # fast, immediate, and the last resort
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Plan:
    """What to run. `uid` and `gid` are None where PostgreSQL runs as the user of the supervisor."""

    data_dir: str
    cluster: str
    socket_dir: str
    argv: list[str]
    env: dict[str, str]
    uid: int | None
    gid: int | None


def open_lock(path: Path) -> int:
    """A descriptor to `flock`; closed on exec unless it is passed on. Raises OSError."""
    return open_private(path, os.O_RDWR)


def open_private(path: Path, flags: int) -> int:
    """Opens or makes a file for its owner alone. What root makes belongs to the owner of the folder, who may come next."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def try_lock(descriptor: int, how: int) -> bool:
    """True when the lock (`fcntl.LOCK_SH` or `LOCK_EX`) was free and is now held."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Polls `condition`; False when it did not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True


def is_ready(cluster: Path, socket_dir: Path) -> bool:
    """True when the server says in its own pid file that it takes connections, and its socket answers."""
    try:
        lines = (cluster / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return False
    if len(lines) < 8 or lines[7].strip() != "ready":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(socket_dir / SOCKET_NAME))
        except OSError:
            return False
    return True


def server_pid(cluster: Path) -> int | None:
    """The process of the server that runs on `cluster`; None when there is none. A number that is reused by another process,
    as happens after every restart of a container, is told apart by its working directory or command line."""
    try:
        pid = int((cluster / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    if Path("/proc/self/cwd").exists():
        try:
            return pid if Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve() else None
        except OSError:
            return None
    question = ["/bin/ps", "-o", "command=", "-p", str(pid)]
    shown = subprocess.run(question, capture_output=True, text=True, check=False)  # noqa: S603  # fixed but for a number
    return pid if str(cluster) in shown.stdout else None


class Supervisor:
    """One server and the loop that watches it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._data_dir, self._cluster, self._sockets = Path(plan.data_dir), Path(plan.cluster), Path(plan.socket_dir)
        self._users = open_lock(self._data_dir / USERS_LOCK)
        self._told_to_end = False
        # Handlers, not SIG_IGN: what is ignored would stay ignored in PostgreSQL, where these signals mean something.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_terminate)

    def run(self) -> int:
        """Until the last user has gone. Returns the exit status: 1 when the server could not be started at all."""
        crashes = 0
        while True:
            server = self._launch()
            was_ready = self._watch(server)
            if server.poll() is None:
                self._stop(server)
                return 0
            if not was_ready and not crashes:
                return 1
            crashes = 1 if was_ready else crashes + 1
            _say(f"{ENDED} (status {server.returncode})")
            if self._told_to_end or self._no_user_within(seconds=min(30.0, 2.0 ** (crashes - 2))):
                return 0

    def _launch(self) -> "subprocess.Popen[bytes]":
        lock = self._clear_the_way()
        plan, me = self._plan, os.getpid()
        prepare = _death_signal(me) if sys.platform == "linux" else None
        as_root = plan.uid is not None
        try:
            return subprocess.Popen(  # noqa: S603  # the plan comes from `embedded`
                plan.argv,
                env=plan.env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                pass_fds=(lock,),
                user=plan.uid,
                group=plan.gid,
                extra_groups=[] if as_root else None,
                preexec_fn=prepare,  # noqa: PLW1509  # this process has one thread
            )
        finally:
            os.close(lock)  # PostgreSQL has its own copy

    def _clear_the_way(self) -> int:
        """Ends what an earlier supervisor left behind, removes its files, and returns the held `server.lock`."""
        lock = open_lock(self._data_dir / SERVER_LOCK)

        def clear() -> bool:
            return server_pid(self._cluster) is None and try_lock(lock, fcntl.LOCK_EX)

        for number, patience in _STOPPING:
            pid = server_pid(self._cluster)
            if pid is not None:
                _say(f"ending PostgreSQL {pid}, which has no supervisor")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if wait_until(clear, seconds=patience):
                break
        else:
            raise SystemExit("FATAL: an earlier PostgreSQL on this data directory does not end")
        leftovers = (self._cluster / "postmaster.pid", self._sockets / SOCKET_NAME, self._sockets / f"{SOCKET_NAME}.lock")
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return lock

    def _watch(self, server: "subprocess.Popen[bytes]") -> bool:
        """Until the server ends or nobody uses it any more. True when it was ready at some time."""
        ready = False
        while server.poll() is None:
            ready = ready or is_ready(self._cluster, self._sockets)
            if try_lock(self._users, fcntl.LOCK_EX):
                break
            time.sleep(_POLL)
        return ready

    def _no_user_within(self, *, seconds: float) -> bool:
        return wait_until(lambda: try_lock(self._users, fcntl.LOCK_EX), seconds=seconds, pause=_POLL)

    def _stop(self, server: "subprocess.Popen[bytes]") -> None:
        for number, patience in _STOPPING:
            server.send_signal(number)
            try:
                server.wait(patience)
            except subprocess.TimeoutExpired:
                _say(f"PostgreSQL does not end on signal {number}")
            else:
                return

    def _on_terminate(self, *_: object) -> None:
        """The machine goes down, or somebody means well: users are let finish, but a server that ends is not restarted."""
        self._told_to_end = True


def _death_signal(parent: int) -> Callable[[], None]:
    """What the child does before it becomes PostgreSQL: ask the kernel for SIGINT (fast shutdown) when `parent` dies."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC supervisor: {text}\n")
    sys.stderr.flush()


def main() -> int:
    """Takes the supervisor's lock, leaves the starter (which sees status 0), and runs. 3: another supervisor is there."""
    plan = Plan(**json.load(sys.stdin))
    alive = open_lock(Path(plan.data_dir) / SUPERVISOR_LOCK)
    if not wait_until(lambda: try_lock(alive, fcntl.LOCK_EX), seconds=2.0):
        return 3
    if os.fork():
        return 0
    status = Supervisor(plan).run()
    os.close(alive)  # before the users' lock: who gets that one next must not take us for alive
    return status


if __name__ == "__main__":
    sys.exit(main())
