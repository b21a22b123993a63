"""Roll-back over open cases that the earlier release cannot go on with: they go to people, and everybody is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from house import House, asked, open_house, order_in, reading, several
from playbooks_to_change import careful, playbook, without_payment_questions


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """What is live knows questions about paying; what was live before does not."""
    old = str(without_payment_questions(tmp_path / "old"))
    async with open_house(database_url, tmp_path, readings={}, playbook=old) as opened:
        told, _ = await opened.app.releases.take_in(playbook(tmp_path / "new"), by="anna")
        await opened.app.releases.publish(told.release, by="anna")
        opened.readings["paying"] = reading("payment_question")
        opened.readings["methods"] = reading(fields={"payment_topic": "methods"})
        yield opened


async def _is_with_people_and_told(house: House, case: int) -> None:
    file = await house.file(case)
    [item] = file.items
    assert (item.because, file.case.status) == ("release_changed", "with_people")
    assert "has no procedure for it" in str(item.brief["why"])
    assert "A colleague will look into it" in house.outbox.texts[-1]
    assert house.sql("select count(*) from events where aside or attempts > 0") == [(0,)]


async def test_an_answer_after_the_roll_back_goes_to_people_and_the_customer_is_told(house: House) -> None:
    taken = await house.mail("paying", "About paying.", sender="c@private.example")
    await house.work()
    await house.app.releases.roll_back(by="ben")
    question = str(house.outbox.letters[-1]["Message-ID"])
    await house.mail("methods", "The methods.", sender="c@private.example", references=question)
    await house.work()
    await _is_with_people_and_told(house, taken.case)
    [item] = (await house.file(taken)).items
    await house.app.people.decide(item.id, "return", by="anna")
    await house.work()
    assert len(house.outbox.letters) <= 3


async def test_who_was_asked_something_is_not_reminded_of_it_but_told(house: House) -> None:
    taken = await house.mail("paying", "About paying.", sender="c@private.example")
    await house.work()
    await house.app.releases.roll_back(by="ben")
    await house.pass_time(step=86_400, until=10 * 86_400)
    assert len(house.outbox.letters) == 2, "the question, and that a person goes on; no reminder and no farewell"
    await _is_with_people_and_told(house, taken.case)


async def test_a_case_that_was_moved_is_not_forgotten_either(house: House) -> None:
    taken = await house.mail("paying", "About paying.", sender="c@private.example")
    await house.work()
    [seen] = await house.app.releases.preview_move("live", "previous")
    assert seen.requests[0].after == "to people: no procedure for payment_question"
    await house.app.releases.move("live", "previous", by="anna")
    await house.pass_time(step=86_400, until=10 * 86_400)
    assert len(house.outbox.letters) == 2
    await _is_with_people_and_told(house, taken.case)


async def test_what_is_told_of_a_move_is_of_the_case_as_it_was_moved(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order")
    taken = await house.mail("cancel", "Please cancel.", sender=order["email"], auth="none")
    await house.work()
    releases, drain = house.app.releases, house.app.worker().drain
    lease = await drain.cases.take(taken.case, drain.owner)
    assert lease is not None
    moving = asyncio.create_task(releases.move("live", "previous", by="anna"))
    await asyncio.sleep(0.5)  # the cases are listed, and this one is waited for
    house.readings["here"] = reading(risks=("legal_threat",))
    await house.mail("here", "You will hear from my lawyer.", sender=order["email"], auth="none", references=_last(house))
    event = await drain.cases.next_event(taken.case, house.clock.at)
    assert event is not None
    await drain._end_event(lease, event, house.clock.at)
    await drain.cases.give_up(lease)
    [told] = await moving
    assert (told.requests, told.problem) == ((), ""), "people have it by now; there is nothing left to decide"
    assert await releases.move("live", "previous", by="anna") == [], "moved once, and no more there"


def _last(house: House) -> str:
    return str(house.outbox.letters[-1]["Message-ID"])


async def test_a_question_that_no_letter_has_carried_yet_is_decided_anew(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["two"] = several(asked("cancel_order", order_number=order["number"]), asked("payment_question"))
    taken = await house.mail("two", "Cancel it. And may I ask about paying?", sender=order["email"])
    drain = house.app.worker().drain
    lease = await drain.cases.take(taken.case, drain.owner)
    assert lease is not None
    event = await drain.cases.next_event(taken.case, house.clock.at)
    assert event is not None
    await drain._end_event(lease, event, house.clock.at)  # the moment between the decision and the act
    await drain.cases.give_up(lease)
    await house.app.releases.roll_back(by="ben")
    await house.work()
    [text] = house.outbox.texts
    assert "We have cancelled your order" in text
    assert "A colleague will look into" in text
    assert "our payment methods" not in text
    assert {item.because for item in (await house.file(taken)).items} == {"release_changed"}
    assert house.sql("select count(*) from events where aside or attempts > 0") == [(0,)]


SORRY = """  - rule: {name}
    when: open && size(order.lines) > 0
    do:
      - payments.refund: {{payment: "order.payments[0].ref", amount: "percent(order.refundable, {percent})"}}
        as: {name}
    escalate: {{queue: general, because: not_covered}}

  - rule: cancel_all
