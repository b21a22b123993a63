"""What must never hold where a row fires."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.types import MONEY
from caseworker.sop.cel.typing import Checker
from caseworker.sop.model import Invariant
from caseworker.sop.proving.logic import Term, both, either, same, total
from caseworker.sop.proving.model import Never
from caseworker.sop.proving.money import show_way
from caseworker.sop.proving.reading import Reading
from caseworker.sop.proving.state import State
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.values import OK, Val
from caseworker.sop.proving.ways import Fired
from caseworker.sop.proving.world import World


@dataclass
class _WithPaid:
    """Facts of a state with `paid`, the money moved so far."""

    state: State
    paid: Val

    @property
    def world(self) -> World:
        return self.state.world

    def get(self, name: str) -> Val:
        return self.paid if name == "paid" else self.state.get(name)

    def country(self) -> Val:
        return self.state.country()


@dataclass(frozen=True)
class _Judged:
    """Where an invariant holds, and where it cannot be told because two currencies meet in it."""

    holds: Term
    mixed: Term


def nevers(study: Study, ways: Iterable[Fired]) -> tuple[Never, ...]:
    """Each invariant of the procedure, and those of the playbook whose facts it knows."""
    wanted = [*study.procedure.never, *(never for never in study.env.playbook.proofs.never if _known(study, never))]
    ways = list(ways)
    return tuple(_never(study, never, ways) for never in wanted)


def _known(study: Study, never: Invariant) -> bool:
    checker = Checker({**study.env.names, "paid": MONEY}, study.env.records, frozenset(study.env.full))
    checker.check(never.when)
    return all(problem.code != "unknown_fact" for problem in checker.problems)


def _never(study: Study, never: Invariant, ways: Iterable[Fired]) -> Never:
    what, open_ = f"never {never.name}", False
    read: dict[tuple[int, int], _Judged] = {}
    for fired in ways:
        judged = _judged(study, never.when, fired, read)
        answer = study.ask(what, *fired.done, judged.holds)
        if answer == "yes":
            example = show_way(study, [*fired.done, judged.holds], fired.steps)
            return Never(never.name, "refuted", never.place, tuple(step.words for step in fired.steps), example)
        open_ = open_ or answer == "unknown"
        if not open_ and judged.mixed is not False and study.solver.may(study.owner, *fired.done, judged.mixed) != "no":
            study.note(what, "mixed")
            open_ = True
    return Never(never.name, "not_proved" if open_ else "proved", never.place)


def _judged(study: Study, source: str, fired: Fired, read: dict[tuple[int, int], _Judged]) -> _Judged:
    """The invariant for the money of each currency by itself."""
    of_money = "paid" in _roots(source)
    key = (id(fired.way.state), len(fired.moved) if of_money else 0)
    if key not in read or key[1] > len(fired.way.moved):
        found = [(where, Reading(_WithPaid(fired.way.state, paid)).source(source)) for where, paid in _paid(study, fired)]
        holds = either(*(both(where, value.true) for where, value in found))
        nothing = of_money and not fired.moved  # nothing is in no currency
        read[key] = _Judged(holds, either(*(both(where, value.status.mix) for where, value in found if not nothing)))
    return read[key]


def _paid(study: Study, fired: Fired) -> Iterator[tuple[Term, Val]]:
    """What was moved in each currency, and where anything was moved in it."""
    world, moved = study.world, fired.moved
    if all(same(entry.currency, moved[0].currency) for entry in moved):
        own = world.currency(study.state.anchor) if study.state.anchor else world.currency("paid")
        yield True, Val("Money", total(entry.amount for entry in moved), OK, moved[0].currency if moved else own)
        return
    for code in dict.fromkeys(code for entry in moved for code in world.codes(entry.currency)):
        amount = total(entry.part(code, world) for entry in moved)
        yield either(*(entry.is_in(code, world) for entry in moved)), Val("Money", amount, OK, world.text(code))


def _roots(source: str) -> set[str]:
    try:
        return {path.split(".")[0] for path in paths(parse(source))}
    except CelError:
        return set()
