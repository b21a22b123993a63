"""A tree back to text, on one line; reading it gives the same tree."""

import json

from caseworker.sop.cel.tree import Binary, Call, Choice, Each, Expr, Has, Index, Items, Lit, Member, Name, Null, Unary

_LEVELS = {"||": 2, "&&": 3, **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 4), "+": 5, "-": 5}
_CHOICE, _PRODUCT, _UNARY, _WHOLE = 1, 6, 7, 8


def written(expr: Expr) -> str:
    """The expression as people write it."""
    return _write(expr)[0]


def _write(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match expr:
        case Lit(value=value, kind=kind):
            return (json.dumps(value, ensure_ascii=False) if kind == "string" else _number(value)), _WHOLE
        case Binary(operator=sign, left=left, right=right):
            level = _LEVELS.get(sign, _PRODUCT)
            return f"{_inside(left, level)} {sign} {_inside(right, level + 1)}", level
        case Unary(operator=sign, operand=operand):
            return f"{sign}{_inside(operand, _UNARY)}", _UNARY
        case Choice(condition=condition, then=then, other=other):
            parts = _inside(condition, _CHOICE + 1), _inside(then, _CHOICE + 1), _inside(other, _CHOICE)
            return f"{parts[0]} ? {parts[1]} : {parts[2]}", _CHOICE
        case _:
            return _write_whole(expr), _WHOLE


def _write_whole(expr: Expr) -> str:
    match expr:
        case Name(name=name):
            return name
        case Member(target=target, name=name):
            return f"{_inside(target, _WHOLE)}.{name}"
        case Index(target=target, index=index):
            return f"{_inside(target, _WHOLE)}[{written(index)}]"
        case Call(name=name, arguments=arguments, method=True):
            return f"{_inside(arguments[0], _WHOLE)}.{name}({_list(arguments[1:])})"
        case Call(name=name, arguments=arguments):
            return f"{name}({_list(arguments)})"
        case Has(target=target):
            return f"has({written(target)})"
        case Each(kind=kind, target=target, variable=variable, body=body):
            return f"{_inside(target, _WHOLE)}.{kind}({variable}, {written(body)})"
        case Items(items=items):
            return f"[{_list(items)}]"
        case Null():
            return "null"
    raise TypeError(f"{type(expr).__name__} is no expression")


def _inside(expr: Expr, level: int) -> str:
    text, own = _write(expr)
    return text if own >= level else f"({text})"


def _list(parts: tuple[Expr, ...]) -> str:
    return ", ".join(written(part) for part in parts)


def _number(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
