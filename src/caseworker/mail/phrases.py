"""The tables of `data/*.toml` as matchers.

All matching is done on the first `HEAD` characters of a line, so that no line is too long.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

HEAD = 600
"""Characters of a line that are looked at."""

_ROLES = ("from", "sent", "date", "to", "cc", "subject", "reply")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Matchers over all languages. `roles` maps a header label (lower case) to from, sent, date, to, cc, subject or reply.

    `any_wrote` finds nothing where none of the `voices` would.
    """

    roles: dict[str, str]
    label: re.Pattern[str]
    on: re.Pattern[str]
    on_inside: re.Pattern[str]
    verbs: tuple[str, ...]
    any_wrote: re.Pattern[str]
    voices: tuple["Voice", ...]
    refers_to_below: re.Pattern[str]
    original: frozenset[str]
    forwarded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Voice:
    """How one language says "wrote", and the words that show the writer's own prose in it."""

    wrote: re.Pattern[str]
    wrote_to: re.Pattern[str] | None
    own_words: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Signatures:
    """Matchers for lines that a device adds."""

    sent: re.Pattern[str]
    sent_last: tuple[str, ...]
    own: re.Pattern[str]
    prose: re.Pattern[str]
    devices: re.Pattern[str]


@cache
def phrases() -> Phrases:
    languages = _table("languages.toml").values()
    roles: dict[str, str] = {}
    for language in languages:
        for role in _ROLES:
            for label in language.get(role, ()):
                roles.setdefault(label, role)
    on = _collect(languages, "on")
    return Phrases(
        roles=roles,
        label=re.compile(rf"({_any(roles)})\s{{0,3}}\*{{0,2}}\s{{0,3}}:"),
        on=re.compile(rf"(?:{_any(on)})[\s,]"),
        on_inside=re.compile(
            rf"(?<=[\s-])(?:{_any(word.capitalize() for word in on if len(word) > 1)})\s+(?=\w{{2,12}},?\s|\d)"
        ),
        verbs=tuple(_collect(languages, "wrote")),
        any_wrote=re.compile(_any(_collect(languages, "wrote") + _collect(languages, "wrote_to"))),
        voices=tuple(_voice(language) for language in languages),
        refers_to_below=re.compile(rf"(?<!\w)(?:{_any(_collect(languages, 'below'))})(?!\w)"),
        original=frozenset(_collect(languages, "original")),
        forwarded=frozenset(_collect(languages, "forwarded")),
    )


@cache
def signatures() -> Signatures:
    table = _table("signatures.toml")
    return Signatures(
        sent=re.compile(rf"(?:{_any(table['sent'])})(?!\w)"),
        sent_last=tuple(table["sent_last"]),
        own=re.compile(rf"\s*(?:{_any(table['own'])})(?!\w)"),
        prose=re.compile(rf"(?<!\w)(?:{_any(table['prose'])})(?!\w)"),
        devices=re.compile(rf"(?<!\w)(?:{_any(table['devices'])})"),
    )


def _voice(language: dict[str, Any]) -> Voice:
    own = language.get("me", ())
    return Voice(
        wrote=re.compile(_bounded(language["wrote"])),
        wrote_to=re.compile(rf"(?<!\w)(?:{_any(language['wrote_to'])})(?!\w)") if "wrote_to" in language else None,
        own_words=re.compile(rf"(?<![\w@.'])(?:{_any(own)})(?![\w@'])") if own else None,
    )


def _bounded(words: Sequence[str]) -> str:
    """Whole words only; scripts that set no blanks between words have no such bounds."""
    return _any(words) if words[0] >= "\u2e80" else rf"(?<!\w)(?:{_any(words)})(?!\w)"


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("caseworker.mail") / "data" / name).read_text(encoding="utf-8"))


def _collect(languages: Iterable[dict[str, Any]], key: str) -> list[str]:
    return sorted({word for language in languages for word in language.get(key, ())})


def _any(words: Iterable[str]) -> str:
    """Longest first, so that `sent on` is tried before `sent`."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))
