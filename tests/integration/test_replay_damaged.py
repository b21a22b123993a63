"""Replay over recordings that somebody changed, lost or made unreadable: each is said, and none stops the others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, open_house, order_in, reading
from playbooks_to_change import playbook

from caseworker.core.errors import StoreError
from caseworker.core.ids import case_reference

FIRST = 'where "case" = 1 and seq = 1 and number = 1'


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Two cases, the first with two decisions."""
    async with open_house(database_url, tmp_path, readings={}, playbook=str(playbook(tmp_path / "plain"))) as opened:
        order = order_in(opened, "paid", "processing")
        opened.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
        opened.readings["which"] = reading("cancel_order")
        await opened.mail("cancel", "Cancel it.", sender=order["email"])
        await opened.mail("which", "Cancel mine.", sender="c@private.example")
        await opened.work()
        assert (await opened.app.replays.every()).identical == 3
        yield opened


@pytest.mark.parametrize(
    "damage",
    [
        "decision = decision - 'version'",
        "inputs = inputs - 'now'",
        "inputs = jsonb_set(inputs, '{now}', '\"yesterday\"')",
        "inputs = jsonb_set(inputs, '{facts}', '[]')",
        "inputs = jsonb_set(inputs, '{version}', '9')",
        "decision = jsonb_set(decision, '{moves}', '[{\"move\": \"nothing\"}]')",
    ],
)
async def test_what_cannot_be_read_is_said_and_stops_no_other_case(house: House, damage: str) -> None:
    house.sql(f"update decisions set {damage} {FIRST}")
    with pytest.raises(StoreError, match=r"cannot be read|newer"):
        await house.app.replays.case("1")
    assert await house.app.replays.recorded("1") == [], "the case is shown from its timeline"
    totals = await house.app.replays.every()
    assert (totals.cases, totals.decisions, totals.identical) == (1, 1, 1)
    assert list(totals.unreadable) == [case_reference(1)]


async def test_what_was_changed_is_another_decision(house: House) -> None:
    house.sql(f"update decisions set decision = jsonb_set(decision, '{{rule}}', '\"too_late\"') {FIRST}")
    [first, second] = (await house.app.replays.case("1")).decisions
    assert first.differences == ("row too_late -> row cancel_all, with the same moves",)
    assert second.identical


async def test_what_is_not_there_any_more_is_counted(house: House) -> None:
    house.sql(f"delete from decisions {FIRST}")
    again = await house.app.replays.case("1")
    assert (len(again.decisions), again.lost) == (1, 1)
    assert (await house.app.replays.every()).lost == {case_reference(1): 1}
    house.sql('delete from decisions where "case" = 1')
    assert (await house.app.replays.case("1")).lost == 2
    assert (await house.app.replays.case("2")).lost == 0


async def test_a_release_that_is_not_there_any_more_is_named(house: House) -> None:
    house.sql(f"update decisions set release = repeat('e', 64) {FIRST}")
    again = await house.app.replays.case("1")
    assert (again.missing, [d.identical for d in again.decisions]) == (("e" * 64,), [True])
