"""Who may bring a release from which state to which. Each function gives the changes, or raises UsageError and changes nothing.

draft -> shadow -> share -> live -> retired; a live one that is rolled back is withdrawn, as is any other that is given up.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Literal

from caseworker.core.errors import UsageError
from caseworker.rollout.choose import find, in_state, previous
from caseworker.rollout.model import MAX_PERCENT, Change, How, Proposal, Standing, Standings, Start, State

SHOWN = 12  # hex digits of a release that people see
_MAY_GO: dict[State, tuple[State, ...]] = {
    "draft": ("shadow", "share", "live", "withdrawn"),
    "shadow": ("share", "live", "withdrawn"),
    "share": ("share", "live", "withdrawn"),
    "live": (),
    "retired": ("live", "withdrawn"),
    "withdrawn": ("shadow", "share", "live"),
}
_BLANK_LETTERS = "\u115f\u1160\u2800"  # Hangul fillers and the empty Braille pattern: a letter or sign by category
_LOOK_ALIKE = str.maketrans(  # Cyrillic, Greek and other letters that people read as these
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131\u0251\u0261",
    "abekmhopctyxijshdqwabezhikmnoptyxiag",
)
Rule = Callable[[Standings], tuple[Change, ...]]
"""A rule with everything but the standings, which are read under a lock when it is applied."""


def people_needed(standings: Standings, candidate: Standing) -> int:
    """The strictest of the candidate, of what is live, and of all that was live since two people published the last time.

    So nothing that one person may do (a roll-back, shadow, withdrawing) lowers it; a laxer release that two publish does.
    """
    if in_state(standings, "live") is None:
        return 1
    lowered = max((s.approved_at for s in standings if s.approved_at is not None), default=None)
    counting = [s for s in standings if s.live_at is not None and (lowered is None or s.live_at >= lowered)]
    return max(s.people for s in (candidate, *counting, *(s for s in standings if s.state == "live")))


def person(name: str) -> str:
    """A name as it stands in the log, without characters that nobody sees. Raises UsageError where nothing is left."""
    joined = " ".join(unicodedata.normalize("NFKC", name).split())
    shown = "".join(c for c in joined if unicodedata.category(c) not in ("Cc", "Cf")).strip()
    if not _letters(shown):
        raise UsageError("Nobody is named.", remedy="Say who you are with --by NAME.")
    return shown


def is_same_person(one: str, other: str) -> bool:
    """Two spellings of one name.

    Case, width, accents, spaces, signs, the order of words and what nobody sees do not count, nor does the alphabet of letters
    that look alike. An address is compared without its plus part, and with a bare name by what stands before the @.
    """
    mine, yours = _bare(person(one)), _bare(person(other))
    if ("@" in mine) != ("@" in yours):
        mine, yours = (name.rpartition("@")[0] or name for name in (mine, yours))
    return _letters(mine) == _letters(yours) or _words(mine) == _words(yours)


def _bare(name: str) -> str:
    """An address without its plus part, anything else as it is."""
    local, at, domain = name.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}" if at else name


def _words(name: str) -> list[str]:
    return sorted(letters for word in name.split() if (letters := _letters(word)))


def _letters(name: str) -> str:
    """What tells a name from others: no marks (M), signs (P, S), blanks (Z), nothing unprintable (C), no blank letters.

    A name of signs alone has none; it is nobody's.
    """
    taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()).translate(_LOOK_ALIKE)
    return "".join(c for c in taken_apart if unicodedata.category(c)[0] not in "MPSZC" and c not in _BLANK_LETTERS)


def shadow(standings: Standings, release: str, *, by: str, note: str = "") -> tuple[Change, ...]:
    """Decide along, do nothing. One that was withdrawn may too: its cases stay where they are."""
    standing = _may_go(standings, release, "shadow")
    _only_one(standings, release, "shadow")
    return (Change(release, standing.state, "shadow", person(by), successor=standing.successor, note=note),)


def share(standings: Standings, release: str, percent: int, *, by: str, note: str = "") -> tuple[Change, ...]:
    """`percent` of new cases. Fewer than now is one person's business, whatever the guardrails say."""
    standing = _may_share(standings, release, percent)
    if not (standing.state == "share" and percent < standing.percent):
        _alone(standings, standing, f"--share {percent}")
    return (Change(release, standing.state, "share", person(by), percent=percent, note=note),)


