"""What the shipped reader makes of the shipped playbook's own questions: sizes, colours, and what a question is about."""

from dataclasses import replace
from pathlib import Path

import pytest
from reading_builders import CLOTHES, reader

import caseworker.playbooks
from caseworker.reading.model import Context, Intent, MailText, Question
from caseworker.sop.load import load, read_folder

PLAYBOOK = load(read_folder(Path(caseworker.playbooks.__file__).parent / "retail"))
QUESTIONS = [Question(q.key, q.kind, tuple(q.options), q.options) for q in PLAYBOOK.questions.values()]  # type: ignore[arg-type]
INTENTS = [Intent(i.name, i.description, i.examples, i.always_escalate) for i in PLAYBOOK.intents.values()]
CONTEXT = Context(orders=(CLOTHES,), sender_verified=True)


@pytest.mark.parametrize(
    ("text", "intent", "key", "value"),
    [
        ("Can I exchange the shoes for a size 42?", "exchange_item", "wanted_size", "42"),
        ("Kann ich die Schuhe gegen Größe 42 tauschen?", "exchange_item", "wanted_size", "42"),
        ("My jacket is an XS, that was optimistic. Could I swap it for an M please?", "exchange_item", "wanted_size", "M"),
        ("I'm sorry, the jacket in L is too big, I need it in M please.", "exchange_item", "wanted_size", "M"),
        ("First: the shoes ought to be 43, I put 44. Please change that in my order.", "change_item", "wanted_size", "43"),
        ("Können Sie in meiner Bestellung die Größe auf M ändern?", "change_item", "wanted_size", "M"),
        ("I would like the same jacket in navy instead", "exchange_item", "wanted_colour", "navy"),
        ("Please add a second pair to my order", "change_item", "order_change", "add"),
        ("Bitte schreiben Sie die Rechnung auf meine Firma um", "invoice_copy", "invoice_wish", "correction"),
        ("I got a payment reminder although I have paid", "payment_question", "payment_topic", "reminder"),
        ("Kann ich in Raten zahlen?", "payment_question", "payment_topic", "instalments"),
        ("My discount code does not work", "promo_code", "promo_topic", "not_working"),
        ("Ich habe den Newsletter-Rabatt nicht bekommen", "promo_code", "promo_topic", "newsletter"),
        ("How much is left on my gift card?", "gift_card", "gift_topic", "balance"),
        ("Ich habe die Nummer der Geschenkkarte verloren", "gift_card", "gift_topic", "lost"),
    ],
)
async def test_what_a_mail_says_is_not_asked(text: str, intent: str, key: str, value: str):
    reading = await reader().read(MailText("", text), intents=INTENTS, questions=QUESTIONS, context=CONTEXT)
    [request] = reading.requests
    assert request.intent == intent
    assert request.fields[key].value == value


@pytest.mark.parametrize(
    "text",
    [
        "I'm happy with the jacket but it's too large, please exchange it",
        "My shoes cost 39,90 € and are too small, I'd like to exchange them",
        "Kann ich die Jacke eine Nummer größer haben?",
        "Could I get one size bigger in exchange?",
    ],
)
async def test_no_size_is_heard_where_none_is_said(text: str):
    reading = await reader().read(MailText("", text), intents=INTENTS, questions=QUESTIONS, context=CONTEXT)
    assert [request.intent for request in reading.requests] == ["exchange_item"]
    assert "wanted_size" not in reading.requests[0].fields


@pytest.mark.parametrize(
    ("answer", "key", "value"),
    [
        ("M", "wanted_size", "M"),
        ("in XL", "wanted_size", "XL"),
        ("I'd take the 42 please", "wanted_size", "42"),
        ("Eine Nummer größer, also L", "wanted_size", "L"),
        ("dunkelblau wäre schön", "wanted_colour", "navy"),
    ],
)
async def test_a_bare_size_or_colour_is_an_answer(answer: str, key: str, value: str):
    asked = replace(CONTEXT, pending=tuple(q for q in QUESTIONS if q.key == key), open_intents=("exchange_item",))
    reading = await reader().read(MailText("Re: Your message", answer), intents=INTENTS, questions=QUESTIONS, context=asked)
    assert reading.fields[key].value == value
    assert reading.requests == ()
