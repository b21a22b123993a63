"""YAML with places. Plain words mean what YAML 1.2 says: `NO` and `on` are texts, not booleans; dates stay texts."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import yaml

from caseworker.core.durations import parse_duration
from caseworker.core.findings import Place, Problems
from caseworker.core.numbers import decimal, whole

T = TypeVar("T")
_INT = re.compile(r"[-+]?\d+")
_UNKEPT = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of characters
_FLOAT = re.compile(r"[-+]?\d+\.\d+")
_UNREADABLE = (yaml.YAMLError, ValueError, OverflowError)  # a number of a character that there is not is no YAMLError
DEEPEST = 60  # levels of one file: mappings and lists within each other


@dataclass(frozen=True)
class Item:
    """One YAML node: a scalar, a mapping of Items or a list of Items, and where it stands. Nothing was written: None."""

    value: object
    place: Place
    problems: Problems

    # -- shapes: a wrong shape is noted and read as empty --------------------------------------------------------------

    def mapping(self) -> Mapping[str, "Item"]:
        if isinstance(self.value, dict):
            return self.value
        if self.value is not None:
            self.wrong("a mapping (`key: value`)")
        return {}

    def items(self) -> list["Item"]:
        if isinstance(self.value, list):
            return self.value
        if self.value is not None:
            self.wrong("a list (`[a, b]` or lines with `- `)")
        return []

    def text(self) -> str:
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, int | float):
            return str(self.value)
        self.wrong("a text")
        return ""

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.wrong("true or false")
        return self.value is True

    def number(self) -> float:
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return float(self.value)
        self.wrong("a number")
        return 0.0

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def duration(self) -> timedelta:
        try:
            return parse_duration(self.text())
        except ValueError as error:
            self.add("bad_duration", f"{error}.")
            return timedelta(days=1)

    def word(self, allowed: tuple[str, ...]) -> str:
        text = self.text()
        if text not in allowed:
            self.add("unknown_word", f"{text!r} is not possible here.", f"Write one of {', '.join(allowed)}.")
            return allowed[0]
        return text

    # -- mappings with known keys --------------------------------------------------------------------------------------

    def keys(self, *allowed: str, required: tuple[str, ...] = ()) -> Mapping[str, "Item"]:
        """The mapping, with unknown and missing keys noted."""
        found = self.mapping()
        for key, item in found.items():
            if key not in allowed and key not in required:
                near = ", ".join(sorted({*allowed, *required}))
                item.add("unknown_key", f"`{key}` is not known here.", f"Known are {near}.")
        for key in required:
            if key not in found:
                self.add("missing_key", f"`{key}:` is missing.", "Add it.")
        return {key: item for key, item in found.items() if item.value is not None or key in ("otherwise", "do")}

    def wrong(self, expected: str) -> None:
        self.add("wrong_form", f"{_shown(self.value)} stands where {expected} is expected.", f"Write {expected}.")

    def add(self, code: str, message: str, advice: str = "") -> None:
        self.problems.add(self.place, code, message, advice)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "A mapping"
    if isinstance(value, list):
        return "A list"
    return "Nothing" if value is None else f"`{value}`"


LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the package has it: ten times as quick


def read_yaml(file: str, text: str, problems: Problems) -> Item:
    """The tree of one file. A file that is no YAML is noted and read as empty."""
    tree = _Tree(file, problems)
    try:
        node = yaml.compose(text, Loader=LOADER)
        return Item(None, Place(file, 1), problems) if node is None else tree.item(node)
    except (*_UNREADABLE, RecursionError) as error:
        line = _line_too_deep(text)
        if line:
            tree.too_deep(line)
        else:
            tree.mistake(_mistake(text) or error)
    return Item(None, Place(file, 1), problems)


def _mistake(text: str) -> Exception | None:
    """What PyYAML says of a text that libyaml refuses: its words and lines are nearer to the mistake."""
    with suppress(ValueError, OverflowError):
        try:
            yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            return error
    return None


def _line_too_deep(text: str) -> int:
    """The line in which a text goes deeper than it may, found without going there; 0 where it does not."""
    levels = 0
    with suppress(*_UNREADABLE):
        for event in yaml.parse(text, Loader=yaml.SafeLoader):  # libyaml gives up at a depth of its own
            levels += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if levels > DEEPEST:
                return _line(event.start_mark)
    return 0


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark else 1


@dataclass(frozen=True, slots=True)
class _Tree:
    """From the nodes of one file to items. `seen` are the nodes that were read already."""

    file: str
    problems: Problems
    seen: set[int] = field(default_factory=set)

    def item(self, node: yaml.Node, level: int = 0) -> Item:
        place = Place(self.file, node.start_mark.line + 1)
        if id(node) in self.seen:  # a few aliases of aliases are a file of gigabytes
            self.problems.add(place, "alias", "Anchors and aliases (`&x`, `*x`) are not offered.", "Write the value out.")
            return Item(None, place, self.problems)
        self.seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return Item(self.scalar(node, place), place, self.problems)
        if level == DEEPEST:
            self.too_deep(place.line)
            return Item(None, place, self.problems)
        value: object
        if isinstance(node, yaml.MappingNode):
            value = dict(self.pairs(node, level + 1))
        else:
            value = [self.item(child, level + 1) for child in node.value]
        return Item(value, place, self.problems)

    def pairs(self, node: yaml.MappingNode, level: int) -> Iterator[tuple[str, Item]]:
        keys: set[str] = set()
        for key_node, value_node in node.value:
            place = Place(self.file, key_node.start_mark.line + 1)
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            if not key or _UNKEPT.search(key):
                self.problems.add(place, "bad_key", "A key has to be a word.", "Write `word: value`.")
                continue
            if key in keys:
                self.problems.add(place, "duplicate_key", f"`{key}:` stands here twice.", "Keep one of them.")
                continue
            keys.add(key)
            item = self.item(value_node, level)
            # a value is found by people at its key: the line of `when:` and not the first line of its text
            yield key, Item(item.value, place, self.problems)

    def scalar(self, node: yaml.ScalarNode, place: Place) -> object:
        if node.tag.startswith("!"):
            advice = f'Put it in quotes: "{node.tag}{f" {node.value}" if node.value else ""}".'
            self.problems.add(place, "unquoted", "A text that begins with `!` stands in quotes.", advice)
        if wrong := _UNKEPT.search(node.value):
            name = "NUL" if wrong.group() == "\0" else f"\\u{ord(wrong.group()):04x}"
            self.problems.add(
                place, "bad_character", f"This text holds the character {name}, which no database keeps.", "Remove it."
            )
        try:
            return _scalar(node)
        except ValueError as error:
            advice = "Write a smaller one; a code of digits stands in quotes."
            self.problems.add(place, "big_number", f"{error}.", advice)
            return 0

    def mistake(self, error: Exception) -> None:
        place = Place(self.file, _line(getattr(error, "problem_mark", None)))
        advice = "Check indentation and quotes; a text with `: ` or `#` stands in quotes, within {} and [] one with [ or ? too."
        self.problems.add(place, "no_yaml", f"This is no YAML: {getattr(error, 'problem', None) or error}.", advice)

    def too_deep(self, line: int) -> None:
        text = f"This stands more than {DEEPEST} levels deep."
        self.problems.add(Place(self.file, line), "too_deep", text, "Look for a bracket that is not closed.")


def _scalar(node: yaml.ScalarNode) -> object:
    """The value of a plain or quoted word. Raises ValueError for a number that nothing can count with."""
    text = str(node.value)
    if getattr(node, "style", None):  # quoted; libyaml says "" where nothing is, PyYAML None
        return text
    plain: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
    if text in plain:
        return plain[text]
    if _INT.fullmatch(text):
        # a leading zero is a code such as a postcode, not a number
        return text if len(text.lstrip("+-")) > 1 and text.lstrip("+-").startswith("0") else whole(text)
    return decimal(text) if _FLOAT.fullmatch(text) else text


def read_each(item: Item, read: Callable[[str, Item], T]) -> dict[str, T]:
    """Reads every entry of a mapping."""
    return {name: read(name, entry) for name, entry in item.mapping().items()}
