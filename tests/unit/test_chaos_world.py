"""A campaign's world: the same every time, loadable, and every mail about an order of its sender's."""

import email
import random
from collections import Counter
from datetime import UTC, datetime
from email import policy

from caseworker.commerce.adapters.sandbox import form
from caseworker.testing.chaos.model import FAILPOINTS
from caseworker.testing.chaos.strikes import plan
from caseworker.testing.chaos.world import KINDS, make

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def test_a_world_is_the_same_for_the_same_seed() -> None:
    assert make(mails=40, seed=7, at=AT) == make(mails=40, seed=7, at=AT)
    assert make(mails=40, seed=8, at=AT).stories != make(mails=40, seed=7, at=AT).stories


def test_its_shop_can_be_loaded_and_every_mail_is_about_an_order_of_its_sender() -> None:
    world = make(mails=120, seed=7, at=AT)
    shop = form.read(world.shop)
    owners = {order["number"]: order["email"] for order in shop["orders"]}
    mails = [mail for story in world.stories for mail in story.mails]
    assert len(mails) == 120
    assert len({mail.message_id for mail in mails}) == len({mail.number for mail in mails}) == 120
    assert all(owners[mail.number] == mail.sender for mail in mails)
    assert {mail.kind for mail in mails} == set(KINDS)


def test_customers_write_once_twice_the_same_in_threads_and_several_at_once() -> None:
    world = make(mails=120, seed=7, at=AT)
    shapes = {(tuple(len(part) for part in story.rounds), story.twice) for story in world.stories}
    assert shapes == {((1,), False), ((1,), True), ((1, 1), False), ((1, 2), False)}
    for story in world.stories:
        first, *later = story.mails
        parsed = [email.message_from_bytes(mail.raw, policy=policy.default) for mail in later]
        assert all(str(mail["References"]) == f"<{first.message_id}>" for mail in parsed)


def test_strikes_are_spread_evenly_over_the_failpoints() -> None:
    strikes = plan(kills=30, stops=10, dice=random.Random(7))
    assert Counter((s.act, s.failpoint) for s in strikes) == {
        **{("kill", name): 6 for name in FAILPOINTS},
        **{("stop", name): 2 for name in FAILPOINTS},
    }
    assert [s.failpoint for s in plan(kills=0, stops=1, dice=random.Random(1))] == ["before_commit"]
