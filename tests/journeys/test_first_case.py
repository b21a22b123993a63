"""Mail in, reply out: the worker owns a case from the first mail to a verified reply."""

from house import AT, House, order_in, reading


async def test_a_cancel_is_done_told_and_verified(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel it"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel it please", f"Please cancel {order['number']}.", sender=order["email"])
    await house.work()
    file = await house.app.managers.file(str(taken.case))
    assert file.case.status == "closed", [(line.kind, line.data) for line in file.timeline]
    assert file.case.outcomes == ["resolved"]
    [write, send] = file.effects
    assert (write.operation, write.status, send.status) == ("orders.cancel", "done", "done")
    assert len(house.outbox.mails) == 1
    house.clock.move(hours=2)
    await house.work()
    file = await house.app.managers.file(str(taken.case))
    assert file.case.verified_at == AT.replace(hour=11)
