"""What the rules of the shop are given, what they give back, and the checks that several of them share. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from caseworker.commerce.adapters.sandbox.amounts import Document, Movement, allot, line_refundable
from caseworker.commerce.adapters.sandbox.records import ORDER_STATES, SYSTEM, status
from caseworker.commerce.arguments import Pieces
from caseworker.commerce.errors import AmountExceeded, BadArguments, InvalidState, NotFound
from caseworker.core.money import Money
from caseworker.core.refs import Ref

OPEN_STATES = ("placed", "paid", "processing")
RETURN_OPEN = ("requested", "in_transit")


@dataclass(frozen=True, slots=True)
class Asked:
    """One write as a rule sees it. `variants` are the products of the shop that the write may be about."""

    arguments: Mapping[str, object]
    now: datetime
    case: str
    key: str
    variants: tuple[Document, ...] = ()

    @property
    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def ref(self, name: str) -> Ref | None:
        """A reference among the arguments."""
        value = self.arguments.get(name)
        return value if isinstance(value, Ref) else None

    def amount(self) -> Money:
        value = self.arguments["amount"]
        assert isinstance(value, Money)
        return value

    def pieces(self, name: str = "lines") -> tuple[Pieces, ...]:
        value = self.arguments.get(name)
        found = value if isinstance(value, tuple) else (value,) if isinstance(value, Pieces) else ()
        return tuple(item for item in found if isinstance(item, Pieces))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule did. `already` says that everything was so before; `quiet` that the order's version stays."""

    ref: Ref | None
    values: Mapping[str, object] = field(default_factory=dict)
    movements: tuple[Movement, ...] = ()
    already: bool = False
    quiet: bool = False


def ref_to(kind: str, identifier: str) -> Ref:
    return Ref(SYSTEM, kind, identifier)


def must_be_known(order: Document) -> None:
    if status(order["state"], ORDER_STATES) == "other":
        raise InvalidState(
            f"Order {order['number']} is in the state {order['state']!r}, which is not known here; nothing is done to it.",
            current=order["state"],
        )


def must_be_in(order: Document, become: str, allowed: tuple[str, ...]) -> None:
    if order["state"] not in allowed:
        raise InvalidState(
            f"Order {order['number']} is {order['state']} and can no longer be {become}.",
            current=order["state"],
            allowed=allowed,
        )


def chosen_lines(order: Document, wanted: Iterable[Pieces]) -> list[tuple[Document, int | None]]:
    known = {line["id"]: line for line in order["lines"]}
    found: dict[str, tuple[Document, int | None]] = {}
    for item in wanted:
        if item.id not in known:
            raise NotFound(f"Order {order['number']} has no line {item.id!r}.", remedy="Choose among the order's lines.")
        if item.id in found:
            raise BadArguments(f"Line {item.id!r} is named twice.", remedy="Name each line once, with a quantity.")
        found[item.id] = (known[item.id], item.quantity)
    return list(found.values())


def unsent(line: Document) -> int:
    return int(line["quantity"] - line["shipped"] - line["cancelled"])


def gone(line: Document) -> bool:
    return bool(line["cancelled"] >= line["quantity"])


def how_many(wanted: int | None, possible: int, line: Document, what: str) -> int:
    """How many pieces: all that are possible where no number was given; InvalidState where there are not so many."""
    if possible < 1 or (wanted is not None and wanted > possible):
        raise InvalidState(f"Of {line['title']} only {max(0, possible)} are {what}.", current=f"{max(0, possible)} {what}")
    return possible if wanted is None else wanted


def return_of(order: Document, asked: Asked) -> Document:
    ref = asked.ref("return")
    found: list[Document] = [back for back in order["returns"] if ref and back["id"] == ref.id]
    if not found:
        raise NotFound(f"Order {order['number']} has no return {ref.id if ref else ''!r}.", remedy="Look the order up again.")
    return found[0]


def parts_of(order: Document, parcel: Document) -> list[tuple[Document, Document]]:
    known = {line["id"]: line for line in order["lines"]}
    return [(known[part["line"]], part) for part in parcel["lines"]]


def refundable_amount(order: Document, asked: Asked, limit: int) -> int:
    """The asked amount in minor units, checked against payment, lines and return; notes it on both."""
    amount = asked.amount()
    if amount.currency != order["currency"]:
        raise BadArguments(
            f"{amount} cannot be refunded on an order in {order['currency']}.", remedy="Use the order's currency."
        )
    back = return_of(order, asked) if asked.ref("return") else None
    lines = [line for line, _ in chosen_lines(order, asked.pieces())] or [
        line for line, _ in parts_of(order, back or {"lines": []})
    ]
    if lines:
        limit = min(limit, sum(line_refundable(order, line) for line in lines))
    if back and back["state"] not in (*RETURN_OPEN, "received"):
        raise InvalidState(
            f"Return {back['number']} is {back['state']}.", current=back["state"], allowed=(*RETURN_OPEN, "received")
        )
    if amount.minor > limit:
        most = Money(limit, order["currency"])
        raise AmountExceeded(f"{amount} is more than the {most} that can be refunded.", max=most)
    allot(order, lines, amount.minor)
    if back:
        back.update(state="refunded", refunded_at=asked.stamp)
    return amount.minor
