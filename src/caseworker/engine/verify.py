"""Verified resolution: what receipts claim is read back from the system of record before it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from caseworker.cases.model import Case, Entry
from caseworker.cases.ports import EffectStore
from caseworker.commerce.errors import CommerceError
from caseworker.commerce.ports import Commerce, WriteCall
from caseworker.core.ids import case_reference


@dataclass(frozen=True, slots=True)
class Verifier:
    """Reads back every done write of a case."""

    effects: EffectStore
    commerce: Commerce

    async def verify(self, case: Case, now: datetime) -> tuple[Case, tuple[Entry, ...]]:
        """The case with `verified_at` set when every receipt was found in the system; else an entry that says which was not."""
        if case.status != "closed":
            return case, ()
        missing: list[Mapping[str, Any]] = []
        done = await self.effects.done_writes(case.number)
        for effect in done:
            call = WriteCall(
                shop=case.shop,
                operation=effect.operation,
                arguments=effect.arguments,
                key=effect.key,
                case=case_reference(case.number),
                reason=effect.reason,
            )
            try:
                receipt = await self.commerce.read_back(call)
            except CommerceError as error:
                missing.append({"effect": effect.key, "because": error.code})
                continue
            if receipt is None:
                missing.append({"effect": effect.key, "because": "not_there"})
        if missing:
            return case, (Entry("not_verified", {"missing": missing}),)
        return replace(case, verified_at=now), (Entry("verified", {"receipts": len(done)}),)
