"""Amounts inside the sandbox's documents: exact decimal strings in the document's currency (`"12.30"`).

Documents are plain JSON mappings as docs/reference/shop-json.md describes them; functions that change one change it in place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from caseworker.core.money import Money

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved, for the ledger. `payment` is empty for a voucher; `minor` counts minor units of `currency`."""

    payment: str
    order: str
    minor: int
    currency: str
    direction: str


def minor(document: Document, amount: str) -> int:
    """Minor units of an amount of this document."""
    return Money.parse(amount, document["currency"]).minor


def text(document: Document, minor_units: int) -> str:
    """The document form of an amount in minor units."""
    return str(Money(minor_units, document["currency"]).amount)


def payment_refundable(order: Document, payment: Document) -> int:
    """What may still be refunded on a payment: captured - refunded - in flight, never negative."""
    return max(0, minor(order, payment["captured"]) - minor(order, payment["refunded"]) - minor(order, payment["in_flight"]))


def order_refundable(order: Document) -> int:
    """What may still be refunded on all payments of an order, in minor units."""
    return sum(payment_refundable(order, payment) for payment in order["payments"])


def line_value(order: Document, line: Document, pieces: int) -> int:
    """What so many pieces of a line cost, in minor units."""
    return minor(order, line["unit_price"]) * pieces


def line_refundable(order: Document, line: Document) -> int:
    """What may still be refunded for a line: its price less what was refunded for it, and never more than the order has."""
    left = line_value(order, line, line["quantity"]) - minor(order, line["refunded"])
    return max(0, min(left, order_refundable(order)))


def total(order: Document) -> int:
    """All lines and the shipping fee, in minor units."""
    return sum(line_value(order, line, line["quantity"]) for line in order["lines"]) + minor(order, order["shipping"])


def refund_payment(order: Document, payment: Document, amount: int, at: str) -> Movement:
    """Pay `amount` minor units back on one payment. The caller has made sure that it is refundable."""
    refunded = minor(order, payment["refunded"]) + amount
    payment["refunded"] = text(order, refunded)
    payment["state"] = "refunded" if refunded >= minor(order, payment["captured"]) else "partly_refunded"
    payment["last_refund_at"] = at
    return Movement(payment["id"], order["number"], amount, order["currency"], "refund")


def refund_order(order: Document, amount: int, at: str) -> list[Movement]:
    """Pay `amount` minor units back, last payment first (a gift card is used first and filled again last)."""
    movements = []
    for payment in reversed(order["payments"]):
        part = min(amount, payment_refundable(order, payment))
        if part > 0:
            movements.append(refund_payment(order, payment, part, at))
            amount -= part
    return movements


def allot(order: Document, lines: Iterable[Document], amount: int) -> None:
    """Note on the lines what was refunded for them, in order, up to the price of each."""
    for line in lines:
        already = minor(order, line["refunded"])
        part = min(amount, max(0, line_value(order, line, line["quantity"]) - already))
        line["refunded"] = text(order, already + part)
        amount -= part
