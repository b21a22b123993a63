"""The fourth reading of a condition: its value for all facts at once. It follows `cel.evaluate` case by case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import z3

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import (
    Binary,
    Call,
    Choice,
    Each,
    Expr,
    Has,
    Index,
    Items,
    Lit,
    Member,
    Name,
    Null,
    Unary,
)
from caseworker.sop.proving.functions import call
from caseworker.sop.proving.logic import Term, both, either, equal, no, total
from caseworker.sop.proving.operators import operate
from caseworker.sop.proving.values import NOTHING, OK, Slot, Status, Val, choose, trouble
from caseworker.sop.proving.world import World

Bound = Mapping[str, Val]
_FAULT = Val("any", 0, Status(fault=True))


class Facts(Protocol):
    """Where conditions read their facts."""

    @property
    def world(self) -> World: ...

    def get(self, name: str) -> Val: ...

    def country(self) -> Val: ...


@dataclass
class Reading:
    """Reads conditions over one state of the facts. `atoms` are the closed yes-or-no questions that were met on the way."""

    facts: Facts
    atoms: dict[Expr, Val] = field(default_factory=dict)
    _read: dict[Expr, Val] = field(default_factory=dict)

    def source(self, text: str) -> Val:
        """The value of a source text. One that cannot be read is a fault whenever it is used."""
        try:
            return self.value(parse(text), {})
        except CelError:
            return _FAULT

    def value(self, expr: Expr, bound: Bound) -> Val:
        """The value of an expression; `bound` are loop variables."""
        if bound:
            return self._value(expr, bound)
        if expr not in self._read:
            found = self._read[expr] = self._value(expr, bound)
            if found.kind == "bool" and not isinstance(expr, Lit | Choice | Unary) and not _joined(expr):
                self.atoms[expr] = found
        return self._read[expr]

    def _value(self, expr: Expr, bound: Bound) -> Val:
        match expr:
            case Lit(value=value, kind=kind):
                return self._literal(value, kind)
            case Name(name=name):
                return bound[name] if name in bound else self.facts.get(name)
            case Member(target=target, name=name):
                return _field(self.value(target, bound), name)
            case Has(target=target):
                return self._has(target, bound)
            case Binary():
                return self._binary(expr, bound)
            case Call(name=name, arguments=arguments):
                return call(name, [self.value(argument, bound) for argument in arguments], self.facts)
            case Each():
                return self._each(expr, bound)
        return self._other(expr, bound)

    def _other(self, expr: Null | Index | Unary | Choice | Items, bound: Bound) -> Val:
        match expr:
            case Null():
                return _FAULT
            case Index(target=target, index=index):
                return _item(self.value(target, bound), self.value(index, bound), self.facts.world)
            case Unary(operator=sign, operand=operand):
                return _unary(sign, self.value(operand, bound))
            case Choice(condition=condition, then=then, other=other):
                truth = self.value(condition, bound)
                picked = choose(truth.term, self.value(then, bound), self.value(other, bound))
                status = trouble(truth.status, picked.status.under(truth.status.ok))
                return Val(picked.kind, picked.term, status, picked.currency)
            case Items(items=items):
                found = [self.value(item, bound) for item in items]
                return Val(
                    "list", tuple(Slot(there=True, value=item) for item in found), trouble(*(item.status for item in found))
                )

    def _literal(self, value: object, kind: str) -> Val:
        if kind == "string":
            return Val("string", self.facts.world.text(str(value)))
        return Val(kind, z3.RealVal(str(value)) if kind == "double" else value)

    def _has(self, target: Expr, bound: Bound) -> Val:
        if isinstance(target, Member):
            record = self.value(target.target, bound)
            if record.kind in ("record", "map"):
                inside = record.term.raw(target.name)
                return _present(Val(inside.kind, inside.term, trouble(record.status, inside.status)))
        return _present(self.value(target, bound))

    # -- logic ---------------------------------------------------------------------------------------------------------

    def _binary(self, expr: Binary, bound: Bound) -> Val:
        left, right = self.value(expr.left, bound), self.value(expr.right, bound)
        if expr.operator in ("&&", "||"):
            return kleene(left, right, decides=expr.operator == "||")
        return operate(expr.operator, left, right, self.facts.world)

    def _each(self, expr: Each, bound: Bound) -> Val:
        items = self.value(expr.target, bound)
        if items.kind != "list":
            return items if items.kind == "any" else _FAULT
        results = [Slot(slot.there, self.value(expr.body, {**bound, expr.variable: slot.value})) for slot in items.slots]
        found = _FOLDS[expr.kind](items.slots, results)
        return found.with_status(items.status) if items.status is not OK else found


def _joined(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.operator in ("&&", "||")


def _field(record: Val, name: str) -> Val:
    if record.kind not in ("record", "map"):
        return Val("any", 0, trouble(record.status, Status() if record.kind == "any" else Status(fault=True)))
    inside: Val = record.term.field(name)
    return (
        inside if record.status is OK else Val(inside.kind, inside.term, trouble(record.status, inside.status), inside.currency)
    )


def _present(value: Val) -> Val:
    status = value.status
    return Val("bool", no(status.absent), Status(status.unknown, status.dead, status.fault, mix=status.mix))


def _item(items: Val, index: Val, world: World) -> Val:
    if items.kind == "map":
        if not isinstance(index.term, int):
            return _after(items.term.entry(index), items.status, index.status)
        return _field(items, world.texts()[index.term])
    found = NOTHING
    for position, slot in reversed(list(enumerate(items.slots))):
        before = total(_counted(other.there) for other in items.slots[:position])
        found = choose(both(slot.there, equal(before, index.term)), slot.value, found)
    return found if items.status is index.status is OK else _after(found, items.status, index.status)


def _after(value: Val, *statuses: Status) -> Val:
    return Val(value.kind, value.term, trouble(*statuses, value.status), value.currency)


def _counted(there: Term) -> Term:
    return int(there) if isinstance(there, bool) else z3.If(there, 1, 0)


def _unary(sign: str, operand: Val) -> Val:
    if sign == "!":
        return Val("bool", no(operand.term), operand.status) if operand.kind == "bool" else _after(_FAULT, operand.status)
    return Val(operand.kind, -operand.term, operand.status, operand.currency)


def kleene(left: Val, right: Val, *, decides: bool) -> Val:
    """`&&` (decided by false) and `||` (decided by true)."""
    first, second = (left.true, right.true) if decides else (left.false, right.false)
    decided = either(first, second)
    status = trouble(_truth(left), _truth(right)).under(no(decided))
    return Val("bool", decided if decides else no(decided), status)


def _truth(value: Val) -> Status:
    return value.status if value.kind in ("bool", "any") else trouble(value.status, Status(fault=True))


# -- lists -------------------------------------------------------------------------------------------------------------


def _troubles(results: Sequence[Slot]) -> Status:
    return trouble(*(slot.value.status.under(slot.there) for slot in results if slot.value.status is not OK))


def _all(_items: Sequence[Slot], results: Sequence[Slot]) -> Val:
    broken = either(*(both(slot.there, slot.value.false) for slot in results))
    return Val("bool", no(broken), _troubles(results).under(no(broken)))


def _exists(_items: Sequence[Slot], results: Sequence[Slot]) -> Val:
    found = either(*(both(slot.there, slot.value.true) for slot in results))
    return Val("bool", found, _troubles(results).under(no(found)))


def _exists_one(_items: Sequence[Slot], results: Sequence[Slot]) -> Val:
    count = total(_counted(both(slot.there, slot.value.true)) for slot in results)
    return Val("bool", equal(count, 1), _troubles(results))


def _filter(items: Sequence[Slot], results: Sequence[Slot]) -> Val:
    kept = (Slot(both(item.there, slot.value.term), item.value) for item, slot in zip(items, results, strict=True))
    return Val("list", tuple(slot for slot in kept if slot.there is not False), _troubles(results))


def _map(_items: Sequence[Slot], results: Sequence[Slot]) -> Val:
    plain = (Slot(slot.there, Val(slot.value.kind, slot.value.term, OK, slot.value.currency)) for slot in results)
    return Val("list", tuple(plain), _troubles(results))


_FOLDS: Mapping[str, Callable[[Sequence[Slot], Sequence[Slot]], Val]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
