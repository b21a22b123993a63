"""Parts, seasons, declared operations, accepted gaps, invariants, and the newer findings of `check`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sop_builders import ANNA, NEEDS, NOW, VOCABULARY, files, known, order

from caseworker.core.money import Money
from caseworker.sop.check import check
from caseworker.sop.decide import decide
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.examples import run_examples
from caseworker.sop.load import load
from caseworker.sop.model import Decision, Finding, Playbook, Progress
from caseworker.sop.parameters import resolve

PART = """
part: small_value
takes: [worth]
facts:
  small: worth <= param.goodwill
rules:
  - rule: small_value
    when: small
    reply: return_not_yet
    resolve: answered
"""


def book(**texts: str) -> Playbook:
    """The small playbook with further files; `__` in a name stands for `/`."""
    return load(files() | {name.replace("__", "/") + ".yaml": text for name, text in texts.items()})


def table(rules: str) -> str:
    """The text of a procedure with these rows."""
    return f"sop: return\ntitle: Return\nintents: [return_item]\n{NEEDS}\nrules:\n  {rules}\n"


def problems(**texts: str) -> Mapping[str, Finding]:
    with pytest.raises(PlaybookProblems) as told:
        book(**texts)
    return {finding.code: finding for finding in told.value.findings}


def found(one: Playbook) -> Mapping[str, Finding]:
    return {finding.code: finding for finding in check(one, VOCABULARY, known(one))}


def first(one: Playbook, **facts: object) -> Decision:
    tree = {"sender": ANNA, "request": {"intent": "return_item"}, "order": order(), **facts}
    return decide(one, "return", tree, now=NOW, progress=Progress(), vocabulary=one.vocabulary(VOCABULARY))


# -- parts -------------------------------------------------------------------------------------------------------------

TWICE = "- {use: small_value, with: {worth: order.total}}\n  "
USING = table("- {use: small_value, with: {worth: order.total}}\n  - {otherwise: rest, escalate: {queue: returns, because: x}}")


def test_a_part_stands_where_it_is_used_with_its_facts() -> None:
    one = book(sops__return=USING, parts__small=PART)
    assert [row.name for row in one.procedures["return"].rows] == ["small_value", "rest"]
    assert {f.code for f in found(one).values() if f.severity == "error"} == set()
    assert first(one, order=order(total=Money(900, "EUR"))).rule == "small_value"
    assert first(one, order=order(total=Money(90000, "EUR"))).rule == "rest"


def test_the_condition_beside_use_is_put_before_every_row() -> None:
    one = book(
        sops__return=USING.replace("use: small_value,", 'use: small_value, when: order.country == "FR",'), parts__small=PART
    )
    assert first(one, order=order(total=Money(900, "EUR"), country="FR")).rule == "small_value"
    assert first(one, order=order(total=Money(900, "EUR"), country="DE")).rule == "rest"


def test_findings_in_a_part_name_the_file_of_the_part() -> None:
    one = book(sops__return=USING, parts__small=PART.replace("param.goodwill", "param.godwill"))
    assert str(found(one)["unknown_fact"].place) == "parts/small.yaml:5"


@pytest.mark.parametrize(
    ("part", "using", "code", "hint"),
    [
        (PART, USING.replace("use: small_value", "use: smal_value"), "unknown_part", "small_value"),
        (PART, USING.replace("with: {worth: order.total}", "with: {}"), "missing_argument", "with: {worth"),
        (PART, USING.replace("worth: order.total", "worth: order.total, more: now"), "unknown_argument", "worth"),
        (PART.replace("rules:\n", "rules:\n  - {use: small_value}\n"), USING, "cycle", "small_value -> small_value"),
        (
            PART,
            USING.replace("- {otherwise", "- {use: small_value, with: {worth: order.total}}\n  - {otherwise"),
            "part_twice",
            "once",
        ),
        (PART.replace("  small: worth", "  order: worth"), USING, "duplicate_name", "two things"),
        (PART.replace("    when: small\n", ""), USING, "missing_key", "condition"),
    ],
)
def test_mistakes_with_parts(part: str, using: str, code: str, hint: str) -> None:
    told = problems(sops__return=using, parts__small=part)
    assert code in told
    assert hint in told[code].message + told[code].advice


def test_parts_that_use_each_other_are_told_with_the_way() -> None:
    other = PART.replace("part: small_value", "part: other").replace("rules:\n", "rules:\n  - {use: small_value}\n")
    other = other.replace("rule: small_value", "rule: x").replace("small:", "tiny:").replace("when: small", "when: tiny")
    mine = PART.replace("rules:\n", "rules:\n  - {use: other}\n")
    told = problems(sops__return=USING, parts__small=mine, parts__other=other)
    assert "small_value -> other -> small_value" in told["cycle"].message


# -- parameters --------------------------------------------------------------------------------------------------------

SEASONS = """
seasons: {christmas: {from: 11-15, to: 01-31}}
return_window_days:
  type: int
  values: [30, {value: 45, country: DE, season: christmas}, {value: 60, country: DE, from: 2026-11-27, to: 2026-11-30}]
