"""One frozen Settings. Read from the environment by `bootstrap` and handed over; nobody imports values from here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caseworker.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, its variable and its default. Hosts are loopback unless told otherwise.

    `database_url` empty: an embedded PostgreSQL under `data_dir`. `relay` is `smtp://host:port` or `maildir:FOLDER`; empty
    means a maildir under `data_dir`. `clock` is `system` or `database` (the lab's movable clock). `fence` False only in a
    chaos run that has to fail.
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
    commerce: str = "sandbox"
    workers: int = 2
    clock: str = "system"
    worker_concurrency: int = 8
    public_url: str = "http://127.0.0.1:8080"
    secret: str = ""
    fence: bool = True
    failpoints: str = ""
    sandbox_timeout: float = 5.0


_NUMBERS = {"smtp_port": int, "console_port": int, "workers": int, "worker_concurrency": int, "sandbox_timeout": float}
_FLAGS = {"fence"}


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
    return Settings(**values)  # type: ignore[arg-type]  # converted by name just above


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
