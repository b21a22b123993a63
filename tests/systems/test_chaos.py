"""The campaign of docs/how-to/run-a-chaos-campaign.md, whole: minutes each, so they run with `make test-systems` only."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseworker.testing.chaos.campaign import run
from caseworker.testing.chaos.model import FAILPOINTS, Order, Report

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]  # seconds; a busy machine takes its time


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can pass through, which pytest's own (0700) are not."""
    made = Path(tempfile.mkdtemp(prefix="caseworker-chaos-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _must_hold(report: Report) -> None:
    assert {c.name: c.findings for c in report.conditions if not c.holds} == {}
    assert (report.struck("kill"), report.struck("stop"), report.intake_kills) == (30, 10, 1)
    assert all(report.struck("kill", name) + report.struck("stop", name) >= 4 for name in FAILPOINTS)
    assert report.counts["messages"] == 300
    assert report.takeovers[-1] < 30.0


async def test_nothing_is_lost_and_nothing_is_done_twice_on_the_embedded_database(folder: Path) -> None:
    _must_hold(await run(Order(folder)))


async def test_nothing_is_lost_and_nothing_is_done_twice_on_an_external_database(folder: Path, postgres_url: str) -> None:
    _must_hold(await run(Order(folder, seed=8, database_url=postgres_url)))


async def test_without_the_fence_the_campaign_fails(folder: Path) -> None:
    """A test that cannot fail proves nothing: a woken worker's late commit has to be seen."""
    report = await run(Order(folder, mails=40, kills=2, stops=6, fence=False))
    broken = {c.name for c in report.conditions if not c.holds}
    assert "zombies committed nothing" in broken, broken
