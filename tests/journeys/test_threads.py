"""Which case a mail belongs to, and which mails are never answered."""

from email.message import EmailMessage

from house import MAILBOX, House, order_in, reading, returnable_order

from caseworker.core.ids import case_reference


async def _answered_case(house: House, subject: str = "where is it") -> tuple[dict, int]:
    order = order_in(house, "delivered")
    house.readings[subject] = reading("where_is_my_order", fields={"order_number": order["number"]})
    taken = await house.mail(subject, "Where is my order?", sender=order["email"])
    await house.work()
    assert len(house.outbox.texts) == 1
    return order, taken.case


async def test_the_same_mail_again_changes_nothing(house: House) -> None:
    order, case = await _answered_case(house)
    before = house.sql("select count(*) from events")
    again = await house.mail("where is it", "Where is my order?", sender=order["email"])
    await house.work()
    assert (again.case, again.duplicate) == (case, True)
    assert house.sql("select count(*) from events") == before
    assert len(house.outbox.texts) == 1


async def test_the_same_words_again_are_not_answered(house: House) -> None:
    order, case = await _answered_case(house)
    letter = house.outbox.letters[0]
    again = await house.mail(
        "where is it", "Where is my order?", sender=order["email"], message_id="<b@x.example>", references=letter["Message-ID"]
    )
    await house.work()
    assert (again.case, again.duplicate) == (case, False)
    assert len(house.outbox.texts) == 1
    file = await house.file(case)
    assert file.case.status == "closed"
    assert "the same words as before" in str([line.data for line in file.timeline if line.kind == "not_answered"])


