"""Why a condition came to what it came to: the fourth reading of the tree. Pure.

Of `&&` that is false only the false parts are named, of `||` that is true the part that made it so, of `all` and `exists` the
items that decided. A named fact is followed to what it was computed from, the first time it is met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from caseworker.sop.cel.evaluate import closure
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.text import written
from caseworker.sop.cel.tree import Binary, Call, Choice, Each, Expr, Has, Lit, Member, Name, Null, Unary, children, path_of
from caseworker.sop.cel.values import Fault, Scope, noted

MOST = 3  # parts or items that are named where many say the same
_QUESTIONS = ("all", "exists", "exists_one")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Reason:
    """One part with what it came to: a value, Unknown or Fault. `text` is the part as written.

    `item` names the item of a list that it is said of; `note` where the value comes from.
    """

    text: str
    value: object
    because: tuple["Reason", ...] = ()
    item: str = ""
    note: str = ""
    presence: bool = False  # it is about whether `text` is there


class Origins(Protocol):
    """Where names come from."""

    def definition(self, name: str) -> str:
        """What a named fact is computed from; empty for anything else."""
        ...

    def note(self, path: str) -> str:
        """Where the value of a path comes from, in words; empty where there is nothing to say."""
        ...


@dataclass
class Why:
    """Explains conditions over the facts of one decision. Named facts are followed once for all of them."""

    scope: Scope
    origins: Origins
    followed: set[str] = field(default_factory=set)

    def condition(self, source: str) -> tuple[Reason, ...]:
        """The parts that decided a condition."""
        try:
            return tuple(self._parts(parse(source), frozenset()))
        except CelError as error:
            return (Reason(source, Fault(error.message)),)

    def value(self, source: str) -> tuple[Reason, ...]:
        """What the value of an expression is computed from."""
        return tuple(self._operand(parse(source), frozenset()))

    # -- true or false -------------------------------------------------------------------------------------------------

    def _parts(self, expr: Expr, bound: frozenset[str]) -> Iterator[Reason]:
        match expr:
            case Binary(operator="&&" | "||"):
                yield from self._logic(expr, bound)
            case Unary(operator="!", operand=operand):
                yield from self._parts(operand, bound)
            case Has(target=target):
                yield from self._presence(expr, target, bound)
            case Each(kind=kind) if kind in _QUESTIONS:
                yield self._question(expr, bound)
            case Choice(condition=condition, then=then, other=other):
                yield from self._parts(condition, bound)
                taken = self._of(condition, bound)
                if isinstance(taken, bool):
                    yield from self._parts(then if taken else other, bound)
            case Name() | Member() if path_of(expr):
                yield from self._operand(expr, bound)
            case Lit():
                return
            case _:
                yield Reason(written(expr), self._of(expr, bound), self._inside(expr, bound))

    def _logic(self, expr: Binary, bound: frozenset[str]) -> Iterator[Reason]:
        operands = tuple(_flat(expr, expr.operator))
        values = [self._of(operand, bound) for operand in operands]
        decided = self._of(expr, bound)
        if decided is (expr.operator == "||"):  # one part is enough
            chosen = [operand for operand, value in zip(operands, values, strict=True) if value is decided]
            chosen = chosen[: 1 if decided else MOST]
        elif isinstance(decided, bool):
            chosen = list(operands)
        else:
            chosen = [o for o, value in zip(operands, values, strict=True) if value.__class__ is decided.__class__]
        for operand in chosen:
            yield from self._parts(operand, bound)

    def _presence(self, expr: Has, target: Expr, bound: frozenset[str]) -> Iterator[Reason]:
        found = self._of(expr, bound)
        inside = self._inside(target, bound) if not path_of(target) else self._named(target)
        yield Reason(written(target), found, inside, presence=isinstance(found, bool))

    def _question(self, expr: Each, bound: frozenset[str]) -> Reason:
        answer, items = self._of(expr, bound), self._of(expr.target, bound)
        text = written(expr)
        if not isinstance(items, Sequence) or isinstance(items, str):
            return Reason(text, answer, tuple(self._operand(expr.target, bound)))
        if not items:
            return Reason(text, answer, tuple(self._operand(expr.target, bound)), note="the list is empty")
        wanted = {"all": False, "exists": True}.get(expr.kind)
        if expr.kind != "exists_one" and answer is not wanted:
            note = f"{'each' if expr.kind == 'all' else 'none'} of {len(items)}" if isinstance(answer, bool) else ""
            told = () if answer is True else self._items(expr, items, bound, wanted=None)
            return Reason(text, answer, told, note=note)
        return Reason(text, answer, self._items(expr, items, bound, wanted=wanted))

    def _items(self, expr: Each, items: Sequence[object], bound: frozenset[str], *, wanted: bool | None) -> tuple[Reason, ...]:
        """What the body came to for the items with the `wanted` answer (None: for all), at most a few."""
        inner, found = bound | {expr.variable}, []
        before = self.scope.variables.get(expr.variable, _MISSING)
        for number, item in enumerate(items, start=1):
            self.scope.variables[expr.variable] = item
            if wanted is None or self._of(expr.body, inner) is wanted:
                name = noted(item)
                label = f"item {number}" if name == "a record" else str(name)
                found.append([replace(part, item=part.item or label) for part in self._parts(expr.body, inner)])
        if before is _MISSING:
            self.scope.variables.pop(expr.variable, None)
        else:
            self.scope.variables[expr.variable] = before
        return tuple(part for parts in found[:MOST] for part in parts)

    # -- values --------------------------------------------------------------------------------------------------------

    def _inside(self, expr: Expr, bound: frozenset[str]) -> tuple[Reason, ...]:
        found = [reason for part in children(expr) for reason in self._operand(part, bound)]
        return _unique(found)

    def _operand(self, expr: Expr, bound: frozenset[str]) -> Iterator[Reason]:
        """What a value is and what it was computed from; a literal needs no words."""
        path = path_of(expr)
        if isinstance(expr, Lit | Null) or path == "now":
            return
        if path:
            yield self._fact(expr, path, bound)
        elif isinstance(expr, Call) and expr.name == "zero":
            yield Reason(written(expr), self._of(expr, bound))
        elif isinstance(expr, Each) and expr.kind in ("filter", "map"):
            yield Reason(written(expr), self._of(expr, bound), self._left_out(expr, bound))
        elif isinstance(expr, Choice):
            yield Reason(written(expr), self._of(expr, bound), tuple(self._branch(expr, bound)))
        elif isinstance(self._of(expr, bound), bool):
            yield from self._parts(expr, bound)
        elif inside := self._inside(expr, bound):
            yield Reason(written(expr), self._of(expr, bound), inside)

    def _fact(self, expr: Expr, path: str, bound: frozenset[str]) -> Reason:
        if path.split(".", maxsplit=1)[0] in bound:
            return Reason(path, self._of(expr, bound))
        because = self._named(expr)
        value, note = self._of(expr, bound), self.origins.note(path)
        if len(because) == 1 and not because[0].presence and because[0].value == value and not isinstance(value, bool):
            return Reason(path, value, because[0].because, note=because[0].text)  # the definition has the same value
        return Reason(path, value, because, note=note)

    def _named(self, expr: Expr) -> tuple[Reason, ...]:
        """What the named fact at the head of a path was computed from, the first time."""
        name = path_of(expr).split(".")[0]
        source = self.origins.definition(name)
        if not source or name in self.followed:
            return ()
        self.followed.add(name)
        try:
            definition = parse(source)
        except CelError:
            return ()
        whole = self._of(definition, frozenset())
        if isinstance(whole, bool):
            return tuple(self._parts(definition, frozenset()))
        return tuple(self._operand(definition, frozenset()))

    def _branch(self, expr: Choice, bound: frozenset[str]) -> Iterator[Reason]:
        yield from self._parts(expr.condition, bound)
        truth = self._of(expr.condition, bound)
        if isinstance(truth, bool):
            yield from self._operand(expr.then if truth else expr.other, bound)

    def _left_out(self, expr: Each, bound: frozenset[str]) -> tuple[Reason, ...]:
        """Of a filter the items that are not in it, and why; of a map the list."""
        items = self._of(expr.target, bound)
        target = tuple(self._operand(expr.target, bound))
        if expr.kind == "map" or not isinstance(items, Sequence) or isinstance(items, str):
            return target
        return (*target, *self._items(expr, items, bound, wanted=False))

    def _of(self, expr: Expr, bound: frozenset[str]) -> object:
        return closure(expr, bound)(self.scope)


def _flat(expr: Expr, sign: str) -> Iterator[Expr]:
    """`a && b && c` as three parts."""
    if isinstance(expr, Binary) and expr.operator == sign:
        yield from _flat(expr.left, sign)
        yield from _flat(expr.right, sign)
    else:
        yield expr


def _unique(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Each part once, where it was followed furthest."""
    kept: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        old = kept.get((reason.text, reason.item))
        if old is None or (reason.because and not old.because):
            kept[reason.text, reason.item] = reason
    return tuple(kept.values())
