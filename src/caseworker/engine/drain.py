"""One case after the other: take the lease, end its due events by sequence, do its due effects, give the lease back."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from caseworker.cases.machine import advance
from caseworker.cases.model import Case, CaseLookUp, Effect, Entry, Event, Step
from caseworker.cases.ports import CaseStore, EffectStore, Lease, Releases
from caseworker.cases.release import is_taken_back, repinned, taken_back
from caseworker.cases.turn import named_records
from caseworker.commerce.errors import Trouble
from caseworker.core.clock import Clock
from caseworker.core.errors import CaseworkerError, FenceLost, StoreError
from caseworker.core.facts import of
from caseworker.core.ids import new_id
from caseworker.engine.executor import Executor
from caseworker.engine.failpoints import Failpoints
from caseworker.engine.hearing import Heard, Hearing
from caseworker.engine.lookups import LookUps
from caseworker.engine.shadow import Decided, Shadow, look_up_key
from caseworker.sop.model import Found

log = logging.getLogger("caseworker.engine")
MAX_STEPS = 12
MAX_EVENT_ATTEMPTS = 6


@dataclass(slots=True)
class Drain:
    """Looks at cases for one worker process. `owner` is the name its leases carry."""

    cases: CaseStore
    effects: EffectStore
    releases: Releases
    lookups: LookUps
    hearing: Hearing
    executor: Executor
    clock: Clock
    failpoints: Failpoints
    shadow: Shadow
    owner: str = field(default_factory=new_id)
    held: set[int] = field(default_factory=set)

    async def look(self, number: int) -> None:
        """Everything that is due in one case. Harmless to call at any time, any number of times."""
        while True:
            lease = await self.cases.take(number, self.owner)
            if lease is None:
                return  # whoever holds it looks once more after giving it back
            self.held.add(number)
            try:
                await self._drain(lease)
            except FenceLost as lost:
                log.warning("%s", lost)
                return
            finally:
                self.held.discard(number)  # from here on its heartbeat ends, even where giving it back fails
                with suppress(StoreError):
                    await self.cases.give_up(lease)
            if not await self.cases.has_due(number, await self.clock.now()):
                return

    async def _drain(self, lease: Lease) -> None:
        while True:
            now = await self.clock.now()
            event = await self.cases.next_event(lease.case, now)
            if event is not None:
                await self._end_event(lease, event, now)
                continue
            effect = await self.effects.next(lease.case, now)
            if effect is None:
                return
            await self._do_effect(lease, effect)

    async def _do_effect(self, lease: Lease, effect: Effect) -> None:
        try:
            case = await self.cases.load(lease.case)
            force = await self.releases.in_force(case.worker, case.release)
            if is_taken_back(case, effect, force.release):
                await self.executor.take_back(lease, effect)
            else:
                await self.executor.run(lease, case, effect, force.release.guardrails)
        except (StoreError, asyncio.CancelledError):
            raise
        except Exception as error:  # the engine's step boundary: one effect must not stop the others
            log.error("Effect %s failed", effect.key, exc_info=error)
            await self.executor.fail(lease, effect, _told(error))

    async def _end_event(self, lease: Lease, event: Event, now: datetime) -> None:
        try:
            decided = await self._decide(event, now)
        except (StoreError, asyncio.CancelledError):
            raise  # the database is away, or the case is somebody else's: the event stays due
        except Exception as error:  # noqa: BLE001  # the engine's step boundary: one event must not stop the others
            await self._failed(lease, event, error, now)
            return
        self.failpoints.hit("before_commit", event.id)
        await self.cases.commit(lease, event, decided.step, now)
        self.failpoints.hit("after_commit", event.id)
        await self.shadow.decide(event, decided, now)

    async def _failed(self, lease: Lease, event: Event, error: Exception, now: datetime) -> None:
        last = event.attempts + 1 >= MAX_EVENT_ATTEMPTS and not isinstance(error, Trouble)
        retry = None if last else now + timedelta(seconds=min(2**event.attempts, 300))
        if isinstance(error, Trouble):
            log.warning("Event %s of case %s is tried again: %s", event.id, event.case, error)
        else:
            log.error("Event %s of case %s failed%s", event.id, event.case, ", set aside" if last else "", exc_info=error)
        await self.cases.fail(lease, event, _told(error), retry)

    async def _decide(self, event: Event, now: datetime) -> Decided:
        case = await self.cases.load(event.case)
        force = await self.releases.in_force(case.worker, case.release)
        release = force.release
        case, changed = repinned(case, release)
        back: tuple[int, ...] = ()
        if changed:
            case, back = taken_back(case, await self.effects.unstarted(case.number))
        heard = await self.hearing.hear(case, event, release, now)
        heard = replace(heard, entries=(*changed, *heard.entries), withdrawn=(*back, *heard.withdrawn))
        undecided = any(r.status == "open" for r in heard.case.requests)  # since another release decides
        if heard.quiet and not undecided:
            return Decided(_with(Step(heard.case), heard, ()), heard.case)
        totals = await self.effects.totals(heard.case, now)
        locked = await self.effects.is_guessing(heard.case, named_records(heard.case, release), now)
        found: dict[tuple[int, str], Found] = {}
        known: dict[str, Found] = {}
        looked: list[Entry] = []
        for _ in range(MAX_STEPS):
            step = advance(
                heard.case, release=release, found=found, totals=totals, now=now, event=str(event.seq), locked=locked
            )
            if not step.lookups:
                live = release.playbook.release
                return Decided(_with(step, heard, looked), heard.case, live, force.shadow, totals, locked, known)
            for lookup, result in await self._look_up(heard.case, step.lookups):
                found[lookup.request, lookup.need] = known[look_up_key(lookup)] = result
                looked.append(_looked(lookup, result))
        raise CaseworkerError(
            f"The procedures of case {case.number} asked for look-ups {MAX_STEPS} times.",
            remedy="A need must not depend on itself; run `caseworker check`.",
        )

    async def _look_up(self, case: Case, lookups: Sequence[CaseLookUp]) -> Sequence[tuple[CaseLookUp, Found]]:
        results = await asyncio.gather(*(self.lookups.read(case, lookup.operation, lookup.arguments) for lookup in lookups))
        return list(zip(lookups, results, strict=True))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, CaseworkerError) else f"{type(error).__name__}: {error}"


def _looked(lookup: CaseLookUp, result: Found) -> Entry:
    data = {
        "request": lookup.request,
        "need": lookup.need,
        "operation": lookup.operation,
        "arguments": of(lookup.arguments),
        "found": [str(r.get("number") or r.get("ref") or "") for r in result.records],
        "refused": result.refused,
    }
    return Entry("looked_up", data)


def _with(step: Step, heard: Heard, looked: Sequence[Entry]) -> Step:
    return replace(
        step,
        entries=(*heard.entries, *looked, *step.entries),
        timers=(*heard.timers, *step.timers),
        items=(*heard.items, *step.items),
        withdrawn=heard.withdrawn,
        judged=heard.judged,
    )
