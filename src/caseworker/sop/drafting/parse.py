"""A model's answer taken apart. Nothing of it is believed: what is not of the asked form becomes a problem."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from caseworker.sop.drafting.answer import (
    OUTCOMES,
    PARAMETER_TYPES,
    QUESTION_KINDS,
    WAYS,
    Answer,
    DraftAct,
    DraftExample,
    DraftIntent,
    DraftNeed,
    DraftParameter,
    DraftProcedure,
    DraftQuestion,
    DraftReply,
    DraftRow,
)
from caseworker.sop.drafting.written import clean, one_line

T = TypeVar("T")

ADDED_ROW = "not_covered"  # the last row of every drafted procedure
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_ENTRIES, _TEXT, _EXPRESSION, _WORDS = 60, 500, 600, 4000  # most entries of a list, most characters of a text
_DEEP = 12  # levels of an example's facts


def parse(text: str, languages: tuple[str, ...]) -> tuple[Answer, tuple[str, ...]]:
    """The answer, and what is wrong with it (each problem with its path); an answer with problems is not used."""
    value, problem = _json(text)
    if problem:
        return Answer(), (problem,)
    top = _Value(value, "", [], languages)
    answer = Answer(
        procedures=tuple(_procedure(item) for item in top.list("procedures")),
        not_expressed=tuple((item.text("quote"), item.text("why")) for item in top.list("not_expressed")),
    )
    return answer, tuple(dict.fromkeys(top.problems))


def _json(text: str) -> tuple[object, str]:
    """The first JSON object of a text; models like to put words or a fence around it."""
    text = _THOUGHTS.sub("", text)
    start = text.find("{")
    if start < 0:
        return None, "There is no JSON object in the answer."
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "pos", None)
        near = f" near {text[max(0, where - 30) : where + 10]!r}" if isinstance(where, int) else ""
        return None, f"The answer is no JSON ({getattr(error, 'msg', 'too deep')}{near})."
    return value, ""


@dataclass(frozen=True, slots=True)
class _Value:
    """One value of the answer with its path; problems are collected, and something harmless stands in for what is wrong."""

    value: Any
    path: str
    problems: list[str]
    languages: tuple[str, ...]

    def wrong(self, key: str, expected: str) -> None:
        self.problems.append(f"{self.path}{key}: {expected} is expected.")

    def _at(self, key: str) -> Any:
        return self.value.get(key) if isinstance(self.value, dict) else None

    def text(self, key: str, *, most: int = _TEXT, needed: bool = False) -> str:
        """One line."""
        value = self._at(key)
        if value is None and not needed:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or (needed and not value.strip()):
            self.wrong(key, "a text")
            return ""
        if len(value) > most:
            self.wrong(key, f"a text of up to {most} characters")
        return one_line(value[:most])

    def expression(self, key: str, *, needed: bool = False) -> str:
        return self.text(key, most=_EXPRESSION, needed=needed)

    def name(self, key: str, *, needed: bool = True) -> str:
        found = self.text(key, needed=needed)
        if found and not _NAME.fullmatch(found):
            self.wrong(key, f"a name of small letters, digits and _, not {found[:40]!r},")
            return ""
        return found

    def word(self, key: str, allowed: tuple[str, ...], *, needed: bool = True) -> str:
        found = self.text(key, needed=needed)
        if found and found not in allowed:
            self.wrong(key, f"one of {', '.join(allowed)}")
            return ""
        return found

    def flag(self, key: str) -> bool:
        value = self._at(key)
        if value is not None and not isinstance(value, bool):
            self.wrong(key, "true or false")
        return value is True

    def list(self, key: str) -> "Iterator[_Value]":
        value = self._at(key)
        if value is None:
            value = []
        if not isinstance(value, list) or len(value) > _ENTRIES:
            self.wrong(key, f"a list of up to {_ENTRIES}")
            return
        for number, entry in enumerate(value):
            item = _Value(entry, f"{self.path}{key}[{number}].", self.problems, self.languages)
            if isinstance(entry, dict):
                yield item
            else:
                item.wrong("", "an object")

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._at(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > _ENTRIES or not all(isinstance(entry, str) for entry in value):
            self.wrong(key, f"a list of up to {_ENTRIES} texts")
            return ()
        return tuple(one_line(entry[:_TEXT]) for entry in value if entry.strip())

    def map(self, key: str, read: "Callable[[_Value, str], T]") -> dict[str, T]:
        value = self._at(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > _ENTRIES or not all(_NAME.fullmatch(name) for name in value):
            self.wrong(key, "an object with names")
            return {}
        inside = _Value(value, f"{self.path}{key}.", self.problems, self.languages)
        return {name: read(inside, name) for name in value}

    def by_language(self, key: str, read: "Callable[[_Value, str], T]") -> dict[str, T]:
        """Words in the worker's languages; others are left out."""
        return {language: words for language, words in self.map(key, read).items() if language in self.languages}

    def words(self, key: str) -> str:
        """Words of several lines."""
        value = self._at(key)
        if not isinstance(value, str) or not value.strip() or len(value) > _WORDS:
            self.wrong(key, f"words of up to {_WORDS} characters")
            return ""
        return "\n".join(clean(line).rstrip() for line in value.strip().split("\n"))


