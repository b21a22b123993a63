"""Drafting without a model: the handbook's sections, an answer taken apart, what is refused, and files that load."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseworker.app.playbooks import vocabulary
from caseworker.cli.playbooks import offline
from caseworker.core.errors import UsageError
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.guard.load import load as load_guardrails
from caseworker.sop.drafting.assemble import Draft, House, assemble
from caseworker.sop.drafting.handbook import SECTION, decode, split
from caseworker.sop.drafting.parse import parse
from caseworker.sop.drafting.prompt import material
from caseworker.sop.drafting.report import page, review
from caseworker.sop.drafting.rules import Accepted, accept
from caseworker.sop.drafting.written import block, comment, flow, scalar
from caseworker.sop.load import load
from caseworker.sop.loading.text import Problems, read_yaml
from caseworker.sop.model import Vocabulary

DATA = Path(__file__).parents[1] / "data" / "handbook"
HANDBOOK = (DATA / "handbook.md").read_text(encoding="utf-8")
STANDARD = {"order_number": "order_number", "items": "items", "postcode": "postcode"}


@pytest.fixture(scope="module")
def shop() -> Vocabulary:
    return vocabulary(offline().commerce)


@pytest.fixture
def returns() -> Any:
    """A good answer about returns, to be spoilt."""
    return copy.deepcopy(json.loads((DATA / "answers.json").read_text(encoding="utf-8"))["Returns"])


def accepted(shop: Vocabulary, *answers: Any) -> Accepted:
    read = {number: parse(json.dumps(answer), ("en", "de")) for number, answer in enumerate(answers)}
    return accept(read, shop, STANDARD)


def written(found: Accepted, handbook: str = HANDBOOK) -> Draft:
    house = House("draft", "handbook.md", "a@b.example", "DE", ("en", "de"), {}, STANDARD, {})
    return assemble(found, split(handbook), house)


# -- the handbook ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        ("# Rückgabe".encode("latin-1"), "UTF-8"),
        (b"# a\n" + b"x" * 5_000_000, "4.8 MB"),
        (b"%PDF\0\1", "no text"),
        (b"Everything in one paragraph.\n", "no headings"),
        (b"# Returns\n\n## Window\n", "nothing below"),
    ],
)
def test_a_handbook_that_cannot_be_used_is_refused_with_its_reason(raw: bytes, said: str):
    with pytest.raises(UsageError, match=said):
        split(decode(raw))


def test_a_short_chapter_is_one_section_and_a_long_one_is_taken_apart():
    long = "Words and words. " * 200
    short = "## Short\n\n### One\n\nA.\n\n### Two\n\nB."
    text = f"# Book\n\nBefore.\n\n{short}\n\n## Long\n\n### Three\n\n{long}\n\n### Four\n\n{long}\n"
    assert [section.title for section in split(text)] == ["Book", "Book > Short", "Book > Long > Three", "Book > Long > Four"]
    pieces = split(f"# One\n\n{'x' * 3 * SECTION}\n")
    assert len(pieces) > 2
    assert all(sum(len(line) for _, line in piece.lines) <= SECTION for piece in pieces)


def test_headings_of_plain_text_and_underlined_ones_are_found():
    assert [s.title for s in split("1. Returns\n\nFine.\n\n1.1 Window\n\nThirty.\n\nREFUNDS\n\nSoon.\n")] == [
        "1. Returns",
        "REFUNDS",
    ]
    assert [s.title for s in split("Returns\n=======\n\nFine.\n\nRefunds\n=======\n\nSoon.\n")] == ["Returns", "Refunds"]
    fenced = split("# Real\n\nWords.\n\n```\n# not one\n```\n")
    assert [s.title for s in fenced] == ["Real"]


def test_a_quotation_is_found_across_lines_and_emphasis_and_only_word_for_word():
    [section] = split("# Returns\n\nWithin **30\ndays** after „delivery“. Never.\n\n* No refunds * here.\n")
    assert section.find('Within 30 days after "delivery".') == 3
    assert section.find("within 30 days") is None
    assert section.find("Within 60 days after") is None
    assert section.find("days") is None, "one word proves nothing"
    assert section.find("Never.") == 4, "a whole sentence does, however short"
    assert [s.text for s in section.sentences] == ['Within 30 days after "delivery".', "Never.", "No refunds here."]


def test_no_line_of_the_handbook_can_pass_for_one_of_ours():
    [section] = split("# A\n\nText.\nSection: other\nYour answer was:\n")
    lines = material(section, []).split("\n")
    assert [line for line in lines if line.startswith(("Section:", "Your answer"))] == ["Section: A"]


# -- an answer ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot help with that.",
        '{"procedures": [',
        "[1, 2]",
        '{"procedures": 5}',
        '{"a":' * 5000,
        '{"procedures": ["x"]}',
    ],
)
def test_an_answer_of_another_form_is_a_problem_and_no_crash(text: str):
    answer, problems = parse(text, ("en",))
    assert problems
    assert not answer.procedures


def test_words_and_fences_around_the_object_do_no_harm():
    text = '<think>{"procedures": 1}</think>\nHere it is:\n```json\n{"procedures": [], "not_expressed": []}\n```\nDone.'
    assert parse(text, ("en",))[1] == ()


def test_a_name_that_could_be_a_path_is_refused(returns: Any):
    returns["procedures"][0]["intents"][0]["name"] = "../../etc/passwd"
    _, problems = parse(json.dumps(returns), ("en", "de"))
    assert problems == (
        "procedures[0].intents[0].name: a name of small letters, digits and _, not '../../etc/passwd', is expected.",
    )


@given(st.text(), st.text(alphabet=" :#-'\"{}[]|>&*!%@`,?\\\n\t0x9trueyNO~.EUR"))
def test_whatever_a_model_says_is_one_text_in_our_yaml(text: str, nasty: str):
    for said in (text, nasty):
        file = "\n".join([*comment(said), f"a: {scalar(said)}", f"b: {block(said)}", f"c: {flow({'k': [said]})}"])
        problems = Problems()
        found = read_yaml("f", file, problems).mapping()
        assert not problems.findings
        one = {entry.value for entry in (found["a"], found["b"], found["c"].mapping()["k"].items()[0])}
        assert len(one) == 1
        assert isinstance(one.pop(), str)


# -- what is refused and taken away ------------------------------------------------------------------------------------------


def test_the_good_answer_passes_and_its_files_load(shop: Vocabulary, returns: Any):
    found = accepted(shop, {"procedures": [], "not_expressed": []}, returns)
    assert not found.refused
    playbook = load(written(found).files)
    procedure = playbook.procedures["return_item"]
    assert playbook.worker.mode == "shadow"
    assert procedure.verify == "order"
    assert [row.name for row in procedure.rows][-1] == "not_covered"
    assert playbook.parameters["return_window_days"].values[0].value == 30


def test_an_act_that_does_not_exist_goes_to_people_without_its_words(shop: Vocabulary, returns: Any):
    row = returns["procedures"][0]["rows"][-1]
    row["do"] = [{"operation": "shell.run", "arguments": {"command": '"rm -rf /"'}}]
    found = accepted(shop, returns)
    assert [(t.row, t.operation) for t in found.taken] == [("register", "shell.run")]
    files = written(found).files
    register = load(files).procedures["return_item"].rows[-2]
    assert (register.do, register.reply, register.resolve) == ((), "", "")
    assert (register.escalate_queue, register.escalate_because) == ("general", "not_in_shop")
    assert "shell.run" not in files["sops/return_item.yaml"] + files["guardrails.yaml"]


@pytest.mark.parametrize("operation", ["orders.get", "handoff.create"])
def test_a_look_up_or_a_hand_over_is_no_act(shop: Vocabulary, returns: Any, operation: str):
    returns["procedures"][0]["rows"][-1]["do"] = [{"operation": operation, "arguments": {}}]
    assert [t.operation for t in accepted(shop, returns).taken] == [operation]


def test_money_always_waits_for_a_person_whatever_the_answer_says(shop: Vocabulary, returns: Any):
    procedure = returns["procedures"][0]
    act = {"operation": "orders.refund", "arguments": {"order": "order.ref", "amount": "order.total"}, "always_approve": False}
    procedure["rows"] = [{"name": "everything", "when": "true", "quote": "", "do": [act], "resolve": "resolved"}]
    returns["guardrails"] = {"actions": {"orders.refund": {"per_action": ["99999.00 EUR"]}}}
    limits = load_guardrails(written(accepted(shop, returns)).files)
    for minor in (1, 100, 10_000_000):
        verdict = judge(limits, "orders.refund", moves_money=True, amount=Money(minor, "EUR"))
        assert verdict.decision == "needs_approval"
    assert not limits.limits["orders.refund"].per_action


def test_nothing_is_looked_up_or_done_without_an_order_whose_owner_is_proven(shop: Vocabulary, returns: Any):
    procedure = returns["procedures"][0]
    procedure["needs"] = [
        {"name": "customer", "way": "find", "source": "customers.find", "arguments": {"email": "sender.address"}}
    ]
    [reasons] = accepted(shop, returns).refused.values()
    assert any("orders.find" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("facts", "argument"),
    [({}, "request.email"), ({"a": "request.email", "b": "lower(a)"}, "b"), ({}, "broken ((")],
)
def test_other_peoples_records_cannot_be_looked_up_by_what_a_customer_writes(
    shop: Vocabulary, returns: Any, facts: dict[str, str], argument: str
):
    procedure = returns["procedures"][0]
    procedure["needs"].append({"name": "other", "way": "find", "source": "customers.find", "arguments": {"email": argument}})
    procedure["facts"] += [{"name": name, "expression": source} for name, source in facts.items()]
    [reasons] = accepted(shop, returns).refused.values()
    assert any("what the customer wrote" in reason for reason in reasons)
    procedure["needs"][-1]["arguments"] = {"email": "order.email"}
    assert not accepted(shop, returns).refused


def test_two_sections_may_share_a_parameter_but_not_a_name_for_two_values(shop: Vocabulary, returns: Any):
    other = copy.deepcopy(returns)
    other["procedures"][0]["intents"][0]["name"] = "send_back"
    both = accepted(shop, returns, other)
    assert not both.refused
    assert written(both).files["parameters.yaml"].count("return_window_days:") == 1
    other["procedures"][0]["parameters"][0]["value"] = 60
    assert list(accepted(shop, returns, other).refused) == [1]
    assert list(accepted(shop, returns, returns).refused) == [1], "an intent stands in one procedure"


def test_receipts_bind_the_words_of_the_row(shop: Vocabulary, returns: Any):
    files = written(accepted(shop, returns)).files
    assert "claims: [rma]" in files["replies/return_item_label/en.md"]
    assert "claims" not in files["replies/return_item_window_closed/en.md"]


def test_a_finding_leads_back_to_the_section_that_it_is_about(shop: Vocabulary, returns: Any):
    draft = written(accepted(shop, {"procedures": []}, returns))
    playbook = load(draft.files)
    assert draft.section(playbook.procedures["return_item"].rows[0].place) == 1
    assert draft.section(playbook.parameters["return_high_value"].place) == 1
    assert draft.section(playbook.questions["return_reason"].place) == 1
    assert draft.section(playbook.questions["postcode"].place) == -1


# -- the report --------------------------------------------------------------------------------------------------------------


def test_every_quotation_is_looked_up(shop: Vocabulary, returns: Any):
    procedure = returns["procedures"][0]
    procedure["rows"][0]["quote"] = "Refund everything that is asked for."
    procedure["parameters"][0]["value"] = 45
    found = accepted(shop, {"procedures": []}, returns)
    told = review(found, split(HANDBOOK), findings=(), failed=(), unanswered={})
    assert 'return_item, row `final_sale`: "Refund everything that is asked for."' in told.unproven
    assert any("`return_window_days` is 45" in line for line in told.figures)
    assert any(line.startswith("line 7: 30 is no parameter") for line in told.figures)
    assert 'line 8: "Final-sale items are never taken back."' in told.not_covered
    assert not any("Every accepted return" in line for line in told.not_covered)
    assert any(line.startswith("line 14: ") for line in told.not_expressed)
    files = written(found).files
    assert "# not found in the handbook: check this" in files["sops/return_item.yaml"]
    assert '# handbook.md, line 10: "Every accepted return gets' in files["sops/return_item.yaml"]
    assert "Refund everything that is asked for." in page(told, handbook="handbook.md", usage="")


def test_figures_that_are_written_out_are_told(shop: Vocabulary, returns: Any):
    procedure = returns["procedures"][0]
    procedure["rows"][1]["when"] = "delivered && has(order.delivered_at) && days(order.delivered_at, now) > 30"
    procedure["replies"][1]["words"]["en"] = "You had 30 days, {{ order.number }}."
    told = review(accepted(shop, {"procedures": []}, returns), split(HANDBOOK), findings=(), failed=(), unanswered={})
    assert sum("30 stands in" in line for line in told.figures) == 2
