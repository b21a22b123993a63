"""What two releases made of the same event, request by request."""

from collections.abc import Collection, Sequence
from itertools import zip_longest

from caseworker.core.facts import canonical
from caseworker.rollout.model import ShadowDecision
from caseworker.sop.model import Ask, Decision, Escalate, LookUp, Wait
from caseworker.sop.recorded import Recording, move_to_facts

NOTHING = "(no decision)"
NO_PROCEDURE = "(people, no procedure)"


def beside(
    live: Sequence[Recording],
    shadow: Sequence[Recording],
    *,
    live_release: str,
    release: str,
    case: int,
    seq: int,
    strange: Collection[int] = (),
) -> list[ShadowDecision]:
    """One line a request that either of them decided. Looking once more at an open wait is no decision.

    `strange` are requests that the shadow has no procedure for.
    """
    found = []
    for request in sorted({r.request for r in (*live, *shadow)}):
        pairs = list(zip_longest(_of(live, request), _of(shadow, request)))
        differing = next((pair for pair in pairs if not _is_same(*pair)), None)
        if not pairs or (differing is None and all(one is not None and _only_waits(one) for one, _ in pairs)):
            continue
        mine, other = differing or pairs[-1]
        found.append(
            ShadowDecision(
                release=release,
                case=case,
                seq=seq,
                request=request,
                live_release=live_release,
                live_rule=label(mine),
                rule=NO_PROCEDURE if other is None and request in strange else label(other),
                moves=tuple(move_to_facts(move) for move in other.moves) if other else (),
                same=differing is None,
            )
        )
    return found


def label(decision: Decision | None) -> str:
    """A decision by its procedure and row, or by what it does where no row fired."""
    if decision is None:
        return NOTHING
    if decision.rule:
        return f"{decision.procedure}.{decision.rule}"
    match decision.moves:
        case (Ask(keys=keys),):
            return f"{decision.procedure}: asks {', '.join(keys)}"
        case (Escalate(because=because),):
            return f"{decision.procedure}: people, {because}"
    return f"{decision.procedure}: no row"


def _of(recordings: Sequence[Recording], request: int) -> list[Decision]:
    """The decisions of one request; reading something first is none yet."""
    made = [r.decision for r in recordings if r.request == request]
    return [d for d in made if not any(isinstance(move, LookUp) for move in d.moves)]


def _is_same(one: Decision | None, other: Decision | None) -> bool:
    if one is None or other is None:
        return False
    return (one.procedure, one.rule, _moves(one)) == (other.procedure, other.rule, _moves(other))


def _moves(decision: Decision) -> str:
    return canonical([move_to_facts(move) for move in decision.moves])


def _only_waits(decision: Decision) -> bool:
    return all(isinstance(move, Wait) for move in decision.moves)
