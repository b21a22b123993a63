"""A condition as people write it."""

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


def written(expr: Expr) -> str:
    """The source of a tree; parts that are operators themselves stand in brackets."""
    match expr:
        case Lit(value=value, kind=kind):
            return f'"{value}"' if kind == "string" else str(value).lower() if kind == "bool" else str(value)
        case Name(name=name):
            return name
        case Member(target=target, name=name):
            return f"{written(target)}.{name}"
        case Has(target=target):
            return f"has({written(target)})"
        case Binary(operator=sign, left=left, right=right):
            return f"{_part(left)} {sign} {_part(right)}"
        case Each(kind=kind, target=target, variable=variable, body=body):
            return f"{written(target)}.{kind}({variable}, {written(body)})"
    return _other(expr)


def _other(expr: Null | Index | Call | Unary | Choice | Items) -> str:
    match expr:
        case Index(target=target, index=index):
            return f"{written(target)}[{written(index)}]"
        case Call(name=name, arguments=(first, *rest), method=True):
            return f"{written(first)}.{name}({', '.join(written(part) for part in rest)})"
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(written(part) for part in arguments)})"
        case Unary(operator=sign, operand=operand):
            return f"{sign}{_part(operand)}"
        case Choice(condition=condition, then=then, other=other):
            return f"{_part(condition)} ? {_part(then)} : {_part(other)}"
        case Items(items=items):
            return f"[{', '.join(written(item) for item in items)}]"
    return "null"


def _part(expr: Expr) -> str:
    return f"({written(expr)})" if isinstance(expr, Binary | Choice) else written(expr)
