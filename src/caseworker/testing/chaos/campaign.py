"""One campaign from the first mail to the verdict."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from signal import SIGCONT

import psycopg

from caseworker.bootstrap import build, open_database
from caseworker.core.clock import utc_now
from caseworker.core.errors import UsageError
from caseworker.settings import Settings
from caseworker.testing.chaos import verdict
from caseworker.testing.chaos.client import Client
from caseworker.testing.chaos.intake import kill_while_committing, lay_trap, remove_trap
from caseworker.testing.chaos.model import FAULTS, CampaignError, Order, Progress, Report, Strike
from caseworker.testing.chaos.strikes import Striker, plan
from caseworker.testing.chaos.world import AUTHSERV_ID, Story, World, make
from caseworker.testing.drive.installation import Installation
from caseworker.testing.drive.processes import Fleet, NotStarted, Process
from caseworker.testing.relay import Relay

HIT_WITHIN = 120.0  # seconds in which an armed failpoint has to meet somebody
FROZEN = 16.0  # seconds: longer than a lease (10) and a sweep (3)
FROZEN_AT_MOST = 45.0
BREATH = 1.0  # seconds between two strikes
BACKLOG = (
    20  # open events and effects above which no more strikes are dealt: a slow machine makes a run longer, not another one
)
SETTLE_WITHIN = 300.0
QUIET_LOOKS = 3  # looks in a row that find nothing to do
STARTS = 3  # tries to start a process on a busy machine
SECRET = "the secret of a chaos campaign, which signs nothing real"

Told = Callable[[Progress], None]
_LEFT = (
    "select (select count(*) from events where done_at is null and not aside and (due_at <= now() or attempts > 0))"
    " + (select count(*) from effects where status in ('planned', 'started', 'pending', 'unknown'))"
    " + (select count(*) from cases where lease_until > now())"
)


async def run(order: Order, tell: Told = lambda progress: None) -> Report:
    """The campaign. Raises UsageError for a database that is in use, CampaignError where it cannot go on."""
    begun = time.monotonic()
    made = await asyncio.to_thread(make, mails=order.mails, seed=order.seed, at=utc_now())
    async with _installed(order) as fleet:
        campaign = Campaign(order, made, fleet, tell)
        await campaign.play()
        await campaign.settle()
        report = Report(
            order,
            acknowledged=len(campaign.client.acks),
            sent_again=campaign.client.tried_again,
            hits=campaign.striker.hits,
            intake_kills=campaign.intake_kills,
        )
        await fleet.end()
        await asyncio.to_thread(remove_trap, campaign.url)
        tell(replace(campaign.progress, phase="counting again"))
        await asyncio.to_thread(
            verdict.judge, report, made, campaign.client.acks, url=campaign.url, relay=fleet.installation.relay
        )
    report.took = time.monotonic() - begun
    return report


@asynccontextmanager
async def _installed(order: Order) -> AsyncIterator[Fleet]:
    """Database, relay, intake and workers, started like an operator starts them."""
    failpoints = order.folder / "failpoints"
    failpoints.mkdir(parents=True)
    settings = Settings(
        data_dir=order.folder / "data",
        database_url=order.database_url,
        secret=SECRET,
        fence=order.fence,
        failpoints=str(failpoints),
    )
    async with AsyncExitStack() as stack:
        url, _ = await asyncio.to_thread(open_database, settings, stack)
        await asyncio.to_thread(_refuse_used, url)
        relay = Relay(AUTHSERV_ID, order.folder / "mail")
        await relay.start()
        stack.push_async_callback(relay.stop)
        settings = replace(settings, relay=f"smtp://{relay.host}:{relay.outgoing_port}")
        app = await stack.enter_async_context(build(settings))
        fleet = Fleet(Installation(app, relay), settings, order.folder / "logs")
        stack.push_async_callback(fleet.end)
        stack.callback(_wake_all, fleet)
        yield fleet


def _wake_all(fleet: Fleet) -> None:
    """A frozen process would not hear that it is to end."""
    for process in fleet.workers:
        process.send(SIGCONT)


def _refuse_used(url: str) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute("select to_regclass('cases') is not null").fetchone()
        used = row is not None and row[0] and connection.execute("select 1 from raw_mails limit 1").fetchone()
    if used:
        raise UsageError(
            "There are mails in this database.", remedy="A campaign needs an empty one: it fills it and breaks in it."
        )


@dataclass(slots=True)
class Campaign:
    """The campaign while it runs."""

    order: Order
    world: World
    fleet: Fleet
    tell: Told
    client: Client = field(init=False)
    striker: Striker = field(init=False)
    intake_kills: int = 0
    _phase: str = "starting"
    _struck: int = 0
    _starting: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = Client(self.fleet.installation.relay)
        self.striker = Striker(self.order.folder / "failpoints", self.url)

    @property
    def url(self) -> str:
        """The database's."""
        return self.fleet.installation.app.database.url

    @property
    def progress(self) -> Progress:
        """Where it stands."""
        strikes = self.order.kills + self.order.stops
        return Progress(self._phase, len(self.client.acks), self.order.mails, self._struck, strikes)

    async def play(self) -> None:
        """Mails and strikes, until all mails were acknowledged and all strikes have hit."""
        sandbox = self.fleet.installation.sandbox
        await sandbox.load(self.world.shop)
        await sandbox.misbehave({**FAULTS, "seed": self.order.seed})
        self._say("starting")
        await asyncio.to_thread(lay_trap, self.url)
        await self.fleet.add_intake()
        await asyncio.gather(*(self._start(self.fleet.add_worker) for _ in range(self.order.workers)))
        async with _background(self.striker.watch(), self._keep_alive()) as watch:
            await watch.during(self._strike_and_feed())

    async def _strike_and_feed(self) -> None:
        strikes = plan(kills=self.order.kills, stops=self.order.stops, dice=random.Random(self.order.seed))
        stories = list(self.world.stories)
        special = next(s for s in stories if len(s.mails) == 1 and not s.twice)
        stories.remove(special)
        feeding: set[asyncio.Task[None]] = set()
        self._say("striking")
        for number, strike in enumerate(strikes):
            if number == len(strikes) // 3:
                self.intake_kills += await self._strike_intake(special)
            batch = stories[number * len(stories) // len(strikes) : (number + 1) * len(stories) // len(strikes)]
            await self._ready(strike)
            self.striker.arm(strike)
            feeding |= {asyncio.create_task(self.client.tell(story)) for story in batch}
            await self._hit(strike)
            self._struck += 1
            self._say("striking")
            await asyncio.sleep(BREATH)
        await asyncio.gather(*feeding)

    async def _ready(self, strike: Strike) -> None:
        """A freeze needs a second worker to take over; a kill one that can be killed."""
        needed = self.order.workers if strike.act == "stop" else 1
        while len(self._alive()) < needed or await self._left() > BACKLOG:  # noqa: ASYNC110  # neither sets an event
            await asyncio.sleep(0.2)

    async def _hit(self, strike: Strike) -> None:
        hit = await self.striker.wait(self._struck, seconds=HIT_WITHIN)
        if hit is None:
            raise CampaignError(f"Nobody came by {strike.failpoint} within {HIT_WITHIN:.0f} s.", remedy="Send more mails.")
        if strike.act == "stop":
            await self.striker.wake(hit, least=FROZEN, most=FROZEN_AT_MOST)

    async def _strike_intake(self, story: Story) -> int:
        sending: list[asyncio.Task[None]] = []

        def send() -> None:
            sending.append(asyncio.create_task(self.client.tell(story)))

        killed = await kill_while_committing(self.fleet.intakes[-1], self.url, send=send)
        await asyncio.gather(*sending)
        return int(killed)

    # -- processes -----------------------------------------------------------------------------------------------------

    def _alive(self) -> list[Process]:
        return [worker for worker in self.fleet.workers if worker.running]

    async def _start(self, how: Callable[[], Awaitable[Process]]) -> None:
        for attempt in range(1, STARTS + 1):
            try:
                await how()
                return
            except NotStarted:
                if attempt == STARTS:
                    raise

    async def _keep_alive(self) -> None:
        """Start a new process for each that has died."""
        while True:
            for task in [task for task in self._starting if task.done()]:
                self._starting.discard(task)
                task.result()
            if len(self._alive()) + len(self._starting) < self.order.workers:
                self._starting.add(asyncio.create_task(self._start(self.fleet.add_worker)))
            if not self.fleet.intakes[-1].running:
                await self._start(self.fleet.add_intake)
            await asyncio.sleep(0.1)

    async def settle(self) -> None:
        """Wait until nothing is left to be done. What is left when the time is up is for the verdict to say."""
        self._say("settling")
        self.striker.disarm()
        _wake_all(self.fleet)
        async with _background(self.striker.watch(), self._keep_alive()) as watch:
            await watch.during(self._quiet())
        await asyncio.gather(*self._starting)

    async def _quiet(self) -> None:
        deadline, quiet = time.monotonic() + SETTLE_WITHIN, 0
        while quiet < QUIET_LOOKS and time.monotonic() < deadline:
            left = await self._left() + self.fleet.installation.relay.busy
            quiet = quiet + 1 if not left else 0
            await asyncio.sleep(0.5)

    async def _left(self) -> int:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            row = await (await connection.execute(_LEFT)).fetchone()
        return int(row[0]) if row else 0

    def _say(self, phase: str) -> None:
        self._phase = phase
        self.tell(self.progress)


@dataclass(slots=True)
class _Background:
    """Tasks that go on beside the main one; when one of them fails, so does the campaign."""

    tasks: Sequence[asyncio.Task[None]]

    async def during(self, main: Awaitable[None]) -> None:
        """Run `main` with the tasks beside it."""
        task = asyncio.ensure_future(main)
        done, _ = await asyncio.wait({task, *self.tasks}, return_when=asyncio.FIRST_COMPLETED)
        if task not in done:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for ended in done:
            ended.result()


@asynccontextmanager
async def _background(*works: Awaitable[None]) -> AsyncIterator[_Background]:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield _Background(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
