"""References to records in the retailer's systems."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """One record of one system. `version` is the system's own, for optimistic writes."""

    system: str
    type: str
    id: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.system}:{self.type}:{self.id}"
