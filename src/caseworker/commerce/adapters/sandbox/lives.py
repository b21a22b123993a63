"""What happens to an order of the generated shop between its day and the shop's present.

`LIVES` is the table: a life, from which to which age in days it suits an order, and how often it is drawn.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from caseworker.commerce.adapters.sandbox.amounts import Document, allot, line_value, minor, refund_order, text, total

REFUND_DAYS = 7  # the shop's own date for the money of a return, counted from the day the parcel came back
_REASONS = ("wrong_size", "changed_mind", "damaged", "not_as_described", "wrong_item")


@dataclass
class Life:
    """One order on its way; the verbs change the document. Days count from the moment the order was placed."""

    dice: random.Random
    at: datetime
    placed_at: datetime
    order: Document
    carriers: Sequence[str]

    @property
    def age(self) -> float:
        return (self.at - self.placed_at) / timedelta(days=1)

    def day(self, days: float) -> str:
        """A moment of the order's life; never later than the shop's present."""
        moment = min(self.placed_at + timedelta(days=days), self.at - timedelta(minutes=20))
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def promised(self, days: float) -> str:
        """Like `day`, but may lie in the future."""
        return (self.placed_at + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def pay(self) -> None:
        """The money is there."""
        for payment in self.order["payments"]:
            payment["captured"], payment["state"] = payment["authorised"], "captured"
        self.order["state"] = "paid"

    def process(self) -> None:
        self.pay()
        self.order["state"] = "processing"

    def ship(self, day: float, *, expected: float, lines: Sequence[Document] | None = None) -> Document:
        """A parcel with these lines (all that are left by default) leaves the warehouse."""
        parts = [line for line in lines or self.order["lines"] if line["shipped"] < line["quantity"]]
        carrier = self.dice.choice(self.carriers)
        tracking = "".join(word[0] for word in carrier.upper().split()) + f"{self.dice.randrange(10**11, 10**12)}"
        shipment = {
            "id": f"S-{self.order['id']}-{len(self.order['shipments']) + 1}",
            "carrier": carrier,
            "tracking_number": tracking,
            "tracking_url": f"https://track.{carrier.lower().replace(' ', '')}.example/{tracking}",
            "state": "in_transit",
            "shipped_at": self.day(day),
            "expected_at": self.promised(expected),
            "delivered_at": None,
            "last_scan_at": self.day(day + 0.6),
            "pickup_point": None,
            "pickup_until": None,
            "trace": None,
            "lines": [{"line": line["id"], "quantity": line["quantity"]} for line in parts],
        }
        for line in parts:
            line["shipped"] = line["quantity"]
        self.order["shipments"].append(shipment)
        done = all(line["shipped"] + line["cancelled"] >= line["quantity"] for line in self.order["lines"])
        self.order["state"] = "shipped" if done else "partly_shipped"
        self.order["shipped_at"] = self.order["shipped_at"] or shipment["shipped_at"]
        self.order["expected_at"] = shipment["expected_at"]
        return shipment

    def deliver(self, shipment: Document, day: float) -> None:
        shipment.update(state="delivered", delivered_at=self.day(day), last_scan_at=self.day(day))
        for part in shipment["lines"]:
            line = next(line for line in self.order["lines"] if line["id"] == part["line"])
            line["delivered"] += part["quantity"]
        if all(line["delivered"] + line["cancelled"] >= line["quantity"] for line in self.order["lines"]):
            self.order.update(state="delivered", delivered_at=shipment["delivered_at"])

    def delivered(self, *, latest: float = 6.0) -> float:
        """The usual way: paid, shipped, delivered in one parcel. Returns the day of delivery."""
        self.pay()
        arrived = min(self.dice.uniform(1.6, latest), self.age - 0.1)
        parcel = self.ship(max(0.3, arrived - self.dice.uniform(1.0, 3.0)), expected=arrived + self.dice.uniform(-0.5, 1.5))
        self.deliver(parcel, arrived)
        return arrived

    def send_back(self, state: str, *, created: float, received: float | None = None, refunded: float | None = None) -> None:
        """A return of one or all lines that can be returned."""
        lines = [line for line in self.order["lines"] if line["returnable"] and not line["final_sale"]]
        if not lines:
            return
        lines = lines if self.dice.random() < 0.3 else [self.dice.choice(lines)]
        amount = sum(line_value(self.order, line, line["quantity"]) for line in lines)
        back: Document = {
            "id": f"R-{self.order['id']}-1",
            "number": f"RMA-{self.order['id']}-1",
            "state": state,
            "reason": self.dice.choice(_REASONS),
            "lines": [{"line": line["id"], "quantity": line["quantity"]} for line in lines],
            "amount": text(self.order, amount),
            "created_at": self.day(created),
            "received_at": None if received is None else self.day(received),
            "refund_due_at": None if received is None else self.promised(received + REFUND_DAYS),
            "refunded_at": None if refunded is None else self.day(refunded),
            "label_url": f"https://returns.nordwind.example/labels/RMA-{self.order['id']}-1.pdf",
        }
        self.order["returns"].append(back)
        if state != "rejected":
            for line in lines:
                line["returned"] = line["quantity"]
        if refunded is not None:
            self.refund(amount, refunded, lines)
        if received is not None and all(line["returned"] == line["quantity"] for line in self.order["lines"]):
            self.order["state"] = "returned"

    def refund(self, amount: int, day: float, lines: Sequence[Document]) -> None:
        allot(self.order, lines, amount)
        refund_order(self.order, amount, self.day(day))


def placed(life: Life) -> None:
    """Waits for the money."""


def paid(life: Life) -> None:
    life.pay()


def processing(life: Life) -> None:
    life.process()


def processing_late(life: Life) -> None:
    life.process()
    life.order["expected_at"] = life.promised(3)
    life.order["flags"].append("backorder")


def partly_shipped(life: Life) -> None:
    life.pay()
    lines = life.order["lines"]
    if len(lines) == 1:
        return shipped(life)
    parcel = life.ship(max(0.3, life.age - 2), expected=life.age + 1.5, lines=lines[: len(lines) // 2])
    if life.age > 4:
        life.deliver(parcel, life.age - 1)
    return None


def shipped(life: Life) -> None:
    life.pay()
    left = max(0.3, life.age - life.dice.uniform(0.4, 2.5))
    life.ship(left, expected=life.age + life.dice.uniform(0.2, 2.5))["last_scan_at"] = life.day(life.age - 0.3)


def shipped_late(life: Life) -> None:
    life.pay()
    expected = max(2.0, life.age - life.dice.uniform(1, 7))
    parcel = life.ship(expected - life.dice.uniform(1.2, 1.9), expected=expected)
    parcel["last_scan_at"] = life.day(expected - life.dice.uniform(-0.8, 0.4))


def at_pickup_point(life: Life) -> None:
    life.pay()
    arrived = life.age - life.dice.uniform(0.2, 2)
    parcel = life.ship(max(0.3, arrived - 1.5), expected=arrived)
    point = f"{parcel['carrier']} shop, {life.dice.choice(['Central Station', 'Market Square', 'Old Town', 'Harbour'])}"
    parcel.update(
        state="at_pickup_point", last_scan_at=life.day(arrived), pickup_point=point, pickup_until=life.promised(arrived + 7)
    )


def split_parcels(life: Life) -> None:
    """The first parcel has arrived, the second is on its way."""
    lines = life.order["lines"]
    if len(lines) == 1:
        return shipped_late(life)
    life.pay()
    first = life.ship(0.6, expected=3, lines=lines[:1])
    life.deliver(first, min(2.5, life.age - 0.5))
    life.ship(max(0.9, life.age - 2), expected=life.age + life.dice.uniform(-1.5, 2), lines=lines[1:])
    return None


def delivered(life: Life) -> None:
    life.delivered()


def delivered_yesterday(life: Life) -> None:
    life.delivered(latest=life.age)


def lost(life: Life) -> None:
    life.pay()
    parcel = life.ship(1, expected=4)
    parcel.update(state="lost", last_scan_at=life.day(2.2))


def lost_refunded(life: Life) -> None:
    lost(life)
    life.refund(total(life.order), min(life.age - 1, 20), life.order["lines"])


def cancelled(life: Life) -> None:
    if life.dice.random() < 0.8:
        life.pay()
    for line in life.order["lines"]:
        line["cancelled"] = line["quantity"]
    life.order["state"] = "cancelled"
    if life.order["payments"][0]["state"] == "captured":
        life.refund(total(life.order), 0.2, life.order["lines"])
        return
    for payment in life.order["payments"]:
        payment["state"] = "voided"


def return_requested(life: Life) -> None:
    arrived = life.delivered()
    life.send_back("requested", created=max(arrived + 0.2, life.age - life.dice.uniform(0.2, 4)))


def return_in_transit(life: Life) -> None:
    arrived = life.delivered()
    life.send_back("in_transit", created=max(arrived + 0.3, life.age - life.dice.uniform(2, 9)))


def return_received(life: Life) -> None:
    arrived = life.delivered()
    received = max(arrived + 2, life.age - life.dice.uniform(0.3, REFUND_DAYS - 1))
    life.send_back("received", created=max(arrived + 0.3, received - 4), received=received)


def refund_overdue(life: Life) -> None:
    """The parcel came back, the shop's own date has passed, the money has not moved."""
    arrived = life.delivered()
    received = life.age - life.dice.uniform(REFUND_DAYS + 1, min(REFUND_DAYS + 12, life.age - 7))
    life.send_back("received", created=max(arrived + 0.3, received - 4), received=received)


