"""What `check` finds before anything can run."""

from dataclasses import replace

import pytest
from sop_builders import INTENTS, NEEDS, RETURN, VOCABULARY, files, known, playbook, table

from caseworker.sop.check import Known, check
from caseworker.sop.load import load
from caseworker.sop.model import Finding, Playbook

FREE = "needs: {}"


def errors(book: Playbook, told: Known | None = None) -> dict[str, Finding]:
    findings = check(book, VOCABULARY, told or known(book))
    assert all(f.place.file and f.place.line and f.message and f.advice for f in findings)
    return {finding.code: finding for finding in findings if finding.severity == "error"}


def row(text: str, *, needs: str = NEEDS) -> Playbook:
    return table("\n".join(f"  {line}" for line in text.strip().splitlines()), needs=needs)


DO = '- rule: a\n  when: order.status == "paid"\n  do:\n    - {0}\n  resolve: resolved'


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ('- rule: a\n  when: order.stauts == "paid"\n  resolve: answered', "unknown_fact", "status"),
        ('- rule: a\n  when: order.status == "payd"\n  resolve: answered', "never_equal", "paid"),
        ("- rule: a\n  when: order.total\n  resolve: answered", "type", "bool"),
        ("- rule: a\n  when: param.windwo > 3\n  resolve: answered", "unknown_fact", "goodwill"),
        ("- rule: a\n  when: has(failed.refund)\n  resolve: answered", "unknown_fact", ""),
        ("- rule: a\n  when: order.total > param.return_window_days\n  resolve: answered", "type", "money"),
        (DO.format("orders.burn: {}"), "unknown_operation", "orders.cancel"),
        (DO.format("orders.find: {}"), "unknown_operation", "orders.cancel"),
        (DO.format("orders.cancel: {}"), "missing_argument", "Add"),
        (DO.format("orders.cancel: {order: order.ref, why: order.number}"), "unknown_argument", "order"),
        (DO.format("orders.cancel: {order: order.number}"), "type", "Ref[order]"),
        (DO.format("payments.refund: {order: order.ref, amount: 5}"), "type", "Money"),
        (DO.format("payments.refund: {order: order.ref}"), "missing_argument", "amount"),
        (
            DO.format("returns.create: {order: order.ref, lines: lines, reason: done.create.number}"),
            "receipt_too_early",
            "row of its own",
        ),
        (
            DO.format("orders.cancel: {order: order.ref}")
            + "\n  promise: {what: x, amount: done.cancel.money_moved, by: now, kept_when: true}",
            "receipt_too_early",
            "row of its own",
        ),
        ("- rule: a\n  when: true\n  reply: r", "no_end", "resolve"),
        ("- rule: a\n  when: true\n  escalate: {queue: nowhere, because: x}", "unknown_queue", "general, returns"),
        ("- rule: a\n  when: false\n  resolve: answered", "never_fires", "Remove"),
        (
            "- rule: a\n  when: true\n  wait: {until: true, at_most: 5d, then: gone}",
            "unknown_row",
            "not_covered",
        ),
        ("- rule: a\n  when: true\n  wait: {until: true, at_most: 5d, then: a}", "endless_wait", "another row"),
        ("- rule: a\n  when: true\n  wait: {until: true, at_most: 52w, then: not_covered}", "endless_wait", "shorter"),
        ("- rule: a\n  when: true\n  wait: {until: true, at_most: 5d, every: 1s, then: not_covered}", "busy_wait", "longer"),
        (
            "- rule: a\n  when: true\n  resolve: answered\n  promise: {what: x, amount: reason, by: now, kept_when: true}",
            "type",
            "Money",
        ),
    ],
)
def test_mistakes_in_rows(text: str, code: str, hint: str) -> None:
    found = errors(row(text))
    assert code in found
    assert hint in found[code].advice + found[code].message


