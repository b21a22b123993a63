"""What every adapter must do, whatever system stands behind it. Run by tests/contract on each of them.

A check gets a `Stage`: the adapter, and somebody who can bring its system into a situation. It fails by an AssertionError that
says what went wrong. Where a system cannot do something, its capabilities say so and the check does not apply.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from caseworker.commerce.errors import (
    AmountExceeded,
    Conflict,
    InvalidState,
    NotFound,
    OutcomeUnknown,
    Refusal,
    Unsupported,
)
from caseworker.commerce.model import Order, Receipt
from caseworker.commerce.ports import Capabilities, Commerce, WriteCall
from caseworker.core.money import Money
from caseworker.core.refs import Ref

Situation = Literal["paid", "shipped", "delivered"]


class Stage(Protocol):
    """An adapter and its system. `shop` is the connection that calls name; `run` makes the keys of this run its own."""

    commerce: Commerce
    shop: str
    run: str

    async def order(self, situation: Situation) -> Order:
        """A new order, as `orders.get` reads it: two lines or more of one piece, returnable, paid by one payment."""
        ...

    async def lose_next_answer(self) -> None:
        """The next write is carried out, and its answer is lost on the way."""
        ...

    async def paid_back(self, order: Order) -> Money:
        """What went back for an order, counted without the adapter."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. `applies` says which systems have to keep it."""

    name: str
    run: Callable[[Stage], Awaitable[None]]
    applies: Callable[[Capabilities], bool]


async def exact_lookup(stage: Stage) -> None:
    """An order is found by its number, however it is written, and by nothing that is merely similar."""
    order = await stage.order("paid")
    for written in (order.number, order.number.lower(), f" {order.number} "):
        assert await _numbers(stage, number=written) == [order.number], f"{written!r} did not find exactly {order.number}"
    for similar in (order.number[:-1], f"{order.number}0", "no-such-order"):
        assert order.number not in await _numbers(stage, number=similar), f"{similar!r} found {order.number}"
    assert await _numbers(stage, number=order.number, email=f"x{order.email}") == [], "a foreign address found the order"
    assert order.number in await _numbers(stage, email=order.email.upper()), "the customer's address did not find the order"


async def missing_record(stage: Stage) -> None:
    """What does not exist is NotFound, never empty and never something else."""
    order = await stage.order("paid")
    with _expect(NotFound):
        await stage.commerce.read(stage.shop, "orders.get", {"order": Ref(order.ref.system, "order", "no-such-id")})


async def partial_cancel(stage: Stage) -> None:
    """Cancelling one line leaves the others; where cancelling refunds, exactly the line's price goes back."""
    order = await stage.order("paid")
    line = order.lines[0]
    receipt = await _write(stage, "orders.cancel", {"order": order.ref, "lines": [{"id": line.id}]}, "partial-cancel")
    after = await _again(stage, order)
    assert receipt.status == "done", f"the receipt says {receipt.status}"
    assert [item.cancelled for item in after.lines] == [1, *[0] * (len(order.lines) - 1)], "other lines were cancelled too"
    assert after.status != "cancelled", "the whole order was cancelled"
    if stage.commerce.capabilities().cancel_refunds == "always":
        assert receipt.money_moved == line.unit_price, f"{receipt.money_moved} moved for a line of {line.unit_price}"
        assert after.refunded == line.unit_price, f"{after.refunded} is refunded for a line of {line.unit_price}"


async def cancel_all(stage: Stage) -> None:
    """A cancelled order can be cancelled again without harm: nothing more moves."""
    order = await stage.order("paid")
    await _write(stage, "orders.cancel", {"order": order.ref}, "cancel-all")
    again = await _write(stage, "orders.cancel", {"order": order.ref}, "cancel-all-again")
    after = await _again(stage, order)
    assert after.status == "cancelled", f"the order is {after.status}"
    assert again.status == "already_done", f"the second cancel says {again.status}"
    assert again.money_moved is None, f"the second cancel moved {again.money_moved}"
    if stage.commerce.capabilities().cancel_refunds == "always":
        assert await stage.paid_back(order) == order.captured, "not everything that was captured went back"


async def cancel_after_shipping(stage: Stage) -> None:
    """Too late is InvalidState, and nothing is changed."""
    order = await stage.order("shipped")
    with _expect(InvalidState):
        await _write(stage, "orders.cancel", {"order": order.ref}, "cancel-late")
    assert (await _again(stage, order)).status == order.status, "the refused cancel changed the order"


