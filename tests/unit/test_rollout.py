"""Who may bring a release from which state to which, and which customers a share reaches."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseworker.core.errors import UsageError
from caseworker.rollout import rules
from caseworker.rollout.choose import bucket, customer, decided_by, effective, for_new_case, is_reached, previous
from caseworker.rollout.model import Change, Proposal, Standing, State

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
OLD, LIVE, NEW = "0" * 64, "1" * 64, "2" * 64


def standing(release: str, state: State, **more: object) -> Standing:
    return Standing(release, "retail", state, **more)  # type: ignore[arg-type]  # written as keywords in these tests


OLD_ONE = standing(OLD, "retired", live_at=AT - timedelta(days=9))
LIVE_ONE = standing(LIVE, "live", live_at=AT - timedelta(days=1), how="command")
NEW_ONE = standing(NEW, "draft")
ALL = (OLD_ONE, LIVE_ONE, NEW_ONE)


def moved(changes: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    return [(c.release, c.before, c.after) for c in changes]


# -- shares ------------------------------------------------------------------------------------------------------------


def test_a_share_reaches_about_its_part_of_a_thousand_customers_and_keeps_them_when_it_grows() -> None:
    addresses = [f"customer{i}@mail{i % 7}.example" for i in range(1000)]
    before: set[str] = set()
    for percent in (1, 10, 25, 50, 99):
        reached = {a for a in addresses if is_reached(standing(NEW, "share", percent=percent), a)}
        assert before <= reached
        spread = 4 * (1000 * percent / 100 * (1 - percent / 100)) ** 0.5  # four standard deviations
        assert abs(len(reached) - 10 * percent) <= spread
        before = reached
    other = {a for a in addresses if is_reached(standing(LIVE, "share", percent=10), a)}
    assert other != {a for a in addresses if is_reached(standing(NEW, "share", percent=10), a)}, "not always the same people"


def test_a_customer_is_one_however_the_address_is_written() -> None:
    assert {customer(a) for a in ("Ada@X.example", " ada@x.example", "ada+shop@x.example")} == {"ada@x.example"}
    assert not is_reached(standing(NEW, "share", percent=99), "")
    assert not is_reached(standing(NEW, "share", percent=99), "no address")


def test_every_process_draws_the_same_lot() -> None:
    told = "from caseworker.rollout.choose import bucket; print(bucket('retail', 'r', 'ada@x.example'))"
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", told], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        assert int(done.stdout) == bucket("retail", "r", "ada@x.example")


def test_a_new_case_begins_with_the_share_or_with_what_is_live() -> None:
    shared = (LIVE_ONE, standing(NEW, "share", percent=50))
    begun = {for_new_case(shared, f"c{i}@x.example") for i in range(50)}
    assert begun == {LIVE, NEW}
    assert for_new_case(shared, "") == LIVE
    assert for_new_case((standing(NEW, "draft"),), "c@x.example") == ""


# -- which release decides ---------------------------------------------------------------------------------------------


def test_a_withdrawn_release_hands_its_cases_on_and_on() -> None:
    chain = (
        LIVE_ONE,
        standing(OLD, "withdrawn", successor=LIVE),
        standing(NEW, "withdrawn", successor=OLD),
    )
    assert [effective(chain, r) for r in (LIVE, OLD, NEW, "unknown")] == [LIVE, LIVE, LIVE, "unknown"]
    assert effective(ALL, OLD) == OLD, "a retired one keeps its cases"
    assert [decided_by(chain, r) for r in (NEW, OLD, LIVE)] == [(NEW,), (OLD, NEW), (LIVE, OLD, NEW)]


_names = ["a", "b", "c", "d"]


@given(st.lists(st.tuples(st.sampled_from(["publish", "share", "shadow", "withdraw", "rollback"]), st.sampled_from(_names))))
def test_whatever_people_do_every_case_has_a_release_that_decides_it(steps: list[tuple[str, str]]) -> None:
    """Never two in one place, never a circle, never a case without a release that was not given up."""
    there = {n: Standing(n, "retail") for n in _names}
    apply(there, rules.start(list(there.values()), "a").changes, AT)
    for number, (step, release) in enumerate(steps):
        now = list(there.values())
        try:
            match step:
                case "publish":
                    changes = rules.publish(now, release, by="x")
                case "share":
                    changes = rules.share(now, release, 1 + number % 99, by="x")
                case "shadow":
                    changes = rules.shadow(now, release, by="x")
                case "withdraw":
                    changes = rules.withdraw(now, release, by="x")
                case _:
                    changes = rules.roll_back(now, by="x")
        except UsageError:
            continue
        apply(there, changes, AT + timedelta(minutes=number + 1))
        states = [s.state for s in there.values()]
        assert states.count("live") == 1
        assert states.count("share") <= 1
        assert states.count("shadow") <= 1
        for name in _names:
            decides = there[effective(list(there.values()), name)]
            assert not decides.successor
            assert decides.state != "withdrawn" or decides.live_at is None


def apply(there: dict[str, Standing], changes: tuple[Change, ...], at: datetime) -> None:
    for c in changes:
        old = there[c.release]
        assert old.state == c.before
        live_at = at if c.after == "live" else old.live_at
        there[c.release] = Standing(
            old.release,
            old.worker,
            c.after,
            c.percent,
            old.people,
            c.successor,
            c.how,
            live_at,
            c.proposal,
            at if c.approved_by and c.after == "live" else old.approved_at,
        )


# -- transitions -------------------------------------------------------------------------------------------------------


def test_publishing_retires_what_was_live() -> None:
    changes = rules.publish(ALL, NEW, by="Anna", note="longer window")
    assert moved(changes) == [(LIVE, "live", "retired"), (NEW, "draft", "live")]
    assert {c.by for c in changes} == {"Anna"}


def test_rolling_back_takes_the_last_one_that_was_live_and_was_not_withdrawn() -> None:
    older = standing("9" * 64, "retired", live_at=AT - timedelta(days=30))
    gone = standing("8" * 64, "withdrawn", live_at=AT - timedelta(days=2), successor=LIVE)
    assert previous((older, *ALL, gone)) == OLD_ONE
    changes = rules.roll_back((older, *ALL, gone), by="Anna", to=OLD)
    assert moved(changes) == [(LIVE, "live", "withdrawn"), (OLD, "retired", "live")]
    assert changes[0].successor == OLD


@pytest.mark.parametrize(
    ("standings", "to", "message"),
    [
        ((LIVE_ONE,), "", "no earlier release"),
        (ALL, NEW, "is draft; only one that was live"),
        (ALL, "f" * 64, "has no release"),
    ],
)
def test_a_roll_back_to_nowhere_says_so(standings: tuple[Standing, ...], to: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rules.roll_back(standings, by="Anna", to=to)


def test_one_release_at_a_time_in_shadow_and_in_share() -> None:
    other = standing("3" * 64, "shadow")
    with pytest.raises(UsageError, match=r"is in shadow; there is one at a time.*withdraw 333333333333"):
        rules.shadow((*ALL, other), NEW, by="Anna")
    with pytest.raises(UsageError, match="is in share"):
        rules.share((*ALL, standing("3" * 64, "share", percent=5)), NEW, 10, by="Anna")


@pytest.mark.parametrize("percent", [0, -5, 100])
def test_a_share_is_one_to_ninety_nine(percent: int) -> None:
    with pytest.raises(UsageError, match="Give 1 to 99"):
        rules.share(ALL, NEW, percent, by="Anna")


def test_what_is_live_cannot_be_withdrawn_without_another_one() -> None:
    with pytest.raises(UsageError, match="rollback"):
        rules.withdraw(ALL, LIVE, by="Anna")


def test_nobody_does_anything_without_a_name() -> None:
    with pytest.raises(UsageError, match="--by NAME"):
        rules.publish(ALL, NEW, by="  ")
    with pytest.raises(UsageError, match="--by NAME"):
        rules.publish(ALL, NEW, by="\u200b\u3164")


# -- two people --------------------------------------------------------------------------------------------------------

TWO = (OLD_ONE, standing(LIVE, "live", people=2, live_at=AT), standing(NEW, "draft"))


def proposed(by: str = "Anna", to: str = "live", percent: int = 0, all_of: tuple[Standing, ...] = TWO) -> tuple[Standing, ...]:
    [change] = rules.propose(all_of, NEW, to, by=by, at=AT, percent=percent)  # type: ignore[arg-type]  # a word of two
    assert change.before == change.after
    return tuple(
        standing(s.release, s.state, people=s.people, live_at=s.live_at, proposal=change.proposal) if s.release == NEW else s
        for s in all_of
    )


def test_with_two_people_nobody_publishes_or_shares_alone() -> None:
    for act in (
        lambda: rules.publish(TWO, NEW, by="Anna"),
        lambda: rules.share(TWO, NEW, 10, by="Anna"),
    ):
        with pytest.raises(UsageError, match="two people"):
            act()


def test_the_second_person_is_another_one_however_the_name_is_written() -> None:
    unseen = (
        "An\u200bna",
        "Anna\u200d",
        "\u202eAnna",
        "An\u034fna",
        "Anna\ufe0f",
        "An\x07na",
        "An\u3164na",
        "An\u2800na",
        "A nna",
    )
    for spelling in ("Anna", "ANNA", " anna ", "\uff21nna", "\u00c4nna", "Anna\u0301", *unseen):
        with pytest.raises(UsageError, match="Another person"):
            rules.approve(proposed(), NEW, by=spelling)
    for mine, yours in (
        ("Anna", "\u0410nna"),  # a Cyrillic letter
        ("Anna", "\u0391nn\u0251"),  # a Greek one, and one of the phonetic alphabet
        ("Anna", "'Anna'."),
        ("Anna Berg", "Berg, Anna"),
        ("anna@x.example", "Anna+2@x.example"),
        ("anna@x.example", "anna"),
        ("Anna", "anna+2@x.example"),
    ):
        with pytest.raises(UsageError, match="Another person"):
            rules.approve(proposed(by=mine), NEW, by=yours)
    for mine, yours in (("anna@x.example", "ben@x.example"), ("Anna", "Anne"), ("anna@x.example", "anna@y.example")):
        assert rules.approve(proposed(by=mine), NEW, by=yours)
    with pytest.raises(UsageError, match="Nobody is named"):
        rules.approve(proposed(), NEW, by="...")
    changes = rules.approve(proposed(), NEW, by="Ben")
    assert moved(changes) == [(LIVE, "live", "retired"), (NEW, "draft", "live")]
    assert (changes[1].by, changes[1].approved_by) == ("Anna", "Ben")


def test_a_share_is_approved_as_it_was_proposed() -> None:
    [change] = rules.approve(proposed(to="share", percent=10), NEW, by="Ben")
    assert (change.after, change.percent, change.by, change.approved_by) == ("share", 10, "Anna", "Ben")
    with pytest.raises(UsageError, match="Nobody proposed"):
        rules.approve(TWO, NEW, by="Ben")


def test_a_share_grows_with_two_people_and_shrinks_with_one() -> None:
    shared = (TWO[1], standing(NEW, "share", percent=20))
    assert rules.share(shared, NEW, 5, by="Anna")[0].percent == 5
    with pytest.raises(UsageError, match="two people"):
        rules.share(shared, NEW, 30, by="Anna")


def test_a_release_that_asks_for_fewer_people_does_not_publish_itself() -> None:
    stricter_candidate = (LIVE_ONE, standing(NEW, "draft", people=2))
    for standings in (TWO, stricter_candidate):
        with pytest.raises(UsageError, match="two people"):
            rules.publish(standings, NEW, by="Anna")


def test_rolling_back_is_one_persons_work_and_does_not_lower_the_rule() -> None:
    assert moved(rules.roll_back(TWO, by="Anna")) == [(LIVE, "live", "withdrawn"), (OLD, "retired", "live")]
    after = (standing(OLD, "live", live_at=AT), standing(LIVE, "withdrawn", people=2, successor=OLD, live_at=AT), NEW_ONE)
    with pytest.raises(UsageError, match="two people"):
        rules.publish(after, NEW, by="Anna")
    older = standing("9" * 64, "retired", live_at=AT - timedelta(days=30))
    with pytest.raises(UsageError, match="two people"):
        rules.roll_back((*TWO, older), by="Anna", to=older.release)


class _House:
    """Releases of one worker that people act on, an hour between two acts."""

    def __init__(self, **people: int) -> None:
        self.there = {name: Standing(name, "retail", people=count) for name, count in people.items()}
        self.at = AT

    def do(self, rule: Callable[..., tuple[Change, ...]], *arguments: object, **named: object) -> None:
        self.at += timedelta(hours=1)
        apply(self.there, rule(list(self.there.values()), *arguments, **named), self.at)

    def both(self, release: str) -> None:
        self.do(rules.propose, release, "live", by="Anna", at=self.at)
        self.do(rules.approve, release, by="Ben")


def _strict_is_live() -> _House:
    house = _House(older=1, old=1, strict=2, evil=1)
    house.do(rules.publish, "older", by="Anna")
    house.do(rules.publish, "old", by="Anna")
    house.both("strict")
    return house


@pytest.mark.parametrize("step", [(rules.shadow, "strict"), (rules.withdraw, "evil"), (rules.withdraw, "older")])
def test_nothing_that_one_person_does_after_a_roll_back_lowers_the_rule(step: tuple[Callable[..., Any], str]) -> None:
    house = _strict_is_live()
    house.do(rules.roll_back, by="Mallory")
    house.do(*step, by="Mallory")
    for alone in (
        lambda: house.do(rules.publish, "evil", by="Mallory"),
        lambda: house.do(rules.share, "evil", 50, by="Mallory"),
        lambda: house.do(rules.publish, "strict", by="Mallory"),
    ):
        with pytest.raises(UsageError, match="two people"):
            alone()


def test_a_second_roll_back_in_a_row_takes_two_people() -> None:
    house = _strict_is_live()
    house.do(rules.roll_back, by="Mallory")
    with pytest.raises(UsageError, match="two people"):
        house.do(rules.roll_back, by="Mallory")
    house = _strict_is_live()
    house.do(rules.withdraw, "old", by="Mallory")
    with pytest.raises(UsageError, match="two people"):
        house.do(rules.roll_back, by="Mallory")


def test_two_people_who_roll_back_the_same_release_go_back_one_step() -> None:
    house = _House(oldest=1, older=1, new=1)
    for release in ("oldest", "older", "new"):
        house.do(rules.publish, release, by="Anna")
    house.do(rules.roll_back, by="Anna")
    with pytest.raises(UsageError, match=r"perhaps somebody has just rolled back.*rollback --to oldest"):
        house.do(rules.roll_back, by="Ben")
    assert house.there["older"].state == "live"
    house.do(rules.roll_back, by="Ben", to="oldest")
    assert house.there["oldest"].state == "live"


def test_the_rule_is_lowered_by_two_people_who_publish_a_laxer_release() -> None:
    house = _strict_is_live()
    house.do(rules.roll_back, by="Anna")
    house.both("evil")
    house.do(rules.publish, "older", by="Anna")
    assert house.there["older"].state == "live"


# -- start -------------------------------------------------------------------------------------------------------------


def test_the_first_folder_becomes_live() -> None:
    started = rules.start((standing(NEW, "draft", people=2),), NEW)
    assert [(c.after, c.how) for c in started.changes] == [("live", "first start")]


def test_the_folder_that_is_live_changes_nothing() -> None:
    assert rules.start(ALL, LIVE) == rules.Start()


def test_a_changed_folder_becomes_live_where_nobody_chose_by_command() -> None:
    by_folder = (standing(LIVE, "live", how="folder", live_at=AT), standing(NEW, "draft"))
    started = rules.start(by_folder, NEW)
    assert moved(started.changes) == [(LIVE, "live", "retired"), (NEW, "draft", "live")]
    assert started.changes[1].how == "folder"


@pytest.mark.parametrize(
    ("standings", "said"),
    [
        (ALL, "chosen by command"),
        ((standing(LIVE, "live", how="folder"), standing(NEW, "withdrawn", successor=LIVE)), "in the state withdrawn"),
        ((standing(LIVE, "live", how="folder"), standing(NEW, "shadow")), "in the state shadow"),
        ((standing(LIVE, "live", how="folder", people=2), standing(NEW, "draft")), "needs two people"),
        ((standing(LIVE, "live", how="folder"), standing(NEW, "draft", people=2)), "needs two people"),
    ],
)
def test_what_people_chose_is_not_undone_by_a_start(standings: tuple[Standing, ...], said: str) -> None:
    started = rules.start(standings, NEW)
    assert started.changes == ()
    assert said in started.notice
    assert "111111111111 goes on" in started.notice


def test_a_later_proposal_takes_the_place_of_an_open_one() -> None:
    [change] = rules.propose(proposed(to="share", percent=10), NEW, "live", by="Ben", at=AT)
    assert change.proposal == Proposal("live", "Ben", AT)
