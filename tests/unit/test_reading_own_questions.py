"""A retailer's own questions: own words only from a mail that answers; addresses, telephone numbers and codes anywhere."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from reading_builders import CLOTHES, NUMBER, intents, reader

import caseworker.playbooks
from caseworker.cases.model import Case, RequestState
from caseworker.cli.playbooks import offline
from caseworker.engine.hearing import waited_for
from caseworker.reading.model import Context, MailText, Question, Reading
from caseworker.sop.load import read_folder

RETAIL = Path(caseworker.playbooks.__file__).parent / "retail"

NAME, PROMO, WISH = Question("full_name", "text"), Question("promo_code", "text"), Question("delivery_wish", "text")
EMAIL, PHONE = Question("email", "email"), Question("phone", "phone")
ACCOUNT = Question("account_number", "code", forms=("AC-####", "@@-######"))
PIN = Question("pin", "code", forms=("####",))
OWN = (NUMBER, NAME, PROMO, WISH, EMAIL, PHONE, ACCOUNT, PIN)


async def read(text: str, *pending: Question, questions: tuple[Question, ...] = OWN, **known: object) -> Reading:
    context = Context(orders=(CLOTHES,), sender_verified=True, pending=pending, default_country="GB", **known)  # type: ignore[arg-type]
    return await reader().read(MailText("", text), intents=intents(), questions=questions, context=context)


async def said(text: str, *pending: Question, **known: object) -> dict[str, object]:
    reading = await read(text, *pending, **known)
    for field in reading.fields.values():
        assert field.evidence is None or text[field.evidence.start : field.evidence.end] == field.evidence.text
    return {key: field.value for key, field in reading.fields.items()}


# -- own words ---------------------------------------------------------------------------------------------------------


async def test_a_first_mail_answers_no_question_for_own_words():
    reading = await read("Where is my refund?")
    given = {**reading.fields, **{key: field for request in reading.requests for key, field in request.fields.items()}}
    assert [request.intent for request in reading.requests] == ["refund_status"]
    assert given == {}


async def test_the_whole_answer_is_taken_without_greeting_and_closing():
    text = "Hello,\nplease put it behind the garage.\nThe gate is open.\nBest regards\nAnn"
    assert await said(text, WISH) == {"delivery_wish": "please put it behind the garage.\nThe gate is open."}


async def test_a_label_alone_is_left_out():
    assert await said("Hi,\nfull name: Ann Lee\nThanks", NAME) == {"full_name": "Ann Lee"}


async def test_a_name_is_an_answer_in_whatever_language_it_is():
    assert await said("Wojciech Szczęsny", NAME) == {"full_name": "Wojciech Szczęsny"}
    long = "Dobrý den, kde je prosím moje objednávka? Čekám na ni už dva týdny."
    assert (await read(long, NAME)).abstained == "language"


@pytest.mark.parametrize(
    "text",
    ["NW-2026-104233", "my order number is NW-2026-104233", "Any news?", "Hello,\nBest regards\nAnn"],
)
async def test_another_answer_or_a_chaser_is_not_taken_for_the_words(text: str):
    assert "delivery_wish" not in await said(text, WISH, NUMBER)


async def test_beside_another_answer_the_rest_is_taken():
    text = "The order is NW-2026-104233. Please leave it behind the garage."
    assert await said(text, NUMBER, WISH) == {
        "order_number": "NW-2026-104233",
        "delivery_wish": "Please leave it behind the garage.",
    }


async def test_a_new_demand_is_none_of_the_words():
    reading = await read("Behind the garage. And please send me an invoice for the order.", WISH, open_intents=("return_item",))
    assert reading.fields["delivery_wish"].value == "Behind the garage."
    assert [request.intent for request in reading.requests] == ["invoice_copy"]


async def test_who_wants_to_cancel_instead_gives_no_answer():
    reading = await read("Please cancel my order NW-2026-104233.", WISH)
    assert "delivery_wish" not in reading.fields
    assert [request.intent for request in reading.requests] == ["cancel_order"]


@pytest.mark.parametrize(
    "text",
    [
        "Name: Ann Lee\nPromo code: WINTER7",
        "Hello,\n1. Ann Lee\n2. WINTER7\nBest regards",
        "Hi,\nAnn Lee\nWINTER7\nKind regards\nAnn",
        "Promo code: WINTER7\n- my full name: Ann Lee",
    ],
)
async def test_several_questions_are_answered_by_label_or_line_by_line(text: str):
    assert await said(text, NAME, PROMO) == {"full_name": "Ann Lee", "promo_code": "WINTER7"}


@pytest.mark.parametrize(
    "text",
    [
        "I am Ann Lee and the code was WINTER7.",
        "Ann Lee",
        "I really need this.\nPlease help me.",
        "2. WINTER7",
        "2. Ann Lee\n1. WINTER7",
        "WINTER7 is what I typed in at the very end\nAnn Lee of Leeds, that is",
        "Name: Ann Lee\nName: Bo Lee",
    ],
)
async def test_of_several_questions_none_is_guessed(text: str):
    assert await said(text, NAME, PROMO) == {}


async def test_one_label_of_two_answers_one_question():
    assert await said("Promo code: WINTER7", NAME, PROMO) == {"promo_code": "WINTER7"}


# -- mail addresses and telephone numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("My account runs under Ann.Lee@Example.org, where is my refund?", "ann.lee@example.org"),
        ("Where is my refund?\nBest regards\nAnn\nann@example.org", "ann@example.org"),
        ("Please change my account to ann@example.org.\nBest regards\nAnn\nold@example.org", "ann@example.org"),
        ("I wrote to service@shop.example twice. I am ann@example.org", "ann@example.org"),
    ],
)
async def test_a_mail_address_is_read_anywhere(text: str, value: str):
    assert (await said(text, mailboxes=("service@shop.example",)))["email"] == value


@pytest.mark.parametrize(
    "text", ["Not ann@example.org but bo@example.org", "write to me at ann(at)example", "service@shop.example"]
)
async def test_two_addresses_or_none_are_no_answer(text: str):
    assert "email" not in await said(text, mailboxes=("service@shop.example",))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Where is my refund? Call me on 0171 2345678 or write.", None),
        ("Where is my refund? Call me on 020 7946 0123.", "+442079460123"),
        ("My number is +49 30 901820, where is my refund?", "+4930901820"),
        ("Where is my refund?\nBest regards\nAnn\nTel. (020) 7946 0123", "+442079460123"),
        ("my order number is 02079460123", None),
        ("account number 02079460123", None),
        ("tracking number 00340434161094042557", None),
        ("call 020 7946 0123 or 020 7946 0456", None),
    ],
)
async def test_a_telephone_number_is_read_where_it_is_one(text: str, value: str | None):
    assert (await said(text)).get("phone") == value


async def test_the_answer_for_a_telephone_number_is_no_order_number():
    assert await said("020 7946 0123", PHONE) == {"phone": "+442079460123"}


async def test_an_order_number_is_no_telephone_number():
    assert await said("my order is NW-2026-104233", PHONE) == {"order_number": "NW-2026-104233"}


# -- codes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my account is AC-1234, where is my refund?", "AC-1234"),
        ("my account is ac 1234.", "AC-1234"),
        ("account AC1234", "AC-1234"),
        ("account AC-12O4", "AC-1204"),
        ("account KB-104233", "KB-104233"),
        ("I am kb-104233", "KB-104233"),
        ("account AC-12345", None),
        ("account AC-123", None),
        ("AC-1234 and AC-5678", None),
        ("order NW-2026-104233", None),
        ("in 104233 days", None),
        ("it is on 104233", None),
        ("ann@ac-1234.example.org", None),
        ("https://shop.example/AC-1234", None),
    ],
)
async def test_a_code_is_read_in_its_form_only(text: str, value: str | None):
    assert (await said(text)).get("account_number") == value


async def test_a_code_of_an_order_numbers_form_is_an_order_number():
    code = Question("ticket", "code", forms=("EX-####",))
    found = await said("It is EX-1234.", questions=(NUMBER, code), number_forms=("EX-####",))
    assert found == {"order_number": "EX-1234"}


async def test_o_for_0_is_not_forgiven_where_two_forms_fit():
    forms = Question("card", "code", forms=("K##-####", "K@#-####"))
    assert await said("card KO1-2345", questions=(forms,)) == {"card": "KO1-2345"}, "as written it has one form"
    forms = Question("card", "code", forms=("K##-####", "K#@-####"))
    assert await said("card KO0-2345", questions=(forms,)) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my pin is 4711", "4711"),
        ("Pin: 4711, order NW-2026-104233", "4711"),
        ("I ordered in 2026", None),
        ("order 4711", None),
        ("house 4711", None),
    ],
)
async def test_a_code_of_digits_alone_has_to_be_called_by_its_name(text: str, value: str | None):
    assert (await said(text)).get("pin") == value


async def test_a_code_of_digits_alone_is_the_answer_where_it_was_asked_for():
    assert await said("4711", PIN) == {"pin": "4711"}


async def test_a_code_is_no_order_number():
    customer = Question("customer", "code", forms=("########",))
    assert await said("20261042", customer, questions=(NUMBER, customer)) == {"customer": "20261042"}


# -- what a case waits for -----------------------------------------------------------------------------------------------


def test_own_words_answer_only_what_the_last_mail_asked_and_in_that_order():
    files = read_folder(RETAIL)
    own = "\nfull_name: {kind: text}\npromo_code: {kind: text}\nnickname: {kind: text}\n"
    release = offline().assemble({**files, "questions.yaml": files["questions.yaml"] + own})
    asked = {"nickname": 1, "order_number": 1, "full_name": 1, "promo_code": 1}
    request = RequestState(1, "cancel_order", 0.9, "", status="awaiting_customer", asked=asked)
    case = Case(
        number=1, worker="retail", mailbox="m@x.example", shop="base", release="r", status="waiting",
        opened_at=datetime(2026, 12, 2, 9, tzinfo=UTC), asking=("promo_code", "full_name"), requests=(request,),
    )  # fmt: skip
    assert [question.key for question in waited_for(case, release)] == ["promo_code", "full_name", "order_number"]
