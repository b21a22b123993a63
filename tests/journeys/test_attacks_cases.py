"""What an attack found in how a case goes on: what is paid twice, what a yes stands for, what a second mail changes."""

import copy
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from house import House, asked, order_in, reading, returnable_order, several

from caseworker.commerce.errors import OutcomeUnknown, Unavailable
from caseworker.core.errors import UsageError
from caseworker.mail.model import MailboxSettings
from caseworker.mail.parse import parse
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Reading


async def _one_item(house: House, *, price: str = "40.00") -> dict[str, Any]:
    """A delivered order of one item, paid at once."""
    order = copy.deepcopy(returnable_order(house))
    order["lines"], order["shipments"], order["payments"] = order["lines"][:1], order["shipments"][:1], order["payments"][:1]
    [line], [parcel], [payment] = order["lines"], order["shipments"], order["payments"]
    line.update(quantity=1, shipped=1, delivered=1, unit_price=price)
    parcel["lines"] = [{"line": line["id"], "quantity": 1}]
    payment.update(authorised=price, captured=price, refunded="0.00", in_flight="0.00")
    order.update(shipping="0.00", delivered_at="2026-11-28T10:00:00Z")
    await house.sandbox.put("base", "orders", order)
    for product in house.shop["products"]:
        if product["sku"] == line["sku"]:
            await house.sandbox.put("base", "products", {**product, "stock": 50})
    return order


@pytest.mark.parametrize("wish", ["refund", "replacement"])
async def test_an_item_refunded_or_replaced_before_cannot_be_returned_for_money(house: House, wish: str) -> None:
    order = await _one_item(house)
    asked = {"order_number": order["number"], "wish": wish, "photo": True, "quantity": 1}
    house.readings["broken"] = reading("damaged_item", fields=asked)
    house.readings["back"] = reading("return_item", fields={"order_number": order["number"], "return_reason": "changed_mind"})
    await house.mail("broken", "It is broken.", sender=order["email"])
    await house.work()
    [write] = house.sql("select operation from effects where kind = 'write'")
    await house.mail("back", "I send it back.", sender=order["email"])
    await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == [write], "no return besides"
    if wish == "refund":
        assert "already been paid back" in house.outbox.texts[-1]
    else:
        assert [item.because for item in await house.app.people.waiting()] == ["already_settled"]


@pytest.mark.parametrize("intent", ["where_is_my_order", "return_item"])
async def test_nobody_learns_which_order_numbers_there_are(house: House, intent: str) -> None:
    numbers = (order_in(house, "delivered")["number"], "NW-2026-999999")
    heard = []
    for number in numbers:
        steps = {"first": reading(intent, fields={"order_number": number})}
        steps |= {code: reading(fields={"postcode": code, "items": ("1",)}) for code in ("00001", "00002")}
        house.readings.update({f"{number} {step}": said for step, said in steps.items()})
        before, first = len(house.outbox.texts), f"<{number}@x.example>"
        for step in steps:
            own = {"message_id": first} if step == "first" else {"references": first}
            await house.mail(f"{number} {step}", step, sender=f"{number}@private.example", auth="none", **own)
            await house.work()
        heard.append([text.replace(number, "NUMBER") for text in house.outbox.texts[before:]])
    assert heard[0] == heard[1]
    assert "postcode" in heard[0][0]
    assert "protect our customers' data" in heard[0][1]


@pytest.mark.parametrize(
    ("content", "kind", "counts"),
    [
        (b"x", "application/octet-stream", False),
        (b"x" * 9000, "image/jpeg", False),
        (b"\xff\xd8\xff\xe0" + b"x" * 90, "image/jpeg", False),
        (b"\xff\xd8\xff\xe0" + b"x" * 9000, "application/octet-stream", True),
    ],
)
def test_a_photo_is_one_by_its_bytes(content: bytes, kind: str, counts: bool) -> None:
    mail = EmailMessage()
    mail["From"] = "a@b.example"
    mail.set_content("It is broken.")
    main, _, sub = kind.partition("/")
    mail.add_attachment(content, maintype=main, subtype=sub, filename="a.jpg")
    message = parse(mail.as_bytes(), MailboxSettings(address="service@nordwind.example"))
    assert [a.picture for a in message.attachments] == [counts]


async def test_without_a_photo_a_damage_of_value_is_not_paid(house: House) -> None:
    order = await _one_item(house, price="90.00")
    fields = {"order_number": order["number"], "wish": "refund", "quantity": 1}
    house.readings["broken"] = reading("damaged_item", fields=fields)
    attach = {"maintype": "application", "subtype": "octet-stream", "filename": "a.jpg"}
    await house.mail("broken", "It is.", sender=order["email"], change=lambda mail: mail.add_attachment(b"x", **attach))
    await house.work()
    assert await house.paid_back(order) == []
    assert "photo" in house.outbox.texts[0]
    assert isinstance(house.reader, ScriptedReader)
    assert house.reader.seen[0].pictures == ()


