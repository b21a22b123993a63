"""Playbooks for managers: load, check, keep as a release, hand a release to the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from caseworker.app.ports import Control
from caseworker.cases.intake import MailboxRow
from caseworker.cases.release import Release
from caseworker.commerce.errors import BadArguments, CommerceError, Refusal
from caseworker.commerce.operations import records
from caseworker.commerce.ports import Commerce
from caseworker.core.clock import Clock
from caseworker.core.errors import PlaybookError
from caseworker.guard.load import load as load_guardrails
from caseworker.sop.check import check
from caseworker.sop.load import load, read_folder
from caseworker.sop.model import Finding, Known, OperationType, Playbook, Vocabulary
from caseworker.writing.load import load as load_replies

# What `failed.NAME.code` can be: answers of systems, and the engine's own words.
_KINDS: tuple[type[CommerceError], ...] = (Refusal, *Refusal.__subclasses__(), BadArguments)
REFUSALS = frozenset(kind.code for kind in _KINDS) | {"already_done", "denied_by_person", "guardrail"}


def vocabulary(commerce: Commerce) -> Vocabulary:
    """What procedures may name: the shop's operations and records, in the words of the procedure language."""
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
        for name, op in commerce.operations().items()
    }
    return Vocabulary(records(), operations, REFUSALS)


def shipped(name: str) -> Path:
    """A playbook that comes with Caseworker, or the folder of that name."""
    inside = Path(__file__).parent.parent / "playbooks" / name
    if (inside / "worker.yaml").is_file():
        return inside
    folder = Path(name).expanduser()
    if not (folder / "worker.yaml").is_file():
        raise PlaybookError(
            f"There is no playbook at {folder}: it has no worker.yaml.",
            remedy="Give a playbook folder, or `retail` for the one that comes with Caseworker.",
        )
    return folder


@dataclass(slots=True)
class Playbooks:
    """Loads and checks playbooks; keeps and serves releases (`cases.ports.Releases`)."""

    control: Control
    commerce: Commerce
    clock: Clock
    _loaded: dict[str, Release] = field(default_factory=dict)

    def assemble(self, files: Mapping[str, str]) -> Release:
        """A release from its files. Raises PlaybookError."""
        playbook = load(files)
        known = playbook.vocabulary(vocabulary(self.commerce))
        return Release(playbook, load_replies(files), load_guardrails(files), known)

    def check(self, folder: Path) -> tuple[Playbook, tuple[Finding, ...]]:
        """Everything `check` finds in a folder."""
        release, findings = self.examine(folder)
        return release.playbook, findings

    def examine(self, folder: Path, *, connected: bool = False) -> tuple[Release, tuple[Finding, ...]]:
        """The release of a folder and everything `check` finds in it.

        `connected`: operations that the playbook declares have to be offered by the connected system, too.
        """
        release = self.assemble(read_folder(folder))
        offered = frozenset(self.commerce.operations())
        known = Known(
            replies=release.replies.variables(),
            queues=frozenset(release.guardrails.queues),
            guarded_actions=frozenset(release.guardrails.limits),
            operations=offered if connected else offered | frozenset(release.playbook.declared.operations),
        )
        return release, check(release.playbook, release.vocabulary, known)

    async def publish(self, folder: Path) -> Release:
        """Check a folder, keep it as a release, and give its mailboxes to its worker.

        Raises PlaybookError with every error that `check` found; nothing is kept then.
        """
        release, findings = self.examine(folder, connected=True)
        playbook = release.playbook
        errors = [f for f in findings if f.severity == "error"]
        if errors:
            listing = "\n".join(f"  {f.place}: {f.message} {f.advice}" for f in errors)
            raise PlaybookError(f"{folder} has {len(errors)} errors:\n{listing}", remedy="Mend them and try again.")
        worker, now = playbook.worker, await self.clock.now()
        await self.control.keep_release(release=playbook.release, worker=worker.name, files=playbook.files, now=now)
        rows = [MailboxRow(m.address, worker.name, m.shop, m.authserv_id, m.signature) for m in worker.mailboxes]
        await self.control.set_mailboxes(rows)
        self._loaded[playbook.release] = release
        return release

    async def get(self, release: str) -> Release:
        """A loaded release by its hash; loaded once a process."""
        if release not in self._loaded:
            files = await self.control.release_files(release)
            if files is None:
                raise PlaybookError(
                    f"Release {release[:12]} is not in the database.", remedy="Import it with `caseworker release import`."
                )
            self._loaded[release] = self.assemble(files)
        return self._loaded[release]