goodwill: {type: Money, values: ["10.00 EUR"]}
"""


@pytest.mark.parametrize(
    ("day", "country", "days"),
    [
        (date(2026, 11, 14), "DE", 30), (date(2026, 11, 15), "DE", 45), (date(2027, 1, 31), "DE", 45),
        (date(2027, 2, 1), "DE", 30), (date(2031, 12, 24), "DE", 45),
        (date(2026, 12, 24), "FR", 30), (date(2026, 11, 28), "DE", 60),
    ],
)  # fmt: skip
def test_a_season_comes_back_every_year_and_dates_of_one_year_go_before_it(day: date, country: str, days: int) -> None:
    parameter = book(parameters=SEASONS).parameters["return_window_days"]
    assert resolve(parameter, country=country, brand="nordwind", on=day) == days


def test_a_season_that_is_not_there_and_a_day_that_is_none() -> None:
    assert "christmas" in problems(parameters=SEASONS.replace("season: christmas", "season: easter"))["unknown_season"].advice
    assert "11-15" in problems(parameters=SEASONS.replace("11-15", "15-11"))["bad_date"].advice


def test_an_amount_that_lacks_a_currency_of_the_others_is_told() -> None:
    lacking = SEASONS + 'limit: {type: Money, values: ["5.00 EUR", {value: "4.00 GBP", country: GB}]}\n'
    compared = book(sops__return=USING, parts__small=PART, parameters=lacking)
    assert "goodwill" in found(compared)["currency_gap"].message
    assert "currency_gap" not in found(book(parameters=lacking))  # an amount that is only shown meets no other


# -- operations of the retailer's own ----------------------------------------------------------------------------------

OPERATIONS = """
records:
  subscription: {ref: "Ref[subscription]", email: string, plan: "enum[basic|premium]", ends_at: time}
  order: {gift_message: "optional[string]"}
operations:
  subscriptions.find: {kind: read, takes: {email: string}, gives: "list[subscription]"}
  subscriptions.extend:
    {kind: write, takes: {subscription: "Ref[subscription]", days: int, "fee?": Money}, receipt: {until: time}, money: fee}
"""
SUBSCRIPTION = """
sop: subscription
title: Customer wants more time
intents: [return_item]
needs:
  subscription: {find: subscriptions.find, with: {email: sender.address}, ask: order_number}
rules:
  - rule: premium
    when: subscription.plan == "premium"
    do:
      - subscriptions.extend: {subscription: subscription.ref, days: 14, fee: 'money("0.00 EUR")'}
        as: extension
    reply: return_not_yet
    resolve: resolved
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""


