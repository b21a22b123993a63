"""The shipped reader on mails written by hand: what is asked, what is only told, what it had better not decide."""

from pathlib import Path

import pytest
from reading_builders import CLOTHES, CONFIRM, ITEMS, NUMBER, POSTCODE, QUESTIONS, REASON, intents, reader

from caseworker.reading.evaluate import evaluate, load_rows
from caseworker.reading.model import Context, MailText, Reading

MAILS = Path(__file__).with_name("test_reading_mails.jsonl")


async def read(text: str, *, subject: str = "", context: Context | None = None, **attachments: str) -> Reading:
    mail = MailText(subject, text, attachments)
    return await reader().read(mail, intents=intents(), questions=QUESTIONS, context=context or Context())


async def test_hand_written_mails_are_read_rightly_or_not_at_all():
    figures = await evaluate(reader(), load_rows(MAILS), intents=intents())
    assert figures.mails.value >= 0.95, "\n".join(figures.wrong)
    assert figures.coverage.value >= 0.8, str(figures.coverage)
    assert figures.risk_recall.value == 1.0, str(figures.risk_recall)
    assert figures.false_requests.k == 0, str(figures.false_requests)


async def test_every_request_shows_the_words_that_say_it():
    text = "Hello,\nplease cancel order NW-2026-104233. Also, where is my parcel from NW-2026-100778?\nBest, Tom"
    reading = await read(text)
    assert [request.intent for request in reading.requests] == ["cancel_order", "where_is_my_order"]
    for request in reading.requests:
        assert request.evidence is not None
        assert text[request.evidence.start : request.evidence.end] == request.evidence.text
    numbers = [request.fields["order_number"].value for request in reading.requests]
    assert numbers == ["NW-2026-104233", "NW-2026-100778"]


async def test_a_request_has_all_sentences_that_say_it_and_those_of_no_other():
    text = "Hi,\nIs the blue jacket waterproof? When will the boots be back in stock? Please cancel order NW-2026-104233.\nTom"
    words = {request.intent: request.words for request in (await read(text)).requests}
    assert words == {
        "product_question": "Is the blue jacket waterproof? When will the boots be back in stock?",
        "cancel_order": "Please cancel order NW-2026-104233.",
    }


async def test_the_return_knows_its_item_and_reason():
    context = Context(orders=(CLOTHES,), sender_verified=True)
    reading = await read("Ich möchte die blaue Jacke zurückschicken, sie ist mir zu klein.", context=context)
    [request] = reading.requests
    assert request.intent == "return_item"
    assert request.fields["items"].value == ("l1",)
    assert request.fields["return_reason"].value == "wrong_size"


async def test_a_broken_item_with_a_demand_is_one_request():
    reading = await read("My kettle arrived broken, the handle is cracked. I want to send it back and get my money back.")
    assert [request.intent for request in reading.requests] in (["damaged_item"], []), "but never a plain return"


@pytest.mark.parametrize(
    ("answer", "key", "value"),
    [
        ("NW-2026-104233", "order_number", "NW-2026-104233"),
        ("hi, it's 104233", "order_number", "NW-2026-104233"),
        ("10115", "postcode", "10115"),
        ("10115 Berlin", "postcode", "10115"),
        ("the blue one", "items", ("l1",)),
        ("die Schuhe bitte", "items", ("l2",)),
        ("both", "items", ("l1", "l2")),
        ("Alles", "items", ("l1", "l2")),
        ("yes please", "confirmed", True),
        ("Ja, bitte machen Sie das", "confirmed", True),
        ("No, please don't", "confirmed", False),
        ("Nein danke", "confirmed", False),
        ("it is too small", "return_reason", "wrong_size"),
        ("die war leider kaputt", "return_reason", "damaged"),
    ],
)
async def test_a_bare_answer_is_an_answer_and_no_new_request(answer: str, key: str, value: object):
    pending = tuple(q for q in (NUMBER, POSTCODE, ITEMS, CONFIRM, REASON) if q.key == key)
    context = Context(orders=(CLOTHES,), sender_verified=True, pending=pending, open_intents=("return_item",))
    reading = await read(answer, subject="Re: Your return", context=context)
    assert reading.fields[key].value == value
    assert reading.requests == ()
    assert reading.abstained == ""


async def test_a_clear_new_demand_in_an_answer_is_still_heard():
    context = Context(orders=(CLOTHES,), sender_verified=True, pending=(ITEMS,), open_intents=("return_item",))
    reading = await read("The blue jacket. And please send me an invoice for the order.", context=context)
    assert reading.fields["items"].value == ("l1",)
    assert [request.intent for request in reading.requests] == ["invoice_copy"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("Dobrý den, kde je prosím moje objednávka? Čekám na ni už dva týdny.", "language"),
        ("Something is odd with the thing we talked about.", "unsure"),
    ],
)
async def test_it_says_why_it_does_not_read(text: str, reason: str):
    reading = await read(text)
    assert reading.abstained == reason
    assert reading.requests == ()


