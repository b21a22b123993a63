"""A proof in words for the person who writes the procedures. No solver is needed here."""

from collections.abc import Iterator, Sequence

from caseworker.sop.proving.model import Accepted, Conflict, Example, Gap, Most, Never, Payable, Proof, Unreachable


def report(proof: Proof) -> Iterator[str]:
    """The lines of one procedure."""
    yield f"{proof.procedure}: {proof.title}"
    yield from _gaps(proof)
    for row in proof.unreachable:
        yield from _unreachable(row)
    yield from _conflicts(proof)
    yield from _payable(proof.payable)
    for never in proof.nevers:
        yield from _never(never)
    for name in proof.not_proved:
        yield f"  not proved: {name}"


def summary(proofs: Sequence[Proof]) -> str:
    """All procedures in one line."""
    counts = (
        (sum(len(proof.gaps) for proof in proofs), "gap", "gaps"),
        (sum(len(proof.unreachable) for proof in proofs), "row that never fires", "rows that never fire"),
        (sum(len(proof.conflicts) + proof.more_conflicts for proof in proofs), "contradiction", "contradictions"),
        (sum(n.verdict == "refuted" for p in proofs for n in p.nevers), "broken `never:`", "broken `never:`"),
        (sum(len(proof.not_proved) for proof in proofs), "question not proved", "questions not proved"),
    )
    told = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts)
    return f"{len(proofs)} procedure{'' if len(proofs) == 1 else 's'}: {told}."


# -- gaps --------------------------------------------------------------------------------------------------------------

_TITLES = {
    "otherwise": "no row decides; `{row}` at the end takes it",
    "cannot_compute": "row `{row}` cannot be computed, and the request goes to people as procedure_error",
    "missing_fact": "row `{row}` needs a fact that nobody supplies, and the request goes to people as missing_fact",
    "currency_mix": "two currencies meet in row `{row}`, and the request goes to people as procedure_error",
}
_ADVICE = {
    "otherwise": "Add a row that decides it, or accept it: `accept: [{gap: NAME, when: CONDITION, because: WHY}]`.",
    "cannot_compute": "Test with has() or size() first what may not be there.",
    "missing_fact": "Ask for it (`ask:`), or test it with has() first.",
    "currency_mix": "Give the amount a value in every currency, or name the countries of each currency in proofs.yaml.",
}


def _gaps(proof: Proof) -> Iterator[str]:
    if not proof.gaps:
        open_ = any(name.startswith("gaps") for name in proof.not_proved)
        closed = "  gaps: none; whatever the facts are, a row decides"
        hint = (
            "" if proof.closed or proof.accepted else ". Say `unreachable: true` at `otherwise`: then no example is asked for"
        )
        yield "  gaps: not proved" if open_ else f"{closed}{hint}"
    for number, gap in enumerate(proof.gaps, start=1):
        yield from _gap(number, gap)
    if proof.more_gaps:
        yield "  There are more gaps than these; close or accept some and prove again."
    for accepted in proof.accepted:
        yield f"  accepted gap {accepted.name}: {accepted.because}{_superfluous(accepted)}"


def _gap(number: int, gap: Gap) -> Iterator[str]:
    yield f"  gap {number}: {_TITLES[gap.kind].format(row=gap.row)}"
    yield from _example(gap.example)
    if gap.error:
        yield f"      {gap.error}"
    yield f"      {_ADVICE[gap.kind]}"


def _superfluous(accepted: Accepted) -> str:
    return " (superfluous: it never happens)" if accepted.possible is False else ""


def _example(example: Example) -> Iterator[str]:
    yield f"      for example: {', '.join(example.words) or 'whatever the facts are'}"
    if not example.confirmed:
        yield "      Possible, not confirmed: a run of the procedure with these facts went another way."


# -- rows --------------------------------------------------------------------------------------------------------------


def _unreachable(row: Unreachable) -> Iterator[str]:
    yield f"  row {row.row} never fires ({row.place})"
    if not row.covered_by:
        yield "      Its condition never holds, given what proofs.yaml says of the data. Correct it, or remove the row."
        return
    names = ", ".join(f"`{name}`" for name in row.covered_by)
    verb = "takes" if len(row.covered_by) == 1 else "take"
    yield f"      Whenever it holds, {names} above {verb} it. Move it up, or narrow the rows above."


def _conflicts(proof: Proof) -> Iterator[str]:
    """Those of one upper row together: one `before:` settles them."""
    by_upper: dict[str, list[Conflict]] = {}
    for conflict in proof.conflicts:
        by_upper.setdefault(conflict.upper, []).append(conflict)
    for found in by_upper.values():
        yield from _of_row(found)
    if proof.more_conflicts:
        yield f"  and {proof.more_conflicts} more contradiction{'' if proof.more_conflicts == 1 else 's'} of no more weight"


def _of_row(found: Sequence[Conflict]) -> Iterator[str]:
    upper, first = found[0].upper, found[0]
    lower = ", ".join(conflict.lower for conflict in found)
    yield f"  contradiction: row {upper} ({first.place}) and {lower} below it both hold; only their order decides"
    for conflict in found:
        yield f"      {conflict.difference}"
        yield from _example(conflict.example)
    yield f"      If that is meant, write `before: [{lower}]` in row {upper}; else narrow one of them."


# -- money and invariants ----------------------------------------------------------------------------------------------


def _payable(found: Sequence[Payable]) -> Iterator[str]:
    if not found:
        yield "  largest amount: nothing can be paid"
        return
    yield "  largest amount that one request can pay:"
    for entry in found:
        yield f"      {entry.currency}: by itself {_amount(entry.alone)}{_how(entry.alone)}"
        yield f"           with a person's approval {_amount(entry.approved)}{_how(entry.approved)}"
        if entry.procedure.amount != entry.approved.amount:
            yield f"           by the procedure without guardrails {_amount(entry.procedure)}{_how(entry.procedure)}"
    for example in [entry.alone.example for entry in found if entry.alone.example]:
        yield from _example(example)
    yield "      Per case, and per customer and day, it is the guardrail that limits the sum of all requests."


def _amount(most: Most) -> str:
    if not most.proved:
        return "not proved"
    return f"at most {most.amount}" if most.amount is not None else "without a limit by the procedure"


def _how(most: Most) -> str:
    if not most.proved:
        return ""
    parts = [f"guardrail {most.bound_by}"] if most.bound_by else []
    parts += [f"rows {', '.join(most.path)}"] if most.path else []
    return f" ({'; '.join(parts)})" if parts else ""


def _never(never: Never) -> Iterator[str]:
    if never.verdict == "proved":
        yield f"  never {never.name}: proved"
    elif never.verdict == "refuted":
        yield f"  never {never.name}: broken by rows {', '.join(never.path)} ({never.place})"
        yield from _example(never.example) if never.example else ()
    else:
        yield f"  never {never.name}: not proved"
