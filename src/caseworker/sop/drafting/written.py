"""YAML of our own from values: whatever a model says becomes a text in it, never its syntax."""

import re
import textwrap
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_][\w./()@>=-]*(?: [\w./()@>=<|+-]+)*")
_LINE = re.compile(r"[^\W\d].*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def clean(text: str) -> str:
    """Without characters that are no text, or that a YAML reader takes for a line's end."""
    return _CONTROL.sub("", text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return " ".join(clean(text).split())


def scalar(value: object) -> str:
    """One value. A text stands in quotes where it could be read as anything else."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return str(value)
    text = one_line(str(value))
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if '"' in text and "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def block(text: str) -> str:
    """A text that is the whole value of its line: most need no quotes there."""
    text = one_line(text)
    safe = _LINE.fullmatch(text) and ": " not in text and " #" not in text and text[-1] != ":"
    return text if safe and text.lower() not in _WORDS else scalar(text)


def flow(value: object) -> str:
    """Any value on one line: `{a: 1, b: [x, y]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def comment(text: str, indent: str = "") -> list[str]:
    """A comment of lines that are not too long."""
    return [f"{indent}# {line}" for line in textwrap.wrap(one_line(text), 118 - len(indent), break_on_hyphens=False)]
