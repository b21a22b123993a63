"""Sending through a relay. Every outcome is one of three: taken, refused, or unknown."""

from collections.abc import Callable

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPResponseException

from caseworker.mail.errors import SendRefused, SendUnknown


class SmtpTransport:
    """One connection per mail.

    `use_tls` is TLS from the first byte (465); `start_tls` None upgrades where the relay offers it.
    """

    name = "smtp"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        username: str | None = None,
        password: str | None = None,
        use_tls: bool = False,
        start_tls: bool | None = None,
        timeout: float = 30.0,
        local_hostname: str = "localhost",
    ) -> None:
        self._relay = f"{host}:{port}"
        self._new: Callable[[], aiosmtplib.SMTP] = lambda: aiosmtplib.SMTP(
            hostname=host,
            port=port,
            username=username,
            password=password,
            use_tls=use_tls,
            start_tls=start_tls,
            timeout=timeout,
            local_hostname=local_hostname,
        )

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        """The relay's answer to DATA.

        All recipients or none: one refused recipient refuses the mail before its content is sent.
        """
        client = self._new()
        try:
            await client.connect()
        except SMTPAuthenticationError as error:
            raise SendRefused(
                f"{self._relay} refused our login: {error.code} {error.message.rstrip('.')}.",
                permanent=False,
                remedy="Check user name and password.",
            ) from error
        except (SMTPException, OSError) as error:
            raise SendRefused(
                f"{self._relay} cannot be reached: {error}.", permanent=False, remedy="Check host, port and TLS of the relay."
            ) from error
        try:
            await self._envelope(client, sender, recipients)
            return await self._data(client, raw, message_id)
        finally:
            client.close()

    async def _envelope(self, client: aiosmtplib.SMTP, sender: str, recipients: tuple[str, ...]) -> None:
        wide = not all(address.isascii() for address in (sender, *recipients))
        options = ["SMTPUTF8"] if wide and client.supports_extension("smtputf8") else []
        encoding = "utf-8" if options else "ascii"
        try:
            await client.mail(sender, options=options, encoding=encoding)
            for recipient in recipients:
                await client.rcpt(recipient, encoding=encoding)
        except UnicodeEncodeError as error:
            raise SendRefused(
                f"{self._relay} takes no address outside ASCII.", permanent=True, remedy="Write to another address."
            ) from error
        except SMTPResponseException as error:
            raise self._refused(error) from error
        except (SMTPException, OSError) as error:
            raise SendRefused(f"{self._relay} hung up before the mail was sent: {error}.", permanent=False) from error

    async def _data(self, client: aiosmtplib.SMTP, raw: bytes, message_id: str) -> str:
        try:
            response = await client.data(raw)
        except SMTPResponseException as error:
            if error.code < 0:
                raise self._unknown(message_id, error) from error
            raise self._refused(error) from error
        except (SMTPException, OSError) as error:
            raise self._unknown(message_id, error) from error
        return f"{response.code} {response.message}"

    def _refused(self, error: SMTPResponseException) -> SendRefused:
        permanent = 500 <= error.code < 600
        return SendRefused(
            f"{self._relay} refused: {error.code} {error.message.rstrip('.')}.",
            permanent=permanent,
            remedy="" if permanent else "It is tried again.",
        )

    def _unknown(self, message_id: str, error: Exception) -> SendUnknown:
        return SendUnknown(
            f"{self._relay} hung up while {message_id} was handed over ({error}); it may have been taken.",
            remedy="It is sent once more under the same Message-ID.",
        )
