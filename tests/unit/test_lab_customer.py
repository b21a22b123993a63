"""The scripted customer: answers what a reply asked for, in the thread, in one mail, and not twice at once."""

import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace
from typing import Any

from caseworker.app.managers import CaseFile
from caseworker.lab.customer import Customer, Outgoing
from caseworker.lab.scenario import parse
from caseworker.testing.relay import Delivered

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
MAILBOX = "s-a-1@lab.nordwind.example"


def customer(answers: dict[str, Any]) -> Customer:
    data = {
        "id": "a-1",
        "customer": {"email": "anna@example.com", "name": "Anna"},
        "mails": [{"subject": "Cancel", "text": "Please cancel."}],
        "answers": answers,
        "expect": {},
    }
    [scenario] = parse(json.dumps(data))
    return Customer(scenario, MAILBOX, "run", "mx.nordwind.example")


def reply() -> Delivered:
    raw = (
        f"From: Nordwind <{MAILBOX}>\r\nTo: anna@example.com\r\nReply-To: s-a-1+token@lab.nordwind.example\r\n"
        "Subject: Cancel [CW-1]\r\nMessage-ID: <reply@lab>\r\nReferences: <run.a-1.1@example.com>\r\n\r\nWhich order?\r\n"
    ).encode()
    return Delivered("anna@example.com", MAILBOX, "reply@lab", message_from_bytes(raw, policy=policy.default), raw)


def file(*asks: str, confirming: str = "") -> CaseFile:
    effect = SimpleNamespace(kind="send", receipt={"message_id": "reply@lab"}, arguments={"asks": list(asks)})
    other = SimpleNamespace(kind="send", receipt={"message_id": "earlier@lab"}, arguments={"asks": ["wish"]})
    request = {"number": 1, "confirming": confirming, "status": "awaiting_customer"}
    case = SimpleNamespace(number=1, state={"requests": [request]})
    return CaseFile(case, [], [], [other, effect], [], [])


def words(outgoing: Outgoing) -> str:
    mail = message_from_bytes(outgoing.raw, policy=policy.default)
    return str(mail.get_content())


def test_the_answers_to_one_reply_go_in_one_mail_in_the_thread() -> None:
    anna = customer({"order_number": {"text": "NW-1", "after": "1h"}, "postcode": {"text": "20144", "after": "3h"}})
    [mail] = anna.hear(reply(), file("order_number", "postcode", "items"), AT)
    assert mail.due == AT + timedelta(hours=3)
    assert mail.recipient == "s-a-1+token@lab.nordwind.example"
    assert words(mail).startswith("NW-1\n20144\n\n")
    assert "Which order?" in words(mail)
    parsed = message_from_bytes(mail.raw)
    assert parsed["In-Reply-To"] == "<reply@lab>"
    assert parsed["Subject"] == "Re: Cancel [CW-1]"
    assert anna.asked == ["order_number", "postcode", "items"]


def test_an_answer_in_a_new_thread_refers_to_nothing() -> None:
    [mail] = customer({"order_number": {"text": "NW-1", "thread": "new"}}).hear(reply(), file("order_number"), AT)
    parsed = message_from_bytes(mail.raw)
    assert (parsed["In-Reply-To"], parsed["References"], parsed["Subject"], mail.recipient) == (None, None, "Cancel", MAILBOX)


def test_nobody_answers_twice_while_his_answer_is_still_to_come() -> None:
    anna = customer({"wish": [{"text": "whatever", "after": "2h"}, {"text": "a refund", "after": "1h"}]})
    assert len(anna.hear(reply(), file("wish"), AT)) == 1
    assert anna.hear(reply(), file("wish"), AT + timedelta(hours=1)) == []
    [second] = anna.hear(reply(), file("wish"), AT + timedelta(hours=2))
    assert words(second).startswith("a refund")
    assert anna.asked == ["wish", "wish", "wish"]


def test_a_yes_is_asked_for_once_per_question() -> None:
    anna = customer({"confirm": {"text": "yes"}})
    [mail] = anna.hear(reply(), file(confirming="cancel_some"), AT)
    assert words(mail).startswith("yes")
    assert anna.hear(reply(), file(confirming="cancel_some"), AT + timedelta(days=3)) == []