def test_a_declared_operation_is_typed_and_decided_like_a_built_in_one() -> None:
    one = book(sops__return=SUBSCRIPTION, operations=OPERATIONS)
    told = check(one, VOCABULARY, replace(known(one), guarded_actions=frozenset({"subscriptions.extend"})))
    assert [f for f in told if f.severity == "error"] == []
    record = {"ref": "x", "email": "anna@example.com", "plan": "premium", "ends_at": NOW}
    facts = {"sender": ANNA, "request": {"intent": "return_item"}, "subscription": record}
    decision = decide(one, "subscription", facts, now=NOW, progress=Progress(), vocabulary=one.vocabulary(VOCABULARY))
    assert [type(move).__name__ for move in decision.moves] == ["Act", "Say", "Resolve"]


def test_a_declared_operation_that_moves_money_needs_a_guardrail_too() -> None:
    one = book(sops__return=SUBSCRIPTION, operations=OPERATIONS)
    assert "subscriptions.extend" in found(one)["no_guardrail"].message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("list[subscription]", "list[subscripton]", "unknown_type"),
        ("money: fee", "money: days", "bad_money"),
        (", money: fee", "", "money_unsaid"),
        ('plan == "premium"', 'plan == "gold"', "never_equal"),
        ("subscription.plan", "subscription.plam", "unknown_fact"),
    ],
)
def test_mistakes_in_declared_operations(old: str, new: str, code: str) -> None:
    one = book(sops__return=SUBSCRIPTION.replace(old, new), operations=OPERATIONS.replace(old, new))
    assert code in found(one)


def test_a_declared_field_of_a_record_that_exists_is_known() -> None:
    rows = "- {rule: gift, when: has(order.gift_message), reply: return_not_yet, resolve: answered}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"), operations=OPERATIONS)
    assert "unknown_fact" not in found(one)


# -- gaps, invariants, order of rows -----------------------------------------------------------------------------------


def test_accepted_gaps_and_invariants_are_typed() -> None:
    text = table("- {otherwise: rest, escalate: {queue: returns, because: x}}")
    one = book(
        sops__return=text
        + "accept: [{gap: a, when: order.total > 5, because: why}]\nnever: [{never: b, when: paid > order.totl}]\n"
    )
    told = check(one, VOCABULARY, known(one))
    assert {(f.code, f.place.line) for f in told if f.severity == "error"} >= {
        ("type", text.count("\n") + 1),
        ("unknown_fact", text.count("\n") + 2),
    }


def test_before_names_a_row_below() -> None:
    rows = "- {rule: a, when: true, before: [c], reply: return_not_yet, resolve: answered}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"))
    assert "rest" in found(one)["unknown_row"].advice


# -- money, promises, waits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ('param.goodwill > money("5.00 EUR")', "currency_mix"),
        ('order.total > money("5.00 EUR")', "currency_mix"),
        ('money("5.00 EUR") + money("5.00 GBP") > order.total', "currency_mix"),
    ],
)
def test_amounts_of_two_currencies_are_told(condition: str, code: str) -> None:
    rows = f"- {{rule: a, when: '{condition}', reply: return_not_yet, resolve: answered}}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"))
    assert code in found(one)


def test_one_currency_is_no_mix() -> None:
    rows = "- {rule: a, when: order.total > param.goodwill, reply: return_not_yet, resolve: answered}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"))
    assert "currency_mix" not in found(one)


def test_a_promise_that_no_system_can_show_is_told() -> None:
    promise = "promise: {what: news, by: 'business_days(now, 2)', kept_when: KEPT}, "
    rows = f"- {{rule: a, when: true, reply: return_not_yet, {promise}resolve: answered}}\n  "
    text = table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}")
    assert "promise_unchecked" in found(book(sops__return=text.replace("KEPT", 'request.return_reason == "damaged"')))
    assert "promise_unchecked" not in found(book(sops__return=text.replace("KEPT", "value > zero(value)")))


def test_waits_that_end_in_each_other_and_waits_for_nothing_are_told() -> None:
    wait = "wait: {until: UNTIL, at_most: 5d, then: THEN}"
    rows = "".join(
        f"- {{rule: {name}, when: true, {wait.replace('THEN', then)}}}\n  " for name, then in (("a", "b"), ("b", "a"))
    )
    text = table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}")
    assert (
        "a -> b -> a" in found(book(sops__return=text.replace("UNTIL", "order.status == 'delivered'")))["endless_wait"].message
    )
    one = text.replace("UNTIL", "param.return_window_days > 40").replace("then: a", "then: rest")
    assert "Nothing can make" in found(book(sops__return=one))["endless_wait"].message