def _several_items(house: House, *, count: int = 1) -> list[dict[str, Any]]:
    """Orders of one customer of which single items can be cancelled."""
    orders = [o for o in house.shop["orders"] if o["state"] in ("placed", "paid", "processing") and len(o["lines"]) > 1]
    return [{**copy.deepcopy(o), "email": orders[0]["email"], "customer": orders[0]["customer"]} for o in orders[:count]]


async def _asked_to_confirm(house: House, *, count: int = 1) -> list[dict[str, Any]]:
    """A case (its first mail is <c1@x.example>) in which the cancellation of one item of each order is to be confirmed."""
    orders = _several_items(house, count=count)
    for order in orders:
        await house.sandbox.put("base", "orders", order)
    wishes = [asked("cancel_order", order_number=o["number"], items=(o["lines"][0]["id"],)) for o in orders]
    house.readings["cancel"] = several(*wishes)
    await house.mail("cancel", "Please cancel.", sender=orders[0]["email"], message_id="<c1@x.example>")
    await house.work()
    return orders


async def _answer(house: House, order: dict[str, Any], subject: str, said: Reading) -> None:
    house.readings[subject] = said
    await house.mail(subject, subject, sender=order["email"], references="<c1@x.example>")
    await house.work()


async def _cancelled(house: House, order: dict[str, Any]) -> list[str]:
    record = await house.sandbox.record("base", "orders", order["id"])
    return [line["id"] for line in record["lines"] if line["cancelled"]]


async def test_a_yes_is_one_to_what_was_shown(house: House) -> None:
    [order] = await _asked_to_confirm(house)
    other = order["lines"][1]["id"]
    wish = asked("cancel_order", order_number=order["number"], items=(other,))
    said = replace(reading(fields={"confirm": True}), requests=(wish,))
    await _answer(house, order, "perfect, now the other one", said)
    assert await _cancelled(house, order) == []
    assert order["lines"][1]["title"] in house.outbox.texts[-1], "that one is shown and asked for"
    await _answer(house, order, "yes", reading(fields={"confirm": True}))
    assert await _cancelled(house, order) == [other]


async def test_a_yes_with_the_same_wish_again_is_a_yes(house: House) -> None:
    [order] = await _asked_to_confirm(house)
    wish = asked("cancel_order", order_number=order["number"], items=(order["lines"][0]["id"],))
    await _answer(house, order, "yes, do it", replace(reading(fields={"confirm": True}), requests=(wish,)))
    assert await _cancelled(house, order) == [order["lines"][0]["id"]]


async def test_a_no_holds_until_it_is_wished_again(house: House) -> None:
    [order] = await _asked_to_confirm(house)
    item = order["lines"][0]["id"]
    await _answer(house, order, "no", reading(fields={"confirm": False}))
    assert "as it is, and you will get it as planned" in house.outbox.texts[-1]
    await _answer(
        house, order, "after all", reading("cancel_order", fields={"order_number": order["number"], "items": (item,)})
    )
    assert "Shall we do that?" in house.outbox.texts[-1]
    await _answer(house, order, "yes", reading(fields={"confirm": True}))
    assert await _cancelled(house, order) == [item]


async def test_one_yes_to_two_questions_is_asked_again_and_one_with_a_number_counts(house: House) -> None:
    first, second = await _asked_to_confirm(house, count=2)
    assert house.outbox.texts[-1].count("Shall we do that?") == 2
    await _answer(house, first, "yes", reading(fields={"confirm": True}))
    assert [await _cancelled(house, o) for o in (first, second)] == [[], []]
    assert "give the order number" in house.outbox.texts[-1]
    await _answer(house, first, "second", reading(fields={"confirm": True, "order_number": second["number"]}))
    assert [await _cancelled(house, o) for o in (first, second)] == [[], [second["lines"][0]["id"]]]
    await _answer(house, first, "yes to the other", reading(fields={"confirm": True}))
    assert await _cancelled(house, first) == [first["lines"][0]["id"]]


async def test_a_yes_after_giving_up_is_heard(house: House) -> None:
    [order] = await _asked_to_confirm(house)
    for _ in range(9):
        house.clock.move(days=1)
        await house.work()
    assert "reply to this email whenever you like" in house.outbox.texts[-1]
    await _answer(house, order, "yes", reading(fields={"confirm": True}))
    assert await _cancelled(house, order) == [order["lines"][0]["id"]]


async def test_a_strangers_yes_in_a_customers_case_confirms_nothing(house: House) -> None:
    [order] = await _asked_to_confirm(house)
    house.readings["forged"] = reading(fields={"confirm": True})
    await house.mail("forged", "Yes", sender=order["email"], auth="none", references="<c1@x.example>")
    await house.work()
    await _answer(house, order, "hello", reading(fields={"order_number": order["number"]}))
    assert await _cancelled(house, order) == []


STOP = "Stop! Please do not cancel my order, I want to keep it."


