"""Approved answers and what a search for one gives. Frozen and pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from caseworker.core.findings import Place


@dataclass(frozen=True, slots=True)
class Article:
    """One approved answer, `knowledge/KEY.md`.

    `intents` are the matters it may answer; none means every one. `variants` are ways in which customers ask for it, `texts`
    the approved words (templates that may show `param.NAME`), both by language. `review_by` is the last day on which it counts
    as looked after. `lines` is where the first line of each language's words stands. `for_people` marks questions that are
    known and have no approved answer: what is nearest to one of them goes to people.
    """

    key: str
    owner: str
    review_by: date
    intents: tuple[str, ...]
    variants: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]
    place: Place
    lines: Mapping[str, int] = field(default_factory=dict)
    for_people: bool = False

    @property
    def source(self) -> str:
        """The file that the answer stands in."""
        return self.place.file


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that answers a question. `score` is 0 to 1: how sure it is that this is what was asked.

    `covers_all` is False where another part of the question is answered by nothing.
    """

    article: Article
    score: float
    covers_all: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An approved answer as procedures see it; the record `answer`.

    `text` are the words in `language` with today's figures. `source` is the file they stand in; they were to be reviewed by
    `review_by` (the end of that day, UTC).
    """

    id: str
    text: str
    language: str
    score: float
    covers_all: bool
    source: str
    owner: str
    review_by: datetime
