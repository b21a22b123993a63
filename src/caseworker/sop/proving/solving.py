"""Questions to the solver. A question that it does not answer in time is answered by `unknown`, never by a guess."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import z3

from caseworker.sop.proving.logic import Term
from caseworker.sop.proving.world import Witness, World

Answer = Literal["yes", "no", "unknown"]
Reach = Literal["yes", "no", "unknown", "beyond"]
WISH_MS = 1000  # a counterexample that is hard to make simple stays as it is


@dataclass
class Solver:
    """One solver over one world. Formulas get names once, so that what was learned for one question serves the next."""

    world: World
    timeout_ms: int
    questions: int = 0
    model: Any = None
    core: tuple[Term, ...] = ()
    _told: int = 0
    _names: dict[int, Term] = field(default_factory=dict)
    _formulas: dict[int, Term] = field(default_factory=dict)
    _useful: list[Witness] = field(default_factory=list)  # witnesses that proofs needed, those of the last one first

    def __post_init__(self) -> None:
        self._solver = z3.Solver()

    def ask(self, *terms: Term, most_ms: int | None = None) -> Answer:
        """Whether all terms can hold at once. `model` is set after yes, `core` (of the terms) after no."""
        self._tell()
        if any(term is False for term in terms):
            self.core = tuple(term for term in terms if term is False)
            return "no"
        time = min(self.timeout_ms, most_ms or self.timeout_ms)
        if time <= 0:
            return "unknown"
        wanted = [self._name(term) for term in terms if term is not True]
        self.questions += 1
        self._solver.set("timeout", time)
        found = self._solver.check(*wanted)
        if found == z3.sat:
            self.model = self._solver.model()
            return "yes"
        if found == z3.unsat:
            self.core = tuple(self._formulas[name.get_id()] for name in self._solver.unsat_core())
            return "no"
        return "unknown"

    def reach(self, *terms: Term) -> Reach:
        """Like `ask`, where a yes is one with lists that are known item by item; `beyond`: only longer lists may do it."""
        short = self.world.short
        answer = self.ask(*terms, *short)
        if answer != "no" or not self._in_core(short):
            return answer
        answer = self._with_witnesses(terms)
        return "beyond" if answer == "yes" else answer

    def may(self, *terms: Term) -> Answer:
        """Whether all terms can hold at once, with lists of any length. A yes may be one that only seems possible."""
        answer = self.reach(*terms)
        return "yes" if answer == "beyond" else answer

    def _with_witnesses(self, terms: Sequence[Term]) -> Answer:
        """Asks with witnesses that were of use before; where that is not enough, with those that a proof seems to need."""
        useful = self._fitting(self._useful, ())
        answer = self._with_those(terms, useful)
        if answer != "yes":
            return answer
        answer = self._with_those(terms, self.world.witnesses)
        needed = [witness for witness in self.world.witnesses if self._in_core([witness.law])] if answer == "no" else []
        first = self._fitting(needed, ())
        if answer != "no" or first == needed:
            return answer
        answer = self._one_by_one(terms, first)
        return self._one_by_one(terms, []) if answer == "yes" else answer

    def _one_by_one(self, terms: Sequence[Term], wanted: list[Witness]) -> Answer:
        """Asks with some witnesses, and with those that each answer lacks, as long as there are places."""
        while (answer := self._with_those(terms, wanted)) == "yes":
            model = self.model
            lacking = (w for w in self.world.witnesses if z3.is_false(model.eval(w.law, model_completion=True)))
            found = next((witness for witness in lacking if self._fitting([witness], wanted)), None)
            if found is None:
                return answer
            wanted.append(found)
        return answer

    def _with_those(self, terms: Sequence[Term], witnesses: Sequence[Witness]) -> Answer:
        answer = self.ask(*terms, *(witness.law for witness in witnesses))
        if answer == "no":
            needed = [witness for witness in witnesses if self._in_core([witness.law])]
            self._useful = [*needed, *(witness for witness in self._useful if witness not in needed)]
        return answer

    def _fitting(self, witnesses: Iterable[Witness], others: Sequence[Witness]) -> list[Witness]:
        """Those that have a place beside the others, and are not told of an item whose place depends on their own."""
        found: list[Witness] = []
        for witness in witnesses:
            told = [*others, *found, witness]
            taken = sum(other.name == witness.name for other in told)
            if taken <= self.world.places[witness.name] and not _circle(told):
                found.append(witness)
        return found

    def _in_core(self, terms: Iterable[Term]) -> bool:
        return any(z3.is_expr(part) and part.eq(term) for term in terms for part in self.core)

    def wish(self, terms: Sequence[Term], wishes: Iterable[Term]) -> Answer:
        """Like `ask`, with a model that fulfils as many wishes as are easily had."""
        answer = self.ask(*terms)
        if answer == "yes":
            self.model = self._granted(terms, list(wishes)) or self.model
        return answer

    def _granted(self, terms: Sequence[Term], left: list[Term]) -> Any:
        """A model of the terms and most of the wishes; None where none is found quickly."""
        dropped: list[Term] = []
        while (answer := self.ask(*terms, *left, most_ms=WISH_MS)) != "yes":
            given_up = [wish for wish in left if any(wish.eq(part) for part in self.core if z3.is_expr(part))]
            if answer == "unknown" or not given_up:
                return None
            dropped.append(given_up[-1])
            left = [wish for wish in left if not wish.eq(given_up[-1])]
        best = self.model
        for wish in dropped:
            if self.ask(*terms, *left, wish, most_ms=WISH_MS) == "yes":
                best = self.model
                left.append(wish)
        return best

    def _tell(self) -> None:
        axioms = self.world.axioms
        for axiom in axioms[self._told :]:
            if axiom is not True:
                self._solver.add(axiom)
        self._told = len(axioms)

    def _name(self, term: Term) -> Term:
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            self._formulas.setdefault(term.get_id(), term)
            return term
        found = self._names.get(term.get_id())
        if found is None:
            found = self._names[term.get_id()] = z3.FreshBool("q")
            self._formulas[found.get_id()] = term  # kept, so that its number stays its own
            self._solver.add(z3.Implies(found, term))
        return found


def _circle(witnesses: Sequence[Witness]) -> bool:
    """Whether the places of a list depend on its own places."""
    before: dict[str, set[str]] = {}
    for witness in witnesses:
        before.setdefault(witness.name, set()).update(witness.given)
    for name in {*before, *(given for witness in witnesses for given in witness.given)}:
        outer = name.rpartition("[")[0]  # a list in an item goes where the item goes
        if outer:
            before.setdefault(name, set()).add(outer)
    return any(_comes_before(name, name, before, set()) for name in before)


def _comes_before(first: str, then: str, before: Mapping[str, set[str]], seen: set[str]) -> bool:
    found = before.get(then, set()) - seen
    return first in before.get(then, set()) or any(_comes_before(first, name, before, seen | found) for name in found)
