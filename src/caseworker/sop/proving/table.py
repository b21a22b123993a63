"""The decision table as formulas: when each row holds, is reached and fires. The other side of `decide` and `rows`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import z3

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.model import ActSpec, Procedure, Row
from caseworker.sop.proving.logic import Term, both, either, equal, no, pick, total
from caseworker.sop.proving.state import Past, State
from caseworker.sop.proving.values import NOTHING, OK, Status, Val, trouble
from caseworker.sop.proving.world import World


@dataclass(frozen=True)
class RowReading:
    """One row: `holds` and `fails` of its condition; `status` where the condition is neither; `moves` of what it does.

    `amounts` are the amounts of its acts by receipt name.
    """

    row: Row
    fired: Term
    holds: Term
    fails: Term
    status: Status
    moves: Status
    amounts: Mapping[str, Val] = field(default_factory=dict)

    @property
    def passed(self) -> Term:
        """The walk goes on below it."""
        return either(self.fired, self.fails)


@dataclass(frozen=True)
class Table:
    """All rows over one state. `reach[i]` says that the walk comes to row i."""

    state: State
    rows: tuple[RowReading, ...]
    reach: tuple[Term, ...]

    def fires(self, index: int) -> Term:
        """Row `index` fires."""
        row = self.rows[index]
        return both(self.reach[index], no(row.fired), row.holds, row.moves.ok)

    def stuck(self, index: int) -> Status:
        """Why the walk ends at row `index` without firing it."""
        row = self.rows[index]
        status = trouble(row.status, row.moves.under(row.holds))
        return status.under(both(self.reach[index], no(row.fired)))


def read_table(state: State) -> Table:
    """The table of the state's procedure."""
    rows = tuple(_row(state, row) for row in state.procedure.rows)
    reach: list[Term] = [True]
    for row in rows[:-1]:
        reach.append(both(reach[-1], row.passed) if row.passed is not True else reach[-1])
    return Table(state, rows, tuple(reach))


def _row(state: State, row: Row) -> RowReading:
    condition = state.reading.source(row.when) if row.when else Val("bool", term=True)
    if condition.kind != "bool":
        condition = Val("bool", term=False, status=trouble(condition.status, Status(fault=True)))
    holds, fails, status = condition.true, condition.false, condition.status
    if row.confidence:
        found = state.get("request").term.field("confidence")
        unsure = no(found.term >= row.confidence)
        fails = either(fails, both(no(condition.status.wrong), unsure))
        holds, status = both(holds, no(unsure)), _known_first(status, no(unsure))
    if row.confirm:
        denied = state.get("request").term.field("confirmed").term.raw(row.name).false
        fails, holds, status = either(fails, denied), both(holds, no(denied)), status.under(no(denied))
    amounts: dict[str, Val] = {}
    moves = trouble(*(_act(state, act, amounts) for act in row.do), _promise(state, row))
    return RowReading(row, state.past.fired(row.name), holds, fails, status, moves, amounts)


def _known_first(status: Status, sure: Term) -> Status:
    """A condition that cannot be computed says so whatever the confidence; one that is not known only where that is enough."""
    return replace(status, unknown=both(sure, status.unknown), dead=both(sure, status.dead))


def _act(state: State, act: ActSpec, amounts: dict[str, Val]) -> Status:
    operation = state.env.vocabulary.operations.get(act.operation)
    if operation is None:
        return Status(fault=True)
    found: list[Status] = []
    values: dict[str, Val] = {}
    for name, source in act.arguments.items():
        value = values[name] = state.reading.source(source)
        found.append(replace(value.status, absent=False) if name not in operation.required else value.status)
    if operation.required - set(values):
        found.append(Status(fault=True))
    if operation.money:
        amount = values.get(operation.money) or state.reading.source(operation.money)
        amounts[act.name] = amount
        found.append(amount.status if amount.kind in ("Money", "any") else trouble(amount.status, Status(fault=True)))
    return trouble(*found)


def _promise(state: State, row: Row) -> Status:
    if row.promise is None:
        return OK
    sources = [source for source in (row.promise.amount, row.promise.by) if source]
    bound = sorted(_roots(row.promise.kept_when) & set(state.procedure.facts))
    return trouble(*(state.reading.source(source).status for source in sources), *(state.get(name).status for name in bound))


