"""The shipped playbook: it loads, passes every check, its examples come out, and all of its words can be said."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import caseworker.playbooks
from caseworker.commerce.operations import BUILT_IN, records
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.guard.load import load as load_guardrails
from caseworker.knowledge.operations import OPERATIONS, RECORDS
from caseworker.sop.check import check
from caseworker.sop.checking.words import ENGINE_REPLIES
from caseworker.sop.examples import run_examples
from caseworker.sop.load import load, read_folder
from caseworker.sop.model import Act, Confirm, Decision, Known, OperationType, Say, Vocabulary
from caseworker.sop.parameters import resolve
from caseworker.writing.compose import Part, write_part, write_reply
from caseworker.writing.load import load as load_replies

FOLDER = Path(caseworker.playbooks.__file__).parent / "retail"
FILES = {path: text for path, text in read_folder(FOLDER).items() if not path.startswith("demo/")}
PLAYBOOK, REPLIES, GUARDRAILS = load(FILES), load_replies(FILES), load_guardrails(FILES)
OFFERED = {**BUILT_IN, **OPERATIONS}
VOCABULARY = Vocabulary(
    {**records(), **RECORDS},
    {
        name: OperationType(
            name=name,
            kind=operation.kind,
            parameters={p.name: p.type for p in operation.parameters},
            required=frozenset(p.name for p in operation.parameters if p.required),
            returns=operation.returns,
            receipt=operation.receipt or {},
            money=operation.money,
        )
        for name, operation in OFFERED.items()
    },
)
RUN = run_examples(PLAYBOOK, VOCABULARY)
KEYS = {"shipment": "tracking_url", "return": "label_url", "payment": "in_flight"}  # what tells a record's kind
NOW = datetime(2026, 11, 10, 10, tzinfo=UTC)
# Tables that leave nothing open: `prove` shows that nothing reaches their last row (tests/systems).
CLOSED = {
    f"{name}.not_covered"
    for name in ("change_address", "change_item", "damaged_or_missing", "exchange", "return", "warranty", "where_is_my_order")
}


def test_check_finds_nothing():
    known = Known(REPLIES.variables(), frozenset(GUARDRAILS.queues), frozenset(GUARDRAILS.limits), frozenset(OFFERED))
    assert [f"{f.place}: {f.message}" for f in check(PLAYBOOK, VOCABULARY, known)] == []


def test_every_example_comes_out():
    assert [f"{result.place} {result.name}: {result.problem}" for result in RUN.failed] == []


def test_every_row_has_an_example():
    assert RUN.never_fired == ()
    assert set(RUN.unreachable) == CLOSED


def test_every_reason_is_explained_for_people():
    named = {row.escalate_because for sop in PLAYBOOK.procedures.values() for row in sop.rows if row.escalate_because}
    assert named - GUARDRAILS.because.keys() == set()


def test_every_intent_has_somebody_and_enough_sentences():
    for intent in PLAYBOOK.intents.values():
        assert intent.queue in GUARDRAILS.queues, intent.name
        assert {language: len(texts) >= 6 for language, texts in intent.examples.items()} == {"en": True, "de": True}, (
            intent.name
        )


@pytest.mark.parametrize(
    ("operation", "amount", "decision"),
    [
        ("payments.refund", Money(15000, "EUR"), "allowed"),
        ("payments.refund", Money(15001, "EUR"), "needs_approval"),
        ("payments.refund", Money(13001, "GBP"), "needs_approval"),
        ("payments.refund", Money(65001, "PLN"), "needs_approval"),
        ("payments.refund", Money(100, "USD"), "forbidden"),
        ("orders.cancel", Money(50000, "EUR"), "allowed"),
        ("orders.cancel", Money(50001, "EUR"), "needs_approval"),
        ("vouchers.issue", Money(100, "EUR"), "forbidden"),
    ],
)
def test_who_decides_about_money(operation: str, amount: Money, decision: str):
    assert judge(GUARDRAILS, operation, moves_money=True, amount=amount).decision == decision


# -- words -------------------------------------------------------------------------------------------------------------


def said() -> Iterator[tuple[str, Decision, Mapping[str, object]]]:
    """Every reply that an example comes to, with its decision and the example as written."""
    written = {
        (entry["sop"], entry["example"]): entry["facts"]
        for path, text in FILES.items()
        if path.startswith("examples/")
        for entry in yaml.safe_load(text)
    }
    for result in RUN.results:
        if result.decision is not None:
            keys = {move.reply for move in result.decision.moves if isinstance(move, Say | Confirm)}
            for key in sorted(keys | ({result.decision.meanwhile} - {""})):
                yield key, result.decision, written[(result.decision.procedure, result.name)]


def receipt(amount: object) -> dict[str, object]:
    return {
        "status": "done",
        "number": "N-1",
        "label_url": "https://returns.example/N-1.pdf",
        "money_moved": amount,
        "expected_at": datetime(2026, 11, 14, 10, tzinfo=UTC),
    }


def whole(value: object, kind: str = "") -> object:
    """Examples leave out what a record does not have; the shop's own records name it with nothing in it."""
    if isinstance(value, list):
        return [whole(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    record = "order" if kind == "order" else next((name for name, field in KEYS.items() if field in value), "")
    filled = {**dict.fromkeys(records().get(record, ())), **value}
    return {name: whole(item) for name, item in filled.items()}


def values(decision: Decision, facts: Mapping[str, object]) -> dict[str, object]:
    done = {move.name: receipt(move.amount) for move in decision.moves if isinstance(move, Act)}
    earlier = facts.get("done", {})
    assert isinstance(earlier, Mapping)
    done |= {name: receipt(Money(1000, "EUR")) for name in earlier}
    parameters = {name: resolve(p, country="DE", brand="nordwind", on=NOW.date()) for name, p in PLAYBOOK.parameters.items()}
    known = {name: whole(value, name) for name, value in decision.facts.items()}
    return {**facts, **known, "now": NOW, "param": parameters, "done": done, "failed": facts.get("failed", {})}


@pytest.mark.parametrize("language", ["en", "de"])
def test_everything_that_is_said_can_be_said_in_both_languages(language: str):
    for key, decision, facts in said():
        part = write_part(REPLIES, key, language=language, values=values(decision, facts))
        assert part.text, key
        assert part.subject, key
        for trace_of_code in ("None", "{{", "{%", "  ", "datetime", "Money("):
            assert trace_of_code not in part.text, (key, part.text)


def test_every_reply_of_a_row_is_said_in_some_example():
    rows = [row for sop in PLAYBOOK.procedures.values() for row in sop.rows]
    named = {key for row in rows for key in (row.reply, row.meanwhile, row.confirm) if key}
    assert named - {key for key, _, _ in said()} == set()


def test_no_reply_stands_in_the_folder_that_nobody_uses():
    rows = [row for sop in PLAYBOOK.procedures.values() for row in sop.rows]
    used = {key for row in rows for key in (row.reply, row.meanwhile, row.confirm)}
    used |= {intent.reply for intent in PLAYBOOK.intents.values()}
    used |= {*ENGINE_REPLIES, "gave_up", "confirm_each", *(f"ask_{key}" for key in PLAYBOOK.questions)}
    assert set(REPLIES.by_key) - used == set()


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_goes_to_people_at_once_is_told_in_its_own_words(language: str):
    due = datetime(2026, 11, 12, 10, tzinfo=UTC)
    values = {"case": {"reference": "CW-000001-10"}, "answer_by": due, "now": NOW}
    said = {
        intent.name: write_part(REPLIES, intent.reply, language=language, values=values).text
        for intent in PLAYBOOK.intents.values()
        if intent.reply
    }
    assert said.keys() == {"complaint", "legal_threat", "privacy_request"}
    assert all("CW-000001-10" in text for text in said.values())
    assert {name for name, text in said.items() if "12" in text} == {"complaint", "privacy_request"}  # the day of the promise
    assert len(said["legal_threat"]) < 220
    assert not {"sorry", "leid", "promise"} & set(said["legal_threat"].lower().split())


def test_acts_are_never_claimed_without_their_receipt():
    """Each reply of a row that acts needs the receipt of what the row does."""
    for procedure in PLAYBOOK.procedures.values():
        for row in procedure.rows:
            if row.do and row.reply:
                for language, reply in REPLIES.by_key[row.reply].items():
                    bound = reply.claims | {path.split(".")[1] for path in reply.needed if path.startswith("done.")}
                    assert {act.name for act in row.do} <= bound, (row.reply, language)


@pytest.mark.parametrize(("language", "greeting"), [("en", "Hello Anna Schmidt,"), ("de", "Guten Tag Anna Schmidt,")])
def test_the_engines_own_words(language: str, greeting: str):
    for key in ("reminder", "handed_over", "chaser_open", "no_personal_data", "gave_up"):
        part = write_part(REPLIES, key, language=language, values={"case": {"reference": "CW-000001-10"}})
        written = write_reply(
            REPLIES, [part], language=language, customer_name="Anna Schmidt", signature="Nordwind customer service"
        )
        assert written.text.startswith(greeting)
        assert written.text.rstrip().endswith("Nordwind customer service")


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_questions_in_one_letter(language: str):
    order = {"number": "NW-1007", "lines": [{"title": "Jacket", "titles": {"de": "Jacke"}}, {"title": "Socks", "quantity": 2}]}
    written = write_reply(
        REPLIES,
        [Part("x", "Done.")],
        asks=list(PLAYBOOK.questions),
        not_found=["order_number"],
        language=language,
        values={"order": order},
    )
    assert written.text.count("\n- ") == len(PLAYBOOK.questions)
    assert "2 × Socks" in written.text
    assert written.replies == ("x", *(f"ask_{key}" for key in PLAYBOOK.questions))
