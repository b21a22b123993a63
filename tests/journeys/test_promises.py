"""Promises: kept ones are noted, broken ones reach people with everything, and a system that is away is asked again."""

import copy

from house import House, order_in, overdue_return, reading


async def _late_parcel(house: House) -> tuple[dict, int]:
    """A parcel that should have come five days ago: a search is opened, and news is promised."""
    order = copy.deepcopy(order_in(house, "shipped", most=1000.0))
    [parcel, *_] = order["shipments"]
    parcel.update(expected_at="2026-11-27T10:00:00Z", last_scan_at="2026-12-01T10:00:00Z", state="in_transit")
    order["shipments"] = [parcel]
    await house.sandbox.put("base", "orders", order)
    house.readings["where"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    taken = await house.mail("where", "Where is it?", sender=order["email"])
    await house.work()
    assert await _promises(house, taken.case) == [("delivery_news", "open")]
    return order, taken.case


async def _promises(house: House, case: int) -> list[tuple[str, str]]:
    return [(p.what, p.status) for p in (await house.file(case)).promises]


async def _broken(house: House, case: int) -> list[dict]:
    return [item.brief for item in (await house.file(case)).items if item.because == "promise_broken"]


async def test_a_refund_that_the_shop_shows_keeps_its_promise(house: House) -> None:
    order = await overdue_return(house, worth="40.00")
    house.readings["money"] = reading("refund_status", fields={"order_number": order["number"]})
    taken = await house.mail("money", "Where is my money?", sender=order["email"])
    await house.work()
    assert await _promises(house, taken.case) == [("refund", "open")]
    house.clock.move(days=4)
    await house.work()
    assert await _promises(house, taken.case) == [("refund", "open")]
    house.clock.move(days=10)
    await house.work()
    assert await _promises(house, taken.case) == [("refund", "kept")]
    assert await _broken(house, taken.case) == []
    assert "promise_kept" in [line.kind for line in (await house.file(taken.case)).timeline]


async def test_a_promise_that_the_shop_does_not_show_on_its_day_reaches_people(house: House) -> None:
    _, case = await _late_parcel(house)
    letters = len(house.outbox.letters)
    house.clock.move(days=10)
    await house.work()
    assert await _promises(house, case) == [("delivery_news", "broken")]
    [brief] = await _broken(house, case)
    assert brief["promised"] == "delivery_news"
    assert "delivered" in brief["kept_when"]
    assert len(house.outbox.letters) == letters, "nobody is told anything that is not so"
    house.clock.move(days=10)
    await house.work()
    assert len(await _broken(house, case)) == 1


async def test_a_parcel_that_came_meanwhile_keeps_it(house: House) -> None:
    order, case = await _late_parcel(house)
    order = await _delivered(house, order)
    house.clock.move(days=10)
    await house.work()
    assert await _promises(house, case) == [("delivery_news", "kept")]
    assert await _broken(house, case) == []


async def test_while_the_shop_is_away_the_promise_waits(house: House) -> None:
    order, case = await _late_parcel(house)
    await _delivered(house, order)
    await house.sandbox.misbehave({"down": True})
    house.clock.move(days=10)
    await house.work()
    assert await _promises(house, case) == [("delivery_news", "open")]
    await house.sandbox.misbehave({})
    house.clock.move(hours=1)
    await house.work()
    assert await _promises(house, case) == [("delivery_news", "kept")]


async def _delivered(house: House, order: dict) -> dict:
    found = copy.deepcopy(order)
    found["state"] = "delivered"
    found["delivered_at"] = "2026-12-03T10:00:00Z"
    found["shipments"][0].update(state="delivered", delivered_at="2026-12-03T10:00:00Z")
    for line in found["lines"]:
        line["delivered"] = line["quantity"]
    await house.sandbox.put("base", "orders", found)
    return found
