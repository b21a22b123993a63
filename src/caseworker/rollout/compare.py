"""How a release in shadow differs from what counted, summed up."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from caseworker.core.ids import case_reference
from caseworker.rollout.model import ShadowDecision

MOST_CASES = 20  # references that a group names


@dataclass(frozen=True, slots=True)
class Group:
    """Decisions that differ in the same way. `cases` are references, at most twenty, each once."""

    before: str
    after: str
    decisions: int
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`decisions` counts those that the shadow made, `errors` events that it could not decide; the largest group is first.

    `beside` counts by the release that decided what counted: another one may have become live meanwhile.
    """

    decisions: int
    same: int
    errors: int
    groups: tuple[Group, ...]
    error_examples: tuple[tuple[str, str], ...] = ()
    beside: Mapping[str, int] = field(default_factory=dict)

    @property
    def percent_same(self) -> float | None:
        """The share of equal decisions, in percent, rounded down to a tenth: 100 are all. None where nothing was decided."""
        return 1000 * self.same // self.decisions / 10 if self.decisions else None


def compare(decisions: Sequence[ShadowDecision]) -> Comparison:
    """The summary of what a release decided in shadow, in the order of cases and events."""
    made = list(_once([d for d in decisions if not d.error]))
    failed = [d for d in decisions if d.error]
    changed: dict[tuple[str, str], list[int]] = {}
    for decision in made:
        if not decision.same:
            changed.setdefault((decision.live_rule, decision.rule), []).append(decision.case)
    groups = [Group(*rules, len(cases), _references(cases)) for rules, cases in changed.items()]
    return Comparison(
        decisions=len(made),
        same=sum(d.same for d in made),
        errors=len(failed),
        groups=tuple(sorted(groups, key=lambda g: (-g.decisions, g.before, g.after))),
        error_examples=tuple((case_reference(d.case), d.error) for d in failed[:3]),
        beside=dict(Counter(d.live_release for d in (*made, *failed)).most_common()),
    )


def _once(decisions: Sequence[ShadowDecision]) -> Iterator[ShadowDecision]:
    """A difference that stays the same from event to event of a request is one: a wait is looked at again and again."""
    before: dict[tuple[int, int], tuple[str, str] | None] = {}
    for decision in decisions:
        request = decision.case, decision.request
        differs = None if decision.same else (decision.live_rule, decision.rule)
        if differs is None or before.get(request) != differs:
            yield decision
        before[request] = differs


def _references(cases: Sequence[int]) -> tuple[str, ...]:
    return tuple(case_reference(number) for number in list(dict.fromkeys(cases))[:MOST_CASES])