"""


@pytest.mark.parametrize("name", ["amends", "sorry"])
async def test_what_was_paid_by_a_row_that_is_gone_is_not_paid_again_by_another(
    house: House, tmp_path: Path, name: str
) -> None:
    """A row of another name pays for the same reason: the earlier release cannot know that it is the second time."""
    for folder, row, percent in (("first", name, 5), ("second", "sorry", 10)):
        house.clock.move(minutes=1)
        made = playbook(
            tmp_path / folder, ("sops/cancel.yaml", "  - rule: cancel_all\n", SORRY.format(name=row, percent=percent))
        )
        told, _ = await house.app.releases.take_in(made, by="anna")
        await house.app.releases.publish(told.release, by="anna")
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    assert len(await house.paid_back(order)) == 1
    await house.app.releases.roll_back(by="ben")
    [item] = (await house.file(taken)).items
    await house.app.people.decide(item.id, "return", by="anna")
    await house.work()
    file = await house.file(taken)
    done = [e.name for e in file.effects if e.kind == "write"]
    if name == "sorry":
        assert done == ["sorry", "cancel"], "the earlier release has that row, and goes on after it"
    else:
        assert done == ["sorry"]
        assert file.items[-1].because == "release_changed"


async def test_the_roll_back_says_before_and_after_what_becomes_of_open_cases(house: House) -> None:
    taken = await house.mail("paying", "About paying.", sender="c@private.example")
    house.readings["cancel"] = reading("cancel_order")
    await house.mail("cancel", "Cancel it.", sender="d@private.example")
    await house.work()
    releases, reference = house.app.releases, (await house.file(taken)).reference
    live = (await releases.find("live")).release
    seen = await releases.preview_roll_back()
    assert (await releases.find("live")).release == live, "looking changes nothing"
    gone, _ = await releases.roll_back(by="ben")
    done = await releases.rolled_back(gone)
    for told in (seen, done):
        assert (told.withdrawn.release, told.cases) == (live, 2)
        [one] = told.affected
        assert (one.reference, one.intent, one.status) == (reference, "payment_question", "awaiting_customer")
        assert one.what == "goes to people, for there is no procedure for it; the customer is told"


async def test_cases_of_a_release_withdrawn_before_are_counted_too(house: House, tmp_path: Path) -> None:
    await house.mail("paying", "About paying.", sender="c@private.example")
    await house.work()
    releases = house.app.releases
    house.clock.move(minutes=1)
    again, _ = await releases.take_in(
        playbook(tmp_path / "again", ("worker.yaml", "name: retail", "name: retail  # anew")), by="anna"
    )
    await releases.share(again.release, 50, by="anna")
    house.sql("update cases set release = %s, state = jsonb_set(state, '{release}', to_jsonb(%s::text))", *[again.release] * 2)
    await releases.withdraw("share", by="anna")
    gone, _ = await releases.roll_back(by="ben")
    told = await releases.rolled_back(gone)
    assert (told.cases, len(told.affected)) == (1, 1), "its cases were to go over to what is withdrawn now"


@pytest.mark.parametrize(("approved", "writes"), [(False, False), (False, True), (True, False)])
async def test_what_a_stop_held_back_is_decided_anew_after_a_roll_back(
    house: House, tmp_path: Path, approved: bool, writes: bool
) -> None:
    """Stop, roll back, go on: the act of the withdrawn release is not done, except where a person approved it.

    It makes no difference whether the customer `writes` in between.
    """
    releases, clock = house.app.releases, house.clock
    low = (("guardrails.yaml", '"500.00 EUR"', '"0.01 EUR"'),) if approved else ()
    for folder in (careful(tmp_path / "careful"), playbook(tmp_path / "hasty", *low)):
        clock.move(minutes=1)
        told, _ = await releases.take_in(folder, by="anna")
        await releases.publish(told.release, by="anna")
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.app.control.stop(scope="all", value="", by="anna", now=clock.at)
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"], message_id="<cancel@customer.example>")
    await house.work()
    if approved:
        [item] = (await house.file(taken)).items
        [told] = (await releases.preview_roll_back()).affected
        assert told.what == "waits for a person as before: row cancel_all is done where its act is approved"
        await house.app.people.decide(item.id, "approve", by="ben")
        await house.work()
    assert [e.status for e in (await house.file(taken)).effects if e.kind == "write"] == ["held"]
    await releases.roll_back(by="ben")
    if writes:
        house.readings["news"] = reading(thanks=True)
        await house.mail("news", "Thank you.", sender=order["email"], references="<cancel@customer.example>")
        await house.work()
    await house.app.control.lift(now=clock.at)
    await house.work()
    file = await house.file(taken)
    assert [e.status for e in file.effects if e.kind == "write"] == ["done" if approved else "cancelled"]
    assert len(await house.paid_back(order)) == approved
    if not approved:
        assert [item.because for item in file.items] == ["high_value"], "as the release decides that is live again"
    assert house.sql("select count(*) from events where aside or attempts > 0") == [(0,)]


@pytest.mark.parametrize("said", [False, True, None])
async def test_a_no_to_what_the_earlier_release_never_asks_is_not_passed_over(
    house: House, tmp_path: Path, said: bool | None
) -> None:
    row = "  - rule: cancel_all\n    when: open && !some\n"
    asks = ("sops/cancel.yaml", row, row.replace("cancel_all", "cancel_asked") + "    confirm: cancel_some_confirm\n")
    house.clock.move(minutes=1)
    told, _ = await house.app.releases.take_in(playbook(tmp_path / "asks", asks), by="anna")
    await house.app.releases.publish(told.release, by="anna")
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    assert "Shall we do that?" in house.outbox.texts[0]
    [listed] = (await house.app.releases.preview_roll_back()).affected
    assert listed.what.startswith("goes to people where it would act, for row cancel_asked")
    await house.app.releases.roll_back(by="ben")
    house.readings["answer"] = reading(fields={} if said is None else {"confirm": said})
    await house.mail("answer", "What I say to that.", sender=order["email"], references=_last(house))
    await house.work()
    file = await house.file(taken)
    assert [e for e in file.effects if e.kind == "write"] == []
    assert [item.because for item in file.items] == ["release_changed"]


async def test_in_shadow_a_release_without_the_procedure_is_said_to_hand_over(house: House) -> None:
    old = await house.app.releases.find("previous")
    await house.app.releases.withdraw(old.release, by="anna")
    await house.app.releases.shadow(old.release, by="anna")
    await house.mail("paying", "About paying.", sender="c@private.example")
    await house.work()
    [group] = (await house.app.releases.compare("shadow")).groups
    assert (group.before, group.after) == ("payment_question: asks payment_topic", "(people, no procedure)")
