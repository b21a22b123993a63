"""What a release decided in shadow, summed up."""

from dataclasses import replace

from caseworker.core.ids import case_reference
from caseworker.rollout.compare import compare
from caseworker.rollout.model import ShadowDecision

LIVE, OLDER, NEW = "1" * 64, "0" * 64, "2" * 64


def decided(case: int, *, same: bool, live: str = LIVE) -> ShadowDecision:
    return ShadowDecision(NEW, case, 1, 1, live, "cancel.a", "cancel.a" if same else "cancel.b", same=same)


def test_only_when_all_are_the_same_it_says_so() -> None:
    nearly = [decided(n, same=n != 7) for n in range(1, 3001)]
    found = compare(nearly)
    assert (found.decisions, found.same, found.percent_same) == (3000, 2999, 99.9)
    assert compare(nearly[10:]).percent_same == 100.0
    assert compare([]).percent_same is None


def test_decisions_that_counted_are_told_by_the_release_that_made_them() -> None:
    made = [decided(1, same=True), decided(2, same=False, live=OLDER), decided(3, same=True)]
    failed = ShadowDecision(NEW, 4, 1, live_release=LIVE, error="It is broken.")
    found = compare([*made, failed])
    assert (found.decisions, found.same, found.errors) == (3, 2, 1)
    assert found.beside == {LIVE: 3, OLDER: 1}
    assert found.error_examples == ((case_reference(4), "It is broken."),)


def test_a_difference_that_lasts_is_one() -> None:
    waits = [replace(decided(1, same=False), seq=seq) for seq in range(1, 500)]
    found = compare(
        [*waits, decided(2, same=False), replace(decided(2, same=True), seq=2), replace(decided(2, same=False), seq=3)]
    )
    assert (found.decisions, found.same) == (4, 1), "one in the first case; in the second it went away and came back"
    assert found.groups[0].decisions == 3
