"""`caseworker new`: a copy to begin with, in some languages only, that works as it is."""

import json
import re
from pathlib import Path

import pytest
import yaml
from sop_builders import files

from caseworker.app.playbooks import shipped
from caseworker.cli.main import run
from caseworker.core.errors import UsageError
from caseworker.sop.languages import only
from caseworker.sop.load import load, read_folder
from caseworker.sop.upgrade import CURRENT

RETAIL = read_folder(shipped("retail"))
INTENTS = """\
# what customers write about
return_item:
  description: wants to send something back  # often
  examples:
    de:                       # gone
      - Ich möchte es zurückschicken
      # gone, too
      - |
        Guten Tag,
        das geht zurück.
    # stays: the sentences below
    en:
      - I want to return it   # "return"
    fr: [je le renvoie, "je voudrais: renvoyer"]
# stays as well
other:
  description: something else
  examples: {fr: [autre], en: [other], de: [anderes]}   # on one line
last:
  description: has no words in English
  examples:
    de: [nur auf Deutsch]
"""
QUESTIONS = """\
order_number: {kind: order_number}
postcode: {kind: postcode}
items: {kind: items}
photo: {kind: photo}
wish: {kind: choice, options: {refund: {de: [Geld], en: [money back]}, replacement: {de: [neu]}}}
return_reason:
  kind: choice
  options:
    damaged:
      de: [kaputt]
      en: [broken]
    changed_mind: # no words needed
      de:
        - gefällt nicht
    wrong_size: {en: [too small]}
"""
ARTICLE = """\
---
owner: Logistics
review_by: 2027-06-30
questions:
  de:
    - Was kostet es?
  en: [How much is it?]   # asked every day
---
## de
Es kostet nichts.

### Eine Zeile unter der Überschrift
## en
It is free.

## fr
C'est gratuit."""


def kept(**changes: str) -> dict[str, str]:
    return dict(only({**files(intents=INTENTS, questions=QUESTIONS), **changes}, ["en"]))


def test_sentences_of_other_languages_are_cut_out_and_comments_stay() -> None:
    assert kept()["intents.yaml"] == (
        "# what customers write about\n"
        "return_item:\n"
        "  description: wants to send something back  # often\n"
        "  examples:\n"
        "    # stays: the sentences below\n"
        "    en:\n"
        '      - I want to return it   # "return"\n'
        "# stays as well\n"
        "other:\n"
        "  description: something else\n"
        "  examples: {en: [other]}   # on one line\n"
        "last:\n"
        "  description: has no words in English\n"
        "  examples: {}\n"
    )


def test_options_of_questions_stay_with_the_words_that_are_left() -> None:
    made = kept()
    assert "wish: {kind: choice, options: {refund: {en: [money back]}, replacement: {}}}\n" in made["questions.yaml"]
    assert "    changed_mind: {} # no words needed\n    wrong_size" in made["questions.yaml"]
    options = load(made).questions["return_reason"].options
    assert {word: dict(texts) for word, texts in options.items()} == {
        "damaged": {"en": ("broken",)},
        "changed_mind": {},
        "wrong_size": {"en": ("too small",)},
    }


def test_approved_answers_keep_their_questions_and_their_section() -> None:
    text = kept(**{"knowledge/cost.md": ARTICLE})["knowledge/cost.md"]
    assert text == (
        "---\nowner: Logistics\nreview_by: 2027-06-30\nquestions:\n  en: [How much is it?]   # asked every day\n---\n"
        "## en\nIt is free.\n"
    )


def test_replies_and_the_worker_follow() -> None:
    made = kept(**{"replies/hello/en.md": "---\n---\nhello\n", "replies/hello/de.md": "---\n---\nhallo\n"})
    assert [path for path in made if path.startswith("replies/")] == ["replies/hello/en.md"]
    assert load(made).worker.languages == ("en",)
    block = files()["worker.yaml"].replace("languages: [en, de]", "languages:   # ours\n  - en\n  - de")
    german = only({**files(), "worker.yaml": block}, ["de"])
    assert (load(german).worker.languages, load(german).worker.default_language) == (("de",), "de")
    assert "# ours" in german["worker.yaml"]


def test_a_language_that_the_playbook_has_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no words in xx"):
        only(files(), ["en", "xx"])


@pytest.mark.parametrize("languages", ["en", "de,en"])
def test_a_copy_of_the_shipped_playbook_is_clean_and_green(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], languages: str
) -> None:
    folder, chosen = tmp_path / "mine", set(languages.split(","))
    assert run(["new", str(folder), "--languages", languages]) == 0
    assert run(["check", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 2)[2])["findings"] == []
    assert run(["examples", str(folder)]) == 0
    made = read_folder(folder)
    book = load(made)
    assert (book.format, list(book.worker.languages)) == (CURRENT, languages.split(","))
    assert set(book.procedures) == set(load(RETAIL).procedures)
    by_language = [intent.examples for intent in book.intents.values()]
    by_language += [texts for question in book.questions.values() for texts in question.options.values()]
    assert set().union(*by_language) == chosen
    for path in (path for path in made if path.startswith("knowledge/")):
        _, front, body = made[path].split("---\n", 2)
        assert set(re.findall(r"^## (\w+)$", body, re.MULTILINE)) <= chosen, path
        assert set(yaml.safe_load(front)["questions"]) <= chosen, path
    assert {path.rsplit("/", 1)[1] for path in made if path.startswith("replies/")} == {f"{lang}.md" for lang in chosen}


def test_what_stays_is_word_for_word_what_is_shipped() -> None:
    made = only(RETAIL, ["en"])
    for path in ("intents.yaml", "questions.yaml"):
        shipped_lines = RETAIL[path].splitlines()
        new = [line for line in made[path].splitlines() if line not in shipped_lines]
        assert all(re.search(r"\{(en: .*)?\}", line) for line in new), (path, new)
        assert made[path].count("#") == RETAIL[path].count("#"), "comments stay"
