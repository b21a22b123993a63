"""`prove`: what holds of procedures for all facts. The solver is loaded here and nowhere else."""

from collections.abc import Iterable, Mapping

from caseworker.core.errors import UsageError
from caseworker.sop.model import Playbook, Vocabulary
from caseworker.sop.proving.model import PayLimit, Proof

__all__ = ["PayLimit", "Proof", "named", "prove"]


def prove(
    playbook: Playbook,
    vocabulary: Vocabulary,
    limits: Mapping[str, PayLimit],
    *,
    procedures: Iterable[str] = (),
    timeout: float = 10.0,
) -> tuple[Proof, ...]:
    """One proof for each procedure; with `procedures` only for these.

    `limits` are the guardrails of operations that move money, by operation. `timeout` is seconds for each question to the
    solver. Raises UsageError for a procedure that the playbook does not have.
    """
    from caseworker.sop.proving.whole import prove_procedure  # the solver takes a tenth of a second to load

    wanted = [playbook.procedures[name] for name in named(playbook, procedures)]
    return tuple(prove_procedure(playbook, procedure, vocabulary, limits, timeout) for procedure in wanted)


def named(playbook: Playbook, procedures: Iterable[str]) -> tuple[str, ...]:
    """The procedures that are meant, each once; all where none is named. Raises UsageError for one that is not there."""
    wanted = tuple(dict.fromkeys(procedures)) or tuple(playbook.procedures)
    strange = [name for name in wanted if name not in playbook.procedures]
    if strange:
        known = ", ".join(sorted(playbook.procedures))
        raise UsageError(f"There is no procedure {strange[0]}.", remedy=f"There are: {known}.")
    return wanted
