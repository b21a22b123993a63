"""All facts at once: a symbol for each fact that a procedure reads, and what is certain about the world.

Times and durations are microseconds (UTC), amounts minor units, texts and references numbers. Laws are listed in
docs/reference/prove.md; what stands here and not there is a mistake.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import z3

from caseworker.core.money import Money, is_currency
from caseworker.sop.cel.types import ANY, Type
from caseworker.sop.model import Proofs, Range
from caseworker.sop.proving.logic import Term, both, constant, either, no, number, total
from caseworker.sop.proving.values import ABSENT, NOTHING, OK, Slot, Status, Val

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST_NOW, LAST_NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
FREE = 10_000  # texts from here on are none of those that the playbook names
FAR = 5 * 366 * DAY  # how far from now the times of records are at most
_BALANCE = ("captured", "refunded", "refundable", "in_flight")


def micros(value: datetime | timedelta) -> int:
    """A time or duration in microseconds."""
    span = value - EPOCH if isinstance(value, datetime) else value
    return span // timedelta(microseconds=1)


@dataclass
class World:
    """Symbols and laws. `slots` is how many items a list may have; `wished` makes a counterexample easy to read."""

    slots: int
    currencies: tuple[str, ...]
    countries: tuple[str, ...]  # those that anybody names, and some more that stand for all others
    proofs: Proofs
    axioms: list[Term] = field(default_factory=list)
    wished: list[tuple[int, Term]] = field(default_factory=list)  # rank (0 is dearest) and wish
    nice: list[Term] = field(default_factory=list)  # makes abstract functions easy to replay; never assumed in a proof
    strings: int = 0  # texts that are none of the playbook's words, so far
    _texts: dict[str, int] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _kept: list[Term] = field(default_factory=list)
    _codes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of currencies that are open

    def __post_init__(self) -> None:
        self.now = z3.Int("now")
        self.axioms += [self.now >= micros(FIRST_NOW), self.now < micros(LAST_NOW)]
        self.wish(1, self.now == micros(datetime(2026, 11, 25, 10, tzinfo=UTC)))
        self._ranges: dict[str, list[Range]] = {}
        for entry in self.proofs.ranges:
            self._ranges.setdefault(entry.path, []).append(entry)

    # -- texts ---------------------------------------------------------------------------------------------------------

    def text(self, value: str) -> int:
        """The number of a text."""
        return self._texts.setdefault(value, len(self._texts))

    def texts(self) -> tuple[str, ...]:
        """Every text that has a number, in order."""
        return tuple(self._texts)

    # -- symbols -------------------------------------------------------------------------------------------------------

    def key(self, name: str, *terms: Term) -> str:
        """A name for a function of terms. Terms are kept, because the solver gives the number of a dropped one to another."""
        self._kept += terms
        return f"{name} {' '.join(str(term.get_id()) if z3.is_expr(term) else f'={term}' for term in terms)}"

    def wish(self, rank: int, *terms: Term) -> None:
        """Values that are wanted where they are possible; of one rank the first are the dearest."""
        self.wished += [(rank, term) for term in terms]

    @property
    def wishes(self) -> list[Term]:
        """Every wish, the dearest first."""
        return [term for _, term in sorted(self.wished, key=lambda entry: entry[0])]

    def once(self, key: str) -> bool:
        """Whether this is the first time."""
        if key in self._done:
            return False
        self._done.add(key)
        return True

    def flag(self, name: str, *, wish: bool | None = False) -> Term:
        """A yes or no."""
        term = z3.Bool(name)
        if wish is not None and self.once(f"{name} flag"):
            self.wish(1, term if wish else z3.Not(term))
        return term

    def whole(self, name: str, *, least: int | None = None, most: int | None = None) -> Term:
        """A whole number."""
        term = z3.Int(name)
        if self.once(f"{name} int"):
            if least is not None:
                self.axioms.append(term >= least)
            if most is not None:
                self.axioms.append(term <= most)
        return term

    def later(self, name: str, before: Term) -> Term:
        """A time that is not before another."""
        term = z3.Int(name)
        if self.once(f"{name} later"):
            self.axioms += [term >= before, term < micros(LAST_NOW)]
            self.wish(1, term == before)
        return term

    def currency(self, tree: str, codes: Sequence[str] = ()) -> Term:
        """The one currency of a record tree: one of those of the world, unless others are named."""
        term = z3.Int(f"{tree} currency")
        if self.once(f"{tree} currency"):
            known = self._codes[str(term.decl().name())] = tuple(codes) or self.currencies
            self.axioms.append(either(*(term == self.text(code) for code in known)))
            self.wish(1, term == self.text(known[0]))
        return term

    def codes(self, currency: Term) -> tuple[str, ...]:
        """The currencies that a term may stand for."""
        if z3.is_app_of(currency, z3.Z3_OP_ITE):
            return tuple(dict.fromkeys(code for part in currency.children()[1:] for code in self.codes(part)))
        fixed = constant(currency)
        if isinstance(fixed, int):
            return tuple(filter(is_currency, self.texts()[fixed : fixed + 1]))  # where an amount is absent it has none
        return self._codes.get(str(currency.decl().name()), self.currencies)

    def bounds(self, schema: str) -> Iterable[Range]:
        """What proofs.yaml says about a path."""
        return self._ranges.get(schema, ())


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
                return Val("list", self._list(kind.item or ANY, path, schema))
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

    def _list(self, item: Type, path: str, schema: str) -> tuple[Slot, ...]:
        world = self.world
        size = world.whole(f"{self.prefix}size({path})", least=0, most=world.slots)
        found = [self.of_item(path, index).make(item, f"{path}[{index}]", schema) for index in range(world.slots)]
        if world.once(f"{self.prefix}{path} list"):
            world.wish(0, size <= 2, size == 1)
            for entry in world.bounds(schema) if item.name == "record" else ():
                world.axioms += [size >= min(entry.least, world.slots)] if isinstance(entry.least, int) else []
                world.axioms += [size <= entry.most] if isinstance(entry.most, int) else []
            for key in ("id", "ref"):
                if item.name == "record" and key in self.records.get(item.of, {}) and len(found) > 1:
                    world.axioms.append(z3.Distinct(*(number(value.term.raw(key).term) for value in found)))
        return tuple(Slot(size > index, value) for index, value in enumerate(found))


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

    def raw(self, name: str) -> Val:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def field(self, name: str) -> Val:
        return self.raw(name)

    def _make(self, name: str) -> Val:
        if self.kind.name == "map":
            inside = self.tree.make(self.kind.item or ANY, f"{self.path}.{name}", f"{self.schema}.{name}")
            return inside.with_status(Status(absent=no(self.tree.world.flag(f"{self.tree.prefix}{self.path}.{name}?"))))
        fields = self.tree.records.get(self.kind.of, {})
        if name not in fields:
            return Val("any", 0, ABSENT)
        value = self.tree.make(fields[name], f"{self.path}.{name}", f"{self.schema}.{name}")
        if name in _BALANCE and value.kind == "Money":
            self._balance(fields)
        return value

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
