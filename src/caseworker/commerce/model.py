"""Records of the retailer's systems as procedures see them. Money in minor units, times in UTC.

`refundable = captured - refunded - in flight`, never negative. A state that an adapter does not know is `other`, with the
system's own word in `raw_state`; writes on such a record are blocked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caseworker.core.money import Money
from caseworker.core.refs import Ref

OrderStatus = Literal[
    "placed", "paid", "processing", "partly_shipped", "shipped", "delivered", "cancelled", "returned", "other"
]
ShipmentStatus = Literal["preparing", "in_transit", "at_pickup_point", "delivered", "lost", "returned", "other"]
ReturnStatus = Literal["requested", "in_transit", "received", "refunded", "rejected", "closed", "other"]


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a parcel goes. `country` is ISO 3166-1 alpha-2."""

    name: str
    street: str
    postcode: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. Quantities count pieces; `refundable` is what may still be refunded for the line.

    `attributes` are things like colour and size; `titles` are names of the item in other languages. `returned` counts pieces in
    a return that was registered and not rejected, also before the parcel is back; `reshipped` pieces that were sent again.
    """

    id: str
    sku: str
    title: str
    category: str
    quantity: int
    shipped: int
    delivered: int
    cancelled: int
    returned: int
    unit_price: Money
    refundable: Money
    returnable: bool
    final_sale: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    reshipped: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of an order. `method` such as card, paypal, invoice, gift_card."""

    ref: Ref
    method: str
    captured: Money
    refunded: Money
    in_flight: Money
    refundable: Money
    status: Literal["authorised", "captured", "refunded", "partly_refunded", "voided", "other"]
    last_refund_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel. `expected_at` is the promised delivery; `last_scan_at` the carrier's last sign of life.

    `pickup_point` and `pickup_until` are set while the parcel waits to be fetched; `trace_number` once a search was opened."""

    ref: Ref
    carrier: str
    tracking_number: str
    tracking_url: str
    status: ShipmentStatus
    raw_state: str
    shipped_at: datetime | None
    expected_at: datetime | None
    delivered_at: datetime | None
    last_scan_at: datetime | None
    line_ids: tuple[str, ...]
    pickup_point: str = ""
    pickup_until: datetime | None = None
    trace_number: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """A registered return. `amount` is what its lines are worth; `refund_due_at` the shop's own date for the money."""

    ref: Ref
    number: str
    status: ReturnStatus
    raw_state: str
    reason: str
    line_ids: tuple[str, ...]
    amount: Money
    created_at: datetime
    received_at: datetime | None
    refunded_at: datetime | None
    label_url: str
    refund_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order with everything that belongs to it. `version` in `ref` is for optimistic writes.

    `shipping` is the fee that `total` contains; `available_actions` names operations that the system would accept now."""

    ref: Ref
    number: str
    status: OrderStatus
    raw_state: str
    placed_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    expected_at: datetime | None
    customer: Ref
    email: str
    country: str
    brand: str
    language: str
    address: PostalAddress
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    shipments: tuple[Shipment, ...]
    returns: tuple[Return, ...]
    total: Money
    captured: Money
    refunded: Money
    refundable: Money
    available_actions: tuple[str, ...]
    read_at: datetime
    flags: tuple[str, ...] = ()
    shipping: Money | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the shop."""

    ref: Ref
    email: str
    name: str
    language: str
    country: str
    since: datetime
    orders: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """The invoice of an order; `sent_at` is when it was last sent to the customer."""

    ref: Ref
    number: str
    order: Ref
    total: Money
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Product:
    """One variant that can be ordered. `style` is shared by the variants of an item; `stock` counts pieces."""

    ref: Ref
    sku: str
    style: str
    title: str
    category: str
    price: Money
    stock: int
    returnable: bool
    final_sale: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a write did. Written before the call as an intent, completed after it.

    `unknown` means the outcome could not be read back; `already_done` that this key, or this state, was there before.
    """

    status: Literal["done", "pending", "unknown", "already_done"]
    ref: Ref | None
    before: Mapping[str, object]
    after: Mapping[str, object]
    money_moved: Money | None
    backend_request_id: str
    at: datetime
    values: Mapping[str, object] = field(default_factory=dict)
