"""Words tried out on worked cases: what cannot be said fails the example, what it leaves out is a note."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sop_builders import VOCABULARY, files

from caseworker.app.playbooks import shipped
from caseworker.app.rehearse import Rehearsal, letters_of, rehearse
from caseworker.cases.release import Release
from caseworker.cli.main import run
from caseworker.guard.model import Guardrails
from caseworker.sop.examples import run_examples
from caseworker.sop.load import load, read_folder
from caseworker.writing.load import load as load_replies

REPLIES = {
    "return_not_yet": "your order {{ order.number }} is not there yet.",
    "return_window_closed": "{{ lines | items }} came {{ days_since }} days ago; {{ param.return_window_days }} is the limit.",
    "return_not_possible": "the shop says: {{ failed.rma.message }}.",
    "return_label": "your return {{ done.rma.number }} for {{ lines | items }} is worth {{ value | money }}.",
    "being_registered": "we are registering your return of order {{ order.number }}.",
    "handed_to_colleague": "a colleague looks at it.",
    "handed_over": "a colleague looks at it.",
    "ask_intro": "please tell us:",
    "ask_items": "which items?",
    "ask_return_reason": "why?",
    "greeting": "Hello {{ customer_name }},",
    "closing": "Regards\n{{ signature }}",
}
ORDER = """
      ref: "base:order:7"
      number: NW-1
      email: anna@example.com
      country: FR
      status: delivered
      delivered_at: 2026-11-20
      refunded: 0.00 EUR
      lines:
        - {id: l1, title: Shoes, returnable: true, refundable: 12.30 EUR}
        - {id: l2, title: Hat, returnable: true, refundable: 1.00 EUR}
"""
ACCEPT = f"""
- example: accepted
  now: 2026-11-25T10:00:00
  facts:
    sender: {{address: anna@example.com, verified: true}}
    request: {{intent: return_item, items: [l1], return_reason: damaged}}
    order: {ORDER}
  expect: {{rule: accept}}
