"""The form of shop.json: every field of every record, what it may hold and what it is when it is left out.

`read` checks a whole shop before anything is loaded. It collects every problem with its JSON path, completes what was left out,
and brings amounts (`12.3` -> `12.30`) and times (`Z`, to the second) into one spelling. The table of fields is repeated for
people in docs/reference/shop-json.md.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from caseworker.commerce.adapters.sandbox.amounts import Document
from caseworker.commerce.adapters.sandbox.whole import complete_order, inconsistencies
from caseworker.commerce.errors import CommerceError
from caseworker.core.money import Money, MoneyError, is_currency

KINDS = ("products", "customers", "orders", "vouchers", "handoffs")
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d+)?")
_SHOWN = 20
_MOST = 1_000_000  # pieces; more is a slip

Check = Callable[[object, str, "Problems", str], Any]


class ShopError(CommerceError):
    """A shop.json that cannot be loaded. `problems` are all that were found, each beginning with its JSON path."""

    code = "bad_shop"

    def __init__(self, problems: list[str]) -> None:
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        super().__init__(
            "The shop cannot be loaded:\n" + "\n".join(problems[:_SHOWN]) + more + "\n",
            remedy="Nothing was loaded. Correct these places; docs/reference/shop-json.md lists every field.",
        )
        self.problems = problems


class Problems:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, path: str, value: object, wrong: str) -> None:
        shown = "null" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
        self.found.append(f"{path}: {shown if len(shown) < 80 else shown[:77] + '...'} {wrong}")


class Required:
    """Stands in the table where a field must be given."""


REQUIRED = Required()


def _words(value: object, path: str, problems: Problems, currency: str) -> str:
    del currency
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            problems.add(path, ascii(value), "has characters that cannot be stored")
        return value
    problems.add(path, value, "is no text")
    return ""


def _name(value: object, path: str, problems: Problems, currency: str) -> str:
    found = _words(value, path, problems, currency)
    if not found.strip() and isinstance(value, str):
        problems.add(path, value, "is empty")
    return found


def _amount(value: object, path: str, problems: Problems, currency: str) -> str:
    """An exact amount: a decimal string or a whole number of major units; never a JSON number with decimals."""
    written = str(value) if type(value) is int else value
    if not isinstance(written, str) or not _AMOUNT.fullmatch(written):
        problems.add(path, value, "is no amount")
    elif written.startswith("-"):
        problems.add(path, value, "is negative")
    elif is_currency(currency):
        try:
            return str(Money.parse(written, currency).amount)
        except MoneyError:
            problems.add(path, value, f"has more decimals than {currency}")
    return "0"


def _time(value: object, path: str, problems: Problems, currency: str) -> str:
    del currency
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        problems.add(path, value, "is no time such as 2026-12-02T09:00:00Z")
        return ""
    if moment.tzinfo is None:
        problems.add(path, value, "has no time zone; write Z for UTC")
        return ""
    if not 1970 <= moment.year < 9000:
        problems.add(path, value, "is no time of a shop")
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _count(value: object, path: str, problems: Problems, currency: str) -> int:
    del currency
    if type(value) is int and 0 <= value <= _MOST:
        return value
    problems.add(path, value, f"is no whole number from 0 to {_MOST}")
    return 0


def _flag(value: object, path: str, problems: Problems, currency: str) -> bool:
    del currency
    if not isinstance(value, bool):
        problems.add(path, value, "is neither true nor false")
    return value is True


def _currency(value: object, path: str, problems: Problems, currency: str) -> str:
    del currency
    if not is_currency(value):
        problems.add(path, value, "is no ISO 4217 currency")
    return str(value)


def _texts(value: object, path: str, problems: Problems, currency: str) -> dict[str, str]:
    """A mapping of texts: titles by language, attributes by name."""
    if not isinstance(value, Mapping):
        problems.add(path, value, "is no mapping of texts")
        return {}
    return {str(key): _words(item, f"{path}.{key}", problems, currency) for key, item in value.items()}


def _prices(value: object, path: str, problems: Problems, currency: str) -> dict[str, str]:
    del currency
    if not isinstance(value, Mapping):
        problems.add(path, value, "is no mapping of currency to amount")
        return {}
    return {_currency(key, path, problems, ""): _amount(item, f"{path}.{key}", problems, key) for key, item in value.items()}


def _or_null(check: Check) -> Check:
    return lambda value, path, problems, currency: None if value is None else check(value, path, problems, currency)


def _many(check: Check) -> Check:
    def checked(value: object, path: str, problems: Problems, currency: str) -> list[Any]:
        if not isinstance(value, list):
            problems.add(path, value, "is no list")
            return []
        return [check(item, f"{path}[{index}]", problems, currency) for index, item in enumerate(value)]

    return checked


def _record(fields: Mapping[str, tuple[Check, object]]) -> Check:
    """A mapping with exactly these fields. A default that is callable is called with the fields above it; `currency` of a
    record is the currency of every amount in it."""

    def checked(value: object, path: str, problems: Problems, currency: str) -> Document:
        if not isinstance(value, Mapping):
            problems.add(path, value, "is no record")
            return {}
        for extra in [key for key in value if key not in fields]:
            [near, *_] = [*get_close_matches(str(extra), fields, n=1, cutoff=0.75), ""]
            problems.found.append(f"{path}.{extra}: is no field of this record" + (f"; perhaps {near}?" if near else ""))
        own = value.get("currency", fields["currency"][1]) if "currency" in fields else currency
        result: Document = {}
        for name, (check, default) in fields.items():
            given = value.get(name, default)
            if isinstance(given, Required):
                problems.found.append(f"{path}.{name}: is missing")
                continue
            filled = given(result) if callable(given) else given
            result[name] = check(filled, f"{path}.{name}", problems, str(own))
        return result

    return checked


def _same(field: str) -> Callable[[Document], object]:
    return lambda record: record.get(field)


def _nothing(record: Document) -> list[Any]:
    del record
    return []


def _blank(record: Document) -> dict[str, Any]:
    del record
    return {}


ADDRESS: Mapping[str, tuple[Check, object]] = {
    "name": (_words, ""),
    "street": (_name, REQUIRED),
    "postcode": (_name, REQUIRED),
    "city": (_name, REQUIRED),
    "country": (_name, REQUIRED),
}
PART: Mapping[str, tuple[Check, object]] = {"line": (_name, REQUIRED), "quantity": (_count, 1)}
LINE: Mapping[str, tuple[Check, object]] = {
    "id": (_words, ""),
    "sku": (_name, REQUIRED),
    "title": (_name, REQUIRED),
    "titles": (_texts, _blank),
    "category": (_words, ""),
    "attributes": (_texts, _blank),
    "quantity": (_count, 1),
    "shipped": (_or_null(_count), None),
    "delivered": (_or_null(_count), None),
    "cancelled": (_or_null(_count), None),
    "returned": (_count, 0),
    "reshipped": (_count, 0),
    "unit_price": (_amount, REQUIRED),
    "refunded": (_amount, "0"),
    "returnable": (_flag, True),
    "final_sale": (_flag, False),
}
PAYMENT: Mapping[str, tuple[Check, object]] = {
    "id": (_words, ""),
    "method": (_name, "card"),
    "state": (_words, ""),
    "captured": (_amount, "0"),
    "authorised": (_amount, _same("captured")),
    "refunded": (_amount, "0"),
    "in_flight": (_amount, "0"),
    "last_refund_at": (_or_null(_time), None),
}
TRACE: Mapping[str, tuple[Check, object]] = {
    "number": (_name, REQUIRED),
    "opened_at": (_time, REQUIRED),
    "answer_by": (_time, REQUIRED),
}
SHIPMENT: Mapping[str, tuple[Check, object]] = {
    "id": (_words, ""),
    "carrier": (_words, "Nordpost"),
    "tracking_number": (_words, ""),
    "tracking_url": (_words, ""),
    "state": (_name, "in_transit"),
    "shipped_at": (_or_null(_time), None),
    "expected_at": (_or_null(_time), None),
    "delivered_at": (_or_null(_time), None),
    "last_scan_at": (_or_null(_time), _same("shipped_at")),
    "pickup_point": (_or_null(_words), None),
    "pickup_until": (_or_null(_time), None),
    "trace": (_or_null(_record(TRACE)), None),
    "lines": (_many(_record(PART)), REQUIRED),
}
RETURN: Mapping[str, tuple[Check, object]] = {
    "id": (_words, ""),
    "number": (_words, ""),
    "state": (_name, "requested"),
    "reason": (_words, ""),
    "lines": (_many(_record(PART)), REQUIRED),
    "amount": (_or_null(_amount), None),
    "created_at": (_time, REQUIRED),
    "received_at": (_or_null(_time), None),
    "refund_due_at": (_or_null(_time), None),
    "refunded_at": (_or_null(_time), None),
    "label_url": (_words, ""),
}
INVOICE: Mapping[str, tuple[Check, object]] = {"number": (_name, REQUIRED), "sent_at": (_or_null(_time), None)}
NOTE: Mapping[str, tuple[Check, object]] = {
    "at": (_time, REQUIRED),
    "text": (_words, REQUIRED),
    "case": (_words, ""),
    "key": (_words, ""),
}
ORDER: Mapping[str, tuple[Check, object]] = {
    "number": (_name, REQUIRED),
    "id": (_name, _same("number")),
    "state": (_name, "placed"),
    "placed_at": (_time, REQUIRED),
    "shipped_at": (_or_null(_time), None),
    "delivered_at": (_or_null(_time), None),
    "expected_at": (_or_null(_time), None),
    "customer": (_name, REQUIRED),
    "email": (_words, ""),
    "country": (_words, ""),
    "brand": (_words, ""),
    "language": (_words, ""),
    "currency": (_currency, "EUR"),
    "shipping": (_amount, "0"),
    "address": (_record(ADDRESS), REQUIRED),
    "lines": (_many(_record(LINE)), REQUIRED),
    "payments": (_many(_record(PAYMENT)), _nothing),
    "shipments": (_many(_record(SHIPMENT)), _nothing),
    "returns": (_many(_record(RETURN)), _nothing),
    "invoice": (_or_null(_record(INVOICE)), None),
    "notes": (_many(_record(NOTE)), _nothing),
    "flags": (_many(_words), _nothing),
    "version": (_count, 1),
}
CUSTOMER: Mapping[str, tuple[Check, object]] = {
    "id": (_name, REQUIRED),
    "email": (_name, REQUIRED),
    "name": (_words, ""),
    "language": (_words, "en"),
    "country": (_words, ""),
    "since": (_time, "2020-01-01T00:00:00Z"),
    "flags": (_many(_words), _nothing),
}
PRODUCT: Mapping[str, tuple[Check, object]] = {
    "sku": (_name, REQUIRED),
    "style": (_words, _same("sku")),
    "title": (_name, REQUIRED),
    "titles": (_texts, _blank),
    "category": (_words, ""),
    "attributes": (_texts, _blank),
    "prices": (_prices, REQUIRED),
    "stock": (_count, 0),
    "returnable": (_flag, True),
    "final_sale": (_flag, False),
}
VOUCHER: Mapping[str, tuple[Check, object]] = {
    "code": (_name, REQUIRED),
    "customer": (_name, REQUIRED),
    "currency": (_currency, "EUR"),
    "amount": (_amount, REQUIRED),
    "issued_at": (_time, REQUIRED),
    "expires_at": (_time, REQUIRED),
    "case": (_words, ""),
}
HANDOFF: Mapping[str, tuple[Check, object]] = {
    "number": (_name, REQUIRED),
    "case": (_words, REQUIRED),
    "summary": (_words, ""),
    "queue": (_words, ""),
    "at": (_time, REQUIRED),
}
_SHOP: Mapping[str, tuple[Check, object]] = {
    "format": (_count, 1),
    "shop": (_words, ""),
    "at": (_or_null(_time), None),
    "products": (_many(_record(PRODUCT)), _nothing),
    "customers": (_many(_record(CUSTOMER)), _nothing),
    "orders": (_many(_record(ORDER)), _nothing),
    "vouchers": (_many(_record(VOUCHER)), _nothing),
    "handoffs": (_many(_record(HANDOFF)), _nothing),
}
ID_FIELDS = {"products": "sku", "customers": "id", "orders": "id", "vouchers": "code", "handoffs": "number"}


def _doubled(shop: Document) -> list[str]:
    """Identifiers that more than one record has."""
    named = {f"{kind}: {field}": [record[field] for record in shop[kind]] for kind, field in ID_FIELDS.items()}
    named["orders: number"] = [order["number"] for order in shop["orders"]]
    for part in ("payments", "shipments", "returns"):
        named[f"orders: {part}: id"] = [item["id"] for order in shop["orders"] for item in order[part]]
    return [f'{what} "{name}" stands {n} times' for what, names in named.items() for name, n in Counter(names).items() if n > 1]


def read(shop: object) -> dict[str, Any]:
    """The shop, checked and completed, or ShopError with every problem."""
    problems = Problems()
    checked: dict[str, Any] = _record(_SHOP)(shop, "shop", problems, "")
    problems.found = [found.removeprefix("shop.") for found in problems.found]
    if checked.get("format") != 1:
        problems.add("format", checked.get("format"), "is not 1, the only form this version reads")
    if problems.found:
        raise ShopError(problems.found)
    customers = {customer["id"]: customer for customer in checked["customers"]}
    for index, order in enumerate(checked["orders"]):
        complete_order(order, customers)
        problems.found += [f"orders[{index}].{found}" for found in inconsistencies(order, customers)]
    problems.found += _doubled(checked)
    if problems.found:
        raise ShopError(problems.found)
    return checked