def _procedure(item: _Value) -> DraftProcedure:
    intents = tuple(_intent(entry) for entry in item.list("intents"))
    if not intents:
        item.wrong("intents", "at least one intent")
    return DraftProcedure(
        title=item.text("title", needed=True),
        intents=intents,
        needs=tuple(_need(entry) for entry in item.list("needs")),
        facts={entry.name("name"): entry.expression("expression", needed=True) for entry in item.list("facts")},
        rows=tuple(_row(entry) for entry in item.list("rows")),
        questions=tuple(_question(entry) for entry in item.list("questions")),
        parameters=tuple(_parameter(entry) for entry in item.list("parameters")),
        replies=tuple(_reply(entry) for entry in item.list("replies")),
        examples=tuple(_example(entry) for entry in item.list("examples")),
    )


def _intent(item: _Value) -> DraftIntent:
    return DraftIntent(
        name=item.name("name"),
        description=item.text("description", needed=True),
        examples=item.by_language("examples", _Value.texts),
        to_people=item.flag("to_people"),
    )


def _need(item: _Value) -> DraftNeed:
    return DraftNeed(
        name=item.name("name"),
        way=cast("Any", item.word("way", WAYS)),
        source=item.expression("source", needed=True),
        arguments=item.map("arguments", _Value.expression),
        by=item.expression("by"),
        one_of=item.texts("one_of"),
        ask=item.name("ask", needed=False),
        skip_when=item.expression("skip_when"),
        optional=item.flag("optional"),
    )


def _row(item: _Value) -> DraftRow:
    name = item.name("name")
    if name == ADDED_ROW:
        item.wrong("name", f"another name than `{ADDED_ROW}` (that row is added by itself)")
    escalate, resolve = item.name("escalate", needed=False), item.word("resolve", OUTCOMES, needed=False)
    if escalate and resolve:
        item.wrong("escalate", "either `escalate` or `resolve`")
    return DraftRow(
        name=name,
        when=item.expression("when", needed=True),
        quote=item.text("quote"),
        do=tuple(_act(entry) for entry in item.list("do")),
        confirm=item.name("confirm", needed=False),
        reply=item.name("reply", needed=False),
        escalate=escalate,
        meaning=item.text("meaning"),
        resolve=resolve,
    )


def _act(item: _Value) -> DraftAct:
    return DraftAct(
        operation=item.text("operation", needed=True),
        arguments=item.map("arguments", _Value.expression),
        receipt=item.name("receipt", needed=False),
    )


def _question(item: _Value) -> DraftQuestion:
    return DraftQuestion(
        key=item.name("key"),
        kind=item.word("kind", QUESTION_KINDS),
        options=item.map("options", lambda options, name: options.by_language(name, _Value.texts)),
        words=item.by_language("words", _Value.words),
    )


def _parameter(item: _Value) -> DraftParameter:
    value = item.value.get("value")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        item.wrong("value", "a number or a text")
        value = ""
    return DraftParameter(
        name=item.name("name"),
        type=item.word("type", PARAMETER_TYPES),
        value=one_line(value[:_TEXT]) if isinstance(value, str) else value,
        quote=item.text("quote"),
    )


def _reply(item: _Value) -> DraftReply:
    return DraftReply(
        key=item.name("key"),
        subject=item.by_language("subject", _Value.text),
        words=item.by_language("words", _Value.words),
    )


def _example(item: _Value) -> DraftExample:
    facts = item.value.get("facts")
    if not isinstance(facts, dict) or not _is_plain(facts, _DEEP):
        item.wrong("facts", "an object of facts by section")
        facts = {}
    return DraftExample(
        name=item.text("name", needed=True),
        now=item.text("now", needed=True),
        facts=cast("Mapping[str, object]", facts),
        row=item.name("row", needed=False),
    )


def _is_plain(value: object, deep: int) -> bool:
    """Texts, numbers, lists and objects, not too deep and with words for keys."""
    if deep == 0:
        return False
    if isinstance(value, dict):
        return all(re.fullmatch(r"\w{1,60}", key) and _is_plain(item, deep - 1) for key, item in value.items())
    if isinstance(value, list):
        return len(value) <= _ENTRIES and all(_is_plain(item, deep - 1) for item in value)
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _WORDS)
