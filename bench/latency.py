"""On an idle system: from the 250 of our SMTP receiver to the reply handed to the relay."""

import asyncio
import statistics
import time
from collections.abc import Mapping
from contextlib import suppress

import aiosmtplib

from bench.house import MAILBOX, open_house, question_mails
from caseworker.mail.adapters.smtp_in import SmtpIntake

MAILS = 100


async def run() -> Mapping[str, object]:
    """One mail after the other, each after the last one's reply."""
    async with open_house() as (app, sink, shop):
        intake = SmtpIntake("127.0.0.1", 0, app.intake.receive, app.intake.mailbox_of)
        await intake.start()
        task = asyncio.create_task(app.worker().run())
        waits = []
        try:
            for number, (email, raw) in enumerate(question_mails(shop, MAILS + 5)):
                await aiosmtplib.send(raw, sender=email, recipients=[MAILBOX], hostname="127.0.0.1", port=intake.port)
                accepted = time.perf_counter()
                while email not in sink.at:
                    await asyncio.sleep(0.002)
                    if time.perf_counter() - accepted > 60:
                        raise TimeoutError(f"no reply to {email} within a minute")
                if number >= 5:  # the first ones load the reader
                    waits.append(sink.at[email] - accepted)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await intake.stop()
    cuts = statistics.quantiles(waits, n=100)
    return {
        "mails": len(waits),
        "ms from 250 to reply handed over, p50": round(cuts[49] * 1000, 1),
        "p95": round(cuts[94] * 1000, 1),
        "p99": round(cuts[98] * 1000, 1),
        "max": round(max(waits) * 1000, 1),
    }
