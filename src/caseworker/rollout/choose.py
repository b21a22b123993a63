"""Which release decides a case, and which customers a share reaches."""

import hashlib

from caseworker.rollout.model import Standing, Standings, State

_BUCKETS = 10_000


def in_state(standings: Standings, state: State) -> Standing | None:
    """The release of the worker in a state that only one can have: live, share or shadow."""
    return next((s for s in standings if s.state == state), None)


def find(standings: Standings, release: str) -> Standing | None:
    """The standing of a release by its hash."""
    return next((s for s in standings if s.release == release), None)


def previous(standings: Standings) -> Standing | None:
    """The release that was live before the present one and was not withdrawn."""
    were_live = [(s.live_at, s.release, s) for s in standings if s.state == "retired" and s.live_at is not None]
    return max(were_live)[2] if were_live else None


def effective(standings: Standings, pinned: str) -> str:
    """The release that decides a case pinned to `pinned`: itself, or what took its place since it was withdrawn.

    A successor is live when it is named, so following them ends.
    """
    standing = find(standings, pinned)
    while standing is not None and standing.successor:
        pinned = standing.successor
        standing = find(standings, pinned)
    return pinned


def decided_by(standings: Standings, release: str) -> tuple[str, ...]:
    """The releases whose cases a release decides, or did until it was withdrawn: itself and those withdrawn to it."""
    found = [release]
    for name in found:  # grows while it is walked
        found += [s.release for s in standings if s.successor == name and s.release not in found]
    return tuple(found)


def for_new_case(standings: Standings, sender: str) -> str:
    """The release that a new case of this sender begins with; empty where none is live."""
    share, live = in_state(standings, "share"), in_state(standings, "live")
    if share is not None and is_reached(share, sender):
        return share.release
    return live.release if live else ""


def is_reached(share: Standing, sender: str) -> bool:
    """Whether a share takes in a customer. Nobody who was in falls out when the share grows; no address, no share."""
    who = customer(sender)
    return bool(who) and bucket(share.worker, share.release, who) < share.percent * _BUCKETS // 100


def bucket(worker: str, release: str, who: str) -> int:
    """The same number from 0 to 9999 for the same customer, whatever process on whatever host asks."""
    digest = hashlib.sha256(f"{worker}\n{release}\n{who}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") % _BUCKETS


def customer(address: str) -> str:
    """An address as one customer: small letters, without the plus part."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at else ""
