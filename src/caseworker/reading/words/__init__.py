"""Word lists as regular expressions: `[label]` starts a list, one alternative a line, `#` starts a comment."""

import re
from pathlib import Path


def patterns(name: str) -> dict[str, re.Pattern[str]]:
    """The lists of `name.txt` as one pattern a label, for folded text."""
    alternatives: dict[str, list[str]] = {}
    label = ""
    for raw in (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        line = raw.rstrip("\n")
        if line.startswith("["):
            label = line.strip("[]")
        elif line and not line.startswith("#"):
            alternatives.setdefault(label, []).append(line)
    return {label: re.compile("|".join(lines)) for label, lines in alternatives.items()}


def groups(name: str) -> list[str]:
    """The lines of `name.txt`, each a group of words."""
    lines = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