async def partial_refund(stage: Stage) -> None:
    """A part is refunded, the rest stays refundable, and dry runs move nothing."""
    order = await stage.order("delivered")
    part = Money(order.captured.minor // 3, order.captured.currency)
    arguments = {"payment": order.payments[0].ref, "amount": part}
    await stage.commerce.write(_call(stage, "payments.refund", arguments, "partial-refund-dry", dry_run=True))
    assert await stage.paid_back(order) == part * 0, "a dry run moved money"
    receipt = await _write(stage, "payments.refund", arguments, "partial-refund")
    after = await _again(stage, order)
    assert receipt.money_moved == part, f"{receipt.money_moved} moved instead of {part}"
    assert (after.refunded, after.refundable) == (part, order.captured - part), "captured - refunded is not refundable"
    assert after.payments[0].status == "partly_refunded", f"the payment is {after.payments[0].status}"


async def over_refund(stage: Stage) -> None:
    """More than is refundable is AmountExceeded, which says how much would be possible."""
    order = await stage.order("delivered")
    cent = Money(1, order.captured.currency)
    with _expect(AmountExceeded) as refused:
        await _write(stage, "payments.refund", {"payment": order.payments[0].ref, "amount": order.captured + cent}, "over")
    assert isinstance(refused.raised, AmountExceeded)
    assert refused.raised.max == order.captured, f"{refused.raised.max} is said to be possible"
    assert await stage.paid_back(order) == cent * 0, "the refused refund moved money"


async def parallel_refunds(stage: Stage) -> None:
    """Of four full refunds at once one is paid."""
    order = await stage.order("delivered")
    arguments = {"payment": order.payments[0].ref, "amount": order.captured}
    outcomes = await asyncio.gather(
        *(_write(stage, "payments.refund", arguments, f"parallel-{index}") for index in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 1, f"not exactly one was paid: {outcomes}"
    assert all(isinstance(outcome, Receipt | Refusal) for outcome in outcomes), f"not a clear refusal: {outcomes}"
    assert await stage.paid_back(order) == order.captured, "another sum went back than was captured"


async def same_key(stage: Stage) -> None:
    """The same write sent again is the same write: the first receipt comes back, the money moved once."""
    order = await stage.order("delivered")
    part = Money(order.captured.minor // 4, order.captured.currency)
    arguments = {"payment": order.payments[0].ref, "amount": part}
    first, second = [await _write(stage, "payments.refund", arguments, "same-key") for _ in range(2)]
    assert second.status == "already_done", f"the repeat says {second.status}"
    assert (second.money_moved, second.values) == (first.money_moved, first.values), "the repeat tells of something else"
    parallel = await asyncio.gather(*(_write(stage, "payments.refund", arguments, "same-key-at-once") for _ in range(4)))
    assert sorted(receipt.status for receipt in parallel) == [*["already_done"] * 3, "done"], "several were carried out"
    assert await stage.paid_back(order) == part * 2, "a repeat moved money"


async def same_key_other_arguments(stage: Stage) -> None:
    """A key that was used for something else is Conflict."""
    order = await stage.order("delivered")
    part = Money(order.captured.minor // 4, order.captured.currency)
    await _write(stage, "payments.refund", {"payment": order.payments[0].ref, "amount": part}, "other-arguments")
    with _expect(Conflict):
        await _write(stage, "payments.refund", {"payment": order.payments[0].ref, "amount": part * 2}, "other-arguments")
    assert await stage.paid_back(order) == part, "the second amount was paid"


async def stale_version(stage: Stage) -> None:
    """A write on what was read before somebody else's change is Conflict."""
    order = await stage.order("paid")
    await _write(stage, "orders.cancel", {"order": order.ref, "lines": [{"id": order.lines[0].id}]}, "version-first")
    stale = _call(stage, "orders.cancel", {"order": order.ref}, "version-stale", expected_version=order.ref.version)
    with _expect(Conflict):
        await stage.commerce.write(stale)
    fresh = (await _again(stage, order)).ref.version
    receipt = await stage.commerce.write(
        _call(stage, "orders.cancel", {"order": order.ref}, "version-fresh", expected_version=fresh)
    )
    assert receipt.status == "done", f"with the fresh version the write says {receipt.status}"


async def address_change(stage: Stage) -> None:
    """The address changes before shipping and cannot after it."""
    order = await stage.order("paid")
    wanted = {"street": "Neue Gasse 5", "postcode": order.address.postcode, "city": order.address.city}
    await _write(stage, "orders.change_address", {"order": order.ref, "address": wanted}, "address")
    after = (await _again(stage, order)).address
    assert after.street == "Neue Gasse 5", f"the street is {after.street}"
    assert (after.name, after.country) == (order.address.name, order.address.country), "what was left out did not stay"
    sent = await stage.order("shipped")
    with _expect(InvalidState):
        await _write(stage, "orders.change_address", {"order": sent.ref, "address": wanted}, "address-late")


async def return_once(stage: Stage) -> None:
    """A delivered line is returned once; a line that was not delivered cannot be."""
    order = await stage.order("delivered")
    arguments = {"order": order.ref, "lines": [{"id": order.lines[0].id}], "reason": "wrong_size"}
    receipt = await _write(stage, "returns.create", arguments, "return")
    after = await _again(stage, order)
    assert [back.number for back in after.returns] == [receipt.values["number"]], "the receipt names another return"
    assert after.returns[0].amount == order.lines[0].unit_price, f"the return is worth {after.returns[0].amount}"
    with _expect(InvalidState):
        await _write(stage, "returns.create", arguments, "return-again")
    unsent = await stage.order("paid")
    with _expect(InvalidState):
        await _write(stage, "returns.create", {**arguments, "order": unsent.ref, "lines": [unsent.lines[0].id]}, "return-early")


async def lost_answer(stage: Stage) -> None:
    """A time-out after the commit is OutcomeUnknown; reading back finds the write, and finds nothing for one never sent."""
    order = await stage.order("delivered")
    part = Money(order.captured.minor // 2, order.captured.currency)
    call = _call(stage, "payments.refund", {"payment": order.payments[0].ref, "amount": part}, "lost-answer")
    assert await stage.commerce.read_back(call) is None, "a write that was never sent was found"
    await stage.lose_next_answer()
    with _expect(OutcomeUnknown):
        await stage.commerce.write(call)
    found = await stage.commerce.read_back(call)
    assert found is not None, "the write was not found"
    assert found.money_moved == part, f"the receipt read back says {found.money_moved} instead of {part}"
    assert await stage.paid_back(order) == part, "another sum was paid than once"


async def unknown_operation(stage: Stage) -> None:
    """An operation that the system does not have is Unsupported."""
    with _expect(Unsupported):
        await _write(stage, "orders.gift_wrap", {}, "unknown-operation")


def _always(capabilities: Capabilities) -> bool:
    del capabilities
    return True


CHECKS: tuple[Check, ...] = (
    Check("exact_lookup", exact_lookup, lambda can: can.exact_lookup),
    Check("missing_record", missing_record, _always),
    Check("partial_cancel", partial_cancel, lambda can: can.partial_cancel),
    Check("cancel_all", cancel_all, _always),
    Check("cancel_after_shipping", cancel_after_shipping, _always),
    Check("partial_refund", partial_refund, _always),
    Check("over_refund", over_refund, _always),
    Check("parallel_refunds", parallel_refunds, _always),
    Check("same_key", same_key, lambda can: can.idempotency == "native"),
    Check("same_key_other_arguments", same_key_other_arguments, lambda can: can.idempotency == "native"),
    Check("stale_version", stale_version, lambda can: can.partial_cancel),
    Check("address_change", address_change, lambda can: can.address_change_until == "shipped"),
    Check("return_once", return_once, lambda can: can.rma),
    Check("lost_answer", lost_answer, _always),
    Check("unknown_operation", unknown_operation, _always),
)


class _expect:  # noqa: N801 (reads like the statement that it is)
    """The block must raise this error."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error
        self.raised: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: object) -> bool:
        assert kind is not None, f"{self._error.__name__} was not raised"
        self.raised = raised
        return issubclass(kind, self._error)


def _call(
    stage: Stage,
    operation: str,
    arguments: Mapping[str, object],
    key: str,
    *,
    expected_version: str | None = None,
    dry_run: bool = False,
) -> WriteCall:
    return WriteCall(
        shop=stage.shop,
        operation=operation,
        arguments=arguments,
        key=f"{stage.run}-{key}",
        case="CW-TEST",
        reason="conformance",
        expected_version=expected_version,
        dry_run=dry_run,
    )


async def _write(stage: Stage, operation: str, arguments: Mapping[str, object], key: str) -> Receipt:
    return await stage.commerce.write(_call(stage, operation, arguments, key))


async def _again(stage: Stage, order: Order) -> Order:
    found = await stage.commerce.read(stage.shop, "orders.get", {"order": order.ref})
    assert isinstance(found, Order), f"orders.get gave {type(found).__name__}"
    return found


async def _numbers(stage: Stage, **arguments: object) -> list[str]:
    found = await stage.commerce.read(stage.shop, "orders.find", arguments)
    assert isinstance(found, tuple), f"orders.find gave {type(found).__name__}"
    return [order.number for order in found]
