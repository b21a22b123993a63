"""Where people decide: above a limit, at a threat, where nothing was understood, and when somebody stops the worker."""

import pytest
from house import House, asked, order_in, overdue_return, reading, several

from caseworker.core.errors import UsageError
from caseworker.mail.errors import SendRefused


async def _refund_above_the_limit(house: House) -> tuple[dict, int]:
    order = await overdue_return(house, worth="249.00")
    house.readings["my money"] = reading("refund_status", fields={"order_number": order["number"]})
    taken = await house.mail("my money", "Where is my refund?", sender=order["email"])
    await house.work()
    return order, taken.case


async def test_a_refund_above_the_limit_waits_and_is_paid_when_a_person_approves(house: House) -> None:
    order, case = await _refund_above_the_limit(house)
    assert await house.paid_back(order) == [], "nothing is paid without the approval"
    [item] = await house.app.people.waiting("finance")
    assert (item.kind, item.case) == ("approval", case)
    assert item.brief["approve"]["amount"] == {"$money": [24900, "EUR"]}
    assert len(house.outbox.texts) == 1
    assert "refunded" not in house.outbox.texts[0]
    await house.app.people.decide(item.id, "approve", by="anna")
    await house.work()
    assert await house.paid_back(order) == [24900]
    assert "We have refunded 249,00" in house.outbox.texts[1]
    assert (await house.file(case)).case.status == "closed"
    with pytest.raises(UsageError, match="decided already: approve by anna"):
        await house.app.people.decide(item.id, "deny", by="bert")
    await house.work()
    assert await house.paid_back(order) == [24900]


async def test_a_refund_that_a_person_denies_is_not_paid_and_handed_on(house: House) -> None:
    order, case = await _refund_above_the_limit(house)
    [item] = await house.app.people.waiting("finance")
    await house.app.people.decide(item.id, "deny", by="anna", note="return is empty")
    await house.work()
    assert await house.paid_back(order) == []
    [handed] = await house.app.people.waiting("finance")
    assert (handed.kind, handed.because) == ("escalation", "refund_refused")
    assert handed.brief["refused"] == [{"label": "refund", "value": "denied_by_person: return is empty"}]
    assert (await house.file(case)).case.status == "with_people"


async def test_a_persons_decision_does_not_wait_for_the_cases_timers(house: House) -> None:
    order = await overdue_return(house, worth="249.00")
    house.readings["two"] = several(
        asked("refund_status", order_number=order["number"]), asked("cancel_order", order_number="NW-2026-999999")
    )
    taken = await house.mail("two", "My refund, and cancel the other.", sender=order["email"])
    await house.work()
    timers = house.sql("select id from events where \"case\" = %s and kind = 'timer' and done_at is null", taken.case)
    assert len(timers) == 2, "it waits for the customer too"
    [item] = await house.app.people.waiting()
    await house.app.people.decide(item.id, "approve", by="anna")
    jobs = house.sql("select priority from procrastinate_jobs where status = 'todo' order by priority desc")
    assert jobs == [(10,), (0,)], "ahead of the mails that wait, though the case's own mail has a job already"
    await house.work()  # the clock stands still
    assert await house.paid_back(order) == [24900]


