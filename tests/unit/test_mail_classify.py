"""May we ever answer, and must a person see it? Each rule on a mail as it comes."""

import pytest

from caseworker.mail.model import MailboxSettings, Message
from caseworker.mail.parse import parse

MAILBOX = MailboxSettings(
    "service@nordwind.example",
    own_addresses=frozenset({"hallo@nordwind.example"}),
    known_machines=("forms@nordwind.example", "no-reply@market.example"),
    order_numbers=("NW-2026-######",),
)


def seen(
    headers: str,
    body: str = "Hello, where is my order?",
    sender: str = "Maria <maria@lindqvist.example>",
    envelope_from: str | None = None,
) -> Message:
    raw = f"From: {sender}\r\nTo: service@nordwind.example\r\nMessage-ID: <1@x>\r\n{headers}\r\n{body}"
    return parse(raw.encode(), MAILBOX, envelope_from=envelope_from)


@pytest.mark.parametrize(
    ("headers", "kind", "may_answer", "for_person"),
    [
        ("", "person", True, True),
        ("Auto-Submitted: no\r\n", "person", True, True),
        ("X-Auto-Response-Suppress: All\r\n", "person", False, True),
        ("Auto-Submitted: auto-replied\r\nSubject: We got your mail\r\n", "auto_reply", False, False),
        ("Auto-Submitted: auto-replied (vacation)\r\nSubject: Out of office: Maria\r\n", "out_of_office", False, False),
        ("X-Auto-Response-Suppress: All\r\nSubject: Automatische Antwort: Ihre Bestellung\r\n", "out_of_office", False, False),
        ("X-Auto-Response-Suppress: All\r\nSubject: Out of Office AutoReply: Order\r\n", "out_of_office", False, False),
        ("In-Reply-To: <a@b>\r\nSubject: Out of office\r\n", "out_of_office", False, False),
        ("Subject: Out of office\r\n", "out_of_office", False, True),
        ("X-Auto-Response-Suppress: All\r\nSubject: Out of office chair, order damaged\r\n", "person", False, True),
        ("X-Auto-Response-Suppress: All\r\nSubject: Automatic reply system broken: where is it?\r\n", "person", False, True),
        ("Subject: Abwesenheit bei der Lieferung\r\n", "person", True, True),
        ("X-Autoreply: yes\r\n", "auto_reply", False, False),
        ("Precedence: auto_reply\r\n", "auto_reply", False, False),
        ("Auto-Submitted: auto-generated\r\n", "system", False, True),
        ("Precedence: bulk\r\n", "bulk", False, False),
        ("List-Unsubscribe: <mailto:x@y>\r\n", "bulk", False, False),
        ("List-Id: <service.nordwind.example>\r\nPrecedence: list\r\n", "person", True, True),
        ("List-Id: <family.groups.example>\r\nSubject: Order nw-2026-104233\r\n", "person", False, True),
        ("List-Id: <family.groups.example>\r\nIn-Reply-To: <a@b>\r\n", "person", False, True),
        ("Precedence: bulk\r\nIn-Reply-To: <a@b>\r\n", "bulk", False, False),
        ("Reply-To: noreply@other.example\r\n", "person", False, True),
        ("Reply-To: mailer-daemon@other.example\r\n", "person", False, True),
        ("Reply-To: service+abc@nordwind.example\r\n", "person", False, True),
        ("Reply-To: tom@other.example\r\n", "person", True, True),
        ("Return-Path: <>\r\n", "system", False, True),
        ("X-Caseworker: CW-00001T-1T\r\n", "ours", False, True),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n", "complaint", False, True),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n", "receipt", False, False),
    ],
)
def test_headers(headers: str, kind: str, *, may_answer: bool, for_person: bool) -> None:
    result = seen(headers).classification
    assert (result.kind, result.may_answer, result.for_person) == (kind, may_answer, for_person)
    assert result.why


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("noreply@shop.example", "system"),
        ("no-reply+x@shop.example", "system"),
        ("order-noreply@shop.example", "system"),
        ("MAILER-DAEMON@mx.example", "system"),
        ("hallo@nordwind.example", "ours"),
        ("service+token@nordwind.example", "ours"),
        ("noreen@shop.example", "person"),
        ("postmaster.jones@shop.example", "person"),
    ],
)
def test_senders(sender: str, kind: str) -> None:
    result = seen("Subject: Question\r\n", sender=sender).classification
    assert result.kind == kind
    assert result.may_answer == (kind == "person")


def test_a_null_envelope_is_never_answered() -> None:
    assert not seen("", envelope_from="").classification.may_answer
    assert seen("", envelope_from="maria@lindqvist.example").classification.may_answer


def test_a_known_machine_that_names_the_customer() -> None:
    message = seen("Reply-To: maria@lindqvist.example\r\nAuto-Submitted: auto-generated\r\n", sender="forms@nordwind.example")
    assert message.classification.may_answer
    assert message.answer_to is not None
    assert message.answer_to.email == "maria@lindqvist.example"
    assert not seen("", sender="forms@nordwind.example").classification.may_answer
    assert not seen("Reply-To: service@nordwind.example\r\n", sender="forms@nordwind.example").classification.may_answer
    assert not seen("Reply-To: a@x.example, b@x.example\r\n", sender="no-reply@market.example").classification.may_answer


@pytest.mark.parametrize(
    "body",
    [
        "My parcel could not be delivered, order 550 for maria@lindqvist.example",
        "Undeliverable! That is what the carrier says, 5.1.1 is the shelf.",
        "Delivery has failed three times.",
    ],
)
def test_a_customer_who_speaks_of_delivery_is_no_bounce(body: str) -> None:
    message = seen("Subject: Undeliverable parcel, delivery failure\r\n", body=body)
    assert message.bounce is None
    assert message.classification.kind == "person"


REPORT = """This is the mail system at host mx.example.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; Maria@Lindqvist.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {code} no such user

--b
Content-Type: message/rfc822

From: service@nordwind.example
Message-ID: <abc.caseworker@nordwind.example>

Hello
--b--
"""


def report(action: str, status: str, code: str) -> Message:
    body = "--b\nContent-Type: text/plain\n\n" + REPORT.format(action=action, status=status, code=code)
    return seen(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
        body=body,
        sender="mailer-daemon@mx.example",
    )


def test_a_standard_bounce() -> None:
    message = report("failed", "5.1.1", "550")
    assert message.bounce is not None
    assert message.bounce.recipient == "maria@lindqvist.example"
    assert message.bounce.status == "5.1.1"
    assert message.bounce.permanent
    assert message.bounce.original_message_id == "abc.caseworker@nordwind.example"
    assert message.classification.kind == "bounce"


def test_a_delay_is_no_failure() -> None:
    message = report("delayed", "4.4.1", "451")
    assert message.bounce is not None
    assert not message.bounce.permanent
    assert message.classification.kind == "delay"
    assert not message.classification.for_person


def test_a_bounce_that_follows_no_standard() -> None:
    body = (
        "Hi. This is the qmail-send program.\nI wasn't able to deliver your message.\n\n<maria@lindqvist.example>:\n"
        "550 5.1.1 user unknown\n\n--- Below this line is a copy.\n\nMessage-ID: <abc@nordwind.example>\n"
    )
    message = seen("Subject: failure notice\r\n", body=body, sender="MAILER-DAEMON@mx.example")
    assert message.bounce is not None
    assert (message.bounce.recipient, message.bounce.status) == ("maria@lindqvist.example", "5.1.1")
    assert message.bounce.original_message_id == "abc@nordwind.example"
