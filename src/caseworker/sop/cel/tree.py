"""The tree of a condition. Nodes are equal when they mean the same; `at` is the column from 1 and does not count."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lit:
    """A bool, int, float or string written in the condition."""

    value: bool | int | float | str
    kind: str  # bool | int | double | string: True and 1 are equal in Python, so the kind tells them apart
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Null:
    """`null`, which the type checker refuses."""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, need, section (`request`) or loop variable."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`target.name`"""

    target: "Expr"
    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`target[index]`"""

    target: "Expr"
    index: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the library; methods such as `text.startsWith(x)` are calls with the target first."""

    name: str
    arguments: tuple["Expr", ...]
    method: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Has:
    """`has(path)`: whether something is there."""

    target: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Each:
    """`list.all(x, body)` and its like; `kind` is all, exists, exists_one, filter or map."""

    kind: str
    target: "Expr"
    variable: str
    body: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x` or `-x`"""

    operator: str
    operand: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`&& || == != < <= > >= in + - * / %`"""

    operator: str
    left: "Expr"
    right: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? then : other`"""

    condition: "Expr"
    then: "Expr"
    other: "Expr"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`"""

    items: tuple["Expr", ...]
    at: int = field(default=0, compare=False)


Expr = Lit | Null | Name | Member | Index | Call | Has | Each | Unary | Binary | Choice | Items


def path_of(expr: Expr) -> str:
    """`a.b.c` where the expression is nothing but that, else an empty text."""
    if isinstance(expr, Name):
        return expr.name
    if isinstance(expr, Member):
        head = path_of(expr.target)
        return f"{head}.{expr.name}" if head else ""
    return ""


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression."""
    match expr:
        case Member(target=target) | Has(target=target):
            return (target,)
        case Index(target=target, index=index):
            return (target, index)
        case Call(arguments=arguments):
            return arguments
        case Each(target=target, body=body):
            return (target, body)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Choice(condition=condition, then=then, other=other):
            return (condition, then, other)
        case Items(items=items):
            return items
        case _:
            return ()


def depth(expr: Expr) -> int:
    """How many levels an expression has: 1 for a name or a number."""
    return 1 + max(map(depth, children(expr)), default=0)


def paths(expr: Expr, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every fact path an expression reads, longest form, loop variables left out."""
    path = path_of(expr)
    if path:
        if path.split(".")[0] not in bound:
            yield path
        return
    if isinstance(expr, Each):
        yield from paths(expr.target, bound)
        yield from paths(expr.body, bound | {expr.variable})
        return
    for part in children(expr):
        yield from paths(part, bound)
