"""Records as symbols: one for each field that is read, with the laws of its record. Listed in docs/reference/prove.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import z3

from caseworker.core.money import Money
from caseworker.sop.cel.types import ANY, Type
from caseworker.sop.model import Range
from caseworker.sop.proving.logic import Term, both, either, equal, no, number, pick, total
from caseworker.sop.proving.rests import rest_of
from caseworker.sop.proving.values import ABSENT, NOTHING, OK, Slot, Status, Val
from caseworker.sop.proving.world import DAY, FAR, FREE, World

_BALANCE = ("captured", "refunded", "refundable", "in_flight")


@dataclass(frozen=True)
class Tree:
    """One looked-up record with everything below it, or a section. `shift` changes amounts after a pay-back."""

    world: World
    records: Mapping[str, Mapping[str, Type]]
    root: str
    prefix: str = ""
    shift: "Shift | None" = None
    now: Term = None  # when it was looked up; None: when the request began
    kept: bool = False  # whether it is in one currency at all times, though it is looked up anew

    @property
    def currency(self) -> Term:
        """The one currency of the amounts in it."""
        return self.world.currency(self.root if self.kept else f"{self.prefix}{self.root}")

    def make(self, kind: Type, path: str, schema: str) -> Val:
        """The value of a type at a path; `schema` is the path without numbers of items."""
        match kind.name:
            case "optional":
                there = self.world.flag(f"{self.prefix}{path}?")
                inside = self.make(kind.item or ANY, path, schema)
                return inside.with_status(Status(absent=no(there)))
            case "record" | "map":
                return Val(kind.name, SymbolRecord(self, path, schema, kind))
            case "list":
                return self._list(kind.item or ANY, path, schema)
            case "Money":
                return self._money(path, schema)
            case "time":
                return self._time(path)
            case _:
                return self._scalar(kind, path, schema)

    def _scalar(self, kind: Type, path: str, schema: str) -> Val:
        world, name = self.world, f"{self.prefix}{path}"
        match kind.name:
            case "bool":
                return Val("bool", world.flag(name))
            case "int":
                return Val("int", self._int(name, schema))
            case "duration":
                return Val("duration", world.whole(name, least=0, most=FAR))
            case "double":
                term = z3.Real(name)
                if world.once(f"{name} real"):
                    world.axioms += [term >= 0, term <= 1] if schema == "request.confidence" else [term >= 0]
                    world.wish(2, term == 1)
                return Val("double", term)
            case "string" | "enum":
                return Val("string", self._text(kind, name))
            case "Ref":
                return Val("Ref", world.whole(name, least=0))
        return NOTHING

    def _int(self, name: str, schema: str) -> Term:
        world = self.world
        term = world.whole(name, least=0)
        if world.once(f"{name} bounds"):
            world.wish(2, term <= 3, term == 1)
            for entry in world.bounds(schema):
                world.axioms += [term >= bound for bound in (entry.least,) if isinstance(bound, int)]
                world.axioms += [term <= bound for bound in (entry.most,) if isinstance(bound, int)]
        return term

    def _text(self, kind: Type, name: str) -> Term:
        term = self.world.whole(name, least=0)
        if kind.words and self.world.once(f"{name} words"):
            self.world.axioms.append(either(*(term == self.world.text(word) for word in sorted(kind.words))))
        if not kind.words and not name.endswith("country") and self.world.once(f"{name} free"):
            self.world.strings += 1
            self.world.wish(3, term >= FREE)
            self.world.wish(4, term == FREE + self.world.strings)
        if name.endswith("country") and self.world.once(f"{name} named"):
            self.world.axioms.append(either(*(term == self.world.text(code) for code in self.world.countries)))
            self.world.wish(1, term == self.world.text(self.world.countries[0]))
            if name == f"{self.prefix}{self.root}.country" and self.world.proofs.currencies:
                self.world.axioms.append(self._one_currency(term))
        return term

    def _one_currency(self, country: Term) -> Term:
        """The currency of the record is one of its country, as proofs.yaml says."""
        world, currency = self.world, self.currency
        pairs = ((code, places) for code, places in world.proofs.currencies.items())
        return either(
            *(both(currency == world.text(code), either(*(country == world.text(p) for p in places))) for code, places in pairs)
        )

    def _time(self, path: str) -> Val:
        world, name = self.world, f"{self.prefix}{path}"
        now = world.now if self.now is None else self.now
        term = z3.Int(name)
        if world.once(f"{name} time"):
            world.axioms += [term >= now - FAR, term <= now + FAR]
            ago = z3.Int(f"{name} days")
            world.wish(2, term <= now, term == now - ago * DAY, term == now - 3 * DAY)
        return Val("time", term)

    def _money(self, path: str, schema: str) -> Val:
        world, name = self.world, f"{self.prefix}{path}"
        currency = self.currency
        term = world.whole(name, least=0)
        if world.once(f"{name} bounds"):
            tens = z3.Int(f"{name} tens")
            last = path.rsplit(".", 1)[-1]
            world.wish(2, term <= 100_000, term == tens * 1000, term == (0 if last in ("refunded", "in_flight") else 2000))
            world.axioms += _within(world, term, currency, list(world.bounds(schema)))
        return Val("Money", self.shift.shifted(path, term) if self.shift else term, OK, currency)

    def of_item(self, path: str, index: int) -> "Tree":
        """The tree of an item: each record of a looked-up list is a tree of its own, with its own currency."""
        return replace(self, root=f"{path}[{index}]", kept=False) if path == self.root else self

    def _list(self, item: Type, path: str, schema: str) -> Val:
        world, name = self.world, f"{self.prefix}{path}"
        bounds = list(world.bounds(schema)) if item.name == "record" else []
        slots = world.slots_of(schema) if bounds else world.slots

        def one(index: int) -> Val:
            return self.of_item(path, index).make(item, f"{path}[{index}]", schema)

        size = world.whole(f"{self.prefix}size({path})", least=0)
        found = [one(index) for index in range(slots)]
        if world.once(f"{name} list"):
            world.wish(0, size <= 2, size == 1)
            for entry in bounds:
                world.axioms += [size >= entry.least] if isinstance(entry.least, int) else []
                world.axioms += [size <= entry.most] if isinstance(entry.most, int) else []
            for key in ("id", "ref"):
                if item.name == "record" and key in self.records.get(item.of, {}) and len(found) > 1:
                    world.axioms.append(z3.Distinct(*(number(value.term.raw(key).term) for value in found)))
        listed = tuple(Slot(size > index, value) for index, value in enumerate(found))
        whole = any(isinstance(entry.most, int) and entry.most <= slots for entry in bounds)
        return Val("list", listed, rest=None if whole else rest_of(world, name, size, slots, lambda: one(slots)))


def _within(world: World, term: Term, currency: Term, entries: list[Range]) -> list[Term]:
    """Bounds of an amount: those of its currency, else the first ones as so many minor units."""
    named: dict[str, list[Term]] = {}
    for entry in entries:
        for bound, upper in ((entry.least, False), (entry.most, True)):
            if isinstance(bound, Money):
                named.setdefault(bound.currency, []).append(term <= bound.minor if upper else term >= bound.minor)
    if not named:
        return []
    known = [(currency == world.text(code), both(*limits)) for code, limits in named.items()]
    other = no(either(*(condition for condition, _ in known)))
    return [z3.Implies(condition, limits) for condition, limits in known] + [either(no(other), known[0][1])]


class SymbolRecord:
    """A record of the world: fields become symbols when they are first read."""

    def __init__(self, tree: Tree, path: str, schema: str, kind: Type) -> None:
        self.tree, self.path, self.schema, self.kind = tree, path, schema, kind
        self.made: dict[str, Val] = {}
        self.entries: dict[str, tuple[Val, Val]] = {}  # of a map: keys that are computed, with what stands there

    def raw(self, name: str) -> Val:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def field(self, name: str) -> Val:
        return self.raw(name)

    def _make(self, name: str) -> Val:
        world = self.tree.world
        if self.kind.name == "map":
            found = self._of_map(name)
            written = [no(value.status.absent) for value in (*self.made.values(), found)]
            world.axioms.append(self.size() >= total(pick(there, 1, 0) for there in written))
            for key, other in self.entries.values():
                self._alike(world.text(name), found, key.term, other)
            return found
        fields = self.tree.records.get(self.kind.of, {})
        if name not in fields:
            return Val("any", 0, ABSENT)
        value = self.tree.make(fields[name], f"{self.path}.{name}", f"{self.schema}.{name}")
        if name in _BALANCE and value.kind == "Money":
            self._balance(fields)
        return value

    # -- maps ----------------------------------------------------------------------------------------------------------

    def entry(self, key: Val) -> Val:
        """What a map has for a key that is not written down: something of its type or nothing, the same for the same key."""
        world = self.tree.world
        name = world.key("entry", key.term)
        if name not in self.entries:
            found = self._of_map(name)
            others = [(world.text(text), value) for text, value in self.made.items()]
            for term, other in [*others, *((other.term, value) for other, value in self.entries.values())]:
                self._alike(term, other, key.term, found)
            self.entries[name] = key, found
        return self.entries[name][1]

    def size(self) -> Term:
        """How many keys a map has: at least those that are there, two of them only where they are two."""
        return self.tree.world.whole(f"{self.tree.prefix}size({self.path})", least=0)

    def _of_map(self, name: str) -> Val:
        path = f"{self.path}.{name}"
        there = self.tree.world.flag(f"{self.tree.prefix}{path}?")
        self.tree.world.axioms.append(z3.Implies(there, self.size() >= 1))
        inside = self.tree.make(self.kind.item or ANY, path, f"{self.schema}.{name}")
        return inside.with_status(Status(absent=no(there)))

    def _alike(self, one: Term, first: Val, two: Term, second: Val) -> None:
        """Where two keys are the same, so is what stands there."""
        if first.kind == second.kind and first.kind not in ("record", "map", "list", "any"):
            same = both(equal(first.status.absent, second.status.absent), equal(first.term, second.term))
            self.tree.world.axioms.append(either(no(equal(one, two)), same))

    def _balance(self, fields: Mapping[str, Type]) -> None:
        """What the contract says of amounts of one record."""
        world, name = self.tree.world, f"{self.tree.prefix}{self.path}"
        if not world.once(f"{name} balance"):
            return
        plain = [key for key in _BALANCE if key in fields and fields[key].name == "Money"]
        for key in plain:
            self.raw(key)
        at = {key: z3.Int(f"{name}.{key}") for key in plain}
        if {"captured", "refunded", "refundable"} <= set(at):
            gone = [at["refunded"], at["in_flight"]] if "in_flight" in at else [at["refunded"]]
            world.axioms += [at["refundable"] <= at["captured"] - at["refunded"], total(gone) <= at["captured"]]
            if "in_flight" in at:
                world.axioms.append(at["refundable"] == at["captured"] - total(gone))


@dataclass
class Shift:
    """What pay-backs of this request have changed in a record tree: `refundable` falls and `refunded` rises.

    In the record that is paid back itself by the amount; in the records below it by a part that is not known.
    """

    world: World
    root: str
    amounts: tuple[tuple[str, Term], ...] = ()  # (name of the pay-back, amount in minor units)

    def shifted(self, path: str, term: Term) -> Term:
        """An amount of the tree after the pay-backs."""
        head, _, last = path.rpartition(".")
        if last not in ("refundable", "refunded") or not self.amounts:
            return term
        parts = [amount if head == self.root else self._part(head, name, amount) for name, amount in self.amounts]
        if last == "refunded":
            return term + total(parts)
        left = term - total(parts)
        if head != self.root and self.world.once(f"{path} {self.amounts[-1][0]} left"):
            self.world.axioms.append(left >= 0)
        return left

    def _part(self, head: str, name: str, amount: Term) -> Term:
        term = z3.Int(f"{name} of {head}")
        if self.world.once(f"{name} of {head}"):
            self.world.axioms += [term >= 0, term <= amount]
        return term
