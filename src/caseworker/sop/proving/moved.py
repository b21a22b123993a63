"""Money that acts move, each amount in its own currency."""

from dataclasses import dataclass

from caseworker.sop.proving.logic import Term, equal, pick
from caseworker.sop.proving.world import World


@dataclass(frozen=True)
class Moved:
    """Money that an act moved: minor units and the currency's number."""

    operation: str
    amount: Term
    currency: Term

    def is_in(self, currency: str, world: World) -> Term:
        """Whether the amount is in a currency."""
        return equal(self.currency, world.text(currency))

    def part(self, currency: str, world: World) -> Term:
        """What it adds to the money moved in a currency."""
        return pick(self.is_in(currency, world), self.amount, 0)
