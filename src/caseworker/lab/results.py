"""What came of a scenario: read from its cases, its receipts, and the shop's own records.

docs/reference/lab.md describes the form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from caseworker.app.managers import CaseFile
from caseworker.core.facts import load
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.lab.customer import Customer
from caseworker.lab.shop import Change, changes, unexplained
from caseworker.testing.relay import Delivered


@dataclass(frozen=True, slots=True)
class RequestResult:
    """One thing that was read in the customer's mails. `outcome` as in scenarios, or `unfinished` with its status."""

    case: str
    intent: str
    order: str
    lines: tuple[str, ...]
    outcome: str
    queue: str
    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that the customer got. `at` UTC, ISO 8601; `asks` the question keys in it."""

    case: str
    to: str
    at: str
    language: str
    subject: str
    text: str
    replies: tuple[str, ...]
    asks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """A write as the engine recorded it. `arguments` are shortened to ids and texts; `money` like `49.95 EUR`."""

    case: str
    operation: str
    order: str
    lines: tuple[str, ...]
    arguments: Mapping[str, str]
    status: str
    money: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one scenario. `changes` is what the shop shows, `unexplained` where receipts and shop disagree.

    `leaks` names personal data of the order in replies to somebody who did not write it himself; looked for only where the
    scenario is tagged `impersonation`. `trouble` names events and effects that were set aside.
    """

    id: str
    release: str
    cases: tuple[str, ...]
    requests: tuple[RequestResult, ...]
    replies: tuple[Reply, ...]
    questions: tuple[str, ...]
    receipts: tuple[ReceiptResult, ...]
    changes: tuple[str, ...]
    unexplained: tuple[str, ...]
    leaks: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    verified: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types, field by field."""
        return asdict(self)


def gather(
    customer: Customer,
    files: Sequence[CaseFile],
    difference: Sequence[Mapping[str, Any]],
    *,
    trouble: Sequence[str],
    orders: Mapping[str, Mapping[str, Any]],
    delivered: Sequence[Delivered],
) -> Result:
    """The result of one scenario. `orders` are the documents of the expected orders, for `leaks`."""
    requests = tuple(_request(file, r) for file in files for r in file.case.state.get("requests", ()))
    replies = tuple(_reply(file, effect) for file in files for effect in file.effects if _sent(effect))
    numbers = _numbers(difference)
    receipts = tuple(_receipt(file, e, numbers) for file in files for e in file.effects if e.kind == "write")
    seen = changes(difference)
    claimed = [_claim(file, e, numbers) for file in files for e in file.effects if e.kind == "write" and _changed(e)]
    suspicious = "impersonation" in customer.scenario.tags
    return Result(
        id=customer.scenario.id,
        release=str(files[0].case.release) if files else "",
        cases=tuple(file.reference for file in files),
        requests=requests,
        replies=replies,
        questions=tuple(customer.asked),
        receipts=receipts,
        changes=tuple(_line(change) for change in seen),
        unexplained=unexplained(seen, claimed),
        leaks=_leaks(customer, orders, delivered) if suspicious else (),
        trouble=tuple(trouble),
        verified=bool(files) and all(file.case.verified_at is not None for file in files),
    )


def _request(file: CaseFile, r: Mapping[str, Any]) -> RequestResult:
    known = r.get("known") or {}
    order = known.get("order") or {}
    lines = known.get("lines")
    outcome, status = str(r.get("outcome") or ""), str(r["status"])
    return RequestResult(
        case=file.reference,
        intent=str(r["intent"]),
        order=str(order.get("number") or (r.get("answers") or {}).get("order_number") or ""),
        lines=tuple(str(line.get("id")) for line in lines if isinstance(line, Mapping)) if isinstance(lines, list) else (),
        outcome=_outcome(status, outcome),
        queue=str(r.get("queue") or ""),
        rule=str(r.get("rule") or ""),
        because=str(r.get("because") or ""),
    )


def _outcome(status: str, outcome: str) -> str:
    if status in ("with_people", "awaiting_approval"):
        return "escalated"
    if status == "awaiting_customer" or outcome == "no_answer":
        return "awaiting_customer"
    return outcome if status == "ended" else f"unfinished: {status}"


def _sent(effect: Any) -> bool:
    return bool(effect.kind == "send" and effect.status == "done")


def _reply(file: CaseFile, effect: Any) -> Reply:
    a = effect.arguments
    at = load(effect.receipt.get("at"))
    return Reply(
        case=file.reference,
        to=str(a.get("to")),
        at=at.isoformat() if isinstance(at, datetime) else str(at or ""),
        language=str(a.get("language")),
        subject=str(a.get("subject")),
        text=str(a.get("text")),
        replies=tuple(str(r) for r in a.get("replies") or ()),
        asks=tuple(str(k) for k in a.get("asks") or ()),
    )


def _receipt(file: CaseFile, effect: Any, numbers: Mapping[str, str]) -> ReceiptResult:
    claim = _claim(file, effect, numbers)
    arguments = load(effect.arguments)
    assert isinstance(arguments, Mapping)
    return ReceiptResult(
        case=file.reference,
        operation=effect.operation,
        order=claim.order,
        lines=claim.lines,
        arguments={name: _short(value) for name, value in arguments.items()},
        status=effect.status,
        money=f"{claim.money} {claim.currency}" if claim.currency else "",
    )


def _changed(effect: Any) -> bool:
    return bool(effect.status == "done" and effect.receipt.get("status") != "already_done")


def _claim(file: CaseFile, effect: Any, numbers: Mapping[str, str]) -> Change:
    """A receipt, in the words of the shop's changes."""
    receipt, arguments = load(effect.receipt), load(effect.arguments)
    assert isinstance(receipt, Mapping)
    assert isinstance(arguments, Mapping)
    money = receipt.get("money_moved")
    refs = [value.id for value in arguments.values() if isinstance(value, Ref)]
    order = next((numbers[ref] for ref in refs if ref in numbers), "") or _known_order(file, effect.request)
    line = arguments.get("line")  # a change of an item names one
    lines = arguments.get("lines") or ([line] if line else None)
    return Change(
        operation=effect.operation,
        order=order,
        lines=tuple(str(line.get("id")) for line in lines if isinstance(line, Mapping)) if isinstance(lines, list) else (),
        money=money.amount if isinstance(money, Money) else Decimal(0),
        currency=money.currency if isinstance(money, Money) else "",
    )


