"""The business rules of the shop: what each write does to an order's document, or why it is refused. Pure.

A rule gets a copy of the document, changes it and says what moved. Nothing is kept where it raises.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from caseworker.commerce.adapters.sandbox.amounts import (
    Document,
    allot,
    line_refundable,
    line_value,
    minor,
    order_refundable,
    payment_refundable,
    refund_order,
    refund_payment,
    text,
)
from caseworker.commerce.adapters.sandbox.checks import (
    OPEN_STATES,
    RETURN_OPEN,
    Asked,
    Effect,
    chosen_lines,
    gone,
    how_many,
    must_be_in,
    must_be_known,
    parts_of,
    ref_to,
    refundable_amount,
    return_of,
    unsent,
)
from caseworker.commerce.adapters.sandbox.records import ORDER_STATES, SHIPMENT_STATES, status
from caseworker.commerce.errors import BadArguments, Denied, InvalidState, NotFound
from caseworker.commerce.model import PostalAddress
from caseworker.core.money import Money

_TRACE_DAYS = 5  # what carriers promise for the answer to a search
_RESHIP_DAYS = 4


Rule = Callable[[Document, Asked], Effect]


def cancel(order: Document, asked: Asked) -> Effect:
    """Before shipping: all of it, or the given lines. What was captured for the pieces goes back by itself."""
    chosen = chosen_lines(order, asked.pieces()) if asked.pieces() else [(line, None) for line in order["lines"]]
    left = [(line, wanted) for line, wanted in chosen if not gone(line)]
    values: dict[str, object] = {"number": order["number"], "amount": Money(0, order["currency"])}
    if not left:
        return Effect(ref_to("order", order["id"]), values, already=True)
    must_be_in(order, "cancelled", (*OPEN_STATES, "partly_shipped") if asked.pieces() else OPEN_STATES)
    pieces = [(line, how_many(wanted, unsent(line), line, "not shipped")) for line, wanted in left]
    worth = 0
    for line, count in pieces:
        line["cancelled"] += count
        worth += min(line_value(order, line, count), line_refundable(order, line))
    everything = all(gone(line) for line in order["lines"])
    amount = order_refundable(order) if everything else min(worth, order_refundable(order))
    allot(order, [line for line, _ in pieces], amount)
    movements = refund_order(order, amount, asked.stamp)
    if everything:
        order["state"] = "cancelled"
        for payment in order["payments"]:
            payment["state"] = "voided" if payment["state"] == "authorised" else payment["state"]
    elif all(unsent(line) == 0 for line in order["lines"]):
        order["state"] = "shipped"
    return Effect(ref_to("order", order["id"]), {**values, "amount": Money(amount, order["currency"])}, tuple(movements))


def refund_one(order: Document, asked: Asked) -> Effect:
    """Money back on one payment."""
    ref = asked.ref("payment")
    payment = next(payment for payment in order["payments"] if ref and payment["id"] == ref.id)
    amount = refundable_amount(order, asked, payment_refundable(order, payment))
    movement = refund_payment(order, payment, amount, asked.stamp)
    values = {"amount": Money(amount, order["currency"]), "method": payment["method"]}
    return Effect(ref_to("payment", payment["id"]), values, (movement,))


def refund_all(order: Document, asked: Asked) -> Effect:
    """Money back on all payments of the order, the last one first."""
    amount = refundable_amount(order, asked, order_refundable(order))
    movements = refund_order(order, amount, asked.stamp)
    methods = {payment["id"]: payment["method"] for payment in order["payments"]}
    used = ", ".join(methods[movement.payment] for movement in movements)
    return Effect(ref_to("order", order["id"]), {"amount": Money(amount, order["currency"]), "method": used}, tuple(movements))


def create_return(order: Document, asked: Asked) -> Effect:
    """Delivered pieces that can be returned and are in no return yet."""
    if not asked.pieces():
        raise BadArguments("returns.create got no lines.", remedy="Choose at least one line of the order.")
    lines = [
        (line, how_many(wanted, line["delivered"] - line["returned"], line, "to be returned"))
        for line, wanted in chosen_lines(order, asked.pieces())
    ]
    for line, _ in lines:
        if not line["returnable"] or line["final_sale"]:
            raise InvalidState(
                f"{line['title']} cannot be returned.", current="final_sale" if line["final_sale"] else "not_returnable"
            )
    worth = sum(min(line_value(order, line, count), line_refundable(order, line)) for line, count in lines)
    index = len(order["returns"]) + 1
    number = f"RMA-{order['id']}-{index}"
    back: Document = {
        "id": f"R-{order['id']}-{index}",
        "number": number,
        "state": "requested",
        "reason": asked.arguments["reason"],
        "lines": [{"line": line["id"], "quantity": count} for line, count in lines],
        "amount": text(order, min(worth, order_refundable(order))),
        "created_at": asked.stamp,
        "received_at": None,
        "refund_due_at": None,
        "refunded_at": None,
        "label_url": f"https://returns.nordwind.example/labels/{number}.pdf",
    }
    for line, count in lines:
        line["returned"] += count
    order["returns"].append(back)
    amount = Money(minor(order, back["amount"]), order["currency"])
    return Effect(ref_to("return", back["id"]), {"number": number, "label_url": back["label_url"], "amount": amount})


def close_return(order: Document, asked: Asked) -> Effect:
    """Nothing more will happen with it. Pieces that never came back can be returned again."""
    back = return_of(order, asked)
    values = {"number": back["number"]}
    if back["state"] == "closed":
        return Effect(ref_to("return", back["id"]), values, already=True)
    if back["state"] not in (*RETURN_OPEN, "received", "refunded", "rejected"):
        raise InvalidState(f"Return {back['number']} is in a state that is not known here.", current=back["state"])
    if back["state"] in RETURN_OPEN:
        for line, part in parts_of(order, back):
            line["returned"] -= min(line["returned"], part["quantity"])
    back["state"] = "closed"
    return Effect(ref_to("return", back["id"]), values)


def change_address(order: Document, asked: Asked) -> Effect:
    """Somewhere else in the same country, while nothing is shipped."""
    wanted = asked.arguments["address"]
    assert isinstance(wanted, PostalAddress)
    old = order["address"]
    new = {
        "name": wanted.name or old["name"],
        "street": wanted.street,
        "postcode": wanted.postcode,
        "city": wanted.city,
        "country": wanted.country or old["country"],
    }
    if new == old:
        return Effect(ref_to("order", order["id"]), {"address": dict(old)}, already=True)
    must_be_in(order, "sent to another address", OPEN_STATES)
    if new["country"] != old["country"]:
        raise Denied(f"Order {order['number']} cannot be sent to another country.", remedy="Cancel it and order again.")
    order["address"] = new
    return Effect(ref_to("order", order["id"]), {"address": dict(new)})


def change_item(order: Document, asked: Asked) -> Effect:
    """Another variant of the same item at the same price, while the line is not shipped."""
    attributes, sku = asked.arguments.get("attributes"), asked.arguments.get("sku")
    if not sku and not isinstance(attributes, Mapping):
        raise BadArguments("orders.change_item got neither attributes nor a sku.", remedy="Give the wished variant.")
    [(line, _)] = chosen_lines(order, asked.pieces("line"))
    wanted = {**line["attributes"], **attributes} if isinstance(attributes, Mapping) else None
    fitting = [
        product
        for product in asked.variants
        if (not sku or product["sku"] == sku) and (wanted is None or product["attributes"] == wanted)
    ]
    if not fitting:
        raise NotFound(f"{line['title']} is not made that way.", remedy="products.find lists the variants.")
    new = fitting[0]
    values = {"sku": new["sku"], "title": new["title"]}
    if new["sku"] == line["sku"]:
        return Effect(ref_to("order", order["id"]), values, already=True)
    must_be_in(order, "changed", OPEN_STATES)
    if new["stock"] < line["quantity"] - line["cancelled"]:
        raise InvalidState(f"{new['sku']} is sold out.", current="sold_out")
    price = new["prices"].get(order["currency"])
    if price is None or minor(order, price) != minor(order, line["unit_price"]):
        raise InvalidState(f"{new['sku']} has another price.", current="other_price", remedy="Cancel the line and order again.")
    line.update(sku=new["sku"], title=new["title"], titles=dict(new["titles"]), attributes=dict(new["attributes"]))
    return Effect(ref_to("order", order["id"]), values)


def reship(order: Document, asked: Asked) -> Effect:
    """Lost or delivered (damaged) pieces once more, as far as there are any in stock.

    Not what was refunded or is being returned. A parcel that the carrier is tracing counts as lost.
    """
    if not asked.pieces():
        raise BadArguments("orders.reship got no lines.", remedy="Choose at least one line of the order.")
    gone = [p for p in order["shipments"] if p["state"] == "lost" or (p["trace"] and p["state"] == "in_transit")]
    lost = [part for parcel in gone for part in parcel["lines"]]
    lines = []
    for line, wanted in chosen_lines(order, asked.pieces()):
        missing = sum(part["quantity"] for part in lost if part["line"] == line["id"])
        possible = missing + line["delivered"] - line["returned"] - line["reshipped"]
        if line_refundable(order, line) == 0:
            raise InvalidState(f"{line['title']} was refunded already.", current="refunded")
        count = how_many(wanted, possible, line, "lost or delivered")
        if any(product["sku"] == line["sku"] and product["stock"] < count for product in asked.variants):
            raise InvalidState(f"{line['title']} is out of stock.", current="out_of_stock")
        lines.append((line, count))
    number = f"S-{order['id']}-{len(order['shipments']) + 1}"
    expected = asked.now + timedelta(days=_RESHIP_DAYS)
    for line, count in lines:
        line["reshipped"] += count
    order["shipments"].append(
        {
            "id": number,
            "carrier": order["shipments"][-1]["carrier"] if order["shipments"] else "Nordpost",
            "tracking_number": "",
            "tracking_url": "",
            "state": "preparing",
            "shipped_at": None,
            "expected_at": expected.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "delivered_at": None,
            "last_scan_at": None,
            "pickup_point": None,
            "pickup_until": None,
            "trace": None,
            "lines": [{"line": line["id"], "quantity": count} for line, count in lines],
        }
    )
    return Effect(ref_to("shipment", number), {"number": number, "expected_at": expected.replace(microsecond=0)})


def trace(order: Document, asked: Asked) -> Effect:
    """Ask the carrier to search. Asked twice, the first search counts."""
    ref = asked.ref("shipment")
    parcel = next(parcel for parcel in order["shipments"] if ref and parcel["id"] == ref.id)
    already = parcel["trace"] is not None
    if not already:
        allowed = ("in_transit", "at_pickup_point", "delivered", "lost")
        if status(parcel["state"], SHIPMENT_STATES) not in allowed:
            raise InvalidState(f"Parcel {parcel['id']} cannot be searched for.", current=parcel["state"], allowed=allowed)
        answer_by = (asked.now + timedelta(days=_TRACE_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        parcel["trace"] = {"number": f"T-{parcel['id']}", "opened_at": asked.stamp, "answer_by": answer_by}
    values = {"number": parcel["trace"]["number"], "answer_by": datetime.fromisoformat(parcel["trace"]["answer_by"])}
    return Effect(ref_to("shipment", parcel["id"]), values, already=already)


def send_invoice(order: Document, asked: Asked) -> Effect:
    if order["invoice"] is None:
        raise NotFound(f"Order {order['number']} has no invoice yet.", remedy="It is written when the order is paid.")
    order["invoice"]["sent_at"] = asked.stamp
    return Effect(ref_to("invoice", order["invoice"]["number"]), {"number": order["invoice"]["number"]}, quiet=True)


def add_note(order: Document, asked: Asked) -> Effect:
    order["notes"].append({"at": asked.stamp, "text": asked.arguments["text"], "case": asked.case, "key": asked.key})
    return Effect(ref_to("order", order["id"]), quiet=True)


_RULES: Mapping[str, Rule] = {
    "orders.cancel": cancel,
    "payments.refund": refund_one,
    "orders.refund": refund_all,
    "returns.create": create_return,
    "returns.close": close_return,
    "orders.change_address": change_address,
    "orders.change_item": change_item,
    "orders.reship": reship,
    "shipments.trace": trace,
    "invoices.send": send_invoice,
    "orders.add_note": add_note,
}


def apply(operation: str, order: Document, asked: Asked) -> Effect:
    """What the operation does to the order. In a state that is not known here only a note can be left: InvalidState."""
    if operation != "orders.add_note":
        must_be_known(order)
    return _RULES[operation](order, asked)


def available_actions(order: Document) -> tuple[str, ...]:
    """Names of operations that the shop would accept now (for at least one line)."""
    if status(order["state"], ORDER_STATES) == "other":
        return ("orders.add_note",)
    returnable = [line for line in order["lines"] if line["returnable"] and not line["final_sale"]]
    possible = {
        "orders.cancel": order["state"] in OPEN_STATES
        or (order["state"] == "partly_shipped" and any(map(unsent, order["lines"]))),
        "orders.change_address": order["state"] in OPEN_STATES,
        "orders.change_item": order["state"] in OPEN_STATES,
        "payments.refund": order_refundable(order) > 0,
        "orders.refund": order_refundable(order) > 0,
        "returns.create": any(line["delivered"] > line["returned"] for line in returnable),
        "orders.reship": any(parcel["state"] in ("lost", "delivered") for parcel in order["shipments"]),
        "invoices.send": order["invoice"] is not None,
        "orders.add_note": True,
    }
    return tuple(name for name, can in possible.items() if can)
