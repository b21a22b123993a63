"""The texts of a playbook's folder. What lies there may come from anybody: nothing outside it is read, nothing without end."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from caseworker.core.errors import ConfigurationError

TEXT_FILES = (".yaml", ".yml", ".md", ".txt", ".csv", ".json")
MOST_FILES = 10_000
LARGEST_FILE = 2 * 1024**2  # bytes
LARGEST_PLAYBOOK = 32 * 1024**2  # bytes of all texts


def read_folder(path: Path) -> Mapping[str, str]:
    """The texts of a playbook folder by relative path (with `/`). Hidden files and files that are no text are left out.

    Raises ConfigurationError, with the file's name, for what is none of these and for more than a playbook may have.
    """
    if not path.is_dir():
        raise ConfigurationError(f"There is no playbook folder {path}.", remedy="Give the folder that holds worker.yaml.")
    files: dict[str, str] = {}
    left = LARGEST_PLAYBOOK
    try:
        for file in sorted(_found(path, path.resolve())):
            raw = _read(file)
            left -= len(raw)
            if left < 0:
                raise ConfigurationError(
                    f"{path} holds more than {LARGEST_PLAYBOOK // 1024**2} MiB of texts.",
                    remedy="Take out what is no playbook.",
                )
            files[_name(file.relative_to(path))] = _text(file, raw)
    except OSError as error:
        raise ConfigurationError(
            f"{_shown(error.filename or path)} cannot be read: {error.strerror}.", remedy="Check its permissions."
        ) from error
    return files


def _found(folder: Path, root: Path) -> Iterator[Path]:
    """The files of a folder that are texts, and of those below it. Raises ConfigurationError, OSError."""
    waiting, count = [folder], 0
    while waiting:
        for entry in waiting.pop().iterdir():
            if entry.name.startswith((".", "__")):
                continue
            if entry.is_symlink():
                _check_link(entry, root)
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix in TEXT_FILES:
                count += 1
                if count > MOST_FILES:
                    raise ConfigurationError(
                        f"{folder} holds more than {MOST_FILES} texts.", remedy="Give the folder of one playbook."
                    )
                yield entry


def _check_link(link: Path, root: Path) -> None:
    """A link may lead to a file of the same playbook. One to a folder could lead round in a ring."""
    if link.is_dir():
        raise ConfigurationError(f"{_shown(link)} is a link to a folder.", remedy="Put the folder itself there.")
    if link.suffix in TEXT_FILES and link.is_file() and not link.resolve().is_relative_to(root):
        raise ConfigurationError(
            f"{_shown(link)} is a link that leads out of the playbook.", remedy="Put the file itself there."
        )


def _read(file: Path) -> bytes:
    if not file.is_file():  # a pipe would be waited for without end
        raise ConfigurationError(f"{_shown(file)} is no ordinary file.", remedy="Take it out, or put a file there.")
    with file.open("rb") as stream:
        raw = stream.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise ConfigurationError(
            f"{_shown(file)} is larger than {LARGEST_FILE // 1024**2} MiB.", remedy="Make several files of it, or take it out."
        )
    return raw


def _text(file: Path, raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not written in UTF-8.", remedy="Save it as UTF-8.") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ConfigurationError(f"{file}:{line} holds the character NUL.", remedy="Remove it; no database keeps it.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _name(relative: Path) -> str:
    name = relative.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"The name of {_shown(name)} is not written in UTF-8.", remedy="Rename the file.") from error
    return name


def _shown(path: object) -> str:
    """A path as it can be printed: a name may be any bytes."""
    return str(path).encode(errors="backslashreplace").decode()
