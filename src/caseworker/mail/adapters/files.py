"""Mails from files: `.eml`, mbox, Maildir, and folders of them. One mail is in memory at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caseworker.core.errors import MailError

_HEADER = re.compile(rb"[!-9;-~]{1,76}[ \t]{0,5}:")
_KINDS = "Give a mail (.eml), an mbox file, a Maildir, or a folder of these."


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    is_mbox: bool
    count: int


class MailSource:
    """Sized and iterable as often as wanted: (name for people, raw bytes), in a stable order."""

    def __init__(self, files: tuple[_File, ...]) -> None:
        self._files = files

    def __len__(self) -> int:
        return sum(file.count for file in self._files)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for file in self._files:
            try:
                if file.is_mbox:
                    yield from ((f"{file.path.name}#{i}", raw) for i, raw in enumerate(_mbox(file.path), 1))
                else:
                    yield file.path.name, file.path.read_bytes()
            except OSError as error:
                raise MailError(
                    f"{file.path} cannot be read: {error.strerror}.", remedy="Check the file and start again."
                ) from error


def open_source(path: Path) -> MailSource:
    """Looks through `path` once, to count. Raises `MailError` where there is no mail in it."""
    if not path.exists():
        raise MailError(f"{path} does not exist.", remedy=_KINDS)
    try:
        files = tuple(_folder(path)) if path.is_dir() else (_file(path),)
    except OSError as error:
        raise MailError(f"{path} cannot be read: {error.strerror}.", remedy="Check its permissions.") from error
    if not files:
        raise MailError(f"There is no mail in {path}.", remedy=_KINDS)
    return MailSource(files)


def _folder(path: Path) -> Iterator[_File]:
    """Maildirs give `new` and `cur`; anything else is searched for files that look like mail. Hidden files are left out."""
    if (path / "cur").is_dir() and (path / "new").is_dir():
        yield from (
            _File(file, is_mbox=False, count=1)
            for part in ("cur", "new")
            for file in sorted((path / part).iterdir())
            if file.is_file()
        )
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _folder(entry)
        elif entry.is_file() and _looks_like(entry) is not None:
            yield _file(entry)


def _file(path: Path) -> _File:
    is_mbox = _looks_like(path)
    if is_mbox is None:
        raise MailError(f"{path} is no mail: it begins neither with a header nor with `From `.", remedy=_KINDS)
    return _File(path, is_mbox=is_mbox, count=sum(1 for _ in _mbox(path)) if is_mbox else 1)


def _looks_like(path: Path) -> bool | None:
    """True for an mbox, False for one mail, None for neither."""
    with path.open("rb") as file:
        start = file.read(200).lstrip()
    if start.startswith(b"From "):
        return True
    return False if path.suffix.lower() == ".eml" or _HEADER.match(start) else None


def _mbox(path: Path) -> Iterator[bytes]:
    """A mail begins at `From ` after a blank line; one `>` before a quoted `From ` is taken off (mboxrd)."""
    lines: list[bytes] = []
    inside, blank = False, True
    with path.open("rb") as file:
        for line in file:
            if blank and line.startswith(b"From "):
                if inside:
                    yield b"".join(lines)
                lines, inside, blank = [], True, False
                continue
            blank = line in (b"\n", b"\r\n")
            lines.append(line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line)
    if inside:
        yield b"".join(lines)
