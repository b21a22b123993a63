"""For managers: releases from the draft to live and back, what one in shadow would do, how two differ, cases that change."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from caseworker.app import places
from caseworker.app.diffing import ReleaseDiff, diff_releases
from caseworker.app.managers import number_of
from caseworker.app.moving import Affected, CaseMoved, affected, preview
from caseworker.app.playbooks import Playbooks
from caseworker.app.ports import ReleaseStore
from caseworker.cases.model import Case
from caseworker.cases.ports import CaseStore, Lease
from caseworker.cases.release import Release, repinned, with_live
from caseworker.core.clock import Clock
from caseworker.core.errors import UsageError
from caseworker.core.facts import load
from caseworker.core.ids import new_id
from caseworker.rollout import rules
from caseworker.rollout.choose import decided_by, in_state, previous
from caseworker.rollout.compare import Comparison, compare
from caseworker.rollout.rules import Rule
from caseworker.sop.load import read_folder, short

__all__ = ["Comparison", "LogLine", "ProposalTold", "ReleaseTold", "Releases", "RolledBack", "write_folder"]
LEAST_PREFIX = 4  # hex digits of a release
NAMES = ("live", "previous", "share", "shadow", "draft")
MOVABLE_TO = ("live", "share", "retired")
PATIENCE, PAUSE = 12.0, 0.3  # seconds that a case at work is waited for, and between two tries


@dataclass(frozen=True, slots=True)
class ProposalTold:
    """What one person wants for a release and another may approve."""

    to: str
    percent: int
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ReleaseTold:
    """Where a release stands. `since` and `by` are of its last change; `cases` counts open ones that are pinned to it."""

    release: str
    worker: str
    state: str
    percent: int
    since: datetime
    by: str
    how: str
    people: int
    cases: int
    successor: str
    created_at: datetime
    live_at: datetime | None
    proposal: ProposalTold | None

    @property
    def short(self) -> str:
        """As people see it."""
        return short(self.release)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that was done with a release. `how` is import, proposal, command, folder or first start."""

    at: datetime
    before: str
    after: str
    percent: int
    by: str
    approved_by: str
    how: str
    note: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A withdrawn release, what decides now, how many open cases go over at their next event, and which do not simply go on.

    `share` is a release that goes on with a share of the new cases.
    """

    withdrawn: ReleaseTold
    live: ReleaseTold
    cases: int
    affected: tuple[Affected, ...]
    share: ReleaseTold | None = None


@dataclass(slots=True)
class Releases:
    """Releases of the process's worker, each named by the beginning of its hash or by its place.

    Places are `live`, `previous`, `share`, `shadow` and `draft`, the youngest one.
    """

    playbooks: Playbooks
    store: ReleaseStore
    cases: CaseStore
    clock: Clock
    worker: str

    # -- reading -------------------------------------------------------------------------------------------------------

    async def all(self) -> Sequence[ReleaseTold]:
        """The releases of the worker, the youngest first."""
        return [_told(row) for row in await self.store.rows(self.worker)]

    async def find(self, name: str) -> ReleaseTold:
        """One release by its name. Raises UsageError."""
        plain = name.strip().lower()
        if plain in NAMES:
            return await self._in_place(plain)
        if len(plain) < LEAST_PREFIX or any(char not in "0123456789abcdef" for char in plain):
            raise UsageError(
                f"{name!r} is no release.",
                remedy=f"Give the first {LEAST_PREFIX} or more digits of its hash, or {', '.join(NAMES)}.",
            )
        found = await self.store.named(plain)
        if len(found) != 1:
            told = f"{len(found)} releases begin with {plain}" if found else f"No release begins with {plain}"
            raise UsageError(f"{told}.", remedy="See `caseworker release list`.")
        return _told(found[0])

    async def _in_place(self, name: str) -> ReleaseTold:
        if name == "draft":
            drafts = [told for told in await self.all() if told.state == "draft"]
            if not drafts:
                raise UsageError("There is no draft.", remedy="Make one with `caseworker release import FOLDER`.")
            return drafts[0]
        standings = await self.store.standings(self.worker)
        standing = previous(standings) if name == "previous" else in_state(standings, name)  # type: ignore[arg-type]  # one of NAMES
        if standing is None:
            there = "was live before" if name == "previous" else f"is in the place {name}"
            raise UsageError(f"No release {there}.", remedy="See `caseworker release list`.")
        return _told((await self.store.named(standing.release))[0])

    async def log(self, name: str) -> Sequence[LogLine]:
        """What was done with a release, in order."""
        rows = await self.store.log((await self.find(name)).release)
        return [LogLine(r.at, r.before, r.after, r.percent, r.by, r.approved_by, r.how, r.note) for r in rows]

    async def compare(self, name: str) -> Comparison:
        """What a release decided in shadow, beside what counted."""
        return compare(await self.store.shadow((await self.find(name)).release))

    async def not_met(self, name: str) -> tuple[str, ...]:
        """Intents of a release that the live one does not know: mails are read for that one, so shadow never meets them."""
        release = await self.playbooks.get((await self.find(name)).release)
        live = await self.playbooks.get((await self._in_place("live")).release)
        return tuple(intent for intent in release.playbook.intents if intent not in live.playbook.intents)

    async def diff(self, before: str, after: str) -> ReleaseDiff:
        """How two releases differ; either may be a playbook folder. Raises UsageError, PlaybookError."""
        return diff_releases(await self._content(before), await self._content(after))

    async def _content(self, name: str) -> Release:
        files = _folder(name)
        if files is not None:
            return self.playbooks.assemble(files)
        return await self.playbooks.get((await self.find(name)).release)

    # -- folders -------------------------------------------------------------------------------------------------------

    async def take_in(self, folder: Path, *, by: str) -> tuple[ReleaseTold, bool]:
        """Check a folder and keep it as a draft; True where it is new. Raises PlaybookError."""
        release, new = await self.playbooks.keep(folder, by=rules.person(by))
        return _told((await self.store.named(release.playbook.release))[0]), new

    async def export(self, name: str, folder: Path) -> int:
        """Write a release into a new folder, so that importing it gives the same release. Returns how many files."""
        release = await self.playbooks.get((await self.find(name)).release)
        await asyncio.to_thread(write_folder, release.playbook.files, folder)
        return len(release.playbook.files)

    # -- states --------------------------------------------------------------------------------------------------------

    async def shadow(self, name: str, *, by: str, note: str = "") -> ReleaseTold:
        """Let it decide along and do nothing."""
        told = await self._sound(name)
        return await self._change(told, partial(rules.shadow, release=told.release, by=by, note=note))

    async def share(self, name: str, percent: int, *, by: str, note: str = "") -> ReleaseTold:
        """Let it begin with so much of the new cases."""
        told = await self._sound(name)
        return await self._change(told, partial(rules.share, release=told.release, percent=percent, by=by, note=note))

    async def publish(self, name: str, *, by: str, note: str = "") -> ReleaseTold:
        """Make it live."""
        told = await self._sound(name)
        return await self._change(told, partial(rules.publish, release=told.release, by=by, note=note))

    async def propose(
        self, name: str, to: Literal["share", "live"], *, by: str, percent: int = 0, note: str = ""
    ) -> ReleaseTold:
        """Ask another person to approve a share or going live."""
        told, now = await self._sound(name), await self.clock.now()
        rule = partial(rules.propose, release=told.release, to=to, by=by, at=now, percent=percent, note=note)
        return await self._change(told, rule)

    async def approve(self, name: str, *, by: str, note: str = "", only: tuple[str, int] | None = None) -> ReleaseTold:
        """Carry out what somebody else proposed; with `only` nothing but this wish and share."""
        told = await self._sound(name)
        return await self._change(told, partial(rules.approve, release=told.release, by=by, note=note, only=only))

    async def withdraw(self, name: str, *, by: str, note: str = "") -> ReleaseTold:
        """Give it up; the live one goes on with its cases."""
        told = await self.find(name)
        return await self._change(told, partial(rules.withdraw, release=told.release, by=by, note=note))

    async def preview_roll_back(self, *, to: str = "") -> RolledBack:
        """What a roll-back would withdraw, make live, and mean for open cases. Raises UsageError where it may not be."""
        target = await self.find(to) if to else None
        standings = await self.store.standings(self.worker)
        gone, now = rules.roll_back(standings, by="nobody", to=target.release if target else "")
        return await self._with_cases(await self.find(gone.release), await self.find(now.release))

    async def rolled_back(self, gone: ReleaseTold) -> RolledBack:
        """What the withdrawal of a release means for the open cases that it decided."""
        return await self._with_cases(gone, await self.find("live"))

    async def _with_cases(self, gone: ReleaseTold, now: ReleaseTold) -> RolledBack:
        """Also cases of releases that were withdrawn before, and had no event since."""
        release = await self.playbooks.get(now.release)
        standings = await self.store.standings(self.worker)
        cases = [case for name in decided_by(standings, gone.release) for case in await self.store.cases(name)]
        told, share = [one for case in cases for one in affected(case, release)], in_state(standings, "share")
        return RolledBack(gone, now, len(cases), tuple(told), await self.find(share.release) if share else None)

    async def roll_back(self, *, by: str, to: str = "", note: str = "") -> tuple[ReleaseTold, ReleaseTold]:
        """Withdraw what is live. Returns what was, and what is live now; every process goes by it from its next event on."""
        gone = await self.find("live")
        target = await self._back_to(to)
        rule = partial(rules.roll_back, by=by, to=target.release if target else "", note=note)
        now = await self._change(target or gone, rule)
        return await self.find(gone.release), now

    async def _back_to(self, to: str) -> ReleaseTold | None:
        if to:
            return await self.find(to)
        before = previous(await self.store.standings(self.worker))
        return None if before is None else await self.find(before.release)

    async def _sound(self, name: str) -> ReleaseTold:
        """A release that may go on: what it was checked against may have changed since it was imported."""
        told = await self.find(name)
        self.playbooks.require_sound(await self.playbooks.get(told.release), f"Release {told.short}")
        return told

    async def _change(self, told: ReleaseTold, rule: Rule) -> ReleaseTold:
        await self.playbooks.change(told.worker, rule, await self.playbooks.get(told.release))
        return await self.find(told.release)

    # -- running cases -------------------------------------------------------------------------------------------------

    async def preview_move(self, before: str, after: str, *, case: str = "") -> Sequence[CaseMoved]:
        """What would change for the open cases of a release if another one decided them."""
        old, new = await self._both(before, after)
        now = await self.clock.now()
        return [preview(c, old, new, now) for c in await self._pinned(before, case)]

    async def move(self, before: str, after: str, *, by: str, case: str = "") -> Sequence[CaseMoved]:
        """Pin the open cases of a release to another one, each with a line on its timeline."""
        old, new = await self._both(before, after)
        who = rules.person(by)
        return [await self._move(c, old, new, who) for c in await self._pinned(before, case)]

    async def _both(self, before: str, after: str) -> tuple[Release, Release]:
        """Both as they apply under what is live."""
        old, new = await self.find(before), await self.find(after)
        if old.release == new.release or old.worker != new.worker:
            raise UsageError("These are not two releases of one worker.", remedy="See `caseworker release list`.")
        if new.state not in MOVABLE_TO:
            raise UsageError(
                f"Release {new.short} is {new.state}; cases go to one that is live, in share or retired.",
                remedy="Publish it first.",
            )
        live = (await self.playbooks.opening(old.worker)).live
        first, second = [with_live(await self.playbooks.get(r.release), live) for r in (old, new)]
        return first, second

    async def _pinned(self, name: str, case: str) -> Sequence[Case]:
        told = await self.find(name)
        cases = await self.store.cases(told.release)
        if not case:
            return cases
        number = number_of(case)
        if number not in [c.number for c in cases]:
            raise UsageError(
                f"Case {case} is not open under release {told.short}.", remedy="Leave --case out to see those that are."
            )
        return [c for c in cases if c.number == number]

    async def _move(self, case: Case, old: Release, new: Release, by: str) -> CaseMoved:
        """What is told is of the case as it is moved: a worker may have gone on with it since it was listed."""
        lease = await self._lease(case.number, new_id())
        now = await self.clock.now()
        if lease is None:
            return replace(preview(case, old, new, now), problem="a worker is busy with it; try again")
        try:
            fresh = await self.cases.load(case.number)
            told = preview(fresh, old, new, now)
            if fresh.release != old.playbook.release or fresh.status == "closed":
                return replace(told, problem="it changed meanwhile")
            moved, entries = repinned(fresh, new, because="moved", by=by)
            await self.store.repin(lease, moved, entries, now)
        finally:
            await self.cases.give_up(lease)
        return told

    async def _lease(self, case: int, owner: str) -> Lease | None:
        for _ in range(int(PATIENCE / PAUSE)):
            lease = await self.cases.take(case, owner)
            if lease is not None:
                return lease
            await asyncio.sleep(PAUSE)
        return None


def write_folder(files: Mapping[str, str], folder: Path) -> None:
    """The texts of a release as files, so that `read_folder` gives the same back. Raises UsageError for a folder in use."""
    made: dict[str, bytes] = {}
    for path, text in files.items():
        relative = PurePosixPath(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise UsageError(f"The release names a file outside its folder: {path}.", remedy="Do not trust this release.")
        mark = "\ufeff" if text.startswith("\ufeff") else ""  # one is taken off when it is read
        made[path] = (mark + text).encode()
    places.write_folder(folder, made)


def _folder(name: str) -> Mapping[str, str] | None:
    """The texts of a playbook folder, None where the name is none."""
    folder = Path(name).expanduser()
    return read_folder(folder) if (folder / "worker.yaml").is_file() else None


def _told(row: Any) -> ReleaseTold:
    proposal: Any = load(row.proposal)
    return ReleaseTold(
        release=row.hash,
        worker=row.worker,
        state=row.state,
        percent=row.percent,
        since=row.since,
        by=row.by,
        how=row.how,
        people=row.people,
        cases=row.open_cases,
        successor=row.successor,
        created_at=row.created_at,
        live_at=row.live_at,
        proposal=ProposalTold(**proposal) if proposal else None,
    )
