"""The built-in SMTP receiver.

It says 250 only after the commit that makes the mail ours; a repeat after a lost 250 is the same mail.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

from caseworker.core.errors import CaseworkerError, StoreError, StoreFull
from caseworker.mail.model import MAX_MAIL
from caseworker.mail.ports import Handover
from caseworker.mail.trust import disarm_foreign_results

MAX_LINE = 1024 * 1024
"""Bytes of one line: real newsletters have lines of hundreds of kilobytes, against the letter of RFC 5321."""

IDLE_SECONDS = 120.0

_log = logging.getLogger(__name__)

_AWAY = "451 4.3.0 Our database is away, nothing was taken. Please try again later."
_FULL = "452 4.3.1 There is no room to store the mail, nothing was taken. Please try again later."
_FAILED = "451 4.3.0 The mail could not be stored, nothing was taken. Please try again later."


class SmtpIntake:
    """Listens on `host:port` (0 takes any free port).

    `mailboxes` maps a recipient, plus part included, to a mailbox of ours or None.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handover: Handover,
        mailboxes: Callable[[str], str | None],
        *,
        is_own_relay: Callable[[str], bool] | None = None,
    ) -> None:
        """`is_own_relay` says of a client's IP address whether its Authentication-Results may count; left out: loopback."""
        self._host = host
        self._wanted_port = port
        self._handler = _Handler(handover, mailboxes, is_own_relay or _is_loopback)
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; the wanted one before `start`."""
        if self._server is None or not self._server.sockets:
            return self._wanted_port
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._handler, self._connections), self._host, self._wanted_port
        )

    async def stop(self) -> None:
        """Takes no more mail; what is being stored is finished first."""
        if self._server is None:
            return
        self._server.close()
        await self._handler.finished()
        for connection in list(self._connections):
            connection.hang_up()
        await self._server.wait_closed()
        self._server = None


class _Connection(SMTP):
    """One client. aiosmtpd's own line limit (1001) refuses real mail; its Controller would put us on a second thread."""

    line_length_limit = MAX_LINE

    def __init__(self, handler: "_Handler", connections: "set[_Connection]") -> None:
        super().__init__(
            handler,
            data_size_limit=MAX_MAIL,
            enable_SMTPUTF8=True,
            hostname="caseworker",
            ident="Caseworker",
            timeout=IDLE_SECONDS,
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()


class _Handler:
    """aiosmtpd calls these hooks by name."""

    def __init__(self, handover: Handover, mailboxes: Callable[[str], str | None], is_own_relay: Callable[[str], bool]) -> None:
        self._handover = handover
        self._mailboxes = mailboxes
        self._is_own_relay = is_own_relay
        self._storing: set[asyncio.Task[str]] = set()

    async def handle_RCPT(  # noqa: N802  # the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailboxes(address) is None:
            return "550 5.1.1 There is no such mailbox here."
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # the name is aiosmtpd's
        """A client that hangs up meanwhile does not interrupt the commit: it will send again, and that is recognised."""
        peer = str(session.peer[0]) if session.peer else ""
        task = asyncio.create_task(self._store(envelope, peer))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        return await asyncio.shield(task)

    async def handle_exception(self, error: Exception) -> str:
        _log.error("SMTP intake failed: %r", error)
        return _FAILED

    async def finished(self) -> None:
        if self._storing:
            await asyncio.wait(self._storing)

    async def _store(self, envelope: Envelope, peer: str) -> str:
        """Once per mailbox. If one fails the whole mail is refused for now: the mailboxes that have it recognise the repeat."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        if not self._is_own_relay(peer):
            content = disarm_foreign_results(content)
        sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd keeps the brackets of the null path
        recipients: dict[str, list[str]] = {}
        for address in envelope.rcpt_tos:
            recipients.setdefault(str(self._mailboxes(address)), []).append(address)
        try:
            for mailbox, addresses in recipients.items():
                raw = _trace(sender, addresses) + content
                await self._handover(raw, mailbox=mailbox, envelope_from=sender)
        except StoreFull as error:
            _log.error("No room for a mail: %s", error)
            return _FULL
        except StoreError as error:
            _log.warning("A mail was put off: %s", error)
            return _AWAY
        except CaseworkerError as error:
            _log.error("A mail was not stored: %s", error)
            return _FAILED
        return "250 2.0.0 Stored"


def _is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _trace(sender: str, recipients: list[str]) -> bytes:
    """The envelope as headers on top, as every mail server notes it at delivery; identity hashes leave them out."""
    lines = [f"Return-Path: <{sender}>", *(f"Delivered-To: {address}" for address in recipients)]
    return ("\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines) + "\r\n").encode("utf-8", "surrogateescape")
