"""`decide`: from facts to the moves of one row. Pure; the same facts give the same decision for ever.

Order of things: identity, an open wait, then the table from the top. The first row whose condition is not known stops the
walk: what is missing is looked up or asked. Nothing is ever taken for false because it is not known.

Words for people where no row decides: `cannot_identify_NEED`, `no_usable_answer`, `identity_refused`, `identity_unproven`,
`look_up_failed`, `missing_fact`, `procedure_error`, `nothing_left`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from caseworker.core.errors import UsageError
from caseworker.sop import identity as who
from caseworker.sop import rows
from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.values import Fault, Unknown, noted
from caseworker.sop.demand import Supply
from caseworker.sop.model import (
    Decision,
    Escalate,
    Identity,
    Judgement,
    LookUp,
    Move,
    Playbook,
    Procedure,
    Progress,
    Row,
    RowTrace,
    Vocabulary,
)
from caseworker.sop.needs import Needs
from caseworker.sop.scope import Scope, build


def decide(
    playbook: Playbook,
    procedure: str,
    facts: Mapping[str, object],
    *,
    now: datetime,
    progress: Progress,
    vocabulary: Vocabulary,
) -> Decision:
    """What happens next for one request. `facts` is the tree of docs/reference/sop-language.md, `now` is UTC.

    Raises UsageError for a procedure that the playbook does not have.
    """
    return _walk(playbook, procedure, facts, now=now, progress=progress, vocabulary=vocabulary).decide()


def judge(
    playbook: Playbook,
    procedure: str,
    source: str,
    facts: Mapping[str, object],
    *,
    now: datetime,
    progress: Progress,
    vocabulary: Vocabulary,
    bound: Mapping[str, object] | None = None,
) -> Judgement:
    """Whether a condition of a procedure holds with fresh facts, for the check of a promise.

    `bound` are the named facts as they were when the promise was made (`Promise.bound`). Identity is not asked here: nobody
    is told anything.
    """
    walk = _walk(playbook, procedure, {**facts, **(bound or {})}, now=now, progress=progress, vocabulary=vocabulary)
    value = evaluate(source, walk.scope)
    if isinstance(value, Unknown):
        wanted = walk.supply.wanted(value.paths)
        return Judgement(None, tuple(wanted.look_ups.values()), tuple(sorted(value.paths)))
    if isinstance(value, bool):
        return Judgement(value)
    return Judgement(None, error=value.message if isinstance(value, Fault) else "The condition is not true or false.")


def _walk(
    playbook: Playbook,
    procedure: str,
    facts: Mapping[str, object],
    *,
    now: datetime,
    progress: Progress,
    vocabulary: Vocabulary,
) -> "_Walk":
    spec = playbook.procedures.get(procedure)
    if spec is None:
        raise UsageError(f"Release {playbook.release[:12]} has no procedure {procedure}.", remedy="Name one of its procedures.")
    row = next((row for row in spec.rows if row.name == progress.waiting and row.wait), None)
    needs = Needs(spec, progress, vocabulary)
    built = build(playbook, spec, facts, now=now, needs=needs.resolvers())
    supply = Supply(playbook, spec, progress, needs, built)
    return _Walk(playbook, spec, facts, now, progress, vocabulary, row, built, supply)


@dataclass
class _Walk:
    """One decision under way: the trace grows, everything else stays."""

    playbook: Playbook
    procedure: Procedure
    facts: Mapping[str, object]
    now: datetime
    progress: Progress
    vocabulary: Vocabulary
    waiting: Row | None
    scope: Scope
    supply: Supply
    identity: Identity = "not_needed"
    trace: list[RowTrace] = field(default_factory=list)
    timed_out: str = ""
    wrong: tuple[str, ...] = ()
    notes: dict[str, object] = field(default_factory=dict)

    def decide(self) -> Decision:
        return self._identify() or (self._waited(self.waiting) if self.waiting else None) or self._table()

    # -- identity ------------------------------------------------------------------------------------------------------

    def _identify(self) -> Decision | None:
        """None once the sender is known to be the owner, or no owner is asked for."""
        if not self.procedure.verify:
            return None
        self.identity = "unverified"
        record = self.scope.get(self.procedure.verify)
        if isinstance(record, Unknown):
            found = self.progress.found.get(self.procedure.verify)
            nothing = found is not None and not found.records
            if nothing:
                self.wrong = who.missed(self.procedure, self.scope)
            if nothing and who.claims(self.procedure, self.scope):
                return self._unproven(who.prove_nothing(self.procedure, self.scope))
            return self._missing(record, extra=who.open_keys(self.procedure, self.scope, nothing_found=nothing))
        if not isinstance(record, Mapping):
            return self._people("look_up_failed", error=record.message if isinstance(record, Fault) else "It is no record.")
        proof = who.prove(self.procedure, self.scope, record)
        if proof.identity == "verified":
            self.identity = "verified"
            return None
        return self._unproven(proof)

    def _unproven(self, proof: who.Proof) -> Decision:
        if not proof.possible:
            return self._people("identity_unproven")
        self.wrong = proof.wrong
        if proof.locked or proof.wrong:  # they do not belong together: nothing is told, not even which is wrong
            self.identity = "refused"
            return self._people("identity_refused")
        if any(self.progress.asked.get(key, 0) >= who.ATTEMPTS for key in proof.keys):
            return self._people("no_usable_answer")
        return self._decision("", self.supply.identity(proof.keys), missing=_request(proof.keys))

    # -- waiting -------------------------------------------------------------------------------------------------------

    def _waited(self, row: Row) -> Decision | None:
        """The decision while a wait is open; None where it ended because its condition holds."""
        assert row.wait is not None
        until, since = evaluate(row.wait.until, self.scope), self.progress.waiting_since or self.now
        if until is True:
            return None
        if isinstance(until, Unknown):
            look_ups = self.supply.wanted(until.paths).look_ups
            if look_ups:
                return self._decision("", tuple(look_ups.values()), missing=tuple(sorted(until.paths)))
        if isinstance(until, Fault):
            return self._fault(row, until)
        if self.now >= since + row.wait.at_most:
            return self._time_out(row, row.wait.then)
        above = self.procedure.rows[: self.procedure.rows.index(row)]
        return self._first(above) or self._decision(row.name, (rows.waiting(row.wait, since=since, now=self.now),))

    def _time_out(self, row: Row, then: str) -> Decision | None:
        """Row `then` fires whatever its condition; where it has fired before, the table is decided with the time-out known."""
        self.timed_out = row.name
        self.scope = self._rebuilt(timed_out=row.name)
        target = next((r for r in self.procedure.rows if r.name == then and r.name not in self.progress.fired), None)
        return self._fire(target) if target else None

    def _rebuilt(self, *, timed_out: str) -> Scope:
        needs = Needs(self.procedure, self.progress, self.vocabulary)
        built = build(self.playbook, self.procedure, self.facts, now=self.now, needs=needs.resolvers(), timed_out=timed_out)
        self.supply = replace(self.supply, needs=needs, scope=built)
        self.notes = {}
        return built

    # -- the table -----------------------------------------------------------------------------------------------------

    def _table(self) -> Decision:
        return self._first(self.procedure.rows) or self._people("nothing_left")

    def _first(self, table: tuple[Row, ...]) -> Decision | None:
        """The decision of the first row that holds or cannot be decided; None where all are false or have fired."""
        fired = {*self.progress.fired, self.progress.waiting}
        for row in table:
            if row.name in fired:
                self.trace.append(RowTrace(row.name, "already_fired", {}))
                continue
            self.scope.seen = {}
            holds = rows.condition(row, self.scope, self.progress)
            if holds is False:  # the most of them
                self.trace.append(RowTrace(row.name, "false", self._seen()))
                continue
            if isinstance(holds, Unknown):
                return self._unknown(row, holds)
            if isinstance(holds, Fault):
                return self._fault(row, holds)
            return self._fire(row)
        return None

    def _fire(self, row: Row) -> Decision:
        found = rows.moves(
            row,
            self.scope,
            procedure=self.procedure,
            progress=self.progress,
            vocabulary=self.vocabulary,
            now=self.now,
            fallback=self.playbook.worker.fallback_queue,
        )
        if isinstance(found, Unknown):
            return self._unknown(row, found)
        if isinstance(found, Fault):
            return self._fault(row, found)
        self.trace.append(RowTrace(row.name, "fired", self._seen()))
        return self._decision(row.name, found, meanwhile=row.meanwhile)

    def _unknown(self, row: Row, unknown: Unknown) -> Decision:
        self.trace.append(RowTrace(row.name, "unknown", self._seen(), missing=tuple(sorted(unknown.paths))))
        return self._missing(unknown)

    def _fault(self, row: Row, fault: Fault) -> Decision:
        self.trace.append(RowTrace(row.name, "error", self._seen(), error=fault.message))
        return self._people("procedure_error")

    def _seen(self) -> dict[str, object]:
        notes = self.notes
        for path, value in self.scope.seen.items():
            if path not in notes:  # within one walk a path has one value
                notes[path] = noted(value)
        return {path: notes[path] for path in self.scope.seen}

    # -- decisions -----------------------------------------------------------------------------------------------------

    def _missing(self, unknown: Unknown, *, extra: tuple[str, ...] = ()) -> Decision:
        return self._decision("", self.supply.moves(unknown.paths, extra=extra), missing=tuple(sorted(unknown.paths)))

    def _people(self, because: str, *, error: str = "") -> Decision:
        if error:
            self.trace.append(RowTrace("", "error", {}, error=error))
        return self._decision("", (Escalate(self.playbook.worker.fallback_queue, because),))

    def _decision(self, rule: str, moves: tuple[Move, ...], *, meanwhile: str = "", missing: tuple[str, ...] = ()) -> Decision:
        walked = {entry.row for entry in self.trace}
        rest = [RowTrace(row.name, "not_reached", {}) for row in self.procedure.rows if row.name not in walked]
        return Decision(
            procedure=self.procedure.name,
            rule=rule,
            moves=moves,
            trace=(*self.trace, *rest),
            meanwhile=meanwhile,
            missing=missing,
            identity=self.identity,
            facts={} if isinstance(moves[0], LookUp) else self._known(),
            timed_out=self.timed_out,
            wrong=self.wrong,
        )

    def _known(self) -> dict[str, object]:
        """Needs and named facts that can be computed now; before the identity holds only what the customer said himself."""
        proven = self.identity in ("not_needed", "verified")
        names = [need.name for need in self.procedure.needs if proven or need.take]
        values = {name: self.scope.get(name) for name in (*names, *(self.procedure.facts if proven else ()))}
        return {name: value for name, value in values.items() if not isinstance(value, Unknown | Fault)}


def _request(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"request.{key}" for key in keys)
