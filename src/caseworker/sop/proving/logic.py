"""Formulas. What is certain beforehand is a Python bool and disappears, so that the solver sees only what is open."""

from collections.abc import Iterable
from typing import Any

import z3

Term = Any  # a solver expression, or a Python bool or int where the value is certain


def both(*terms: Term) -> Term:
    """All of them."""
    found: list[Term] = []
    for term in terms:
        if term is False:
            return False
        if term is not True and not any(same(term, other) for other in found):
            found.append(term)
    return True if not found else found[0] if len(found) == 1 else z3.And(*found)


def either(*terms: Term) -> Term:
    """At least one of them."""
    found: list[Term] = []
    for term in terms:
        if term is True:
            return True
        if term is not False and not any(same(term, other) for other in found):
            found.append(term)
    return False if not found else found[0] if len(found) == 1 else z3.Or(*found)


def no(term: Term) -> Term:
    """Its opposite."""
    if isinstance(term, bool):
        return not term
    return term.arg(0) if z3.is_not(term) else z3.Not(term)


def pick(condition: Term, then: Term, other: Term) -> Term:
    """`then` where the condition holds, else `other`."""
    if isinstance(condition, bool):
        return then if condition else other
    if same(then, other):
        return then
    if isinstance(then, bool) and isinstance(other, bool):
        return condition if then else no(condition)
    if isinstance(then, bool) or isinstance(other, bool):
        return either(both(condition, then), both(no(condition), other))
    return z3.If(condition, number(then), number(other))


def number(term: Term) -> Term:
    """A solver expression of a whole number."""
    return z3.IntVal(term) if isinstance(term, int) and not isinstance(term, bool) else term


def same(left: Term, right: Term) -> bool:
    """Whether two terms are written alike (they may be equal without that)."""
    if z3.is_expr(left) and z3.is_expr(right):
        return bool(left.eq(right))
    return type(left) is type(right) and not z3.is_expr(left) and bool(left == right)


def equal(left: Term, right: Term) -> Term:
    """Whether two terms have one value."""
    if same(left, right):
        return True
    if not z3.is_expr(left) and not z3.is_expr(right):
        return bool(left == right)
    if isinstance(left, bool):
        return right if left else no(right)
    if isinstance(right, bool):
        return left if right else no(left)
    return left == right


def total(terms: Iterable[Term]) -> Term:
    """The sum of whole numbers."""
    found = [term for term in terms if z3.is_expr(term) or term]
    fixed = sum(term for term in found if not z3.is_expr(term))
    open_ = [term for term in found if z3.is_expr(term)]
    if not open_:
        return fixed
    return z3.Sum(*open_, *([fixed] if fixed else [])) if len(open_) + bool(fixed) > 1 else open_[0]


def floor(term: Term, unit: int) -> Term:
    """A whole number of units, rounded down."""
    return term / unit if z3.is_expr(term) else term // unit  # the solver's division floors for a divisor above zero


def constant(term: Term) -> object:
    """The value of a term that is a number and nothing else; None otherwise."""
    if isinstance(term, int | float) and not isinstance(term, bool):
        return term
    if z3.is_int_value(term):
        return term.as_long()
    return term.as_fraction() if z3.is_rational_value(term) else None
