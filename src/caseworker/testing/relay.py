"""The world's mail relay on loopback: between customers and Caseworker, in both directions.

Customers hand their mails to `submit_port`. The relay does what a provider does on the way in: results of authentication that
claim to be its own are removed, its own are written, and the mail is handed on to Caseworker's SMTP intake, again and again
until that has taken or refused it. Caseworker sends through `outgoing_port`: each mail is kept in a Maildir, one file for each
Message-ID as receivers do it, and told to whoever listens for its recipient.

How a mail's authentication went cannot be found out here (nobody signs anything), so the customer's side says it in a header
of the relay's own, `X-Relay-Auth: pass|fail|none`, which never leaves the relay. Without the header nothing is vouched for.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from caseworker.testing.drive.smtp import Answer, submit

AUTH_HEADER = "X-Relay-Auth"
MAX_MAIL = 50 * 1024 * 1024  # bytes
MAX_LINE = 1024 * 1024  # bytes
FIRST_RETRY, LAST_RETRY = 0.05, 2.0  # seconds
AT_ONCE = 16  # mails on their way to the intake at the same time

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)(?:\r?\n|$)")


@dataclass(frozen=True, slots=True)
class Handed:
    """A customer's mail that came to its end: `answer` of the intake, after so many `tries`."""

    message_id: str
    recipients: tuple[str, ...]
    answer: Answer
    tries: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A mail of Caseworker's as it arrived at the customer's provider, for one recipient."""

    recipient: str
    sender: str
    message_id: str
    mail: EmailMessage
    raw: bytes

    def header(self, name: str) -> str:
        """One header as text; empty where it is missing."""
        return str(self.mail.get(name, "")).strip()

    @property
    def text(self) -> str:
        """The plain words."""
        part = self.mail.get_body(preferencelist=("plain",))
        return str(part.get_content()) if isinstance(part, EmailMessage) else ""


Listener = Callable[[Delivered], Awaitable[None] | None]


@dataclass(slots=True)
class Relay:
    """One relay. `maildir` is where outgoing mail is kept; `target` where the intake listens, once it is known."""

    authserv_id: str
    maildir: Path
    host: str = "127.0.0.1"
    target: tuple[str, int] | None = None
    accepted: list[Handed] = field(default_factory=list)
    rejected: list[Handed] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    _listeners: dict[str, list[Listener]] = field(default_factory=dict)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _connections: set["_Connection"] = field(default_factory=set)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)
    _taking: int = 0
    _seen: set[str] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def start(self) -> None:
        """Listen on two free ports."""
        loop = asyncio.get_running_loop()
        for handler in (_Submitted(self), _Outgoing(self)):
            server = await loop.create_server(_factory(handler, self._connections), self.host, 0)
            self._servers.append(server)

    async def stop(self) -> None:
        """Hang up; mails that the intake has not taken are dropped with the relay."""
        for server in self._servers:
            server.close()
        for task in self._carrying:
            task.cancel()
        for connection in list(self._connections):
            connection.hang_up()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    @property
    def submit_port(self) -> int:
        """Where customers hand their mails in."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    @property
    def outgoing_port(self) -> int:
        """Where Caseworker sends through: `CASEWORKER_RELAY=smtp://127.0.0.1:PORT`."""
        return int(self._servers[1].sockets[0].getsockname()[1])

    @property
    def busy(self) -> int:
        """Mails under way in either direction."""
        return len(self._carrying) + self._taking

    def listen(self, recipient: str, listener: Listener) -> None:
        """Call `listener` with every mail for this address, each Message-ID once."""
        self._listeners.setdefault(recipient.lower(), []).append(listener)

    # -- from customers to Caseworker ----------------------------------------------------------------------------------

    def carry(self, raw: bytes, *, sender: str, recipients: tuple[str, ...]) -> None:
        """Take a customer's mail on; it is handed over in the background."""
        mail = stamped(raw, self.authserv_id)
        task = asyncio.create_task(self._hand_over(mail, sender, recipients))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def drained(self) -> None:
        """Return when the intake has taken or refused every mail that customers handed in."""
        while self._carrying:
            await asyncio.wait(self._carrying)

    async def _hand_over(self, raw: bytes, sender: str, recipients: tuple[str, ...]) -> None:
        tries, pause = 0, FIRST_RETRY
        message_id = _message_id(raw)
        while True:
            if self.target is not None:
                tries += 1
                async with self._slots:
                    answer = await submit(*self.target, raw, sender=sender, recipients=recipients)
                if answer.final:
                    kept = self.accepted if answer.taken else self.rejected
                    kept.append(Handed(message_id, recipients, answer, tries))
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_RETRY)

    # -- from Caseworker to customers ----------------------------------------------------------------------------------

    async def deliver(self, raw: bytes, recipients: tuple[str, ...]) -> None:
        """Keep and tell a mail of Caseworker's, unless its Message-ID was here before."""
        self._taking += 1
        try:
            message_id = _message_id(raw)
            if message_id in self._seen:
                self.repeats[message_id] += 1
                return
            self._seen.add(message_id)
            await asyncio.to_thread(self._keep, raw, message_id)
            await self._tell(raw, recipients, message_id)
        finally:
            self._taking -= 1

    def _keep(self, raw: bytes, message_id: str) -> None:
        for part in ("tmp", "new", "cur"):
            (self.maildir / part).mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(message_id.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        (self.maildir / "tmp" / name).write_bytes(raw)
        (self.maildir / "tmp" / name).replace(self.maildir / "new" / name)

    async def _tell(self, raw: bytes, recipients: tuple[str, ...], message_id: str) -> None:
        mail = message_from_bytes(raw, policy=policy.default)
        for recipient in recipients:
            sender = parseaddr(str(mail.get("From", "")))[1]
            arrived = Delivered(recipient.lower(), sender.lower(), message_id, mail, raw)
            self.delivered.append(arrived)
            for listener in self._listeners.get(recipient.lower(), ()):
                result = listener(arrived)
                if result is not None:
                    await result


def stamped(raw: bytes, authserv_id: str) -> bytes:
    """A customer's mail as the relay hands it on: without results that claim to be ours, with ours on top."""
    head, rest = _split(raw)
    kept: list[bytes] = []
    auth = "none"
    for match in _FIELD.finditer(head):
        name, value = match.group(1).decode("ascii").lower(), match.group(2).decode("utf-8", "replace")
        if name == AUTH_HEADER.lower():
            auth = value.strip().lower()
        elif name != "authentication-results" or not _claims(value, authserv_id):
            kept.append(match.group(0))
    return _results(auth, authserv_id, _from_domain(raw)) + b"".join(kept) + rest


def _results(auth: str, authserv_id: str, domain: str) -> bytes:
    if auth in ("pass", "fail"):
        return f"Authentication-Results: {authserv_id}; dmarc={auth} header.from={domain}\r\n".encode()
    return f"Authentication-Results: {authserv_id}; dmarc=none\r\n".encode()


def _claims(value: str, authserv_id: str) -> bool:
    words = re.sub(r"\([^()]*\)", " ", value).partition(";")[0].split()
    return bool(words) and words[0].strip('"').lower() == authserv_id.lower()


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """The header section, and the blank line with everything after it."""
    match = re.search(rb"\r?\n(?=\r?\n)", raw)
    return (raw[: match.end()], raw[match.end() :]) if match else (raw, b"")


def _from_domain(raw: bytes) -> str:
    mail = message_from_bytes(_split(raw)[0] + b"\r\n")
    return parseaddr(str(mail.get("From", "")))[1].rpartition("@")[2].lower()


def _message_id(raw: bytes) -> str:
    mail = message_from_bytes(_split(raw)[0] + b"\r\n")
    return str(mail.get("Message-ID", "")).strip().strip("<>")


def _factory(handler: object, connections: "set[_Connection]") -> Callable[[], asyncio.Protocol]:
    return lambda: cast("asyncio.Protocol", _Connection(handler, connections))


class _Connection(SMTP):
    """One client of the relay, on the event loop of whoever started it."""

    line_length_limit = MAX_LINE

    def __init__(self, handler: object, connections: "set[_Connection]") -> None:
        super().__init__(handler, data_size_limit=MAX_MAIL, enable_SMTPUTF8=True, hostname="relay", ident="Relay", timeout=60)
        self._open = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()


@dataclass(frozen=True, slots=True)
class _Submitted:
    relay: Relay

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name is aiosmtpd's
        sender = (envelope.mail_from or "").strip("<>")
        self.relay.carry(_content(envelope), sender=sender, recipients=tuple(envelope.rcpt_tos))
        return "250 2.0.0 Queued"


@dataclass(frozen=True, slots=True)
class _Outgoing:
    relay: Relay

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name is aiosmtpd's
        await self.relay.deliver(_content(envelope), tuple(envelope.rcpt_tos))
        return "250 2.0.0 Delivered"


def _content(envelope: Envelope) -> bytes:
    return envelope.content if isinstance(envelope.content, bytes) else b""
