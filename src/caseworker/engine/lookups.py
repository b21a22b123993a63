"""Reads that a procedure asks for."""

from collections.abc import Mapping
from dataclasses import dataclass

from caseworker.cases.model import Case
from caseworker.commerce.errors import Refusal
from caseworker.commerce.ports import Commerce
from caseworker.core.facts import of
from caseworker.knowledge.operations import FIND
from caseworker.knowledge.ports import Answers
from caseworker.sop.model import Found


@dataclass(frozen=True, slots=True)
class LookUps:
    """Asks whoever knows: the worker's approved answers for its own operation, the shop for all others."""

    commerce: Commerce
    answers: Answers

    async def read(self, case: Case, operation: str, arguments: Mapping[str, object]) -> Found:
        """One look-up of a case; a refusal is a result. Raises Trouble where the system is away."""
        try:
            result = await self._asked(case, operation, arguments)
        except Refusal as refusal:
            return Found((), refusal.code)
        records = result if isinstance(result, tuple | list) else (result,)
        trees = [of(record) for record in records]
        return Found(tuple(tree for tree in trees if isinstance(tree, Mapping)))

    async def _asked(self, case: Case, operation: str, arguments: Mapping[str, object]) -> object:
        if operation == FIND:
            return await self.answers.find(case.worker, arguments)
        return await self.commerce.read(case.shop, operation, arguments)
