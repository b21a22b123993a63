"""A case's mails are heard in the order in which they came, whatever fails in between."""

import asyncio
from collections.abc import Coroutine

from house import House, order_in, reading

from caseworker.cases.intake import Taken


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


async def test_mails_of_one_case_that_come_at_once_do_not_stand_in_each_others_way(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["first"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    first = await house.mail("first", "Where is it?", sender=order["email"], message_id="<first@customer.example>")

    def more(number: int) -> Coroutine[object, object, Taken]:
        return house.mail(f"more {number}", "And now?", sender=order["email"], references="<first@customer.example>")

    taken = await asyncio.gather(*(more(number) for number in range(12)))
    assert {mail.case for mail in taken} == {first.case}
    rows = house.sql("select data->>'message' from events where kind = 'mail' order by seq")
    assert [int(row[0]) for row in rows] == sorted(mail.message for mail in (first, *taken))


async def test_a_second_wish_in_the_thread_does_not_change_what_the_first_one_is_about(house: House) -> None:
    open_orders = [o for o in house.shop["orders"] if o["state"] in ("paid", "processing") and len(o["payments"]) == 1]
    cancelled, asked = [o for o in open_orders if o["expected_at"] > "2026-12-02"][:2]
    house.readings["first"] = reading("cancel_order", fields={"order_number": cancelled["number"]})
    house.readings["second"] = reading("where_is_my_order", fields={"order_number": asked["number"]})
    await house.sandbox.put("base", "orders", {**asked, "customer": cancelled["customer"], "email": cancelled["email"]})
    await house.mail("first", "Please cancel it.", sender=cancelled["email"], message_id="<first@customer.example>")
    await house.mail("second", "Where is the other?", sender=cancelled["email"], references="<first@customer.example>")
    await house.work()
    [text] = house.outbox.texts
    assert f"cancelled your order {cancelled['number']}" in text
