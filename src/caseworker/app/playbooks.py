"""Playbooks for managers: load, check, keep as a release, hand a release to the engine."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caseworker.app import articles, unused
from caseworker.app.ports import ReleaseStore
from caseworker.cases.intake import MailboxRow
from caseworker.cases.release import InForce, Release, with_live
from caseworker.commerce.errors import BadArguments, CommerceError, Refusal
from caseworker.commerce.operations import records
from caseworker.commerce.ports import Commerce
from caseworker.core.clock import Clock, utc_now
from caseworker.core.errors import ConfigurationError, PlaybookError
from caseworker.core.findings import Problems
from caseworker.core.items import read_yaml
from caseworker.guard.load import load as load_guardrails
from caseworker.knowledge import operations as knowledge
from caseworker.knowledge.load import load as load_articles
from caseworker.knowledge.model import Article
from caseworker.reading.training import grammar
from caseworker.rollout.choose import effective, for_new_case, in_state
from caseworker.rollout.model import Change, Standing, Standings, Start
from caseworker.rollout.rules import Rule, start
from caseworker.sop.check import check
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.load import load, read_folder, release_of
from caseworker.sop.model import Finding, Known, OperationType, Playbook, Vocabulary
from caseworker.writing.load import load as load_replies

# What `failed.NAME.code` can be: answers of systems, and the engine's own words.
_KINDS: tuple[type[CommerceError], ...] = (Refusal, *Refusal.__subclasses__(), BadArguments)
REFUSALS = frozenset(kind.code for kind in _KINDS) | {"already_done", "denied_by_person", "guardrail"}

log = logging.getLogger("caseworker.releases")
FOLDER = "caseworker"  # who imports the folder of a process at its start
MOST_MERGED = 64  # releases as they apply under another one, kept by a process


def vocabulary(commerce: Commerce) -> Vocabulary:
    """What procedures may name: operations and records of the shop and of the worker, in the words of their language."""
    operations = {
        name: OperationType(
            name=name,
            kind=op.kind,
            parameters={p.name: p.type for p in op.parameters},
            required=frozenset(p.name for p in op.parameters if p.required),
            returns=op.returns,
            receipt=op.receipt or {},
            money=op.money,
        )
        for name, op in {**commerce.operations(), **knowledge.OPERATIONS}.items()
    }
    return Vocabulary({**records(), **knowledge.RECORDS}, operations, REFUSALS)


def shipped(name: str) -> Path:
    """A playbook that comes with Caseworker, or the folder of that name. Raises ConfigurationError."""
    inside = Path(__file__).parent.parent / "playbooks" / name
    if (inside / "worker.yaml").is_file():
        return inside
    folder = Path(name).expanduser()
    if not (folder / "worker.yaml").is_file():
        raise ConfigurationError(
            f"There is no playbook at {folder}: it has no worker.yaml.",
            remedy="Give a playbook folder, or `retail` for the one that comes with Caseworker.",
        )
    return folder


@dataclass(frozen=True, slots=True)
class Opening:
    """What a mail meets before it has a case: the live release of its worker, and where the others stand."""

    live: Release
    standings: Sequence[Standing]

    def for_new_case(self, sender: str, *, history: bool) -> str:
        """The release that a new case begins with. Old mails are no part of a share."""
        return self.live.playbook.release if history else for_new_case(self.standings, sender)


@dataclass(slots=True)
class _Kept:
    """A release that this process has put together, and what `check` found in it, by `connected`."""

    release: Release
    findings: dict[bool, tuple[Finding, ...]] = field(default_factory=dict)


MOST_KEPT = 8
_KEPT: dict[tuple[str, ...], _Kept] = {}  # by content and system: a release is the same for ever, and a thousand files long


@dataclass(slots=True)
class Playbooks:
    """Loads and checks playbooks; keeps and serves releases (`cases.ports.Releases`)."""

    store: ReleaseStore
    commerce: Commerce
    clock: Clock
    _loaded: dict[str, Release] = field(default_factory=dict)
    _merged: dict[tuple[str, str], Release] = field(default_factory=dict)
    _signatures: dict[str, str] = field(default_factory=dict)

    # -- folders and files ---------------------------------------------------------------------------------------------

    def assemble(self, files: Mapping[str, str]) -> Release:
        """A release from its files; put together once a process. Raises PlaybookError."""
        key = self._key(release_of(files))
        if key not in _KEPT:
            playbook = load(files)
            known = playbook.vocabulary(vocabulary(self.commerce))
            release = Release(playbook, load_replies(files), load_guardrails(files), known, _articles(files))
            while len(_KEPT) >= MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            _KEPT[key] = _Kept(release)
        return _KEPT[key].release

    def _key(self, release: str) -> tuple[str, ...]:
        return (release, type(self.commerce).__name__, *sorted(self.commerce.operations()))

    def check(self, folder: Path) -> tuple[Playbook, tuple[Finding, ...]]:
        """Everything `check` finds in a folder."""
        release, findings = self.examine(folder)
        return release.playbook, findings

    def examine(self, folder: Path, *, connected: bool = False) -> tuple[Release, tuple[Finding, ...]]:
        """The release of a folder and everything `check` finds in it.

        `connected`: operations that the playbook declares have to be offered by the connected system, too.
        """
        release = self.assemble(read_folder(folder))
        return release, self._findings(release, connected=connected)

    def _findings(self, release: Release, *, connected: bool) -> tuple[Finding, ...]:
        offered = frozenset({*self.commerce.operations(), *knowledge.OPERATIONS})
        known = Known(
            replies=release.replies.variables(),
            queues=frozenset(release.guardrails.queues),
            guarded_actions=frozenset(release.guardrails.limits),
            operations=offered if connected else offered | frozenset(release.playbook.declared.operations),
            taught=grammar.names(),
        )
        kept = _KEPT.get(self._key(release.playbook.release)) or _Kept(release)
        if connected not in kept.findings:
            kept.findings[connected] = (*check(release.playbook, release.vocabulary, known), *unused.findings(release))
        found = kept.findings[connected]
        return (*found, *articles.findings(release, today=utc_now().date()))

    def require_sound(self, release: Release, name: object) -> None:
        """Raises PlaybookError with every error that `check` finds, the connected system's operations being known."""
        errors = [f for f in self._findings(release, connected=True) if f.severity == "error"]
        if errors:
            listing = "\n".join(f"  {f.place}: {f.message} {f.advice}" for f in errors)
            raise PlaybookError(f"{name} has {len(errors)} errors:\n{listing}", remedy="Mend them and try again.")

    # -- releases ------------------------------------------------------------------------------------------------------

    async def keep(self, folder: Path, *, by: str) -> tuple[Release, bool]:
        """Check a folder and store it as a draft; True where it is new. Raises PlaybookError; nothing is kept then."""
        files = read_folder(folder)
        unstorable = sorted(path for path, text in files.items() if "\x00" in path + text)
        if unstorable:
            raise PlaybookError(f"{unstorable[0]} holds a zero byte.", remedy="Save it as plain text.")
        release = self.assemble(files)
        self.require_sound(release, folder)
        playbook = release.playbook
        new = await self.store.keep(
            release=playbook.release,
            worker=playbook.worker.name,
            files=playbook.files,
            people=release.guardrails.people,
            by=by,
            now=await self.clock.now(),
        )
        self._loaded[playbook.release] = release
        return release, new

    async def start(self, folder: Path, *, adopt: bool) -> Release:
        """The live release of the folder's worker. With `adopt` the folder may become it; it does where nothing is live yet.

        Raises PlaybookError with every error that `check` found in a folder that is to become live; nothing is changed then.
        """
        worker = worker_name(read_folder(folder))
        live = in_state(await self.store.standings(worker), "live")
        if live is None or adopt:
            release, _ = await self.keep(folder, by=FOLDER)
            notice = await self._adopt(release)
            if notice:
                log.warning("%s", notice)
        return (await self.opening(worker)).live

    async def _adopt(self, release: Release) -> str:
        started = Start()

        def rule(standings: Standings) -> tuple[Change, ...]:
            nonlocal started
            started = start(standings, release.playbook.release)
            return started.changes

        await self.change(release.playbook.worker.name, rule, release)
        return started.notice

    async def outlook(self, folder: Path) -> str:
        """Why the folder is not what is live; empty where it is, or becomes so at the next start."""
        release = self.assemble(read_folder(folder))
        playbook = release.playbook
        standings = await self.store.standings(playbook.worker.name)
        own = Standing(playbook.release, playbook.worker.name, people=release.guardrails.people)
        known = any(s.release == playbook.release for s in standings)
        return start(standings if known else (*standings, own), playbook.release).notice

    async def change(self, worker: str, rule: Rule, to: Release | None = None) -> Sequence[Change]:
        """Apply a rule. `to` is the release that may become live by it: its mailboxes become its worker's then."""
        mailboxes = {} if to is None else {to.playbook.release: _mailboxes(to)}
        return await self.store.apply(worker, rule, mailboxes=mailboxes, now=await self.clock.now())

    async def get(self, release: str) -> Release:
        """A release as it was stored, by its hash; loaded once a process. Raises PlaybookError."""
        if release not in self._loaded:
            files = await self.store.files(release)
            if files is None:
                raise PlaybookError(
                    f"Release {release[:12]} is not in the database.", remedy="Import it with `caseworker release import`."
                )
            self._loaded[release] = await asyncio.to_thread(self.assemble, files)
        return self._loaded[release]

    async def in_force(self, worker: str, pinned: str) -> InForce:
        """What decides a case pinned to a release, as the database says at this moment. Raises PlaybookError."""
        standings = await self.store.in_force(worker, pinned)
        live, shadow = in_state(standings, "live"), in_state(standings, "shadow")
        decides = effective(standings, pinned)
        release = await self.get(decides) if live is None else await self._under(decides, live.release)
        return InForce(release, shadow.release if shadow else "")

    async def opening(self, worker: str) -> Opening:
        """What is live for a worker's new mails. Raises PlaybookError where nothing is."""
        standings = await self.store.in_force(worker, "")
        live = in_state(standings, "live")
        if live is None:
            raise PlaybookError(
                f"No release of the worker {worker!r} is live.", remedy="Start `caseworker serve` with its playbook folder."
            )
        return Opening(await self._under(live.release, live.release), standings)

    def signature(self, mailbox: str) -> str:
        """A mailbox's name as customers see it, of the release that was live when this process last asked."""
        return self._signatures.get(mailbox, "")

    async def _under(self, pinned: str, live: str) -> Release:
        if (pinned, live) not in self._merged:
            if len(self._merged) >= MOST_MERGED:
                self._merged.clear()
            of_today = await self.get(live)
            self._signatures.update({m.address: m.signature for m in of_today.playbook.worker.mailboxes})
            self._merged[pinned, live] = with_live(await self.get(pinned), of_today)
        return self._merged[pinned, live]


def _articles(files: Mapping[str, str]) -> Mapping[str, Article]:
    problems = Problems()
    found = load_articles(files, problems)
    if problems.findings:
        raise PlaybookProblems(problems.findings)
    return found


def worker_name(files: Mapping[str, str]) -> str:
    """The worker that a playbook is for, without reading all of it. Raises PlaybookError where it cannot be told."""
    found = read_yaml("worker.yaml", files.get("worker.yaml", ""), Problems()).value
    name = found.get("name") if isinstance(found, dict) else None
    return name.text() if name is not None else load(files).worker.name


def _mailboxes(release: Release) -> list[MailboxRow]:
    worker = release.playbook.worker
    return [MailboxRow(m.address, worker.name, m.shop, m.authserv_id, m.signature) for m in worker.mailboxes]
