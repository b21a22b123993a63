"""Tree to closures. A closure yields a value, Unknown(paths) or Fault, and notes every path it saw with its value.

`&&` and `||` follow Kleene: false decides `&&` and true decides `||`, whatever else is unknown or faulty. Comparing two
currencies is a Fault, so is every mix of types, division by zero and the use of something that is not there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from caseworker.core.money import MoneyError
from caseworker.core.refs import Ref
from caseworker.sop.cel.functions import BY_COUNTRY, PLAIN, ValueFault
from caseworker.sop.cel.operators import OPERATIONS, kind_of, negative, told
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
    path_of,
)
from caseworker.sop.cel.values import TROUBLE, Fault, Scope, Unknown, absent, too_large, trouble

Closure = Callable[[Scope], object]
_MISSING = object()


@lru_cache(maxsize=8192)
def compiled(source: str) -> Closure:
    """The closure of a source text. One that cannot be read yields a Fault whenever it is used."""
    try:
        return _close(parse(source), frozenset())
    except CelError as error:
        fault = Fault(error.message)
        return lambda scope: fault


def evaluate(source: str, scope: Scope) -> object:
    """Value, Unknown or Fault of a source text."""
    return compiled(source)(scope)


@lru_cache(maxsize=8192)
def closure(expr: Expr, bound: frozenset[str]) -> Closure:
    """The closure of a part of a condition; `bound` are the loop variables around it, which `scope.variables` holds."""
    return _close(expr, bound)


def _close(expr: Expr, bound: frozenset[str]) -> Closure:
    match expr:
        case Lit(value=value):
            return lambda scope: value
        case Name() | Member():
            return _path(expr, bound)
        case Has(target=target):
            return _has(target, bound)
        case Call():
            return _call(expr, bound)
        case Each():
            return _each(expr, bound)
        case Binary(operator=sign, left=left, right=right):
            return _binary(sign, _close(left, bound), _close(right, bound))
        case _:
            return _close_other(expr, bound)


def _close_other(expr: Null | Index | Unary | Choice | Items, bound: frozenset[str]) -> Closure:
    match expr:
        case Null():
            fault = Fault("null is not offered; use has()")
            return lambda scope: fault
        case Index(target=target, index=index):
            return _both(_close(target, bound), _close(index, bound), _item)
        case Unary(operator=sign, operand=operand):
            return _unary(sign, _close(operand, bound))
        case Choice():
            return _choice(expr, bound)
        case Items(items=items):
            return _items(tuple(_close(item, bound) for item in items))


# -- facts -------------------------------------------------------------------------------------------------------------


def _path(expr: Name | Member, bound: frozenset[str]) -> Closure:
    path = path_of(expr)
    if not path:
        assert isinstance(expr, Member)
        inner, name = _close(expr.target, bound), expr.name
        return lambda scope: _field(inner(scope), name, name, scope, "")
    root, *keys = path.split(".")
    steps = tuple((key, ".".join((root, *keys[: number + 1]))) for number, key in enumerate(keys))
    if root in bound:
        return lambda scope: _walk(scope.variables[root], steps, scope, root)

    def read(scope: Scope) -> object:
        value = _walk(scope.get(root), steps, scope, root)
        if value.__class__ not in TROUBLE:
            scope.seen[path] = value
        return value

    return read


def _walk(value: object, steps: tuple[tuple[str, str], ...], scope: Scope, root: str) -> object:
    for key, path in steps:
        if value.__class__ is dict:  # nearly always; the rest is told by `_field`
            found = value.get(key)
            if found is not None:
                value = found
                continue
        value = _field(value, key, path, scope, root)
    return absent(root) if value is None else value


def _field(value: object, key: str, path: str, scope: Scope, root: str) -> object:
    if value.__class__ is dict or isinstance(value, Mapping):
        found = value.get(key, _MISSING)
        if found is _MISSING:
            return scope.missing(root, path) if root else absent(path)
        return absent(path) if found is None else found
    if value.__class__ in TROUBLE:
        return value
    if isinstance(value, Ref) and key in ("system", "type", "id"):
        return getattr(value, key)
    return Fault(f"{path}: a {kind_of(value)} has no fields")


def _has(target: Expr, bound: frozenset[str]) -> Closure:
    path = path_of(target) or "?"
    record = _close(target.target, bound) if isinstance(target, Member) else None
    name = target.name if isinstance(target, Member) else ""
    whole = _close(target, bound)

    def present(scope: Scope) -> object:
        value = whole(scope) if record is None else record(scope)
        # a key that is not in the tree is not there
        if record is not None and (value.__class__ is dict or isinstance(value, Mapping)):
            value = value.get(name)
        if value.__class__ in TROUBLE:
            if isinstance(value, Unknown) or (isinstance(value, Fault) and not value.absent):
                return value
            found = False
        else:
            found = value is not None
        scope.seen[f"has({path})"] = found
        return found

    return present


def _item(value: object, index: object) -> object:
    if isinstance(value, Mapping):
        found = value.get(index) if isinstance(index, str) else None
        return Fault(f"there is no entry {told(index)}", absent=True) if found is None else found
    if isinstance(value, Sequence) and not isinstance(value, str) and type(index) is int:
        return value[index] if 0 <= index < len(value) else Fault(f"there is no item {told(index)}", absent=True)
    return Fault(f"a {kind_of(value)} cannot be indexed with a {kind_of(index)}")


def _items(parts: tuple[Closure, ...]) -> Closure:
    def build(scope: Scope) -> object:
        values = [part(scope) for part in parts]
        return trouble(*values) or values

    return build


# -- logic -------------------------------------------------------------------------------------------------------------


def _binary(sign: str, left: Closure, right: Closure) -> Closure:
    if sign == "&&":
        return _kleene(left, right, decides=False)
    if sign == "||":
        return _kleene(left, right, decides=True)
    return _both(left, right, OPERATIONS[sign])


def _kleene(left: Closure, right: Closure, *, decides: bool) -> Closure:
    def logic(scope: Scope) -> object:
        first = left(scope)
        if first is decides:
            return decides
        second = right(scope)
        if second is decides:
            return decides
        return trouble(_truth(first), _truth(second)) or not decides

    return logic


def _truth(value: object) -> object:
    if value.__class__ is bool or value.__class__ in TROUBLE:
        return value
    return Fault(f"a {kind_of(value)} is not true or false")


def _choice(expr: Choice, bound: frozenset[str]) -> Closure:
    condition, then, other = (_close(part, bound) for part in (expr.condition, expr.then, expr.other))

    def choose(scope: Scope) -> object:
        truth = _truth(condition(scope))
        if truth.__class__ is not bool:
            return truth
        return then(scope) if truth else other(scope)

    return choose


def _unary(sign: str, operand: Closure) -> Closure:
    def negate(scope: Scope) -> object:
        value = operand(scope)
        if isinstance(value, Unknown | Fault):
            return value
        if sign == "!":
            return not value if value.__class__ is bool else _truth(value)
        return negative(value)

    return negate


def _each(expr: Each, bound: frozenset[str]) -> Closure:
    source, name = _close(expr.target, bound), expr.variable
    body = _close(expr.body, bound | {name})
    fold = _FOLDS[expr.kind]

    def loop(scope: Scope) -> object:
        items = source(scope)
        if items.__class__ in TROUBLE:
            return items
        if items.__class__ is not list and (not isinstance(items, Sequence) or isinstance(items, str)):
            return Fault(f"{expr.kind}() takes a list, not a {kind_of(items)}")
        before = scope.variables.get(name, _MISSING)
        results = []
        for item in items:
            scope.variables[name] = item
            results.append(body(scope))
        if before is _MISSING:
            scope.variables.pop(name, None)
        else:
            scope.variables[name] = before
        return fold(items, results)

    return loop


def _all(_items: Sequence[object], results: list[object]) -> object:
    if any(result is False for result in results):
        return False
    return trouble(*(_truth(result) for result in results)) or True


def _exists(_items: Sequence[object], results: list[object]) -> object:
    if any(result is True for result in results):
        return True
    return trouble(*(_truth(result) for result in results)) or False


def _exists_one(_items: Sequence[object], results: list[object]) -> object:
    return trouble(*(_truth(result) for result in results)) or results.count(True) == 1


def _filter(items: Sequence[object], results: list[object]) -> object:
    return trouble(*(_truth(result) for result in results)) or [item for item, keep in zip(items, results, strict=True) if keep]


def _map(_items: Sequence[object], results: list[object]) -> object:
    return trouble(*results) or results


_FOLDS: Mapping[str, Callable[[Sequence[object], list[object]], object]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}


# -- comparing and computing -------------------------------------------------------------------------------------------


def _both(left: Closure, right: Closure, operation: Callable[[Any, Any], object]) -> Closure:
    def compute(scope: Scope) -> object:
        first, second = left(scope), right(scope)
        if first.__class__ in TROUBLE or second.__class__ in TROUBLE:
            return trouble(first, second)
        return operation(first, second)

    return compute


def _call(expr: Call, bound: frozenset[str]) -> Closure:
    parts = tuple(_close(part, bound) for part in expr.arguments)
    name, plain, by_country = expr.name, PLAIN.get(expr.name), BY_COUNTRY.get(expr.name)

    def call(scope: Scope) -> object:
        values = [part(scope) for part in parts]
        if by_country is not None:
            values.insert(0, scope.country())
        wrong = trouble(*values)
        if wrong is not None:
            return wrong
        function = by_country or plain
        if function is None:
            return Fault(f"there is no function {name}()")
        try:
            found = function(*values)
        except (ValueFault, MoneyError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
            return Fault(f"{name}(): {error}")
        large = too_large(found)
        return Fault(f"{name}(): {large}") if large else found

    return call
