"""A mail client as customers' providers have one: hands one mail to a server, or asks whether it would take one."""

from dataclasses import dataclass

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a mail. `code` 0: it could not be reached, or hung up before it said anything."""

    code: int
    text: str

    @property
    def taken(self) -> bool:
        """The server has the mail now."""
        return 200 <= self.code < 300

    @property
    def final(self) -> bool:
        """Sending it again would change nothing."""
        return self.taken or self.code >= 500


async def submit(host: str, port: int, raw: bytes, *, sender: str, recipients: tuple[str, ...]) -> Answer:
    """Hand over one mail on a connection of its own. Whatever happens is an answer, nothing is raised."""
    client = aiosmtplib.SMTP(hostname=host, port=port, timeout=TIMEOUT, local_hostname="localhost", start_tls=False)
    try:
        await client.connect()
        await client.mail(sender)
        for recipient in recipients:
            await client.rcpt(recipient)
        response = await client.data(raw)
    except SMTPResponseException as error:
        return Answer(max(error.code, 0), error.message)
    except (SMTPException, OSError) as error:
        return Answer(0, str(error))
    finally:
        client.close()
    return Answer(response.code, response.message)


async def takes(host: str, port: int, recipient: str) -> bool:
    """Would the server take mail for this recipient?"""
    client = aiosmtplib.SMTP(hostname=host, port=port, timeout=TIMEOUT, local_hostname="localhost", start_tls=False)
    try:
        await client.connect()
        await client.mail("probe@localhost.example")
        await client.rcpt(recipient)
    except (SMTPException, OSError):
        return False
    finally:
        client.close()
    return True
