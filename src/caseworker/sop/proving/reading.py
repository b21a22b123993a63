"""The fourth reading of a condition: its value for all facts at once. It follows `cel.evaluate` case by case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    paths,
)
from caseworker.sop.proving.functions import call
from caseworker.sop.proving.logic import Term, both, either, equal, no
from caseworker.sop.proving.operators import operate
from caseworker.sop.proving.rests import item, kept, size_of, some, troubles
from caseworker.sop.proving.values import OK, Slot, Status, Val, choose, trouble
from caseworker.sop.proving.world import World

Bound = Mapping[str, tuple[Val, frozenset[str]]]  # loop variables, with the lists out of which they come
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
            return self._value(expr, bound).depending(_lists(expr, bound))
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
                return bound[name][0] if name in bound else self.facts.get(name)
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
                return replace(picked, status=status)
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
        return operate(expr.operator, left, right.depending(_lists(expr.left, bound)), self.facts.world)

    def _each(self, expr: Each, bound: Bound) -> Val:
        items = self.value(expr.target, bound)
        origin = frozenset([items.rest.name] if items.rest else []) | _lists(expr.target, bound)
        outside = {name: value for name, value in bound.items() if name != expr.variable}
        items = items.depending(_lists(expr.body, outside))
        if items.kind != "list":
            return items if items.kind == "any" else _FAULT

        def of(item: Val) -> Val:
            return self.value(expr.body, {**bound, expr.variable: (item, origin)})

        found = _FOLDS[expr.kind](items, [of(slot.value) for slot in items.slots], of)
        return found.with_status(items.status) if items.status is not OK else found


def _lists(expr: Expr, bound: Bound) -> frozenset[str]:
    """The lists of which an expression knows one item."""
    read = {path.split(".")[0] for path in paths(expr)} if bound else set()
    return frozenset(name for variable, (_, origin) in bound.items() if variable in read for name in origin)


def _joined(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.operator in ("&&", "||")


def _field(record: Val, name: str) -> Val:
    if record.kind not in ("record", "map"):
        return Val("any", 0, trouble(record.status, Status() if record.kind == "any" else Status(fault=True)))
    inside: Val = record.term.field(name)
    return inside if record.status is OK else _after(inside, record.status)


def _present(value: Val) -> Val:
    status = value.status
    return Val("bool", no(status.absent), Status(status.unknown, status.dead, status.fault, mix=status.mix))


def _item(items: Val, index: Val, world: World) -> Val:
    if items.kind == "map":
        if not isinstance(index.term, int):
            return _after(items.term.entry(index), items.status, index.status)
        return _field(items, world.texts()[index.term])
    return _after(item(items, index.term), items.status, index.status)


def _after(value: Val, *statuses: Status) -> Val:
    return replace(value, status=trouble(*statuses, value.status))


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

Body = Callable[[Val], Val]


def _troubles(items: Val, results: Sequence[Val]) -> Status:
    return troubles(items.slots, items.rest, [result.status for result in results])


def _all(items: Val, results: Sequence[Val], _body: Body) -> Val:
    broken = some(items.slots, items.rest, [result.false for result in results])
    return Val("bool", no(broken), _troubles(items, results).under(no(broken)))


def _exists(items: Val, results: Sequence[Val], _body: Body) -> Val:
    found = some(items.slots, items.rest, [result.true for result in results])
    return Val("bool", found, _troubles(items, results).under(no(found)))


def _exists_one(items: Val, results: Sequence[Val], _body: Body) -> Val:
    return Val("bool", equal(size_of(_those(items, [result.true for result in results])), 1), _troubles(items, results))


def _filter(items: Val, results: Sequence[Val], _body: Body) -> Val:
    return _those(items, [result.kind == "bool" and result.term for result in results]).with_status(_troubles(items, results))


def _those(items: Val, properties: Sequence[Term]) -> Val:
    """The items that have a property."""
    slots = (Slot(both(slot.there, one), slot.value) for slot, one in zip(items.slots, properties, strict=True))
    listed = tuple(slot for slot in slots if slot.there is not False)
    return Val("list", listed, rest=kept(items.slots, items.rest, properties))


def _map(items: Val, results: Sequence[Val], body: Body) -> Val:
    plain = (replace(result, status=OK) for result in results)
    slots = tuple(Slot(slot.there, value) for slot, value in zip(items.slots, plain, strict=True))
    return Val("list", slots, _troubles(items, results), rest=items.rest and items.rest.mapped(body))


_FOLDS: Mapping[str, Callable[[Val, Sequence[Val], Body], Val]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
