"""From a send effect to bytes on their way. The Message-ID is fixed by the effect's key, before the first attempt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from caseworker.cases.model import Case, Effect
from caseworker.core.ids import case_reference
from caseworker.mail.compose import compose, envelope_sender, reply_message_id
from caseworker.mail.model import Address, OutgoingMail
from caseworker.mail.ports import Transport
from caseworker.mail.thread import mint_token

DAILY_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Sender:
    """`display_name` is asked for a mailbox's name as customers see it; `secret` signs the thread token."""

    transport: Transport
    secret: str
    display_name: Callable[[str], str]
    daily_limit: int = DAILY_LIMIT

    def compose(self, case: Case, effect: Effect) -> OutgoingMail:
        """The mail of an effect: always the same one, however often it is composed."""
        a = effect.arguments
        references = tuple(str(r) for r in cast("Sequence[object]", a.get("references") or ()))
        local, domain = case.mailbox.split("@", 1)
        return OutgoingMail(
            message_id=reply_message_id(f"{self.secret}:{effect.key}", domain),
            sender=Address(case.mailbox, self.display_name(case.mailbox)),
            to=Address(str(a["to"]), str(a.get("to_name") or "")),
            subject=str(a["subject"]),
            text=str(a["text"]),
            language=str(a["language"]),
            case_reference=case_reference(case.number),
            thread_token=mint_token(self.secret, case_reference(case.number)),
            in_reply_to=str(a.get("in_reply_to") or ""),
            references=references,
            bounce_address=f"{local}+bounce@{domain}",
            date=cast("datetime", a["date"]),
        )

    async def send(self, mail: OutgoingMail) -> str:
        """Hand over. Raises SendRefused and SendUnknown."""
        recipients = (mail.to.email, *(c.email for c in mail.cc))
        return await self.transport.send(
            compose(mail), sender=envelope_sender(mail), recipients=recipients, message_id=mail.message_id
        )
