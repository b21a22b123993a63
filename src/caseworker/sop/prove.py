"""`prove`: what holds of procedures for all facts. The solver is loaded here and nowhere else."""

from collections.abc import Callable, Iterable, Mapping

from caseworker.core.errors import UsageError
from caseworker.sop.model import Playbook, Vocabulary
from caseworker.sop.proving.model import PayLimit, Proof

__all__ = ["PayLimit", "Proof", "prove"]


def prove(
    playbook: Playbook,
    vocabulary: Vocabulary,
    limits: Mapping[str, PayLimit],
    *,
    procedures: Iterable[str] = (),
    timeout: float = 10.0,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Proof, ...]:
    """One proof for each procedure; with `procedures` only for these.

    `limits` are the guardrails of operations that move money, by operation. `timeout` is seconds for each question to the
    solver; `told` is called with the name of each procedure before it is looked at. Raises UsageError for a procedure that the
    playbook does not have.
    """
    from caseworker.sop.proving.whole import prove_procedure  # the solver takes a tenth of a second to load

    wanted = list(procedures) or list(playbook.procedures)
    strange = [name for name in wanted if name not in playbook.procedures]
    if strange:
        known = ", ".join(sorted(playbook.procedures))
        raise UsageError(f"There is no procedure {strange[0]}.", remedy=f"There are: {known}.")
    found = []
    for name in wanted:
        told(name)
        found.append(prove_procedure(playbook, playbook.procedures[name], vocabulary, limits, timeout))
    return tuple(found)
