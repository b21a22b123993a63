"""Items of a list beyond those that are looked at one by one.

Of these items nothing is known but bounds, so that what is proved holds for lists of any length. One more thing may be
assumed: items can change places, so that where an item of the rest has a property, one of those that are looked at has it
too, its witness. A question may assume this of as many properties of a list as the list has places for witnesses, and not of
properties that go round in a circle: what is true of an item of one list because of a certain item of another holds as long
as that other item stays where it is. Which witnesses a question needs, the solver finds out (`Solver.reach`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import z3

from caseworker.sop.proving.logic import Term, both, either, equal, no, number, pick, same, total
from caseworker.sop.proving.values import NOTHING, OK, Rest, Slot, Status, Val, choose, trouble
from caseworker.sop.proving.world import Witness, World


def rest_of(world: World, name: str, size: Term, slots: int, sample: Callable[[], Val]) -> Rest:
    """What a list has beyond its slots. `sample` makes an item of which nothing is known."""
    if world.once(f"rest of {name}"):
        world.short.append(size <= slots)
        world.places[name] = slots
    count = z3.If(size > slots, size - slots, 0)
    return Rest(world, name, count, count, sample)


def part(slots: Sequence[Slot], rest: Rest | None, properties: Sequence[Term]) -> Term:
    """How many items of the rest have a property. `properties`: what it is for the item of each slot."""
    if rest is None or all(one is False for one in properties):
        return 0
    if all(same(one, properties[0]) for one in properties):
        return pick(properties[0], rest.count, 0)
    world = rest.world
    name = world.key(f"rest of {rest.name}", rest.count, *properties)
    found = z3.Int(name)
    if world.once(name):
        world.axioms += [found >= 0, found <= rest.count]
        _witness(rest, either(found <= 0, *_there(slots, properties)))
    return found


def _witness(rest: Rest, law: Term) -> None:
    """What may be assumed of a property of the list. Of two lists that stand for each other nothing is."""
    if rest.name and z3.is_expr(law):
        rest.world.witnesses.append(Witness(rest.name, rest.given, law))


def _there(slots: Sequence[Slot], properties: Sequence[Term]) -> list[Term]:
    return [both(slot.there, one) for slot, one in zip(slots, properties, strict=True)]


def some(slots: Sequence[Slot], rest: Rest | None, properties: Sequence[Term]) -> Term:
    """Whether an item of the list has a property, wherever it stands."""
    return either(*_there(slots, properties), more_than_none(part(slots, rest, properties)))


def more_than_none(count: Term) -> Term:
    """Whether a number is above nought."""
    return count > 0


def kept(slots: Sequence[Slot], rest: Rest | None, properties: Sequence[Term]) -> Rest | None:
    """The rest of the list of those items that have a property."""
    if rest is None or all(one is False for one in properties):
        return None
    return replace(rest, count=part(slots, rest, properties))


def troubles(slots: Sequence[Slot], rest: Rest | None, statuses: Sequence[Status]) -> Status:
    """The status of what reads every item."""
    listed = trouble(*(status.under(slot.there) for slot, status in zip(slots, statuses, strict=True) if status is not OK))
    if rest is None or all(status is OK for status in statuses):
        return listed
    unknown, dead, fault, absent, mix = (
        more_than_none(part(slots, rest, [getattr(status, name) for status in statuses]))
        for name in ("unknown", "dead", "fault", "absent", "mix")
    )
    fine = no(unknown)
    wrong, gone = both(fine, fault), both(fine, no(fault), absent)
    return trouble(listed, Status(unknown, both(unknown, dead), wrong, gone, both(wrong, mix)))


def summed(slots: Sequence[Slot], rest: Rest | None) -> Term:
    """The sum of the values of the rest: none of no items, and above or below nought only where a value is."""
    if rest is None:
        return 0
    world, values = rest.world, [slot.value.term for slot in slots]
    name = world.key(f"sum of {rest.name}", rest.count, *values)
    found = z3.Int(name)
    if world.once(name):
        world.axioms.append(z3.Implies(number(rest.count) <= 0, found == 0))
        _witness(rest, either(found <= 0, *_there(slots, [value > 0 for value in values])))
        _witness(rest, either(found >= 0, *_there(slots, [value < 0 for value in values])))
    return found


def may_mix(rest: Rest | None) -> Term:
    """Whether amounts of two currencies may meet in the rest, of a list in which they may meet at all."""
    return False if rest is None else both(rest.count > 0, z3.Bool(f"mix in the rest of {rest.name}"))


def size_of(items: Val) -> Term:
    """How many items a list has."""
    listed = [int(slot.there) if isinstance(slot.there, bool) else z3.If(slot.there, 1, 0) for slot in items.slots]
    return total((*listed, items.rest.count if items.rest else 0))


def item(items: Val, index: Term) -> Val:
    """The item at a number. Where a list has more than its slots it may be any, but for the first one."""
    found, rest = NOTHING, items.rest
    for position, slot in reversed(list(enumerate(items.slots))):
        before = size_of(Val("list", items.slots[:position]))
        found = choose(both(slot.there, equal(before, index)), slot.value, found)
    if rest is None:
        return found
    missing = no(both(number(index) >= 0, index < size_of(items)))
    other = _first(items.slots, rest) if index == 0 and isinstance(index, int) else rest.sample()
    return choose(rest.of_all > 0, other.with_status(Status(absent=missing)), found)


def _first(slots: Sequence[Slot], rest: Rest) -> Val:
    """The first item of a part of a list, in whatever place; its being there is a property of that item alone."""
    name = rest.world.key(f"first of {rest.name}", rest.count, *(slot.there for slot in slots))
    place = z3.Int(name)
    if rest.world.once(name):
        there = [both(place == position, slot.there) for position, slot in enumerate(slots)]
        _witness(rest, either(no(some(slots, rest, [True] * len(slots))), *there))
    found = rest.sample()
    for position, slot in enumerate(slots):
        found = choose(place == position, slot.value, found)
    return found
