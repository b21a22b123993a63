"""A small playbook and an order, for the tests of procedures. Texts are the files of a playbook as people write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.check import Known
from caseworker.sop.decide import decide
from caseworker.sop.load import load
from caseworker.sop.model import Decision, Found, OperationType, Playbook, Progress, Vocabulary

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)

WORKER = """
name: retail
brand: nordwind
mode: live
languages: [en, de]
default_language: en
default_country: DE
mailboxes:
  - {address: service@nordwind.example, shop: base, authserv_id: mx.nordwind.example, signature: Nordwind}
fallback_queue: general
"""
INTENTS = """
return_item: {description: wants to send something back, examples: {en: [I want to return it]}}
"""
QUESTIONS = """
order_number: {kind: order_number}
postcode: {kind: postcode}
items: {kind: items}
photo: {kind: photo}
wish: {kind: choice, options: {refund: {en: [money back]}, replacement: {en: [new one]}}}
return_reason:
  kind: choice
  options: {damaged: {en: [broken]}, changed_mind: {en: [do not like]}, wrong_size: {en: [too small]}}
"""
PARAMETERS = """
return_window_days:
  type: int
  values: [30, {value: 14, country: GB}, {value: 45, country: DE, from: 2026-12-01, to: 2027-01-31}]
goodwill: {type: Money, values: ["10.00 EUR", {value: "9.00 GBP", country: GB}]}
"""
NEEDS = """
needs:
  order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
  lines: {choose: order.lines, by: request.items, ask: items, skip_when: size(order.lines) == 1}
  reason: {take: request.return_reason, one_of: [damaged, changed_mind, wrong_size], ask: return_reason}
verify: owner(order)
facts:
  days_since: days(order.delivered_at, now)
  value: sum(lines.map(l, l.refundable))
"""
RETURN = f"""
sop: return
title: Customer wants to send something back
intents: [return_item]
{NEEDS}
rules:
  - rule: not_delivered
    when: order.status != "delivered"
    reply: return_not_yet
    resolve: answered
  - rule: window_closed
    when: days_since > param.return_window_days && reason != "damaged"
    reply: return_window_closed
    resolve: declined
  - rule: refused_by_system
    when: has(failed.rma) && failed.rma.code == "invalid_state"
    reply: return_not_possible
    resolve: declined
  - rule: accept
    when: lines.all(l, l.returnable)
    do:
      - returns.create: {{order: order.ref, lines: lines, reason: reason}}
        as: rma
    meanwhile: being_registered
    reply: return_label
    promise: {{what: refund, amount: value, by: "business_days(now, 10)", kept_when: order.refunded >= value}}
    resolve: resolved
  - otherwise: not_covered
    reply: handed_to_colleague
    escalate: {{queue: returns, because: not_returnable}}
"""

VOCABULARY = Vocabulary(
    records={
        "order": {
            "ref": "Ref[order]",
            "number": "string",
            "status": "enum[paid|shipped|delivered|cancelled]",
            "placed_at": "time",
            "delivered_at": "optional[time]",
            "email": "string",
            "country": "string",
            "address": "address",
            "lines": "list[line]",
            "shipments": "list[shipment]",
            "total": "Money",
            "refunded": "Money",
            "refundable": "Money",
        },
        "line": {"id": "string", "title": "string", "quantity": "int", "refundable": "Money", "returnable": "bool"},
        "shipment": {"ref": "Ref[shipment]", "status": "enum[in_transit|delivered|lost]"},
        "address": {"street": "string", "postcode": "string", "city": "string", "country": "string"},
    },
    operations={
        operation.name: operation
        for operation in (
            OperationType("orders.find", "read", {"number": "string", "email": "string"}, frozenset(), "list[order]", {}),
            OperationType("shipments.track", "read", {"shipment": "Ref[shipment]"}, frozenset({"shipment"}), "shipment", {}),
            OperationType(
                "returns.create",
                "write",
                {"order": "Ref[order]", "lines": "list[line]", "reason": "string"},
                frozenset({"order", "lines"}),
                "receipt",
                {"number": "string"},
            ),
            OperationType(
                "payments.refund",
                "write",
                {"order": "Ref[order]", "amount": "Money"},
                frozenset({"order", "amount"}),
                "receipt",
                {"number": "string"},
                money="amount",
            ),
            OperationType(
                "orders.cancel", "write", {"order": "Ref[order]"}, frozenset({"order"}), "receipt", {}, money="order.refundable"
            ),
        )
    },
)


def files(**changes: str) -> dict[str, str]:
    """The playbook's files; `sop=` replaces the procedure, other names replace `NAME.yaml`."""
    texts = {"worker": WORKER, "intents": INTENTS, "questions": QUESTIONS, "parameters": PARAMETERS}
    procedure = changes.pop("sop", RETURN)
    texts |= changes
    return {f"{name}.yaml": text for name, text in texts.items()} | {"sops/return.yaml": procedure}


