"""The most that one request can pay, per currency; amounts of two currencies are never added."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from caseworker.core.money import Money
from caseworker.sop.model import Progress
from caseworker.sop.proving.concrete import Concrete, replay
from caseworker.sop.proving.logic import Term, both, either, equal, no, total
from caseworker.sop.proving.model import Case, Example, Most, Payable, PayLimit
from caseworker.sop.proving.moved import Moved
from caseworker.sop.proving.solving import Answer
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.ways import Fired, Step
from caseworker.sop.proving.words import Test, describe
from caseworker.sop.proving.world import EPOCH, World

UNLIMITED = 10**10  # minor units; more than this is no limit


def payable(study: Study, ways: Sequence[Fired], limits: Mapping[str, PayLimit]) -> tuple[Payable, ...]:
    """Per currency the most that a request can pay. Nothing where no row moves money."""
    paying = [fired for fired in ways if len(fired.moved) > len(fired.way.moved)]
    if not paying:
        return ()
    found: list[Payable] = []
    for currency in _currencies(study, paying):
        modes = (_free, _alone, _approved)
        one = Payable(currency, *(_most(study, paying, currency, limits, mode, shown=not found) for mode in modes))
        if currency in study.world.currencies or one.procedure != Most(Money(0, currency)):
            found.append(one)
    return tuple(found)


def _currencies(study: Study, paying: Sequence[Fired]) -> tuple[str, ...]:
    """Those of the world, and those that amounts of acts name by themselves."""
    named = dict.fromkeys(code for fired in paying for entry in fired.moved for code in study.world.codes(entry.currency))
    return tuple(dict.fromkeys((*study.world.currencies, *named)))


Mode = Callable[[Sequence[Moved], World, Mapping[str, PayLimit]], Iterator[Term]]


def _free(_moved: Sequence[Moved], _world: World, _limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    return iter(())


def _alone(moved: Sequence[Moved], world: World, limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    """Each act stays within its guardrails, so that nobody is asked."""
    for position, entry in enumerate(moved):
        limit, so_far = limits.get(entry.operation), moved[: position + 1]
        known = () if limit is None or limit.asks else limit.per_action
        allowed = (both(entry.is_in(code, world), *_within(so_far, code, world, limit)) for code in known if limit)
        yield either(equal(entry.amount, 0), *allowed)


def _approved(moved: Sequence[Moved], world: World, limits: Mapping[str, PayLimit]) -> Iterator[Term]:
    """A person says yes to everything that the guardrails let him."""
    for position, entry in enumerate(moved):
        limit, so_far = limits.get(entry.operation), moved[: position + 1]
        known = limit.per_action if limit else ()
        named = bool(limit and limit.asks) or either(*(entry.is_in(code, world) for code in known))
        broken: list[Term] = []
        if limit and limit.forbids:
            codes = dict.fromkeys((*limit.per_action, *limit.per_case))
            broken = [both(entry.is_in(code, world), no(both(*_within(so_far, code, world, limit)))) for code in codes]
        yield either(equal(entry.amount, 0), both(named, no(either(*broken))))


def _within(moved: Sequence[Moved], currency: str, world: World, limit: PayLimit) -> Iterator[Term]:
    if currency in limit.per_action:
        yield moved[-1].amount <= limit.per_action[currency].minor
    if currency in limit.per_case:
        of_case = [entry for entry in moved if entry.operation == limit.operation]
        yield total(entry.part(currency, world) for entry in of_case) <= limit.per_case[currency].minor


def _most(
    study: Study, paying: Sequence[Fired], currency: str, limits: Mapping[str, PayLimit], mode: Mode, *, shown: bool
) -> Most:
    """The most over all ways; it is raised as long as the solver finds more. `shown`: with an example."""
    best, top, proved = 0, None, True
    for fired in paying:
        terms = [*fired.done, *mode(fired.moved, study.world, limits)]
        amount = total(entry.part(currency, study.world) for entry in fired.moved)
        found = _raise(study, fired, terms, amount, best)
        proved = proved and found != "unknown"
        if not isinstance(found, int):
            continue
        best, top = found, (fired, [*terms, amount >= found])
        if best >= UNLIMITED:
            break
    if top is None:
        return Most(Money(0, currency), proved=proved)
    answer = study.solver.reach(study.owner, *top[1])
    if best >= UNLIMITED and answer != "yes":  # only lists that are longer than those that are looked at may pay it
        study.note(f"most payable in {currency} by {_path(top[0])}", answer)
        proved = False
    example = show_way(study, top[1], top[0].steps) if shown and answer == "yes" else None
    path = tuple(step.words for step in top[0].steps)
    if best >= UNLIMITED:
        return Most(None, path, example, proved=proved)
    return Most(Money(best, currency), path, example, _bound_by(best, currency, top[0].moved, limits), proved=proved)


def _path(fired: Fired) -> str:
    return ", ".join(step.words for step in fired.steps)


def _raise(study: Study, fired: Fired, terms: Sequence[Term], amount: Term, best: int) -> int | Literal["no", "unknown"]:
    """The most on one way, where it is more than `best`; an answer where there is no more, or it is not known."""
    what = f"most payable by {_path(fired)}"
    if isinstance(amount, int) and amount <= best:
        return "no"

    def ask(more: Term) -> Answer:
        answer = study.solver.may(study.owner, *terms, more)
        if answer == "unknown":
            study.note(what, answer)
        return answer

    first = ask(amount > best)
    if first != "yes":
        return first
    low, high = _shown(study, amount), UNLIMITED
    for guess in (UNLIMITED - 1, *_round_figures(study)):
        if low <= guess < high:
            answer = ask(amount > guess)
            if answer == "unknown":
                return answer
            low, high = (low, guess) if answer == "no" else (_shown(study, amount), high)
    while low < high:
        middle = (low + high + 1) // 2
        answer = ask(amount >= middle)
        if answer == "unknown":
            return answer
        low, high = (low, middle - 1) if answer == "no" else (_shown(study, amount), high)
    return low


def _shown(study: Study, amount: Term) -> int:
    """The amount in the facts that the solver has just found, as far as it is counted."""
    found = amount if isinstance(amount, int) else study.solver.model.eval(amount, model_completion=True).as_long()
    return min(found, UNLIMITED)


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
        if study.solver.wish([study.owner, *terms, *study.world.short, *nice], study.world.wishes) != "yes":
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