async def test_a_legal_threat_goes_to_people_and_nothing_is_done(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["lawyer"] = reading("cancel_order", fields={"order_number": order["number"]}, risks=("legal_threat",))
    taken = await house.mail("lawyer", "Cancel or my lawyer writes to you.", sender=order["email"])
    await house.work()
    items = await house.app.people.waiting()
    assert {(item.queue, item.because) for item in items} == {("complaints", "legal_threat")}
    assert [e.kind for e in (await house.file(taken)).effects] == ["send"]
    assert "passed on to the person in charge" in house.outbox.texts[0], "short and neutral"
    assert len(house.outbox.texts) == 1


async def test_what_is_not_understood_goes_to_people_with_what_is_known(house: House) -> None:
    order = order_in(house, "delivered")
    house.readings["mumble"] = reading(abstained="unsure")
    await house.mail("mumble", "So about the thing with the thing.", sender=order["email"])
    await house.work()
    [item] = await house.app.people.waiting()
    assert item.because == "not_understood:unsure"
    assert item.brief["customer"] == order["email"]
    assert item.brief["verified"] is True
    assert item.brief["subject"] == "mumble"
    assert "colleague" in house.outbox.texts[0]


async def test_an_answer_of_a_person_goes_to_the_customer(house: House) -> None:
    order = order_in(house, "delivered")
    house.readings["mumble"] = reading(abstained="unsure")
    taken = await house.mail("mumble", "So about the thing with the thing.", sender=order["email"])
    await house.work()
    [item] = await house.app.people.waiting()
    await house.app.people.decide(item.id, "resolve", by="anna", reply="I have looked at it: all is well.")
    await house.work()
    assert "I have looked at it: all is well." in house.outbox.texts[1]
    assert (await house.file(taken)).case.status == "closed"


async def test_stop_holds_everything_back_and_resume_does_it(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.app.control.stop(scope="all", value="", by="anna", now=house.clock.at)
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    file = await house.file(taken)
    assert [e.status for e in file.effects] == ["held"], "decided, not done"
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == order["state"]
    assert house.outbox.texts == []
    held = await house.app.control.lift(now=house.clock.at)
    assert [(row.case, row.operation) for row in held] == [(taken.case, "orders.cancel")]
    await house.work()
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == "cancelled"
    assert len(house.outbox.texts) == 1


async def test_stopping_one_action_leaves_the_others_alone(house: House) -> None:
    cancel, wismo = order_in(house, "paid", "processing"), order_in(house, "delivered")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": cancel["number"]})
    house.readings["where"] = reading("where_is_my_order", fields={"order_number": wismo["number"]})
    await house.app.control.stop(scope="action", value="orders.cancel", by="anna", now=house.clock.at)
    await house.mail("cancel", "Cancel it.", sender=cancel["email"])
    await house.mail("where", "Where is it?", sender=wismo["email"])
    await house.work()
    assert len(house.outbox.texts) == 1
    assert wismo["number"] in house.outbox.texts[0]


async def test_a_reply_that_the_relay_refuses_for_good_is_visible_and_can_be_sent_again(house: House) -> None:
    order = order_in(house, "delivered")
    house.readings["where"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    house.outbox.refuse = SendRefused("550 5.7.1 not welcome", permanent=True)
    taken = await house.mail("where", "Where is it?", sender=order["email"])
    await house.work()
    await house.pass_time(step=600, until=3600)
    assert house.outbox.tries == 1, "a refusal for good is not tried again"
    [aside] = await house.app.control.aside()
    assert (aside["what"], aside["case"]) == ("effect", taken.case)
    assert "not welcome" in str(aside["error"])
    [item] = await house.app.people.waiting()
    assert (item.because, item.brief["to"]) == ("reply_not_sent", order["email"]), "a person learns that nobody was told"
    assert order["number"] in item.brief["text"]
    house.outbox.refuse = None
    assert await house.app.control.retry(case=taken.case, now=house.clock.at) == 1
    await house.work()
    assert len(house.outbox.texts) == 1
    assert await house.app.control.aside() == []


async def test_a_relay_that_is_busy_is_tried_again(house: House) -> None:
    order = order_in(house, "delivered")
    house.readings["where"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    house.outbox.refuse = SendRefused("451 4.3.2 later", permanent=False)
    await house.mail("where", "Where is it?", sender=order["email"])
    await house.work()
    assert house.outbox.texts == []
    house.outbox.refuse = None
    await house.pass_time(until=120)
    assert len(house.outbox.texts) == 1
    assert house.outbox.repeats == 0


async def test_an_event_that_cannot_be_handled_is_set_aside_and_taken_up_again(house: House) -> None:
    order = order_in(house, "delivered")
    taken = await house.mail("no script for this", "Where is it?", sender=order["email"])
    await house.work()
    await house.pass_time(step=60, until=600)
    [aside] = await house.app.control.aside()
    assert (aside["what"], aside["case"]) == ("event", taken.case)
    assert "no reading for" in aside["error"]
    house.readings["no script"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    assert await house.app.control.retry(case=None, now=house.clock.at) == 1
    await house.work()
    assert len(house.outbox.texts) == 1
