"""Sentences and language: spans stay verbatim, frames are set aside, foreign mails are recognised."""

import pytest

from caseworker.reading.language import OTHER, identify
from caseworker.reading.sentences import MAX_SENTENCES, plain, split


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Where is it? I am waiting.", 2),
        ("Ich warte z.B. seit Montag auf das Paket Nr. 5 vom 3. November.", 1),
        ("Two things:\n- the mug is broken\n- the lid is missing", 3),
        ("This line was broken by the mail program at about seventy-two characters and\ngoes on here. Next.", 2),
        ("", 0),
        ("...", 0),
    ],
)
def test_sentences_are_counted_as_a_reader_would(text: str, count: int):
    sentences = split(text)
    assert len(sentences) == count
    assert all(text[s.start : s.end] == s.text for s in sentences)


def test_greeting_closing_and_signature_are_frame():
    text = "Dear team,\n\nmy kettle is broken.\n\nKind regards\nAnna Miller\nLindenweg 4\n10115 Berlin"
    assert [s.text for s in split(text) if not s.frame] == ["my kettle is broken."]


def test_a_postscript_below_the_closing_counts():
    text = "Where is my order?\nThanks\nTom\nPS: please also send me the invoice for my last order."
    assert [s.frame for s in split(text)] == [False, True, True, False]


def test_long_mails_are_capped():
    assert len(split("One more sentence here. " * 200)) == MAX_SENTENCES


def test_the_encoder_sees_no_numbers_and_no_shouting():
    assert plain("Hallo, WO BLEIBT MEINE BESTELLUNG NW-2026-104233???") == "wo bleibt meine bestellung?"
    assert plain("It took 12 days!!!") == "It took 0 days!"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my parcel? I ordered two weeks ago.", "en"),
        ("Wo bleibt mein Paket? Ich warte seit zwei Wochen.", "de"),
        ("wo is mein paket hab nix bekommen", "de"),
        ("Où est mon colis ? J'ai commandé il y a deux semaines.", OTHER),
        ("Где моя посылка? Я жду уже две недели.", OTHER),
        ("Hvor er min pakke? Jeg har ventet i to uger på den.", OTHER),
    ],
)
def test_language_gate(text: str, language: str):
    assert identify(text, ("en", "de"), "en")[0] == language


@pytest.mark.parametrize("text", ["ok", "NW-2026-104233", ""])
def test_short_texts_keep_the_language_of_the_case(text: str):
    assert identify(text, ("en", "de"), "de") == ("de", 0.3)
