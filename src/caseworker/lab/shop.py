"""What happened in a shop, read from the records that differ: independent of what anybody claims to have done. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

REFUNDS = ("payments.refund", "orders.refund")
WITHOUT_ORDER = {"vouchers": "vouchers.issue", "handoffs": "handoff.create"}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the shop. `money` is what went back to payments with it, in major units; `order` is a number."""

    operation: str
    order: str
    lines: tuple[str, ...] = ()
    money: Decimal = Decimal(0)
    currency: str = ""


def changes(difference: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """The changes that a difference (`{kind, id, before, after}`) shows. What cannot be named is `unknown: KIND`."""
    found: list[Change] = []
    for record in difference:
        if record["kind"] == "orders" and record["before"] is not None:
            found.extend(_order_changes(record["before"], record["after"]))
        else:
            operation = WITHOUT_ORDER.get(str(record["kind"])) if record["before"] is None else None
            found.append(Change(operation or f"unknown: {record['kind']} {record['id']}", ""))
    return tuple(found)


def _order_changes(before: Document, after: Document) -> Iterable[Change]:
    number, currency = str(after["number"]), str(after["currency"])
    money = _paid_back(after) - _paid_back(before)
    found = list(_named_changes(before, after))
    if money and "orders.cancel" not in [operation for operation, _ in found]:
        found.append(("payments.refund", ()))
    if not found and before != after:
        found.append((f"unknown: order {number}", ()))
    for operation, lines in found:
        moved = money if operation in ("orders.cancel", "payments.refund") else Decimal(0)
        yield Change(operation, number, lines, moved, currency)


def _named_changes(before: Document, after: Document) -> Iterable[tuple[str, tuple[str, ...]]]:
    old = {line["id"]: line for line in before["lines"]}
    cancelled = tuple(line["id"] for line in after["lines"] if line["cancelled"] > old[line["id"]]["cancelled"])
    if cancelled or (after["state"] == "cancelled" != before["state"]):
        yield "orders.cancel", () if after["state"] == "cancelled" else cancelled
    changed = tuple(line["id"] for line in after["lines"] if line["sku"] != old[line["id"]]["sku"])
    if changed:
        yield "orders.change_item", changed
    if after["address"] != before["address"]:
        yield "orders.change_address", ()
    for back in _new(before["returns"], after["returns"]):
        yield "returns.create", tuple(part["line"] for part in back["lines"])
    closed = {back["id"] for back in before["returns"] if back["state"] != "closed"}
    yield from (("returns.close", ()) for back in after["returns"] if back["state"] == "closed" and back["id"] in closed)
    for parcel in _new(before["shipments"], after["shipments"]):
        yield "orders.reship", tuple(part["line"] for part in parcel["lines"])
    searched = {parcel["id"] for parcel in before["shipments"] if parcel["trace"]}
    yield from (("shipments.trace", ()) for parcel in after["shipments"] if parcel["trace"] and parcel["id"] not in searched)
    if after["notes"] != before["notes"]:
        yield "orders.add_note", ()
    if after["invoice"] != before["invoice"]:
        yield "invoices.send", ()


def _new(before: Sequence[Document], after: Sequence[Document]) -> Iterable[Document]:
    known = {record["id"] for record in before}
    return [record for record in after if record["id"] not in known]


def _paid_back(order: Document) -> Decimal:
    return sum((Decimal(p["refunded"]) + Decimal(p["in_flight"]) for p in order["payments"]), Decimal(0))


def unexplained(seen: Sequence[Change], claimed: Sequence[Change]) -> tuple[str, ...]:
    """Where the shop and the receipts disagree: changes without a receipt, receipts without a change, other money."""
    problems: list[str] = []
    for order in sorted({change.order for change in (*seen, *claimed)}):
        problems.extend(_disagreements(order, _of(order, seen), _of(order, claimed)))
    return tuple(problems)


def _disagreements(order: str, seen: Sequence[Change], claimed: Sequence[Change]) -> Iterable[str]:
    in_shop = {_kind(change) for change in seen}
    by_receipt = {_kind(change) for change in claimed}
    name = order or "the shop"
    yield from (f"{name}: {operation} without a receipt" for operation in sorted(in_shop - by_receipt))
    silent = by_receipt - in_shop
    if "orders.cancel" in in_shop:  # a cancel's money and a refund's cannot be told apart in the record
        silent -= {"refund"}
    yield from (f"{name}: a receipt of {operation}, and nothing changed" for operation in sorted(silent))
    moved, promised = (sum((change.money for change in side), Decimal(0)) for side in (seen, claimed))
    if moved != promised:
        yield f"{name}: {moved} went back, receipts say {promised}"


def _of(order: str, side: Sequence[Change]) -> Sequence[Change]:
    return [change for change in side if change.order == order]


def _kind(change: Change) -> str:
    return "refund" if change.operation in REFUNDS else change.operation
