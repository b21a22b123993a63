"""Scenarios: what customers write, what they answer when asked, and what should come of it. One JSON object per line.

docs/reference/lab.md describes the form. Loading names every place that is wrong, with its line.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from caseworker.core.errors import CaseworkerError

AUTH = ("pass", "fail", "none")
THREADS = ("same", "new")
OUTCOMES = ("resolved", "declined", "answered", "escalated", "awaiting_customer")
KINDS = ("photo", "text")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_AFTER = re.compile(r"(\d{1,5})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MISSING = object()


class ScenarioError(CaseworkerError):
    """A file of scenarios has mistakes; the message lists them by line."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file with a mail. `kind` photo: a small picture is made; text: `text` is its content."""

    filename: str
    content_type: str
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the customer's. `after` counts from the start, from the mail before, or from the question.

    `sender` None: the scenario's customer. `thread` same: as a reply in the thread; new: without any reference.
    """

    subject: str
    text: str
    after: timedelta
    auth: str = "pass"
    sender: Person | None = None
    thread: str = "new"
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """What should become of one thing that the customer wants. `order` empty: none, or it does not matter."""

    intent: str
    outcome: str
    order: str = ""
    lines: tuple[str, ...] = ()
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """A change of the shop. `amount` is written like `49.95 EUR`; empty where it does not matter."""

    operation: str
    order: str
    lines: tuple[str, ...] = ()
    amount: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should have come of a scenario at its end."""

    requests: tuple[ExpectedRequest, ...]
    writes: tuple[Write, ...]
    questions: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One customer's story. `answers` by question key: the answers to being asked once, twice, ...; the last one repeats."""

    id: str
    customer: Person
    mails: tuple[Mail, ...]
    answers: Mapping[str, tuple[Mail, ...]]
    expect: Expectation
    language: str = "en"
    tags: tuple[str, ...] = ()


def load(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of a file. Raises ScenarioError that lists every mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.", remedy="Give a file of scenarios.") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not written in UTF-8.", remedy="Save it as UTF-8.") from error
    return parse(text, name=path.name)


