"""Questions to the solver. A question that it does not answer in time is answered by `unknown`, never by a guess."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import z3

from caseworker.sop.proving.logic import Term
from caseworker.sop.proving.world import World

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
        return self.ask(*terms)

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
