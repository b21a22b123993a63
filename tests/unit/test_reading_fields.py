"""Fields: numbers as people type them, items by any word, addresses, choices; the span says what the value rests on."""

from dataclasses import replace

import pytest
from reading_builders import ADDRESS, CLOTHES, ITEMS, PHOTO, POSTCODE, REASON, line, order, reader

from caseworker.reading.encoder import TfidfEncoder
from caseworker.reading.fields import choices, numbers, plain, read
from caseworker.reading.fields.addresses import read_address, read_postcode
from caseworker.reading.fields.items import read_items
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Context, MailText
from caseworker.reading.sentences import split


def scope(text: str, *, answering: bool = False, language: str = "en", orders: tuple = (CLOTHES,), **attachments: str) -> Scope:
    mail = MailText("", text, {name.replace("_", "."): body for name, body in attachments.items()})
    context = Context(orders=orders, sender_verified=True)
    return Scope(mail, split(text), context, language, TfidfEncoder(), orders, answering)


@pytest.mark.parametrize(
    "text",
    [
        "my order NW-2026-104233 please",
        "order nw 2026 104233",
        "Bestellung NW2026-104233",
        "NW-2O26-1O4233",
        "order number: 104233",
        "Bestellnr. 2026-104233",
        "NW–2026–104233",
        "order NW-2026-104323",  # two digits swapped
        "order NW-2026-10423",  # one lost
    ],
)
def test_a_number_is_recognised_however_it_is_typed(text: str):
    [found] = numbers.written(MailText("", text), Context(orders=(CLOTHES,)), answering=False)
    assert found.value == "NW-2026-104233"
    assert text[found.where.start : found.where.end] == found.where.text


@pytest.mark.parametrize(
    "text",
    [
        "call me on 0171 2345678",
        "tracking number 00340434161094042557",
        "Kundennummer 998877",
        "it cost 1049.90 EUR",
        "on 12.11.2026 I ordered",
        "I ordered in 2026",
        "Postleitzahl 10115",
    ],
)
def test_other_numbers_are_no_order_numbers(text: str):
    assert numbers.written(MailText("", text), Context(orders=(CLOTHES,)), answering=False) == []


def test_a_number_without_a_candidate_stays_as_written():
    [found] = numbers.written(MailText("", "order NW-2026-555555"), Context(), answering=False)
    assert (found.value, found.order, found.derived) == ("NW-2026-555555", None, "")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("I want to return the blue jacket", ("l1",)),
        ("die blaue Jacke ist zu klein", ("l1",)),
        ("the black ones do not fit", ("l2",)),
        ("Die Laufschuhe drücken", ("l2",)),
        ("my trainers are too tight", ("l2",)),
        ("the jacket is great but the shoes are too small", ("l2",)),
        ("I will keep the shoes, the jacket goes back", ("l1",)),
        ("both do not fit", ("l1", "l2")),
        ("I want to send everything back", ("l1", "l2")),
        ("Ich möchte alles zurückgeben", ("l1", "l2")),
        ("the jacket and the shoes", ("l1", "l2")),
    ],
)
def test_items_are_found_by_any_of_their_words(text: str, ids: tuple[str, ...]):
    field = read_items("items", scope(text))
    assert field is not None
    assert field.value == ids


def test_a_word_that_fits_two_lines_is_not_enough():
    two = order("NW-2026-1", line("a", "Cotton shirt", colour="white"), line("b", "Linen shirt", colour="blue"))
    assert read_items("items", scope("the shirt is too small", orders=(two,))) is None
    field = read_items("items", scope("the blue shirt is too small", orders=(two,)))
    assert field is not None
    assert field.value == ("b",)


@pytest.mark.parametrize(
    ("text", "street", "postcode", "city"),
    [
        ("Bitte an Lindenweg 4, 10115 Berlin schicken", "Lindenweg 4", "10115", "Berlin"),
        ("Neue Adresse:\nHauptstraße 12a\n80331 München", "Hauptstraße 12a", "80331", "München"),
        ("Am Markt 7, 04109 Leipzig", "Am Markt 7", "04109", "Leipzig"),
        ("please send it to 14 Mill Lane, Bristol BS1 4ER", "14 Mill Lane", "BS1 4ER", "Bristol"),
        ("Flat 3, 22 Elm Grove, Swansea SA1 4QR", "Flat 3, 22 Elm Grove", "SA1 4QR", "Swansea"),
    ],
)
def test_addresses_of_both_kinds(text: str, street: str, postcode: str, city: str):
    field = read_address("new_address", scope(text, answering=True))
    assert field is not None
    assert isinstance(field.value, dict)
    told = {key: field.value[key] for key in ("street", "postcode", "city")}
    assert told == {"street": street, "postcode": postcode, "city": city}
    assert field.value.get("country") == ("GB" if postcode[0].isalpha() else None)


def test_of_two_addresses_the_old_one_is_not_taken():
    text = "Nicht an die alte Adresse Rosenweg 3, 50667 Köln, sondern an Lindenweg 4, 10115 Berlin."
    field = read_address("new_address", scope(text, language="de"))
    assert field is not None
    assert field.value == {"street": "Lindenweg 4", "postcode": "10115", "city": "Berlin"}


H, L = "Hauptstr. 5, 10115 Berlin", "Lindenallee 3, 20144 Hamburg"


