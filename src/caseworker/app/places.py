"""Places that people name to be written: looked at before the work begins, and written whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from caseworker.core.errors import UsageError


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """A place that cannot be written is a slip of whoever named it. Raises UsageError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"{place} cannot be written: {reason}.", remedy="Name a place where you may write and that has room."
        ) from error


def claim(folder: Path) -> None:
    """A new folder for a result, before there is one. Raises UsageError where it is in use or could not be made."""
    with writing(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is there already and is not empty.",
                remedy="Name a folder that does not exist yet; nothing is overwritten.",
            )
    require_writable(folder)


def require_writable(place: Path) -> None:
    """Raises UsageError where no file or folder can be made at a place. Leaves no trace."""
    with writing(place):
        there = place.absolute() if place.is_dir() else place.absolute().parent
        while not there.exists():
            there = there.parent
        with TemporaryFile(dir=there):
            pass


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files, by their path below a new folder, or nothing. Raises UsageError."""
    claim(folder)
    with ExitStack() as undo, writing(folder):
        for each in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            undo.callback(_take_away_empty, each)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
            for path, content in files.items():
                target = Path(partial) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            for entry in list(Path(partial).iterdir()):
                entry.rename(folder / entry.name)


def write_files(files: Mapping[Path, bytes]) -> None:
    """Each file anew, or none of them: all stand beside their places before the first is moved there. Raises UsageError."""
    with ExitStack() as undo:
        ready: list[tuple[Path, Path]] = []
        for place, content in files.items():
            with writing(place):
                if place.exists() and not place.is_file():  # /dev/stdout, or a pipe
                    place.write_bytes(content)
                    continue
                target = place.resolve()  # a link stays a link
                partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
                undo.callback(_take_away, partial)
                partial.write_bytes(content)
                if target.exists():
                    shutil.copymode(target, partial)
                ready.append((partial, target))
        for partial, target in ready:
            with writing(target):
                partial.replace(target)


def _take_away(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _take_away_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