async def test_a_mail_that_is_only_an_attachment_goes_to_people():
    mail = MailText("", "", {"scan.pdf": ""})
    reading = await reader().read(mail, intents=intents(), questions=QUESTIONS, context=Context())
    assert reading.abstained == "attachment_only"


async def test_a_matter_that_the_playbook_does_not_know_is_left_to_people():
    known = [intent for intent in intents() if intent.name != "invoice_copy"]
    mail = MailText("", "Please send me the invoice for my order.")
    reading = await reader().read(mail, intents=known, questions=(), context=Context())
    assert (reading.requests, reading.abstained) == ((), "unsure")


async def test_an_unverified_sender_is_never_given_a_number_that_he_did_not_write():
    reading = await read("I want to return the blue jacket.", context=Context(orders=(CLOTHES,)))
    assert "order_number" not in reading.fields
    assert all("items" not in request.fields for request in reading.requests)


@pytest.mark.parametrize(
    ("text", "risk"),
    [
        ("Wenn nichts passiert, übergebe ich das meinem Anwalt.", "legal_threat"),
        ("I will dispute this charge with my bank.", "chargeback"),
        ("I cut my finger on the broken glass.", "injury"),
        ("Ich werde mich an die Presse wenden.", "press"),
        ("I don't want to live any more.", "self_harm"),
        ("Das ist Betrug, ich habe nie bei Ihnen etwas bestellt.", "fraud"),
        ("Bitte löschen Sie alle meine Daten.", "privacy_request"),
        ("Your agent was extremely rude to me.", "staff_complaint"),
        ("Mein minderjähriger Sohn hat das bestellt.", "minor"),
    ],
)
async def test_risks_are_not_missed(text: str, risk: str):
    assert risk in (await read(text)).risks


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("where r my boots", "where_is_my_order"),
        ("wo ist denn mein Rucksack?", "where_is_my_order"),
        ("SwiftPost has told me they lost my parcel. What happens now?", "where_is_my_order"),
        ("Mein Paket ist laut Blitzpost verloren gegangen.", "where_is_my_order"),
        ("Scarf never came, your page shows delivered on Monday.", "delivered_not_received"),
        ("I wish to return:\n- the green tent\n- the kettle", "return_item"),
        ("I still want the mug, but please take the vase off the order.", "cancel_order"),
        ("Das Kissen bitte wieder rausnehmen, den Rest nehme ich.", "cancel_order"),
        ("den Teppich bitte zu meiner Schwester schicken und nicht zu mir. geht das?", "change_address"),
        ("Bestellt: Mütze blau. Bekommen: Mütze rot.", "wrong_item"),
        ("The speaker wasn't in there at all.", "missing_item"),
        ("Bei den Sandalen ist links der Absatz halb ab.", "damaged_item"),
    ],
)
async def test_short_plain_words_are_enough(text: str, intent: str):
    reading = await read(text)
    assert [request.intent for request in reading.requests] == [intent], reading


async def test_an_allergy_named_before_buying_is_no_injury():
    for text in (
        "Before I order: are there feathers in the pillow? My husband is allergic to them.",
        "Vor dem Kauf: enthält der Schal Wolle? Meine Tochter ist allergisch auf Wolle.",
    ):
        assert "injury" not in (await read(text)).risks
    assert "injury" in (await read("The cream gave me an allergic reaction, I was in hospital.")).risks


async def test_items_that_are_named_as_fine_are_not_meant():
    context = Context(orders=(CLOTHES,), sender_verified=True)
    reading = await read("I'd like to return the blue jacket. The shoes are fine, I'm keeping those.", context=context)
    assert [request.fields["items"].value for request in reading.requests] == [("l1",)]


async def test_each_request_keeps_the_number_of_its_own_line():
    first = "1) Bitte die Lampe (Bestellung 104233 von gestern) stornieren."
    text = f"{first}\n2) Die Jacke aus NW-2026-100778 möchte ich zurückschicken."
    reading = await read(text)
    assert {r.intent: r.fields["order_number"].value for r in reading.requests} == {
        "cancel_order": "NW-2026-104233",
        "return_item": "NW-2026-100778",
    }


async def test_items_that_different_sentences_name_beside_the_request_are_asked_for():
    context = Context(orders=(CLOTHES,), sender_verified=True)
    text = "One item was missing from my parcel. I wear the blue jacket every day. My sister wants the shoes."
    reading = await read(text, context=context)
    assert [request.intent for request in reading.requests] == ["missing_item"]
    assert "items" not in reading.requests[0].fields
