"""Figures of a reader from labelled mails: precision, coverage, recall, false requests, risks, fields, time.

A row is a mapping with `text` and, where they apply, `subject`, `lang`, `intents`, `out_of_scope`, `risks`, `fields`
(key -> value). Shares come as k of n with their 95 % Wilson interval, so that small samples do not look sure.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from caseworker.core.errors import ReadingError
from caseworker.core.facts import dump
from caseworker.reading.model import Context, Intent, MailText, Question, Reading
from caseworker.reading.ports import Reader

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """k of n."""

    k: int
    n: int

    @property
    def value(self) -> float:
        """The share itself; 0 of 0 is 0."""
        return self.k / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson score interval at 95 %."""
        if not self.n:
            return 0.0, 1.0
        centre = self.value + _Z**2 / (2 * self.n)
        spread = _Z * sqrt(self.value * (1 - self.value) / self.n + _Z**2 / (4 * self.n**2))
        below = 1 + _Z**2 / self.n
        return max(0.0, (centre - spread) / below), min(1.0, (centre + spread) / below)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.k}/{self.n} = {self.value:.3f} ({low:.3f}-{high:.3f})"


@dataclass(frozen=True, slots=True)
class Figures:
    """`mails`: of the accepted mails those whose set of requests is exactly right; `coverage`: accepted of all in scope.

    `precision` and `recall` are per (intent, language). `false_requests`: out-of-scope mails that were given a request.
    """

    mails: Share
    coverage: Share
    precision: Mapping[tuple[str, str], Share]
    recall: Mapping[tuple[str, str], Share]
    false_requests: Share
    risk_recall: Share
    fields: Share
    milliseconds: float
    wrong: Sequence[str] = field(default_factory=tuple)


def load_rows(path: Path) -> list[dict[str, object]]:
    """Rows of a JSONL file. Raises `ReadingError` with the number of a line that is no row."""
    rows: list[dict[str, object]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ReadingError(f"{path.name}:{number} is no JSON: {error}.", remedy="One object a line.") from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise ReadingError(f"{path.name}:{number} has no `text`.", remedy="Give the mail's words as `text`.")
        rows.append(row)
    return rows


async def evaluate(
    reader: Reader, rows: Iterable[Mapping[str, object]], *, intents: Sequence[Intent], questions: Sequence[Question] = ()
) -> Figures:
    """Reads every row and counts. The time is wall time for one mail after another."""
    tally = _Tally()
    for row in rows:
        mail = MailText(str(row.get("subject", "")), str(row["text"]))
        language = str(row.get("lang", "en"))
        started = time.perf_counter()
        reading = await reader.read(mail, intents=intents, questions=questions, context=Context(default_language=language))
        tally.seconds += time.perf_counter() - started
        tally.count(row, language, reading)
    return tally.figures()


@dataclass(slots=True)
class _Tally:
    seconds: float = 0.0
    read: int = 0
    in_scope: int = 0
    accepted: int = 0
    right: int = 0
    outside: int = 0
    outside_requests: int = 0
    risks: int = 0
    risks_found: int = 0
    fields: int = 0
    fields_right: int = 0
    said: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    wanted: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, row: Mapping[str, object], language: str, reading: Reading) -> None:
        self.read += 1
        self._count_risks(_words(row.get("risks")), reading)
        if row.get("out_of_scope"):
            self.outside += 1
            self.outside_requests += bool(reading.requests)
            return
        self.in_scope += 1
        expected, got = _words(row.get("intents")), [request.intent for request in reading.requests]
        for intent in got:
            self.said.setdefault((intent, language), []).append(intent in expected)
        for intent in expected:
            self.wanted.setdefault((intent, language), []).append(intent in got)
        self._count_fields(row.get("fields"), reading)
        if reading.abstained:
            return
        self.accepted += 1
        self.right += sorted(expected) == sorted(got)
        if sorted(expected) != sorted(got):
            self.wrong.append(f"{language} {expected} read as {got}: {row['text']}")

    def _count_risks(self, expected: Sequence[str], reading: Reading) -> None:
        self.risks += len(expected)
        self.risks_found += sum(risk in reading.risks for risk in expected)

    def _count_fields(self, expected: object, reading: Reading) -> None:
        if not isinstance(expected, Mapping):
            return
        found = dict(reading.fields)
        for request in reading.requests:
            found.update(request.fields)
        for key, value in expected.items():
            self.fields += 1
            self.fields_right += key in found and dump(found[key].value) == value

    def figures(self) -> Figures:
        return Figures(
            mails=Share(self.right, self.accepted),
            coverage=Share(self.accepted, self.in_scope),
            precision={key: Share(sum(hits), len(hits)) for key, hits in sorted(self.said.items())},
            recall={key: Share(sum(hits), len(hits)) for key, hits in sorted(self.wanted.items())},
            false_requests=Share(self.outside_requests, self.outside),
            risk_recall=Share(self.risks_found, self.risks),
            fields=Share(self.fields_right, self.fields),
            milliseconds=1000 * self.seconds / self.read if self.read else 0.0,
            wrong=tuple(self.wrong),
        )


def _words(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
