"""Guardrails: who may do how much. They apply as they are live now, whatever release a case is pinned to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from caseworker.core.money import Money


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits of one action, by currency.

    An amount above `per_action`, `per_case` or `per_customer_day` goes to approval where `above` is `approve`, and is refused
    where it is `forbid`. `count_per_case` is how often a case may do it, this time included. `always_approve` asks a person
    whatever the amount is, and lifts no `forbid`."""

    action: str
    per_action: Mapping[str, Money] = field(default_factory=dict)
    per_case: Mapping[str, Money] = field(default_factory=dict)
    per_customer_day: Mapping[str, Money] = field(default_factory=dict)
    count_per_case: int | None = None
    above: Literal["approve", "forbid"] = "approve"
    always_approve: bool = False
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of people."""

    name: str
    title: str
    service_minutes: int
    priority: int


@dataclass(frozen=True, slots=True)
class Guardrails:
    """guardrails.yaml and routing.yaml as loaded. An action that moves money and has no limit is forbidden.

    `because` are the words of escalation reasons, explained for people. `people` is how many it takes to publish a release.
    `also` are limits of another release that bound the same case: the stricter of the verdicts counts."""

    limits: Mapping[str, Limit]
    queues: Mapping[str, Queue]
    default_queue: str
    because: Mapping[str, str] = field(default_factory=dict)
    people: int = 1
    also: tuple[Mapping[str, Limit], ...] = ()

    def bounds(self, action: str) -> tuple[Limit, ...]:
        """Every limit of an action that counts."""
        return tuple(limits[action] for limits in (self.limits, *self.also) if action in limits)


@dataclass(frozen=True, slots=True)
class Totals:
    """Money already moved or in flight, in the action's currency: by this case, and for this customer today.

    `count` is how often this case did it. Where no money moves both amounts are 0 XXX.
    """

    case: Money
    customer_day: Money
    count: int


Moved = Mapping[tuple[str, str], Totals]  # by action and currency; the currency is empty for actions that move no money


def add_totals(one: Totals | None, other: Totals | None) -> Totals | None:
    """Both together; None is nothing. Raises MoneyError for two currencies."""
    if one is None or other is None:
        return one or other
    return Totals(one.case + other.case, one.customer_day + other.customer_day, one.count + other.count)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names the limit that decided."""

    decision: Literal["allowed", "needs_approval", "forbidden"]
    rule: str
    queue: str = ""