def test_a_reminder_is_a_row_that_waits_again() -> None:
    until = "until: order.status == 'delivered', at_most: 5d"
    rows = f"""- {{rule: ask_back, when: true, wait: {{{until}, then: remind}}}}
  - {{rule: remind, when: timed_out.ask_back, reply: return_not_yet, wait: {{{until}, then: rest}}}}
  - {{otherwise: rest, escalate: {{queue: returns, because: x}}}}"""
    one = book(sops__return=table(rows))
    facts = {"sender": ANNA, "request": {"intent": "return_item"}, "order": order(status="shipped")}

    def at(day: int, **progress: object) -> Decision:
        now = datetime(2026, 11, 25 + day, 10, tzinfo=UTC)
        return decide(one, "return", facts, now=now, progress=Progress(**progress), vocabulary=VOCABULARY)

    assert at(0).rule == "ask_back"
    reminded = at(5, waiting="ask_back", waiting_since=NOW)
    assert [type(move).__name__ for move in reminded.moves] == ["Say", "Wait"]
    ended = decide(
        one, "return", facts, now=datetime(2026, 12, 6, tzinfo=UTC), vocabulary=VOCABULARY,
        progress=Progress(fired=("ask_back",), waiting="remind", waiting_since=datetime(2026, 11, 30, 10, tzinfo=UTC)),
    )  # fmt: skip
    assert ended.rule == "rest"


# -- functions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("prorate(order.total, 1, 3) == order.total", False), ("prorate(order.total, 3, 3) == order.total", True),
        ("weekday(now) == 3", True),
        ("sum(order.lines.map(l, l.quantity)) == 2", True), ("business_day(now)", True),
        ('business_day(date("2026-12-25"))', False),
        ('days(now, date("2026-12-24")) == 28', True),
    ],
)  # fmt: skip
def test_the_newer_functions(condition: str, holds: bool) -> None:
    rows = f"- {{rule: a, when: '{condition}', reply: return_not_yet, resolve: answered}}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"))
    assert first(one).rule == ("a" if holds else "rest")


# -- what a trial with another desk's handbook asked for ---------------------------------------------------------------


def decision_of(one: Playbook, facts: Mapping[str, object], **progress: object) -> Decision:
    [name] = one.procedures
    tree = {"sender": ANNA, "request": {"intent": "return_item"}, **facts}
    return decide(one, name, tree, now=NOW, progress=Progress(**progress), vocabulary=one.vocabulary(VOCABULARY))


