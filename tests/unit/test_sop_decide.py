"""What `decide` does, rule by rule."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sop_builders import ANNA, NEEDS, NOW, STRANGER, VOCABULARY, known, line, order, playbook, request, run, table

from caseworker.core.errors import UsageError
from caseworker.core.money import Money
from caseworker.sop.cel.evaluate import compiled
from caseworker.sop.cel.parse import parse
from caseworker.sop.check import check
from caseworker.sop.decide import decide, judge
from caseworker.sop.model import Act, Ask, Confirm, Decision, Escalate, Found, LookUp, Progress, Promise, Resolve, Say, Wait
from caseworker.sop.questions import question_keys

BOOK = playbook()
ALL = {"items": ["l1"], "return_reason": "changed_mind"}
FREE = "needs: {}"


def only(decision: Decision, kind: type) -> object:
    [move] = decision.moves
    assert isinstance(move, kind), decision
    return move


# -- looking up and asking ---------------------------------------------------------------------------------------------


def test_a_verified_senders_order_is_looked_up_by_address() -> None:
    look_up = only(run(BOOK), LookUp)
    assert look_up == LookUp("order", "orders.find", {"email": "Anna@Example.com"})


def test_an_unverified_address_finds_nothing_and_everything_is_asked_at_once() -> None:
    decision = run(BOOK, sender=STRANGER)
    assert only(decision, Ask) == Ask(("order_number", "items", "return_reason", "postcode"))
    assert decision.identity == "unverified"
    assert "sender.address" not in str(decision.moves)


def test_what_the_customer_said_already_is_not_asked() -> None:
    decision = run(BOOK, sender=STRANGER, answers={"return_reason": "damaged", "postcode": "50667"})
    assert only(decision, Ask) == Ask(("order_number", "items"))


def test_a_question_is_skipped_where_the_system_knows() -> None:
    decision = run(BOOK, found={"order": order(lines=[line(1)])}, answers={"return_reason": "damaged"})
    assert decision.rule == "accept"
    assert decision.facts["lines"] == [line(1)]


def test_a_need_that_is_not_asked_along_waits_until_a_row_needs_it() -> None:
    book = table(
        '  - rule: a\n    when: wish == "refund" && photo\n    resolve: resolved',
        needs="needs:\n  photo: {take: request.photo, ask: photo}\n  wish: {take: request.wish, ask: wish, along: false}",
    )
    assert only(run(book, answers={"wish": "refund"}), Ask) == Ask(("photo",))
    assert only(run(book), Ask) == Ask(("photo", "wish")), "the row needs both"
    late = table(
        '  - rule: a\n    when: photo\n    resolve: resolved\n  - rule: b\n    when: wish == "refund"\n    resolve: resolved',
        needs="needs:\n  photo: {take: request.photo, ask: photo}\n  wish: {take: request.wish, ask: wish, along: false}",
    )
    assert only(run(late), Ask) == Ask(("photo",))


def test_an_order_number_that_fits_nothing_is_asked_again() -> None:
    decision = run(BOOK, answers={"order_number": "NW-9"}, found={"order": []})
    ask = only(decision, Ask)
    assert isinstance(ask, Ask)
    assert ask.not_found == ("order_number",)
    assert ask.keys[0] == "order_number"


def test_no_order_of_the_address_alone_is_no_wrong_number() -> None:
    """The postcode is asked for once it is known that the order is another address's."""
    assert only(run(BOOK, found={"order": []}, answers=ALL), Ask) == Ask(("order_number",))


def test_an_order_number_is_looked_up_whatever_address_it_comes_from() -> None:
    look_up = only(run(BOOK, answers={"order_number": "NW-1001"}), LookUp)
    assert look_up == LookUp("order", "orders.find", {"number": "NW-1001"})


def test_several_orders_are_asked_about() -> None:
    ask = only(run(BOOK, found={"order": [order(), order(number="NW-1002")]}, answers=ALL), Ask)
    assert ask == Ask(("order_number",))


