"""What somebody tries who wants another customer's data, money or silence. Each of these worked once."""

import asyncio
import copy
import json
import time
from email.message import EmailMessage

import pytest
from house import House, asked, order_in, overdue_return, reading, several

from caseworker.core.ids import case_reference
from caseworker.reading.fields.plain import read_yes_no
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Context, MailText
from caseworker.reading.sentences import split

ADDRESS = {"street": "Diebesweg 13", "postcode": "10115", "city": "Berlin", "country": "DE"}


def _with_reply_to(address: str):
    def change(mail: EmailMessage) -> None:
        mail["Reply-To"] = address

    return change


@pytest.mark.parametrize("auth", ["none", "fail"])
async def test_a_forged_from_and_a_guessed_reference_do_not_open_a_case(house: House, auth: str) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["new address"] = reading(
        "change_address", fields={"order_number": order["number"], "postcode": order["address"]["postcode"]}
    )
    case = (await house.mail("new address", "Please.", sender=order["email"], auth="none")).case
    await house.work()
    subject = f"Re: new address [{case_reference(case)}]"
    house.readings[subject] = reading(fields={"new_address": ADDRESS})
    forged = await house.mail(subject, "Diebesweg 13, 10115 Berlin", sender=order["email"], auth=auth)
    await house.work()
    assert forged.case != case
    assert house.sql("select operation from effects where kind = 'write'") == []


