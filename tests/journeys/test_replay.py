"""What was decided can be decided again from its recording: the same release decides the same, another one is compared."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, open_house
from recorded import embedded_reader, play


@pytest.fixture
async def demo(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Forty customers of the demo, played to the end."""
    async with open_house(database_url, tmp_path, readings={}, reader=embedded_reader()) as house:
        await play(house, first=40)
        yield house


async def test_the_same_release_decides_every_recorded_case_again_in_the_same_way(demo: House) -> None:
    totals = await demo.app.replays.every()
    assert totals.cases >= 35
    assert totals.decisions > totals.cases
    assert totals.changes == {}
    assert totals.identical == totals.decisions
