"""Effects: intent committed -> call -> receipt committed. An unknown outcome is looked up, never repeated blindly."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from caseworker.cases.hear import OVER_LIMIT
from caseworker.cases.model import Case, Effect
from caseworker.cases.ports import EffectOutcome, EffectStore, Lease, Limits
from caseworker.commerce.errors import OutcomeUnknown, RateLimited, Refusal, Trouble
from caseworker.commerce.model import Order, Receipt
from caseworker.commerce.ports import Commerce, WriteCall
from caseworker.commerce.receipts import lock_keys
from caseworker.core.clock import Clock
from caseworker.core.errors import FenceLost, MailError
from caseworker.core.facts import of
from caseworker.core.ids import case_reference
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.engine.awake import awake
from caseworker.engine.failpoints import Failpoints
from caseworker.engine.sender import Sender
from caseworker.guard.model import Guardrails
from caseworker.mail.errors import SendRefused, SendUnknown
from caseworker.mail.model import OutgoingMail

MAX_ATTEMPTS = 12  # about three quarters of an hour with the back-off below: a shop's maintenance is waited for
MAX_SEND_ATTEMPTS = 200  # about two days: a relay that comes back finds everything still to be sent
MAX_LOOK_BACKS = 20
MAX_UNFORESEEN = 5
CALL_WITHIN = 5.0  # seconds between intent and call: a process that was frozen for longer must ask again
HELD_LOOK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Executor:
    """Does one effect after the other, each under the case's lease."""

    effects: EffectStore
    commerce: Commerce
    sender: Sender
    clock: Clock
    failpoints: Failpoints

    async def run(self, lease: Lease, case: Case, effect: Effect, guardrails: Guardrails) -> None:
        """One effect, one try. Raises FenceLost and StoreError; everything else becomes the effect's state."""
        if effect.status == "planned":
            await self._first(lease, case, effect, guardrails)
        elif effect.kind == "send":
            await self._send(lease, case, effect)
        else:
            await self._look_back(lease, case, effect)

    async def _first(self, lease: Lease, case: Case, effect: Effect, guardrails: Guardrails) -> None:
        now = await self.clock.now()
        stop = await self.effects.stopped(case, effect.operation)
        if stop:
            held = EffectOutcome("held", {}, {"code": "stopped", "message": stop}, tell=False)
            await self.effects.end(lease, effect, held, now=now)
            return
        self.failpoints.hit("before_intent", effect.key)
        locks = await self._locks(case, effect)
        limit = _limit(case, effect, guardrails)
        intent = await self.effects.begin(lease, effect, locks=locks, limit=limit, now=now)
        started = time.monotonic()
        if intent.verdict == "busy":
            await self._later(lease, effect, {"code": "busy"}, now=now, after=HELD_LOOK)
            return
        if intent.verdict != "go":
            over = OVER_LIMIT if limit is not None and _may_be_approved(effect, guardrails) else "guardrail"
            code = {"limit": over, "repeat": "already_done"}[intent.verdict]
            await self._refuse(lease, effect, {"code": code, "message": intent.detail}, now=now)
            return
        self.failpoints.hit("after_intent", effect.key)
        effect = replace(effect, status="started")
        if time.monotonic() - started > CALL_WITHIN or not await self.effects.holds(lease):
            raise FenceLost(f"Case {lease.case} was not ours any more when the call was to go out.")
        if effect.kind == "send":
            await self._send(lease, case, effect)
        else:
            await self._write(lease, case, effect)

    async def _locks(self, case: Case, effect: Effect) -> tuple[str, ...]:
        """The payment locks of a write; a cancel that refunds locks all payments of its order."""
        if effect.kind != "write":
            return ()
        payments: tuple[Ref, ...] = ()
        order = effect.arguments.get("order")
        if isinstance(order, Ref):
            try:
                found = await self.commerce.read(case.shop, "orders.get", {"order": order})
            except (Refusal, Trouble):
                found = None  # the write itself will meet the same and say so
            payments = tuple(p.ref for p in found.payments) if isinstance(found, Order) else ()
        return lock_keys(_call(case, effect), payments=payments)

    async def _write(self, lease: Lease, case: Case, effect: Effect) -> None:
        try:
            async with awake():
                receipt = await self.commerce.write(_call(case, effect))
        except Refusal as error:
            await self._refuse(lease, effect, _refusal(error), now=await self.clock.now())
        except OutcomeUnknown as error:
            await self._unknown(lease, effect, _trouble(error))
        except Trouble as error:
            await self._later(lease, effect, _trouble(error), now=await self.clock.now(), after=_back_off(effect, error))
        else:
            await self._done(lease, effect, receipt)

    async def _look_back(self, lease: Lease, case: Case, effect: Effect) -> None:
        """The outcome is not known (a dead worker, a cut line, a pending write): ask the system before anything else."""
        now = await self.clock.now()
        try:
            receipt = await self.commerce.read_back(_call(case, effect))
        except OutcomeUnknown as error:
            await self._unknown(lease, effect, _trouble(error))
        except Refusal as error:
            await self._unknown(lease, effect, _refusal(error))
        except Trouble as error:
            again = EffectOutcome(effect.status, {}, _trouble(error), now + _back_off(effect, error), tell=False)
            await self.effects.end(lease, effect, again, now=now)
        else:
            if receipt is not None:
                await self._done(lease, effect, receipt)
            else:  # it certainly did not happen: the same key may go out again
                planned = EffectOutcome("planned", {}, {"code": "not_there"}, now, tell=False)
                await self.effects.end(lease, effect, planned, now=now)

    async def _done(self, lease: Lease, effect: Effect, receipt: Receipt) -> None:
        self.failpoints.hit("after_call", effect.key)
        now = await self.clock.now()
        status = "done" if receipt.status in ("done", "already_done") else receipt.status
        facts = of(receipt)
        assert isinstance(facts, dict)
        values = facts.pop("values", {})
        retry = None if status == "done" else now + _back_off(effect, None)
        outcome = EffectOutcome(status, {**values, **facts}, {}, retry_at=retry)
        self.failpoints.hit("before_commit", effect.key)
        await self.effects.end(lease, effect, outcome, now=now)
        self.failpoints.hit("after_commit", effect.key)

    async def _unknown(self, lease: Lease, effect: Effect, error: Mapping[str, object]) -> None:
        now = await self.clock.now()
        if effect.attempts >= MAX_LOOK_BACKS:
            await self._aside(lease, effect, error, now=now)
            return
        tell = effect.attempts == 3  # the case says "meanwhile" only when it lasts
        retry = now + _back_off(effect, None)
        await self.effects.end(lease, effect, EffectOutcome("unknown", {}, error, retry, tell=tell), now=now)

    async def _later(
        self, lease: Lease, effect: Effect, error: Mapping[str, object], *, now: datetime, after: timedelta
    ) -> None:
        """Nothing was done; tried again, and set aside after too many tries."""
        most = MAX_SEND_ATTEMPTS if effect.kind == "send" else MAX_ATTEMPTS
        if effect.attempts >= most and error.get("code") != "busy":
            await self._aside(lease, effect, error, now=now)
            return
        await self.effects.end(lease, effect, EffectOutcome("planned", {}, error, now + after, tell=False), now=now)

    async def fail(self, lease: Lease, effect: Effect, error: str) -> None:
        """Something went wrong that nobody foresaw. A write may have happened: it is looked up before anything else."""
        now, problem = await self.clock.now(), {"code": "error", "message": error}
        if effect.attempts >= MAX_UNFORESEEN:
            await self._aside(lease, effect, problem, now=now)
            return
        status = "unknown" if effect.kind == "write" else "planned"
        again = EffectOutcome(status, {}, problem, now + _back_off(effect, None), tell=False)
        await self.effects.end(lease, effect, again, now=now)

    async def take_back(self, lease: Lease, effect: Effect) -> None:
        """A write that was not begun and is not to be: its request is decided anew."""
        taken = EffectOutcome("cancelled", {}, {"code": "release_withdrawn"})
        await self.effects.end(lease, effect, taken, now=await self.clock.now())

    async def _refuse(self, lease: Lease, effect: Effect, error: Mapping[str, object], *, now: datetime) -> None:
        self.failpoints.hit("before_commit", effect.key)
        await self.effects.end(lease, effect, EffectOutcome("refused", {}, error), now=now)
        self.failpoints.hit("after_commit", effect.key)

    async def _aside(self, lease: Lease, effect: Effect, error: Mapping[str, object], *, now: datetime) -> None:
        await self.effects.end(lease, effect, EffectOutcome("aside", {}, error), now=now)

    async def _send(self, lease: Lease, case: Case, effect: Effect) -> None:
        now = await self.clock.now()
        mail = self.sender.compose(case, effect)
        if await self.effects.sent_today(mail.to.email, now, verified=case.sender_verified) >= self.sender.daily_limit:
            error = {"code": "daily_limit", "message": f"{mail.to.email} had enough automatic mails today"}
            await self.effects.end(lease, effect, EffectOutcome("refused", {}, error), now=now)
            return
        try:
            answer = await self.sender.send(mail)
        except SendUnknown as error:
            await self._send_again(lease, effect, error, now=now)
        except SendRefused as error:
            problem = {"code": "refused" if error.permanent else "not_sent", "message": error.message}
            if error.permanent:
                await self._aside(lease, effect, problem, now=now)
            else:
                await self._later(lease, effect, problem, now=now, after=_back_off(effect, None))
        except MailError as error:  # no mail can be made of it, today or tomorrow
            await self._aside(lease, effect, {"code": "not_composed", "message": error.message}, now=now)
        else:
            await self._sent(lease, effect, mail, answer)

    async def _send_again(self, lease: Lease, effect: Effect, error: SendUnknown, *, now: datetime) -> None:
        """It may have been taken: the same Message-ID goes out once more, which receivers recognise; not for ever."""
        problem = {"code": "unknown", "message": error.message}
        if effect.attempts >= MAX_LOOK_BACKS:
            await self._aside(lease, effect, problem, now=now)
            return
        again = EffectOutcome("unknown", {}, problem, now + _back_off(effect, None), tell=False)
        await self.effects.end(lease, effect, again, now=now)

    async def _sent(self, lease: Lease, effect: Effect, mail: OutgoingMail, answer: str) -> None:
        self.failpoints.hit("after_call", effect.key)
        now = await self.clock.now()
        receipt = {"message_id": mail.message_id, "answer": answer, "at": now}
        self.failpoints.hit("before_commit", effect.key)
        await self.effects.end(lease, effect, EffectOutcome("done", receipt, {}, tell=False), now=now, sent=mail)
        self.failpoints.hit("after_commit", effect.key)