@pytest.mark.parametrize("found", [Found((), refused="not_found"), Found((order(), order()))])
def test_a_question_is_put_twice_then_people_take_over(found: Found) -> None:
    progress = Progress(asked={"order_number": 2})
    decision = run(BOOK, answers={**ALL, "order_number": "NW-9"}, found={"order": found}, progress=progress)
    assert only(decision, Escalate) == Escalate("general", "cannot_identify_order")


def test_an_answer_that_is_none_twice_goes_to_people() -> None:
    decision = run(
        BOOK,
        answers={"items": ["x"], "return_reason": "changed_mind"},
        found={"order": order()},
        progress=Progress(asked={"items": 2}),
    )
    assert only(decision, Escalate) == Escalate("general", "no_usable_answer")


def test_independent_look_ups_are_made_at_once() -> None:
    needs = """
needs:
  order: {find: orders.find, with: {email: sender.address}}
  parcel: {find: orders.find, with: {number: request.order_number}}
"""
    book = table("  - rule: a\n    when: order.number == parcel.number\n    resolve: answered", needs=needs)
    assert {m.need for m in run(book, answers={"order_number": "1"}).moves if isinstance(m, LookUp)} == {"order", "parcel"}


def test_a_look_up_that_needs_another_one_comes_second() -> None:
    needs = """
needs:
  order: {find: orders.find, with: {email: sender.address}}
  parcel: {look: shipments.track, with: {shipment: "order.shipments[0].ref"}, optional: true}
"""
    book = table('  - rule: lost\n    when: has(parcel) && parcel.status == "lost"\n    resolve: answered', needs=needs)
    assert only(run(book), LookUp) == LookUp("order", "orders.find", {"email": "Anna@Example.com"})
    parcel = only(run(book, found={"order": order()}), LookUp)
    assert isinstance(parcel, LookUp)
    assert parcel.need == "parcel"
    refused = run(book, found={"order": order(), "parcel": Found((), refused="not_found")})
    assert refused.rule == "not_covered", "an optional need that is refused is absent, and has() is false"
    nothing = run(book, found={"order": order(shipments=[])})
    assert nothing.rule == "not_covered"


def test_a_need_without_answer_or_question_goes_to_people() -> None:
    needs = "needs:\n  order: {find: orders.find, with: {email: sender.address}}"
    book = table('  - rule: a\n    when: order.status == "paid"\n    resolve: answered', needs=needs)
    assert only(run(book, found={"order": []}), Escalate) == Escalate("general", "look_up_failed")
    dead = table("  - rule: a\n    when: case.contacts > 1\n    resolve: answered", needs=FREE)
    assert only(run(dead), Escalate) == Escalate("general", "missing_fact")


def test_a_request_field_in_a_condition_is_asked() -> None:
    book = table('  - rule: a\n    when: request.wish == "refund"\n    resolve: answered', needs=FREE)
    assert only(run(book), Ask) == Ask(("wish",))


# -- identity ----------------------------------------------------------------------------------------------------------


def stranger(**answers: object) -> dict[str, object]:
    return {"order_number": "nw 1001", "postcode": "D-50667", **ALL, **answers}


def test_a_verified_owner_needs_no_proof() -> None:
    assert run(BOOK, found={"order": order()}, answers=ALL).identity == "verified"


@pytest.mark.parametrize("postcode", ["50667", " 50 667", "D-50667", "DE 50667"])
def test_number_and_postcode_prove_a_stranger(postcode: str) -> None:
    decision = run(BOOK, sender=STRANGER, found={"order": order()}, answers=stranger(postcode=postcode))
    assert (decision.identity, decision.rule) == ("verified", "accept")


def test_foreign_postcodes_are_compared_without_spelling() -> None:
    address = {"street": "x", "postcode": "SW1A 1AA", "city": "London", "country": "GB"}
    decision = run(BOOK, sender=STRANGER, found={"order": order(address=address)}, answers=stranger(postcode="sw1a1aa"))
    assert decision.identity == "verified"


