"""The release in shadow decides what was just decided, from the same facts. Nothing is done by it, nobody hears of it."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime

from caseworker.cases.machine import advance
from caseworker.cases.model import Case, CaseLookUp, Event, Step
from caseworker.cases.ports import Releases
from caseworker.core.errors import CaseworkerError
from caseworker.core.facts import canonical
from caseworker.engine.lookups import LookUps
from caseworker.guard.model import Moved
from caseworker.rollout.beside import beside
from caseworker.rollout.model import ShadowDecision
from caseworker.rollout.ports import ShadowStore
from caseworker.sop.model import Found

log = logging.getLogger("caseworker.shadow")
WITHIN = 10.0  # seconds that a case waits for its shadow at most
MAX_STEPS = 12


def look_up_key(lookup: CaseLookUp) -> str:
    """Two look-ups with this key read the same, whatever their needs are called."""
    return canonical([lookup.operation, lookup.arguments])


@dataclass(frozen=True, slots=True)
class Decided:
    """What an event was decided from and to, for whoever decides it once more. `read` holds what was looked up.

    `shadow` is the release that does so, empty where none does or where nothing was to be decided."""

    step: Step
    case: Case
    live: str = ""
    shadow: str = ""
    totals: Moved = field(default_factory=dict)
    locked: bool = False
    read: dict[str, Found] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shadow:
    """Decides along. Whatever goes wrong here is counted and never reaches the case."""

    releases: Releases
    lookups: LookUps
    kept: ShadowStore

    async def decide(self, event: Event, decided: Decided, now: datetime) -> None:
        """After the event has been committed: decide it with the shadow's release and keep how it differs."""
        if not decided.shadow:
            return
        try:
            async with asyncio.timeout(WITHIN):
                made = await self._decide(event, decided, now)
        except Exception as error:  # noqa: BLE001  # the shadow's own step boundary: its faults must not reach the case
            log.warning("Release %s in shadow cannot decide case %s: %s", decided.shadow[:12], event.case, error)
            told = str(error) if isinstance(error, CaseworkerError) else f"{type(error).__name__}: {error}"
            made = [ShadowDecision(decided.shadow, event.case, event.seq, live_release=decided.live, error=told)]
        try:
            await self.kept.keep_shadow(made, now)
        except CaseworkerError as error:
            log.warning("What release %s decided in shadow is lost: %s", decided.shadow[:12], error)

    async def _decide(self, event: Event, decided: Decided, now: datetime) -> list[ShadowDecision]:
        release = await self.releases.get(decided.shadow)
        found: dict[tuple[int, str], Found] = {}
        for _ in range(MAX_STEPS):
            step = advance(
                decided.case,
                release=release,
                found=found,
                totals=decided.totals,
                now=now,
                event=str(event.seq),
                locked=decided.locked,
            )
            if not step.lookups:
                return beside(
                    decided.step.recordings,
                    step.recordings,
                    live_release=decided.live,
                    release=decided.shadow,
                    case=event.case,
                    seq=event.seq,
                    strange=[r.number for r in decided.case.requests if release.playbook.procedure_for(r.intent) is None],
                )
            for lookup in step.lookups:
                key = look_up_key(lookup)
                if key not in decided.read:
                    decided.read[key] = await self.lookups.read(decided.case, lookup.operation, lookup.arguments)
                found[lookup.request, lookup.need] = decided.read[key]
        raise CaseworkerError(f"Its procedures asked for look-ups {MAX_STEPS} times.", remedy="Run `caseworker check`.")
