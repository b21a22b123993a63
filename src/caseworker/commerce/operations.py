"""The built-in vocabulary: what every shop should be able to look up and do, and the records that it speaks of.

A binding may add operations of the retailer's own; procedures, checks and receipts treat them exactly like these.
Type words are those of the procedure language (`Ref[order]`, `list[line]`, `optional[time]`, `enum[placed|paid]` ...).
"""

import types
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Literal, get_args, get_origin, get_type_hints

from caseworker.commerce.model import Customer, Invoice, Line, Order, Payment, PostalAddress, Product, Return, Shipment
from caseworker.commerce.ports import Operation, Parameter
from caseworker.core.money import Money
from caseworker.core.refs import Ref

_RECORDS: Mapping[str, type] = {
    "order": Order,
    "line": Line,
    "payment": Payment,
    "shipment": Shipment,
    "return": Return,
    "customer": Customer,
    "address": PostalAddress,
    "invoice": Invoice,
    "product": Product,
}
_WORDS: Mapping[object, str] = {str: "string", int: "int", bool: "bool", Money: "Money", datetime: "time"}


def _read(name: str, parameters: str, returns: str, doc: str) -> Operation:
    return Operation(name=name, kind="read", parameters=_parameters(parameters), returns=returns, doc=doc)


def _write(name: str, parameters: str, receipt: str, doc: str, *, money: str = "") -> Operation:
    values = {parameter.name: parameter.type for parameter in _parameters(receipt)}
    return Operation(name, "write", _parameters(parameters), "receipt", doc, money, values)


def _parameters(written: str) -> tuple[Parameter, ...]:
    """From `order: Ref[order], lines?: list[line]`; a question mark means that it may be left out."""
    pairs = [part.split(":") for part in written.split(",") if part.strip()]
    return tuple(Parameter(name.strip().rstrip("?"), kind.strip(), not name.strip().endswith("?")) for name, kind in pairs)


_BUILT_IN = (
    _read(
        "orders.find",
        "number?: string, email?: string, customer?: Ref[customer], since?: time, limit?: int",
        "list[order]",
        "Orders that match everything given, newest first. Numbers match exactly but for case, spaces and a leading #; e-mail "
        "addresses but for case. At least one of number, email and customer. `limit` is 20 where it is left out.",
    ),
    _read("orders.get", "order: Ref[order]", "order", "One order as it is now."),
    _read("customers.find", "email: string", "list[customer]", "Customers with exactly this e-mail address (but for case)."),
    _read("customers.history", "customer: Ref[customer], limit?: int", "list[order]", "A customer's orders, newest first."),
    _read("shipments.track", "shipment: Ref[shipment]", "shipment", "Where a parcel is now."),
    _read("payments.get", "payment: Ref[payment]", "payment", "One payment with what was refunded."),
    _read("returns.get", "return: Ref[return]", "return", "One return as it is now."),
    _read("returns.find", "number?: string, order?: Ref[order]", "list[return]", "Returns by their number, or of an order."),
    _read("invoices.get", "order: Ref[order]", "invoice", "The invoice of an order; not_found where there is none yet."),
    _read(
        "products.find",
        "sku: string, attributes?: map[string], currency?: string",
        "list[product]",
        "All variants of the item that `sku` (or its style) belongs to, with stock; only those with all `attributes`.",
    ),
    _write(
        "orders.cancel",
        "order: Ref[order], lines?: list[line]",
        "number: string, amount: Money",
        "Cancel an order, or only some lines, before it is shipped. Where the system refunds by itself, what was captured for "
        "the cancelled pieces goes back to the payments (with the shipping fee when nothing is left): `amount` says how much.",
        money="order.refundable",
    ),
    _write(
        "payments.refund",
        "payment: Ref[payment], amount: Money, lines?: list[line], return?: Ref[return]",
        "amount: Money, method: string",
        "Pay money back on one payment, never more than is refundable. `lines` notes what it is for; `return` marks that "
        "return as refunded.",
        money="amount",
    ),
    _write(
        "orders.refund",
        "order: Ref[order], amount: Money, lines?: list[line], return?: Ref[return]",
        "amount: Money, method: string",
        "Like payments.refund, spread over all payments of an order, the last one first (for orders paid in several ways).",
        money="amount",
    ),
    _write(
        "returns.create",
        "order: Ref[order], lines: list[line], reason: string",
        "number: string, label_url: string, amount: Money",
        "Register a return of delivered lines that can be returned and are in no return yet. `amount` is what they are worth.",
    ),
    _write(
        "returns.close", "return: Ref[return]", "number: string", "Close a return; pieces still with the customer stay there."
    ),
    _write(
        "orders.change_address",
        "order: Ref[order], address: address",
        "address: address",
        "Deliver somewhere else, while nothing was shipped and within the same country. Name and country stay where left out.",
    ),
    _write(
        "orders.change_item",
        "order: Ref[order], line: line, attributes?: map[string], sku?: string",
        "sku: string, title: string",
        "Another variant of the same item at the same price (size, colour), while nothing is shipped. One of both is needed.",
    ),
    _write(
        "orders.reship",
        "order: Ref[order], lines: list[line]",
        "number: string, expected_at: time",
        "Send lost or damaged pieces again, free of charge. `number` is the new parcel.",
    ),
    _write("invoices.send", "order: Ref[order], email?: string", "number: string", "Send the invoice to the order's address."),
    _write("orders.add_note", "order: Ref[order], text: string", "", "Leave a note for colleagues on the order."),
    _write(
        "vouchers.issue",
        "customer: Ref[customer], amount: Money, valid_days?: int",
        "code: string, amount: Money, expires_at: time",
        "A voucher for the customer; valid for 365 days where nothing else is said.",
        money="amount",
    ),
    _write(
        "shipments.trace",
        "shipment: Ref[shipment]",
        "number: string, answer_by: time",
        "Ask the carrier to search for a parcel that is late or said to be missing; the answer is due at `answer_by`.",
    ),
    _write(
        "handoff.create",
        "case: string, summary: string, queue: string",
        "number: string",
        "Hand a case to people who work in the retailer's own help desk.",
    ),
)

BUILT_IN: Mapping[str, Operation] = {operation.name: operation for operation in _BUILT_IN}


def records() -> dict[str, dict[str, str]]:
    """Record type -> field -> type word, derived from the records of `commerce.model`."""
    return {name: _fields(name, record) for name, record in _RECORDS.items()}


def _fields(name: str, record: type) -> dict[str, str]:
    hints = get_type_hints(record)
    words = {item.name: _word(hints[item.name]) for item in fields(record)}
    for field, word in words.items():
        if word == "Ref":  # a record's own reference, or a field that is called after what it points to
            words[field] = f"Ref[{name if field == 'ref' else field}]"
    return words


def _word(hint: object) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Ref:
        return "Ref"
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is types.UnionType:
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return f"optional[{_word(inner)}]"
    if origin is Literal:
        return f"enum[{'|'.join(arguments)}]"
    if origin is tuple:
        return f"list[{_word(arguments[0])}]"
    if origin is Mapping:
        return "map[string]"
    return next(name for name, record in _RECORDS.items() if record is hint)
