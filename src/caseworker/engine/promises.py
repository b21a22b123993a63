"""Promises fall due: what was promised is looked up in the systems of record, and people get those that were not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from caseworker.cases import letters
from caseworker.cases.model import BY_A_PERSON, Case, Entry, Event, PromiseJudged, QueueItem
from caseworker.cases.release import Release
from caseworker.cases.turn import facts_of, request_of
from caseworker.core.facts import of
from caseworker.engine.lookups import LookUps
from caseworker.sop.decide import judge
from caseworker.sop.model import Found, Judgement, Progress

MAX_LOOKS = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise, the timeline's line, and work for people where it was not kept."""

    judged: PromiseJudged
    entry: Entry
    items: tuple[QueueItem, ...] = ()


@dataclass(frozen=True, slots=True)
class PromiseKeeper:
    """Judges promises on the day they are due."""

    lookups: LookUps

    async def judge(self, case: Case, event: Event, release: Release, now: datetime) -> Verdict:
        """The verdict on the promise of a timer. Raises Trouble while a system is away: the timer is tried again."""
        data = event.data
        request = request_of(case, int(str(data["request"])))
        found = await self._judge(case, event, release, now)
        status: Literal["kept", "broken", "unclear"] = (
            "kept" if found.holds else "broken" if found.holds is False else "unclear"
        )
        due = data["due"]  # the event's own time moves where a system was away
        assert isinstance(due, datetime)
        judged = PromiseJudged(request.number, str(data["what"]), due, status)
        entry = Entry(f"promise_{status}", {"request": request.number, "what": data["what"], "error": found.error})
        if status == "kept":
            return Verdict(judged, entry)
        because = f"promise_{status}"
        brief = {
            **letters.brief(case, request, release=release, decision=None),
            "because": because,
            "promised": data["what"],
            "amount": of(data.get("amount")),
            "due": due,
            "kept_when": data["kept_when"],
        }
        queue = request.queue or release.playbook.worker.fallback_queue
        return Verdict(judged, entry, (QueueItem("escalation", request.number, queue, because, brief),))

    async def _judge(self, case: Case, event: Event, release: Release, now: datetime) -> Judgement:
        data, request = event.data, request_of(case, int(str(event.data["request"])))
        if data["kept_when"] == BY_A_PERSON:
            return Judgement(request.status == "ended")
        procedure = release.playbook.procedure_for(request.intent)
        if procedure is None:
            return Judgement(None, error=f"No procedure handles {request.intent} any more.")
        bound = data.get("bound")
        found: dict[str, Found] = {}
        for _ in range(MAX_LOOKS):
            verdict = judge(
                release.playbook,
                procedure.name,
                str(data["kept_when"]),
                facts_of(case, request, now),
                now=now,
                progress=Progress(found=found),
                vocabulary=release.vocabulary,
                bound=bound if isinstance(bound, Mapping) else {},
            )
            if not verdict.look_ups:
                break
            for look in verdict.look_ups:
                found[look.need] = await self.lookups.read(case, look.operation, look.arguments)
        if verdict.holds is None and not verdict.error:
            return Judgement(None, error=f"Not known: {', '.join(verdict.missing)}.")
        return verdict
