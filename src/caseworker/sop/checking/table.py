"""The shape of a decision table: its end, rows that can never fire, waits that never end."""

from collections.abc import Iterator
from datetime import timedelta

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Binary, Expr, Lit
from caseworker.sop.checking.environment import Environment
from caseworker.sop.model import Row

LONGEST_WAIT = timedelta(days=90)


def check_table(env: Environment) -> None:
    """Everything about rows that needs no types."""
    rows = env.procedure.rows
    if not rows or rows[-1].when:
        place = rows[-1].place if rows else env.procedure.place
        env.error(
            place,
            "no_otherwise",
            "The table has no `otherwise` at its end.",
            "Add `- otherwise: not_covered` with `escalate:`.",
        )
    for row in rows[:-1]:
        if not row.when:
            env.error(
                row.place, "otherwise_not_last", "`otherwise` is not the last row; no row below it can fire.", "Move it down."
            )
    for row in rows:
        _row(env, row)
        _wait(env, row)
        _before(env, row)
    _circles(env)
    _unreachable(env)


def ends(row: Row) -> bool:
    """Whether nothing is decided after the row for now."""
    return bool(row.resolve or row.escalate_because or row.wait)


def _row(env: Environment, row: Row) -> None:
    if not ends(row) and not row.do:
        text = f"The row `{row.name}` ends in nothing."
        env.error(row.place, "no_end", text, "Add `resolve:`, `escalate:` or `wait:`, or something to `do:`.")
    if not row.when and not ends(row):
        env.error(row.place, "no_end", "The last row does not end the request.", "Add `escalate:` or `resolve:`.")
    for key, text in (("meanwhile", row.meanwhile), ("confirm", row.confirm)):
        if text and not row.do:
            env.warn(
                env.at(row.lines.get(key), row.place), "no_act", f"`{key}:` stands in a row that does nothing.", "Remove it."
            )


def _wait(env: Environment, row: Row) -> None:
    wait = row.wait
    if wait is None:
        return
    names = [other.name for other in env.procedure.rows]
    if wait.then not in names:
        env.error(wait.place, "unknown_row", f"There is no row `{wait.then}`.", f"Write one of {', '.join(names)}.")
    if wait.then == row.name:
        env.error(wait.place, "endless_wait", "The wait ends in itself.", "Name another row after `then:`.")
    if not timedelta(0) < wait.at_most <= LONGEST_WAIT:
        env.error(wait.place, "endless_wait", f"A case may wait up to {LONGEST_WAIT.days} days.", "Give a shorter `at_most:`.")
    if wait.every < timedelta(minutes=1):
        env.error(wait.place, "busy_wait", "The case is looked at more than once a minute.", "Give a longer `every:`.")


def _before(env: Environment, row: Row) -> None:
    below = [other.name for other in env.procedure.rows[env.procedure.rows.index(row) + 1 :]]
    for name in row.before:
        if name not in below:
            place = env.at(row.lines.get("before"), row.place)
            advice = f"Below stand {', '.join(below) or 'no rows'}."
            env.error(place, "unknown_row", f"There is no row `{name}` below `{row.name}`.", advice)


def _circles(env: Environment) -> None:
    """Waits whose time-outs lead to each other: a row fires once, so the second time nothing would end the case."""
    after = {row.name: row.wait.then for row in env.procedure.rows if row.wait}
    told: set[str] = set()
    for row in env.procedure.rows:
        way, name = [row.name], after.get(row.name, "")
        while name in after and name not in way:
            way.append(name)
            name = after[name]
        if len(way) > 1 and name == row.name and row.name not in told:
            told |= set(way)
            assert row.wait is not None
            text = f"The waits end in each other: {' -> '.join((*way, name))}."
            env.error(row.wait.place, "endless_wait", text, "Let one `then:` lead to a row that hands over or resolves.")


def _unreachable(env: Environment) -> None:
    """A row is dead where a row above that ends asks for nothing that this row does not ask for."""
    above: list[tuple[Row, frozenset[Expr]]] = []
    for row in env.procedure.rows:
        try:
            parts = frozenset(_conjuncts(parse(row.when))) if row.when else frozenset[Expr]()
        except CelError:
            continue  # told when the condition is checked
        place = env.at(row.lines.get("when"), row.place)
        if Lit(value=False, kind="bool") in parts:
            env.error(place, "never_fires", f"The row `{row.name}` never fires.", "Remove it.")
        shadow = next((other for other, wanted in above if wanted <= parts), None)
        if shadow:
            text = f"The row `{row.name}` never fires: `{shadow.name}` above it holds whenever it does."
            env.error(place, "never_fires", text, "Move it up or narrow the row above.")
        if row.when and ends(row) and not row.confirm and not row.confidence:
            above.append((row, parts - {Lit(value=True, kind="bool")}))


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Binary) and expr.operator == "&&":
        yield from _conjuncts(expr.left)
        yield from _conjuncts(expr.right)
    else:
        yield expr