async def test_the_customer_himself_opens_his_case_by_its_reference(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["new address"] = reading("change_address", fields={"order_number": order["number"]})
    case = (await house.mail("new address", "Please.", sender=order["email"])).case
    await house.work()
    again = await house.mail(f"Re: [{case_reference(case)}]", "Here it is.", sender=order["email"])
    assert again.case == case


async def test_a_persons_words_go_to_whom_that_person_saw(house: House) -> None:
    house.readings["lawyer"] = reading(risks=("legal_threat",))
    house.readings["Re: lawyer"] = reading()
    case = (await house.mail("lawyer", "You will hear from us.", sender="lena@example.org", message_id="<l1@x.example>")).case
    await house.work()
    [item] = await house.app.people.waiting()
    await house.mail("Re: lawyer", "And?", sender="other@elsewhere.example", references="<l1@x.example>", auth="none")
    await house.work()
    before = len(house.outbox.mails)
    await house.app.people.decide(item.id, "resolve", by="anna", reply="Dear Lena, your voucher is V-123.")
    await house.work()
    told = [to for to, raw in list(house.outbox.mails.values())[before:] if b"V-123" in raw]
    assert told == ["lena@example.org"]
    assert (await house.file(case)).case.status in ("closed", "with_people")


async def test_a_persons_words_leave_though_the_last_mail_was_not_to_be_answered(house: House) -> None:
    house.readings["lawyer"] = reading(risks=("legal_threat",))
    await house.mail("lawyer", "You will hear from us.", sender="lena@example.org", headers={"X-Auto-Response-Suppress": "All"})
    await house.work()
    [item] = await house.app.people.waiting()
    await house.app.people.decide(item.id, "resolve", by="anna", reply="We will call you.")
    await house.work()
    assert [to for to, _ in house.outbox.mails.values()] == ["lena@example.org"]
    assert "We will call you." in house.outbox.texts[-1]


async def test_an_order_number_that_comes_while_something_is_done_changes_nothing(house: House) -> None:
    cancelled = order_in(house, "paid", "processing")
    kept = copy.deepcopy(order_in(house, "delivered"))
    kept.update(email=cancelled["email"], customer=cancelled["customer"])
    await house.sandbox.put("base", "orders", kept)
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": cancelled["number"]})
    house.readings["thanks"] = reading(fields={"order_number": kept["number"]}, thanks=True)
    await house.mail("cancel", "Please cancel it.", sender=cancelled["email"], message_id="<c1@x.example>")
    await house.mail("thanks", f"Thank you! {kept['number']}", sender=cancelled["email"], references="<c1@x.example>")
    await house.work()
    await house.pass_time(step=60, until=600)
    assert await house.paid_back(kept) == []
    assert not any(kept["number"] in text for text in house.outbox.texts)


async def test_the_same_matter_with_another_order_after_something_was_done_goes_to_a_person(house: House) -> None:
    cancelled = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": cancelled["number"]})
    await house.mail("cancel", "Please cancel it.", sender=cancelled["email"], message_id="<c1@x.example>")
    await house.work()
    house.readings["again"] = reading("cancel_order", fields={"order_number": cancelled["number"], "items": ("100000-9",)})
    await house.mail("again", "Cancel that too.", sender=cancelled["email"], references="<c1@x.example>")
    await house.work()
    assert [item.because for item in await house.app.people.waiting()] == ["asked_again"]


async def _returns(house: House, *, count: int) -> list[dict]:
    """Overdue returns of one customer, 149.00 each, each on an order of its own."""
    first = await overdue_return(house, worth="149.00")
    orders = [first]
    for number in range(1, count):
        text = str(900000 + number)
        own = first["number"].rpartition("-")[2]
        order = json.loads(json.dumps(first).replace(own, text))
        await house.sandbox.put("base", "orders", order)
        orders.append(order)
    return orders


async def test_the_limit_of_a_case_counts_the_requests_of_one_mail_together(house: House) -> None:
    orders = await _returns(house, count=4)
    house.readings["money"] = several(*(asked("refund_status", order_number=o["number"]) for o in orders))
    await house.mail("money", "Where is all my money?", sender=orders[0]["email"])
    await house.work()
    assert [await house.paid_back(o) for o in orders].count([14900]) == 2, "300.00 EUR by itself, no more"
    assert [item.kind for item in await house.app.people.waiting()] == ["approval", "approval"]


async def test_the_limit_of_a_day_holds_for_cases_at_once_and_whoever_writes(house: House) -> None:
    orders = await _returns(house, count=5)
    for number, order in enumerate(orders):
        postcode = order["address"]["postcode"]
        house.readings[f"money {number}"] = reading(
            "refund_status", fields={"order_number": order["number"], "postcode": postcode}
        )
        sender = orders[0]["email"] if number % 2 else f"friend{number}@private.example"
        await house.mail(f"money {number}", "Where is it?", sender=sender)
    await house.work()
    assert [await house.paid_back(o) for o in orders].count([14900]) == 2
    items = await house.app.people.waiting()
    assert [item.kind for item in items] == ["approval"] * 3
    await house.app.people.decide(items[0].id, "approve", by="anna")
    await house.work()
    assert [await house.paid_back(o) for o in orders].count([14900]) == 3, "what a person approved is above the limit"


async def test_guessing_postcodes_ends_after_five(house: House) -> None:
    order = order_in(house, "paid", "processing")
    right = order["address"]["postcode"]
    for number in range(7):
        postcode = right if number == 6 else f"1000{number}"
        house.readings[f"guess {number}"] = reading(
            "cancel_order", fields={"order_number": order["number"], "postcode": postcode}
        )
        sender = f"evil{number}@attacker.example" if number % 2 else "evil@attacker.example"
        await house.mail(f"guess {number}", "Cancel it.", sender=sender, auth="none")
        await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == []
    house.readings["owner"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.mail("owner", "Cancel it.", sender=order["email"])
    await house.work()
    assert house.sql("select operation from effects where kind = 'write'") == [("orders.cancel",)], "its owner still may"


async def test_what_a_database_cannot_hold_comes_in_all_the_same(house: House) -> None:
    head = b"From: A <a@b.example>\r\nTo: service@nordwind.example\r\nMessage-ID: <n%d@x>\r\n"
    odd = [
        b"References: <a\x00b@x>\r\nSubject: one\r\n",
        b"In-Reply-To: <a\xffb@x>\r\nSubject: two\r\n",
        b"Subject: [CW-8000000000000-AA] three\r\n",
        b"Subject: four\x00\r\nX-A: b\rAuthentication-Results: mx.nordwind.example; dmarc=pass header.from=b.example\r\n",
    ]
    for number, line in enumerate(odd):
        raw = head % number + line + b"\r\nhello %d\r\n" % number
        taken = await house.app.intake.take(raw, mailbox="service@nordwind.example", envelope_from="a\x00\udcff@b.example")
        assert taken.new_case


async def test_two_customers_of_one_contact_form_are_two_cases(house: House) -> None:
    taken = [
        await house.mail(
            "form",
            "Please call me.",
            sender="forms@nordwind.example",
            message_id="<same@form.example>",
            change=_with_reply_to(who),
        )
        for who in ("tom@example.org", "paul@example.org")
    ]
    assert [t.duplicate for t in taken] == [False, False]


async def test_a_mail_made_to_be_slow_does_not_stop_the_others(house: House) -> None:
    house.readings["order"] = reading("where_is_my_order")
    house.readings["Re: order"] = reading()
    await house.mail("order", "Where is it?", sender="a@evil.example", message_id="<h1@x.example>", auth="none")
    await house.work()
    bomb = "On 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2)\n" * 20_000
    begun = time.monotonic()
    await house.mail("Re: order", bomb, sender="a@evil.example", references="<h1@x.example>", auth="none")
    longest = await _longest_standstill(house.work())
    assert time.monotonic() - begun < 30
    assert longest < 5, "seconds in which no lease could be renewed"


async def _longest_standstill(work) -> float:
    """How long the event loop did not turn while it worked."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            longest = max(longest, time.monotonic() - before - 0.05)

    watching = asyncio.create_task(watch())
    await work
    watching.cancel()
    return longest


async def test_an_event_under_which_workers_die_is_set_aside(house: House) -> None:
    taken = await house.mail("deadly", "words", sender="a@b.example", auth="none")
    for number in range(8):
        lease = await house.app.cases.take(taken.case, f"worker {number}")
        assert lease is not None
        house.sql("update cases set lease_until = now() - interval '1 second' returning number")
    [aside] = await house.app.control.aside()
    assert (aside["case"], aside["error"]) == (taken.case, "Its workers ended in the middle of it.")


async def test_what_nobody_can_do_and_is_given_back_waits_for_people_again(house: House) -> None:
    house.readings["?"] = reading(abstained="unsure")
    await house.mail("?", "Hm.", sender="a@b.example", auth="none")
    await house.work()
    [item] = await house.app.people.waiting()
    await house.app.people.decide(item.id, "return", by="anna")
    await house.work()
    [again] = await house.app.people.waiting()
    assert (again.because, again.case) == ("no_procedure", item.case)
    assert await house.app.control.aside() == []


async def test_a_strangers_name_and_subject_do_not_leave_as_our_words(house: House) -> None:
    subject = "Your account is locked, visit https://evil.example/login"
    house.readings[subject] = reading("where_is_my_order")
    await house.mail(subject, "Hi.", sender='"Your refund is stuck. Visit evil.example now" <victim@example.org>', auth="none")
    await house.work()
    [letter] = house.outbox.letters
    for header in ("Subject", "To"):
        assert "evil" not in str(letter[header])
    assert "evil" not in house.outbox.texts[0]


@pytest.mark.parametrize(
    ("text", "value", "sure"),
    [
        ("Yes please.", True, True),
        ("Ja, bitte stornieren.", True, True),
        ("Yes, I do not need it any more.", True, True),
        ("Yes, I got your mail. No, please do not cancel anything.", True, False),
        ("Ok, thanks for the mail. Please do not cancel anything.", True, False),
        ("Hello, sure, I read it. I want to keep everything.", True, False),
        ("Fine.\nNo.", True, False),
        ("Richtig, ich habe Ihre Mail bekommen. Bitte stornieren Sie nichts.", True, False),
        ("No, keep it.", False, True),
        ("Nein.", False, True),
    ],
)
def test_a_yes_with_a_no_is_no_yes(text: str, value: bool, sure: bool) -> None:
    found = read_yes_no("confirm", Scope(MailText("", text), split(text), Context(), "en", None))
    assert found is not None
    assert (found.value, found.confidence > 0.6) == (value, sure)
