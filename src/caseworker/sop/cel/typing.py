"""The type check of a condition, before anything runs.

What systems read differently is refused: whole and decimal numbers mixed, `==` of unlike types, the size of a text, null.
Fields that may be absent are a warning where nothing tests them first with `has()`; `sum()` of amounts is an error where the
list may be empty.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from caseworker.sop.cel import signatures
from caseworker.sop.cel.constant import constant_faults
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
from caseworker.sop.cel.types import ANY, BOOL, STRING, Records, Type, fits, list_of

Known = frozenset[Expr]  # has(x) stands as x, size(x) > 0 as Call("size", (x,))
NOTHING: Known = frozenset()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a condition. `column` counts from 1."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    advice: str
    column: int


@dataclass
class Checker:
    """Checks one condition. `full` are names of lists that are never empty, `currencies` those that the playbook speaks of."""

    names: Mapping[str, Type]
    records: Records
    full: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    _bound: dict[str, Type] = field(default_factory=dict)

    def check(self, source: str, known: Known = NOTHING) -> Type:
        """The type of a condition; problems are noted."""
        try:
            expr = parse(source)
        except CelError as error:
            self.problems.append(Problem("error", "no_condition", error.message, error.advice, error.column))
            return ANY
        found = self.type_of(expr, known)
        if not any(problem.severity == "error" for problem in self.problems):
            for part, why in constant_faults(expr):
                self.error("always_fails", f"A part of this can never be computed: {why}.", "Write it with other values.", part)
        return found

    def error(self, code: str, message: str, advice: str, expr: Expr) -> Type:
        self.problems.append(Problem("error", code, message, advice, expr.at))
        return ANY

    def type_of(self, expr: Expr, known: Known) -> Type:
        match expr:
            case Lit(kind="string", value=value):
                return Type("enum", words=frozenset({str(value)}))
            case Lit(kind=kind):
                return Type(kind)
            case Null():
                return self.error("null", "null is not part of the language.", "Write has(x) or !has(x).", expr)
            case Name() | Member():
                return self._path(expr, known)
            case Has(target=target):
                return self._has(target, known)
            case Binary():
                return self._binary(expr, known)
            case _:
                return self._type_of_other(expr, known)

    def _type_of_other(self, expr: Index | Call | Each | Unary | Choice | Items, known: Known) -> Type:
        match expr:
            case Index():
                return self._index(expr, known)
            case Call():
                return self._call(expr, known)
            case Each():
                return self._each(expr, known)
            case Unary():
                return self._unary(expr, known)
            case Choice():
                return self._choice(expr, known)
            case Items():
                return self._items(expr, known)

    # -- facts ---------------------------------------------------------------------------------------------------------

    def _path(self, expr: Name | Member, known: Known) -> Type:
        found = self._declared(expr, known)
        if found.name != "optional" or found.item is None:
            return found
        if expr not in known:
            path = path_of(expr) or (expr.name)
            message = f"{path} may not be there; then this cannot be computed and the case goes to people."
            self.problems.append(Problem("warning", "may_be_absent", message, f"Test has({path}) first.", expr.at))
        return found.item

    def _declared(self, expr: Name | Member, known: Known) -> Type:
        """The type as declared, optional or not."""
        if isinstance(expr, Name):
            found = self._bound.get(expr.name) or self.names.get(expr.name)
            if found is not None:
                return found
            near = _nearest(expr.name, [*self.names, *self._bound])
            return self.error("unknown_fact", f"There is no fact `{expr.name}`.", f"Did you mean {near}?", expr)
        target = self.type_of(expr.target, known)
        if target.name == "any":
            return ANY
        if target.name == "map":
            return Type("optional", item=target.item)
        if target.name == "Ref" and expr.name in ("system", "type", "id"):
            return STRING
        fields = self.records.get(target.of, {}) if target.name == "record" else {}
        if expr.name in fields:
            declared = fields[expr.name]
            tested = declared.name == "optional" and declared.item is not None and expr.name in target.present
            return declared.item or declared if tested else declared
        path = path_of(expr) or expr.name
        advice = f"Did you mean {_nearest(expr.name, list(fields))}?" if fields else f"A {target} has no fields."
        return self.error("unknown_fact", f"There is no `{path}`.", advice, expr)

    def _has(self, target: Expr, known: Known) -> Type:
        if isinstance(target, Name | Member):
            inside = known | _prefixes(target)
            self._declared(target, inside)
        return BOOL

    def _index(self, expr: Index, known: Known) -> Type:
        target, index = self.type_of(expr.target, known), self.type_of(expr.index, known)
        if target.name == "any" or index.name == "any":
            return target.item or ANY
        if target.name == "list" and index.name == "int":
            return target.item or ANY
        if target.name == "map" and index.name in ("string", "enum"):
            return target.item or ANY
        return self.error("type", f"A {target} cannot be indexed with a {index}.", "Write for example order.lines[0].", expr)

    def _items(self, expr: Items, known: Known) -> Type:
        found = [self.type_of(item, known) for item in expr.items]
        if not found:
            return list_of(ANY)
        if all(f.name == "enum" for f in found):
            return list_of(Type("enum", words=frozenset().union(*(f.words for f in found))))
        for item, kind in zip(expr.items, found, strict=True):
            if not fits(kind, found[0]):
                return self.error("type", f"A list holds {found[0]} and {kind}.", "Keep to one type.", item)
        return list_of(found[0])

    # -- logic ---------------------------------------------------------------------------------------------------------

    def _truth(self, expr: Expr, known: Known) -> None:
        found = self.type_of(expr, known)
        if not fits(found, BOOL):
            self.error("type", f"This is a {found}, where true or false is needed.", "Compare it with something.", expr)

    def _binary(self, expr: Binary, known: Known) -> Type:
        if expr.operator in ("&&", "||"):
            self._truth(expr.left, known)
            self._truth(expr.right, known | shown(expr.left, holds=expr.operator == "&&"))
            return BOOL
        left, right = self.type_of(expr.left, known), self.type_of(expr.right, known)
        if "any" in (left.name, right.name):
            return signatures.result_any(expr.operator)
        found = signatures.operator(expr.operator, left, right)
        if isinstance(found, Type):
            self._one_currency(expr, left, right)
            return found
        return self.error(found.code, found.message, found.advice, expr)

    def _one_currency(self, expr: Binary, left: Type, right: Type) -> None:
        """An amount of the shop beside one of the playbook that is not there in every currency of the playbook."""
        named = left.currencies | right.currencies
        if (
            left.name == right.name == "Money"
            and named
            and self.currencies - named
            and not (left.currencies and right.currencies)
        ):
            lacking, there = ", ".join(sorted(self.currencies - named)), " or ".join(sorted(named))
            text = f"For an order in {lacking} this amount in {there} cannot be compared, and the case goes to people."
            self.problems.append(
                Problem("warning", "currency_mix", text, "Use a parameter that has a value in every currency.", expr.at)
            )

    def _choice(self, expr: Choice, known: Known) -> Type:
        self._truth(expr.condition, known)
        then = self.type_of(expr.then, known | shown(expr.condition, holds=True))
        other = self.type_of(expr.other, known | shown(expr.condition, holds=False))
        if then.name == "enum" and other.name == "enum":
            return Type("enum", words=then.words | other.words if then.words and other.words else frozenset())
        if not fits(then, other):
            return self.error("type", f"One way gives {then}, the other {other}.", "Give one type both ways.", expr)
        return other if then.name in ("any", "enum") else then

    def _unary(self, expr: Unary, known: Known) -> Type:
        if expr.operator == "!":
            self._truth(expr.operand, known)
            return BOOL
        found = self.type_of(expr.operand, known)
        if found.name not in ("int", "double", "Money", "duration", "any"):
            return self.error("type", f"A {found} has no negative.", "Remove the minus.", expr)
        return found

    # -- functions and loops -------------------------------------------------------------------------------------------

    def _call(self, expr: Call, known: Known) -> Type:
        arguments = [self.type_of(argument, known) for argument in expr.arguments]
        found = signatures.call(expr, arguments)
        if not isinstance(found, Type):
            return self.error(found.code, found.message, found.advice, expr)
        if expr.name == "sum" and found.name != "any" and not self._never_empty(expr.arguments[0], known):
            text = "The list may be empty, and no amounts have no currency."
            advice = 'Write size(x) > 0 ? sum(x) : money("0.00 EUR"), or zero(order.total) there.'
            if found.name == "int":
                text, advice = "The list may be empty.", "Write size(x) > 0 ? sum(x) : 0."
            return self.error("empty_sum", text, advice, expr)
        return found

    def _never_empty(self, expr: Expr, known: Known) -> bool:
        if isinstance(expr, Each) and expr.kind == "map":
            return self._never_empty(expr.target, known)
        if isinstance(expr, Name) and expr.name in self.full:
            return True
        return Call("size", (expr,)) in known or (isinstance(expr, Items) and bool(expr.items))

    def _each(self, expr: Each, known: Known) -> Type:
        target = self.type_of(expr.target, known)
        if target.name not in ("list", "any"):
            return self.error("type", f"{expr.kind}() works on a list, not on a {target}.", "Write list.all(x, ...).", expr)
        if expr.variable in self.names or expr.variable in self._bound:
            advice = "Choose a short name of its own, such as `l`."
            return self.error("hidden_name", f"`{expr.variable}` is the name of a fact already.", advice, expr)
        item = target.item or ANY
        self._bound[expr.variable] = item
        body = self.type_of(expr.body, known)
        del self._bound[expr.variable]
        if expr.kind == "map":
            return list_of(body)
        if not fits(body, BOOL):
            return self.error("type", f"The condition in {expr.kind}() is a {body}.", "It has to be true or false.", expr.body)
        if expr.kind != "filter":
            return BOOL
        variable = Name(expr.variable)
        tested = {part.name for part in shown(expr.body, holds=True) if isinstance(part, Member) and part.target == variable}
        return list_of(replace(item, present=item.present | tested))


# -- what a condition shows where it holds -----------------------------------------------------------------------------


def shown(expr: Expr, *, holds: bool) -> Known:
    """What is certain where a condition is true (or false): things that are there, lists that are not empty."""
    match expr:
        case Has(target=target):
            return frozenset(_prefixes(target)) if holds else NOTHING
        case Unary(operator="!", operand=operand):
            return shown(operand, holds=not holds)
        case Binary(operator="&&", left=left, right=right) if holds:
            return shown(left, holds=True) | shown(right, holds=True)
        case Binary(operator="||", left=left, right=right) if not holds:
            return shown(left, holds=False) | shown(right, holds=False)
        case Binary(operator=sign, left=Call(name="size", arguments=(target,)), right=Lit(value=int(number))):
            return frozenset({Call("size", (target,))}) if _not_empty(sign, number, holds=holds) else NOTHING
        case Each(kind="exists" | "exists_one", target=target) if holds:
            return frozenset({Call("size", (target,))})
    return NOTHING


_AT_LEAST_ONE: Mapping[tuple[str, bool], Callable[[int], bool]] = {
    (">", True): lambda n: n >= 0,
    (">=", True): lambda n: n >= 1,
    ("==", True): lambda n: n >= 1,
    ("!=", True): lambda n: n == 0,
    ("==", False): lambda n: n == 0,
    ("<", False): lambda n: n >= 1,
    ("<=", False): lambda n: n >= 0,
}


def _not_empty(sign: str, number: int, *, holds: bool) -> bool:
    test = _AT_LEAST_ONE.get((sign, holds))
    return test is not None and test(number)


def _prefixes(expr: Expr) -> frozenset[Expr]:
    """`a.b.c` is there only where `a.b` and `a` are."""
    found: set[Expr] = {expr}
    while isinstance(expr, Member):
        expr = expr.target
        found.add(expr)
    return frozenset(found)


def _nearest(name: str, candidates: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, candidates, n=3) or sorted(candidates)[:12]
    return ", ".join(f"`{candidate}`" for candidate in near) or "something else"
