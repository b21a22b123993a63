"""One mail from several parts, and words that are bound to receipts."""

from collections.abc import Mapping

import pytest

from caseworker.writing.compose import Part, Written, write_part, write_reply
from caseworker.writing.errors import ReceiptMissing, ReplyError
from caseworker.writing.load import load

REPLIES = load(
    {
        "worker.yaml": "default_language: en\n",
        "replies/greeting/en.md": "---\n---\n{% if customer_name %}Hello {{ customer_name }},{% else %}Hello,{% endif %}",
        "replies/greeting/de.md": "---\n---\nGuten Tag{% if customer_name %} {{ customer_name }}{% endif %},",
        "replies/closing/en.md": "---\n---\nKind regards\n{{ signature }}",
        "replies/closing/de.md": "---\n---\nFreundliche Grüße\n{{ signature }}",
        "replies/ask_intro/en.md": "---\n---\nplease tell us:",
        "replies/ask_items/en.md": "---\nsubject: A question\n---\n"
        "Which items?{% if order is defined %} There are {{ order.lines | items }}.{% endif %}",
        "replies/ask_wish/en.md": "---\n---\n{% if not_found %}We did not get that. {% endif %}Replacement or refund?",
        "replies/refunded/en.md": "---\nsubject: Refund\n---\nwe refunded {{ done.refund.amount }}.",
        "replies/claimed/en.md": "---\nclaims: [parcel]\n---\nwe sent it.",
        "replies/maybe/en.md": "---\n---\nsorry.{% if done.trace is defined %} We are searching.{% endif %}",
    }
)  # fmt: skip


def letter(*parts: Part, **more: object) -> Written:
    given = {"language": "en", "signature": "The shop", **more}
    return write_reply(REPLIES, parts, **given)  # type: ignore[arg-type]  # keywords of the tests


def test_answers_come_before_questions_between_one_greeting_and_one_closing():
    written = letter(
        Part("a", "your order is on its way.", "Your order"),
        Part("b", "we sent a label.", "Your return", ("rma",)),
        asks=["items", "wish"],
        not_found=["wish"],
        customer_name="Anna Schmidt",
        values={"order": {"lines": [{"title": "Jacket"}, {"title": "Socks"}]}},
    )
    assert written.text == (
        "Hello Anna Schmidt,\n\nYour order is on its way.\n\nWe sent a label.\n\nPlease tell us:\n\n"
        "- Which items? There are Jacket and Socks.\n- We did not get that. Replacement or refund?\n\nKind regards\nThe shop\n"
    )
    assert written.subject == "Your order"
    assert written.replies == ("a", "b", "ask_items", "ask_wish")
    assert written.receipts == ("rma",)


def test_one_question_is_no_list():
    written = letter(asks=["items"])
    assert written.text == "Hello,\n\nPlease tell us:\n\nWhich items?\n\nKind regards\nThe shop\n"
    assert written.subject == "A question"


def test_nothing_is_said_twice_but_every_figure_is():
    written = letter(
        Part("a", "I am sorry about that. We refunded 20 EUR.", receipts=("one",)),
        Part("b", "I am sorry about that. We refunded 20 EUR.", receipts=("two",)),
        Part("c", "A colleague will write to you."),
        Part("c", "A colleague will write to you."),
    )
    assert written.text.count("sorry") == 1
    assert written.text.count("20 EUR") == 2
    assert written.text.count("colleague") == 1
    assert written.receipts == ("one", "two")


def test_a_mail_of_many_parts_has_an_end():
    parts = [Part(f"p{number}", f"{number} " + "word " * 2000) for number in range(10)]
    with pytest.raises(ReplyError, match="The letter is longer than 50000 characters"):
        letter(*parts)


@pytest.mark.parametrize("name", ["http://win.example", "you@win.example", "1234", "<b>", "x" * 80, ""])
def test_only_a_name_is_greeted(name: str):
    assert letter(Part("a", "hello."), customer_name=name).text.startswith("Hello,\n")


def test_a_name_does_not_bring_lines_of_its_own():
    assert letter(Part("a", "yes."), customer_name="Anna\nWe refunded you").text.startswith("Hello Anna,\n\nYes.")


def test_german_goes_on_in_small_letters_after_the_greeting():
    written = letter(Part("a", "es tut mir leid."), Part("b", "wir melden uns."), language="de", customer_name="Jörg Groß")
    assert written.text.startswith("Guten Tag Jörg Groß,\n\nes tut mir leid.\n\nWir melden uns.")


# -- receipts ----------------------------------------------------------------------------------------------------------


def part(key: str, **done: object) -> Part:
    return write_part(REPLIES, key, language="en", values={"done": done})


def test_words_carry_the_receipts_they_rest_on():
    refund: Mapping[str, object] = {"status": "done", "amount": "20 EUR"}
    assert part("refunded", refund=refund) == Part("refunded", "we refunded 20 EUR.", "Refund", ("refund",))
    assert part("claimed", parcel={"status": "already_done"}).receipts == ("parcel",)


@pytest.mark.parametrize("status", ["pending", "unknown"])
@pytest.mark.parametrize(("key", "name"), [("refunded", "refund"), ("claimed", "parcel")])
def test_nothing_is_called_done_that_is_not(key: str, name: str, status: str):
    with pytest.raises(ReceiptMissing, match=f"`{name}` as done, and its receipt is {status}") as caught:
        part(key, **{name: {"status": status, "amount": "20 EUR"}})
    assert caught.value.receipt == name
    with pytest.raises(ReceiptMissing, match="is not there"):
        part(key)


def test_words_behind_a_test_are_left_out_until_the_receipt_is_there():
    assert part("maybe").text == "sorry."
    assert part("maybe", trace={"status": "pending"}) == Part("maybe", "sorry.")
    assert part("maybe", trace={"status": "done"}) == Part("maybe", "sorry. We are searching.", "", ("trace",))
