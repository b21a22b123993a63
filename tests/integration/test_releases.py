"""Releases over a real database: what a start makes live, who may publish, which release decides a case, and the way back."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from house import SECRET, House, Outbox, TestClock, open_house, order_in, reading
from playbooks_to_change import careful, playbook

from caseworker.app.releases import ReleaseTold
from caseworker.bootstrap import App, Overrides, build
from caseworker.core.errors import PlaybookError, UsageError
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.rollout.choose import is_reached
from caseworker.rollout.model import Standing
from caseworker.rollout.rules import shadow
from caseworker.settings import Settings


@asynccontextmanager
async def started(url: str, data: Path, folder: Path, *, adopt: bool = True) -> AsyncIterator[App]:
    """A process that people start with this folder."""
    overrides = Overrides(clock=TestClock(), reader=ScriptedReader({}), transport=Outbox())
    settings = Settings(data_dir=data, database_url=url, secret=SECRET, playbook=str(folder))
    async with build(settings, overrides, adopt=adopt) as app:
        yield app


async def states(app: App) -> dict[str, str]:
    return {told.release: told.state for told in await app.releases.all()}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return playbook(tmp_path / "plain")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return careful(tmp_path / "other")


@pytest.fixture
async def house(database_url: str, tmp_path: Path, plain: Path) -> AsyncIterator[House]:
    async with open_house(database_url, tmp_path, readings={}, playbook=str(plain)) as opened:
        yield opened


async def publish(house: House, folder: Path) -> ReleaseTold:
    told, _ = await house.app.releases.take_in(folder, by="anna")
    return await house.app.releases.publish(told.release, by="anna")


def kinds(file: Any) -> list[str]:
    return [line.kind for line in file.timeline]


def deciders(file: Any) -> list[str]:
    return [line.data["release"] for line in file.timeline if line.kind == "decided"]


# -- start -------------------------------------------------------------------------------------------------------------


async def test_the_first_folder_becomes_live_and_a_changed_one_takes_its_place(
    database_url: str, tmp_path: Path, plain: Path, other: Path
) -> None:
    async with started(database_url, tmp_path, plain) as app:
        first = await app.releases.find("live")
        assert (first.how, first.by) == ("first start", "caseworker")
    async with started(database_url, tmp_path, plain) as app:
        assert len(await app.releases.log("live")) == 2, "a start with the same folder changes nothing"
    async with started(database_url, tmp_path, other) as app:
        live = await app.releases.find("live")
        assert live.release != first.release
        assert live.how == "folder"
        assert await states(app) == {live.release: "live", first.release: "retired"}


async def test_a_command_with_another_folder_changes_nothing(
    database_url: str, tmp_path: Path, plain: Path, other: Path
) -> None:
    async with started(database_url, tmp_path, plain) as app:
        first = await states(app)
    async with started(database_url, tmp_path, other, adopt=False) as app:
        assert await states(app) == first
        assert app.release.playbook.release in first


async def test_what_was_chosen_by_command_is_not_undone_by_a_start(
    database_url: str, tmp_path: Path, plain: Path, other: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with started(database_url, tmp_path, plain) as app:
        told, new = await app.releases.take_in(other, by="anna")
        assert new
        await app.releases.publish(told.release, by="anna")
    with caplog.at_level(logging.WARNING, "caseworker.releases"):
        async with started(database_url, tmp_path, plain) as app:
            assert (await app.releases.find("live")).release == told.release
    assert "was chosen by command" in caplog.text
    async with started(database_url, tmp_path, other) as app:
        await app.releases.roll_back(by="anna")
    caplog.clear()
    with caplog.at_level(logging.WARNING, "caseworker.releases"):
        async with started(database_url, tmp_path, other) as app:
            assert (await states(app))[told.release] == "withdrawn"
            assert "in the state withdrawn" in await app.playbooks.outlook(other)
    assert "in the state withdrawn" in caplog.text


async def test_a_folder_with_errors_never_becomes_live(database_url: str, tmp_path: Path, plain: Path) -> None:
    async with started(database_url, tmp_path, plain) as app:
        before = await states(app)
    broken = playbook(
        tmp_path / "broken",
        ("sops/cancel.yaml", "  - rule: cancel_all\n    when: ", "  - rule: cancel_all\n    when: nothing && "),
    )
    with pytest.raises(PlaybookError, match="nothing"):
        async with started(database_url, tmp_path, broken):
            pass
    async with started(database_url, tmp_path, plain) as app:
        with pytest.raises(PlaybookError, match="nothing"):
            await app.releases.take_in(broken, by="anna")
        assert await states(app) == before


# -- two people --------------------------------------------------------------------------------------------------------


async def test_with_two_people_one_proposes_and_another_approves(database_url: str, tmp_path: Path) -> None:
    two = ("guardrails.yaml", "actions:\n", "publishing: {people: 2}\nactions:\n")
    strict, lax = playbook(tmp_path / "strict", two), careful(tmp_path / "lax")
    async with started(database_url, tmp_path, strict):
        pass
    async with started(database_url, tmp_path, lax) as app:
        [draft] = [r for r in await app.releases.all() if r.state == "draft"]
        for act in (app.releases.publish(draft.short, by="anna"), app.releases.share(draft.short, 10, by="anna")):
            with pytest.raises(UsageError, match="two people"):
                await act
        proposed = await app.releases.propose(draft.short, "share", by="Anna", percent=10, note="a try")
        assert proposed.state == "draft"
        assert proposed.proposal is not None
        with pytest.raises(UsageError, match="Another person"):
            await app.releases.approve(draft.short, by="ANNA")
        shared = await app.releases.approve(draft.short, by="Ben")
        assert (shared.state, shared.percent, shared.proposal) == ("share", 10, None)
        lines = [
            (line.after, line.percent, line.by, line.approved_by, line.note) for line in await app.releases.log(draft.short)
        ]
        assert lines[1:] == [("share", 10, "Anna", "", "a try"), ("share", 10, "Anna", "Ben", "a try")]


# -- shares ------------------------------------------------------------------------------------------------------------


async def test_new_cases_of_a_share_begin_with_it_and_no_others(house: House, other: Path) -> None:
    told, _ = await house.app.releases.take_in(other, by="anna")
    await house.app.releases.share(told.release, 40, by="anna")
    share = Standing(told.release, "retail", "share", percent=40)
    begun = {}
    for number in range(12):
        sender = f"customer{number}@mail.example"
        subject = f"hello {number}"
        house.readings[subject] = reading(abstained="unsure")
        taken = await house.mail(subject, "So.", sender=sender)
        begun[sender] = (await house.file(taken)).case.release
    live = (await house.app.releases.find("live")).release
    assert begun == {a: told.release if is_reached(share, a) else live for a in begun}
    assert set(begun.values()) == {told.release, live}
    old = await house.mail("hello 0", "Long ago.", sender=next(a for a in begun if begun[a] == told.release), history=True)
    assert (await house.file(old)).case.release == live, "old mails are no part of a share"


# -- roll-back ---------------------------------------------------------------------------------------------------------


async def test_a_case_that_waits_is_decided_by_the_previous_release_on_its_next_mail(house: House, other: Path) -> None:
    before = (await house.app.releases.find("live")).release
    now = (await publish(house, other)).release
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order")
    taken = await house.mail("cancel", "Please cancel.", sender="c@private.example")
    await house.work()
    assert (await house.file(taken)).case.release == now
    assert (await house.file(taken)).case.status == "awaiting_customer"
    await roll_back_elsewhere(house)
    mail = str(house.outbox.letters[-1]["Message-ID"])
    house.readings["here it is"] = reading(fields={"order_number": order["number"], "postcode": order["address"]["postcode"]})
    await house.mail("here it is", "Here.", sender="c@private.example", references=mail)
    await house.work()
    file = await house.file(taken)
    assert file.case.release == before
    [changed] = [line.data for line in file.timeline if line.kind == "release_changed"]
    assert (changed["before"], changed["after"], changed["because"]) == (now, before, "withdrawn")
    assert deciders(file) == [now, before, before]
    assert [e.status for e in file.effects if e.kind == "write"] == ["done"], (
        "the previous release cancels; the other never did"
    )


async def roll_back_elsewhere(house: House) -> None:
    """By the command, in a process of its own; the one under test goes on as it is."""
    settings = house.app.settings
    own = {
        "CASEWORKER_DATABASE_URL": settings.database_url,
        "CASEWORKER_DATA_DIR": str(settings.data_dir),
        "CASEWORKER_PLAYBOOK": settings.playbook,
    }
    command = [sys.executable, "-m", "caseworker", "release", "rollback", "--by", "ben", "--note", "too careful"]
    done = await asyncio.to_thread(subprocess.run, command, env={**os.environ, **own}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "is live again" in done.stdout


async def test_receipts_stay_and_no_money_moves_twice(house: House, tmp_path: Path) -> None:
    told = await publish(
        house,
        playbook(
            tmp_path / "again",
            (
                "parameters.yaml",
                "refund_business_days: {type: int, values: [10]}",
                "refund_business_days: {type: int, values: [9]}",
            ),
        ),
    )
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    paid = await house.paid_back(order)
    await house.app.releases.roll_back(by="ben")
    house.readings["here it is"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.mail(
        "here it is", "Is it cancelled?", sender=order["email"], references=str(house.outbox.letters[-1]["Message-ID"])
    )
    await house.work()
    file = await house.file(taken)
    assert file.case.release != told.release
    assert "release_changed" in kinds(file)
    assert [e.operation for e in file.effects if e.kind == "write"] == ["orders.cancel"]
    assert await house.paid_back(order) == paid


async def test_new_cases_never_begin_with_a_withdrawn_release(house: House, other: Path) -> None:
    before = (await house.app.releases.find("live")).release
    await publish(house, other)
    await house.app.releases.roll_back(by="ben")
    house.readings["hello"] = reading(abstained="unsure")
    taken = await house.mail("hello", "So.", sender="c@private.example")
    assert (await house.file(taken)).case.release == before


async def test_a_withdrawn_share_hands_its_cases_to_what_is_live(house: House, other: Path) -> None:
    told, _ = await house.app.releases.take_in(other, by="anna")
    await house.app.releases.share(told.release, 99, by="anna")
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    assert (await house.file(taken)).case.release == told.release
    await house.app.releases.withdraw("share", by="anna")
    await house.work()
    file = await house.file(taken)
    assert file.case.release == (await house.app.releases.find("live")).release
    assert [e.operation for e in file.effects if e.kind == "write"] == ["orders.cancel"]


# -- what applies live -------------------------------------------------------------------------------------------------


async def test_a_lower_limit_holds_for_running_cases_and_a_higher_one_does_not(house: House, tmp_path: Path) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await publish(
        house,
        playbook(
            tmp_path / "low",
            ("guardrails.yaml", '"500.00 EUR"', '"0.01 EUR"'),
            ("guardrails.yaml", '"450.00 GBP"', '"0.01 GBP"'),
            ("guardrails.yaml", '"2200.00 PLN"', '"0.01 PLN"'),
        ),
    )
    await house.work()
    file = await house.file(taken)
    assert file.case.status == "with_people"
    assert [item.kind for item in file.items] == ["approval"]
    assert [e for e in file.effects if e.kind == "write"] == []
    await house.app.releases.roll_back(by="anna")
    await house.app.people.decide(file.items[0].id, "approve", by="ben")
    await house.work()
    assert [e.status for e in (await house.file(taken)).effects if e.kind == "write"] == ["done"]


async def test_the_mode_of_today_holds_for_running_cases(house: House, tmp_path: Path) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await publish(house, playbook(tmp_path / "quiet", ("worker.yaml", "mode: live ", "mode: shadow ")))
    await house.work()
    file = await house.file(taken)
    assert "would" in kinds(file)
    assert [e for e in file.effects if e.kind == "write"] == []


# -- shadow ------------------------------------------------------------------------------------------------------------


async def test_a_release_in_shadow_decides_everything_and_does_nothing(house: House, other: Path) -> None:
    told, _ = await house.app.releases.take_in(other, by="anna")
    await house.app.releases.shadow(told.release, by="anna")
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    house.readings["which"] = reading("cancel_order")
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.mail("which", "Cancel.", sender="c@private.example")
    await house.work()
    file = await house.file(taken)
    assert [e.operation for e in file.effects if e.kind == "write"] == ["orders.cancel"]
    assert file.items == []
    assert len(house.outbox.letters) == 2
    found = await house.app.releases.compare("shadow")
    assert (found.decisions, found.same, found.errors) == (3, 2, 0), "the two mails, and the receipt"
    [group] = found.groups
    assert (group.before, group.after, group.cases) == ("cancel.cancel_all", "cancel.too_valuable", (file.reference,))


async def test_a_fault_in_the_shadow_never_touches_the_case(house: House) -> None:
    releases = house.app.playbooks.store
    await releases.keep(
        release="f" * 64, worker="retail", files={"worker.yaml": "name: retail"}, people=1, by="x", now=house.clock.at
    )
    await house.app.playbooks.change("retail", lambda all_of: shadow(all_of, "f" * 64, by="x"))
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    file = await house.file(taken)
    assert [e.status for e in file.effects if e.kind == "write"] == ["done"]
    assert house.sql("select count(*) from events where aside or attempts > 0") == [(0,)]
    found = await house.app.releases.compare("ffff")
    assert (found.decisions, found.same) == (0, 0)
    assert found.errors >= 1
    assert "missing" in found.error_examples[0][1]


# -- moving running cases ----------------------------------------------------------------------------------------------


async def test_running_cases_stay_until_they_are_moved(house: House, other: Path) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order")
    taken = await house.mail("cancel", "Please cancel.", sender="c@private.example")
    await house.work()
    before = (await house.file(taken)).case.release
    after = (await publish(house, other)).release
    releases = house.app.releases
    [seen] = await releases.preview_move("previous", "live")
    assert seen.requests[0].before.startswith("looks up") or "asks" in seen.requests[0].before
    assert (await house.file(taken)).case.release == before
    with pytest.raises(UsageError, match="--by NAME"):
        await releases.move("previous", "live", by="")
    [moved] = await releases.move("previous", "live", by="anna")
    assert (moved.reference, moved.problem) == ((await house.file(taken)).reference, "")
    file = await house.file(taken)
    assert file.case.release == after
    assert [(line.data["because"], line.data["by"]) for line in file.timeline if line.kind == "release_changed"] == [
        ("moved", "anna")
    ]
    house.readings["here it is"] = reading(fields={"order_number": order["number"], "postcode": order["address"]["postcode"]})
    await house.mail("here it is", "Here.", sender="c@private.example", references=str(house.outbox.letters[-1]["Message-ID"]))
    await house.work()
    file = await house.file(taken)
    assert [e for e in file.effects if e.kind == "write"] == []
    assert [item.because for item in file.items] == ["high_value"]


async def test_a_release_goes_out_and_comes_in_without_loss(house: House, tmp_path: Path, other: Path) -> None:
    await publish(house, other)
    count = await house.app.releases.export("live", tmp_path / "out")
    told, new = await house.app.releases.take_in(tmp_path / "out", by="anna")
    assert not new
    assert told.state == "live"
    assert count == sum(1 for p in (tmp_path / "out").rglob("*") if p.is_file())
    with pytest.raises(UsageError, match="is there already"):
        await house.app.releases.export("live", tmp_path / "out")