def test_a_finding_names_file_and_line() -> None:
    text = RETURN.replace('when: order.status != "delivered"', 'when: order.stat != "delivered"')
    finding = errors(playbook(sop=text))["unknown_fact"]
    line = next(number for number, text in enumerate(text.splitlines(), 1) if "order.stat " in text)
    assert (finding.place.file, finding.place.line) == ("sops/return.yaml", line)


@pytest.mark.parametrize(
    ("needs", "code"),
    [
        ("order: {find: orders.search, with: {number: request.order_number}, ask: order_number}", "unknown_operation"),
        ("order: {find: orders.find, with: {nummer: request.order_number}, ask: order_number}", "unknown_argument"),
        ("order: {find: orders.find, with: {number: 5}, ask: order_number}", "type"),
        ("order: {find: shipments.track, with: {}, ask: order_number}", "wrong_way"),
        ("parcel: {look: shipments.track, with: {}}", "missing_argument"),
        ("order: {find: orders.find, with: {number: request.order_number}, ask: nickname}", "unknown_question"),
        ("wish: {take: request.wish, one_of: [refund, cake], ask: wish}", "never_equal"),
        ("x: {choose: request.wish, by: request.items, ask: items}", "type"),
        ("x: {take: request.wishes, ask: wish}", "unknown_fact"),
    ],
)
def test_mistakes_in_needs(needs: str, code: str) -> None:
    assert code in errors(row("- rule: a\n  when: true\n  resolve: answered", needs=f"needs:\n  {needs}"))


def test_facts_that_are_computed_from_themselves() -> None:
    needs = "needs: {}\nfacts:\n  a: b + 1\n  b: a + 1"
    assert "loop" in errors(row("- rule: a\n  when: a > 1\n  resolve: answered", needs=needs))


@pytest.mark.parametrize("turned", [False, True])
def test_facts_do_not_rest_on_one_another_without_end(turned: bool) -> None:
    def needs(count: int) -> str:
        facts = [f"\n  f{number}: f{number - 1} + 1" for number in range(1, count)]
        return "needs: {}\nfacts:\n  f0: 1" + "".join(reversed(facts) if turned else facts)

    rest = "- rule: a\n  when: f{} > 1\n  resolve: answered"
    assert errors(row(rest.format(36), needs=needs(37))) == {}
    assert errors(row(rest.format(37), needs=needs(38))).keys() == {"too_deep"}
    assert errors(row(rest.format(1999), needs=needs(2000))).keys() == {"too_deep"}


def test_an_owner_has_an_email_and_is_not_optional() -> None:
    rest = "- rule: a\n  when: true\n  resolve: answered"
    parcel = "needs:\n  parcel: {find: orders.find, with: {email: sender.address}, optional: true}\nverify: owner(parcel)"
    assert "bad_verify" in errors(row(rest, needs=parcel))
    lines = NEEDS.replace("owner(order)", "owner(lines)")
    assert "bad_verify" in errors(row(rest, needs=lines))


def test_the_end_of_the_table() -> None:
    assert "no_otherwise" in errors(playbook(sop=RETURN.split("  - otherwise")[0]))
    twice = table("  - otherwise: early\n    resolve: answered\n  - rule: a\n    when: true\n    resolve: answered", needs=FREE)
    assert {"otherwise_not_last", "no_otherwise"} <= set(errors(twice))


@pytest.mark.parametrize(
    ("second", "dead"),
    [
        ('order.status == "paid"', True),
        ('size(lines) > 1 && order.status == "paid"', True),
        ('order.status == "shipped"', False),
    ],
)
def test_a_row_below_one_that_holds_whenever_it_does_never_fires(second: str, dead: bool) -> None:
    rules = '  - rule: a\n    when: order.status == "paid"\n    resolve: answered\n'
    rules += f"  - rule: b\n    when: {second}\n    resolve: declined"
    assert ("never_fires" in errors(table(rules))) is dead


def test_a_row_below_one_that_only_acts_can_fire() -> None:
    act = '  - rule: a\n    when: order.status == "paid"\n    do:\n      - orders.cancel: {order: order.ref}\n'
    assert errors(table(act + '  - rule: b\n    when: order.status == "paid"\n    resolve: declined')) == {}


