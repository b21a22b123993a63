"""Recorded decisions made again: one case, or all of them, by the release that made them or by another."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from caseworker.app.decisions import Recorded
from caseworker.app.managers import number_of
from caseworker.app.playbooks import Playbooks, shipped
from caseworker.app.ports import DecisionViews
from caseworker.cases.release import Release
from caseworker.core.errors import PlaybookError, StoreAway, StoreError, UsageError
from caseworker.core.ids import case_reference
from caseworker.sop.load import read_folder
from caseworker.sop.model import Playbook
from caseworker.sop.recorded import Recording
from caseworker.sop.replay import Replayed, replay

log = logging.getLogger("caseworker.replay")
AT_ONCE = 200  # cases that are read together
LEAST_PREFIX = 4  # hex digits of a release


@dataclass(frozen=True, slots=True)
class DecisionAgain:
    """One decision made again. `number` counts the decisions of the case from 1; `before` and `after` are rows, or empty."""

    number: int
    request: int
    at: datetime
    procedure: str
    before: str
    after: str
    identical: bool
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    after_difference: bool


@dataclass(frozen=True, slots=True)
class CaseAgain:
    """One case made again. `release` is what decided now, empty where each decision's own release did."""

    reference: str
    release: str
    decisions: tuple[DecisionAgain, ...]
    missing: tuple[str, ...] = ()  # releases that are not there any more
    lost: int = 0  # decisions that the timeline says were recorded and that are not there

    @property
    def different(self) -> tuple[DecisionAgain, ...]:
        return tuple(decision for decision in self.decisions if not decision.identical)


@dataclass(slots=True)
class Totals:
    """What all cases came to. `changes` counts `old row -> new row`; `examples` holds cases for each of them, at most three.

    `lost` counts recordings that are not there, `unreadable` says why a case was left out; both by its reference.
    """

    cases: int = 0
    cases_different: int = 0
    decisions: int = 0
    identical: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    lost: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, case: CaseAgain) -> None:
        self.cases += 1
        self.decisions += len(case.decisions)
        self.identical += len(case.decisions) - len(case.different)
        self.cases_different += bool(case.different)
        self.missing.update(case.missing)
        if case.lost:
            self.lost[case.reference] = case.lost
        for decision in case.different:
            change = f"{decision.before or '(no row)'} -> {decision.after or '(no row)'}"
            self.changes[f"{decision.procedure}: {change}"] += 1
            named = self.examples.setdefault(f"{decision.procedure}: {change}", [])
            if len(named) < 3 and case.reference not in named:
                named.append(case.reference)