def _call(case: Case, effect: Effect) -> WriteCall:
    return WriteCall(
        shop=case.shop,
        operation=effect.operation,
        arguments=effect.arguments,
        key=effect.key,
        case=case_reference(case.number),
        reason=effect.reason,
    )


def _limit(case: Case, effect: Effect, guardrails: Guardrails) -> Limits | None:
    """What is checked once more in the transaction of the intent: other cases may have moved money since the decision."""
    bounds = guardrails.bounds(effect.operation)
    if not isinstance(effect.amount, Money) or not bounds or effect.approved:
        return None
    currency = effect.amount.currency
    return Limits(
        customer=effect.customer or f"{case.shop}:{case.sender}",
        currency=currency,
        minor=effect.amount.minor,
        per_case=_least(currency, [b.per_case for b in bounds]),
        per_customer_day=_least(currency, [b.per_customer_day for b in bounds]),
    )


def _least(currency: str, limits: Sequence[Mapping[str, Money]]) -> int | None:
    """The lowest of several limits in minor units; None where none of them names the currency."""
    return min((amounts[currency].minor for amounts in limits if currency in amounts), default=None)


def _may_be_approved(effect: Effect, guardrails: Guardrails) -> bool:
    bounds = guardrails.bounds(effect.operation)
    return bool(bounds) and all(limit.above == "approve" for limit in bounds)


def _refusal(error: Refusal) -> Mapping[str, object]:
    details = {k: of(v) for k, v in vars(error).items() if k not in ("message", "remedy")}
    return {**details, "code": error.code, "message": error.message}


def _trouble(error: Trouble) -> Mapping[str, object]:
    return {"code": error.code, "message": error.message}


def _back_off(effect: Effect, error: Trouble | None) -> timedelta:
    if isinstance(error, RateLimited):
        return error.retry_after
    seconds = min(2.0 ** min(effect.attempts, 10), 900.0)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))