def test_money_needs_a_guardrail_and_a_system_that_can() -> None:
    book = row(DO.format("payments.refund: {order: order.ref, amount: value}"))
    told = known(book)
    assert errors(book, told) == {}
    assert set(errors(book, replace(told, guarded_actions=frozenset()))) == {"no_guardrail"}
    assert set(errors(book, replace(told, operations=frozenset({"orders.find"})))) == {"not_offered"}


# -- words -------------------------------------------------------------------------------------------------------------


def words(*paths: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(paths) for language in ("en", "de")}


def test_replies_have_words_in_every_language() -> None:
    book = playbook()
    told = known(book)
    missing = {key: value for key, value in told.replies.items() if key != "return_label"}
    assert set(errors(book, replace(told, replies=missing))) == {"unknown_reply"}
    assert set(errors(book, known(book, return_label={"en": frozenset()}))) == {"reply_language"}
    assert set(errors(book, known(book, ask_items={"en": frozenset()}))) == {"question_without_words"}
    assert set(errors(book, known(book, reminder={"de": frozenset()}))) == {"reply_language"}


def test_a_reply_mentions_only_receipts_that_its_row_produces() -> None:
    book = playbook()
    assert errors(book, known(book, return_label=words("done.rma.number", "order.number", "lines", "total.minor"))) == {}
    assert set(errors(book, known(book, return_not_yet=words("done.rma.number")))) == {"no_receipt"}
    assert set(errors(book, known(book, being_registered=words("done.rma.number")))) == {"no_receipt"}
    assert set(errors(book, known(book, return_label=words("done.rma.nmber")))) == {"unknown_in_reply"}
    assert set(errors(book, known(book, return_label=words("order.nmber")))) == {"unknown_in_reply"}


def test_a_tested_receipt_may_be_mentioned() -> None:
    rules = """
  - rule: act
    when: order.status == "paid"
    do:
      - orders.cancel: {order: order.ref}
  - rule: tell
    when: has(done.cancel)
    reply: told
    resolve: resolved
  - rule: perhaps
    when: order.status == "shipped"
    reply: told
    resolve: resolved
"""
    book = table(rules)
    findings = check(book, VOCABULARY, known(book, told=words("done.cancel.ref")))
    assert [f.code for f in findings if "receipt" in f.code] == ["receipt_not_sure"]


# -- the playbook ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "mentioned", "asked"),
    [
        ('order.status == "paid"', "reason", False),
        ('order.status == "paid"', "why", False),
        ('order.status == "paid"', "order.number", True),
        ('order.status == "paid" && has(reason)', "reason", True),
        ("why", "reason", True),
    ],
)
def test_an_answer_that_a_reply_shows_is_asked_for(condition: str, mentioned: str, asked: bool) -> None:
    needs = NEEDS.rstrip() + "\n  why: reason == 'damaged'\n"
    book = row(f"- rule: a\n  when: {condition}\n  reply: words\n  resolve: answered", needs=needs)
    told = known(book, words={"en": frozenset({mentioned}), "de": frozenset()})
    findings = check(book, VOCABULARY, told)
    assert [f.message for f in findings if f.code == "not_asked_for"] == (
        [] if asked else [f"The reply `words` mentions `{mentioned}`, and no row up to `a` asks for `reason`."]
    )


def test_an_answer_that_the_act_of_a_receipt_took_is_known() -> None:
    rules = """
  - rule: told
    when: has(done.rma)
    reply: words
    resolve: resolved
  - rule: act
    when: order.status == "paid"
    do:
      - returns.create: {order: order.ref, lines: lines, reason: reason}
        as: rma
"""
    book = table(rules)
    told = known(book, words={"en": frozenset({"reason", "lines"}), "de": frozenset()})
    assert "not_asked_for" not in {f.code for f in check(book, VOCABULARY, told)}


