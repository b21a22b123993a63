"""The reference pages of words, limits and queues: what they show works, and every key that is read stands on them."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from caseworker.app.playbooks import shipped
from caseworker.app.rehearse import letters_of, rehearse
from caseworker.cases.release import Release
from caseworker.cli.playbooks import offline
from caseworker.commerce.operations import BUILT_IN
from caseworker.core.errors import PlaybookError
from caseworker.core.money import Money
from caseworker.guard.judge import judge
from caseworker.guard.load import load as load_guardrails
from caseworker.sop.cel.functions import parse_money
from caseworker.sop.cel.values import LONGEST_TEXT
from caseworker.sop.checking.expressions import MOST_LEVELS
from caseworker.sop.checking.words import ENGINE_REPLIES, WHERE_WRITTEN
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.examples import run_examples
from caseworker.sop.load import read_folder
from caseworker.sop.scope import DEEPEST
from caseworker.writing.errors import ReplyError
from caseworker.writing.language import FILTERS
from caseworker.writing.load import load as load_replies
from caseworker.writing.receipts import bind
from caseworker.writing.render import render
from caseworker.writing.templates import LONGEST, MOST_PASSES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
LANGUAGE, REPLIES, GUARD = (
    (REFERENCE / f"{name}.md").read_text(encoding="utf-8") for name in ("sop-language", "replies", "guardrails-and-routing")
)
RETAIL = read_folder(shipped("retail"))


def blocks(page: str, kind: str) -> dict[str, str]:
    """Fenced blocks with a name."""
    return dict(re.findall(rf"^```{kind} (\S+)[^\n]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def rows(page: str, head: str) -> list[list[str]]:
    """The cells of a table below its head."""
    table = page.split(f"{head}\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[1:]]


def code(cell: str) -> str:
    return cell.strip("`").replace("\\|", "|")


# -- replies -----------------------------------------------------------------------------------------------------------


def facts() -> Mapping[str, object]:
    """Those of the page: amounts and times as an example writes them."""

    def typed(value: object) -> object:
        if isinstance(value, dict):
            return {key: typed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [typed(item) for item in value]
        if isinstance(value, str) and re.fullmatch(r"[\d.]+ [A-Z]{3}", value):
            return parse_money(value)
        return datetime.fromisoformat(value) if isinstance(value, str) and "T22:" in value else value

    found = typed(yaml.safe_load(blocks(REPLIES, "yaml")["facts"]))
    assert isinstance(found, dict)
    return found


def written(words: str, language: str) -> str:
    reply = load_replies({f"replies/x/{language}.md": f"---\n---\n{words}"}).get("x", language)
    known = facts()
    bind(reply, known["done"])  # type: ignore[arg-type]
    return render(reply, {"failed": {}, "request": {}, **known}, country="DE").text


@pytest.mark.parametrize(("words", "english", "german"), rows(REPLIES, "| Written | English | German |"))
def test_words_come_out_as_the_page_shows(words: str, english: str, german: str) -> None:
    assert [written(code(words), "en"), written(code(words), "de")] == [english, german]


@pytest.mark.parametrize(("words", "why"), rows(REPLIES, "| Written | Why |"))
def test_what_the_page_says_is_refused_is_refused(words: str, why: str) -> None:
    with pytest.raises(PlaybookError):
        written(code(words), "en")


def test_every_filter_is_on_the_page() -> None:
    named = re.findall(r"`(\w+)`", " ".join(cell for cell, *_ in rows(REPLIES, "| Filter | Of | Writes |")))
    assert sorted(named) == sorted(FILTERS)


def test_the_bounds_of_conditions_are_on_the_page() -> None:
    assert f"texts {LONGEST_TEXT} characters." in LANGUAGE
    assert f"At most {DEEPEST} facts rest on one another, nested {MOST_LEVELS} levels in all." in LANGUAGE


def test_the_size_of_a_letter_is_on_the_page() -> None:
    assert f"at most {LONGEST} characters, and the loops of one reply go through at most {MOST_PASSES} entries" in REPLIES


def test_every_key_of_the_front_matter_is_on_the_page() -> None:
    with pytest.raises(PlaybookProblems) as caught:
        load_replies({"replies/x/en.md": "---\nsubjekt: a\n---\nhello"})
    [finding] = caught.value.findings
    known = finding.advice.removeprefix("Known are ").rstrip(".").split(", ")
    assert sorted(code(cell) for cell, _ in rows(REPLIES, "| Key | Says |")) == known


def test_every_reply_of_the_engine_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(cell for cell, _ in rows(REPLIES, "| Reply | Said |"))))
    assert {*ENGINE_REPLIES, *WHERE_WRITTEN} - named == set()


def test_the_letter_of_the_page_is_what_its_example_comes_to() -> None:
    files = blocks(LANGUAGE, "yaml")
    shared = {p: t for p, t in RETAIL.items() if p.startswith("replies/") and p.endswith(("/en.md", "/de.md"))}
    files |= shared | blocks(REPLIES, "markdown") | blocks(GUARD, "yaml")
    made = offline().assemble(files)
    told = rehearse(run_examples(made.playbook, made.vocabulary), made)
    assert [result.problem for result in told.run.results] == ["", "", ""]
    assert {said.language for said in told.written} == {"en", "de"}
    first = next(result for result in told.run.results if result.name == "a return after the window")
    [letter] = letters_of(first, made, languages=["en"])
    assert letter.text == blocks(REPLIES, "text")["letter"]
    assert letter.subject == "Your order NW-1001"
    assert_receipt_of_the_label(made)


def assert_receipt_of_the_label(made: Release) -> None:
    label = made.replies.get("return_label", "en")
    assert label.claims == {"rma"}
    assert bind(label, {"rma": {"status": "done"}}) == ("rma",)
    with pytest.raises(ReplyError):
        bind(label, {"rma": {"status": "pending"}})


# -- guardrails and routing --------------------------------------------------------------------------------------------


def test_every_act_of_the_page_is_judged_as_it_says() -> None:
    guardrails = load_guardrails(blocks(GUARD, "yaml"))
    verdicts = rows(GUARD, "| Act | Verdict |")
    for act, verdict in verdicts:
        found = re.fullmatch(r"`([\w.]+)` ?(.*)", act)
        assert found is not None, act
        amount = parse_money(found[2]) if found[2] else None
        moves = bool(BUILT_IN[found[1]].money)
        assert judge(guardrails, found[1], moves_money=moves, amount=amount).decision == verdict, act
    assert {verdict for _, verdict in verdicts} == {"allowed", "needs_approval", "forbidden"}


def test_the_amounts_and_queues_of_the_page_are_read() -> None:
    guardrails = load_guardrails(blocks(GUARD, "yaml"))
    assert guardrails.limits["payments.refund"].per_customer_day["GBP"] == Money(26000, "GBP")
    assert guardrails.people == 2
    assert [(q.name, q.service_minutes, q.priority) for q in guardrails.queues.values()] == [
        ("finance", 240, 3),
        ("returns", 3 * 1440, 1),
        ("general", 480, 1),
    ]


@pytest.mark.parametrize(
    ("file", "text", "tables"),
    [
        ("guardrails.yaml", "actions: {payments.refund: {nonsense: 1}}", ["| Key | Says |"]),
        ("guardrails.yaml", "nonsense: 1", []),
        ("guardrails.yaml", "publishing: {nonsense: 1}", []),
        ("routing.yaml", "nonsense: 1\n", []),
        ("routing.yaml", "default_queue: a\nqueues: {a: {title: A, nonsense: 1}}\n", ["| Key of a queue | Says |"]),
    ],
)
def test_every_key_that_is_read_is_on_the_page(file: str, text: str, tables: list[str]) -> None:
    with pytest.raises(PlaybookProblems) as caught:
        load_guardrails({**blocks(GUARD, "yaml"), file: text})
    [advice] = [f.advice for f in caught.value.findings if f.code == "unknown_key"]
    known = set(advice.removeprefix("Known are ").rstrip(".").split(", "))
    assert not {key for key in known if f"`{key}`" not in GUARD and f"`{key}:`" not in GUARD}
    for head in tables:
        assert {code(cell) for cell, _ in rows(GUARD, head)} == known


def test_every_reason_of_the_engine_is_on_the_page() -> None:
    ours = RETAIL["routing.yaml"].split("# words of the engine", 1)[1]
    words = set(re.findall(r"^  (\w+):", ours, re.MULTILINE)) - {"needs_approval"}
    assert len(words) > 10
    assert not {word for word in words if f"`{word}`" not in GUARD}
