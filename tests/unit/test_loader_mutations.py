"""The shipped playbook with a mistake at any place: whatever stands there, it is told, and is no crash."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from random import Random

import pytest

from caseworker.app.playbooks import shipped
from caseworker.cli.playbooks import offline
from caseworker.core.errors import PlaybookError
from caseworker.sop.load import read_folder

RETAIL = read_folder(shipped("retail"))
FILES = {
    path: text.replace("languages: [en, de, fr, es, it, nl, pl, pt]", "languages: [en]")
    for path, text in RETAIL.items()
    if "/" not in path
    or path.startswith(("sops/cancel.", "examples/cancel.", "parts/", "replies/cancel_done/en", "replies/order_under_way/en"))
}
for long in ("intents.yaml", "questions.yaml"):  # a part of them is enough
    FILES[long] = "\n".join(re.split(r"\n(?=\w)", FILES[long])[:8])
VALUES = (
    "[]", "{}", "[a, {b: [c]}]", "{a: {b: 1}}", "null", "5", "-1.5", "9223372036854775808", "true", "2026-01-31", ".nan", "''",
    "x" * 5000, '"\\U00110000"', '"\\0"', "&a b", "*a", "!!python/object:os.system x", "{{ x }}", "{% for %}", "1e999 EUR",
)  # fmt: skip
_VALUE = re.compile(r"(?<=: )[^\n]+|(?<=- )[^\n]+|\{\{[^\n]*?\}\}")

Change = Callable[[dict[str, str], str, Random], None]


def line_lost(files: dict[str, str], path: str, random: Random) -> None:
    lines = files[path].split("\n")
    del lines[random.randrange(len(lines))]
    files[path] = "\n".join(lines)


def line_twice(files: dict[str, str], path: str, random: Random) -> None:
    lines = files[path].split("\n")
    number = random.randrange(len(lines))
    lines.insert(number, lines[number])
    files[path] = "\n".join(lines)


def cut_off(files: dict[str, str], path: str, random: Random) -> None:
    raw = files[path].encode()
    files[path] = raw[: random.randrange(len(raw))].decode(errors="ignore")


def swapped(files: dict[str, str], path: str, random: Random) -> None:
    other = random.choice(sorted(files))
    files[path], files[other] = files[other], files[path]


def replaced(value: str) -> Change:
    def change(files: dict[str, str], path: str, random: Random) -> None:
        places = list(_VALUE.finditer(files[path]))
        if places:
            place = random.choice(places)
            files[path] = files[path][: place.start()] + value + files[path][place.end() :]

    return change


CHANGES = {change.__name__: (change,) * 2 for change in (line_lost, line_twice, cut_off, swapped)}
CHANGES["replaced"] = tuple(replaced(value) for value in VALUES)


def changed(kind: str) -> Iterator[Mapping[str, str]]:
    for number, change in enumerate(CHANGES[kind]):
        random, files = Random(f"{kind} {number}"), dict(FILES)
        change(files, random.choice(sorted(files)), random)
        yield files


@pytest.mark.parametrize("kind", CHANGES)
def test_a_mistake_at_any_place_is_told_and_is_no_crash(kind: str) -> None:
    book = offline()
    for files in changed(kind):
        with suppress(PlaybookError):
            book.require_sound(book.assemble(files), "the playbook")
