"""Sending into a Maildir folder: for trying things out, and for relays that pick up files."""

import asyncio
import hashlib
import os
from pathlib import Path

from caseworker.mail.errors import SendRefused


class MaildirTransport:
    """Writes each mail to `tmp` and moves it to `new`.

    The file name comes from the Message-ID, so that a repeat is the same file.
    """

    name = "maildir"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, raw: bytes, *, sender: str, recipients: tuple[str, ...], message_id: str) -> str:
        """Returns where the mail is. Raises `SendRefused(permanent=False)` where the folder cannot be written."""
        try:
            path = await asyncio.to_thread(self._write, raw, message_id)
        except OSError as error:
            raise SendRefused(
                f"{self._folder} cannot be written: {error.strerror}.",
                permanent=False,
                remedy="Check the folder and its permissions.",
            ) from error
        return f"stored {path.name}"

    def _write(self, raw: bytes, message_id: str) -> Path:
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        name = f"{hashlib.sha256(message_id.strip('<> ').encode()).hexdigest()[:32]}.caseworker"
        already_read = next((self._folder / "cur").glob(f"{name}*"), None)
        if already_read is not None:
            return already_read
        temporary = self._folder / "tmp" / f"{name}.{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return temporary.replace(self._folder / "new" / name)