def publish(standings: Standings, release: str, *, by: str, note: str = "") -> tuple[Change, ...]:
    """All new cases; the release that was live is retired and goes on with the cases it has."""
    standing = _may_go(standings, release, "live")
    _alone(standings, standing, "--live")
    return _live(standings, standing, by=person(by), note=note)


def propose(
    standings: Standings,
    release: str,
    to: Literal["share", "live"],
    *,
    by: str,
    at: datetime,
    percent: int = 0,
    note: str = "",
) -> tuple[Change, ...]:
    """Ask a second person for a share or for going live. A later proposal takes the place of an open one."""
    standing = _may_share(standings, release, percent) if to == "share" else _may_go(standings, release, "live")
    proposal = Proposal(to, person(by), at, percent if to == "share" else 0, note)
    return (_unmoved(standing, by=proposal.by, note=note, proposal=proposal),)


def approve(
    standings: Standings, release: str, *, by: str, note: str = "", only: tuple[str, int] | None = None
) -> tuple[Change, ...]:
    """Carry out what another person proposed. `only`: the wish and the share that the approver saw; no other one is."""
    standing = _known(standings, release)
    proposal, approver = standing.proposal, person(by)
    if proposal is None:
        raise UsageError(
            f"Nobody proposed anything for release {_shown(release)}.", remedy="Use `caseworker release propose` first."
        )
    if is_same_person(proposal.by, approver):
        raise UsageError(f"{approver} proposed this himself.", remedy="Another person has to approve it.")
    if only is not None and only != (proposal.to, proposal.percent):
        raise UsageError(f"{proposal.by} proposes something else now.", remedy="Look again with `caseworker release show`.")
    note = note or proposal.note
    if proposal.to == "live":
        changes = _live(standings, _may_go(standings, release, "live"), by=proposal.by, note=note)
    else:
        now = _may_share(standings, release, proposal.percent)
        changes = (Change(release, now.state, "share", proposal.by, percent=proposal.percent, note=note),)
    return tuple(replace(c, approved_by=approver) if c.release == release else c for c in changes)


def withdraw(standings: Standings, release: str, *, by: str, note: str = "") -> tuple[Change, ...]:
    """Give a release up. Cases that it decides are decided by the live one from their next event on."""
    standing, live = _known(standings, release), in_state(standings, "live")
    if standing.state == "live":
        raise UsageError(f"Release {_shown(release)} is live.", remedy="Use `caseworker release rollback`.")
    _may_go(standings, release, "withdrawn")
    successor = live.release if live else ""
    return (Change(release, standing.state, "withdrawn", person(by), successor=successor, note=note),)


def roll_back(standings: Standings, *, by: str, to: str = "", note: str = "") -> tuple[Change, ...]:
    """Withdraw what is live; its cases and all new ones are decided by the previous live release (or `to`) from now on.

    One person may go one step at any hour: to what was live directly before. Any other one is a choice like publishing, also
    by several steps, and where what was live directly before was withdrawn. It is named then: two people who roll back the same
    release one after the other go back one step, not two.
    """
    live, before, who = in_state(standings, "live"), previous(standings), person(by)
    if live is None or (before is None and not to):
        raise UsageError(
            "There is no earlier release to go back to.",
            remedy="Publish another release, or stop acting with `caseworker stop`.",
        )
    target = _known(standings, to) if to else before
    assert target is not None
    if target.state != "retired":
        raise UsageError(
            f"Release {_shown(target.release)} is {target.state}; only one that was live can be gone back to.",
            remedy="`caseworker release list` shows the retired ones.",
        )
    if not _is_one_step(standings, target):
        _alone(standings, target, "--live")
        if not to:
            raise UsageError(
                f"What was live directly before {_shown(live.release)} was withdrawn; perhaps somebody has just rolled back.",
                remedy=f"To go back further, name the release: `caseworker release rollback --to {_shown(target.release)}`.",
            )
    gone = Change(live.release, "live", "withdrawn", who, successor=target.release, note=note)
    return gone, Change(target.release, "retired", "live", who, note=note or f"roll-back of {_shown(live.release)}")


