"""What somebody tries with the mail itself: who wrote it, what it is, how long it takes. Each of these worked once."""

import asyncio
import time

import pytest
from house import MAILBOX, House, order_in, reading

LIMIT = 10  # automatic mails to one person in a day


async def test_a_sender_who_failed_the_check_proves_himself_like_anybody(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    case = (await house.mail("cancel", "Cancel it.", sender=order["email"], auth="fail", message_id="<f1@x.example>")).case
    await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == []
    assert "postcode" in house.outbox.texts[-1]
    house.readings["my postcode"] = reading(fields={"postcode": order["address"]["postcode"]})
    await house.mail("my postcode", "Here.", sender=order["email"], auth="fail", references="<f1@x.example>")
    await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == [("orders.cancel",)]
    assert (await house.file(case)).case.status == "closed"


async def test_a_failed_sender_in_a_case_changes_nothing_in_it(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["new address"] = reading("change_address", fields={"order_number": order["number"]})
    case = (await house.mail("new address", "Please.", sender=order["email"], message_id="<a1@x.example>")).case
    await house.work()
    before = (await house.file(case)).case.state
    address = {"street": "Diebesweg 13", "postcode": "10115", "city": "Berlin", "country": "DE"}
    house.readings["forged"] = reading("cancel_order", fields={"new_address": address})
    for text in ("Diebesweg 13, 10115 Berlin", "And cancel the rest."):
        taken = await house.mail(
            "forged",
            text,
            sender=order["email"],
            auth="fail",
            references="<a1@x.example>",
            headers={"Reply-To": "e@e.example"},
        )
        assert taken.case == case
        await house.work()
    after = (await house.file(case)).case
    assert after.status == "with_people"
    assert after.state["requests"][: len(before["requests"])] == before["requests"]
    untouched = ("sender", "sender_verified", "may_answer", "asking", "texts", "references", "contacts")
    assert {key: after.state[key] for key in untouched} == {key: before[key] for key in untouched}
    assert [item.because for item in await house.app.people.waiting()] == ["sender_failed_the_check"]
    assert len(house.outbox.mails) == 1
    house.readings["here it is"] = reading(fields={"new_address": {**address, "street": "Lindenallee 3"}})
    await house.mail("here it is", "Lindenallee 3", sender=order["email"], references="<a1@x.example>")
    await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == [("orders.change_address",)], "it went on"


async def test_forged_mails_do_not_use_up_the_answers_of_a_day(house: House) -> None:
    order = order_in(house, "paid", "processing")
    for number in range(LIMIT + 2):
        house.readings[f"order {number}"] = reading("where_is_my_order")
        await house.mail(f"order {number}", f"Where is it? {number}", sender=order["email"], auth="fail")
        await house.work()
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.mail("cancel", "Please cancel it.", sender=order["email"])
    await house.work()
    assert len(house.outbox.mails) == LIMIT + 1
    assert "cancelled your order" in house.outbox.texts[-1]


async def test_a_plus_part_makes_no_other_person_of_a_day_s_limit(house: House) -> None:
    for number in range(LIMIT + 3):
        house.readings[f"order {number}"] = reading("where_is_my_order")
        sender = f"victim+{number}@private.example" if number % 4 else "victim@private.example"
        await house.mail(f"order {number}", f"Where is it? {number}", sender=sender, auth="none")
        await house.work()
    await house.mail("order 0", "And mine?", sender="victim_2@private.example", auth="none")
    await house.work()
    told = [to for to, _ in house.outbox.mails.values()]
    assert len([to for to in told if to != "victim_2@private.example"]) == LIMIT
    assert told.count("victim_2@private.example") == 1


@pytest.mark.parametrize(
    "sender",
    [
        "evil@private.example (<{}>)",
        "evil@private.example <{}>",
        '"{}" evil@private.example',
        "'{}'",
        "M, Lena <{}>",
    ],
)
async def test_a_from_that_can_be_read_in_two_ways_proves_nothing(house: House, sender: str) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    domain = order["email"].rpartition("@")[2]
    raw = (
        f"Authentication-Results: mx.nordwind.example; dmarc=pass header.from={domain}\r\n"
        f"From: {sender.format(order['email']).replace('private.example', domain)}\r\n"
        f"To: {MAILBOX}\r\nSubject: cancel\r\n\r\nPlease cancel it.\r\n"
    ).encode()
    taken = await house.app.intake.take(raw, mailbox=MAILBOX)
    await house.work()
    assert not (await house.file(taken)).case.state["sender_verified"]
    assert house.sql("select operation from effects where kind = 'write'") == []


@pytest.mark.parametrize("reply_to", ["service+abc@nordwind.example", "noreply@other.example", "mailer-daemon@other.example"])
async def test_an_answer_that_would_reach_a_machine_is_not_sent(house: House, reply_to: str) -> None:
    house.readings["order"] = reading("where_is_my_order")
    await house.mail("order", "Where is it?", sender="a@evil.example", auth="none", headers={"Reply-To": reply_to})
    await house.work()
    assert house.outbox.tries == 0
    assert {item.because for item in await house.app.people.waiting()} == {"not_to_be_answered"}


@pytest.mark.parametrize(
    ("subject", "headers"),
    [
        ("Out of office chair, order damaged", {"X-Auto-Response-Suppress": "All"}),
        ("Automatic reply system broken: where is my order?", {"X-Auto-Response-Suppress": "All"}),
        ("Abwesenheit bei der Lieferung", {"X-Auto-Response-Suppress": "All"}),
        ("order", {"List-Id": "family <family.groups.example>"}),
        ("order", {"Precedence": "bulk"}),
    ],
)
async def test_a_customer_who_looks_like_a_machine_is_seen_by_people(
    house: House, subject: str, headers: dict[str, str]
) -> None:
    house.readings[subject] = reading("where_is_my_order")
    taken = await house.mail(subject, "Where is my order NW-2026-100687?", sender="lena@example.org", headers=headers)
    await house.work()
    assert taken.new_case
    assert house.outbox.tries == 0
    assert {item.case for item in await house.app.people.waiting()} == {taken.case}


async def test_a_mail_made_to_be_slow_holds_nobody_up_at_the_door(house: House) -> None:
    house.readings["slow"] = reading()
    longest, ended = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not ended:
            before = time.monotonic()
            await asyncio.sleep(0.02)
            longest = max(longest, time.monotonic() - before - 0.02)

    watching = asyncio.create_task(watch())
    await house.mail("slow", ("-" * 46 + "\n") * 4_240, sender="a@evil.example", auth="none")
    ended = True
    await watching
    assert longest < 1, "seconds in which nobody else could hand over a mail"