def _roots(source: str) -> set[str]:
    try:
        return {path.split(".")[0] for path in paths(parse(source))}
    except CelError:
        return set()


# -- what is certain about a request that is decided -------------------------------------------------------------------


def ends(row: Row) -> bool:
    """Whether a request is over when the row has fired and everything in it was done."""
    return bool(row.resolve or row.escalate_because) and not row.wait


def any_past(procedure: Procedure, world: World) -> Past:
    """Whatever may have happened before: every set of rows that fired and did not end the request, with their receipts."""

    def fired(row: str) -> Term:
        return world.flag(f"fired {row}") if row in possible else False

    def done(name: str) -> Term:
        return world.flag(f"done {name}") if name in acts else False

    def failed(name: str) -> Term:
        return world.flag(f"failed {name}") if name in acts else False

    def timed_out(row: str) -> Term:
        return world.flag(f"timed out {row}") if row in possible else False

    possible = {row.name for row in procedure.rows if row.do or not ends(row)}
    acts: dict[str, list[Row]] = {}
    for row in procedure.rows:
        for act in row.do:
            acts.setdefault(act.name, []).append(row)
    past = Past(fired, done, failed, timed_out)
    for name, owners in acts.items():
        world.axioms += _receipts(name, owners, past)
    for row in procedure.rows:
        if row.name in possible:
            world.axioms += [*_history(row, past), z3.Implies(timed_out(row.name), fired(row.name))]
    return past


def _receipts(name: str, owners: list[Row], past: Past) -> Iterator[Term]:
    """A receipt and a refusal come from a row that fired; from a single one only one of both."""
    yield z3.Implies(past.done(name), either(*(_did(row, name, past) for row in owners)))
    yield z3.Implies(past.failed(name), either(*(past.fired(row.name) for row in owners)))
    if len(owners) == 1:
        yield z3.Not(z3.And(past.done(name), past.failed(name)))


def _did(row: Row, name: str, past: Past) -> Term:
    """The row has fired with this act done, and did not end the request."""
    refused = either(*(past.failed(act.name) for act in row.do if act.name != name)) if ends(row) else True
    return both(past.fired(row.name), refused)


def _history(row: Row, past: Past) -> Iterator[Term]:
    """A row that fired had each act done up to the first that failed; without a refusal one that ends has ended."""
    if not row.do:
        return
    refused = either(*(past.failed(act.name) for act in row.do))
    all_done = both(*(past.done(act.name) for act in row.do))
    yield z3.Implies(past.fired(row.name), refused if ends(row) else either(refused, all_done))


def identity(state: State) -> Term:
    """The sender is the owner, in one of the two ways of `sop.identity`. How texts are forgiven is left open."""
    procedure, world = state.procedure, state.world
    if not procedure.verify:
        return True
    record = state.get(procedure.verify)
    email: Val = record.term.raw("email") if record.kind == "record" else NOTHING
    address: Val = state.get("sender").term.raw("address")
    by_address = both(email.status.ok, address.status.ok, _alike("address", address.term, email.term, world))
    fitting = total(pick(_proven(state, key, source), 1, 0) for key, source in procedure.proof.items())
    return either(by_address, fitting >= procedure.at_least if procedure.proof else False)


def _proven(state: State, key: str, source: str) -> Term:
    """What the customer wrote is what the record says."""
    wanted, request, world = state.reading.source(source), state.get("request").term, state.world
    value, given = request.raw(key), request.raw("given").term.raw(key)
    if wanted.kind != "string" or value.kind != "string":
        return False
    named = no(equal(wanted.term, world.text("")))
    return both(given.term, value.status.ok, wanted.status.ok, named, _alike("plain", value.term, wanted.term, world))


def _alike(name: str, left: Term, right: Term, world: World) -> Term:
    plain = z3.Function(name, z3.IntSort(), z3.IntSort())
    for term in (left, right):
        if world.once(world.key(name, term)):
            world.nice.append(plain(term) == term)
    return plain(left) == plain(right)
