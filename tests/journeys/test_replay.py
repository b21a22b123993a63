"""What was decided can be decided again from its recording: the same release decides the same, another one is compared."""

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from house import House, open_house
from recorded import knowing_reader, play, scenarios, write_about_many_orders

from caseworker.app.decisions import decisions_of, why_not
from caseworker.app.playbooks import shipped
from caseworker.core.refs import Ref
from caseworker.sop.examples import run_text
from caseworker.sop.recorded import Recording
from caseworker.sop.sample import sample_of

PRIVATE = (
    *("email", "address", "name", "street", "city", "postcode", "number", "order_number", "tracking_number", "tracking_url"),
    *("title", "sku", "id", "items", "line_ids", "label_url", "reference", "message"),
)


@pytest.fixture
async def demo(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Thirty customers of the demo, played to the end."""
    told = scenarios(44)[14:]
    async with open_house(database_url, tmp_path, readings={}, reader=knowing_reader(told)) as house:
        await play(house, told)
        yield house


@pytest.mark.timeout(300)
async def test_recorded_cases_are_decided_again_explained_and_made_examples_of(demo: House, tmp_path: Path) -> None:
    await _decided_again_in_the_same_way(demo)
    await _another_release_is_compared(demo, tmp_path)
    await _every_decision_is_explained(demo)
    await _examples_name_nobody(demo)


async def _decided_again_in_the_same_way(demo: House) -> None:
    totals = await demo.app.replays.every()
    assert totals.cases == 30
    assert totals.decisions > totals.cases
    assert totals.changes == {}
    assert totals.identical == totals.decisions
    [(count,)] = demo.sql("select count(*) from decisions")
    assert totals.decisions == count
    assert (await demo.app.replays.every(limit=5)).cases == 5
    assert (await demo.app.replays.every(since=datetime.fromisoformat("2027-06-01T00:00Z"))).cases == 0


async def _another_release_is_compared(demo: House, tmp_path: Path) -> None:
    """Without a day in which anything may be sent back, the reason is asked for where a return was registered."""
    folder = tmp_path / "strict"
    shutil.copytree(shipped("retail"), folder)
    parameters = folder / "parameters.yaml"
    parameters.write_text(
        parameters.read_text().replace("    - 30\n", "    - 0\n").replace("value: 45, country: DE", "value: 0")
    )
    totals = await demo.app.replays.every(release=str(folder))
    assert totals.changes["return: register -> (no row)"] >= 2, totals
    assert not [change for change in totals.changes if change.startswith(("cancel:", "where_is_my_order:"))]
    again = await demo.app.replays.case(totals.examples["return: register -> (no row)"][0], str(folder))
    told = [decision.differences[0] for decision in again.different]
    assert any(words.startswith("row register -> no row: ask return_reason instead of do returns.create") for words in told), (
        told
    )


async def _every_decision_is_explained(demo: House) -> None:
    for number in await demo.app.replays.decisions.recorded(since=None, limit=None):
        file = await demo.file(number)
        recorded = await demo.app.replays.recorded(str(number))
        told = decisions_of(file, demo.app.release.playbook, recorded)
        assert [each.decision.number for each in told] == list(range(1, len(recorded) + 1))
        for each in told:
            below = [row for row in each.decision.rows if row.verdict in ("false", "unknown", "error")]
            assert all(row.because for row in below), each.decision
            assert any(line.startswith("Now: ") for line in each.decision.lines)
        if told[0].decision.procedure == "return":
            assert [why.row for _, why in why_not(recorded, "window_closed")]


async def _examples_name_nobody(demo: House) -> None:
    release, passed = demo.app.release, 0
    numbers = await demo.app.replays.decisions.recorded(since=None, limit=None)
    for recording in await demo.app.replays.decisions.of_cases(numbers):
        made = sample_of(recording, release.playbook, release.vocabulary)
        result = run_text(made.text, release.playbook, release.vocabulary)
        assert result.problem == "", made.text
        assert result.decision is not None
        assert result.decision.rule == recording.decision.rule
        given = made.text.partition("facts:")[2].partition("  expect:")[0].casefold()
        for text in set(_private(recording)):
            assert text.casefold() not in given, (text, made.text)
        passed += 1
    assert passed >= 40


def _private(recording: Recording) -> Iterator[str]:
    """Every name, number, address and free text of the inputs that is long enough to be looked for."""
    yield from _of({"facts": recording.facts, **{need: each.records for need, each in recording.progress.found.items()}}, "")


def _of(value: object, name: str) -> Iterator[str]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _of(item, key)
        case list() | tuple():
            for item in value:
                yield from _of(item, name)
        case Ref():
            yield value.id
        case datetime():
            yield f"{value:%Y-%m-%dT%H:%M}"
        case str() if name in PRIVATE and len(value) > 3:
            yield value


# -- a thousand --------------------------------------------------------------------------------------------------------


@pytest.mark.systems
@pytest.mark.timeout(1800)
async def test_a_thousand_recorded_cases_give_a_thousand_times_the_same_decisions(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url, tmp_path, readings={}) as house:
        await write_about_many_orders(house, 1100)  # some customers have two orders, and one case
        totals = await house.app.replays.every()
    assert totals.cases >= 1000
    assert (totals.cases_different, totals.changes, totals.missing) == (0, {}, set())
    assert totals.identical == totals.decisions >= totals.cases
