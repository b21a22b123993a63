"""What keeps a write from happening twice: keys, hashes of arguments, locks, and what is refundable. Pure.

No shop that was tried protects against a repeated refund, so the protection is ours (docs/why/house.md): the key names the
write, the hash tells whether it is the same write, the lock keeps two writers from checking the same money at once.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from caseworker.commerce.ports import WriteCall
from caseworker.core import facts
from caseworker.core.money import Money
from caseworker.core.refs import Ref

_REFUNDS = frozenset({"payments.refund"})
_MOVES_MONEY_OF_ORDER = frozenset({"orders.cancel", "orders.refund"})


def arguments_hash(arguments: Mapping[str, object]) -> str:
    """64 hex digits that are equal for equal arguments.

    A reference counts without its version and a record by its identity and quantity, since both are read anew before a write
    is tried again and the write stays the same one.
    """
    return _digest(facts.dump(_essence(facts.of(arguments))))


def lock_keys(call: WriteCall, *, payments: Iterable[Ref] = ()) -> tuple[str, ...]:
    """The names of the locks a writer must hold, sorted, so that two writers never wait for each other.

    One lock per payment for refunds, and for cancels and refunds of an order with all of the order's payments: those of the
    order where it is given as a whole record, and `payments` (as read before the call) where it is only named. One lock per
    order for every other write. A write that touches neither locks the record it names, or nothing.
    """
    if call.operation in _REFUNDS:
        return _names(call, "payment")
    if call.operation in _MOVES_MONEY_OF_ORDER:
        order = call.arguments.get("order")
        given = order.get("payments") if isinstance(order, Mapping) else None
        known = [*payments, *(ref for ref in map(_ref, given if isinstance(given, list) else ()) if ref)]
        paid = {f"{call.shop}:payment:{ref.id}" for ref in known}
        return tuple(sorted(paid | set(_names(call, "order"))))
    return _names(call, "order") or _names(call, None)


def refundable(captured: Money, refunded: Money, in_flight: Money) -> Money:
    """captured - refunded - in flight, never negative. MoneyError where the currencies differ."""
    return max(captured - refunded - in_flight, Money(0, captured.currency))


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """What differs between two readings of a record (as facts), for `before` and `after` of a receipt.

    By path, records in lists by their identity: `{"status": "paid", "lines.L1.cancelled": 0}` and the same with the new values.
    What is there on one side only is given whole on that side.
    """
    old, new = dict(_flat("", before, after)), dict(_flat("", after, before))
    return old, new


def _flat(path: str, value: object, other: object) -> Iterable[tuple[str, object]]:
    """Paths and values of `value` that differ from `other`."""
    mine, theirs = _by_name(value), _by_name(other)
    if mine is None or theirs is None:
        if value != other:
            yield path, value
        return
    for name, item in mine.items():
        below = f"{path}.{name}" if path else name
        if name not in theirs:
            yield below, item
        else:
            yield from _flat(below, item, theirs[name])


def _by_name(value: object) -> Mapping[str, object] | None:
    """A mapping as it is, a list of records by their identity, None for everything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list):
        names = [_identity(item) for item in value]
        if all(names):
            return dict(zip(names, value, strict=True))
    return None


def _identity(value: object) -> str:
    if not isinstance(value, Mapping):
        return ""
    ref = _ref(value)
    return ref.id if ref else str(value.get("id") or "")


def _names(call: WriteCall, kind: str | None) -> tuple[str, ...]:
    refs = [_ref(value) for value in call.arguments.values()]
    return tuple(sorted({f"{call.shop}:{ref.type}:{ref.id}" for ref in refs if ref and kind in (None, ref.type)}))


def _ref(value: object) -> Ref | None:
    if isinstance(value, Mapping):
        value = value.get("ref")
    return value if isinstance(value, Ref) else None


def _essence(value: object) -> object:
    if isinstance(value, Ref):
        return Ref(value.system, value.type, value.id)
    if isinstance(value, list):
        return [_essence(item) for item in value]
    if isinstance(value, Mapping):
        if isinstance(value.get("ref"), Ref):
            return _essence(value["ref"])
        if "id" in value:
            return {"id": value["id"], "quantity": value.get("quantity")}
        return {key: _essence(item) for key, item in value.items() if item is not None}
    return value


def _digest(value: object) -> str:
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()
