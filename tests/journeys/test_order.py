"""A case's mails are heard in the order in which they came, whatever fails in between."""

from house import House, order_in, reading


async def test_a_mail_that_waits_to_be_tried_again_holds_back_the_next_one_of_its_case(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["first"] = reading("cancel_order", fields={"order_number": order["number"]})
    house.readings["second"] = reading(thanks=True)
    await house.sandbox.misbehave({"down": True})
    first = await house.mail("first", "Please cancel it.", sender=order["email"], message_id="<first@customer.example>")
    await house.work()
    await house.sandbox.misbehave({})
    second = await house.mail("second", "Thank you.", sender=order["email"], references="<first@customer.example>")
    assert second.case == first.case
    await house.work()
    assert house.outbox.mails == {}
    assert (await house.app.control.next_due()) is not None
    house.clock.move(seconds=2)
    await house.work()
    rows = house.sql("select data->>'message' from timeline where kind = 'mail' order by line")
    assert [int(row[0]) for row in rows] == [first.message, second.message]
