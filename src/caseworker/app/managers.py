"""For managers and auditors: cases, and why each went as it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caseworker.app.ports import CaseViews
from caseworker.core.errors import UsageError
from caseworker.core.facts import load
from caseworker.core.ids import case_number, case_reference


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything about one case, as rows: the case, its timeline, mails, effects, queue items and promises."""

    case: Any
    timeline: Sequence[Any]
    messages: Sequence[Any]
    effects: Sequence[Any]
    items: Sequence[Any]
    promises: Sequence[Any]

    @property
    def reference(self) -> str:
        """The case's reference."""
        return case_reference(self.case.number)


@dataclass(slots=True)
class Managers:
    """Reads cases."""

    views: CaseViews

    async def cases(self, **filters: Any) -> Sequence[Any]:
        """Cases by status, search, intent, queue; the one changed last first."""
        return await self.views.cases(**filters)

    async def unassigned(self, *, limit: int = 50, offset: int = 0) -> Sequence[Any]:
        """Mails in no case (absence notes, lists, automatic replies), the last one first."""
        return await self.views.unassigned(limit=limit, offset=offset)

    async def counts(self) -> Mapping[str, int]:
        """How many cases in each status."""
        return await self.views.counts()

    async def file(self, name: str) -> CaseFile:
        """One case by its number or reference. Raises UsageError."""
        number = number_of(name)
        return CaseFile(
            case=await self.views.case(number),
            timeline=await self.views.timeline(number),
            messages=await self.views.messages(number),
            effects=await self.views.effects(number),
            items=await self.views.items(number),
            promises=await self.views.promises(number),
        )

    async def decisions(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Every decision of a case in order: rule, moves, and each row with what it saw."""
        file = await self.file(name)
        trees = ({"at": line.at, **dict(_mapping(load(line.data)))} for line in file.timeline if line.kind == "decided")
        return list(trees)


def number_of(name: str) -> int:
    """The number of a case that is named by reference or number. Raises UsageError."""
    number = case_number(name) if "-" in name else int(name) if name.isascii() and name.isdigit() and len(name) < 13 else None
    if number is None:
        raise UsageError(f"{name!r} is no case.", remedy="Give a reference such as CW-00001T-1T, or its number.")
    return number


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value