def test_no_row_fires_and_nothing_is_told_before_the_owner_is_proven() -> None:
    decision = run(BOOK, sender=STRANGER, found={"order": order(status="paid")}, answers={"order_number": "NW-1001"})
    assert only(decision, Ask) == Ask(("items", "return_reason", "postcode"))
    assert decision.rule == ""
    assert "order" not in decision.facts
    assert all(entry.verdict == "not_reached" for entry in decision.trace)


def test_a_number_that_the_system_found_by_itself_proves_nothing() -> None:
    facts = {**request(**stranger()), "given": {"postcode": True, "items": True, "return_reason": True}}
    decision = run(BOOK, sender=STRANGER, found={"order": order()}, request=facts)
    assert only(decision, Ask) == Ask(("order_number",))


def test_another_verified_address_needs_the_postcode_too() -> None:
    other = {"address": "bert@example.com", "verified": True}
    answers = {**ALL, "order_number": "NW-1001"}
    assert only(run(BOOK, sender=other, found={"order": order()}, answers=answers), Ask) == Ask(("postcode",))


def test_a_wrong_postcode_is_refused() -> None:
    over = run(BOOK, sender=STRANGER, found={"order": order()}, answers=stranger(postcode="10115"))
    assert only(over, Escalate) == Escalate("general", "identity_refused")
    assert over.identity == "refused"
    assert "order" not in over.facts


def test_an_order_without_postcode_cannot_be_proven_to_a_stranger() -> None:
    address = {"street": "x", "postcode": "", "city": "y", "country": "DE"}
    decision = run(BOOK, sender=STRANGER, found={"order": order(address=address)}, answers=stranger())
    assert only(decision, Escalate) == Escalate("general", "identity_unproven")


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_first_row_that_holds_fires_with_its_moves_in_order() -> None:
    decision = run(BOOK, found={"order": order()}, answers=ALL)
    act, say, promise, resolve = decision.moves
    assert isinstance(act, Act)
    assert act.arguments == {"order": order()["ref"], "lines": [line(1)], "reason": "changed_mind"}
    assert act.amount is None
    assert say == Say("return_label")
    assert isinstance(promise, Promise)
    assert promise.amount == Money(1000, "EUR")
    assert promise.due == NOW + timedelta(days=14), "ten business days"
    assert resolve == Resolve("resolved")
    assert decision.meanwhile == "being_registered"
    verdicts = {entry.row: entry.verdict for entry in decision.trace}
    assert verdicts == {
        "not_delivered": "false",
        "window_closed": "false",
        "refused_by_system": "false",
        "accept": "fired",
        "not_covered": "not_reached",
    }
    seen = next(entry.seen for entry in decision.trace if entry.row == "window_closed")
    assert seen["days_since"] == 9
    assert seen["param.return_window_days"] == 30
    lines = next(entry.seen["lines"] for entry in decision.trace if entry.row == "accept")
    assert lines == ["l1"], "a trace keeps names, not records"


def test_unknown_is_not_false() -> None:
    """A row that cannot be decided stops the walk, even where a row below holds."""
    late = order(delivered_at=NOW - timedelta(days=40), lines=[line(1)])
    decision = run(BOOK, found={"order": late})
    assert only(decision, Ask) == Ask(("return_reason",))
    assert decision.missing == ("reason",)
    assert {e.row: e.verdict for e in decision.trace}["window_closed"] == "unknown"


def test_a_false_part_decides_whatever_is_unknown() -> None:
    recent = run(BOOK, found={"order": order(lines=[line(1, returnable=False)])})
    assert recent.rule == "not_covered", "within the window nobody is asked for a reason"


def test_arguments_of_a_row_are_demanded_before_it_fires() -> None:
    decision = run(BOOK, found={"order": order(lines=[line(1)])})
    assert only(decision, Ask) == Ask(("return_reason",))


