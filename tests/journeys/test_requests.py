"""What customers want, from the first mail to the reply: done once, told in one mail, asked for in one question."""

from house import House, asked, order_in, overdue_return, reading, returnable_order, several

from caseworker.reading.adapters.scripted import ScriptedReader


async def test_a_return_is_registered_and_the_label_is_in_the_reply(house: House) -> None:
    order = returnable_order(house)
    line = order["lines"][0]["id"]
    house.readings["send back"] = reading("return_item", fields={"order_number": order["number"], "items": (line,)})
    taken = await house.mail("send back", "I want to send this back.", sender=order["email"])
    await house.work()
    registered = (await house.sandbox.record("base", "orders", order["id"]))["returns"]
    assert [item["line"] for item in registered[0]["lines"]] == [line]
    [text] = house.outbox.texts
    assert registered[0]["number"] in text
    assert registered[0]["label_url"] in text
    assert (await house.file(taken)).case.outcomes == ["resolved"]


async def test_an_overdue_refund_is_paid_once_told_and_promised(house: House) -> None:
    order = await overdue_return(house)
    house.readings["my money"] = reading("refund_status", fields={"order_number": order["number"]})
    taken = await house.mail("my money", "Where is my refund?", sender=order["email"])
    await house.work()
    amount = order["returns"][0]["amount"]
    assert await house.paid_back(order) == [int(amount.replace(".", ""))]
    [text] = house.outbox.texts
    assert amount.replace(".", ",") in text, "as amounts are written where the customer lives"
    file = await house.file(taken)
    assert file.case.status == "closed"
    assert [promise.what for promise in file.promises] == ["refund"]
    house.clock.move(hours=2)
    await house.work()
    assert (await house.file(taken)).case.verified_at is not None
    assert await house.paid_back(order) == [int(amount.replace(".", ""))]


async def test_everything_is_asked_at_once_and_the_answer_goes_on_where_it_stood(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["please cancel"] = reading("cancel_order")
    house.readings["here it is"] = reading(
        fields={"order_number": order["number"], "postcode": order["address"]["postcode"]},
    )
    taken = await house.mail("please cancel", "Please cancel my order.", sender="other@private.example", auth="none")
    await house.work()
    [letter], [text] = house.outbox.letters, house.outbox.texts
    assert "order number" in text
    assert "postcode" in text, "both questions belong into one mail"
    answered = await house.mail(
        "Re: my order", "here it is", sender="other@private.example", auth="none", references=letter["Message-ID"]
    )
    assert (answered.case, answered.new_case) == (taken.case, False)
    await house.work()
    file = await house.file(taken)
    assert file.case.intents == ["cancel_order"], "no second request"
    assert file.case.outcomes == ["resolved"]
    assert [e.operation for e in file.effects if e.kind == "write"] == ["orders.cancel"]
    assert isinstance(house.reader, ScriptedReader)
    assert [mail.body.strip() for mail in house.reader.seen] == ["Please cancel my order.", "here it is"], "each mail read once"
    assert "cancelled your order" in house.outbox.texts[1]


async def test_an_unknown_order_is_asked_for_and_nothing_is_done(house: House) -> None:
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": "NW-2026-999999", "postcode": "50667"})
    taken = await house.mail("cancel", "Cancel NW-2026-999999.", sender="nobody@private.example", auth="none")
    await house.work()
    [text] = house.outbox.texts
    assert "protect our customers' data" in text
    file = await house.file(taken)
    assert file.case.status == "closed"
    assert [e.kind for e in file.effects] == ["send"]


async def test_somebody_elses_order_tells_nothing_until_number_and_postcode_are_right(house: House) -> None:
    order = order_in(house, "paid", "processing")
    stranger = "curious@private.example"
    house.readings["cancel it"] = reading("cancel_order", fields={"order_number": order["number"]})
    house.readings["wrong"] = reading(fields={"postcode": "00000"})
    house.readings["right"] = reading(fields={"postcode": order["address"]["postcode"]})
    taken = await house.mail("cancel it", f"Cancel {order['number']}.", sender=stranger)
    await house.work()
    letter = house.outbox.letters[0]
    thread = {"sender": stranger, "references": letter["Message-ID"]}
    await house.mail("Re: cancel", "wrong", **thread)
    await house.work()
    secrets = [order["address"][key] for key in ("name", "street", "postcode", "city")]
    secrets += [order["email"], order["lines"][0]["title"]]
    told = " ".join(house.outbox.texts)
    assert [secret for secret in secrets if secret in told] == []
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == order["state"], "nothing was done"
    assert len(house.outbox.texts) == 2
    await house.mail("Re: cancel", "right", **thread)
    await house.work()
    assert (await house.file(taken)).case.outcomes == ["resolved"]
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == "cancelled"


async def test_two_requests_in_one_mail_get_one_reply(house: House) -> None:
    both = [o for o in house.shop["orders"] if o["state"] in ("paid", "processing") and len(o["payments"]) == 1]
    pairs = [(o, d) for o in both for d in house.shop["orders"] if d["email"] == o["email"] and d["state"] == "delivered"]
    first, second = pairs[0]
    house.readings["two things"] = several(
        asked("cancel_order", order_number=first["number"]), asked("where_is_my_order", order_number=second["number"])
    )
    taken = await house.mail("two things", "Cancel the one, and where is the other?", sender=first["email"])
    await house.work()
    [text] = house.outbox.texts
    assert f"cancelled your order {first['number']}" in text
    assert second["number"] in text
    file = await house.file(taken)
    assert file.case.status == "closed"
    assert sorted(file.case.outcomes) == ["answered", "resolved"]


async def test_what_is_asked_beside_an_act_leaves_in_the_mail_that_tells_of_it(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["two"] = several(asked("cancel_order", order_number=order["number"]), asked("payment_question"))
    taken = await house.mail("two", "Cancel it. And may I ask about paying?", sender=order["email"])
    await house.work()
    [text] = house.outbox.texts
    assert "We have cancelled your order" in text
    assert "our payment methods, paying in instalments" in text, "the question waited for the receipt, and is not lost"
    assert (await house.file(taken)).case.status == "awaiting_customer"
    house.clock.move(days=4)
    await house.work()
    assert "we asked you something" in house.outbox.texts[1], "only who was asked is reminded"
