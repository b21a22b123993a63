"""An installation within the caller's event loop: for tests and small runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from caseworker.bootstrap import App, Overrides, build
from caseworker.mail.adapters.smtp_in import SmtpIntake
from caseworker.settings import Settings
from caseworker.testing.drive.installation import Installation, lab_settings
from caseworker.testing.relay import Relay

AUTHSERV_ID = "mx.nordwind.example"
REFRESH = 0.2  # seconds


@asynccontextmanager
async def open_inprocess(
    settings: Settings, *, maildir: Path, overrides: Overrides | None = None, authserv_id: str = AUTHSERV_ID
) -> AsyncIterator[Installation]:
    """Relay, intake and one worker, running until the context ends. Raises what `bootstrap.build` raises."""
    relay = Relay(authserv_id, maildir)
    await relay.start()
    try:
        async with build(lab_settings(settings, relay), overrides) as app, _running(app, relay):
            yield Installation(app, relay)
    finally:
        await relay.stop()


@asynccontextmanager
async def _running(app: App, relay: Relay) -> AsyncIterator[None]:
    intake = SmtpIntake(relay.host, 0, app.intake.receive, app.intake.mailbox_of)
    await intake.start()
    relay.target = (relay.host, intake.port)
    tasks = [asyncio.create_task(app.worker().run()), asyncio.create_task(_keep_mailboxes(app))]
    try:
        yield
    finally:
        await intake.stop()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _keep_mailboxes(app: App) -> None:
    while True:
        await app.intake.refresh()
        await asyncio.sleep(REFRESH)