def parse(text: str, *, name: str = "scenarios") -> tuple[Scenario, ...]:
    """The scenarios of a text; empty lines are skipped. Raises ScenarioError."""
    scenarios: list[Scenario] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        reader = _Reader(f"{name}:{number}", problems)
        scenario = reader.scenario(line)
        if scenario is None:
            continue
        if scenario.id in seen:
            problems.append(f"{name}:{number}: id {scenario.id!r} is on line {seen[scenario.id]} already")
        seen[scenario.id] = number
        scenarios.append(scenario)
    if problems:
        raise ScenarioError(
            f"{name} has {len(problems)} mistakes:\n" + "\n".join(f"  {p}" for p in problems),
            remedy="docs/reference/lab.md describes the form.",
        )
    return tuple(scenarios)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one line; what is wrong goes to `problems` with its place, and something harmless stands in for it."""

    place: str
    problems: list[str]

    def scenario(self, line: str) -> Scenario | None:
        before = len(self.problems)
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            self._wrong("", f"is no JSON: {error.msg} at column {error.colno}")
            return None
        except (ValueError, RecursionError):  # what JSON allows and Python does not read
            self._wrong("", "holds a number that is too large, or is nested too deeply")
            return None
        if not isinstance(data, dict):
            self._wrong("", "is no JSON object")
            return None
        identifier = self._text(data, "id")
        if identifier and not _ID.fullmatch(identifier):
            self._wrong("id", f"{identifier!r}: small letters, digits and dashes only, 41 at most")
        scenario = Scenario(
            id=identifier,
            customer=self._person(data.get("customer"), "customer"),
            mails=self._mails(data),
            answers=self._answers(data),
            expect=self._expectation(data),
            language=self._text(data, "lang", default="en"),
            tags=self._texts(data, "tags"),
        )
        return scenario if len(self.problems) == before else None

    def _mails(self, data: Mapping[str, Any]) -> tuple[Mail, ...]:
        mails = tuple(self._mail(m, f"mails[{i}]", thread="new") for i, m in enumerate(self._list(data, "mails")))
        if not mails:
            self._wrong("mails", "holds no mail")
        return mails

    def _answers(self, data: Mapping[str, Any]) -> Mapping[str, tuple[Mail, ...]]:
        given = data.get("answers", {})
        if not isinstance(given, dict):
            self._wrong("answers", "is no object of question keys")
            return {}
        answers: dict[str, tuple[Mail, ...]] = {}
        for key, value in given.items():
            several = value if isinstance(value, list) else [value]
            answers[key] = tuple(self._mail(a, f"answers.{key}", thread="same", subject="") for a in several)
            if not several:
                self._wrong(f"answers.{key}", "is an empty list: leave the key out where it is never answered")
        return answers

    def _mail(self, data: object, at: str, *, thread: str, subject: object = _MISSING) -> Mail:
        if not isinstance(data, dict):
            self._wrong(at, "is no object")
            return Mail("", "", timedelta())
        sender = data.get("from")
        return Mail(
            subject=self._text(data, "subject", at=at, default=subject),
            text=self._text(data, "text", at=at),
            after=self._after(data.get("after", "0s"), f"{at}.after"),
            auth=self._choice(data, "auth", AUTH, at=at, default="pass"),
            sender=None if sender is None else self._person(sender, f"{at}.from"),
            thread=self._choice(data, "thread", THREADS, at=at, default=thread),
            attachments=tuple(self._attachment(a, f"{at}.attachments") for a in self._list(data, "attachments", at=at)),
        )

    def _attachment(self, data: object, at: str) -> Attachment:
        if not isinstance(data, dict):
            self._wrong(at, "is no object")
            return Attachment("", "", "text")
        kind = self._choice(data, "kind", KINDS, at=at, default="text")
        return Attachment(
            filename=self._text(data, "filename", at=at),
            content_type=self._text(data, "content_type", at=at, default="image/jpeg" if kind == "photo" else "text/plain"),
            kind=kind,
            text=self._text(data, "text", at=at, default="" if kind == "photo" else _MISSING),
        )

    def _expectation(self, data: Mapping[str, Any]) -> Expectation:
        expect = data.get("expect")
        if not isinstance(expect, dict):
            self._wrong("expect", "is missing or no object")
            return Expectation((), (), ())
        return Expectation(
            requests=tuple(
                self._expected(r, f"expect.requests[{i}]") for i, r in enumerate(self._list(expect, "requests", at="expect"))
            ),
            writes=tuple(
                self._write(w, f"expect.writes[{i}]") for i, w in enumerate(self._list(expect, "writes", at="expect"))
            ),
            questions=self._texts(expect, "questions", at="expect"),
            why=self._text(expect, "why", at="expect", default=""),
        )

    def _expected(self, data: object, at: str) -> ExpectedRequest:
        if not isinstance(data, dict):
            self._wrong(at, "is no object")
            return ExpectedRequest("", "answered")
        outcome = self._choice(data, "outcome", OUTCOMES, at=at)
        queue = self._text(data, "queue", at=at, default="")
        if outcome == "escalated" and not queue:
            self._wrong(f"{at}.queue", "is empty; an escalated request needs the queue that gets it")
        return ExpectedRequest(
            intent=self._text(data, "intent", at=at),
            outcome=outcome,
            order=self._text(data, "order", at=at, default="") if data.get("order") is not None else "",
            lines=self._texts(data, "lines", at=at),
            queue=queue,
        )

    def _write(self, data: object, at: str) -> Write:
        if not isinstance(data, dict):
            self._wrong(at, "is no object")
            return Write("", "")
        return Write(
            operation=self._text(data, "operation", at=at),
            order=self._text(data, "order", at=at),
            lines=self._texts(data, "lines", at=at),
            amount=self._text(data, "amount", at=at, default=""),
        )

    def _person(self, data: object, at: str) -> Person:
        if not isinstance(data, dict):
            self._wrong(at, 'is missing or no object like {"email": ..., "name": ...}')
            return Person("")
        email = self._text(data, "email", at=at)
        if email and email.count("@") != 1:
            self._wrong(f"{at}.email", f"{email!r} is no address")
        return Person(email, self._text(data, "name", at=at, default=""))

    def _after(self, value: object, at: str) -> timedelta:
        match = _AFTER.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self._wrong(at, f"{value!r} is no delay; write for example 30m, 2h or 3d")
            return timedelta()
        return timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})

    def _choice(
        self, data: Mapping[str, Any], name: str, choices: Sequence[str], *, at: str, default: object = _MISSING
    ) -> str:
        value = self._text(data, name, at=at, default=default)
        if value and value not in choices:
            self._wrong(f"{at}.{name}", f"{value!r} is none of {', '.join(choices)}")
        return value

    def _text(self, data: Mapping[str, Any], name: str, *, at: str = "", default: object = _MISSING) -> str:
        value = data.get(name, default)
        if isinstance(value, str):
            return value
        self._wrong(f"{at}.{name}" if at else name, "is missing" if value is _MISSING else f"{value!r} is no text")
        return ""

    def _texts(self, data: Mapping[str, Any], name: str, *, at: str = "") -> tuple[str, ...]:
        values = self._list(data, name, at=at)
        if not all(isinstance(v, str) for v in values):
            self._wrong(f"{at}.{name}" if at else name, "holds something that is no text")
            return ()
        return tuple(values)

    def _list(self, data: Mapping[str, Any], name: str, *, at: str = "") -> Sequence[Any]:
        value = data.get(name, [])
        if isinstance(value, list):
            return value
        self._wrong(f"{at}.{name}" if at else name, f"{value!r} is no list")
        return ()

    def _wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{self.place}: {where} {what}" if where else f"{self.place}: {what}")