@dataclass(slots=True)
class Replays:
    """Makes recorded decisions again. Nothing is written, nobody is told, no system is asked."""

    decisions: DecisionViews
    playbooks: Playbooks

    async def recordings(self, name: str) -> Sequence[Recording]:
        """The recorded decisions of a case, by reference or number, in their order. Raises UsageError."""
        return await self.decisions.of_cases([number_of(name)])

    async def recorded(self, name: str) -> Sequence[Recorded]:
        """The recorded decisions of a case with the releases that made them, for explaining. Raises UsageError.

        None where one of them cannot be read: a case is shown from its timeline then, as before decisions were recorded.
        """
        try:
            recordings = await self.recordings(name)
        except StoreAway:
            raise
        except StoreError as error:
            log.warning("Case %s is told from its timeline alone. %s", name, error)
            return []
        releases = {hash_: await self._there(hash_) for hash_ in {r.release for r in recordings}}
        return [Recorded(number, r, releases[r.release]) for number, r in enumerate(recordings, start=1)]

    async def playbook(self, release: str) -> Playbook | None:
        """The playbook of a release, None where it is not there: a case can be shown without the words of its procedures."""
        found = await self._there(release)
        return found.playbook if found else None

    async def _there(self, release: str) -> Release | None:
        try:
            return await self.playbooks.get(release)
        except PlaybookError:
            return None

    async def case(self, name: str, release: str = "") -> CaseAgain:
        """One case by its reference or number. `release`: a hash, the beginning of one, or a playbook folder.

        Raises UsageError where nothing was recorded, PlaybookError where there is no such release.
        """
        recordings = await self.recordings(name)
        lost = (await self.decisions.lost([number_of(name)])).get(number_of(name), 0)
        if not recordings and not lost:
            raise UsageError(
                f"Nothing was recorded of case {name}.",
                remedy="It was decided before decisions were recorded; `caseworker explain` shows what the timeline keeps.",
            )
        other = await self.release(release) if release else None
        return replace(await self._again(number_of(name), recordings, other), lost=lost)

    async def every(
        self,
        *,
        release: str = "",
        since: datetime | None = None,
        limit: int | None = None,
        on_each: Callable[[int, int], None] = lambda done, of: None,
    ) -> Totals:
        """All recorded cases, the youngest first. `on_each` is told how many of how many are done."""
        other = await self.release(release) if release else None
        numbers = await self.decisions.recorded(since=since, limit=limit)
        totals = Totals()
        for start in range(0, len(numbers), AT_ONCE):
            together = numbers[start : start + AT_ONCE]
            lost = await self.decisions.lost(together)
            for recordings in _by_case(await self._readable(together, totals)):
                case = recordings[0].case
                totals.add(replace(await self._again(case, recordings, other), lost=lost.get(case, 0)))
                on_each(totals.cases, len(numbers))
        return totals

    async def _readable(self, cases: Sequence[int], totals: Totals) -> Sequence[Recording]:
        """Their recordings; one that cannot be read takes its own case out, and no other."""
        try:
            return await self.decisions.of_cases(cases)
        except StoreAway:
            raise
        except StoreError as error:
            if len(cases) == 1:
                totals.unreadable[case_reference(cases[0])] = error.message
                return []
        return [recording for case in cases for recording in await self._readable([case], totals)]

    async def release(self, name: str) -> Release:
        """A release by its hash, the beginning of it, or a playbook folder. Raises PlaybookError."""
        plain = name.lower()
        if len(plain) >= LEAST_PREFIX and all(char in "0123456789abcdef" for char in plain):
            found = await self.decisions.releases(plain)
            if len(found) == 1:
                return await self.playbooks.get(found[0])
            reason = f"{len(found)} releases begin with {plain}" if found else f"No release begins with {plain}"
            raise PlaybookError(f"{reason}.", remedy="Give more of its hash, or the folder of a playbook.")
        return self.playbooks.assemble(read_folder(shipped(name)))

    async def _again(self, case: int, recordings: Sequence[Recording], other: Release | None) -> CaseAgain:
        by: dict[str, Release] = {}
        missing = []
        for name in dict.fromkeys(r.release for r in recordings):
            found = await self._there(name)
            if found is None:
                missing.append(name)
            else:
                by[name] = found
        made = _made(recordings, by, other)
        numbers = {(r.seq, r.number): count for count, r in enumerate(recordings, start=1)}
        return CaseAgain(
            reference=case_reference(case),
            release=other.playbook.release if other else "",
            decisions=tuple(_told(each, numbers[each.recording.seq, each.recording.number]) for each in made),
            missing=() if other else tuple(missing),
        )


def _made(recordings: Sequence[Recording], by: Mapping[str, Release], other: Release | None) -> Iterator[Replayed]:
    playbooks: Mapping[str, Playbook] = {name: release.playbook for name, release in by.items()}
    if other is not None:
        yield from replay(recordings, other.playbook, other.vocabulary, by=playbooks)
        return
    for name, release in by.items():
        own = [r for r in recordings if r.release == name]
        yield from replay(own, release.playbook, release.vocabulary, by=playbooks)


def _told(again: Replayed, number: int) -> DecisionAgain:
    recording = again.recording
    return DecisionAgain(
        number=number,
        request=recording.request,
        at=recording.now,
        procedure=recording.decision.procedure,
        before=recording.decision.rule,
        after=again.rule,
        identical=again.identical,
        differences=again.differences,
        notes=again.notes,
        after_difference=again.after_difference,
    )


def _by_case(recordings: Sequence[Recording]) -> Iterator[list[Recording]]:
    """One list a case; they come in order of their cases."""
    own: list[Recording] = []
    for recording in recordings:
        if own and own[0].case != recording.case:
            yield own
            own = []
        own.append(recording)
    if own:
        yield own