def test_a_row_fires_once_and_a_refusal_is_a_fact() -> None:
    failed = {"rma": {"code": "invalid_state", "message": "no"}}
    decision = run(BOOK, found={"order": order()}, answers=ALL, progress=Progress(fired=("accept",)), failed=failed)
    assert decision.rule == "refused_by_system"
    other = {"rma": {"code": "denied_by_person", "message": "no"}}
    decision = run(BOOK, found={"order": order()}, answers=ALL, progress=Progress(fired=("accept",)), failed=other)
    assert decision.rule == "not_covered", "no row tests it, so people take over"
    assert {e.row: e.verdict for e in decision.trace}["accept"] == "already_fired"


def test_when_every_row_has_fired_people_take_over() -> None:
    fired = tuple(row.name for row in BOOK.procedures["return"].rows)
    decision = run(BOOK, found={"order": order()}, answers=ALL, progress=Progress(fired=fired))
    assert only(decision, Escalate) == Escalate("general", "nothing_left")


def test_a_parameter_waits_for_the_orders_country() -> None:
    rules = "  - rule: closed\n    when: days(order.delivered_at, now) > param.return_window_days\n    resolve: declined"
    book = table(rules)
    old = {"delivered_at": NOW - timedelta(days=20), "lines": [line(1)]}
    assert run(book, found={"order": order(**old)}).rule == "not_covered"
    assert run(book, found={"order": order(country="GB", **old)}).rule == "closed"
    first = table(
        '  - rule: a\n    when: param.goodwill > money("5.00 EUR")\n    resolve: answered',
        needs=NEEDS.replace("verify: owner(order)", ""),
    )
    assert isinstance(only(run(first), LookUp), LookUp)


def test_two_currencies_are_an_error_and_never_false() -> None:
    book = table('  - rule: small\n    when: order.total < money("50.00 EUR")\n    resolve: answered')
    decision = run(book, found={"order": order(total=Money(3000, "GBP"), lines=[line(1)])})
    assert only(decision, Escalate) == Escalate("general", "procedure_error")
    error = next(entry for entry in decision.trace if entry.verdict == "error")
    assert "not of one currency" in error.error
    assert error.row == "small"


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("percent(order.total, size(order.lines) * 9000000000000000000) > order.total", "the number is too large"),
        ("percent(order.total, 9000000000000000000) > order.total", "the amount is too large"),
        ('order.placed_at - duration("36500d") - duration("36500d") > now', "must have magnitude|out of range"),
        ("business_days(order.placed_at, size(order.lines) * 1000000000) > now", "takes 0 to 366 days"),
    ],
)
def test_what_is_too_large_to_be_computed_goes_to_people(condition: str, why: str) -> None:
    book = table(f"  - rule: big\n    when: '{condition}'\n    resolve: answered")
    early = datetime(150, 1, 1, tzinfo=UTC)
    decision = run(book, found={"order": order(lines=[line(1)] * 2, placed_at=early)}, answers={"items": ["l1"]})
    assert only(decision, Escalate) == Escalate("general", "procedure_error")
    assert re.search(why, next(entry.error for entry in decision.trace if entry.verdict == "error"))


@pytest.mark.parametrize(("count", "levels"), [(300, 1), (49, 90)])
def test_facts_that_rest_on_too_many_others_go_to_people(count: int, levels: int) -> None:
    parse.cache_clear()
    compiled.cache_clear()
    facts = [f"  f{n}: {'(' * levels}f{n - 1}{' + 1)' * levels}\n" for n in range(1, count)]
    needs = f"{NEEDS.split('facts:', maxsplit=1)[0]}facts:\n  f0: size(order.lines)\n{''.join(facts)}"
    book = table(f"  - rule: deep\n    when: f{count - 1} > 1\n    resolve: answered", needs=needs)
    decision = run(book, found={"order": order(lines=[line(1)])})
    assert only(decision, Escalate) == Escalate("general", "procedure_error")