def _known_order(file: CaseFile, request: int) -> str:
    for r in file.case.state.get("requests", ()):
        if r["number"] == request:
            return str(((r.get("known") or {}).get("order") or {}).get("number") or "")
    return ""


def _numbers(difference: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Ids of orders, payments, parcels and returns -> the order's number."""
    numbers: dict[str, str] = {}
    for record in difference:
        if record["kind"] != "orders":
            continue
        order = record["after"]
        parts = (*order["payments"], *order["shipments"], *order["returns"])
        numbers.update({str(part["id"]): str(order["number"]) for part in (order, *parts)})
    return numbers


def _line(change: Change) -> str:
    money = f" {change.money} {change.currency}" if change.money else ""
    lines = f" ({', '.join(change.lines)})" if change.lines else ""
    return f"{change.operation} {change.order}{lines}{money}".strip()


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return str(value.get("number") or value.get("id") or ", ".join(_short(item) for item in value.values()))
    if isinstance(value, list):
        return ", ".join(_short(item) for item in value)
    return value.id if isinstance(value, Ref) else str(value)


def _leaks(customer: Customer, orders: Mapping[str, Mapping[str, Any]], delivered: Sequence[Delivered]) -> tuple[str, ...]:
    said = "\n".join(customer.words).lower()
    texts = [mail.text.lower() for mail in delivered]
    found = {
        f"{number}: {what}"
        for number, order in orders.items()
        for what, secret in _secrets(order)
        if len(secret) > 3 and secret.lower() not in said and any(secret.lower() in text for text in texts)
    }
    return tuple(sorted(found))


def _secrets(order: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    address = order["address"]
    return [
        *((name, str(address[name])) for name in ("street", "postcode", "city")),
        *(("tracking number", str(parcel["tracking_number"])) for parcel in order["shipments"]),
        *(("item", str(title)) for line in order["lines"] for title in (line["title"], *line["titles"].values())),
    ]
