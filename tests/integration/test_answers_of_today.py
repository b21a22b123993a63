"""Approved answers as they are live at the moment of the question: none past its day, withdrawn, or without its figures."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from house import House, asked, open_house, several
from playbooks_to_change import playbook

from caseworker.app.playbooks import Playbooks
from caseworker.cli.playbooks import offline

WORDS = "How much is shipping?"
FEE = ("parameters.yaml", 'shipping_fee_home: {type: Money, values: ["4.90 EUR"]}')
UNTIL = 'shipping_fee_home: {type: Money, values: [{value: "4.90 EUR", to: 2026-12-10}]}'


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The fee for shipping is known until the tenth of December."""
    folder = playbook(tmp_path / "plain", (*FEE, UNTIL))
    async with open_house(database_url, tmp_path, readings={}, playbook=str(folder)) as opened:
        opened.readings["shipping"] = several(replace(asked("product_question"), words=WORDS))
        yield opened


async def ask(house: House, sender: str) -> list[str]:
    """Ask, and see what people get and what the customer reads."""
    taken = await house.mail("shipping", WORDS, sender=sender)
    await house.work()
    assert house.sql("select count(*) from events where aside or attempts > 0") == [(0,)]
    return [item.because for item in (await house.file(taken)).items]


async def test_an_answer_without_todays_figure_is_for_people(house: House) -> None:
    assert await ask(house, "a@private.example") == []
    assert "4.90" in house.outbox.texts[0]
    house.clock.move(days=9)
    assert await ask(house, "b@private.example") == ["no_answer"]
    assert "4.90" not in house.outbox.texts[1]


async def test_an_answer_past_its_day_or_withdrawn_is_not_given(house: House, tmp_path: Path) -> None:
    assert await ask(house, "a@private.example") == []
    releases = house.app.releases
    day = ("knowledge/shipping_costs.md", "review_by: 2027-06-30", "review_by: 2026-12-01")
    told, _ = await releases.take_in(playbook(tmp_path / "old", (*FEE, UNTIL), day), by="anna")
    await releases.publish(told.release, by="anna")
    assert await ask(house, "b@private.example") == ["answer_out_of_date"]
    (tmp_path / "old" / "knowledge" / "shipping_costs.md").unlink()
    told, _ = await releases.take_in(tmp_path / "old", by="anna")
    await releases.publish(told.release, by="anna")
    assert await ask(house, "c@private.example") == ["no_answer"]
    assert [("4.90" in text) for text in house.outbox.texts] == [True, False, False]


def test_a_procedure_that_does_not_look_at_the_day_is_an_error(tmp_path: Path) -> None:
    row = (
        "  - rule: out_of_date\n    when: answer.review_by < now\n    escalate: {queue: general, because: answer_out_of_date}\n"
    )
    found = _errors(offline(), playbook(tmp_path / "never", ("sops/questions.yaml", row, "")))
    assert [line for line in found if "review_day_unheeded" in line and "Row answered gives an approved answer" in line]
    later = playbook(
        tmp_path / "later",
        ("sops/questions.yaml", row, ""),
        ("sops/questions.yaml", "  - otherwise: not_covered", f"{row}\n  - otherwise: not_covered"),
    )
    assert [line for line in _errors(offline(), later) if "review_day_unheeded" in line]
    assert _errors(offline(), playbook(tmp_path / "plain")) == []


def _errors(playbooks: Playbooks, folder: Path) -> list[str]:
    return [f"{f.code} {f.message}" for f in playbooks.check(folder)[1] if f.severity == "error"]
