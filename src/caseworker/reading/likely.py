"""What the customer's orders make likely: nobody asks for the refund of what was never returned.

Log-odds that are added to what the words say, by intent. They are small: words decide, states tip the scales where words are
vague. Chosen on mails of several authors about a made-up shop; without orders nothing is added.
"""

from collections.abc import Mapping, Sequence

from caseworker.commerce.model import Order

_OPEN = frozenset({"placed", "paid", "processing", "partly_shipped"})
_ON_ITS_WAY = frozenset({"in_transit", "at_pickup_point", "lost"})


def odds(orders: Sequence[Order]) -> Mapping[str, float]:
    """By intent, what speaks for (positive) or against it in the states of the orders that the mail may mean."""
    if not orders:
        return {}
    opened = any(order.status in _OPEN for order in orders)
    moving = any(shipment.status in _ON_ITS_WAY for order in orders for shipment in order.shipments)
    arrived = any(order.delivered_at or any(s.status == "delivered" for s in order.shipments) for order in orders)
    owed = any(order.returns or order.status in ("cancelled", "returned") or order.refunded.minor for order in orders)
    return {
        "where_is_my_order": 0.5 if opened or moving else -1.2,
        "delivered_not_received": 0.3 if arrived else -1.0,
        "return_item": 0.5 if arrived else -1.5,
        "refund_status": 1.0 if owed else -1.5,
        "cancel_order": 0.7 if opened else -0.7,
        "change_address": 0.5 if opened or moving else -1.0,
        **dict.fromkeys(("damaged_item", "missing_item", "wrong_item"), 0.5 if arrived else -2.0),
    }
