"""Questions about how the shop works: an approved answer, word for word, or a person. With the encoder that is shipped."""

from dataclasses import replace
from pathlib import Path

from house import House, asked, reading, several

import caseworker.playbooks

ARTICLES = Path(caseworker.playbooks.__file__).parent / "retail" / "knowledge"


def question(house: House, subject: str, words: str, *, intent: str = "product_question", language: str = "en") -> None:
    """The reader finds one question with these words."""
    said = replace(several(replace(asked(intent), words=words)), language=language)
    house.readings[subject] = said


async def test_a_question_about_the_shop_gets_its_approved_answer(house: House) -> None:
    question(house, "shipping", "How much is shipping to Austria?")
    taken = await house.mail("shipping", "How much is shipping to Austria?", sender="new@customer.example")
    await house.work()
    [text] = house.outbox.texts
    assert "Germany and Austria: €4.90, free of charge from an order value of €60.00" in text
    assert "{{" not in text
    file = await house.file(taken)
    assert file.case.status == "closed"
    looked = next(line for line in file.timeline if line.kind == "looked_up")
    assert looked.data["operation"] == "knowledge.find"
    decided = next(line for line in file.timeline if line.kind == "decided")
    assert decided.data["rule"] == "answered"
    [r] = file.case.state["requests"]
    assert r["known"]["answer"]["source"] == "knowledge/shipping_costs.md", "where the words come from is kept"
    assert await house.app.people.waiting() == []


async def test_the_answer_is_in_the_customers_language(house: House) -> None:
    question(house, "store", "Haben Sie einen Laden in Kiel?", language="de")
    await house.mail("store", "Haben Sie einen Laden in Kiel?", sender="neu@customer.example")
    await house.work()
    assert "Wir haben keine Ladengeschäfte" in house.outbox.texts[0]


async def test_what_nothing_answers_goes_to_people_and_no_answer_is_made_up(house: House) -> None:
    words = "Is the seam of the Alva jacket taped?"
    question(house, "seam", words)
    taken = await house.mail("seam", words, sender="new@customer.example")
    await house.work()
    [item] = await house.app.people.waiting("general")
    assert (item.because, item.case) == ("no_answer", taken.case)
    assert words in str(item.brief), "the person sees the question"
    [text] = house.outbox.texts
    approved = " ".join(path.read_text() for path in ARTICLES.glob("*.md"))
    assert "A colleague will look into it" in text
    assert not [line for line in text.split(". ") if len(line) > 60 and line in " ".join(approved.split())]


async def test_who_was_not_helped_by_the_answer_gets_a_person(house: House) -> None:
    question(house, "shipping", "How much is shipping?")
    first = await house.mail("shipping", "How much is shipping?", sender="new@customer.example", message_id="<1@c.example>")
    await house.work()
    question(house, "shipping", "And how much is shipping to Malta?")
    words = "And how much is shipping to Malta?"
    again = await house.mail("Re: shipping", words, sender="new@customer.example", references="<1@c.example>")
    assert again.case == first.case
    await house.work()
    [item] = await house.app.people.waiting("general")
    assert item.because == "came_back"
    assert "Malta" in str(item.brief)
    assert len(house.outbox.texts) == 2
    assert "4.90" not in house.outbox.texts[1]


async def test_a_forgotten_password_is_helped_at_once(house: House) -> None:
    question(house, "login", "I forgot my password and cannot log in.", intent="account_login")
    await house.mail("login", "I forgot my password and cannot log in.", sender="new@customer.example")
    await house.work()
    assert "valid for 60 minutes" in house.outbox.texts[0]


async def test_a_complaint_is_told_by_when_it_is_answered_and_that_is_kept(house: House) -> None:
    house.readings["rude"] = reading("complaint")
    taken = await house.mail("rude", "I want to complain about your service.", sender="new@customer.example")
    await house.work()
    assert "by 3 December 2026 at the latest" in house.outbox.texts[0], "the queue's service level, in business days"
    [promise] = (await house.file(taken)).promises
    assert (promise.what, promise.status) == ("answer", "open")
    [item] = await house.app.people.waiting("complaints")
    await house.app.people.decide(item.id, "resolve", by="anna", reply="I have looked into it, and I am sorry.")
    await house.work()
    await house.pass_time(step=6 * 3600, until=2 * 24 * 3600)
    [promise] = (await house.file(taken)).promises
    assert promise.status == "kept"


async def test_a_complaint_that_nobody_answers_comes_up_again_when_its_day_is_over(house: House) -> None:
    house.readings["rude"] = reading("complaint")
    taken = await house.mail("rude", "I want to complain about your service.", sender="new@customer.example")
    await house.work()
    await house.pass_time(step=6 * 3600, until=2 * 24 * 3600)
    [promise] = (await house.file(taken)).promises
    assert promise.status == "broken"
    assert {item.because for item in await house.app.people.waiting("complaints")} == {"always_people", "promise_broken"}


async def test_a_request_for_data_names_the_day_that_the_law_gives(house: House) -> None:
    house.readings["data"] = reading("privacy_request")
    await house.mail("data", "Send me all data you have about me.", sender="new@customer.example")
    await house.work()
    assert "within the statutory period of one month, by 30 December 2026 at the latest" in house.outbox.texts[0]


async def test_a_threat_is_answered_shortly_whatever_else_is_in_the_mail(house: House) -> None:
    house.readings["lawyer"] = reading("where_is_my_order", risks=("legal_threat",))
    await house.mail("lawyer", "Where is it? You will hear from my lawyer.", sender="new@customer.example")
    await house.work()
    [text] = house.outbox.texts
    assert "It has been passed on to the person in charge" in text
    assert "colleague" not in text, "the general words are not said beside it"
