"""Mails from files: `.eml`, mbox, Maildir, and folders of them. One mail is in memory at a time.

A folder may come from anybody: nothing outside it is read, nothing without end, and what is not taken is named with its reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caseworker.core.errors import MailError
from caseworker.mail.model import MAX_MAIL

_HEADER = re.compile(rb"[!-9;-~]{1,76}[ \t]{0,5}:")
_KINDS = "Give a mail (.eml), an mbox file, a Maildir, or a folder of these."
_NO_MAIL = "is no mail: it begins neither with a header nor with `From `"
_TOO_LARGE = f"is larger than {MAX_MAIL // 1024**2} MiB"
_LINE = 64 * 1024  # bytes of a line that are read at once


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not taken in: its name below the folder, and why. `lost`: it is a mail, or could be one."""

    name: str
    why: str
    lost: bool


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    is_mbox: bool
    count: int


class MailSource:
    """Sized and iterable as often as wanted: (name for people, raw bytes), in a stable order."""

    def __init__(self, files: tuple[_File, ...], left_out: dict[str, LeftOut]) -> None:
        self._files = files
        self._left_out = left_out

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What is not taken in; complete when the mails have been gone through."""
        return tuple(self._left_out.values())

    def __len__(self) -> int:
        return sum(file.count for file in self._files)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for file in self._files:
            try:
                if file.is_mbox:
                    yield from ((f"{file.name}#{i}", raw) for i, raw in enumerate(_mbox(file.path), 1) if raw is not None)
                else:
                    yield file.name, file.path.read_bytes()
            except OSError as error:  # it was there when the mails were counted
                self._left_out[file.name] = LeftOut(file.name, _unreadable(error), lost=True)


def open_source(path: Path) -> MailSource:
    """Looks through `path` once, to count. Raises `MailError` where there is no mail in it."""
    if not path.exists():
        raise MailError(f"{path} does not exist.", remedy=_KINDS)
    search = _Search(path)
    search.run()
    if search.files:
        return MailSource(tuple(search.files), search.left_out)
    if path.is_dir():
        told = "".join(f" {each.name} {each.why}." for each in list(search.left_out.values())[:3])
        raise MailError(f"There is no mail in {path}.{told}", remedy=_KINDS)
    raise MailError(f"{path} {next(iter(search.left_out.values())).why}.", remedy=_KINDS)


class _Search:
    """Goes through a file or folder. Maildirs give `new` and `cur`; elsewhere files are taken that look like mail."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[_File] = []
        self.left_out: dict[str, LeftOut] = {}
        self._inside = root.resolve()
        self._delivered: set[Path] = set()  # folders in which every file is a mail

    def run(self) -> None:
        waiting = [self.root]
        while waiting:
            path = waiting.pop()
            try:
                why = "" if path == self.root else self._why_not(path)
                if why:
                    self._leave_out(self._name(path), why)
                elif path.is_dir():
                    waiting += reversed(self._entries(path))
                else:
                    self._take(path)
            except OSError as error:
                self._leave_out(self._name(path), _unreadable(error), lost=True)

    def _why_not(self, path: Path) -> str:
        """Why something is not even looked into."""
        if path.name.startswith(".") and path.parent not in self._delivered:
            return "is hidden"
        if path.is_symlink() and path.is_dir():
            return "is a link to a folder"
        if path.is_symlink() and path.exists() and not path.resolve().is_relative_to(self._inside):
            return "is a link that leads out of the folder"
        return ""

    def _entries(self, folder: Path) -> list[Path]:
        entries = sorted(folder.iterdir())
        parts = [folder / "cur", folder / "new"]
        if not all(part.is_dir() for part in parts):
            return entries
        self._delivered.update(parts)
        for entry in entries:
            nothing_there = entry.name == "tmp" and entry.is_dir() and not any(entry.iterdir())
            if entry not in parts and not nothing_there:
                self._leave_out(self._name(entry), "is no part of the Maildir that is read")
        return parts

    def _take(self, path: Path) -> None:
        if not path.is_file():  # a pipe would be waited for without end
            self._leave_out(self._name(path), "is no ordinary file")
            return
        with path.open("rb") as file:
            start = file.read(200)
        is_mbox = False if path.parent in self._delivered else _looks_like(path, start)
        if not start:
            self._leave_out(self._name(path), "is empty")
        elif is_mbox is None:
            self._leave_out(self._name(path), _NO_MAIL)
        elif is_mbox:
            self._take_mbox(path)
        elif path.stat().st_size > MAX_MAIL:
            self._leave_out(self._name(path), _TOO_LARGE, lost=True)
        else:
            self.files.append(_File(path, self._name(path), is_mbox=False, count=1))

    def _take_mbox(self, path: Path) -> None:
        count = 0
        for i, raw in enumerate(_mbox(path), 1):
            if raw is None:
                self._leave_out(f"{self._name(path)}#{i}", _TOO_LARGE, lost=True)
            count += raw is not None
        self.files.append(_File(path, self._name(path), is_mbox=True, count=count))

    def _name(self, path: Path) -> str:
        """The name below the folder, so that it can be printed: it may be any bytes."""
        name = path.name if path == self.root else str(path.relative_to(self.root))
        return name.encode(errors="backslashreplace").decode()

    def _leave_out(self, name: str, why: str, *, lost: bool = False) -> None:
        self.left_out[name] = LeftOut(name, why, lost)


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _looks_like(path: Path, start: bytes) -> bool | None:
    """True for an mbox, False for one mail, None for neither."""
    start = start.lstrip()
    if start.startswith(b"From "):
        return True
    return False if path.suffix.lower() == ".eml" or _HEADER.match(start) else None


def _mbox(path: Path) -> Iterator[bytes | None]:
    """A mail begins at `From ` after a blank line; one `>` before a quoted `From ` is taken off (mboxrd).

    None stands for a mail that is too large."""
    lines: list[bytes] = []
    size, inside, blank, whole = 0, False, True, True  # whole: the line before has ended
    with path.open("rb") as file:
        while line := file.readline(_LINE):
            if whole and blank and line.startswith(b"From "):
                if inside:
                    yield b"".join(lines) if size <= MAX_MAIL else None
                lines, size, inside, blank, whole = [], 0, True, False, line.endswith(b"\n")
                continue
            quoted = whole and line.startswith(b">") and line.lstrip(b">").startswith(b"From ")
            blank = whole and line in (b"\n", b"\r\n")
            whole = line.endswith(b"\n")
            size += len(line)
            if size <= MAX_MAIL:
                lines.append(line[1:] if quoted else line)
            else:
                lines.clear()
    if inside:
        yield b"".join(lines) if size <= MAX_MAIL else None
