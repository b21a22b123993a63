"""Text to tree. The grammar is cel-python's; what it offers beyond our language is refused here, with what to write instead."""

import ast
from functools import lru_cache
from typing import Any

from caseworker.core.numbers import decimal, whole
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
    children,
)

MACROS = ("all", "exists", "exists_one", "filter", "map")
METHODS = ("startsWith", "endsWith", "contains", "size")
LONGEST = 4000  # characters of one condition
DEEPEST = 100  # levels of one condition; far below what Python can call
_OPERATORS = {
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "in": "in",
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%",
}  # fmt: skip
_HINTS = ((" and ", "&&"), (" or ", "||"), ("not ", "!"), (" = ", "=="), (" <> ", "!="))


class CelError(Exception):
    """A condition cannot be read. `column` counts from 1; `advice` says what to write instead."""

    def __init__(self, message: str, *, column: int, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.advice = advice


@lru_cache(maxsize=8192)
def parse(source: str) -> Expr:
    """The tree of a condition. Raises CelError."""
    from celpy.celparser import CELParseError, CELParser  # slow to import: 0.1 s

    if not source.strip():
        raise CelError("The condition is empty.", column=1, advice="Write a condition, or `true` where it always holds.")
    if len(source) > LONGEST:
        raise CelError(
            f"The condition is longer than {LONGEST} characters.", column=1, advice="Give parts names under `facts:`."
        )
    try:
        tree = CELParser().parse(source)
    except CELParseError as error:
        column = error.column if isinstance(error.column, int) and error.column > 0 else len(source)
        raise CelError(f"`{source}` cannot be read at column {column}.", column=column, advice=_advice(source)) from error
    try:
        expr = _expr(tree)
    except RecursionError:
        expr = None
    if expr is None or _deeper(expr, DEEPEST):
        raise CelError(
            f"The condition is nested more than {DEEPEST} levels deep.", column=1, advice="Give parts names under `facts:`."
        )
    return expr


def _deeper(expr: Expr, levels: int) -> bool:
    return levels == 0 or any(_deeper(part, levels - 1) for part in children(expr))


def _advice(source: str) -> str:
    hints = [f"`{right}` instead of `{wrong.strip()}`" for wrong, right in _HINTS if wrong in source]
    return f"Write {', '.join(hints)}." if hints else 'Write for example order.status == "delivered" && size(order.lines) > 1.'


def _at(node: Any) -> int:
    """Column of a Lark tree or token, 1 where it is empty."""
    column = getattr(getattr(node, "meta", node), "column", None)
    return column if isinstance(column, int) else 1


def _expr(node: Any) -> Expr:
    """Walks the grammar's chain of precedence levels; a level with one child only passes through."""
    while len(node.children) == 1 and node.data in _PASS:
        node = node.children[0]
    kind = node.data
    if kind == "expr":
        condition, then, other = (_expr(child) for child in node.children)
        return Choice(condition, then, other, _at(node))
    if kind in ("conditionalor", "conditionaland"):
        left, right = (_expr(child) for child in node.children)
        return Binary("||" if kind == "conditionalor" else "&&", left, right, _at(node))
    if kind in ("relation", "addition", "multiplication"):
        head, right = node.children
        operator = _OPERATORS[head.data.rsplit("_", 1)[1]]
        return Binary(operator, _expr(head.children[0]), _expr(right), _at(node))
    if kind == "unary":
        sign, operand = node.children
        return Unary("!" if sign.data == "unary_not" else "-", _expr(operand), _at(operand))
    return _member(node)


_PASS = ("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member", "primary",
         "paren_expr")  # fmt: skip


def _member(node: Any) -> Expr:
    kind, at = str(node.data), _at(node)
    match kind:
        case "ident":
            return Name(str(node.children[0]), at)
        case "literal":
            return _literal(node.children[0])
        case "member_dot":
            return Member(_expr(node.children[0]), str(node.children[1]), at)
        case "member_dot_arg":
            return _method(node, at)
        case "member_index":
            return Index(_expr(node.children[0]), _expr(node.children[1]), at)
        case "ident_arg":
            return _call(node, at)
        case "list_lit":
            return Items(tuple(_expr(child) for child in _arguments(node)), at)
    raise CelError(
        "This form is not part of the language.", column=at, advice="Use facts, comparisons, lists and the function library."
    )


def _arguments(node: Any) -> list[Any]:
    """The arguments of a call or list; the grammar leaves the list out where there are none."""
    for child in node.children[-1:]:
        if getattr(child, "data", "") == "exprlist":
            return list(child.children)
    return []


def _call(node: Any, at: int) -> Expr:
    name, arguments = str(node.children[0]), tuple(_expr(child) for child in _arguments(node))
    if name != "has":
        return Call(name, arguments, at=at)
    if len(arguments) != 1 or not isinstance(arguments[0], Name | Member):
        raise CelError("has() takes one fact path.", column=at, advice="Write for example has(order.delivered_at).")
    return Has(arguments[0], at)


def _method(node: Any, at: int) -> Expr:
    target, name = _expr(node.children[0]), str(node.children[1])
    arguments = tuple(_expr(child) for child in _arguments(node))
    if name in MACROS:
        if len(arguments) != 2 or not isinstance(arguments[0], Name):
            raise CelError(
                f"{name}() takes a variable and a condition.",
                column=at,
                advice=f"Write for example lines.{name}(l, l.returnable).",
            )
        return Each(name, target, arguments[0].name, arguments[1], at)
    if name not in METHODS:
        raise CelError(
            f"{name}() is not offered on a value.", column=at, advice=f"Offered are {', '.join((*METHODS, *MACROS))}."
        )
    return Call(name, (target, *arguments), method=True, at=at)


def _literal(token: Any) -> Expr:
    text, at = str(token), _at(token)
    match token.type:
        case "BOOL_LIT":
            return Lit(text == "true", "bool", at)
        case "INT_LIT" | "FLOAT_LIT":
            return _number(text, at, is_whole=token.type == "INT_LIT")
        case "STRING_LIT" | "MLSTRING_LIT":
            return Lit(_text(text, at), "string", at)
        case "NULL_LIT":
            return Null(at)
    raise CelError(
        f"{text} is a kind of number or text that is not offered.", column=at, advice="Write whole numbers, decimals or texts."
    )


def _number(text: str, at: int, *, is_whole: bool) -> Expr:
    try:
        if not is_whole:
            return Lit(decimal(text), "double", at)
        return Lit(whole(text), "int", at)
    except ValueError as error:
        raise CelError(f"{error}.", column=at, advice="Write a smaller one.") from error


def _text(literal: str, at: int) -> str:
    """CEL's escapes are a part of Python's."""
    try:
        return str(ast.literal_eval(literal))
    except (SyntaxError, ValueError) as error:
        raise CelError(f"The text {literal} cannot be read.", column=at, advice='Write texts as "text" on one line.') from error
