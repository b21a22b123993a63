"""A scripted customer: writes the scenario's mails, and answers what he is asked as the scenario says.

Which questions a reply asked is read from the case (what the reply's effect records), never guessed from its words.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from caseworker.app.managers import CaseFile
from caseworker.lab.scenario import Attachment, Mail, Person, Scenario
from caseworker.testing.relay import AUTH_HEADER, Delivered

CONFIRM = "confirm"
_WROTE = {
    "en": "On {date}, {name} <{email}> wrote:",
    "de": "Am {date} schrieb {name} <{email}>:",
}
_BLOCK = {
    "en": ("From", "Sent", "To", "Subject"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that is ready to go, at `due` (UTC)."""

    due: datetime
    sender: str
    recipient: str
    raw: bytes


@dataclass(slots=True)
class Customer:
    """One scenario's customer. `token` makes the Message-IDs of this run its own.

    A forger (`auth` fail) brings along a header that claims a pass by `authserv_id`, as a real one would.
    """

    scenario: Scenario
    mailbox: str
    token: str
    authserv_id: str
    inbox: list[Delivered] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    _times: Counter[str] = field(default_factory=Counter)
    _on_its_way: dict[str, datetime] = field(default_factory=dict)
    _confirms: set[tuple[int, int, str]] = field(default_factory=set)
    _own_ids: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that this customer writes from, in small letters."""
        mails = (*self.scenario.mails, *(m for several in self.scenario.answers.values() for m in several))
        people = [self.scenario.customer, *(m.sender for m in mails if m.sender)]
        return frozenset(person.email.lower() for person in people)

    def begin(self, at: datetime) -> Sequence[Outgoing]:
        """The mails that the customer writes of his own accord."""
        outgoing: list[Outgoing] = []
        for mail in self.scenario.mails:
            at += mail.after
            earlier = self._own_ids[-1] if mail.subject.lower().startswith(("re:", "aw:")) and self._own_ids else ""
            outgoing.append(
                self._write(mail, at, subject=mail.subject, body=mail.text, references=(earlier,) if earlier else ())
            )
        return outgoing

    def hear(self, reply: Delivered, file: CaseFile, now: datetime) -> Sequence[Outgoing]:
        """What the customer sends back: one mail for all answers that go the same way."""
        keys = self.questions(reply, file)
        self.asked.extend(keys)
        ways: dict[tuple[str, str, Person | None], list[Mail]] = {}
        for key in keys:
            answer = self._answer(key, now)
            if answer is not None:
                ways.setdefault((answer.thread, answer.auth, answer.sender), []).append(answer)
        return [self._reply(answers, reply, now) for answers in ways.values()]

    def questions(self, reply: Delivered, file: CaseFile) -> tuple[str, ...]:
        """The keys that a reply asks for; `confirm` where the case waits for a yes that was not asked before."""
        asks: list[str] = []
        for effect in file.effects:
            if effect.kind == "send" and effect.receipt.get("message_id") == reply.message_id:
                asks.extend(str(key) for key in effect.arguments.get("asks") or ())
        for request in file.case.state.get("requests", ()):
            question = (file.case.number, int(request["number"]), str(request.get("confirming") or ""))
            if question[2] and request["status"] == "awaiting_customer" and question not in self._confirms:
                self._confirms.add(question)
                asks.append(CONFIRM)
        return tuple(dict.fromkeys(asks))

    def _answer(self, key: str, now: datetime) -> Mail | None:
        """The next answer, unless there is none or the one before is not written yet: nobody answers twice at once."""
        answers = self.scenario.answers.get(key, ())
        if not answers or self._on_its_way.get(key, now) > now:
            return None
        self._times[key] += 1
        answer = answers[min(self._times[key], len(answers)) - 1]
        self._on_its_way[key] = now + answer.after
        return answer

    def _reply(self, answers: Sequence[Mail], reply: Delivered, now: datetime) -> Outgoing:
        first = answers[0]
        due = now + max(answer.after for answer in answers)
        words = "\n".join(dict.fromkeys(answer.text for answer in answers))
        whole = Mail(
            subject=first.subject,
            text=words,
            after=first.after,
            auth=first.auth,
            sender=first.sender,
            thread=first.thread,
            attachments=tuple(file for answer in answers for file in answer.attachments),
        )
        if first.thread == "new":
            return self._write(whole, due, subject=first.subject or self.scenario.mails[0].subject, body=words)
        subject = first.subject or _re(reply.header("Subject"))
        references = (*reply.header("References").split(), f"<{reply.message_id}>")
        to = reply.header("Reply-To") or self.mailbox
        body = f"{words}\n\n{_history(self.scenario, reply)}"
        return self._write(whole, due, subject=subject, body=body, references=references, recipient=_address(to))

    def _write(
        self, mail: Mail, due: datetime, *, subject: str, body: str, references: Sequence[str] = (), recipient: str = ""
    ) -> Outgoing:
        person = mail.sender or self.scenario.customer
        message = EmailMessage()
        message["From"] = formataddr((person.name, person.email))
        message["To"] = recipient or self.mailbox
        message["Subject"] = subject
        message["Date"] = format_datetime(due)
        identifier = f"<{self.token}.{self.scenario.id}.{len(self._own_ids) + 1}@{person.email.rpartition('@')[2]}>"
        message["Message-ID"] = identifier
        if references:
            message["In-Reply-To"] = references[-1]
            message["References"] = " ".join(references)
        message[AUTH_HEADER] = mail.auth
        if mail.auth == "fail":
            domain = person.email.rpartition("@")[2]
            message["Authentication-Results"] = f"{self.authserv_id}; dmarc=pass header.from={domain}"
        message.set_content(body)
        for attachment in mail.attachments:
            main, _, sub = attachment.content_type.partition("/")
            message.add_attachment(content_of(attachment), maintype=main, subtype=sub or "plain", filename=attachment.filename)
        self._own_ids.append(identifier)
        self.words.append(f"{subject}\n{mail.text}")
        return Outgoing(due, person.email, recipient or self.mailbox, message.as_bytes())


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _address(header: str) -> str:
    return header.rpartition("<")[2].rstrip("> ") if "<" in header else header.strip()


def _history(scenario: Scenario, reply: Delivered) -> str:
    """The reply as mail programs put it below an answer: marked line by line, or under a block of headers."""
    language = scenario.language if scenario.language in _WROTE else "en"
    name = reply.header("From").partition("<")[0].strip(' "') or reply.sender
    date = reply.header("Date")
    if zlib.crc32(scenario.id.encode()) % 3:
        quoted = "\n".join(f"> {line}".rstrip() for line in reply.text.splitlines())
        return f"{_WROTE[language].format(date=date, name=name, email=reply.sender)}\n{quoted}\n"
    labels = _BLOCK[language]
    values = (f"{name} <{reply.sender}>", date, reply.recipient, reply.header("Subject"))
    block = "\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    return f"________________________________\n{block}\n\n{reply.text}\n"


def content_of(attachment: Attachment) -> bytes:
    """The bytes of a scripted attachment."""
    if attachment.kind == "text":
        return attachment.text.encode()
    return tiny_png() if attachment.content_type == "image/png" else tiny_jpeg()


def tiny_png() -> bytes:
    """A grey picture of 64 x 64 pixels, not compressed: about as many bytes as the smallest photos have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = (b"\x00" + b"\x80" * 64) * 64
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def tiny_jpeg() -> bytes:
    """A picture of one grey pixel: baseline, one component, Huffman tables of one code each.

    A comment makes it as long as the smallest photos.
    """

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    one_code = bytes([1]) + bytes(15) + b"\x00"
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            segment(0xFE, b" " * 4000),
            segment(0xDB, b"\x00" + bytes([1]) * 64),
            segment(0xC0, struct.pack(">BHHBBBB", 8, 1, 1, 1, 1, 0x11, 0)),
            segment(0xC4, b"\x00" + one_code),
            segment(0xC4, b"\x10" + one_code),
            segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            b"\x3f\xff\xd9",
        )
    )