async def test_the_same_words_while_it_is_worked_on_do_not_swallow_the_answer(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    stop = await house.app.control.stop(scope="all", value="", by="t", now=house.clock.at)
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
    await house.work()
    reference = case_reference(taken.case)
    again = await house.mail(f"cancel [{reference}]", "Cancel it.", sender=order["email"])
    await house.work()
    assert again.case == taken.case
    await house.app.control.lift(now=house.clock.at, stop=stop)
    await house.work()
    assert len(house.outbox.texts) == 1
    assert "cancelled your order" in house.outbox.texts[0]


def _delivery_report(mail: EmailMessage, *, message_id: str, recipient: str) -> None:
    del mail["Subject"], mail["Content-Type"], mail["Content-Transfer-Encoding"], mail["MIME-Version"]
    mail["Subject"] = "Undelivered Mail Returned to Sender"
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="B"'
    mail.set_payload(
        "--B\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nFrom: {MAILBOX}\r\n\r\n--B--\r\n"
    )


async def test_a_bounce_of_our_reply_goes_to_its_case_and_people_and_is_not_answered(house: House) -> None:
    order, case = await _answered_case(house)
    sent = house.outbox.letters[0]["Message-ID"]
    bounce = await house.mail(
        "x",
        "x",
        sender="MAILER-DAEMON@mx.example",
        auth="none",
        to="service+bounce@nordwind.example",
        change=lambda mail: _delivery_report(mail, message_id=sent, recipient=order["email"]),
    )
    await house.work()
    assert (bounce.case, bounce.new_case) == (case, False)
    assert len(house.outbox.texts) == 1
    [item] = await house.app.people.waiting()
    assert (item.case, item.because) == (case, "undeliverable")
    assert item.brief["recipient"] == order["email"]
    file = await house.file(case)
    assert file.case.sender == order["email"], "the case is still the customer's"
    assert await house.app.control.aside() == []


async def test_an_absence_note_is_kept_not_answered_and_reopens_nothing(house: House) -> None:
    order, case = await _answered_case(house)
    note = await house.mail(
        "Out of office: your order",
        "I am away until Monday.",
        sender=order["email"],
        references=house.outbox.letters[0]["Message-ID"],
        headers={"Auto-Submitted": "auto-replied"},
    )
    await house.work()
    assert note.case == case
    file = await house.file(case)
    assert file.case.status == "closed"
    assert [m.kind for m in file.messages] == ["person", "ours", "out_of_office"]
    assert len(house.outbox.texts) == 1


async def test_a_new_wish_in_a_closed_case_is_worked_on(house: House) -> None:
    order = returnable_order(house)
    house.readings["where is it"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    lines = tuple(line["id"] for line in order["lines"])
    house.readings["back"] = reading("return_item", fields={"order_number": order["number"], "items": lines})
    first = await house.mail("where is it", "Where is my order?", sender=order["email"])
    await house.work()
    assert (await house.file(first)).case.status == "closed"
    house.clock.move(days=2)
    second = await house.mail("now", "I send it back", sender=order["email"], references=house.outbox.letters[0]["Message-ID"])
    await house.work()
    assert second.case == first.case
    file = await house.file(first)
    assert file.case.intents == ["where_is_my_order", "return_item"]
    assert file.case.status == "closed"
    assert "registered your return" in house.outbox.texts[1]


async def test_a_thank_you_is_not_answered(house: House) -> None:
    order, case = await _answered_case(house)
    house.readings["thank you"] = reading(thanks=True)
    thanks = await house.mail("Re: order", "thank you", sender=order["email"], references=house.outbox.letters[0]["Message-ID"])
    await house.work()
    assert thanks.case == case
    assert len(house.outbox.texts) == 1
    assert (await house.file(case)).case.status == "closed"


async def test_a_thread_is_found_by_our_address_by_message_ids_and_by_the_subject(house: House) -> None:
    order, case = await _answered_case(house)
    letter = house.outbox.letters[0]
    house.readings["more"] = reading(thanks=True)
    token = str(letter["Reply-To"].addresses[0].addr_spec)
    assert token.startswith("service+")
    by_token = await house.mail("1", "more 1", sender=order["email"], to=token)
    by_references = await house.mail(
        "2", "more 2", sender=order["email"], headers={"References": f"<unknown@x.example> {letter['Message-ID']}"}
    )
    by_customers_own = await house.mail("3", "more 3", sender=order["email"], references=(await _first_message_id(house, case)))
    by_subject = await house.mail(f"AW: {letter['Subject']}", "more 4", sender=order["email"])
    forged = await house.mail("5", "more 5", sender=order["email"], to=token[:-30] + "a" * 12 + token[-18:])
    found = [by_token, by_references, by_customers_own, by_subject]
    assert [taken.case for taken in found] == [case] * 4
    assert forged.case != case, "a token that we did not sign opens nothing"


async def _first_message_id(house: House, case: int) -> str:
    file = await house.file(case)
    return f"<{file.messages[0].message_id}>"


async def test_our_reply_says_where_it_belongs(house: House) -> None:
    order = order_in(house, "delivered")
    house.readings["where"] = reading("where_is_my_order", fields={"order_number": order["number"]})
    taken = await house.mail("where", "Where is it?", sender=order["email"], message_id="<first@customer.example>")
    await house.work()
    [letter] = house.outbox.letters
    assert letter["In-Reply-To"] == "<first@customer.example>"
    assert case_reference(taken.case) in letter["Subject"]
    assert letter["Auto-Submitted"] == "auto-replied"
    assert letter["To"].addresses[0].addr_spec == order["email"]


async def test_who_guesses_a_reference_gets_into_no_case(house: House) -> None:
    _, case = await _answered_case(house)
    house.readings["let me see"] = reading(thanks=True)
    guessed = await house.mail(f"Re: [{case_reference(case)}]", "let me see", sender="curious@private.example")
    assert guessed.case != case


async def test_who_joins_a_thread_does_not_hear_what_was_done_for_somebody_else(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"], message_id="<first@customer.example>")
    stop = await house.app.control.stop(scope="all", value="", by="t", now=house.clock.at)
    await house.work()
    house.readings["what about it"] = reading(thanks=True)
    joined = await house.mail("Fwd", "what about it?", sender="curious@private.example", references="<first@customer.example>")
    assert joined.case == taken.case
    await house.app.control.lift(now=house.clock.at, stop=stop)
    await house.work()
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == "cancelled"
    told = [text for (to, _), text in zip(house.outbox.mails.values(), house.outbox.texts, strict=True) if to != order["email"]]
    assert [text for text in told if order["number"] in text or "cancelled" in text] == []


async def test_who_names_somebody_else_in_reply_to_is_not_that_person(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    await house.mail("cancel", "Cancel it.", sender="curious@private.example", headers={"Reply-To": order["email"]})
    await house.work()
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == order["state"]
