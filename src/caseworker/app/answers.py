"""Approved answers for the engine: the live release's articles, found, and written with today's figures."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time

from caseworker.app.articles import written
from caseworker.app.playbooks import Playbooks
from caseworker.cases.release import Release
from caseworker.core.clock import Clock
from caseworker.core.language import best
from caseworker.knowledge.model import Answer, Hit
from caseworker.knowledge.search import Index, build, find
from caseworker.reading.ports import Encoder
from caseworker.writing.errors import ReplyError

log = logging.getLogger("caseworker.answers")
MOST_INDEXES = 4  # releases whose articles a process keeps encoded


@dataclass(slots=True)
class ApprovedAnswers:
    """Finds answers (`knowledge.ports.Answers`). The encoder loads at the first question and works in a thread."""

    playbooks: Playbooks
    clock: Clock
    encoder: Callable[[], Encoder]
    _indexes: dict[str, Index] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, worker: str, arguments: Mapping[str, object]) -> tuple[Answer, ...]:
        """See the port. What applies is the live release, whatever the case is pinned to."""
        release = (await self.playbooks.opening(worker)).live
        now = await self.clock.now()
        asked = {name: str(arguments.get(name) or "") for name in ("question", "language", "intent")}
        index = await self._index(release)
        hits = await asyncio.to_thread(
            find, index, self.encoder(), asked["question"], language=asked["language"], intent=asked["intent"]
        )
        found = [_answer(hit, release, language=asked["language"], today=now.date()) for hit in hits]
        written = tuple(answer for answer in found if answer is not None)
        return written if len(written) == len(found) else tuple(replace(answer, covers_all=False) for answer in written)

    async def _index(self, release: Release) -> Index:
        key = release.playbook.release
        async with self._lock:  # two questions at once need one index
            if key not in self._indexes:
                if len(self._indexes) >= MOST_INDEXES:
                    self._indexes.clear()
                self._indexes[key] = await asyncio.to_thread(build, release.articles.values(), self.encoder())
            return self._indexes[key]


def _answer(hit: Hit, release: Release, *, language: str, today: date) -> Answer | None:
    """None where its words cannot be written today: a figure that they show has no value any more."""
    article = hit.article
    chosen = best(language, tuple(sorted(article.texts)), release.playbook.worker.default_language)
    try:
        text = written(article, chosen, release, today=today)
    except ReplyError as error:
        log.warning("%s is not given: %s", article.source, error)
        return None
    return Answer(
        id=article.key,
        text=text,
        language=chosen,
        score=round(hit.score, 4),
        covers_all=hit.covers_all,
        source=article.source,
        owner=article.owner,
        review_by=datetime.combine(article.review_by, time(23, 59, 59), tzinfo=UTC),
    )
