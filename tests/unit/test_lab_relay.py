"""The world's mail relay: what it vouches for, that it tries again, that a repeat is no second mail; and who writes to it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from caseworker.core.errors import StoreError
from caseworker.lab.customer import Customer, content_of, tiny_jpeg
from caseworker.lab.scenario import Attachment, parse
from caseworker.mail.adapters.smtp_in import SmtpIntake
from caseworker.testing.drive.smtp import submit, takes
from caseworker.testing.relay import Delivered, Relay, stamped

ID = "mx.nordwind.example"
MAIL = (
    b"From: Anna <anna@example.com>\r\nX-Relay-Auth: %s\r\n"
    b"Authentication-Results: mx.nordwind.example;\r\n dmarc=pass header.from=example.com\r\n"
    b"Authentication-Results: other.example; dmarc=pass\r\nSubject: Hello\r\nMessage-ID: <one@example.com>\r\n\r\n"
    b"Authentication-Results: mx.nordwind.example; in the body\r\n"
)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    relay = Relay(ID, tmp_path / "mail")
    await relay.start()
    yield relay
    await relay.stop()


@pytest.mark.parametrize(
    ("auth", "written"),
    [
        (b"pass", "mx.nordwind.example; dmarc=pass header.from=example.com"),
        (b"fail", "mx.nordwind.example; dmarc=fail header.from=example.com"),
        (b"none", "mx.nordwind.example; dmarc=none"),
    ],
)
def test_only_the_relays_own_result_stays(auth: bytes, written: str) -> None:
    head, _, body = stamped(MAIL % auth, ID).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"Authentication-Results: {written}"
    assert not any(line.startswith((" dmarc", "X-Relay-Auth")) for line in lines)
    assert "Authentication-Results: other.example; dmarc=pass" in lines
    assert b"in the body" in body


def test_without_a_word_about_authentication_nothing_is_vouched_for() -> None:
    raw = b"From: anna@example.com\nSubject: Hello\n\nText\n"
    assert stamped(raw, ID).startswith(b"Authentication-Results: mx.nordwind.example; dmarc=none\r\nFrom:")


async def test_a_mail_that_is_put_off_is_handed_over_again(relay: Relay) -> None:
    taken: list[bytes] = []

    async def handover(raw: bytes, *, mailbox: str, envelope_from: str | None) -> None:
        taken.append(raw)
        if len(taken) < 3:
            raise StoreError("away")

    intake = SmtpIntake("127.0.0.1", 0, handover, lambda address: address if address.startswith("service@") else None)
    await intake.start()
    relay.target = ("127.0.0.1", intake.port)
    assert await takes(*relay.target, "service@nordwind.example")
    for recipient in ("service@nordwind.example", "nobody@nordwind.example"):
        answer = await submit(
            "127.0.0.1", relay.submit_port, MAIL % b"pass", sender="anna@example.com", recipients=(recipient,)
        )
        assert answer.taken
    await relay.drained()
    await intake.stop()
    [handed] = relay.accepted
    assert (handed.message_id, handed.tries, handed.answer.code) == ("one@example.com", 3, 250)
    assert [refused.answer.code for refused in relay.rejected] == [550]


async def test_a_repeat_is_counted_and_not_delivered_again(relay: Relay, tmp_path: Path) -> None:
    heard: list[Delivered] = []
    relay.listen("Anna@example.com", heard.append)
    raw = b"From: Shop <service@nordwind.example>\r\nMessage-ID: <reply@nordwind.example>\r\nSubject: Re\r\n\r\nWords\r\n"
    for _ in range(3):
        await submit("127.0.0.1", relay.outgoing_port, raw, sender="service@nordwind.example", recipients=("anna@example.com",))
    assert [(mail.sender, mail.text.strip()) for mail in heard] == [("service@nordwind.example", "Words")]
    assert relay.repeats == {"reply@nordwind.example": 2}
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


def test_pictures_are_pictures() -> None:
    photo = Attachment("photo.jpg", "image/jpeg", "photo")
    assert content_of(photo) == tiny_jpeg()
    assert tiny_jpeg().startswith(b"\xff\xd8\xff")
    assert content_of(Attachment("photo.png", "image/png", "photo")).startswith(b"\x89PNG")


def test_a_forger_claims_a_pass_and_an_afterthought_refers_to_the_mail_before() -> None:
    forged = {"subject": "Glasses", "text": "x", "auth": "fail"}
    later = {"subject": "Re: Glasses", "text": "y", "after": "4m"}
    line = json.dumps({"id": "a-1", "customer": {"email": "anna@example.com"}, "mails": [forged, later], "expect": {}})
    [scenario] = parse(line)
    first, second = Customer(scenario, "s@lab.example", "t", ID).begin(datetime(2026, 12, 2, 9, tzinfo=UTC))
    assert message_from_bytes(first.raw)["Authentication-Results"].strip().startswith("mx.nordwind.example; dmarc=pass")
    assert b"In-Reply-To: <t.a-1.1@example.com>" in second.raw
    assert second.due.minute == 4
