"""What an attack found in how a case goes on: what is paid twice, what a yes stands for, what a second mail changes."""

import copy
from email.message import EmailMessage
from typing import Any

import pytest
from house import House, order_in, reading, returnable_order

from caseworker.mail.model import MailboxSettings
from caseworker.mail.parse import parse
from caseworker.reading.adapters.scripted import ScriptedReader


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
    assert len(heard[0]) == 3
    assert "could not find an order with what you gave us" in heard[0][1]


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
