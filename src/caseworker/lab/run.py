"""Plays scenarios against a whole installation: mails in by SMTP, replies out by SMTP, days in seconds.

Every scenario has a mailbox and a shop of its own (a fork of the same world), so that what it changed is its own. The clock is
the installation's; it moves only when nothing is under way, and then to the next moment at which anything happens.
"""

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caseworker.app.managers import CaseFile
from caseworker.core.errors import CaseworkerError
from caseworker.core.ids import new_id
from caseworker.lab.customer import Customer, Outgoing
from caseworker.lab.results import Result, gather
from caseworker.lab.scenario import Scenario
from caseworker.testing.drive.installation import Installation
from caseworker.testing.drive.smtp import submit
from caseworker.testing.relay import Delivered

DOMAIN = "lab.nordwind.example"
HORIZON = timedelta(days=21)
CASE_HEADER = "X-Caseworker"
MAX_STANDSTILL = 200  # rounds at one moment before a run is given up
ALL = 1_000_000
AT_ONCE = 50  # customers whose mails are on their way to the relay at one time


class RunFailed(CaseworkerError):
    """A run whose results cannot be believed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `at` is the installation's time; `settled` counts cases that are closed or with people."""

    at: datetime
    begun: datetime
    horizon: datetime
    mails: int
    replies: int
    cases: int
    settled: int
    scenarios: int


OnProgress = Callable[[Progress], None]


async def run_scenarios(
    scenarios: Sequence[Scenario],
    house: Installation,
    *,
    at: datetime,
    shop: str = "base",
    horizon: timedelta = HORIZON,
    progress: OnProgress | None = None,
) -> tuple[Result, ...]:
    """Play them all at once, from `at` (UTC) until nothing is left to happen or the horizon is passed.

    Raises RunFailed where the shop that all began with was changed, NotSettled where work does not end.
    """
    run = _Run(house, scenarios, at, at + horizon, shop, progress)
    before = await house.fingerprint(shop)
    await run.prepare()
    await run.play()
    results = await run.results()
    if await house.fingerprint(shop) != before:
        raise RunFailed(f"The world {shop!r} was changed: a case worked in a shop that is not its own.")
    return results


@dataclass(slots=True)
class _Run:
    """One run's state."""

    house: Installation
    scenarios: Sequence[Scenario]
    begun: datetime
    end: datetime
    shop: str
    progress: OnProgress | None
    customers: dict[str, Customer] = field(default_factory=dict)
    received: dict[str, list[Delivered]] = field(default_factory=lambda: defaultdict(list))
    due: list[tuple[datetime, int, str, Outgoing]] = field(default_factory=list)
    count: int = 0
    mails: int = 0

    async def prepare(self) -> None:
        """Clock, worlds, mailboxes, customers with their first mails."""
        await self.house.move(self.begun)
        token = new_id()[:8]
        for scenario in self.scenarios:
            mailbox = f"s-{scenario.id}@{DOMAIN}"
            self.customers[mailbox] = Customer(scenario, mailbox, token, self.house.relay.authserv_id)
            await self.house.fork_shop(self.shop, _world(scenario))
        await self.house.open_mailboxes({box: _world(c.scenario) for box, c in self.customers.items()})
        for address in sorted({a for customer in self.customers.values() for a in customer.addresses}):
            self.house.relay.listen(address, self._arrived)
        for mailbox, customer in self.customers.items():
            self._schedule(mailbox, customer.begin(self.begun))

    def _arrived(self, reply: Delivered) -> None:
        customer = self.customers.get(reply.sender)
        if customer is not None:
            customer.inbox.append(reply)
            self.received[reply.sender].append(reply)

    def _schedule(self, mailbox: str, outgoing: Sequence[Outgoing]) -> None:
        for mail in outgoing:
            self.count += 1
            heapq.heappush(self.due, (mail.due, self.count, mailbox, mail))

    async def play(self) -> None:
        """Move from moment to moment."""
        now, standstill = self.begun, 0
        while True:
            await self._send(now)
            await self.house.settle()
            await self._hear(now)
            await self._report(now)
            following = await self._next()
            if following is None or following > self.end:
                return
            standstill = 0 if following > now else standstill + 1
            if standstill > MAX_STANDSTILL:
                raise RunFailed(f"The run stands still at {now.isoformat()}: something stays due for ever.")
            if following > now:
                now = following
                await self.house.move(now)

    async def _send(self, now: datetime) -> None:
        """Everything that customers send by now; each customer's mails in their order."""
        waves: dict[str, list[Outgoing]] = defaultdict(list)
        while self.due and self.due[0][0] <= now:
            _, _, mailbox, mail = heapq.heappop(self.due)
            waves[mailbox].append(mail)
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._submit(mails, turns) for mails in waves.values()))

    async def _submit(self, mails: Sequence[Outgoing], turns: asyncio.Semaphore) -> None:
        relay = self.house.relay
        for mail in mails:
            async with turns:
                answer = await submit(relay.host, relay.submit_port, mail.raw, sender=mail.sender, recipients=(mail.recipient,))
            if not answer.taken:
                raise RunFailed(f"The relay did not take a mail of {mail.sender}: {answer.code} {answer.text}")
            self.mails += 1

    async def _hear(self, now: datetime) -> None:
        """Customers read what has arrived. The case is at rest by now, so what the reply asked for is recorded."""
        for mailbox, customer in self.customers.items():
            arrived, customer.inbox = customer.inbox, []
            for reply in arrived:
                file = await self.house.app.managers.file(reply.header(CASE_HEADER))
                self._schedule(mailbox, customer.hear(reply, file, now))

    async def _next(self) -> datetime | None:
        moments = [self.due[0][0]] if self.due else []
        event = await self.house.app.control.next_due()
        return min([*moments, event] if event else moments, default=None)

    async def _report(self, now: datetime) -> None:
        if self.progress is None:
            return
        counts = await self.house.app.managers.counts()
        replies = sum(len(replies) for replies in self.received.values())
        settled = counts.get("closed", 0) + counts.get("with_people", 0)
        self.progress(
            Progress(now, self.begun, self.end, self.mails, replies, sum(counts.values()), settled, len(self.scenarios))
        )

    async def results(self) -> tuple[Result, ...]:
        """One result per scenario, in the given order."""
        by_mailbox: dict[str, list[CaseFile]] = defaultdict(list)
        rows = await self.house.app.managers.cases(limit=ALL)
        for row in sorted(rows, key=lambda row: int(row.number)):
            if row.mailbox in self.customers and row.opened_at >= self.begun:
                by_mailbox[row.mailbox].append(await self.house.app.managers.file(str(row.number)))
        aside = await self.house.app.control.aside()
        found = []
        for mailbox, customer in self.customers.items():
            files = by_mailbox[mailbox]
            numbers = {file.case.number for file in files}
            trouble = [f"{entry['what']} {entry['id']}: {entry['error']}" for entry in aside if entry["case"] in numbers]
            expected = [r.order for r in customer.scenario.expect.requests if r.order]
            found.append(
                gather(
                    customer,
                    files,
                    await self.house.difference(_world(customer.scenario)),
                    trouble=trouble,
                    orders=await self.house.orders(self.shop, expected),
                    delivered=self.received[mailbox],
                )
            )
        return tuple(found)


def _world(scenario: Scenario) -> str:
    return f"s-{scenario.id}"
