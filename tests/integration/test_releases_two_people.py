"""The rule of two people over a real database: who lowers it is read from the log."""

from pathlib import Path

import pytest
from house import open_house
from playbooks_to_change import careful, playbook

from caseworker.core.errors import UsageError


async def test_two_people_lower_the_rule_and_nobody_alone(database_url: str, tmp_path: Path) -> None:
    two = ("guardrails.yaml", "actions:\n", "publishing: {people: 2}\nactions:\n")
    strict, lax, laxer = playbook(tmp_path / "strict", two), careful(tmp_path / "lax"), playbook(tmp_path / "laxer")
    async with open_house(database_url, tmp_path, readings={}, playbook=str(lax)) as house:
        releases = house.app.releases
        first = await releases.find("live")
        told, _ = await releases.take_in(strict, by="anna")
        other, _ = await releases.take_in(laxer, by="anna")
        await releases.propose(told.short, "live", by="Anna")
        house.clock.move(minutes=1)
        await releases.approve(told.short, by="Ben")
        house.clock.move(minutes=1)
        await releases.roll_back(by="Mallory")
        await releases.shadow(told.short, by="Mallory")
        with pytest.raises(UsageError, match="two people"):
            await releases.publish(other.short, by="Mallory")
        await releases.propose(other.short, "live", by="Anna")
        house.clock.move(minutes=1)
        await releases.approve(other.short, by="Ben")
        assert (await releases.publish(first.short, by="Anna")).state == "live"
