"""One procedure under study: its state with any past, its table, its solver."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from caseworker.core.money import Money
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Binary, Call, Expr, Lit, Null, children
from caseworker.sop.checking.environment import Environment, environment
from caseworker.sop.checking.expressions import check_names
from caseworker.sop.model import Playbook, Procedure, Vocabulary
from caseworker.sop.proving.concrete import Concrete
from caseworker.sop.proving.logic import Term
from caseworker.sop.proving.model import Example, PayLimit
from caseworker.sop.proving.solving import Answer, Solver
from caseworker.sop.proving.state import State
from caseworker.sop.proving.table import Table, any_past, identity, read_table
from caseworker.sop.proving.words import Test, describe
from caseworker.sop.proving.world import MANY, World
from caseworker.sop.questions import sources

SLOTS = 6  # items of a list that are looked at one by one
_COUNTRY = re.compile(r"[\"']([A-Z]{2})[\"']")
_REASONS = {
    "unknown": "the solver did not answer in time (give it more with --timeout)",
    "beyond": "a list may have more than {slots} items, and only such a list could show it "
    f"(where it has at most {MANY}, say so under `ranges:` in proofs.yaml)",
    "mixed": "amounts of two currencies meet in it, so that it cannot be computed",
}
_OTHERS = ("FR", "ES", "IT", "NL", "SE", "BE")


@dataclass
class Study:
    """What every question about a procedure shares. `not_proved` collects the questions without an answer."""

    env: Environment
    world: World
    state: State
    table: Table
    owner: Term
    solver: Solver
    not_proved: list[str] = field(default_factory=list)

    @property
    def procedure(self) -> Procedure:
        return self.env.procedure

    @property
    def moves_money(self) -> bool:
        """Whether any row can move money."""
        operations = self.env.vocabulary.operations
        acts = (act.operation for row in self.procedure.rows for act in row.do)
        return any(name in operations and operations[name].money for name in acts)

    def ask(self, what: str, *terms: Term) -> Answer:
        """Asks; a question without an answer is noted under its name."""
        answer = self.solver.reach(self.owner, *terms)
        if answer in ("yes", "no"):
            return answer
        self.note(what, answer)
        return "unknown"

    def note(self, what: str, why: str) -> None:
        """Notes that a question has no answer, and why."""
        self.not_proved.append(f"{what}; {_REASONS[why].format(slots=self.world.slots)}")

    def show(self, terms: Iterable[Term], fits: Test, *, state: State | None = None) -> Example:
        """A case in which all terms hold, as simple as is easily had, run through `decide`.

        `fits` says whether a case does what it should. Ask only after the answer yes.
        """
        state, wanted = state or self.state, [self.owner, *terms]
        first: Example | None = None
        for nice in (self.world.nice, []):
            if self.solver.wish([*wanted, *self.world.short, *nice], self.world.wishes) != "yes":
                continue
            example = self._example(state, fits)
            if example.confirmed:
                return example
            first = first or example
        if first is None:
            self.solver.ask(*wanted, *self.world.short)
            first = self._example(state, fits)
        return first

    def _example(self, state: State, fits: Test) -> Example:
        concrete = Concrete(state, self.solver.model)
        case = concrete.case()
        good = bool(fits(case))
        words = describe(concrete, case, fits if good else None)
        return Example(case, words, good)


def study(
    playbook: Playbook, procedure: Procedure, vocabulary: Vocabulary, limits: Mapping[str, PayLimit], timeout: float
) -> Study:
    """Reads a procedure for all facts. `timeout` is seconds for each question."""
    env = environment(playbook, procedure, vocabulary)
    check_names(env)
    world = World(_slots(procedure), currencies_of(playbook, limits), _countries(playbook), playbook.proofs)
    state = State(env, world, any_past(procedure, world))
    table = read_table(state)
    owner = identity(state)
    return Study(env, world, state, table, owner, Solver(world, int(timeout * 1000)))


def _slots(procedure: Procedure) -> int:
    """How many items are looked at: one more than the numbers with which sizes are compared, as far as those are small."""
    numbers = [number for source in sources(procedure) for number in _compared(_read(source))]
    return max([SLOTS, *(number + 1 for number in numbers if number < MANY)])


def _read(source: str) -> Expr:
    try:
        return parse(source)
    except CelError:
        return Null()  # a fault whenever it is used


def _compared(expr: Expr) -> Iterator[int]:
    if isinstance(expr, Binary) and expr.operator in ("<", "<=", ">", ">=", "==", "!="):
        for one, other in ((expr.left, expr.right), (expr.right, expr.left)):
            if isinstance(one, Lit) and isinstance(one.value, int) and isinstance(other, Call) and other.name == "size":
                yield one.value
    for inside in children(expr):
        yield from _compared(inside)


def currencies_of(playbook: Playbook, limits: Mapping[str, PayLimit]) -> tuple[str, ...]:
    """Currencies of the world: those of proofs.yaml, else of the guardrails and the parameters."""
    found: dict[str, None] = dict.fromkeys(playbook.proofs.currencies)
    if not found:
        for limit in limits.values():
            found |= dict.fromkeys((*limit.per_action, *limit.per_case))
        for parameter in playbook.parameters.values():
            found |= dict.fromkeys(v.value.currency for v in parameter.values if isinstance(v.value, Money))
    return tuple(found) or ("EUR",)


def _countries(playbook: Playbook) -> tuple[str, ...]:
    """Countries that somebody names, and some that stand for all others."""
    named: dict[str, None] = {playbook.worker.default_country: None}
    for parameter in playbook.parameters.values():
        named |= dict.fromkeys(value.country for value in parameter.values if value.country)
    for countries in playbook.proofs.currencies.values():
        named |= dict.fromkeys(countries)
    for procedure in playbook.procedures.values():
        for source in sources(procedure):
            named |= dict.fromkeys(_COUNTRY.findall(source))
    others = [code for code in _OTHERS if code not in named]
    return (*named, *others[:3])