ACCOUNT = """
records:
  account:
    number: string
    email: string
    postcode: optional[string]
    pin: string
    phone: string
operations:
  accounts.find:
    kind: read
    takes:
      number?: string
      email?: string
      wish?: string
    gives: list[account]
  accounts.fee:
    kind: write
    takes: {amount: Money}
    charges: amount
"""
ACCOUNT_QUESTIONS = """
order_number: {kind: order_number}
account_number: {kind: text}
postcode: {kind: postcode}
pin: {kind: text}
phone: {kind: text}
wish: {kind: choice, options: {refund: {en: [money back]}, replacement: {en: [new one]}}}
"""
ACCOUNT_SOP = """
sop: account
intents: [return_item]
needs:
  account: {find: accounts.find, with: {number: request.account_number, email: sender.address}, ask: account_number}
verify:
  owner: account
  proof: {account_number: account.number, postcode: account.postcode, pin: account.pin, phone: account.phone}
  at_least: 3
rules:
  - {rule: known, when: true, reply: return_not_yet, resolve: answered}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
RECORD = {"number": "A-1", "email": "anna@example.com", "postcode": "50667", "pin": "4711", "phone": "0221 1234"}
STRANGE = {"address": "x@y.example", "verified": False}


def account(sop: str = ACCOUNT_SOP) -> Playbook:
    return book(sops__return=sop, operations=ACCOUNT, questions=ACCOUNT_QUESTIONS)


def told(**answers: str) -> Mapping[str, object]:
    request = {"intent": "return_item", **answers, "given": dict.fromkeys(answers, True)}
    return {"sender": STRANGE, "request": request, "account": RECORD}


@pytest.mark.parametrize(
    ("answers", "identity"),
    [
        ({}, "unverified"),
        ({"account_number": "a1", "pin": "4711"}, "unverified"),
        ({"account_number": "a1", "pin": "4711", "phone": "0221-1234"}, "verified"),
        ({"account_number": "A-1", "pin": "4711", "postcode": "D-50667", "phone": "9"}, "verified"),
        ({"account_number": "A-1", "pin": "4712", "postcode": "50667"}, "refused"),
        ({"account_number": "A-1", "pin": "4712", "postcode": "50667", "phone": "0"}, "refused"),
    ],
)
def test_a_record_of_the_retailers_own_has_proofs_of_its_own(answers: Mapping[str, str], identity: str) -> None:
    decision = decision_of(account(), told(**answers))
    assert decision.identity == identity
    assert (decision.rule == "known") is (identity == "verified")
    if identity == "refused":
        assert decision.wrong == ("account_number", "postcode", "pin", "phone")


def test_too_few_proofs_are_asked_for_all_at_once_and_nothing_is_told() -> None:
    decision = decision_of(account(), told(pin="4711"))
    assert [getattr(move, "keys", ()) for move in decision.moves] == [("account_number", "postcode", "phone")]
    assert decision.facts == {}


def test_where_the_record_lacks_proofs_people_decide() -> None:
    facts = {**told(account_number="A-1", pin="4711", phone="1"), "account": {**RECORD, "postcode": None, "phone": ""}}
    [move] = decision_of(account(), facts).moves
    assert getattr(move, "because", "") == "identity_unproven"


def test_proofs_are_checked() -> None:
    wrong = check(account(ACCOUNT_SOP.replace("account.pin", "account.pni")), VOCABULARY, known(account()))
    assert {f.code for f in wrong if f.severity == "error"} >= {"unknown_fact", "bad_verify"}
    plain = account(
        ACCOUNT_SOP[: ACCOUNT_SOP.index("verify")] + "verify: owner(account)\n" + ACCOUNT_SOP[ACCOUNT_SOP.index("rules") :]
    )
    assert "proof:" in next(f.advice for f in check(plain, VOCABULARY, known(plain)) if f.code == "bad_verify")
    assert (
        "of 4 proofs"
        in problems(
            sops__return=ACCOUNT_SOP.replace("at_least: 3", "at_least: 5"), operations=ACCOUNT, questions=ACCOUNT_QUESTIONS
        )["bad_verify"].message
    )


def test_a_proof_that_a_record_may_lack_is_no_warning() -> None:
    assert "may_be_absent" not in {f.code for f in check(account(), VOCABULARY, known(account()))}


def test_an_answer_that_is_there_counts_also_where_the_question_is_spared() -> None:
    sop = """sop: a
intents: [return_item]
needs: {wish: {take: request.wish, ask: wish, skip_when: message.attachments == 0}}
rules:
  - {rule: said, when: has(wish), reply: return_not_yet, resolve: answered}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
    one = account(sop)
    facts = {"message": {"attachments": 0}}
    assert decision_of(one, {**facts, "request": {"intent": "return_item", "wish": "refund"}}).rule == "said"
    assert decision_of(one, facts).rule == "rest"


def test_a_look_up_waits_for_an_argument_that_is_a_need() -> None:
    sop = """sop: a
intents: [return_item]
needs:
  wish: {take: request.wish, ask: wish}
  account: {look: accounts.find, with: {email: sender.address, wish: wish}}
rules:
  - {rule: some, when: size(account) > 0, reply: return_not_yet, resolve: answered}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
    one = account(sop)
    assert [type(move).__name__ for move in decision_of(one, {}).moves] == ["Ask"]
    [look] = decision_of(one, {"request": {"intent": "return_item", "wish": "refund"}}).moves
    assert getattr(look, "arguments", {}) == {"email": "Anna@Example.com", "wish": "refund"}


def test_late_questions_come_in_the_order_of_the_needs() -> None:
    sop = """sop: a
