"""Waiting for a customer: reminded after three days, given up after seven, unless he writes."""

from house import House, order_in, reading


async def _asked_case(house: House) -> tuple[dict, int]:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order")
    house.readings["number"] = reading(fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Please cancel.", sender="somebody@private.example")
    await house.work()
    assert len(house.outbox.texts) == 1
    return order, taken.case


async def test_a_customer_who_does_not_answer_is_reminded_once_and_then_given_up(house: House) -> None:
    _, case = await _asked_case(house)
    house.clock.move(days=2, hours=23)
    await house.work()
    assert len(house.outbox.texts) == 1
    house.clock.move(hours=2)
    await house.work()
    assert len(house.outbox.texts) == 2
    assert "a few days ago we asked you" in house.outbox.texts[1].lower()
    house.clock.move(days=3)
    await house.work()
    assert len(house.outbox.texts) == 2, "reminded once"
    house.clock.move(days=1)
    await house.work()
    file = await house.file(case)
    assert (file.case.status, file.case.outcomes) == ("closed", ["no_answer"])
    assert "we are closing your request for now" in house.outbox.texts[2]
    house.clock.move(days=30)
    await house.work()
    assert len(house.outbox.texts) == 3


async def test_an_answer_before_the_reminder_cancels_it(house: House) -> None:
    order, case = await _asked_case(house)
    house.readings["right"] = reading(fields={"postcode": order["address"]["postcode"]})
    thread = {"sender": "somebody@private.example", "references": house.outbox.letters[0]["Message-ID"]}
    house.clock.move(days=2)
    await house.mail("a", "number", **thread)
    await house.work()
    await house.mail("b", "right", **thread)
    await house.work()
    assert "cancelled your order" in house.outbox.texts[-1]
    sent = len(house.outbox.texts)
    house.clock.move(days=10)
    await house.work()
    assert len(house.outbox.texts) == sent
    assert (await house.file(case)).case.outcomes == ["resolved"]


async def test_a_second_question_starts_the_waiting_anew(house: House) -> None:
    _, case = await _asked_case(house)
    house.readings["wrong"] = reading(fields={"order_number": "NW-2026-999999", "postcode": "12345"})
    house.clock.move(days=2, hours=12)
    await house.mail("a", "wrong", sender="somebody@private.example", references=house.outbox.letters[0]["Message-ID"])
    await house.work()
    asked = len(house.outbox.texts)
    assert "could not find an order" in house.outbox.texts[-1]
    house.clock.move(days=1)
    await house.work()
    assert len(house.outbox.texts) == asked, "the first question's reminder is gone"
    house.clock.move(days=2, hours=1)
    await house.work()
    assert len(house.outbox.texts) == asked + 1
    assert (await house.file(case)).case.status == "awaiting_customer"


async def test_an_answer_after_giving_up_goes_on_where_it_stopped(house: House) -> None:
    order, case = await _asked_case(house)
    house.readings["both"] = reading(fields={"order_number": order["number"], "postcode": order["address"]["postcode"]})
    house.clock.move(days=8)
    await house.work()
    assert (await house.file(case)).case.outcomes == ["no_answer"]
    house.clock.move(days=1)
    await house.mail("a", "both", sender="somebody@private.example", references=house.outbox.letters[0]["Message-ID"])
    await house.work()
    file = await house.file(case)
    assert file.case.outcomes == ["resolved"]
    assert file.case.intents == ["cancel_order"]
