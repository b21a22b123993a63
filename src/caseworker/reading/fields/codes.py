"""Codes of a declared form, such as `AC-####`: `#` is a digit, `@` a letter, the rest stands as it is.

Spelling is forgiven: small letters, blanks and hyphens; O for 0 and l for 1 where the word then fits one form only. A number
without any letter says little, so it counts only behind the words of its question's key or in the answer to that question.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from caseworker.reading.encoder import fold
from caseworker.reading.fields.contacts import only, texts
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Evidence, Field, Question

_GAP = r"[ \t]?[-–—_/.]?[ \t]?"
_ALIKE = {"0": "0Oo", "1": "1Il"}
_TO_DIGIT, _TO_LETTER = str.maketrans("OoIl", "0011"), str.maketrans("01", "OI")
_BEFORE = 40  # characters of the line before a number that say what it is
_GENERAL = frozenset({"number", "code", "no", "nr", "id", "nummer"})
_WORDS = frozenset(
    [
        "am",
        "im",
        "in",
        "on",
        "at",
        "of",
        "to",
        "no",
        "by",
        "or",
        "us",
        "we",
        "my",
        "is",
        "it",
        "if",
        "an",
        "as",
        "do",
        "go",
        "so",
        "up",
        "vom",
        "bis",
        "seit",
        "um",
        "ab",
        "zu",
        "an",
        "es",
        "jan",
        "feb",
        "mar",
    ]
)
_OF_ORDER = re.compile(r"\b(?:order\w*|purchase|bestell\w*|auftrag\w*)\b[^\n\d]{0,16}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Code:
    """A word of the mail that has the form of a question's code; `value` is written as the form is.

    `called`: the words of the question's key stand before it. `exact`: no O stands for a 0.
    """

    key: str
    value: str
    where: Evidence
    called: bool
    exact: bool


def codes(questions: Sequence[Question], scope: Scope, taken: Sequence[Evidence]) -> list[Code]:
    """Every code of the mail, each for the one question that it answers. `taken` are spans that are something else."""
    asked = {question.key for question in scope.context.pending}
    found: dict[Evidence, list[Code]] = {}
    for question in questions:
        for form in question.forms:
            for code in _of_form(question, form, scope, taken):
                found.setdefault(code.where, []).append(code)
    forms = [form for question in questions for form in question.forms]
    sure: list[Code] = []
    for every in found.values():
        hits = [code for code in every if code.exact] or every
        called = [code for code in hits if code.called] or [code for code in hits if code.key in asked] or hits
        if len({code.key for code in called}) == 1 and _fits(called[0], forms, scope):
            sure.append(called[0])
    return sure


def read_code(key: str, scope: Scope, found: Sequence[Code]) -> Field | None:
    """The one code that answers the question: of several that which is called by its name."""
    own = [code for code in found if code.key == key]
    meant = [code for code in own if code.called] or own
    return only(key, [(code.value, code.where) for code in meant], scope)


def _of_form(question: Question, form: str, scope: Scope, taken: Sequence[Evidence]) -> Iterator[Code]:
    bare = not re.search(r"[^\W\d_]|@", form)
    asked = any(pending.key == question.key for pending in scope.context.pending)
    numbers = {order.number.upper() for order in scope.context.orders}
    for source, text in texts(scope):
        for match in _pattern(form).finditer(text):
            where = Evidence(source, match.start(), match.end(), match.group())
            value = _written(match.group(), form)
            line = text[max(0, where.start - _BEFORE) : where.start].rpartition("\n")[2]
            called = _called(question.key, line)
            if value.upper() in numbers or _is_order(match.group(), scope) or any(overlap(where, other) for other in taken):
                continue
            if bare and (not (called or asked) or _OF_ORDER.search(line)):
                continue
            if "@" in form and not (called or _deliberate(match.group())):
                continue
            yield Code(question.key, value, where, called, _is_exact(match.group(), form))


@lru_cache(256)
def _pattern(form: str) -> re.Pattern[str]:
    """The form as people write it."""
    parts: list[str] = []
    for before, char in zip(" " + form, form, strict=False):
        if char in "- ":
            parts.append(_GAP)
            continue
        letters = _is_letter(char) != _is_letter(before) and before not in "- "
        parts.append((_GAP if letters else "") + _class(char))
    return re.compile(rf"(?<![\w@+/-])(?<!\d[ \t]){''.join(parts)}(?![\w@]|[-–/]\w|[.,]\d|[ \t]\d)")


def _is_letter(char: str) -> bool:
    return char == "@" or char.isalpha()


def _class(char: str) -> str:
    if char == "#":
        return "[0-9OoIl]"
    if char == "@":
        return "[A-Za-z01]"
    alike = _ALIKE.get(char) or {"O": "Oo0", "I": "Iil1"}.get(char.upper()) or char.upper() + char.lower()
    return f"[{re.escape(alike)}]"


def _written(text: str, form: str) -> str:
    """The word in the spelling of its form."""
    chars = iter(re.sub(r"[\s\-–—_/.]", "", text))
    wanted = [char for char in form if char not in "- _/."]
    spelt = iter([_spelt(next(chars), kind) for kind in wanted])
    return "".join(char if char in "- _/." else next(spelt) for char in form)


def _spelt(char: str, kind: str) -> str:
    if kind == "#":
        return char.translate(_TO_DIGIT)
    return char.translate(_TO_LETTER).upper() if kind == "@" else kind


def _fits(code: Code, forms: Sequence[str], scope: Scope) -> bool:
    """As it is written it has its form, or it needs O for 0 and then has one form only, and digits enough."""
    text = code.where.text
    alike = [form for form in (*forms, *scope.context.number_forms) if _pattern(form).fullmatch(text)]
    enough = 2 * sum(char.isdigit() for char in text) >= sum(char.isdigit() for char in code.value)
    return code.exact or (len(alike) == 1 and enough)


def _is_exact(text: str, form: str) -> bool:
    """Every sign is of the kind that the form has there, without O for 0."""
    chars = re.sub(r"[\s\-–—_/.]", "", text)
    kinds = [char for char in form if char not in "- _/."]
    return all(_is_kind(char, kind) for char, kind in zip(chars, kinds, strict=True))


def _is_kind(char: str, kind: str) -> bool:
    if kind in "#@":
        return char.isdigit() if kind == "#" else char.isalpha()
    return char.upper() == kind.upper()


def _is_order(text: str, scope: Scope) -> bool:
    return any(_pattern(form).fullmatch(text) and _is_exact(text, form) for form in scope.context.number_forms)


def _called(key: str, line: str) -> bool:
    """The words of the key stand before it: "my account number is" for `account_number`; general words alone do not call."""
    words = set(key.split("_"))
    said = set(re.findall(r"\w+", fold(line)))
    return bool((words - _GENERAL) & said) or (words <= _GENERAL and words <= said)


def _deliberate(text: str) -> bool:
    """Written as a code: with its hyphen, or in capitals; not "in 2026"."""
    letters = [char for char in text if char.isalpha()]
    word = re.match(r"[^\W\d_]*", text)
    return (bool(re.search(r"\w[-–—_/]\w", text)) or all(c.isupper() for c in letters)) and (
        word is None or word.group().lower() not in _WORDS
    )


def overlap(one: Evidence, other: Evidence) -> bool:
    """Both spans share a character."""
    return one.source == other.source and one.start < other.end and other.start < one.end