def playbook(**changes: str) -> Playbook:
    return load(files(**changes))


def table(rules: str, *, needs: str = NEEDS) -> Playbook:
    """A playbook whose procedure has these rows; a last row is added."""
    text = f"sop: return\ntitle: Return\nintents: [return_item]\n{needs}\nrules:\n{rules}"
    if "otherwise:" not in rules:
        text += "\n  - otherwise: not_covered\n    escalate: {queue: returns, because: not_covered}\n"
    return playbook(sop=text)


def line(number: int = 1, **changes: object) -> dict[str, object]:
    values = {"id": f"l{number}", "title": f"Item {number}", "quantity": 1, "returnable": True}
    return {**values, "refundable": Money(1000 * number, "EUR"), **changes}


def order(**changes: object) -> dict[str, object]:
    values: dict[str, object] = {
        "ref": Ref("base", "order", "7"),
        "number": "NW-1001",
        "status": "delivered",
        "placed_at": NOW - timedelta(days=12),
        "delivered_at": NOW - timedelta(days=9),
        "email": "anna@example.com",
        "country": "DE",
        "address": {"street": "Weg 1", "postcode": "50667", "city": "Köln", "country": "DE"},
        "lines": [line(1), line(2)],
        "shipments": [{"ref": Ref("base", "shipment", "s1"), "status": "delivered"}],
        "total": Money(3000, "EUR"),
        "refunded": Money(0, "EUR"),
        "refundable": Money(3000, "EUR"),
    }
    return {**values, **changes}


ANNA = {"address": "Anna@Example.com", "verified": True}
STRANGER = {"address": "anna@example.com", "verified": False}


def request(**answers: object) -> dict[str, object]:
    """What the customer said; every answer counts as written by him."""
    return {"intent": "return_item", "confidence": 0.9, **answers, "given": dict.fromkeys(answers, True)}


def run(
    book: Playbook,
    *,
    sender: Mapping[str, object] = ANNA,
    answers: Mapping[str, object] | None = None,
    found: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    now: datetime = NOW,
    **sections: Any,
) -> Decision:
    """One decision. `found` maps a need to its records, `sections` are further facts (done, failed, ...)."""
    facts: dict[str, object] = {"sender": sender, "request": request(**(answers or {})), **sections}
    looked_up = {
        need: value if isinstance(value, Found) else Found(tuple(value if isinstance(value, list) else [value]))  # type: ignore[arg-type]
        for need, value in (found or {}).items()
    }
    before = progress or Progress()
    after = Progress(
        fired=before.fired,
        asked=before.asked,
        waiting=before.waiting,
        waiting_since=before.waiting_since,
        found={**before.found, **looked_up},
        confirmed=before.confirmed,
    )
    return decide(book, "return", facts, now=now, progress=after, vocabulary=VOCABULARY)


def known(book: Playbook, **replies: Mapping[str, frozenset[str]]) -> Known:
    """Everything that the procedure names is there, in every language."""
    engine = ("ask_intro", "reminder", "handed_over", "chaser_open", "greeting", "closing", "no_personal_data", "gave_up")
    keys = {key for p in book.procedures.values() for row in p.rows for key in (row.reply, row.meanwhile, row.confirm) if key}
    keys |= {*engine, *(f"ask_{key}" for key in book.questions)}
    words = {key: {language: frozenset[str]() for language in book.worker.languages} for key in keys}
    return Known({**words, **replies}, frozenset({"general", "returns"}), frozenset({"payments.refund", "orders.cancel"}))
