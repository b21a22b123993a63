"""Operators as formulas; the other side of `cel.operators`."""

from collections.abc import Callable, Mapping
from typing import Any

import z3

from caseworker.sop.proving.logic import Term, constant, equal, no, pick, same
from caseworker.sop.proving.rests import some, troubles
from caseworker.sop.proving.values import OK, Status, Val, trouble
from caseworker.sop.proving.world import World

_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_FAULT = Status(fault=True)


def operate(sign: str, left: Val, right: Val, world: World) -> Val:
    """`left sign right`."""
    if "any" in (left.kind, right.kind):
        return Val("any", 0, trouble(left.status, right.status))
    if sign == "in":
        return _key_of(left, right, world) if right.kind == "map" else _within(left, right)
    if sign in ("==", "!="):
        found = same_value(left, right)
        return found if sign == "==" else Val("bool", no(found.term), found.status)
    if sign in _ORDER:
        return _ordered(sign, left, right)
    return _arithmetic(sign, left, right, world)


def unlike(left: Val, right: Val) -> Status:
    """A fault where two currencies meet."""
    if left.kind != "Money" or right.kind != "Money" or same(left.currency, right.currency):
        return OK
    other = no(equal(left.currency, right.currency))
    return Status(fault=other, mix=other)


def _joined(left: Val, right: Val) -> Status:
    known = trouble(left.status, right.status)
    return trouble(known, unlike(left, right).under(known.ok)) if left.kind == "Money" else known


def same_value(left: Val, right: Val) -> Val:
    """`==`, as values of one kind have it."""
    if left.kind != right.kind or left.kind in ("record", "list", "map"):
        return Val("bool", term=False, status=trouble(left.status, right.status, _FAULT))
    return Val("bool", equal(left.term, right.term), _joined(left, right))


def _ordered(sign: str, left: Val, right: Val) -> Val:
    if left.kind != right.kind:
        return Val("bool", term=False, status=trouble(left.status, right.status, _FAULT))
    return Val("bool", _ORDER[sign](left.term, right.term), _joined(left, right))


def _key_of(key: Val, record: Val, world: World) -> Val:
    """Whether a map has a key."""
    found = record.term.raw(world.texts()[key.term]) if isinstance(key.term, int) else record.term.entry(key)
    return Val("bool", no(found.status.absent), trouble(key.status, record.status))


def _within(left: Val, right: Val) -> Val:
    results = [same_value(left, slot.value) for slot in right.slots]
    there = some(right.slots, right.rest, [result.true for result in results])
    wrong = troubles(right.slots, right.rest, [result.status for result in results]).under(no(there))
    return Val("bool", there, trouble(left.status, right.status, wrong))


# -- computing ---------------------------------------------------------------------------------------------------------


def _arithmetic(sign: str, left: Val, right: Val, world: World) -> Val:
    status, kinds = _joined(left, right), (left.kind, right.kind)
    if sign in "+-":
        return _added(sign, left, right, world, status=status)
    if kinds == ("int", "Money"):
        left, right = right, left
    if sign == "*":
        return Val(left.kind, product(left.term, right.term, world, real=left.kind == "double"), status, left.currency)
    zero = equal(right.term, 0)
    status = trouble(status, Status(fault=zero))
    return Val(left.kind, _divided(sign, left, right), status)


def _added(sign: str, left: Val, right: Val, world: World, *, status: Status) -> Val:
    if left.kind == "string":
        if isinstance(left.term, int) and isinstance(right.term, int):
            return Val("string", world.text(world.texts()[left.term] + world.texts()[right.term]), status)
        joined = z3.Function("joined", z3.IntSort(), z3.IntSort(), z3.IntSort())(left.term, right.term)
        return Val("string", joined, status)
    term = left.term + right.term if sign == "+" else left.term - right.term
    kind = left.kind
    if "time" in (left.kind, right.kind):
        kind = "duration" if left.kind == right.kind else "time"
    return Val(kind, term, status, left.currency)


def product(left: Term, right: Term, world: World, *, real: bool = False) -> Term:
    """A product; of two unknown numbers only its bounds, unless one of them has few values."""
    if constant(left) is not None or constant(right) is not None:
        return left * right
    for one, two in ((left, right), (right, left)):
        if z3.is_app_of(one, z3.Z3_OP_ITE):
            condition, then, other = one.children()
            return pick(condition, product(then, two, world, real=real), product(other, two, world, real=real))
    sort = z3.RealSort() if real else z3.IntSort()
    found = z3.Function("product", sort, sort, sort)(left, right)
    if world.once(world.key("product", left, right)):
        zero = z3.Or(left == 0, right == 0)
        world.axioms += [
            z3.Implies(zero, found == 0),
            z3.Implies(left == 1, found == right),
            z3.Implies(right == 1, found == left),
            z3.Implies(z3.And(left >= 0, right >= 0), found >= 0),
            z3.Implies(z3.And(left >= 1, right >= 0), found >= right),
            z3.Implies(z3.And(left >= 0, right >= 1), found >= left),
        ]
        world.axioms += [z3.Implies(right == count, found == left * count) for count in range(2, 7)]
        world.axioms += [z3.Implies(left == count, found == right * count) for count in range(2, 7)]
    return found


def _divided(sign: str, left: Val, right: Val) -> Term:
    """Cut towards zero, as CEL has it."""
    if left.kind == "double":
        by = constant(right.term)
        return (
            left.term / right.term
            if by
            else z3.Function("quotient", z3.RealSort(), z3.RealSort(), z3.RealSort())(left.term, right.term)
        )
    by = constant(right.term)
    if not isinstance(by, int) or not by:
        return z3.Function(f"int{sign}", z3.IntSort(), z3.IntSort(), z3.IntSort())(_term(left.term), _term(right.term))
    term = _term(left.term)
    whole = z3.If(term >= 0, term / abs(by), -((-term) / abs(by)))
    if sign == "/":
        return whole if by > 0 else -whole
    return term - whole * abs(by)


def _term(value: Term) -> Term:
    return z3.IntVal(value) if isinstance(value, int) else value
