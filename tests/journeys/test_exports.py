"""A retailer's own mailbox, exported: customers' mails become cases of their date, everything else does not."""

from house import House, reading


async def test_our_own_mails_and_absence_notes_of_an_export_open_no_case(house: House) -> None:
    house.readings["order"] = reading("where_is_my_order")
    ours = await house.mail("Re: order", "It is on its way.", sender="service@nordwind.example", history=True)
    away = await house.mail(
        "Out of office", "I am away.", sender="a@b.example", headers={"Auto-Submitted": "auto-replied"}, history=True
    )
    customer = await house.mail("order", "Where is it?", sender="lena@example.org", history=True)
    assert (ours.case, away.case) == (0, 0)
    assert customer.new_case


async def test_a_mail_from_the_future_counts_as_received_today(house: House) -> None:
    house.readings["order"] = reading("where_is_my_order")
    raw = b"From: a@b.example\r\nSubject: order\r\nDate: Tue, 24 Nov 2099 09:00:00 +0000\r\n\r\nWhere is it?\r\n"
    from caseworker.app.history import date_of

    taken = await house.app.intake.take(raw, mailbox="service@nordwind.example", as_of=date_of(raw), history=True)
    await house.work()
    case = (await house.file(taken)).case
    assert case.updated_at <= house.clock.at