@pytest.mark.parametrize(
    ("text", "street"),
    [
        (f"I moved from {H} to {L}.", "Lindenallee 3"),
        (f"Ich bin von der {H} in die {L} gezogen.", "Lindenallee 3"),
        (f"Wir sind umgezogen. Von {H} nach {L}.", "Lindenallee 3"),
        (f"Meier GmbH\n{H}\n\nPlease change the delivery address to {L}.", "Lindenallee 3"),
        (f"Please deliver to {L}. My parents live at {H}.", "Lindenallee 3"),
        (f"Please deliver to {L}.\n\nKind regards\nA. Meier\nMeier GmbH, {H}", "Lindenallee 3"),
        (f"Not to {H} but to {L}.", "Lindenallee 3"),
        (f"Please do not send it to {H}, my new address is {L}.", "Lindenallee 3"),
        (f"Please send it to {L} instead of to {H}.", "Lindenallee 3"),
        (f"Ändern Sie die Adresse bitte auf:\n\nAnna Meier\nLindenallee 3\n20144 Hamburg\n\nbisher {H}", "Lindenallee 3"),
        (f"The billing address stays {H}, deliver it to {L} please.", "Lindenallee 3"),
        (f"Meier GmbH\n{H}\n\nPlease change the delivery address of my order.", None),
        (f"Please change the address, I have left {H} and have {L}.", None),
        (f"Deliver it to {H} or to {L}.", None),
        (f"Please do not change the address to {H}.", None),
        (f"I moved from {H}.", None),
    ],
)
def test_of_two_addresses_the_one_that_is_meant_is_taken_or_none(text: str, street: str | None):
    field = read_address("new_address", scope(text))
    assert (field.value["street"] if field else None) == street


def test_the_address_of_an_answer_is_not_its_letterhead():
    assert read_address("new_address", scope(f"{L}\n\nKind regards\nAnna", answering=True)).value["city"] == "Hamburg"


@pytest.mark.parametrize(
    ("text", "answering", "value"),
    [
        ("my postcode is 10115", False, "10115"),
        ("PLZ: 80331", False, "80331"),
        ("10115", True, "10115"),
        ("10115", False, None),
        ("I paid 12345 for it", False, None),
        ("bs1 4er", True, "BS1 4ER"),
    ],
)
def test_postcodes(text: str, answering: bool, value: str | None):
    field = read_postcode("postcode", scope(text, answering=answering))
    assert (field.value if field else None) == value


def test_a_choice_is_read_by_its_words_and_not_by_their_denial():
    field = choices.read_choice(REASON, scope("Sie ist mir leider viel zu klein", language="de"))
    assert field is not None
    assert field.value == "wrong_size"
    assert choices.read_choice(REASON, scope("it is not damaged")) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("my payment broken twice", "en"),  # -nt at the end of a word is no denial
        ("the discount item is broken", "en"),
        ("Leider könnt ihr sehen, kaputt", "de"),
        ("I want to say it was damaged", "en"),
    ],
)
def test_a_word_that_ends_like_a_denial_denies_nothing(text: str, language: str):
    field = choices.read_choice(REASON, scope(text, language=language))
    assert field is not None
    assert field.value == "damaged"


@pytest.mark.parametrize("denial", ["isn't", "isnt", "isn’t", "doesn't look", "dont think it is", "wasn't"])
def test_denials_with_and_without_apostrophe_count(denial: str):
    assert choices.read_choice(REASON, scope(f"it {denial} damaged")) is None


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("one of the vases arrived broken", "en", 1),
        ("one of them is faulty, please help", "en", 1),
        ("eine der beiden Vasen ist kaputt", "de", 1),
        ("ich möchte nur eine davon zurückgeben", "de", 1),
        ("please cancel only one", "en", 1),
        ("both are broken", "en", 2),
        ("I'd like to send back all three board games and the teddy", "en", 3),
        ("alle 4 Tassen haben einen Sprung", "de", 4),
        ("all three parcels are late", "en", None),
        ("ich frage alle 14 Tage nach", "de", None),
        ("all three items", "en", None),
        ("I ordered three and only got one", "en", None),
        ("es war nur eine Tasse drin", "de", None),
        ("please cancel one of my orders", "en", None),
        ("eine der beiden Bestellungen stornieren", "de", None),
        ("only part of it came, just one part", "en", None),
    ],
)
def test_how_many_pieces_are_meant(text: str, language: str, count: int | None):
    field = plain.read_quantity("quantity", scope(text, language=language))
    assert (field.value if field else None) == count


def test_a_choice_in_other_words_is_read_by_meaning():
    own = scope("the fit is completely off, way too tight")
    close = Scope(own.mail, own.sentences, own.context, "en", reader()._encoder)
    field = choices.read_choice(REASON, close)
    assert field is None or field.value == "wrong_size"


def test_simple_kinds():
    shown = MailText("", "see photo", {"scan": ""}, pictures=("scan",))
    assert plain.read_photo("photo", replace(scope("see photo"), mail=shown)).value is True
    assert plain.read_photo("photo", scope("see photo", img_jpg="")) is None, "a name is no picture"
    assert plain.read_quantity("quantity", scope("I need 3 pieces")).value == 3
    assert str(plain.read_money("money", scope("it cost 1.049,90 €")).value) == "1049.90 EUR"
    assert plain.read_date("date", scope("ordered on 3 November 2026")).value == "2026-11-03"


def test_every_value_stands_in_the_mail_or_says_how_it_was_derived():
    text = "I want to return the blue jacket from order nw 2026 104233. My postcode is 10115."
    own = scope(text)
    found = numbers.written(own.mail, own.context, answering=False)
    fields = {
        **read.of_mail((POSTCODE, ADDRESS, PHOTO), own, found),
        **read.of_request((ITEMS, REASON), own, found, None),
    }
    assert set(fields) == {"postcode", "items"}
    for field in fields.values():
        assert field.evidence is not None
        assert text[field.evidence.start : field.evidence.end] == field.evidence.text
        assert field.evidence.text == field.value or field.derived
