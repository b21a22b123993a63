"""All facts at once: a symbol for each fact that a procedure reads, and what is certain about the world.

Times and durations are microseconds (UTC), amounts minor units, texts and references numbers. Laws are listed in
docs/reference/prove.md; what stands here and not there is a mistake.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import z3

from caseworker.core.money import is_currency
from caseworker.sop.model import Proofs, Range
from caseworker.sop.proving.logic import Term, constant, either

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST_NOW, LAST_NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
FREE = 10_000  # texts from here on are none of those that the playbook names
MANY = 12  # items that are looked at one by one at most
FAR = 5 * 366 * DAY  # how far from now the times of records are at most


def micros(value: datetime | timedelta) -> int:
    """A time or duration in microseconds."""
    span = value - EPOCH if isinstance(value, datetime) else value
    return span // timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Witness:
    """A law about a property of a list (see `rests`). `given` are the lists with an item that the property is told of."""

    name: str
    given: frozenset[str]
    law: Term


@dataclass
class World:
    """Symbols and laws. `slots`: how many items of a list are looked at one by one. `wished` makes an example easy to read."""

    slots: int
    currencies: tuple[str, ...]
    countries: tuple[str, ...]  # those that anybody names, and some more that stand for all others
    proofs: Proofs
    axioms: list[Term] = field(default_factory=list)
    wished: list[tuple[int, Term]] = field(default_factory=list)  # rank (0 is dearest) and wish
    nice: list[Term] = field(default_factory=list)  # makes abstract functions easy to replay; never assumed in a proof
    short: list[Term] = field(default_factory=list)  # every list has no more items than its slots; never assumed in a proof
    places: dict[str, int] = field(default_factory=dict)  # for witnesses (see `rests`), of each list
    witnesses: list[Witness] = field(default_factory=list)  # a proof may assume as many of a list as it has places
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

    def slots_of(self, schema: str) -> int:
        """How many items of a list are looked at one by one: all of them, where proofs.yaml says that they are few."""
        most = [entry.most for entry in self.bounds(schema) if isinstance(entry.most, int)]
        return max(min(most), 1) if most and min(most) <= MANY else self.slots

    def bounds(self, schema: str) -> Iterable[Range]:
        """What proofs.yaml says about a path."""
        return self._ranges.get(schema, ())
