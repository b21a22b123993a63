"""The customers' mail client: hands mails over by SMTP, a few at a time, until the intake says 250, and notes every 250."""

import asyncio
from dataclasses import dataclass, field

from caseworker.core.clock import utc_now
from caseworker.testing.chaos.model import Ack, CampaignError
from caseworker.testing.chaos.world import AUTHSERV_ID, MAILBOX, Mail, Story
from caseworker.testing.drive.smtp import submit
from caseworker.testing.relay import Relay, stamped

AT_ONCE = 8
PAUSE = 0.3  # seconds before a mail is tried again


@dataclass(slots=True)
class Client:
    """Sends to where the relay knows the intake. Like a provider it has checked who the sender is and says so on top."""

    relay: Relay
    acks: list[Ack] = field(default_factory=list)
    tried_again: int = 0
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def tell(self, story: Story) -> None:
        """All mails of a customer, round by round."""
        for number, mails in enumerate(story.rounds):
            await asyncio.gather(*(self.send(mail) for mail in mails))
            if number == 0 and story.twice:
                await self.send(mails[0])

    async def send(self, mail: Mail) -> None:
        """One mail, until it is taken. Raises CampaignError where it is refused for good."""
        raw = stamped(b"X-Relay-Auth: pass\r\n" + mail.raw, AUTHSERV_ID)
        while True:
            if self.relay.target is not None:
                async with self._slots:
                    answer = await submit(*self.relay.target, raw, sender=mail.sender, recipients=(MAILBOX,))
                if answer.taken:
                    self.acks.append(Ack(mail.message_id, utc_now()))
                    return
                if answer.final:
                    raise CampaignError(f"The intake refused a customer's mail: {answer.code} {answer.text}")
            self.tried_again += 1
            await asyncio.sleep(PAUSE)
