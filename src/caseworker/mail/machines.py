"""The word table for machine mail."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class MachineWords:
    """See `data/machines.toml`."""

    no_reply: tuple[str, ...]
    daemons: tuple[str, ...]
    out_of_office: tuple[str, ...]
    failure: tuple[str, ...]
    delay: tuple[str, ...]


@cache
def machine_words() -> MachineWords:
    table = tomllib.loads((files("caseworker.mail") / "data" / "machines.toml").read_text(encoding="utf-8"))
    return MachineWords(**{key: tuple(words) for key, words in table.items()})


def is_daemon(email: str) -> bool:
    """mailer-daemon, postmaster and the like."""
    return email.partition("@")[0].partition("+")[0] in machine_words().daemons


def is_no_reply(email: str) -> bool:
    """An address that says of itself that nobody reads it."""
    local = email.partition("@")[0]
    words = machine_words().no_reply
    return local in words or any(
        local.startswith((f"{word}-", f"{word}+", f"{word}.", f"{word}_"))
        or local.endswith((f"-{word}", f".{word}", f"_{word}"))
        for word in words
    )
