"""An order as a whole: what follows from its other fields where it was left out, and what cannot be true of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from caseworker.commerce.adapters.sandbox.amounts import Document, line_value, minor, text, total

_SENT = ("shipped", "delivered", "returned")


def complete_order(order: Document, customers: Mapping[str, Document]) -> None:
    """Fill in ids, counts, payment states and what the customer's record says, where the shop left them out."""
    customer = customers.get(order["customer"], {})
    for field in ("email", "country", "language"):
        order[field] = order[field] or customer.get(field, "")
    order["country"] = order["country"] or order["address"]["country"]
    order["address"]["name"] = order["address"]["name"] or customer.get("name", "")
    for prefix, name in (("", "lines"), ("P-", "payments"), ("S-", "shipments"), ("R-", "returns")):
        for index, part in enumerate(order[name], 1):
            part["id"] = part["id"] or f"{prefix}{order['id']}-{index}"
    _complete_lines(order)
    for payment in order["payments"]:
        payment["state"] = payment["state"] or _payment_state(order, payment)
    prices = {line["id"]: line for line in order["lines"]}
    for index, back in enumerate(order["returns"], 1):
        back["number"] = back["number"] or f"RMA-{order['id']}-{index}"
        if back["amount"] is None:
            known = [part for part in back["lines"] if part["line"] in prices]
            back["amount"] = text(order, sum(line_value(order, prices[part["line"]], part["quantity"]) for part in known))


def _complete_lines(order: Document) -> None:
    arrived = [shipment for shipment in order["shipments"] if shipment["state"] == "delivered"]
    for line in order["lines"]:
        if line["cancelled"] is None:
            line["cancelled"] = line["quantity"] if order["state"] == "cancelled" else 0
        everything = line["quantity"] - line["cancelled"]
        if line["shipped"] is None:
            line["shipped"] = everything if order["state"] in _SENT else _pieces(order["shipments"], line["id"])
        if line["delivered"] is None:
            line["delivered"] = everything if order["state"] in ("delivered", "returned") else _pieces(arrived, line["id"])


def _pieces(parcels: Iterable[Document], line: str) -> int:
    return sum(part["quantity"] for parcel in parcels for part in parcel["lines"] if part["line"] == line)


def _payment_state(order: Document, payment: Document) -> str:
    captured, refunded = minor(order, payment["captured"]), minor(order, payment["refunded"])
    if not captured:
        return "voided" if order["state"] == "cancelled" else "authorised"
    return "captured" if not refunded else "refunded" if refunded == captured else "partly_refunded"


def inconsistencies(order: Document, customers: Mapping[str, Document]) -> list[str]:
    """What cannot be true, each beginning with its path in the order."""
    found: list[str] = []
    if order["customer"] not in customers:
        found.append(f'customer: "{order["customer"]}" is no customer of this shop')
    counted = Counter(line["id"] for line in order["lines"])
    found += [f'lines: id "{name}" stands {n} times' for name, n in counted.items() if n > 1]
    for index, line in enumerate(order["lines"]):
        found += [f"lines[{index}].{wrong}" for wrong in _line(order, line)]
    for index, payment in enumerate(order["payments"]):
        given, taken = minor(order, payment["captured"]), minor(order, payment["refunded"]) + minor(order, payment["in_flight"])
        if taken > given:
            found.append(f"payments[{index}].refunded: with `in_flight` it is more than was captured")
    captured = sum(minor(order, payment["captured"]) for payment in order["payments"])
    if captured > total(order):
        found.append(
            f"payments: {text(order, captured)} captured is more than the order's total of {text(order, total(order))}"
        )
    known = {line["id"]: line for line in order["lines"]}
    for name in ("shipments", "returns"):
        for index, parcel in enumerate(order[name]):
            found += [f"{name}[{index}].lines[{at}].{wrong}" for at, wrong in _parts(parcel["lines"], known)]
    return found


def _line(order: Document, line: Document) -> Iterable[str]:
    if line["quantity"] < 1:
        yield "quantity: is less than 1"
    if line["shipped"] + line["cancelled"] > line["quantity"]:
        yield "shipped: with `cancelled` it is more than `quantity`"
    if line["delivered"] > line["shipped"]:
        yield "delivered: is more than `shipped`"
    if line["returned"] > line["delivered"]:
        yield "returned: is more than `delivered`"
    if minor(order, line["refunded"]) > line_value(order, line, line["quantity"]):
        yield "refunded: is more than the line cost"


def _parts(parts: list[Document], known: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
    for index, part in enumerate(parts):
        if part["line"] not in known:
            yield index, f'line: "{part["line"]}" is no line of this order'
        elif part["quantity"] > known[part["line"]]["quantity"]:
            yield index, "quantity: is more than was ordered"