def return_refunded(life: Life) -> None:
    arrived = life.delivered()
    received = arrived + life.dice.uniform(4, 9)
    life.send_back(
        "refunded", created=arrived + 1, received=received, refunded=min(received + life.dice.uniform(0.5, 6), life.age)
    )


def return_rejected(life: Life) -> None:
    arrived = life.delivered()
    life.send_back("rejected", created=arrived + 1, received=arrived + 7)


def return_closed(life: Life) -> None:
    arrived = life.delivered()
    life.send_back("closed", created=arrived + 1, received=arrived + 6, refunded=arrived + 9)


def partial_refund(life: Life) -> None:
    """Goodwill for a flaw: part of a line's price."""
    arrived = life.delivered()
    line = life.dice.choice(life.order["lines"])
    life.refund(minor(life.order, line["unit_price"]) * life.dice.choice([10, 15, 20, 30]) // 100, arrived + 2, [line])


def under_review(life: Life) -> None:
    """A state that only this shop knows."""
    life.pay()
    life.order["state"] = "fraud_review"


LIVES: tuple[tuple[Callable[[Life], None], float, float, float], ...] = (
    (placed, 0, 2, 4),
    (paid, 0, 1.5, 12),
    (processing, 0.2, 4, 16),
    (processing_late, 4, 10, 4),
    (partly_shipped, 1, 8, 5),
    (shipped, 1, 6, 22),
    (shipped_late, 4, 16, 8),
    (at_pickup_point, 2.5, 12, 5),
    (split_parcels, 3, 14, 4),
    (delivered_yesterday, 2.5, 9, 12),
    (delivered, 6.2, 900, 46),
    (lost, 10, 40, 4),
    (lost_refunded, 25, 900, 1),
    (cancelled, 0.3, 900, 3),
    (return_requested, 7, 34, 5),
    (return_in_transit, 9, 36, 5),
    (return_received, 12, 40, 5),
    (refund_overdue, 22, 60, 6),
    (return_refunded, 20, 900, 8),
    (return_rejected, 20, 900, 1),
    (return_closed, 30, 900, 1.5),
    (partial_refund, 9, 900, 2),
    (under_review, 0.5, 20, 1),
)