intents: [return_item]
needs:
  wish: {take: request.wish, ask: wish, ask_late: true}
  pin: {take: request.pin, ask: pin, ask_late: true}
rules:
  - {rule: both, when: wish == "refund" && pin == "1", reply: return_not_yet, resolve: answered}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
    one = load({**files(), "worker.yaml": f"format: 2\n{files()['worker.yaml']}", "sops/return.yaml": sop,
                "questions.yaml": ACCOUNT_QUESTIONS})  # fmt: skip
    assert [getattr(move, "keys", ()) for move in decision_of(one, {}).moves] == [("wish", "pin")]


def test_rows_below_one_that_ended_may_rely_on_its_condition_being_false() -> None:
    above = "- {rule: none, when: '!has(order.delivered_at)', reply: return_not_yet, resolve: answered}\n  "
    rows = "- {rule: late, when: 'days(order.delivered_at, now) > 3', reply: return_not_yet, resolve: answered}\n  "
    rest = "- {otherwise: rest, escalate: {queue: returns, because: x}}"

    def warned(text: str) -> bool:
        one = book(sops__return=table(text))
        return any(f.code == "may_be_absent" and f.place.line > 13 for f in check(one, VOCABULARY, known(one)))

    assert not warned(above + rows + rest)
    assert warned(rows + rest)


def test_a_condition_that_begins_with_a_bang_is_told_to_stand_in_quotes() -> None:
    rows = "- {rule: a, when: !has(order.delivered_at), reply: return_not_yet, resolve: answered}"
    said = problems(sops__return=table(rows + "\n  - {otherwise: rest, escalate: {queue: returns, because: x}}"))
    assert said["unquoted"].advice == 'Put it in quotes: "!has(order.delivered_at)".'


def test_check_looks_at_the_form_of_examples_too() -> None:
    broken = book(examples__a="- example: delivered: asked\n  now: x\n")
    assert found(broken)["no_yaml"].place.file == "examples/a.yaml"
    assert "expect" in found(book(examples__a="- example: a\n"))["missing_key"].message


def test_a_table_that_leaves_nothing_open_says_so_and_no_example_is_asked_for() -> None:
    rows = "- {rule: a, when: true, reply: return_not_yet, resolve: answered}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, unreachable: true, escalate: {queue: returns, because: x}}"))
    result = run_examples(one, VOCABULARY)
    assert (result.never_fired, result.unreachable) == (("return.a",), ("return.rest",))
    assert "unknown_key" in problems(sops__return=table(rows.replace("when: true", "when: true, unreachable: true") +
                                     "- {otherwise: rest, escalate: {queue: returns, because: x}}"))  # fmt: skip


def test_what_the_customer_pays_needs_a_guardrail_as_well() -> None:
    fee = """sop: a
intents: [return_item]
rules:
  - {rule: fee, when: true, do: [{accounts.fee: {amount: 'money("2.00 EUR")'}}], reply: return_not_yet, resolve: resolved}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
    one = account(fee)
    assert one.declared.operations["accounts.fee"].charges
    assert "no_guardrail" in found(one)
    both = ACCOUNT.replace("charges: amount", "charges: amount\n    money: amount")
    assert "two_directions" in problems(sops__return=fee, operations=both)


def test_a_customer_who_cannot_say_it_is_asked_once_and_a_value_counts() -> None:
    sop = """sop: a
intents: [return_item]
needs: {wish: {take: request.wish, ask: wish, or_else: '"refund"'}}
rules:
  - {rule: money, when: wish == "refund", reply: return_not_yet, resolve: answered}
  - {otherwise: rest, escalate: {queue: returns, because: x}}
