"""Rows that never fire, and rows that contradict each other."""

from collections.abc import Iterator

import z3

from caseworker.sop.model import Row
from caseworker.sop.proving.concrete import holds, replay
from caseworker.sop.proving.logic import Term, both, either, equal, no
from caseworker.sop.proving.model import Case, Conflict, Unreachable
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.words import Test


def unreachable(study: Study) -> Iterator[Unreachable]:
    """Rows that no facts make fire. Those that a time-out fires, and the last one, are left out."""
    after_waits = {row.wait.then for row in study.procedure.rows if row.wait}
    for index, reading in enumerate(study.table.rows):
        row = reading.row
        if not row.when or row.name in after_waits:
            continue
        open_ = [(other.row.name, other.passed) for other in study.table.rows[:index] if other.passed is not True]
        wanted = both(no(reading.fired), reading.holds)
        if study.ask(f"row {row.name}: whether it can fire", wanted, *(passed for _, passed in open_)) != "no":
            continue
        yield Unreachable(row.name, _covering(study, wanted, open_), row.place)


def _covering(study: Study, wanted: Term, open_: list[tuple[str, Term]]) -> tuple[str, ...]:
    """The rows above that together take every case; few of them."""
    kept = [entry for entry in open_ if _in(entry[1], study.solver.core)]
    for entry in reversed(list(kept)):
        rest = [other for other in kept if other is not entry]
        if study.solver.may(study.owner, wanted, *(passed for _, passed in rest)) == "no":
            kept = rest
    return tuple(name for name, _ in kept)


def _in(term: Term, core: tuple[Term, ...]) -> bool:
    if not z3.is_expr(term):
        return any(part is term for part in core)
    return any(z3.is_expr(part) and part.eq(term) for part in core)


LIMIT = 8  # contradictions that are listed per procedure


# -- contradictions ----------------------------------------------------------------------------------------------------


def conflicts(study: Study) -> tuple[tuple[Conflict, ...], int]:
    """Pairs of rows that can hold at once and do different things, the heaviest first; and how many more there are.

    A pair is looked at where one of both gives something (money first) and the other gives something else, declines it or
    hands it over. It is left out where `before:` settles it, where the upper row only hands over or answers (nothing is given
    then), and where the upper row is a special case of the lower one.
    """
    rows = study.table.rows
    pairs = [(one, two) for one in range(len(rows)) for two in range(one + 1, len(rows))]
    weighed = [(difference(study, rows[one].row, rows[two].row), one, two) for one, two in pairs]
    heavy = sorted((told, one, two) for told, one, two in weighed if told is not None)
    found: list[Conflict] = []
    more = 0
    for (weight, words), one, two in heavy:
        both_hold = _clash(study, one, two)
        if both_hold is None:
            continue
        if len(found) >= LIMIT:
            more += 1
            continue
        upper, lower = rows[one].row, rows[two].row
        example = study.show(both_hold, _both_hold(study, upper, lower))
        found.append(Conflict(upper.name, lower.name, words, weight, example, upper.place))
    return tuple(found), more


def _clash(study: Study, upper: int, lower: int) -> list[Term] | None:
    """What holds where the upper row fires although the lower one holds too; None where that cannot be or is a special case."""
    one, two = study.table.rows[upper], study.table.rows[lower]
    fires, also = study.table.fires(upper), both(no(two.fired), two.holds)
    if _result(one.row) == _result(two.row) and _acts(one.row) == _acts(two.row):  # only the amounts can differ
        pairs = zip(one.amounts.values(), two.amounts.values(), strict=True)
        also = both(also, either(*(both(b.status.ok, no(equal(a.term, b.term))) for a, b in pairs)))
        general: Term = False
    else:
        general = also
    what = f"contradiction of rows {one.row.name} and {two.row.name}"
    if study.ask(what, fires, also) != "yes":
        return None
    return None if general is not False and study.ask(what, fires, no(general)) == "no" else [fires, also]


def difference(study: Study, upper: Row, lower: Row) -> tuple[int, str] | None:
    """How much and how two rows differ; None where the pair is not looked at."""
    if not upper.when or not lower.when or lower.name in upper.before or upper.name in lower.before:
        return None
    pays, gives = [[weigh(study, row) for row in (upper, lower)] for weigh in (_pays, _gives)]
    declines = [row.resolve == "declined" for row in (upper, lower)]
    told = f"{upper.name} {_deed(upper)}, {lower.name} {_deed(lower)}"
    if pays[0] and (gives[1] or declines[1] or lower.escalate_because):
        return 0, told
    if (declines[0] and gives[1]) or (gives[0] and (declines[1] or pays[1])):
        return (0 if any(pays) else 1), told
    return None


def _pays(study: Study, row: Row) -> bool:
    operations = study.env.vocabulary.operations
    return any(act.operation in operations and operations[act.operation].money for act in row.do)


def _gives(_study: Study, row: Row) -> bool:
    return (bool(row.do) and row.resolve == "resolved") or _pays(_study, row)


def _acts(row: Row) -> list[str]:
    return [act.operation for act in row.do]


def _result(row: Row) -> str:
    return row.resolve or ("escalated" if row.escalate_because else "waiting" if row.wait else "open")


def _deed(row: Row) -> str:
    words = [f"does {', '.join(act.operation for act in row.do)}"] if row.do else []
    if row.escalate_because:
        words.append(f"hands over to people ({row.escalate_because})")
    if row.resolve:
        words.append(f"ends as {row.resolve}")
    return " and ".join(words) or "waits"


def _both_hold(study: Study, upper: Row, lower: Row) -> Test:
    def both_hold(case: Case) -> bool:
        return replay(study.state, case).rule == upper.name and holds(study.state, case, lower.when) is True

    return both_hold