def start(standings: Standings, release: str) -> Start:
    """What becomes of a process's folder, imported as `release`. Nothing that people did by command is undone."""
    own, live = _known(standings, release), in_state(standings, "live")
    if live is None:
        return Start(_live(standings, own, by="caseworker", how="first start"))
    if live.release == release:
        return Start()
    kept = f"The folder's release {_shown(release)} is not live; {_shown(live.release)} goes on. "
    if own.state in ("shadow", "share", "withdrawn"):
        return Start(notice=f"{kept}The folder's is in the state {own.state}.")
    if people_needed(standings, own) > 1:
        return Start(notice=f"{kept}It needs two people: `caseworker release propose {_shown(release)} --live --by NAME`.")
    if live.how == "command":
        return Start(notice=f"{kept}That one was chosen by command: `caseworker release publish {_shown(release)} --by NAME`.")
    return Start(_live(standings, own, by="caseworker", how="folder"))


def _live(standings: Standings, standing: Standing, *, by: str, how: How = "command", note: str = "") -> tuple[Change, ...]:
    old = in_state(standings, "live")
    retired = () if old is None else (Change(old.release, "live", "retired", by, how=how),)
    return (*retired, Change(standing.release, standing.state, "live", by, how=how, note=note))


def _is_one_step(standings: Standings, target: Standing) -> bool:
    """Whether nothing was live between this release and the one that is live now."""
    others = [s.live_at for s in standings if s.state != "live" and s.live_at is not None]
    return target.live_at is not None and target.live_at == max(others)


def _unmoved(standing: Standing, *, by: str, note: str, proposal: Proposal) -> Change:
    return Change(
        standing.release,
        standing.state,
        standing.state,
        by,
        percent=standing.percent,
        successor=standing.successor,
        note=note,
        proposal=proposal,
    )


def _alone(standings: Standings, candidate: Standing, wish: str) -> None:
    if people_needed(standings, candidate) > 1:
        raise UsageError(
            "The guardrails ask for two people to publish.",
            remedy=f"`caseworker release propose {_shown(candidate.release)} {wish} --by NAME`, then another one approves.",
        )


def _may_share(standings: Standings, release: str, percent: int) -> Standing:
    if not 1 <= percent <= MAX_PERCENT:
        raise UsageError(f"A share of {percent} % is none.", remedy=f"Give 1 to {MAX_PERCENT}; `publish` is for all.")
    standing = _may_go(standings, release, "share")
    if standing.state == "share" and standing.percent == percent:
        raise UsageError(f"Release {_shown(release)} has {percent} % already.", remedy="Give another share.")
    _only_one(standings, release, "share")
    return standing


def _may_go(standings: Standings, release: str, to: State) -> Standing:
    standing = _known(standings, release)
    if to not in _MAY_GO[standing.state]:
        already = "already" if standing.state == to else f"and cannot become {to}"
        raise UsageError(f"Release {_shown(release)} is {standing.state} {already}.", remedy="See `caseworker release list`.")
    return standing


def _only_one(standings: Standings, release: str, state: State) -> None:
    other = in_state(standings, state)
    if other is not None and other.release != release:
        raise UsageError(
            f"Release {_shown(other.release)} is in {state}; there is one at a time.",
            remedy=f"Publish it or give it up with `caseworker release withdraw {_shown(other.release)}`.",
        )


def _known(standings: Standings, release: str) -> Standing:
    standing = find(standings, release)
    if standing is None:
        raise UsageError(f"This worker has no release {_shown(release)}.", remedy="See `caseworker release list`.")
    return standing


def _shown(release: str) -> str:
    return release[:SHOWN]
