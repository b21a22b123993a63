"""Mails come in: parsed, tied to a case, committed; only then acknowledged."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from caseworker.app.playbooks import Playbooks
from caseworker.app.ports import Control, MailStore
from caseworker.cases.intake import Arrival, MailboxRow, Taken
from caseworker.core.clock import Clock
from caseworker.core.errors import UsageError
from caseworker.mail.model import MailboxSettings, Message
from caseworker.mail.parse import event_id, parse
from caseworker.mail.thread import hints, read_token

MAILBOXES_FOR = 2.0  # seconds for which the list of mailboxes is believed
LARGE = 20_000  # bytes; larger mails are parsed outside the event loop


@dataclass(slots=True)
class Intake:
    """Takes mails in. Which release a new case begins with is asked for each mail: a roll-back holds at once."""

    mails: MailStore
    control: Control
    playbooks: Playbooks
    clock: Clock
    secret: str
    _mailboxes: dict[str, MailboxRow] = field(default_factory=dict)
    _read_at: float = -MAILBOXES_FOR

    async def refresh(self) -> None:
        """Read the list of mailboxes again when it is older than two seconds."""
        if time.monotonic() - self._read_at >= MAILBOXES_FOR:
            self._mailboxes = {row.address.lower(): row for row in await self.control.mailboxes()}
            self._read_at = time.monotonic()

    def mailbox_of(self, recipient: str) -> str | None:
        """The mailbox that a recipient belongs to, plus part or not; None for a stranger's."""
        local, _, domain = recipient.lower().partition("@")
        address = f"{local.partition('+')[0]}@{domain}"
        return address if address in self._mailboxes else None

    async def receive(self, raw: bytes, *, mailbox: str, envelope_from: str | None) -> None:
        """`mail.ports.Handover`: returns after the commit."""
        await self.take(raw, mailbox=mailbox, envelope_from=envelope_from)

    async def take(
        self,
        raw: bytes,
        *,
        mailbox: str,
        envelope_from: str | None = None,
        as_of: datetime | None = None,
        history: bool = False,
    ) -> Taken:
        """One mail. `as_of` is the moment it counts as received (an import's), else now. Raises StoreError, UsageError."""
        await self.refresh()
        row = self._mailboxes.get(mailbox.lower())
        if row is None:
            raise UsageError(f"{mailbox} is no mailbox of ours.", remedy="Add it to worker.yaml and publish the playbook.")
        opening = await self.playbooks.opening(row.worker)
        worker = opening.live.playbook.worker
        settings = MailboxSettings(
            address=row.address,
            authserv_id=row.authserv_id or None,
            own_addresses=frozenset(self._mailboxes),
            known_machines=worker.known_machines,
            order_numbers=worker.order_numbers,
        )
        present = await self.clock.now()
        now = min(as_of, present) if as_of else present  # a mail from the future counts as received today
        message = await self._parse(raw, settings, envelope_from)
        release = opening.for_new_case(message.sender.email if message.sender else "", history=history)
        return await self.mails.receive(
            self._arrival(raw, row, message, now, envelope_from, settings=settings, release=release, history=history)
        )

    async def _parse(self, raw: bytes, settings: MailboxSettings, envelope_from: str | None) -> Message:
        if len(raw) > LARGE:
            return await asyncio.to_thread(parse, raw, settings, envelope_from=envelope_from)
        return parse(raw, settings, envelope_from=envelope_from)

    def _arrival(
        self,
        raw: bytes,
        row: MailboxRow,
        message: Message,
        now: datetime,
        envelope_from: str | None,
        *,
        settings: MailboxSettings,
        release: str,
        history: bool = False,
    ) -> Arrival:
        threads = hints(message, settings)
        tokens = (read_token(self.secret, token) for token in threads.tokens)
        return Arrival(
            raw=raw,
            event_id=event_id(row.address, message),
            mailbox=row.address,
            worker=row.worker,
            shop=row.shop,
            release=release,
            envelope_from=envelope_from or "",
            message=message,
            hints=threads,
            token_cases=tuple(n for n in tokens if n is not None),
            received_at=now,
            history=history,
        )