def absent(book: Playbook) -> list[str]:
    return [f.message for f in check(book, VOCABULARY, known(book)) if f.code == "may_be_absent"]


OPTIONAL = """needs:
  reason: {take: request.return_reason, optional: true}
  number: {take: request.order_number, optional: true}
  order: {find: orders.find, with: {WITH}, KEY}
  lines: {choose: order.lines, by: request.items, ask: items}
"""
ACT = """- rule: a
  when: has(order)
  do:
    - returns.create: {order: order.ref, lines: lines, reason: reason}
  resolve: resolved"""


@pytest.mark.parametrize(
    ("arguments", "key", "told"),
    [
        ("number: number, email: sender.address", "ask: order_number", []),
        ("number: number", "ask: order_number", ["number"]),
        ("number: number", "optional: true", []),
    ],
)
def test_what_an_optional_argument_takes_may_be_absent(arguments: str, key: str, told: list[str]) -> None:
    book = row(ACT, needs=OPTIONAL.replace("WITH", arguments).replace("KEY", key))
    found = [f.message.split()[0] for f in check(book, VOCABULARY, known(book)) if f.code == "may_be_absent"]
    assert [name for name in found if name in ("number", "reason")] == told


def test_every_intent_leads_to_one_procedure_or_to_people() -> None:
    extra = INTENTS + "other: {description: x, examples: {en: [a]}}\n"
    assert set(errors(playbook(intents=extra))) == {"intent_without_procedure"}
    assert errors(playbook(intents=extra.replace("{description: x,", "{description: x, queue: returns,"))) == {}
    assert set(errors(playbook(intents=extra.replace("{description: x,", "{description: x, queue: none,")))) == {
        "unknown_queue"
    }
    texts = files() | {"sops/second.yaml": RETURN.replace("sop: return", "sop: second")}
    assert "intent_twice" in errors(load(texts))
    assert "unknown_intent" in errors(playbook(sop=RETURN.replace("[return_item]", "[return_item, nothing]")))
    assert errors(playbook(intents="{}"))["unknown_intent"].advice == "Known are none; add it to intents.yaml."


def test_a_parameter_holds_everywhere() -> None:
    book = playbook(
        parameters="return_window_days: {type: int, values: [{value: 3, country: DE}]}\ngoodwill: {type: int, values: [1]}"
    )
    assert "parameter_gap" in {finding.code for finding in check(book, VOCABULARY, known(book))}


def test_the_fallback_queue_exists() -> None:
    book = playbook()
    assert set(errors(book, replace(known(book), queues=frozenset({"returns"})))) == {"unknown_queue"}


@pytest.mark.parametrize(
    "condition",
    [
        "days_since / 0 > 1",
        "days_since % (2 - 2) > 1",
        "[1, 2][5] == 1",
        "lines[-1].returnable",
        "prorate(order.total, 5, 2) > order.total",
        'sum([money("1.00 EUR"), money("1.00 GBP")]) > order.total',
    ],
)
def test_what_can_never_be_computed_is_found_before_it_runs(condition: str) -> None:
    found = errors(row(f"- rule: a\n  when: has(order.delivered_at) && {condition}\n  resolve: answered"))
    assert "never be computed" in found["always_fails"].message


@pytest.mark.parametrize(
    "condition", ["days_since / 2 > 1", "[1, 2][1] == days_since", 'date("2026-01-01") < now', "1.5 > 0.5 / 0.1"]
)
def test_constants_that_can_be_computed_are_fine(condition: str) -> None:
    assert "always_fails" not in errors(row(f"- rule: a\n  when: has(order.delivered_at) && {condition}\n  resolve: answered"))


@pytest.mark.parametrize("length", ["99999999999d", "9" * 60 + "d", "40000d"])
def test_a_duration_beyond_a_hundred_years_is_refused(length: str) -> None:
    found = errors(row(f'- rule: a\n  when: now - duration("{length}") > now\n  resolve: answered'))
    assert "36500d" in found["arguments"].message
