"""The writes of the sandbox: find the order, lock it, apply the rule, note the money, keep the receipt; one transaction."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from caseworker.commerce.adapters.sandbox import lookups, records, worlds
from caseworker.commerce.adapters.sandbox.amounts import Document, Movement, text
from caseworker.commerce.adapters.sandbox.checks import Asked, Effect
from caseworker.commerce.adapters.sandbox.database import Connection
from caseworker.commerce.adapters.sandbox.rules import apply
from caseworker.commerce.adapters.sandbox.worlds import World
from caseworker.commerce.arguments import coerce
from caseworker.commerce.errors import BadArguments, Conflict
from caseworker.commerce.model import Receipt
from caseworker.commerce.operations import BUILT_IN
from caseworker.commerce.ports import WriteCall
from caseworker.commerce.receipts import arguments_hash, changes
from caseworker.core import facts
from caseworker.core.money import Money
from caseworker.core.refs import Ref

_RACE_SECONDS = 0.05  # long enough that parallel calls all check before one of them acts
_VOUCHER_DAYS = 365


async def carry_out(connection: Connection, world: World, call: WriteCall, now: datetime) -> Receipt:
    """Do one write inside the caller's transaction. Raises refusals; the roll-back is the caller's."""
    repeats = await _lock_key(connection, world, call)
    if repeats and world.faults.idempotency == "native":
        return await _again(connection, world, call)
    arguments = coerce(BUILT_IN[call.operation], call.arguments)
    asked = Asked(arguments, now, call.case, call.key)
    view = lookups.View(connection, world, now)
    if call.operation in _WITHOUT_ORDER:
        effect = await _WITHOUT_ORDER[call.operation](view, asked, repeats)
        receipt = _receipt(effect, call, now, repeats=repeats, before={}, after=effect.values)
    else:
        effect, receipt = await _on_order(view, call, asked, repeats)
    for movement in effect.movements:
        await _note_movement(connection, world, call, movement, now)
    if not call.dry_run:
        await _keep(connection, world, call, receipt, repeats)
    return receipt


async def recall(connection: Connection, world: World, call: WriteCall) -> Receipt | None:
    """The receipt of the first write with this key; Conflict where its arguments were others."""
    return await _again(connection, world, call) if await _lock_key(connection, world, call, alone=True) else None


async def _lock_key(connection: Connection, world: World, call: WriteCall, *, alone: bool = False) -> int:
    """Wait for others with this key and count the writes it has done. Without native idempotency writers do not wait."""
    shared = "_shared" if world.faults.idempotency == "none" and not alone else ""
    await connection.execute(
        f"select pg_advisory_xact_lock{shared}(hashtextextended(%s, 0))".encode(), (f"sandbox|{world.name}|{call.key}",)
    )
    rows: Any = await connection.execute(
        "select count(*) from sandbox.requests where world = %s and key = %s", (world.name, call.key)
    )
    (count,) = await rows.fetchone()
    return int(count)


async def _again(connection: Connection, world: World, call: WriteCall) -> Receipt:
    rows: Any = await connection.execute(
        "select operation, arguments_hash, receipt from sandbox.requests where world = %s and key = %s order by n limit 1",
        (world.name, call.key),
    )
    operation, kept, receipt = await rows.fetchone()
    if (operation, kept) != (call.operation, arguments_hash(call.arguments)):
        raise Conflict(
            f"The key {call.key!r} was used for another {operation}.",
            remedy="A key belongs to one write; this is a mistake of ours.",
        )
    values: Any = facts.load(receipt)
    return replace(Receipt(**values), status="already_done")


async def _on_order(view: lookups.View, call: WriteCall, asked: Asked, repeats: int) -> tuple[Effect, Receipt]:
    connection, world = view.connection, view.world
    order = await _order_of(view, call.operation, asked)
    if not world.faults.race:
        order = await worlds.lock(connection, world, "orders", order["id"])
    if call.expected_version is not None and call.expected_version != str(order["version"]):
        raise Conflict(
            f"Order {order['number']} is at version {order['version']}, not {call.expected_version}.", remedy="Read it again."
        )
    before = _facts(order, asked.now)
    if call.operation == "orders.change_item":
        asked = replace(asked, variants=await _variants(view, order, asked))
    if call.operation == "orders.reship":
        skus = {line["sku"] for line in order["lines"]}
        asked = replace(asked, variants=tuple([p for sku in sorted(skus) for p in await lookups.variants(view, sku)]))
    effect = apply(call.operation, order, asked)
    if world.faults.race:
        await asyncio.sleep(_RACE_SECONDS)
    if not effect.already:
        order["version"] += 0 if effect.quiet else 1
        await worlds.put(connection, world, "orders", order)
    old, new = changes(before, _facts(order, asked.now))
    receipt = _receipt(effect, call, asked.now, repeats=repeats, before=old, after=new)
    return effect, receipt


async def _order_of(view: lookups.View, operation: str, asked: Asked) -> Document:
    """The order that a write is about, by the first of its references."""
    for name in ("order", "payment", "shipment", "return"):
        ref = asked.ref(name)
        if ref and name == "order":
            return await view.one("orders", ref)
        if ref:
            return await view.owner(ref)
    raise BadArguments(f"{operation} names no order.", remedy="Give the reference it asks for.")


async def _variants(view: lookups.View, order: Document, asked: Asked) -> tuple[Document, ...]:
    wanted = [piece.id for piece in asked.pieces("line")]
    skus = [line["sku"] for line in order["lines"] if line["id"] in wanted]
    return tuple(await lookups.variants(view, skus[0])) if skus else ()


async def _issue_voucher(view: lookups.View, asked: Asked, repeats: int) -> Effect:
    ref, amount, days = asked.ref("customer"), asked.amount(), asked.arguments.get("valid_days", _VOUCHER_DAYS)
    assert ref is not None
    customer = await view.one("customers", ref)
    if not isinstance(days, int) or days < 1:
        raise BadArguments(f"A voucher cannot be valid for {days} days.", remedy="Give at least 1.")
    expires = asked.now.replace(microsecond=0) + timedelta(days=days)
    voucher: Document = {
        "code": f"NWV-{_code(asked.key, repeats, 10)}",
        "customer": customer["id"],
        "currency": amount.currency,
        "issued_at": asked.stamp,
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "case": asked.case,
    }
    voucher["amount"] = text(voucher, amount.minor)
    await worlds.put(view.connection, view.world, "vouchers", voucher)
    values = {"code": voucher["code"], "amount": amount, "expires_at": expires}
    movement = Movement("", "", amount.minor, amount.currency, "voucher")
    return Effect(Ref(records.SYSTEM, "voucher", voucher["code"]), values, (movement,))


async def _create_handoff(view: lookups.View, asked: Asked, repeats: int) -> Effect:
    number = f"H-{_code(asked.key, repeats, 8)}"
    given = {name: str(asked.arguments[name]) for name in ("case", "summary", "queue")}
    await worlds.put(view.connection, view.world, "handoffs", {"number": number, **given, "at": asked.stamp})
    return Effect(Ref(records.SYSTEM, "handoff", number), {"number": number})


_WITHOUT_ORDER = {"vouchers.issue": _issue_voucher, "handoff.create": _create_handoff}


async def _note_movement(connection: Connection, world: World, call: WriteCall, movement: Movement, now: datetime) -> None:
    await connection.execute(
        "insert into sandbox.ledger (world, payment_id, order_number, minor, currency, direction, operation, key, case_ref, at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            world.name,
            movement.payment,
            movement.order,
            movement.minor,
            movement.currency,
            movement.direction,
            call.operation,
            call.key,
            call.case,
            now,
        ),
    )


async def _keep(connection: Connection, world: World, call: WriteCall, receipt: Receipt, repeats: int) -> None:
    await connection.execute(
        "insert into sandbox.requests (world, key, n, operation, arguments_hash, case_ref, receipt, at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (world, key, n) do nothing",  # the first of several at once
        (
            world.name,
            call.key,
            repeats + 1,
            call.operation,
            arguments_hash(call.arguments),
            call.case,
            Jsonb(facts.dump(receipt)),
            receipt.at,
        ),
    )


def _receipt(
    effect: Effect, call: WriteCall, now: datetime, *, repeats: int, before: Mapping[str, object], after: Mapping[str, object]
) -> Receipt:
    status: Literal["done", "pending", "already_done"] = (
        "already_done" if effect.already else "pending" if call.dry_run else "done"
    )
    moved = sum(movement.minor for movement in effect.movements)
    return Receipt(
        status=status,
        ref=effect.ref,
        before=before,
        after=after,
        money_moved=Money(moved, effect.movements[0].currency) if effect.movements else None,
        backend_request_id=f"sb-{_code(call.key, repeats, 12)}",
        at=now,
        values=effect.values,
    )


def _facts(order: Document, now: datetime) -> dict[str, Any]:
    found: Any = facts.of(records.order(order, (), now))
    return {name: value for name, value in found.items() if name != "ref"}


def _code(key: str, repeats: int, length: int) -> str:
    return hashlib.sha256(f"{key}|{repeats}".encode()).hexdigest()[:length].upper()
