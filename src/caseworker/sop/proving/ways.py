"""All ways that a request can go: sequences of rows with their receipts and refusals, as far as they are possible.

Between two rows time goes on and people may write; of the records only what a pay-back changes is changed. After a wait they
are looked up anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import z3

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Choice, Each, Expr, Index, Member, Name
from caseworker.sop.model import ActSpec, Row
from caseworker.sop.proving.logic import Term, both, no, total
from caseworker.sop.proving.moved import Moved
from caseworker.sop.proving.state import Past, State
from caseworker.sop.proving.study import Study
from caseworker.sop.proving.table import Table, ends, identity, read_table
from caseworker.sop.proving.trees import Shift
from caseworker.sop.proving.values import Val
from caseworker.sop.proving.world import micros

LONGEST = 12  # rows in a sequence
MOST_WAYS = 400  # sequences that are followed per procedure


@dataclass(frozen=True)
class Step:
    """One row that fired. `waiting` is the row whose time-out made it fire."""

    state: State
    row: str
    words: str
    waiting: str = ""


@dataclass(frozen=True)
class Way:
    """What happened so far, and the table as it stands now. `terms` hold on this way."""

    table: Table
    terms: tuple[Term, ...] = ()
    steps: tuple[Step, ...] = ()
    moved: tuple[Moved, ...] = ()
    fired: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    timed_out: frozenset[str] = frozenset()
    receipts: Mapping[str, Moved] = field(default_factory=dict)
    paid_back: tuple[tuple[str, Term], ...] = ()
    waits: int = 0
    forced: str = ""  # the row that fires now whatever its condition
    waiting: str = ""

    @property
    def state(self) -> State:
        return self.table.state


@dataclass(frozen=True)
class Fired:
    """A row that fires on a way, and the first of its acts done as asked for. `moved` is everything that was moved then."""

    way: Way
    row: Row
    acts: int  # so many are done
    terms: tuple[Term, ...]
    moved: tuple[Moved, ...]
    steps: tuple[Step, ...]
    law: tuple[Term, ...] = ()  # what holds where these acts are really done

    @property
    def done(self) -> tuple[Term, ...]:
        """What holds where the row fires and so many of its acts are done."""
        return (*self.terms, *self.law)


def begin(study: Study) -> Way:
    """Nothing has happened yet."""
    state = _state(study, Way(study.table))
    return Way(read_table(state), (identity(state),))


def walk(study: Study, way: Way | None = None) -> Iterator[Fired]:
    """Every row that can fire on every way. More ways than are followed are noted as not proved."""
    count = 0
    open_ = [way or begin(study)]
    while open_:
        current = open_.pop()
        count += 1
        if count > MOST_WAYS:
            study.not_proved.append(f"ways of the request beyond the first {MOST_WAYS}")
            return
        for index, reading in enumerate(current.table.rows):
            if current.forced and reading.row.name != current.forced:
                continue
            found = list(_fire(study, current, index))
            yield from found
            if found and len(current.steps) < LONGEST:
                open_ += _next(study, found[0], index)


def _fire(study: Study, way: Way, index: int) -> Iterator[Fired]:
    """The row where it can fire on this way: with everything done, with nothing done, and up to each act that moves money.

    An act that is refused ends the row, and what was moved before it stays moved.
    """
    reading = way.table.rows[index]
    row = reading.row
    fires = both(no(reading.fired), reading.moves.ok) if way.forced else way.table.fires(index)
    if row.confirm:
        fires = both(fires, _said_yes(way.state, row.name))
    terms = (*way.terms, fires)
    answer = study.solver.may(study.owner, *terms)  # with lists of any length: what comes of it is judged at the end
    if answer == "no":
        return
    if answer == "unknown":
        study.note(f"whether row {row.name} can fire after {_path(way.steps)}", answer)
    stops = [position for position, act in enumerate(row.do) if _asked(study, act, reading.amounts)]
    for acts in dict.fromkeys((len(row.do), 0, *stops)):
        yield _so_far(study, way, index, acts, terms)


def _so_far(study: Study, way: Way, index: int, acts: int, terms: tuple[Term, ...]) -> Fired:
    reading = way.table.rows[index]
    row, amounts = reading.row, reading.amounts
    moved = [entry for act in row.do[:acts] if (entry := _asked(study, act, amounts))]
    step = Step(way.state, row.name, _words(study, row, acts), way.waiting)
    given_back = [amounts[act.name].term for act in row.do[:acts] if pays_back(study, act)]
    law = [entry.amount >= 0 for entry in moved]
    law += [total(given_back) <= _left(way.state)] if given_back else []
    return Fired(way, row, acts, terms, (*way.moved, *moved), (*way.steps, step), tuple(law))


def _words(study: Study, row: Row, acts: int) -> str:
    """The row, and which of its acts are done where that is not simply all of them, or several move money."""
    done = [act.name for act in row.do[:acts] if _moves_money(study, act)]
    if acts == len(row.do):
        return f"{row.name} ({', '.join(done)})" if len(done) > 1 else row.name
    refused = f"{row.do[acts].name} refused"
    return f"{row.name} ({', '.join(done)} done, {refused})" if done else f"{row.name} ({refused})"


def _moves_money(study: Study, act: ActSpec) -> bool:
    known = study.env.vocabulary.operations.get(act.operation)
    return bool(known and known.money and not known.charges)


def _asked(study: Study, act: ActSpec, amounts: Mapping[str, Val]) -> Moved | None:
    if not _moves_money(study, act) or act.name not in amounts:
        return None
    return Moved(act.operation, amounts[act.name].term, amounts[act.name].currency)


def _said_yes(state: State, row: str) -> Term:
    found: Val = state.get("request").term.field("confirmed").term.raw(row)
    return found.true


def _path(steps: tuple[Step, ...]) -> str:
    return ", ".join(step.words for step in steps) or "nothing"


# -- what can follow ---------------------------------------------------------------------------------------------------


def _next(study: Study, fired: Fired, index: int) -> list[Way]:
    """The ways on from a row that fired: everything done, or one of its acts refused."""
    row = fired.row
    found: list[Way] = []
    if row.wait:
        found += _after_wait(study, fired, index)
    elif not ends(row):
        found.append(_after(study, fired, index, len(row.do)))
    found += [_after(study, fired, index, position) for position in range(len(row.do))]
    return found


def _after(study: Study, fired: Fired, index: int, position: int) -> Way:
    """The acts before `position` are done, the one there is refused."""
    way, row, amounts = fired.way, fired.row, fired.way.table.rows[index].amounts
    settled = [*fired.terms]
    moved, receipts, paid_back = list(way.moved), dict(way.receipts), list(way.paid_back)
    for act in row.do[:position]:
        asked = _asked(study, act, amounts)
        if asked is None:
            continue
        asked = _really_moved(study, way, act, asked, settled)
        moved.append(asked)
        receipts[act.name] = asked
        if pays_back(study, act):
            paid_back.append((f"pay-back {len(way.steps)} {row.name} {act.name}", asked.amount))
    refused = row.do[position].name if position < len(row.do) else ""
    following = replace(
        way,
        terms=tuple(settled),
        steps=(*way.steps, Step(way.state, row.name, _words(study, row, position), way.waiting)),
        moved=tuple(moved),
        fired=way.fired | {row.name},
        done=way.done | {act.name for act in row.do[:position]},
        failed=way.failed | ({refused} if refused else set()),
        receipts=receipts,
        paid_back=tuple(paid_back),
        forced="",
        waiting="",
    )
    state = _state(study, following)
    return replace(following, table=read_table(state), terms=(*following.terms, identity(state)))


def _really_moved(study: Study, way: Way, act: ActSpec, asked: Moved, settled: list[Term]) -> Moved:
    """What a done act moved: what was asked for, or, where the system decides it, at most that; never more than refundable."""
    by_system = "." in study.env.vocabulary.operations[act.operation].money
    term = z3.FreshInt("moved") if by_system else asked.amount
    settled += [term >= 0, term <= asked.amount] if by_system else [term >= 0]
    if pays_back(study, act):
        settled.append(term <= _left(way.state))
    return replace(asked, amount=term)


def _left(state: State) -> Term:
    """What may still be given back."""
    found: Val = state.get(state.anchor).term.raw("refundable")
    return found.term


def pays_back(study: Study, act: ActSpec) -> bool:
    """Whether an act gives the money of the order back, which can be done only once."""
    known, records = study.env.vocabulary.operations.get(act.operation), study.env.records
    anchor = study.state.get(study.state.anchor) if study.state.anchor else None
    if known is None or not known.money or known.charges or anchor is None or anchor.kind != "record":
        return False
    if "refundable" not in records.get(anchor.term.kind.of, {}):
        return False
    targets = {name: word.removeprefix("Ref[").removesuffix("]") for name, word in known.parameters.items()}
    paid_on = [name for name, of in targets.items() if "refundable" in records.get(of, {}) and name in act.arguments]
    system = known.money.split(".")[0] if "." in known.money else study.state.anchor
    return bool(paid_on) and system == study.state.anchor and all(_of_anchor(study, act, name) for name in paid_on)


def _of_anchor(study: Study, act: ActSpec, argument: str) -> bool:
    """Whether an argument is the record whose amounts count, or a part of it: not another one that was looked up."""
    try:
        return _roots(study, parse(act.arguments.get(argument, ""))) == {study.state.anchor}
    except CelError:
        return False


def _roots(study: Study, expr: Expr, seen: frozenset[str] = frozenset()) -> set[str]:
    """The look-ups out of which an expression picks its value."""
    match expr:
        case Name(name=name) if name not in seen:
            need = next((need for need in study.procedure.needs if need.name == name), None)
            source = study.procedure.facts.get(name, "") or (need.choose or need.take if need else "")
            return _roots(study, parse(source), seen | {name}) if source else {name}
        case Member(target=target) | Index(target=target) | Each(kind="filter", target=target):
            return _roots(study, target, seen)
        case Choice(then=then, other=other):
            return _roots(study, then, seen) | _roots(study, other, seen)
    return {""}


def _after_wait(study: Study, fired: Fired, index: int) -> list[Way]:
    """The wait ended because its condition holds, or because it lasted too long."""
    wait, following = fired.row.wait, _after(study, fired, index, len(fired.row.do))
    assert wait is not None
    following = replace(following, waits=following.waits + 1)
    over = replace(following, timed_out=following.timed_out | {fired.row.name})
    before = fired.way.state
    found = []
    for way, forced in ((following, ""), (over, wait.then), (over, "")):
        if forced in way.fired or (way is over and not forced and wait.then not in way.fired):
            continue
        state = _state(study, way)
        terms = (*way.terms, identity(state), *_kept(study, before, state))
        if way is over:
            until = state.reading.source(wait.until)
            terms += (no(until.true), no(until.status.wrong), state.now >= before.now + micros(wait.at_most))
        waiting = fired.row.name if forced else ""
        found.append(replace(way, table=read_table(state), terms=terms, forced=forced, waiting=waiting))
    return found


def _kept(study: Study, before: State, after: State) -> Iterator[Term]:
    """What a wait leaves: the currency, and that what was refunded stays refunded."""
    anchor = study.state.anchor
    old, new = (state.get(anchor) for state in (before, after)) if anchor else (None, None)
    if old is None or new is None or old.kind != "record" or "refunded" not in study.env.records.get(old.term.kind.of, {}):
        return
    yield new.term.raw("refunded").term >= old.term.raw("refunded").term
    if "captured" in study.env.records.get(old.term.kind.of, {}):
        yield new.term.raw("captured").term == old.term.raw("captured").term


def _state(study: Study, way: Way) -> State:
    past = Past(
        fired=lambda name: name in way.fired,
        done=lambda name: name in way.done,
        failed=lambda name: name in way.failed,
        timed_out=lambda name: name in way.timed_out,
        moved=way.receipts,
    )
    prefix = f"after wait {way.waits}: " if way.waits else ""
    said, now = _moment(len(way.steps)), _now(study, len(way.steps))
    shift = Shift(study.world, study.state.anchor, way.paid_back) if way.paid_back and not way.waits else None
    return State(study.env, study.world, past, prefix=prefix, said=said, now=now, shift=shift)


def _moment(rows: int) -> str:
    return f"after row {rows}: " if rows else ""


def _now(study: Study, rows: int) -> Term:
    """Time goes on after each row: its acts may take a while, and so do people who are asked."""
    return study.world.later(f"{_moment(rows)}now", _now(study, rows - 1)) if rows else study.world.now