async def _cancelling(house: House, *, price: str = "40.00") -> dict[str, Any]:
    """A customer (first mail <c1@x.example>) who wants to cancel a paid order of one item."""
    order = copy.deepcopy(next(o for o in house.shop["orders"] if o["state"] == "processing" and len(o["lines"]) == 1))
    order["lines"][0].update(unit_price=price, quantity=1)
    order["payments"] = order["payments"][:1]
    order["payments"][0].update(authorised=price, captured=price, refunded="0.00", in_flight="0.00", state="captured")
    order["shipping"] = "0.00"
    await house.sandbox.put("base", "orders", order)
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.mail("cancel", "Please cancel it.", sender=order["email"], message_id="<c1@x.example>")
    await house.work()
    return order


async def _stop(house: House, order: dict[str, Any], said: Reading, text: str = STOP) -> None:
    house.readings["stop"] = said
    await house.mail("stop", text, sender=order["email"], references="<c1@x.example>")
    await house.work()


async def _state(house: House, order: dict[str, Any]) -> tuple[str, list[int]]:
    return (await house.sandbox.record("base", "orders", order["id"]))["state"], await house.paid_back(order)


READ_AS = {"the same wish": ("cancel_order",), "nothing": ()}


@pytest.mark.parametrize("read", READ_AS.values(), ids=READ_AS)
async def test_what_waits_for_approval_is_withdrawn_when_the_customer_writes(house: House, read: tuple[str, ...]) -> None:
    order = await _cancelling(house, price="600.00")
    [approval] = await house.app.people.waiting()
    assert approval.kind == "approval"
    await _stop(house, order, reading(*read))
    with pytest.raises(UsageError, match="withdrawn by caseworker"):
        await house.app.people.decide(approval.id, "approve", by="anna")
    [item] = await house.app.people.waiting()
    assert (item.kind, item.because, item.brief["written"]) == ("escalation", "written_meanwhile", STOP)
    assert item.brief["held_back"][0]["operation"] == "orders.cancel"
    await house.pass_time(step=60, until=600)
    assert await _state(house, order) == ("processing", [])


async def test_what_was_withdrawn_can_be_taken_up_again_by_a_person(house: House) -> None:
    order = await _cancelling(house, price="600.00")
    await _stop(house, order, reading())
    [item] = await house.app.people.waiting()
    await house.app.people.decide(item.id, "return", by="anna")
    await house.work()
    [approval] = await house.app.people.waiting()
    await house.app.people.decide(approval.id, "approve", by="anna")
    await house.work()
    assert await _state(house, order) == ("cancelled", [60000])


async def test_what_a_stop_holds_is_not_done_after_the_customer_took_it_back(house: House) -> None:
    await house.app.control.stop(scope="all", value="", by="anna", now=house.clock.at)
    order = await _cancelling(house)
    await _stop(house, order, reading("cancel_order", fields={"order_number": order["number"]}))
    await house.app.control.lift(now=house.clock.at)
    await house.work()
    assert await _state(house, order) == ("processing", [])
    [item] = await house.app.people.waiting()
    assert item.because == "written_meanwhile"
    await house.app.people.decide(item.id, "return", by="anna")
    await house.work()
    assert await _state(house, order) == ("cancelled", [4000]), "a person wanted it after all"


async def test_what_a_shop_that_is_away_has_not_got_is_not_done_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(self: object, call: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.sandbox), "write", away)
        order = await _cancelling(house)
        await _stop(house, order, reading(abstained="unsure"))
    await house.pass_time(step=60, until=1200)
    assert await _state(house, order) == ("processing", [])
    assert {item.because for item in await house.app.people.waiting()} == {"not_understood:unsure"}


async def test_what_may_have_been_done_goes_on_and_a_person_gets_the_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(self: object, call: object) -> None:
        raise OutcomeUnknown("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.sandbox), "write", unknown)
        order = await _cancelling(house)
        await _stop(house, order, reading("cancel_order", fields={"order_number": order["number"]}))
    [item] = await house.app.people.waiting()
    assert (item.because, item.brief["asked"][0]["quote"]) == ("written_meanwhile", STOP)
    await house.pass_time(step=60, until=1200)
    assert await _state(house, order) == ("cancelled", [4000])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (reading(thanks=True), "Thank you very much!"),
        (reading(chaser=True), "Any news?"),
        (reading("where_is_my_order", fields={"order_number": "NW-2026-999999"}), "Where is my other order?"),
    ],
    ids=["thanks", "chaser", "another order"],
)
async def test_thanks_and_other_matters_leave_an_approval_alone_and_stand_in_its_brief(
    house: House, said: Reading, text: str
) -> None:
    order = await _cancelling(house, price="600.00")
    await _stop(house, order, said, text)
    approval = next(item for item in await house.app.people.waiting() if item.kind == "approval")
    [told] = approval.brief["written_since"]
    assert told.endswith(f"{order['email']}: {text}")
    await house.app.people.decide(approval.id, "approve", by="anna")
    await house.work()
    assert await _state(house, order) == ("cancelled", [60000])


async def test_thanks_with_a_denial_are_no_thanks(house: House) -> None:
    order = await _cancelling(house, price="600.00")
    await _stop(house, order, reading(thanks=True), "Thank you. But please do not cancel it.")
    assert [item.because for item in await house.app.people.waiting()] == ["written_meanwhile"]
