"""Reads that a procedure asks for."""

from collections.abc import Mapping

from caseworker.cases.model import Case, CaseLookUp
from caseworker.commerce.errors import Refusal
from caseworker.commerce.ports import Commerce
from caseworker.core.facts import of
from caseworker.sop.model import Found


async def read(commerce: Commerce, case: Case, lookup: CaseLookUp) -> Found:
    """One look-up of a case; a refusal is a result. Raises Trouble where the system is away."""
    try:
        result = await commerce.read(case.shop, lookup.operation, lookup.arguments)
    except Refusal as refusal:
        return Found((), refusal.code)
    records = result if isinstance(result, tuple | list) else (result,)
    trees = [of(record) for record in records]
    return Found(tuple(tree for tree in trees if isinstance(tree, Mapping)))
