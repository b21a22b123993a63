"""What a condition yields for all facts at once: a value with the conditions under which it is none.

`Unknown` and `Fault` of the evaluator become conditions of a status; exactly one of ok, unknown, fault and absent holds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from caseworker.sop.proving.logic import Term, both, either, equal, no, pick, same

if TYPE_CHECKING:
    from caseworker.sop.proving.world import World


@dataclass(frozen=True, slots=True)
class Status:
    """When a value is not there. `dead` is the part of `unknown` that nobody can supply, `mix` the part of `fault` that two
    currencies make, `absent` a fault that `has()` makes false."""

    unknown: Term = False
    dead: Term = False
    fault: Term = False
    absent: Term = False
    mix: Term = False

    @property
    def ok(self) -> Term:
        return both(no(self.unknown), no(self.fault), no(self.absent))

    @property
    def wrong(self) -> Term:
        """Known, and not computable."""
        return either(self.fault, self.absent)

    def under(self, condition: Term) -> "Status":
        """This status where the condition holds, else ok."""
        parts = (self.unknown, self.dead, self.fault, self.absent, self.mix)
        return Status(*(both(condition, part) for part in parts))


OK = Status()
ABSENT = Status(absent=True)
DEAD = Status(unknown=True, dead=True)
OPEN = Status(unknown=True)


def trouble(*statuses: Status) -> Status:
    """As `cel.values.trouble`: what is unknown goes before faults, the first fault before later ones."""
    relevant = [status for status in statuses if status is not OK]
    if len(relevant) < 2:
        return relevant[0] if relevant else OK
    unknown = either(*(status.unknown for status in relevant))
    fault: Term = False
    absent: Term = False
    mix: Term = False
    fine: Term = no(unknown)
    for status in relevant:
        fault, absent = either(fault, both(fine, status.fault)), either(absent, both(fine, status.absent))
        mix = either(mix, both(fine, status.mix))
        fine = both(fine, no(status.fault), no(status.absent))
    return Status(unknown, either(*(status.dead for status in relevant)), fault, absent, mix)


def select(condition: Term, then: Status, other: Status) -> Status:
    """One status or the other."""
    if then is other:
        return then
    pairs = (
        (then.unknown, other.unknown), (then.dead, other.dead), (then.fault, other.fault), (then.absent, other.absent),
        (then.mix, other.mix),
    )  # fmt: skip
    return Status(*(pick(condition, left, right) for left, right in pairs))


class Record(Protocol):
    """Something with fields."""

    def raw(self, name: str) -> "Val":
        """The field; its status says when the key is not in the tree (absent) or not known."""
        ...

    def field(self, name: str) -> "Val":
        """The field as a path reads it."""
        ...

    def entry(self, key: "Val") -> "Val":
        """Of a map: what stands under a key that is computed."""
        ...

    def size(self) -> Term:
        """Of a map: how many keys it has."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """One possible item of a list; it is in the list where `there` holds."""

    there: Term
    value: "Val"


@dataclass(frozen=True, slots=True)
class Rest:
    """What a list has beyond its slots: `count` items, out of `of_all` of the list as it was looked up."""

    world: "World"
    name: str  # of the list as it was looked up; empty where it is one list or another
    count: Term
    of_all: Term
    sample: "Callable[[], Val]"  # an item of which nothing is known
    given: frozenset[str] = frozenset()  # lists with an item on which it depends what is in this one

    def mapped(self, body: "Callable[[Val], Val]") -> "Rest":
        """This rest with something else for each item."""
        return replace(self, sample=lambda: body(self.sample()))

    def only(self, condition: Term) -> "Rest":
        """This rest where the condition holds, else none."""
        return replace(self, count=pick(condition, self.count, 0), of_all=pick(condition, self.of_all, 0))


@dataclass(frozen=True, slots=True)
class Val:
    """`kind` is a scalar type, Ref, record, list or map. `term` is a number (texts and references by number, times and
    durations in microseconds, amounts in minor units), a bool, a Record, or a tuple of Slots."""

    kind: str
    term: Term
    status: Status = OK
    currency: Term = None
    rest: Rest | None = None  # of a list

    def depending(self, given: frozenset[str]) -> "Val":
        """This value; a list with the lists on whose items it depends what is in it."""
        return replace(self, rest=replace(self.rest, given=self.rest.given | given)) if given and self.rest else self

    def with_status(self, *more: Status) -> "Val":
        return replace(self, status=trouble(self.status, *more))

    @property
    def true(self) -> Term:
        return both(self.status.ok, self.term) if self.kind == "bool" else False

    @property
    def false(self) -> Term:
        return both(self.status.ok, no(self.term)) if self.kind == "bool" else False

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.term if self.kind == "list" else ()


NOTHING = Val("any", 0, ABSENT)


class Either:
    """One record or the other."""

    def __init__(self, condition: Term, then: Record, other: Record) -> None:
        self._condition, self._then, self._other = condition, then, other

    def raw(self, name: str) -> Val:
        return choose(self._condition, self._then.raw(name), self._other.raw(name))

    def field(self, name: str) -> Val:
        return choose(self._condition, self._then.field(name), self._other.field(name))

    def entry(self, key: Val) -> Val:
        return choose(self._condition, self._then.entry(key), self._other.entry(key))

    def size(self) -> Term:
        return pick(self._condition, self._then.size(), self._other.size())


def choose(condition: Term, then: Val, other: Val) -> Val:
    """One value or the other."""
    if isinstance(condition, bool):
        return then if condition else other
    if then is other:
        return then
    status = select(condition, then.status, other.status)
    if "any" in (then.kind, other.kind) or then.kind != other.kind:
        one = other if then.kind == "any" else then
        return replace(one, status=status)
    if then.kind in ("record", "map"):
        record = then.term if then.term is other.term else Either(condition, then.term, other.term)
        return Val(then.kind, record, status)
    if then.kind == "list":
        return Val("list", _merged(condition, then.slots, other.slots), status, rest=_rest(condition, then, other))
    currency = pick(condition, then.currency, other.currency) if then.kind == "Money" else None
    return Val(then.kind, pick(condition, then.term, other.term), status, currency)


def _merged(condition: Term, then: Sequence[Slot], other: Sequence[Slot]) -> tuple[Slot, ...]:
    if len(then) == len(other) and all(one.value is two.value for one, two in zip(then, other, strict=True)):
        pairs = zip(then, other, strict=True)
        return tuple(Slot(pick(condition, one.there, two.there), one.value) for one, two in pairs)
    mine = [Slot(both(condition, slot.there), slot.value) for slot in then]
    theirs = [Slot(both(no(condition), slot.there), slot.value) for slot in other]
    return tuple(slot for slot in (*mine, *theirs) if slot.there is not False)


def _rest(condition: Term, then: Val, other: Val) -> Rest | None:
    """What one list or the other has beyond its slots."""
    one, two = then.rest, other.rest
    if one is None:
        return two and two.only(no(condition))
    if two is None:
        return one.only(condition)
    return replace(
        one,
        given=one.given | two.given,
        name=one.name if one.name == two.name else "",
        count=pick(condition, one.count, two.count),
        of_all=pick(condition, one.of_all, two.of_all),
        sample=lambda: choose(condition, one.sample(), two.sample()),
    )


def mixed(amounts: Iterable[Val]) -> Term:
    """Whether two currencies are among amounts."""
    found = list(amounts)
    unlike = [
        no(equal(found[0].currency, other.currency)) for other in found[1:] if not same(found[0].currency, other.currency)
    ]
    return either(*unlike)
