"""Everything that is proved of one procedure."""

from collections.abc import Mapping

from caseworker.sop.model import Playbook, Procedure, Vocabulary
from caseworker.sop.proving.gaps import find_gaps, judge_accepted
from caseworker.sop.proving.invariants import nevers
from caseworker.sop.proving.model import PayLimit, Proof
from caseworker.sop.proving.money import payable
from caseworker.sop.proving.study import study
from caseworker.sop.proving.tables import conflicts, unreachable
from caseworker.sop.proving.ways import walk


def prove_procedure(
    playbook: Playbook, procedure: Procedure, vocabulary: Vocabulary, limits: Mapping[str, PayLimit], timeout: float
) -> Proof:
    """All questions about a procedure, one after the other, to one solver."""
    about = study(playbook, procedure, vocabulary, limits, timeout)
    gaps, more_gaps = find_gaps(about)
    dead = tuple(unreachable(about))
    clashes, more_clashes = conflicts(about)
    ways = list(walk(about)) if about.moves_money or procedure.never or playbook.proofs.never else []
    return Proof(
        procedure=procedure.name,
        title=procedure.title,
        gaps=gaps,
        more_gaps=more_gaps,
        accepted=judge_accepted(about),
        closed=procedure.rows[-1].unreachable if procedure.rows else False,
        unreachable=dead,
        conflicts=clashes,
        more_conflicts=more_clashes,
        payable=payable(about, ways, limits),
        nevers=nevers(about, ways),
        not_proved=tuple(dict.fromkeys(about.not_proved)),
        questions=about.solver.questions,
    )
