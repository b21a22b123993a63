"""A whole installation with the world around it: Caseworker, its sandbox shop, and the mail relay between it and customers.

`inprocess.py` and `processes.py` open one; whoever drives it sees no difference.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from caseworker.bootstrap import App
from caseworker.cases.intake import MailboxRow
from caseworker.commerce.adapters.sandbox import Sandbox
from caseworker.core.errors import CaseworkerError, ConfigurationError
from caseworker.settings import Settings
from caseworker.store.clock import DatabaseClock
from caseworker.testing.drive.smtp import takes
from caseworker.testing.relay import Relay

AT_ONCE = 500
POLL = 0.02  # seconds between two looks at whether everything is done
QUIET_LOOKS = 2  # looks in a row that must find nothing to do
SECRET = "the secret of a lab installation, which signs nothing real"


class NotSettled(CaseworkerError):
    """Work went on, or got stuck, for longer than a run waits."""


@dataclass(slots=True)
class Installation:
    """`app` sees the same database as the workers; only the lab's clock (`settings.clock = database`) can be moved."""

    app: App
    relay: Relay

    @property
    def sandbox(self) -> Sandbox:
        """The shop. Raises ConfigurationError where another one is connected."""
        if not isinstance(self.app.commerce, Sandbox):
            raise ConfigurationError("The lab needs the sandbox shop.", remedy="Set CASEWORKER_COMMERCE=sandbox.")
        return self.app.commerce

    async def now(self) -> datetime:
        """The installation's time."""
        return await self.app.clock.now()

    async def move(self, at: datetime) -> None:
        """Set the installation's time, for every process."""
        if not isinstance(self.app.clock, DatabaseClock):
            raise ConfigurationError("This installation's clock cannot be moved.", remedy="Set CASEWORKER_CLOCK=database.")
        await self.app.clock.move(at)

    # -- the shop and the mailboxes ------------------------------------------------------------------------------------

    async def fork_shop(self, parent: str, child: str) -> None:
        """A world of its own that begins as `parent`; one of that name from an earlier run is replaced."""
        await self.sandbox.drop(child)
        await self.sandbox.fork(parent=parent, child=child)

    async def difference(self, world: str) -> Sequence[Mapping[str, Any]]:
        """What a forked world changed: `{kind, id, before, after}`."""
        return await self.sandbox.difference(world)

    async def fingerprint(self, world: str) -> str:
        """A hash of everything in a world."""
        shop = await self.sandbox.dump(world)
        return await asyncio.to_thread(lambda: hashlib.sha256(json.dumps(shop, sort_keys=True).encode()).hexdigest())

    async def orders(self, world: str, numbers: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Whole order documents by number; a number that the shop does not know is left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for number in numbers:
            records = await self.sandbox.read(world, "orders.find", {"number": number})
            assert isinstance(records, tuple | list)
            for record in records:
                found[number] = await self.sandbox.record(world, "orders", record.ref.id)
        return found

    async def open_mailboxes(self, shops: Mapping[str, str]) -> None:
        """Mailboxes (address -> world) of the playbook's worker, known to the intake when this returns."""
        worker = self.app.release.playbook.worker
        first = worker.mailboxes[0]
        rows = [MailboxRow(a, worker.name, shop, self.relay.authserv_id, first.signature) for a, shop in shops.items()]
        await self.app.control.set_mailboxes(rows)
        await self._until_taken(tuple(shops))

    async def _until_taken(self, addresses: Sequence[str]) -> None:
        if self.relay.target is None or not addresses:
            return
        deadline = time.monotonic() + 20
        while not await takes(*self.relay.target, addresses[-1]):
            if time.monotonic() > deadline:
                raise NotSettled(f"The intake does not take mail for {addresses[-1]}.", remedy="Look at the intake's log.")
            await asyncio.sleep(0.2)

    # -- waiting -------------------------------------------------------------------------------------------------------

    async def settle(self, *, patience: float = 120.0, limit: float = 3600.0) -> None:
        """Return when nothing is under way: no mail, no job, no case at work, nothing due.

        What is due and that nobody looks at is woken at once, not by the next sweep. Raises NotSettled when nothing has moved
        for `patience` seconds, or after `limit` seconds of work.
        """
        begun = moved = time.monotonic()
        quiet = 0
        before: tuple[int, ...] = ()
        while True:
            quiet = quiet + 1 if await self._idle() else 0
            if quiet >= QUIET_LOOKS:
                return
            there, now = await self._under_way(), time.monotonic()
            if there != before:
                before, moved = there, now
            if now - moved > patience or now - begun > limit:
                raise await self._stuck(now - begun)
            if not quiet:
                await asyncio.sleep(POLL)

    async def _under_way(self) -> tuple[int, ...]:
        """Figures that change while anything goes on."""
        relay = self.relay
        return relay.busy, len(relay.accepted), len(relay.delivered), await self._jobs(), await self.app.control.working()

    async def _stuck(self, seconds: float) -> NotSettled:
        due = await self.app.control.due_cases(await self.now(), AT_ONCE)
        return NotSettled(
            f"Work does not end after {seconds:.0f} s: {self.relay.busy} mails under way, {await self._jobs()} jobs, "
            f"cases due: {list(due[:10])}.",
            remedy="Look at the workers' logs and at `caseworker cases list`.",
        )

    async def _idle(self) -> bool:
        if self.relay.busy:
            return False
        due = await self.app.control.due_cases(await self.now(), AT_ONCE)
        jobs = await self._jobs()
        if due and not jobs:
            for case in due:
                await self.app.jobs.wake_now(case)
        return not due and not jobs and not await self.app.control.working() and not self.relay.busy

    async def _jobs(self) -> int:
        row = await self.app.jobs.app.connector.execute_query_one_async(
            "SELECT count(*) AS n FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        )
        return int(cast("Mapping[str, Any]", row)["n"])


def lab_settings(settings: Settings, relay: Relay) -> Settings:
    """The settings of a driven installation: everything on loopback, the movable clock, mail through the relay."""
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    values.update(clock="database", relay=f"smtp://{relay.host}:{relay.outgoing_port}", secret=settings.secret or SECRET)
    return Settings(**values)
