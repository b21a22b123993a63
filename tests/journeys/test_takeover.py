"""The case of a worker that died is found, and passes the queue."""

from house import House, order_in, reading


async def test_only_a_case_whose_lease_ran_out_is_lost(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel it"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel it", "Please.", sender=order["email"])
    control, now = house.app.control, house.clock.at
    assert await control.due_cases(now, 10) == [taken.case]
    assert await control.lost_cases(now, 10) == []
    assert await house.app.cases.take(taken.case, "a worker that dies") is not None
    assert await control.lost_cases(now, 10) == []
    expire = "update cases set lease_until = now() - interval '1 second' returning number"
    assert house.sql(expire) == [(taken.case,)]
    assert await control.lost_cases(now, 10) == [taken.case]
    await house.work()
    assert await control.lost_cases(now, 10) == []
    assert len(house.outbox.mails) == 1