@pytest.mark.parametrize("facts", [["f{}"] * 46, ["f{} + 1"] * 35, [f"{'-(' * 95}f{{}}{')' * 95}", *["f{}"] * 14]])
def test_as_many_facts_as_check_lets_pass_are_computed(facts: list[str]) -> None:
    """However deep the call is in the program already."""
    named = "".join(f"  f{number}: {fact.format(number - 1)}\n" for number, fact in enumerate(facts, start=1))
    needs = f"{NEEDS.split('facts:', maxsplit=1)[0]}facts:\n  f0: size(order.lines)\n{named}"
    book = table(f"  - rule: deep\n    when: f{len(facts)} != 0\n    resolve: answered", needs=needs)
    assert "too_deep" not in {finding.code for finding in check(book, VOCABULARY, known(book))}
    parse.cache_clear()
    compiled.cache_clear()

    def within(calls: int) -> Decision:
        return within(calls - 1) if calls else run(book, found={"order": order(lines=[line(1)])})

    assert within(100).rule == "deep"


def test_something_that_is_not_there_is_an_error_unless_tested() -> None:
    book = table("  - rule: old\n    when: days(order.delivered_at, now) > 3\n    resolve: answered")
    assert only(run(book, found={"order": order(delivered_at=None)}), Escalate) == Escalate("general", "procedure_error")
    tested = table(
        "  - rule: old\n    when: has(order.delivered_at) && days(order.delivered_at, now) > 3\n    resolve: answered"
    )
    assert run(tested, found={"order": order(delivered_at=None)}).rule == "not_covered"


def test_a_row_can_require_confidence() -> None:
    book = table("  - rule: sure\n    when: true\n    confidence: 0.95\n    resolve: answered", needs=FREE)
    assert run(book).rule == "not_covered"
    assert run(book, request={"intent": "return_item", "confidence": 0.97}).rule == "sure"


# -- money -------------------------------------------------------------------------------------------------------------

REFUND = """
  - rule: refund
    when: order.status == "delivered"
    confirm: refund_confirm
    do:
      - payments.refund: {order: order.ref, amount: value}
    resolve: resolved
"""


def test_an_act_carries_the_amount_of_its_argument() -> None:
    decision = run(table(REFUND), found={"order": order()}, answers=ALL, progress=Progress(confirmed={"refund": True}))
    act = decision.moves[0]
    assert isinstance(act, Act)
    assert (act.name, act.amount) == ("refund", Money(1000, "EUR"))


CANCEL = """
  - rule: cancel
    when: order.status == "paid"
    do:
      - orders.cancel: {order: order.ref}
    resolve: resolved
"""


def test_an_act_carries_the_amount_that_the_system_decides() -> None:
    book = table(CANCEL)
    decision = run(book, found={"order": order(status="paid")})
    act = decision.moves[0]
    assert isinstance(act, Act)
    assert act.amount == Money(3000, "EUR")


def test_a_confirmation_comes_before_the_acts() -> None:
    book = table(REFUND)
    decision = run(book, found={"order": order()}, answers=ALL)
    asked = only(decision, Confirm)
    assert isinstance(asked, Confirm)
    assert (asked.reply, decision.rule) == ("refund_confirm", "refund")
    refused = run(book, found={"order": order()}, answers=ALL, progress=Progress(confirmed={"refund": False}))
    assert refused.rule == "not_covered"


# -- waiting -----------------------------------------------------------------------------------------------------------

WAITING = """
  - rule: cancelled
    when: order.status == "cancelled"
    resolve: answered
  - rule: wait_for_parcel
    when: order.status == "shipped"
    reply: on_its_way
    wait: {until: order.status == "delivered", at_most: 5d, every: 2d, then: still_nothing}
  - rule: arrived
    when: order.status == "delivered"
    resolve: answered
  - rule: still_nothing
    when: timed_out.wait_for_parcel
    escalate: {queue: returns, because: still_nothing}
"""


def waiting(days: int) -> Progress:
    return Progress(fired=("wait_for_parcel",), waiting="wait_for_parcel", waiting_since=NOW - timedelta(days=days))


