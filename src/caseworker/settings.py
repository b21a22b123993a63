"""One frozen Settings. Read from the environment by `bootstrap` and handed over; nobody imports values from here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from caseworker.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, its variable and its default. Hosts are loopback unless told otherwise.

    `database_url` empty: an embedded PostgreSQL under `data_dir`. `relay` is `smtp://host:port` or `maildir:FOLDER`; empty
    means a maildir under `data_dir`. `clock` is `system` or `database` (the lab's movable clock). `fence` False only in a
    chaos run that has to fail. `weights` is a folder that `caseworker train` wrote; empty: those of the playbook under
    `data_dir`, else the shipped ones. `model` is `openai:NAME`, a language model that commands for managers may ask;
    `model_timeout` is in seconds.
    """

    data_dir: Path
    database_url: str = ""
    playbook: str = "retail"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    console_host: str = "127.0.0.1"
    console_port: int = 8080
    relay: str = ""
    reader: str = "embedded"
    weights: str = ""
    commerce: str = "sandbox"
    workers: int = 2
    clock: str = "system"
    worker_concurrency: int = 8
    public_url: str = "http://127.0.0.1:8080"
    secret: str = ""
    fence: bool = True
    failpoints: str = ""
    sandbox_timeout: float = 5.0
    model: str = ""
    model_url: str = ""
    model_key: str = field(default="", repr=False)
    model_key_file: str = ""
    model_timeout: float = 120.0


_NUMBERS = {
    **dict.fromkeys(("smtp_port", "console_port", "workers", "worker_concurrency"), int),
    **dict.fromkeys(("sandbox_timeout", "model_timeout"), float),
}
_RANGES = {
    **dict.fromkeys(("smtp_port", "console_port"), (0, 65535)),
    "workers": (0, 64),
    "worker_concurrency": (1, 1000),
    **dict.fromkeys(("sandbox_timeout", "model_timeout"), (0.001, 86_400)),
}
_FLAGS = {"fence"}
_ONE_OF = {"clock": ("system", "database")}
_FORMS = {
    "database_url": ("postgresql://", "postgres://"),
    "relay": ("smtp://", "maildir:"),
    "public_url": ("http://", "https://"),
    "model": ("openai:",),
    "model_url": ("http://", "https://"),
}


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `CASEWORKER_*` variables. Raises `ConfigurationError` that names the variable."""
    env = os.environ if environ is None else environ
    values: dict[str, object] = {"data_dir": _default_data_dir(env)}
    for name in Settings.__dataclass_fields__:
        variable = f"CASEWORKER_{name.upper()}"
        text = env.get(variable)
        if text is None:
            continue
        values[name] = _convert(name, variable, text)
    _check(values)
    return Settings(**values)  # type: ignore[arg-type]  # converted by name just above


def _check(values: Mapping[str, object]) -> None:
    """Values that cannot work are refused at once, before a worker dies of them again and again."""
    for name, (least, most) in _RANGES.items():
        if name in values and not least <= float(str(values[name])) <= most:  # `nan` compares with nothing
            raise _unusable(name, values[name], f"Give a number from {least} to {most}.")
    for name, allowed in _ONE_OF.items():
        if values.get(name, allowed[0]) not in allowed:
            raise _unusable(name, values[name], f"Give {' or '.join(allowed)}.")
    for name, forms in _FORMS.items():
        value = str(values.get(name) or "")
        if value and not value.startswith(forms):
            raise _unusable(name, value, f"It begins with {' or '.join(forms)}.")


def _unusable(name: str, value: object, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"CASEWORKER_{name.upper()}={str(value)!r} cannot be used.", remedy=remedy)


def _convert(name: str, variable: str, text: str) -> object:
    if name == "data_dir":
        return Path(text).expanduser().absolute()
    if name in _FLAGS:
        return text.lower() not in ("0", "false", "no", "off")
    if name in _NUMBERS:
        try:
            return _NUMBERS[name](text)
        except ValueError as error:
            raise ConfigurationError(f"{variable}={text!r} is not a number.", remedy="Give digits only.") from error
    return text


def _default_data_dir(env: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/caseworker")
    base = env.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "caseworker"
