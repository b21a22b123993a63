"""Fixtures of the journeys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, open_house


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """An installation with a small shop; `house.readings[SUBJECT]` says what is read in a mail."""
    async with open_house(database_url, tmp_path, readings={}) as opened:
        yield opened
