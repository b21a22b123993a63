"""The most that one request can pay, and what must never hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from caseworker.core.money import Money
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.types import MONEY
from caseworker.sop.cel.typing import Checker
from caseworker.sop.model import Invariant, Progress
from caseworker.sop.proving.concrete import Concrete, replay
from caseworker.sop.proving.logic import Term, both, either, equal, total
from caseworker.sop.proving.model import Case, Example, Most, Never, Payable, PayLimit
from caseworker.sop.proving.reading import Reading
from caseworker.sop.proving.state import State
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.values import OK, Val
from caseworker.sop.proving.ways import Fired, Moved, Step
from caseworker.sop.proving.words import Test, describe
from caseworker.sop.proving.world import EPOCH, World

UNLIMITED = 10**10  # minor units; more than this is no limit


# -- the largest amount ------------------------------------------------------------------------------------------------


def payable(study: Study, ways: Sequence[Fired], limits: Mapping[str, PayLimit]) -> tuple[Payable, ...]:
    """Per currency the most that a request can pay. Nothing where no row moves money."""
    paying = [fired for fired in ways if len(fired.moved) > len(fired.way.moved)]
    if not paying:
        return ()
    found: list[Payable] = []
    for currency in study.world.currencies:
        most = [_most(study, paying, currency, limits, mode, shown=not found) for mode in (_free, _alone, _approved)]
        found.append(Payable(currency, *most))
    return tuple(found)


Mode = Callable[[Sequence[Moved], str, Mapping[str, PayLimit]], Iterator[Term]]


def _free(_moved: Sequence[Moved], _currency: str, _limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    return iter(())


def _alone(moved: Sequence[Moved], currency: str, limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    """Each act stays within its guardrails, so that nobody is asked."""
    for position, entry in enumerate(moved):
        limit = limits.get(entry.operation)
        if limit is None or limit.asks or currency not in limit.per_action:
            yield equal(entry.amount, 0)
            continue
        yield either(equal(entry.amount, 0), both(*_within(moved[: position + 1], currency, limit)))


def _approved(moved: Sequence[Moved], currency: str, limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    """A person says yes to everything that the guardrails let him."""
    for position, entry in enumerate(moved):
        limit = limits.get(entry.operation)
        if limit is None or (currency not in limit.per_action and not limit.asks):
            yield equal(entry.amount, 0)
        elif limit.forbids:
            yield either(equal(entry.amount, 0), both(*_within(moved[: position + 1], currency, limit)))


def _within(moved: Sequence[Moved], currency: str, limit: PayLimit) -> Iterator[Term]:
    if currency in limit.per_action:
        yield moved[-1].amount <= limit.per_action[currency].minor
    if currency in limit.per_case:
        yield total(entry.amount for entry in moved if entry.operation == limit.operation) <= limit.per_case[currency].minor


def _most(
    study: Study, paying: Sequence[Fired], currency: str, limits: Mapping[str, PayLimit], mode: Mode, *, shown: bool
) -> Most:
    """The most over all ways; it is raised as long as the solver finds more. `shown`: with an example."""
    best, top = 0, None
    for fired in paying:
        code = study.world.text(currency)
        terms = [*fired.done, *(equal(entry.currency, code) for entry in fired.moved)]
        terms += mode(fired.moved, currency, limits)
        terms += [entry.amount >= 0 for entry in fired.moved]
        amount = total(entry.amount for entry in fired.moved)
        found = _raise(study, fired, terms, amount, best)
        if found is None:
            continue
        best, top = found, (fired, [*terms, amount >= min(found, UNLIMITED)])
        if best >= UNLIMITED:
            break
    if top is None:
        return Most(Money(0, currency))
    example = show_way(study, top[1], top[0].steps) if shown else None
    path = tuple(step.words for step in top[0].steps)
    if best >= UNLIMITED:
        return Most(None, path, example)
    return Most(Money(best, currency), path, example, _bound_by(best, currency, top[0].moved, limits))


def _raise(study: Study, fired: Fired, terms: Sequence[Term], amount: Term, best: int) -> int | None:
    """The most on one way, where it is more than `best`."""
    what = f"most payable by {', '.join(step.words for step in fired.steps)}"
    if study.ask(what, *terms, amount > best) != "yes":
        return None
    if study.ask(what, *terms, amount >= UNLIMITED) == "yes":
        return UNLIMITED
    low, high = best + 1, UNLIMITED - 1
    for guess in _round_figures(study):
        if low <= guess < high:
            if study.ask(what, *terms, amount > guess) == "no":
                high = guess
            else:
                low = guess + 1
    while low < high:
        middle = high if high - low < 2 else (low + high + 1) // 2
        if study.ask(what, *terms, amount >= middle) == "no":
            high = middle - 1
        else:
            low = middle
    return low


def _round_figures(study: Study) -> Iterator[int]:
    """Amounts of the playbook: the most is usually one of them."""
    playbook = study.env.playbook
    values = {v.value.minor for p in playbook.parameters.values() for v in p.values if isinstance(v.value, Money)}
    values |= {entry.most.minor for entry in playbook.proofs.ranges if isinstance(entry.most, Money)}
    yield from sorted(values)


def _bound_by(best: int, currency: str, moved: Sequence[Moved], limits: Mapping[str, PayLimit]) -> str:
    for entry in moved:
        limit = limits.get(entry.operation)
        for name, amounts in (("per_case", limit.per_case), ("per_action", limit.per_action)) if limit else ():
            if currency in amounts and amounts[currency].minor == best:
                return f"{name} of {entry.operation}"
    return ""


def show_way(study: Study, terms: Sequence[Term], steps: Sequence[Step]) -> Example:
    """The facts of the last step, and whether `decide` fires every row of the way."""
    first: Example | None = None
    for nice in (study.world.nice, []):
        if study.solver.wish([study.owner, *terms, *nice], study.world.wishes) != "yes":
            continue
        model = study.solver.model
        cases = [(_case(Concrete(step.state, model), step), step) for step in steps]
        good = all(replay(step.state, case).rule == step.row for case, step in cases)
        case, last = cases[-1]
        concrete = Concrete(last.state, model)
        concrete.case()
        example = Example(case, describe(concrete, case, _still(last)), good)
        if good:
            return example
        first = first or example
    return first or Example(Case({}, EPOCH, Progress()), (), confirmed=False)  # the solver did not find it a second time


def _still(step: Step) -> Test:
    return lambda case: replay(step.state, case).rule == step.row


def _case(concrete: Concrete, step: Step) -> Case:
    case = concrete.case()
    if not step.waiting:
        return case
    spec = next(row.wait for row in step.state.procedure.rows if row.name == step.waiting)
    since = case.now - (spec.at_most if spec else timedelta())
    return replace(case, progress=replace(case.progress, waiting=step.waiting, waiting_since=since))


# -- what must never hold ----------------------------------------------------------------------------------------------


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


def nevers(study: Study, ways: Sequence[Fired]) -> tuple[Never, ...]:
    """Each invariant of the procedure, and those of the playbook whose facts it knows."""
    wanted = [*study.procedure.never, *(never for never in study.env.playbook.proofs.never if _known(study, never))]
    return tuple(_never(study, never, ways) for never in wanted)


def _known(study: Study, never: Invariant) -> bool:
    checker = Checker({**study.env.names, "paid": MONEY}, study.env.records, frozenset(study.env.full))
    checker.check(never.when)
    return all(problem.code != "unknown_fact" for problem in checker.problems)


def _never(study: Study, never: Invariant, ways: Iterable[Fired]) -> Never:
    open_ = False
    read: dict[tuple[int, int], Term] = {}
    for fired in ways:
        holding = _holding(study, never.when, fired, read)
        answer = study.ask(f"never {never.name}", *fired.done, holding)
        if answer == "yes":
            example = show_way(study, [*fired.done, holding], fired.steps)
            return Never(never.name, "refuted", never.place, tuple(step.words for step in fired.steps), example)
        open_ = open_ or answer == "unknown"
    return Never(never.name, "not_proved" if open_ else "proved", never.place)


def _holding(study: Study, source: str, fired: Fired, read: dict[tuple[int, int], Term]) -> Term:
    key = (id(fired.way.state), len(fired.moved) if "paid" in _roots(source) else 0)
    if key not in read or key[1] > len(fired.way.moved):
        read[key] = Reading(_WithPaid(fired.way.state, _paid(study, fired))).source(source).true
    return read[key]


def _paid(study: Study, fired: Fired) -> Val:
    currency = study.world.currency(study.state.anchor) if study.state.anchor else study.world.currency("paid")
    for entry in fired.moved[:1]:
        currency = entry.currency
    return Val("Money", total(entry.amount for entry in fired.moved), OK, currency)


def _roots(source: str) -> set[str]:
    try:
        return {path.split(".")[0] for path in paths(parse(source))}
    except CelError:
        return set()