def test_a_wait_begins_with_its_reply_and_deadline() -> None:
    decision = run(table(WAITING), found={"order": order(status="shipped")})
    assert decision.moves == (Say("on_its_way"), Wait(NOW + timedelta(days=2), NOW + timedelta(days=5)))


def test_a_wait_goes_on_until_its_condition_holds() -> None:
    book = table(WAITING)
    going = run(book, found={"order": order(status="shipped")}, progress=waiting(4))
    assert (going.rule, going.moves) == ("wait_for_parcel", (Wait(NOW + timedelta(days=1), NOW + timedelta(days=1)),))
    assert run(book, found={"order": order()}, progress=waiting(1)).rule == "arrived"


def test_a_row_above_an_open_wait_fires() -> None:
    assert run(table(WAITING), found={"order": order(status="cancelled")}, progress=waiting(1)).rule == "cancelled"


def test_a_wait_that_ends_by_time_out_fires_its_row() -> None:
    decision = run(table(WAITING), found={"order": order(status="shipped")}, progress=waiting(5))
    assert (decision.rule, decision.timed_out) == ("still_nothing", "wait_for_parcel")
    later = run(
        table(WAITING),
        found={"order": order(status="shipped")},
        progress=Progress(fired=("wait_for_parcel",)),
        timed_out={"wait_for_parcel": True},
    )
    assert later.rule == "still_nothing"


def test_an_open_wait_looks_up_before_it_judges() -> None:
    assert isinstance(only(run(table(WAITING), progress=waiting(9)), LookUp), LookUp)


# -- promises ----------------------------------------------------------------------------------------------------------


def test_a_promise_is_judged_by_the_amount_of_its_day() -> None:
    """After a refund nothing is refundable: with fresh facts alone `refunded >= value` would always hold."""
    promise = next(m for m in run(BOOK, found={"order": order()}, answers=ALL).moves if isinstance(m, Promise))
    assert promise.bound == {"value": Money(1000, "EUR")}
    facts = {"sender": ANNA, "request": request(**ALL)}

    def judged(**changes: object) -> bool | None:
        progress = Progress(found={"order": Found((order(lines=[line(1, refundable=Money(0, "EUR"))], **changes),))})
        judgement = judge(
            BOOK, "return", promise.kept_when, facts, now=NOW, progress=progress, vocabulary=VOCABULARY, bound=promise.bound
        )
        return judgement.holds

    assert judged(refunded=Money(500, "EUR")) is False
    assert judged(refunded=Money(1000, "EUR")) is True


def test_judging_asks_for_look_ups_first() -> None:
    facts = {"sender": ANNA, "request": request(**ALL)}
    judgement = judge(BOOK, "return", "order.refunded >= value", facts, now=NOW, progress=Progress(), vocabulary=VOCABULARY)
    assert judgement.holds is None
    assert [look_up.need for look_up in judgement.look_ups] == ["order"]


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_a_need_can_be_given_as_a_fact() -> None:
    assert run(BOOK, answers=ALL, order=order()).rule == "accept"


def test_a_procedure_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no procedure nothing"):
        decide(BOOK, "nothing", {}, now=NOW, progress=Progress(), vocabulary=VOCABULARY)


def test_questions_for_the_reader() -> None:
    keys = [question.key for question in question_keys(BOOK, ["return_item"])]
    assert keys == ["order_number", "items", "return_reason", "postcode"]
    assert question_keys(BOOK, ["unknown"]) == ()


def test_the_playbook_of_these_tests_is_sound() -> None:
    codes = {finding.code for finding in check(BOOK, VOCABULARY, known(BOOK))}
    assert codes == {"may_be_absent"}


def test_a_condition_that_cannot_be_read_goes_to_people() -> None:
    row = replace(BOOK.procedures["return"].rows[0], when="order.status = ")
    procedure = replace(BOOK.procedures["return"], rows=(row,))
    book = replace(BOOK, procedures={"return": procedure})
    assert only(run(book, found={"order": order()}), Escalate) == Escalate("general", "procedure_error")
