"""How the sandbox misbehaves when it is told to. Whether a call is hit follows from seed, key and attempt alone."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from caseworker.commerce.adapters.sandbox.database import Connection
from caseworker.commerce.errors import BadArguments, OutcomeUnknown, RateLimited, Unavailable

SLOWEST_MS = 600_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates are shares of calls from 0 to 1. Defaults are a shop that works.

    `idempotency` is `native` (a repeated key is the same write) or `none` (a repeated refund pays twice, as real shops do).
    `race` leaves the moment between check and act unprotected, as a shop does that reads without locking.
    """

    error_500: float = 0.0
    timeout_before: float = 0.0
    timeout_after_commit: float = 0.0
    rate_limited: float = 0.0
    slow_ms: int = 0
    down: bool = False
    idempotency: str = "native"
    race: bool = False
    seed: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "Faults":
        """From a row's settings; BadArguments names what is unknown or out of range."""
        known = {field.name: type(field.default) for field in fields(cls)}
        for name, value in settings.items():
            if name not in known or not _is_of(value, known[name]):
                raise BadArguments(f"{name}={value!r} is no fault of the sandbox.", remedy=f"It knows {', '.join(known)}.")
            if name == "slow_ms" and not 0 <= int(str(value)) <= SLOWEST_MS:
                raise BadArguments(
                    f"{name}={value!r} is no delay.", remedy=f"Give milliseconds from 0 to {SLOWEST_MS}, ten minutes."
                )
            if known[name] is float and not 0 <= float(str(value)) <= 1:
                raise BadArguments(f"{name}={value!r} is no share.", remedy="Give a number from 0 to 1.")
        made = cls(**settings)  # type: ignore[arg-type]  # names and types were compared with the fields above
        if made.idempotency not in ("native", "none"):
            raise BadArguments(f"idempotency={made.idempotency!r} is unknown.", remedy="Write native or none.")
        return made

    @property
    def draws(self) -> bool:
        """True where chance decides anything, so that attempts have to be counted."""
        return any((self.error_500, self.timeout_before, self.timeout_after_commit, self.rate_limited))

    def hits(self, fault: str, key: str, attempt: int) -> bool:
        """Whether this fault hits this attempt of this call."""
        rate = float(getattr(self, fault))
        digest = hashlib.sha256(f"{self.seed}|{fault}|{key}|{attempt}".encode()).digest()
        return int.from_bytes(digest[:8]) / 2**64 < rate


def _is_of(value: object, kind: type) -> bool:
    """Whether a value of JSON is of a field's type; true and false are no numbers."""
    allowed = (int, float) if kind is float else (kind,)
    return isinstance(value, allowed) and isinstance(value, bool) == (kind is bool)


async def count_attempt(connection: Connection, world: str, key: str) -> int:
    """The number of this attempt, from 1. Kept outside of the call's own transaction."""
    found = await connection.execute(
        "insert into sandbox.attempts (world, key, n) values (%s, %s, 1)"
        " on conflict (world, key) do update set n = sandbox.attempts.n + 1 returning n",
        (world, key),
    )
    row = await found.fetchone()
    return int(str(row[0])) if row else 1


async def before(faults: Faults, key: str, attempt: int, *, write: bool) -> None:
    """What goes wrong before anything is done: Unavailable, RateLimited; a time-out is OutcomeUnknown for a write."""
    if faults.slow_ms:
        await asyncio.sleep(faults.slow_ms / 1000)
    if faults.down:
        raise Unavailable("The shop is down.", remedy="It is tried again.")
    if faults.hits("rate_limited", key, attempt):
        raise RateLimited("The shop asks for fewer calls.", retry_after=timedelta(seconds=2))
    if faults.hits("error_500", key, attempt):
        raise Unavailable("The shop answered with error 500 and did nothing.", remedy="It is tried again.")
    if faults.hits("timeout_before", key, attempt):
        if write:
            raise OutcomeUnknown("The shop did not answer in time.", remedy="Read it back.")
        raise Unavailable("The shop did not answer in time.", remedy="It is tried again.")


def after_commit(faults: Faults, key: str, attempt: int) -> None:
    """The write was carried out, its answer is lost: OutcomeUnknown."""
    if faults.hits("timeout_after_commit", key, attempt):
        raise OutcomeUnknown("The shop did not answer in time.", remedy="Read it back.")