"""
    one = account(sop)
    assert [getattr(move, "keys", ()) for move in decision_of(one, {}).moves] == [("wish",)]
    assert decision_of(one, {}, asked={"wish": 1}).rule == "money"
    said = {"request": {"intent": "return_item", "wish": "replacement"}}
    assert decision_of(one, said, asked={"wish": 1}).rule == "rest"
    assert "type" in found(account(sop.replace("'\"refund\"'", "3")))


def test_a_yes_is_one_to_an_amount() -> None:
    rows = "- {rule: a, when: true, confirm: return_not_yet, do: [{orders.cancel: {order: order.ref}}], resolve: resolved}\n  "
    one = book(sops__return=table(rows + "- {otherwise: rest, escalate: {queue: returns, because: x}}"))
    facts = {"sender": ANNA, "request": {"intent": "return_item"}}

    def asked(minor: int, **progress: object) -> Decision:
        tree = {**facts, "order": order(refundable=Money(minor, "EUR"))}
        return decide(one, "return", tree, now=NOW, progress=Progress(**progress), vocabulary=VOCABULARY)

    [confirm] = asked(3000).moves
    yes = {"confirmed": {"a": True}, "shown": {"a": getattr(confirm, "shown", "")}}
    assert [type(move).__name__ for move in asked(3000, **yes).moves] == ["Act", "Resolve"]
    assert [type(move).__name__ for move in asked(100, **yes).moves] == ["Confirm"]


@pytest.mark.parametrize("source", ["request.pin", "'\"4711\"'"])
def test_a_proof_that_is_nothing_of_the_record_proves_nothing(source: str) -> None:
    one = account(ACCOUNT_SOP.replace("pin: account.pin", f"pin: {source}"))
    said = [f.message for f in check(one, VOCABULARY, known(one)) if f.code == "bad_verify"]
    assert any("proves nothing" in text for text in said)


def test_what_finds_a_record_does_not_prove_to_own_it() -> None:
    one = account(ACCOUNT_SOP.replace("at_least: 3", "at_least: 1"))
    told_of = next(f for f in check(one, VOCABULARY, known(one)) if f.code == "bad_verify")
    assert "`account_number` alone would prove to own it" in told_of.message
    assert "at_least: 2" in told_of.advice


def test_a_number_that_leads_to_a_record_through_a_fact_does_not_prove_to_own_it() -> None:
    sop = ACCOUNT_SOP.replace("at_least: 3", "at_least: 1").replace("number: request.account_number", "number: written")
    one = account(sop.replace("rules:", "facts: {written: request.account_number}\nrules:"))
    assert "bad_verify" in found(one)


def test_one_value_is_one_proof() -> None:
    one = account(ACCOUNT_SOP.replace("pin: account.pin", "pin: account.number"))
    assert "they are one proof" in found(one)["bad_verify"].message


def test_a_proof_is_a_text_that_the_customer_writes() -> None:
    asked = ACCOUNT_QUESTIONS.replace("pin: {kind: text}", "pin: {kind: photo}")
    one = book(sops__return=ACCOUNT_SOP, operations=ACCOUNT, questions=asked)
    assert "of the kind photo" in found(one)["bad_verify"].message


@pytest.mark.parametrize("guard", ["true) || (true", "true //", "order.country =="])
def test_the_condition_of_a_use_is_one_by_itself(guard: str) -> None:
    using = USING.replace("use: small_value,", f"use: small_value, when: '{guard}',")
    if guard.endswith("//"):  # a remark is no way around the rows of the part
        small = book(sops__return=using, parts__small=PART)
        plain = book(sops__return=USING, parts__small=PART)
        assert first(small).rule == first(plain).rule
    else:
        assert "no_condition" in problems(sops__return=using, parts__small=PART)


def test_what_counts_instead_of_an_answer_is_a_possible_answer() -> None:
    needs = NEEDS.replace("ask: return_reason}", "ask: return_reason, or_else: '\"lost\"'}")
    rows = "- {otherwise: rest, escalate: {queue: returns, because: x}}"
    one = book(sops__return=table(rows).replace(NEEDS, needs))
    assert "`lost` is no possible answer to `reason`" in found(one)["never_equal"].message
