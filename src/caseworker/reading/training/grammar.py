"""Phrase files and their expansion.

A file has sections `[label label ...]`, one phrase a line; `{a|b|}` chooses (also nested), `<slot>` takes a word of the
slot `@slot = a | b`. A label that a section does not name is a negative example of it: `[context]` names none that asks.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caseworker.core.errors import ReadingError

PHRASES = Path(__file__).parent / "phrases"
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One line of a phrase file: the pattern, its labels and its language."""

    pattern: str
    labels: frozenset[str]
    language: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """All phrases of a language with the slots that they use."""

    language: str
    phrases: tuple[Phrase, ...]
    slots: Mapping[str, tuple[str, ...]]


def load(folder: Path, language: str) -> Grammar:
    """Reads every `*.txt` of `folder/language`. Raises `ReadingError` naming the line that is wrong."""
    phrases: list[Phrase] = []
    slots: dict[str, tuple[str, ...]] = {}
    for path in sorted((folder / language).glob("*.txt")):
        labels: frozenset[str] = frozenset()
        for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                labels = frozenset(line.strip("[]").split())
            elif line.startswith("@"):
                name, _, values = line[1:].partition("=")
                slots[name.strip()] = tuple(value.strip() for value in values.split("|"))
            elif not labels or line.count("{") != line.count("}"):
                raise ReadingError(f"{path.name}:{number} cannot be read.", remedy="Close every { and start with [labels].")
            else:
                phrases.append(Phrase(line, labels, language))
    return Grammar(language, tuple(phrases), slots)


def expand(pattern: str, slots: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    """One sentence of a pattern."""
    while (match := _INNERMOST.search(pattern)) is not None:
        pattern = pattern[: match.start()] + rng.choice(match.group(1).split("|")) + pattern[match.end() :]
    for _ in range(3):
        pattern = _SLOT.sub(lambda found: rng.choice(slots[found.group(1)]), pattern)
    return re.sub(r"\s+([,.?!])", r"\1", re.sub(r"\s+", " ", pattern)).strip()


def several(pattern: str, slots: Mapping[str, tuple[str, ...]], rng: random.Random, *, count: int) -> list[str]:
    """Up to `count` different sentences of a pattern."""
    return list(dict.fromkeys(expand(pattern, slots, rng) for _ in range(count)))


def names(folder: Path = PHRASES) -> frozenset[str]:
    """Every label of the phrase files, in any language: what the reader knows without a playbook's own sentences."""
    lines = (line.strip() for path in folder.glob("*/*.txt") for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(label for line in lines if line.startswith("[") for label in line.strip("[]").split())
