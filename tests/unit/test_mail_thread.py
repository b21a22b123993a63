"""Composing a reply and recognising it, and the answer to it, when they come back."""

from datetime import UTC, datetime

import pytest

from caseworker.core.errors import MailError
from caseworker.core.ids import case_reference
from caseworker.mail.compose import MAX_REFERENCES, compose, envelope_sender, is_reply_marker, reply_marker, reply_message_id
from caseworker.mail.model import Address, MailboxSettings, Message, OutgoingMail
from caseworker.mail.ours import equal_text_hash
from caseworker.mail.parse import parse
from caseworker.mail.thread import hints, mint_token, read_token

SECRET = "a secret of this installation"  # a test value
CASE = case_reference(57)
MAILBOX = MailboxSettings("service@nordwind.example")


def outgoing(**changes: object) -> OutgoingMail:
    values: dict[str, object] = {
        "message_id": reply_message_id("case-57/reply-1", "nordwind.example"),
        "sender": Address("service@nordwind.example", "Nordwind Größen"),
        "to": Address("maria@lindqvist.example", 'Maria "M" Lindqvist'),
        "subject": "Ihre Bestellung äöü",
        "text": "Guten Tag,\n\nhier ist Ihr Etikett: https://nordwind.example/r?a=1&b=<2>\nViele Grüße\n\n"
        + "langes Wort " * 40,
        "language": "de",
        "case_reference": CASE,
        "thread_token": mint_token(SECRET, CASE),
        "date": datetime(2026, 11, 3, 9, 0, tzinfo=UTC),
        "in_reply_to": "m1@lindqvist.example",
        "references": ("m0@lindqvist.example",),
    }
    return OutgoingMail(**{**values, **changes})  # type: ignore[arg-type]  # a test builder


def incoming(headers: str, body: str = "x") -> Message:
    return parse(f"From: maria@lindqvist.example\r\n{headers}\r\n{body}".encode(), MAILBOX)


def test_tokens_survive_lower_and_upper_case() -> None:
    token = mint_token(SECRET, CASE)
    assert token == token.lower()
    assert read_token(SECRET, token) == read_token(SECRET, token.upper()) == 57


@pytest.mark.parametrize("token", ["", "x" * 24, "a" * 24, "ä" * 24, "1" * 24])
def test_foreign_tokens(token: str) -> None:
    assert read_token(SECRET, token) is None


def test_a_token_of_another_installation_or_case() -> None:
    token = mint_token(SECRET, CASE)
    assert read_token("another", token) is None
    for position in range(len(token)):
        changed = token[:position] + ("a" if token[position] != "a" else "b") + token[position + 1 :]
        assert read_token(SECRET, changed) is None
    with pytest.raises(ValueError, match="no case reference"):
        mint_token(SECRET, "CW-000001-00")


def test_hints_in_their_order() -> None:
    message = incoming(
        f"To: service+tok1@nordwind.example, other+tok2@elsewhere.example\r\nDelivered-To: Service+Tok0@Nordwind.example\r\n"
        f"In-Reply-To: <c@x>\r\nReferences: <a@x> <b@x> <c@x>\r\nSubject: Re: [{CASE.lower()}] CW-000000-00 CW-00001T-1X\r\n"
    )
    found = hints(message, MAILBOX)
    assert found.tokens == ("tok0", "tok1")
    assert found.message_ids == ("c@x", "b@x", "a@x")
    assert found.subject_cases == (57,)
    assert found.bounced_ids == ()


def test_a_composed_mail_is_known_as_ours() -> None:
    raw = compose(outgoing())
    message = parse(raw, MAILBOX)
    assert message.classification.kind == "ours"
    assert message.subject == f"Ihre Bestellung äöü [{CASE}]"
    assert message.sender == Address("service@nordwind.example", "Nordwind Größen")
    assert message.to == (Address("maria@lindqvist.example", 'Maria "M" Lindqvist'),)
    assert message.in_reply_to == ("m1@lindqvist.example",)
    assert message.references == ("m0@lindqvist.example", "m1@lindqvist.example")
    assert read_token(SECRET, message.reply_to[0].email.partition("@")[0].partition("+")[2]) == 57
    assert reply_marker("de") in message.text
    assert "https://nordwind.example/r?a=1&b=<2>" in message.text
    assert 'id="caseworker-mail"' in message.html
    assert message.date == datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    assert b"Auto-Submitted: auto-replied" in raw
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_same_mail_has_the_same_bytes() -> None:
    assert compose(outgoing()) == compose(outgoing())
    assert reply_message_id("a", "x.example") == reply_message_id("a", "x.example") != reply_message_id("b", "x.example")


def test_an_answer_in_html_without_attribution_is_cut_at_our_element() -> None:
    ours = parse(compose(outgoing()), MAILBOX).html.partition("<body>")[2]
    page = f"<p>Danke, aber wann?</p><p>Xyzzy plugh</p>{ours.replace('caseworker-mail', 'x_caseworker-mail')}"
    message = parse(f"From: maria@lindqvist.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}".encode(), MAILBOX)
    assert message.new_text.text == "Danke, aber wann?\n\nXyzzy plugh"


def test_headers_cannot_be_injected() -> None:
    raw = compose(
        outgoing(subject="a\r\nBcc: x@y.example", headers=(("X-Tag", "v\r\nBcc: z@y.example"), ("From", "evil@y.example")))
    )
    assert b"\r\nBcc:" not in raw
    assert raw.count(b"\r\nFrom:") == 1
    with pytest.raises(MailError, match="no mail address"):
        compose(outgoing(to=Address("a@b.example\r\nBcc: x@y.example")))
    with pytest.raises(MailError, match="no date"):
        compose(outgoing(date=None))


def test_references_are_capped() -> None:
    message = parse(compose(outgoing(references=tuple(f"{i}@x" for i in range(100)))), MAILBOX)
    assert len(message.references) == MAX_REFERENCES
    assert message.references[0] == "0@x"
    assert message.references[-1] == "m1@lindqvist.example"


def test_markers() -> None:
    assert all(is_reply_marker("> > " + reply_marker(language)) for language in ("en", "de", "pl", "xx"))
    assert not is_reply_marker("~-~")
    assert not is_reply_marker("please reply above this line")


def test_delivery_reports_go_to_the_bounce_address() -> None:
    assert envelope_sender(outgoing()) == "service@nordwind.example"
    assert envelope_sender(outgoing(bounce_address="bounce+x@nordwind.example")) == "bounce+x@nordwind.example"


def test_equal_texts() -> None:
    assert equal_text_hash("Any news?\n") == equal_text_hash("  any NEWS ")
    assert equal_text_hash("Any news?") != equal_text_hash("Any new?")