"""


def playbook(example: str = ACCEPT, **words: str) -> dict[str, str]:
    """The playbook of the builders with words in both languages, some of them others."""
    texts = {**REPLIES, **words}
    made = {f"replies/{key}/{lang}.md": f"---\n---\n{text}\n" for key, text in texts.items() for lang in ("en", "de")}
    return {**files(), **made, "examples/a.yaml": example}


def release(texts: Mapping[str, str]) -> Release:
    book = load(texts)
    return Release(book, load_replies(texts), Guardrails({}, {}, ""), book.vocabulary(VOCABULARY))


def tried(texts: Mapping[str, str]) -> Rehearsal:
    made = release(texts)
    return rehearse(run_examples(made.playbook, VOCABULARY), made)


def problem(example: str = ACCEPT, **words: str) -> str:
    [result] = tried(playbook(example, **words)).run.results
    return result.problem


def test_what_an_example_decides_is_written_in_every_language_with_stand_in_receipts() -> None:
    told = tried(playbook())
    assert [result.problem for result in told.run.results] == [""]
    assert {said[1:] for said in told.written} == {
        ("accept", reply, language) for reply in ("return_label", "being_registered") for language in ("en", "de")
    }
    assert len(told.every) == 12
    assert told.never_written == ()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"return_label": "{{ done.rma.number }}: {{ request.wish }}"}, "request.wish is not known (nobody asked for it)"),
        ({"return_label": "{{ request.photo }}"}, "request.photo is not known (nobody asked for it)"),
        ({"return_label": "{{ done.refund.money_moved | money }}"}, "speaks of `refund` as done, and its receipt is not there"),
        ({"being_registered": "return {{ done.rma.number }}"}, "speaks of `rma` as done, and its receipt is not there"),
        ({"return_label": "{{ failed.rma.message }}"}, "failed.rma is not known"),
        ({"return_label": "{{ unheard_of }}"}, "'unheard_of' is undefined"),
        ({"return_label": "{{ param.return_window_days | money }}"}, "30 is no amount"),
        ({"return_label": "{{ order.number | date }}"}, "'NW-1' is no date"),
    ],
)
def test_words_that_cannot_be_written_fail_the_example(words: dict[str, str], reason: str) -> None:
    [key] = words
    text = problem(**words)
    assert text.startswith(f"replies/{key}/en.md: ")
    assert reason in text
    assert text.endswith("(also in de)")


def test_only_the_language_that_is_wrong_is_named() -> None:
    texts = {**playbook(), "replies/return_label/de.md": "---\n---\n{{ request.wish }} {{ done.rma.number }}\n"}
    told = tried(texts)
    assert told.run.results[0].problem == "replies/return_label/de.md: request.wish is not known (nobody asked for it)"
    assert [said.language for said in told.never_written] == ["de"]


def test_a_named_fact_that_rests_on_what_nobody_said_is_a_failure_and_says_why() -> None:
    early = ACCEPT.replace("status: delivered", "status: shipped").replace(", items: [l1], return_reason: damaged", "")
    early = early.replace("rule: accept", "rule: not_delivered")
    text = problem(early, return_not_yet="{{ value | money }} for {{ order.number }}")
    assert text == "replies/return_not_yet/en.md: value is not known (lines is missing) (also in de)"


def test_a_fact_that_is_known_not_to_be_there_is_a_failure() -> None:
    early = ACCEPT.replace("status: delivered", "status: shipped").replace("      delivered_at: 2026-11-20\n", "")
    early = early.replace("rule: accept", "rule: not_delivered")
    text = problem(early, return_not_yet="{{ days_since }} days for {{ order.number }}")
    assert text.startswith("replies/return_not_yet/en.md: days_since is not known (order.delivered_at is not there")


@pytest.mark.parametrize(
    ("left_out", "words", "path"),
    [
        ("      number: NW-1\n", "{{ order.number }}", "order.number"),
        ("", "{{ order.total | money }}", "order.total"),
        ("", "{{ order.address.city }}", "order.address"),
        ("", "{% for line in lines %}{{ line.quantity }}{% endfor %}", "lines.quantity"),
        ("", "{% for parcel in order.shipments %}{{ parcel.status }}{% endfor %}", "order.shipments"),
        ("      country: FR\n", "{{ order.country }}", "order.country"),
    ],
)
def test_what_the_example_leaves_out_is_a_note(left_out: str, words: str, path: str) -> None:
    assert left_out in ACCEPT
    told = tried(
        playbook(ACCEPT.replace(left_out, ""), return_label=f"{words} {{{{ done.rma.number }}}}", being_registered="soon")
    )
    assert told.run.results[0].problem == ""
    assert {each.reason for each in told.left_out} == {f"{path} is not given."}
    assert {said.reply for said in told.never_written} == {"return_label"}


def test_a_named_fact_that_needs_only_what_the_example_leaves_out_is_a_note() -> None:
    early = ACCEPT.replace(", refundable: 12.30 EUR", "").replace("status: delivered", "status: shipped")
    told = tried(playbook(early.replace("rule: accept", "rule: not_delivered"), return_not_yet="{{ value | money }}"))
    assert told.run.results[0].problem == ""
    assert {each.reason for each in told.left_out} == {"value is not given."}


def test_an_optional_field_that_is_left_out_is_nothing_in_a_condition() -> None:
    early = ACCEPT.replace("status: delivered", "status: shipped").replace("      delivered_at: 2026-11-20\n", "")
    early = early.replace("rule: accept", "rule: not_delivered")
    words = "{% if order.delivered_at %}{{ order.delivered_at | date }}{% else %}on its way{% endif %}"
    made = release(playbook(early, return_not_yet=words))
    told = rehearse(run_examples(made.playbook, VOCABULARY), made)
    assert (told.run.failed, told.left_out) == ((), ())
    [letter] = letters_of(told.run.results[0], made, languages=["en"])
    assert letter.text == "Hello Kim Sample,\n\nOn its way\n\nRegards\nNordwind\n"


def test_earlier_receipts_keep_what_the_example_says_and_get_the_rest() -> None:
    texts = playbook(ACCEPT.replace("    order: ", "    done: {rma: {status: pending}}\n    order: ", 1))
    assert tried(texts).run.results[0].problem == "", "the row does it now"
    refused = ACCEPT.replace("rule: accept", "rule: refused_by_system")
    refused = refused.replace("    order: ", "    failed: {rma: {code: invalid_state, message: no}}\n    order: ", 1)
    assert problem(refused) == ""
    [letter] = letters_of(tried(playbook(refused)).run.results[0], release(playbook(refused)), languages=["en"])
    assert "The shop says: no." in letter.text


def test_an_example_that_decides_something_else_is_told_only_that() -> None:
    assert problem(ACCEPT.replace("rule: accept", "rule: window_closed"), return_label="{{ nobody }}") == (
        "row accept instead of window_closed"
    )


def test_letters_are_whole_with_questions_and_what_is_said_meanwhile() -> None:
    made = release(playbook())
    [result] = run_examples(made.playbook, VOCABULARY).results
    meanwhile, then = letters_of(result, made, languages=["en"])
    assert "We are registering your return of order NW-1." in meanwhile.text
    assert then.text == "Hello Kim Sample,\n\nYour return 1001 for Shoes is worth 12,30 €.\n\nRegards\nNordwind\n"
    unsaid = ACCEPT.replace(", items: [l1], return_reason: damaged", "").replace("rule: accept", 'rule: ""')
    made = release(playbook(unsaid))
    [asked] = letters_of(run_examples(made.playbook, VOCABULARY).results[0], made, languages=["de"])
    assert asked.language == "de"
    assert "- which items?\n- why?" in asked.text


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    without = playbook()
    without["sops/return.yaml"] = without["sops/return.yaml"].replace("    promise:", "    #promise:")
    for name, text in without.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "mine"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    ended = run(["examples", *arguments])
    printed = capsys.readouterr()
    assert ended == code, printed.out + printed.err
    return printed.out + printed.err


def test_the_command_tells_what_cannot_be_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Words: 4 of 12 replies of rows, each language counted, were written (33%)." in shown(capsys, str(folder))
    reply = folder / "replies" / "return_label" / "de.md"
    reply.write_text("---\n---\n{{ request.wish }} {{ done.rma.number }}\n")
    text = shown(capsys, str(folder), code=1)
    assert f"{folder}/examples/a.yaml:2: accepted: replies/return_label/de.md: request.wish is not known" in text
    assert "Words: 3 of 12" in text
    told = json.loads(shown(capsys, str(folder), "--json", code=1))
    assert told["words"]["never_written"] == [
        {"procedure": "return", "row": "accept", "reply": "return_label", "language": "de"}
    ]
    assert "request.wish" in told["results"][0]["problem"]
    assert "Words: 2 of 6" in shown(capsys, str(folder), "--language", "en")


def test_what_is_left_out_is_told_when_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "replies" / "return_label" / "en.md").write_text("---\n---\n{{ order.total | money }} {{ done.rma.number }}\n")
    assert "order.total" not in shown(capsys, str(folder))
    text = shown(capsys, str(folder), "--verbose")
    assert "1 could not be tried because the examples leave out facts:" in text
    assert "replies/return_label/en.md: order.total is not given" in text
    [note] = json.loads(shown(capsys, str(folder), "--json"))["words"]["left_out"]
    assert (note["example"], note["language"]) == ("accepted", "en")


def test_whole_letters_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(folder), "--show", "--language", "de", "--procedure", "return")
    assert "examples/a.yaml:2: accepted" in text
    assert "    Hello Kim Sample,\n\n    your return 1001 for Shoes is worth 12,30 €." in text
    assert "[en]" not in text
    letters = json.loads(shown(capsys, str(folder), "--show", "--json"))
    assert [letter["language"] for letter in letters] == ["en", "en", "de", "de"]
    assert "Give --watch or --show" in shown(capsys, str(folder), "--show", "--watch", code=2)
    assert "no language 'xx'" in shown(capsys, str(folder), "--language", "xx", code=2)


def test_everything_that_the_shipped_examples_come_to_can_be_said() -> None:
    from caseworker.cli.playbooks import offline

    made = offline().assemble(read_folder(shipped("retail")))
    told = rehearse(run_examples(made.playbook, made.vocabulary), made)
    assert [f"{result.place}: {result.problem}" for result in told.run.failed] == []
    assert told.never_written == ()
