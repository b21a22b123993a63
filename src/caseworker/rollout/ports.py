"""What the roll-out needs kept. Implemented by `store`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from caseworker.rollout.model import ShadowDecision


class ShadowStore(Protocol):
    """Decisions that counted for nothing."""

    async def keep_shadow(self, decisions: Sequence[ShadowDecision], now: datetime) -> None:
        """Store what a release decided in shadow; the same event decided again is no second one."""
        ...
