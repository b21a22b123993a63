"""The shipped playbook against every order of a generated shop: nothing ends in an error, and everything can be said."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest
from test_playbook_retail import PLAYBOOK, REPLIES, VOCABULARY, receipt

from caseworker.commerce.adapters.sandbox.records import order as record
from caseworker.commerce.adapters.sandbox.seed import generate
from caseworker.core.facts import of
from caseworker.sop.decide import decide
from caseworker.sop.model import Act, Confirm, Decision, Escalate, LookUp, Progress, Say
from caseworker.sop.parameters import resolve
from caseworker.writing.compose import write_part

SHOP = generate(seed=11, customers=80, orders=260)
NOW = datetime.fromisoformat(SHOP["at"])
ADDRESS = {"street": "Ringstr. 9", "postcode": "50668", "city": "Köln"}
MATTERS: Mapping[str, Mapping[str, object]] = {
    "where_is_my_order": {"wish": "refund"},
    "delivered_not_received": {"wish": "replacement"},
    "return_item": {"return_reason": "changed_mind"},
    "refund_status": {},
    "cancel_order": {},
    "change_address": {"new_address": ADDRESS},
    "damaged_item": {"wish": "refund", "photo": True, "quantity": 1},
    "missing_item": {"wish": "replacement", "quantity": 1},
}


def steps(facts: dict[str, object], procedure: str) -> Iterator[tuple[Decision, Mapping[str, object]]]:
    """Decisions with the facts they saw, as if every act succeeded."""
    fired: list[str] = []
    done: dict[str, object] = {}
    for _ in range(6):
        given = {**facts, "done": dict(done), "failed": {}}
        decision = decide(PLAYBOOK, procedure, given, now=NOW, progress=Progress(tuple(fired)), vocabulary=VOCABULARY)
        acts = [move for move in decision.moves if isinstance(move, Act)]
        done |= {act.name: receipt(act.amount) for act in acts}
        yield decision, {**given, "done": dict(done)}
        fired.append(decision.rule)
        if len(acts) != len(decision.moves):
            return
    raise AssertionError(f"{procedure} does not end: {fired}")


@pytest.mark.parametrize("intent", MATTERS)
def test_every_order_of_a_shop_is_decided_and_answered(intent: str):
    procedure = PLAYBOOK.procedure_for(intent)
    assert procedure is not None
    for document in SHOP["orders"]:
        order = record(document, (), NOW)
        items = {"items": [order.lines[0].id]} if intent != "cancel_order" else {}
        facts = {
            "now": NOW,
            "sender": {"address": order.email, "verified": True},
            "request": {"intent": intent, **items, **MATTERS[intent]},
            "order": of(order),
            "history": [of(order)],
            "param": {
                name: resolve(p, country=order.country, brand=order.brand, on=NOW.date())
                for name, p in PLAYBOOK.parameters.items()
            },
        }
        for decision, seen in steps(facts, procedure.name):
            wrong = {move.because for move in decision.moves if isinstance(move, Escalate)} & {
                "procedure_error",
                "missing_fact",
            }
            errors = [entry.error for entry in decision.trace if entry.error]
            assert not wrong, (order.number, errors, decision.missing)
            assert not any(isinstance(move, LookUp) for move in decision.moves)
            for move in decision.moves:
                if isinstance(move, Say | Confirm):
                    for language in ("en", "de"):
                        assert write_part(REPLIES, move.reply, language=language, values={**seen, **decision.facts}).text
