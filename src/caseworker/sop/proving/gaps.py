"""Gaps: facts that no row decides, facts that cannot be computed, facts that nobody supplies, currencies that meet."""

from collections.abc import Iterator

import z3

from caseworker.sop.cel.tree import Expr
from caseworker.sop.model import Accept, Decision
from caseworker.sop.proving.concrete import holds, replay
from caseworker.sop.proving.logic import Term, both, either, no
from caseworker.sop.proving.model import Accepted, Case, Gap, GapKind
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.words import Test, outcome
from caseworker.sop.proving.written import written

LIMIT = 5  # gaps that are listed per procedure


def find_gaps(study: Study) -> tuple[tuple[Gap, ...], bool]:
    """Gaps that the author did not accept, and whether there are more of them than are listed."""
    unaccepted = no(either(*(study.state.reading.source(accept.when).true for accept in study.procedure.accept)))
    found = list(_stuck(study, unaccepted))
    last = study.procedure.rows[-1]
    if last.when:
        return tuple(found), False
    before = either(*(row.fired for row in study.table.rows))
    blocked: list[Term] = []
    for past in (no(before), True):  # those at the beginning of a request are the easier ones to understand
        while study.ask("gaps: no row decides", study.table.reach[-1], unaccepted, past, *blocked) == "yes":
            if len(found) >= LIMIT:
                return tuple(found), True
            conditions = _class(study)
            gap = both(*(term for _, term in conditions))
            example = study.show([study.table.reach[-1], unaccepted, past, gap, *blocked], _falls_through(study, last.name))
            told = tuple(name for name, _ in conditions)
            found.append(Gap("otherwise", last.name, example, told))
            blocked.append(no(gap))
    return tuple(found), False


def _falls_through(study: Study, row: str) -> Test:
    def falls_through(case: Case) -> bool:
        return replay(study.state, case).rule == row and not _is_accepted(study, case)

    return falls_through


def _is_accepted(study: Study, case: Case) -> bool:
    return any(holds(study.state, case, accept.when) for accept in study.procedure.accept)


# -- the class of a gap ------------------------------------------------------------------------------------------------


def _class(study: Study) -> list[tuple[tuple[str, str], Term]]:
    """The conditions of the last answer that already make the gap: the part of them that the solver needs."""
    model, options = study.solver.model, list(_options(study))
    chosen = [
        (name, term) for name, term in options if z3.is_expr(term) and z3.is_true(model.eval(term, model_completion=True))
    ]
    wanted = no(study.table.reach[-1])
    if study.solver.may(study.owner, wanted, *(term for _, term in chosen)) != "no":
        return chosen
    core = _in_core(study, chosen)
    for entry in list(core):
        rest = [other for other in core if other is not entry]
        if study.solver.may(study.owner, wanted, *(term for _, term in rest)) == "no":
            core = _in_core(study, rest)
    return core


def _in_core(study: Study, chosen: list[tuple[tuple[str, str], Term]]) -> list[tuple[tuple[str, str], Term]]:
    parts = {term.get_id() for term in study.solver.core if z3.is_expr(term)}
    return [(name, term) for name, term in chosen if z3.is_expr(term) and term.get_id() in parts]


def _options(study: Study) -> Iterator[tuple[tuple[str, str], Term]]:
    """Every closed question of the table with each of its answers; one of them holds in a model."""
    for row in study.table.rows:
        yield (f"row {row.row.name} fired before", "yes"), row.fired
        yield (f"row {row.row.name} fired before", "no"), no(row.fired)
    atoms: dict[Expr, object] = dict(study.state.reading.atoms)
    for expr in atoms:
        value = study.state.reading.atoms[expr]
        text = written(expr)
        yield (text, "yes"), value.true
        yield (text, "no"), value.false
        yield (text, "open"), no(either(value.true, value.false))


# -- where the walk ends without a row ---------------------------------------------------------------------------------


def _stuck(study: Study, unaccepted: Term) -> Iterator[Gap]:
    for index, reading in enumerate(study.table.rows):
        status = study.table.stuck(index)
        kinds: list[tuple[GapKind, Term]] = [
            ("missing_fact", status.dead),
            ("currency_mix", status.mix),
            ("cannot_compute", both(status.wrong, no(status.mix))),
        ]
        for kind, term in kinds:
            what = f"{_NAMES[kind]} in row {reading.row.name}"
            if term is not False and study.ask(what, term, unaccepted) == "yes":
                fits = _stops(study, reading.row.name, kind)
                example = study.show([term, unaccepted], fits)
                yield Gap(kind, reading.row.name, example, error=_error(replay(study.state, example.case), reading.row.name))


_NAMES = {
    "missing_fact": "facts that nobody supplies",
    "currency_mix": "two currencies",
    "cannot_compute": "what cannot be computed",
}


def _stops(study: Study, row: str, kind: GapKind) -> Test:
    def stops(case: Case) -> bool:
        decision = replay(study.state, case)
        error = _error(decision, row)
        if kind == "missing_fact":
            return "missing_fact" in str(outcome(decision)) and any(
                e.row == row and e.verdict == "unknown" for e in decision.trace
            )
        return bool(error) and (MIXED in error) is (kind == "currency_mix")

    return stops


MIXED = "of one currency"


def _error(decision: Decision, row: str) -> str:
    return next((entry.error for entry in decision.trace if entry.row == row and entry.verdict == "error"), "")


def judge_accepted(study: Study) -> tuple[Accepted, ...]:
    """Whether each accepted gap can happen."""
    return tuple(_accepted(study, accept) for accept in study.procedure.accept)


def _accepted(study: Study, accept: Accept) -> Accepted:
    holding = study.state.reading.source(accept.when).true
    stuck = [study.table.stuck(index) for index in range(len(study.table.rows))]
    gap = either(study.table.reach[-1], *(either(status.dead, status.wrong) for status in stuck))
    answer = study.ask(f"accepted gap {accept.name}", gap, holding)
    return Accepted(accept.name, accept.because, None if answer == "unknown" else answer == "yes", accept.place)
