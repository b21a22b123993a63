"""A whole run: an installation of real processes over a database of its own, a shop, scenarios, results."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from caseworker.lab.results import Result
from caseworker.lab.run import OnProgress, run_scenarios
from caseworker.lab.scenario import Scenario
from caseworker.settings import Settings
from caseworker.testing.drive.processes import Fleet, open_fleet


@asynccontextmanager
async def open_lab(settings: Settings, *, shop: Mapping[str, object], folder: Path, workers: int = 2) -> AsyncIterator[Fleet]:
    """Relay, SMTP intake and worker processes, with `shop` loaded as the world that every scenario begins with.

    Everything of the run lies below `folder`: data, mails, logs. Raises ShopError for a shop that is not in order.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    chosen = dataclasses.replace(settings, data_dir=folder / "data", database_url=settings.database_url)
    async with open_fleet(chosen, workers=workers, folder=folder) as fleet:
        await fleet.installation.sandbox.load(shop)
        yield fleet


async def play(
    scenarios: Sequence[Scenario], fleet: Fleet, *, at: datetime, progress: OnProgress | None = None
) -> tuple[Result, ...]:
    """All scenarios at once, each in its own copy of the shop, through the real SMTP way on the movable clock."""
    return await run_scenarios(scenarios, fleet.installation, at=at, progress=progress)
