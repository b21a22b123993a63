"""Ways in and out for mail, against real sockets and folders.

Nothing is acknowledged before it is stored, nothing is sent twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from caseworker.core.errors import StoreAway, StoreError, StoreFull
from caseworker.mail.adapters.maildir_out import MaildirTransport
from caseworker.mail.adapters.smtp_in import SmtpIntake
from caseworker.mail.adapters.smtp_out import SmtpTransport
from caseworker.mail.errors import SendRefused, SendUnknown
from caseworker.mail.model import MailboxSettings
from caseworker.mail.parse import parse

MAIL = b"From: maria@lindqvist.example\r\nTo: service@nordwind.example\r\nSubject: Where?\r\n\r\nWhere is it?\r\n"


class Stored:
    """A handover that remembers, fails as told and can be held."""

    def __init__(self) -> None:
        self.mails: list[tuple[bytes, str, str | None]] = []
        self.fail: dict[str, Exception] = {}
        self.hold: asyncio.Event | None = None
        self.began = asyncio.Event()

    async def __call__(self, raw: bytes, *, mailbox: str, envelope_from: str | None) -> None:
        self.began.set()
        if self.hold is not None:
            await self.hold.wait()
        if mailbox in self.fail:
            raise self.fail[mailbox]
        self.mails.append((raw, mailbox, envelope_from))


def mailbox_of(address: str) -> str | None:
    local, _, domain = address.lower().partition("@")
    return f"{local.partition('+')[0]}@{domain}" if domain == "nordwind.example" and not local.startswith("nobody") else None


@asynccontextmanager
async def receiver(stored: Stored, is_own_relay: Callable[[str], bool] | None = None) -> AsyncIterator[SmtpIntake]:
    intake = SmtpIntake("127.0.0.1", 0, stored, mailbox_of, is_own_relay=is_own_relay)
    await intake.start()
    try:
        yield intake
    finally:
        await intake.stop()


async def send(
    intake: SmtpIntake,
    raw: bytes = MAIL,
    *,
    to: tuple[str, ...] = ("service@nordwind.example",),
    sender: str = "maria@lindqvist.example",
) -> str:
    return await SmtpTransport("127.0.0.1", intake.port).send(raw, sender=sender, recipients=to, message_id="m1")


async def test_a_mail_is_handed_over_once_with_its_envelope() -> None:
    stored = Stored()
    async with receiver(stored) as intake:
        assert (await send(intake, to=("service+abc@nordwind.example", "service@nordwind.example"))).startswith("250")
    [(raw, mailbox, envelope_from)] = stored.mails
    assert (mailbox, envelope_from) == ("service@nordwind.example", "maria@lindqvist.example")
    assert raw.endswith(MAIL)
    message = parse(raw, MailboxSettings(mailbox))
    assert [a.email for a in message.delivered_to] == ["service+abc@nordwind.example", "service@nordwind.example"]
    assert message.body_hash == parse(MAIL, MailboxSettings(mailbox)).body_hash


async def test_results_that_a_stranger_brings_do_not_count() -> None:
    stored = Stored()
    claimed = b"Authentication-Results: mx.nordwind.example;\r\n dmarc=pass header.from=lindqvist.example\r\n" + MAIL
    for is_own_relay in (None, lambda peer: peer != "127.0.0.1"):
        async with receiver(stored, is_own_relay) as intake:
            await send(intake, claimed)
    settings = MailboxSettings("service@nordwind.example", authserv_id="mx.nordwind.example")
    assert [parse(raw, settings).trust.status for raw, _, _ in stored.mails] == ["verified", "unverified"]


async def test_the_null_envelope() -> None:
    stored = Stored()
    async with receiver(stored) as intake:
        await send(intake, sender="")
    assert stored.mails[0][2] == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreAway("away"), "451"), (StoreFull("full"), "452"), (StoreError("?"), "451"), (RuntimeError("bug"), "451")],
)
async def test_what_is_not_stored_is_not_acknowledged(error: Exception, code: str) -> None:
    stored = Stored()
    stored.fail["service@nordwind.example"] = error
    async with receiver(stored) as intake:
        with pytest.raises(SendRefused, match=code) as refused:
            await send(intake)
        assert not refused.value.permanent
        stored.fail.clear()
        await send(intake)
    assert len(stored.mails) == 1


async def test_two_recipients_in_two_mailboxes_are_stored_in_both_or_refused() -> None:
    stored = Stored()
    stored.fail["returns@nordwind.example"] = StoreAway("away")
    both = ("service@nordwind.example", "returns@nordwind.example")
    async with receiver(stored) as intake:
        with pytest.raises(SendRefused, match="451"):
            await send(intake, to=both)
        stored.fail.clear()
        await send(intake, to=both)
    assert [mailbox for _, mailbox, _ in stored.mails] == ["service@nordwind.example", *both]


async def test_an_unknown_mailbox_is_refused_for_good() -> None:
    async with receiver(Stored()) as intake:
        with pytest.raises(SendRefused, match="550") as refused:
            await send(intake, to=("nobody@nordwind.example",))
    assert refused.value.permanent


async def test_a_line_of_300_kb_and_a_mail_of_30_mb() -> None:
    stored = Stored()
    async with receiver(stored) as intake:
        await send(intake, MAIL + b"x" * 300_000 + b"\r\n")
        await send(intake, MAIL + (b"x" * 990 + b"\r\n") * 31_000)
    assert [len(raw) > size for (raw, _, _), size in zip(stored.mails, (300_000, 30_000_000), strict=True)] == [True, True]


async def test_a_mail_over_the_limit_is_refused_for_good() -> None:
    async with receiver(Stored()) as intake:
        with pytest.raises(SendRefused) as refused:
            await send(intake, MAIL + (b"x" * 990 + b"\r\n") * 54_000)
    assert refused.value.permanent


async def talk(intake: SmtpIntake, *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    await reader.readline()
    for line in lines:
        writer.write(line + b"\r\n")
        await writer.drain()
        while (await reader.readline())[3:4] == b"-":
            pass
    return reader, writer


async def test_a_client_that_hangs_up_in_the_middle_of_the_data() -> None:
    stored = Stored()
    async with receiver(stored) as intake:
        _, writer = await talk(intake, b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<service@nordwind.example>", b"DATA")
        writer.write(b"Subject: half a mail\r\n\r\nhal")
        await writer.drain()
        writer.close()
        await send(intake)
    assert len(stored.mails) == 1


async def test_a_client_that_hangs_up_before_the_answer_does_not_interrupt_the_commit() -> None:
    stored = Stored()
    stored.hold = asyncio.Event()
    async with receiver(stored) as intake:
        _, writer = await talk(intake, b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<service@nordwind.example>", b"DATA")
        writer.write(MAIL + b".\r\n")
        await stored.began.wait()
        writer.close()
        await writer.wait_closed()
        stored.hold.set()
    assert len(stored.mails) == 1


async def test_a_relay_that_is_away() -> None:
    async with receiver(Stored()) as intake:
        port = intake.port
    with pytest.raises(SendRefused, match="cannot be reached") as refused:
        await SmtpTransport("127.0.0.1", port).send(MAIL, sender="a@b.example", recipients=("c@d.example",), message_id="m1")
    assert not refused.value.permanent


async def test_a_relay_that_hangs_up_after_the_data_leaves_the_outcome_unknown() -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                while await reader.readline() != b".\r\n":
                    pass
                break
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(SendUnknown, match="m1"):
            await SmtpTransport("127.0.0.1", port).send(
                MAIL, sender="a@b.example", recipients=("c@d.example",), message_id="m1"
            )
    finally:
        server.close()


async def test_a_maildir_holds_a_repeat_once(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path / "out")
    for raw in (MAIL, MAIL):
        answer = await transport.send(raw, sender="a@b.example", recipients=("c@d.example",), message_id="<m1@x>")
    [path] = (tmp_path / "out" / "new").iterdir()
    assert answer.endswith(path.name)
    assert path.read_bytes() == MAIL
    path.rename(tmp_path / "out" / "cur" / f"{path.name}:2,S")
    await transport.send(MAIL, sender="a@b.example", recipients=("c@d.example",), message_id="m1@x")
    assert not list((tmp_path / "out" / "new").iterdir())
    assert not list((tmp_path / "out" / "tmp").iterdir())


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SendRefused, match="cannot be written"):
        await MaildirTransport(tmp_path / "out").send(MAIL, sender="a@b.example", recipients=("c@d.example",), message_id="m1")
