"""From the shop's documents to the records of `commerce.model`."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, get_args

from caseworker.commerce.adapters.sandbox.amounts import (
    Document,
    line_refundable,
    minor,
    order_refundable,
    payment_refundable,
    total,
)
from caseworker.commerce.model import (
    Customer,
    Invoice,
    Line,
    Order,
    OrderStatus,
    Payment,
    PostalAddress,
    Product,
    Return,
    ReturnStatus,
    Shipment,
    ShipmentStatus,
)
from caseworker.core.money import Money
from caseworker.core.refs import Ref

SYSTEM = "sandbox"
ORDER_STATES: tuple[OrderStatus, ...] = get_args(OrderStatus)
SHIPMENT_STATES: tuple[ShipmentStatus, ...] = get_args(ShipmentStatus)
RETURN_STATES: tuple[ReturnStatus, ...] = get_args(ReturnStatus)
PAYMENT_STATES = ("authorised", "captured", "refunded", "partly_refunded", "voided", "other")


def status(raw: str, known: Collection[str]) -> Any:
    """The shop's own word where the model has it too, else `other`."""
    return raw if raw in known else "other"


def order(document: Document, actions: tuple[str, ...], read_at: datetime) -> Order:
    """An order; `actions` are what the shop would accept now."""
    money = _Amounts(document)
    return Order(
        ref=Ref(SYSTEM, "order", document["id"], str(document["version"])),
        number=document["number"],
        status=status(document["state"], ORDER_STATES),
        raw_state=document["state"],
        placed_at=datetime.fromisoformat(document["placed_at"]),
        shipped_at=_time(document["shipped_at"]),
        delivered_at=_time(document["delivered_at"]),
        expected_at=_time(document["expected_at"]),
        customer=Ref(SYSTEM, "customer", document["customer"]),
        email=document["email"],
        country=document["country"],
        brand=document["brand"],
        language=document["language"],
        address=PostalAddress(**document["address"]),
        lines=tuple(_line(document, line) for line in document["lines"]),
        payments=tuple(payment(document, item) for item in document["payments"]),
        shipments=tuple(shipment(item) for item in document["shipments"]),
        returns=tuple(returned(document, item) for item in document["returns"]),
        total=money.units(total(document)),
        captured=money.sum("captured"),
        refunded=money.sum("refunded"),
        refundable=money.units(order_refundable(document)),
        available_actions=actions,
        read_at=read_at,
        flags=tuple(document["flags"]),
        shipping=money.units(minor(document, document["shipping"])),
    )


def payment(owner: Document, document: Document) -> Payment:
    """A payment of the order `owner`."""
    money = _Amounts(owner)
    return Payment(
        ref=Ref(SYSTEM, "payment", document["id"]),
        method=document["method"],
        captured=money.units(minor(owner, document["captured"])),
        refunded=money.units(minor(owner, document["refunded"])),
        in_flight=money.units(minor(owner, document["in_flight"])),
        refundable=money.units(payment_refundable(owner, document)),
        status=status(document["state"], PAYMENT_STATES),
        last_refund_at=_time(document["last_refund_at"]),
    )


def shipment(document: Document) -> Shipment:
    return Shipment(
        ref=Ref(SYSTEM, "shipment", document["id"]),
        carrier=document["carrier"],
        tracking_number=document["tracking_number"],
        tracking_url=document["tracking_url"],
        status=status(document["state"], SHIPMENT_STATES),
        raw_state=document["state"],
        shipped_at=_time(document["shipped_at"]),
        expected_at=_time(document["expected_at"]),
        delivered_at=_time(document["delivered_at"]),
        last_scan_at=_time(document["last_scan_at"]),
        line_ids=tuple(part["line"] for part in document["lines"]),
        pickup_point=document["pickup_point"] or "",
        pickup_until=_time(document["pickup_until"]),
        trace_number=document["trace"]["number"] if document["trace"] else "",
    )


def returned(owner: Document, document: Document) -> Return:
    """A return of the order `owner`."""
    created = datetime.fromisoformat(document["created_at"])
    return Return(
        ref=Ref(SYSTEM, "return", document["id"]),
        number=document["number"],
        status=status(document["state"], RETURN_STATES),
        raw_state=document["state"],
        reason=document["reason"],
        line_ids=tuple(part["line"] for part in document["lines"]),
        amount=_Amounts(owner).units(minor(owner, document["amount"])),
        created_at=created,
        received_at=_time(document["received_at"]),
        refunded_at=_time(document["refunded_at"]),
        label_url=document["label_url"],
        refund_due_at=_time(document["refund_due_at"]),
    )


def invoice(owner: Document) -> Invoice:
    """The invoice of the order `owner`, which must have one."""
    return Invoice(
        ref=Ref(SYSTEM, "invoice", owner["invoice"]["number"]),
        number=owner["invoice"]["number"],
        order=Ref(SYSTEM, "order", owner["id"], str(owner["version"])),
        total=_Amounts(owner).units(total(owner)),
        sent_at=_time(owner["invoice"]["sent_at"]),
    )


def customer(document: Document, orders: int) -> Customer:
    """A customer with so many orders."""
    return Customer(
        ref=Ref(SYSTEM, "customer", document["id"]),
        email=document["email"],
        name=document["name"],
        language=document["language"],
        country=document["country"],
        since=datetime.fromisoformat(document["since"]),
        orders=orders,
        flags=tuple(document["flags"]),
    )


def product(document: Document, currency: str) -> Product:
    """A variant with its price in `currency`, which it must have."""
    return Product(
        ref=Ref(SYSTEM, "product", document["sku"]),
        sku=document["sku"],
        style=document["style"],
        title=document["title"],
        category=document["category"],
        price=Money.parse(document["prices"][currency], currency),
        stock=document["stock"],
        returnable=document["returnable"],
        final_sale=document["final_sale"],
        attributes=document["attributes"],
        titles=document["titles"],
    )


def _line(owner: Document, document: Document) -> Line:
    money = _Amounts(owner)
    return Line(
        id=document["id"],
        sku=document["sku"],
        title=document["title"],
        category=document["category"],
        quantity=document["quantity"],
        shipped=document["shipped"],
        delivered=document["delivered"],
        cancelled=document["cancelled"],
        returned=document["returned"],
        unit_price=money.units(minor(owner, document["unit_price"])),
        refundable=money.units(line_refundable(owner, document)),
        returnable=document["returnable"],
        final_sale=document["final_sale"],
        attributes=document["attributes"],
        titles=document["titles"],
        reshipped=document["reshipped"],
    )


class _Amounts:
    """Money in the currency of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def units(self, minor_units: int) -> Money:
        return Money(minor_units, self._document["currency"])

    def sum(self, field: str) -> Money:
        return self.units(sum(minor(self._document, payment[field]) for payment in self._document["payments"]))


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
