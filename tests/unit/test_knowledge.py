"""Approved answers: read with every problem by its line, checked, and found only where it is certain that they answer."""

import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from caseworker.core.findings import Problems
from caseworker.knowledge.check import check
from caseworker.knowledge.load import load
from caseworker.knowledge.model import Article
from caseworker.knowledge.search import LEAST, build, find
from caseworker.knowledge.words import Rarity, stems
from caseworker.reading.adapters.use import UseEncoder

SHIPPING = """---
owner: Logistics
review_by: 2027-06-30
intents: [product_question]
questions:
  en: ["How much is shipping?", "What does delivery cost?"]
  de: ["Was kostet der Versand?"]
---
## en
Delivery costs {{ param.fee | money }}.
Every parcel is insured.

## de
Die Lieferung kostet {{ param.fee | money }}.
"""
STORES = """---
owner: Service
review_by: 2027-06-30
questions:
  en: ["Do you have a store?", "Where is your shop?"]
  de: ["Haben Sie ein Geschäft?"]
---
## en
We have no stores.

## de
Wir haben keine Geschäfte.
"""
PAYING = """---
owner: Finance
review_by: 2027-06-30
intents: [payment_question]
questions:
  en: ["Can I pay by card?", "Which payment methods do you accept?"]
---
## en
By card.
"""
PEOPLE = """---
owner: Service
review_by: 2027-06-30
for_people: true
questions:
  en: ["Is the jacket waterproof?", "How heavy is the suitcase?"]
---
"""
FILES = {
    "knowledge/shipping.md": SHIPPING,
    "knowledge/stores.md": STORES,
    "knowledge/paying.md": PAYING,
    "knowledge/for_people.md": PEOPLE,
    "replies/thanks/en.md": "not mine",
}


def articles(files: dict[str, str] | None = None) -> dict[str, Article]:
    problems = Problems()
    found = load(FILES if files is None else files, problems)
    assert problems.findings == []
    return found


def wrong(text: str, *, path: str = "knowledge/a.md") -> list[tuple[str, int, str]]:
    problems = Problems()
    load({path: text}, problems)
    return [(f.place.file, f.place.line, f.code) for f in problems.findings]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_an_article_with_its_words_by_language_and_where_they_stand():
    shipping = articles()["shipping"]
    assert shipping.source == "knowledge/shipping.md"
    assert shipping.review_by == date(2027, 6, 30)
    assert shipping.variants == {
        "en": ("How much is shipping?", "What does delivery cost?"),
        "de": ("Was kostet der Versand?",),
    }
    assert shipping.texts["en"] == "Delivery costs {{ param.fee | money }}.\nEvery parcel is insured."
    assert {language: SHIPPING.split("\n")[line - 1] for language, line in shipping.lines.items()} == {
        "en": "Delivery costs {{ param.fee | money }}.",
        "de": "Die Lieferung kostet {{ param.fee | money }}.",
    }


def test_windows_line_ends_are_read_alike():
    assert articles({"knowledge/shipping.md": SHIPPING.replace("\n", "\r\n")}) == articles({"knowledge/shipping.md": SHIPPING})


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("We have no stores.", 1, "no_front_matter"),
        (STORES.replace("review_by: 2027-06-30", "review_by: next summer"), 3, "bad_date"),
        (STORES.replace("review_by: 2027-06-30\n", ""), 2, "missing_key"),
        (STORES.replace("owner: Service", "owner: Service\ncolour: red"), 3, "unknown_key"),
        (STORES.replace("## de", "## german"), 11, "bad_language"),
        (STORES.replace("## de", "## en"), 11, "duplicate_language"),
        (STORES.replace("We have no stores.", ""), 8, "no_words"),
        (STORES.replace("## en\n", ""), 8, "no_language"),
        (STORES.replace("  de: [", "  deutsch: ["), 6, "bad_language"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, code: str):
    assert ("knowledge/a.md", line, code) in wrong(text)


def test_a_file_of_another_name_is_no_article():
    assert wrong(STORES, path="knowledge/Our Stores.md") == [("knowledge/Our Stores.md", 1, "bad_name")]


# -- checking ----------------------------------------------------------------------------------------------------------


def findings(
    files: dict[str, str],
    *,
    languages: Sequence[str] = ("en", "de"),
    parameters: dict[str, bool] | None = None,
    today: date = date(2026, 11, 30),
) -> list[tuple[str, int, str, str]]:
    given = {"fee": True} if parameters is None else parameters
    intents = ("product_question", "payment_question")
    found = check(articles(files), languages=languages, parameters=given, intents=intents, today=today)
    return [(f.place.file, f.place.line, f.severity, f.code) for f in found]


def test_sound_answers_have_no_findings():
    assert findings({"knowledge/shipping.md": SHIPPING, "knowledge/for_people.md": PEOPLE}) == []


def test_a_language_of_the_worker_is_missing():
    assert findings({"knowledge/paying.md": PAYING}) == [("knowledge/paying.md", 1, "error", "missing_language")]
    assert findings({"knowledge/paying.md": PAYING}, languages=("en",)) == []


def test_figures_are_parameters_that_hold_for_whoever_asks():
    shipping = {"knowledge/shipping.md": SHIPPING}
    lines = [("knowledge/shipping.md", 10, "error"), ("knowledge/shipping.md", 14, "error")]
    assert findings(shipping, parameters={}) == [(*line, "unknown_parameter") for line in lines]
    assert findings(shipping, parameters={"fee": False}) == [(*line, "placed_parameter") for line in lines]


def test_an_answer_past_its_review_is_a_warning_from_the_next_day_on():
    assert findings({"knowledge/stores.md": STORES}, today=date(2027, 6, 30)) == []
    assert findings({"knowledge/stores.md": STORES}, today=date(2027, 7, 1)) == [
        ("knowledge/stores.md", 1, "warning", "review_due")
    ]


def test_no_question_an_unknown_intent_and_words_that_nobody_gets():
    silent = re.sub(r"  (?:en|de): .*\n", "", STORES).replace("questions:", "questions: {en: []}")
    assert findings({"knowledge/stores.md": silent})[0][3] == "no_variants"
    assert findings({"knowledge/shipping.md": SHIPPING.replace("[product_question]", "[cooking]")})[0][3] == "unknown_intent"
    assert findings({"knowledge/stores.md": STORES.replace("owner", "for_people: true\nowner")})[0][3] == "unused_words"


# -- words -------------------------------------------------------------------------------------------------------------


def test_words_count_without_their_endings_and_numbers_whole():
    assert stems("Die Rücksendungen kosten 60 Euro!") == {"die", "rueck", "koste", "60", "euro"}


def test_rare_words_weigh_more_than_common_ones():
    rarity = Rarity.of([{"shipp", "norwa"}, {"shipp"}, {"shipp"}])
    assert rarity.share({"shipp", "norwa"}, {"norwa"}) > 0.7
    assert rarity.share({"shipp", "norwa"}, {"shipp"}) < 0.3
    assert rarity.share(set(), {"shipp"}) == 0.0


# -- searching, with the encoder that is shipped -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder() -> UseEncoder:
    return UseEncoder()


def keys(encoder: UseEncoder, question: str, *, language: str = "en", intent: str = "") -> list[tuple[str, bool]]:
    hits = find(build(articles().values(), encoder), encoder, question, language=language, intent=intent)
    assert all(LEAST <= hit.score <= 1 for hit in hits)
    return [(hit.article.key, hit.covers_all) for hit in hits]


@pytest.mark.parametrize(
    ("question", "language", "key"),
    [
        ("How much does shipping cost?", "en", "shipping"),
        ("Hi there, what would delivery cost? Thanks, Ann", "en", "shipping"),
        ("Was kostet bei Ihnen der Versand?", "de", "shipping"),
        ("Combien coûte la livraison ?", "fr", "shipping"),
        ("¿Tienen una tienda?", "es", "stores"),
        ("Where can I find your shop?", "en", "stores"),
    ],
)
def test_a_question_finds_its_answer_in_any_language(encoder: UseEncoder, question: str, language: str, key: str):
    assert keys(encoder, question, language=language) == [(key, True)]


@pytest.mark.parametrize(
    "question",
    [
        "Is this coat waterproof?",
        "Are you looking for staff?",
        "Do you sell vouchers?",
        "Do you have red shoes in store?",
        "Can I return by card?",
        "Is the delivery insured?",
        "Could I have the recipe of the cake?",
        "",
        "Hello!\n\nBest regards",
    ],
)
def test_what_nothing_answers_finds_nothing(encoder: UseEncoder, question: str):
    assert keys(encoder, question) == []


def test_two_questions_find_both_answers_and_a_rest_is_told(encoder: UseEncoder):
    assert sorted(keys(encoder, "How much is shipping? And do you have a store?")) == [("shipping", True), ("stores", True)]
    assert keys(encoder, "How much is shipping? Is the suitcase heavy?") == [("shipping", False)]


def test_a_question_at_the_end_of_a_long_mail_is_heard(encoder: UseEncoder):
    told = " ".join(f"I bought coat number {n} from you in May." for n in range(7))
    assert keys(encoder, f"How much is shipping? {told} Is the suitcase heavy?") == [("shipping", False)]
    assert keys(encoder, f"{told} How much is shipping?") == [("shipping", True)]
    assert keys(encoder, "How much is shipping? " * 7) == [("shipping", False)], "more than are looked for"


def test_an_answer_that_alone_has_questions_in_a_language_is_not_sure_of_everything_in_it(encoder: UseEncoder):
    german = {
        "shipping": '{de: ["Was kostet der Versand?", "Wie hoch sind die Versandkosten?"]}',
        "vouchers": '{de: ["Kann ich einen Gutschein einl\u00f6sen?", "Wo gebe ich den Gutscheincode ein?"]}',
        "stores": '{de: ["Haben Sie ein Gesch\u00e4ft?"], fr: ["Avez-vous un magasin ?"]}',
    }
    front = "---\nowner: x\nreview_by: 2027-06-30\nquestions: "
    files = {f"knowledge/{key}.md": f"{front}{questions}\n---\n## en\nWords.\n" for key, questions in german.items()}
    index = build(articles(files).values(), encoder)
    for question, found in (
        ("Avez-vous un magasin ?", ["stores"]),
        ("Avez-vous des bons d'achat ?", []),
    ):
        assert [hit.article.key for hit in find(index, encoder, question, language="fr")] == found


def test_an_answer_is_given_for_its_own_matters_only(encoder: UseEncoder):
    asked = "Which payment methods do you accept?"
    assert keys(encoder, asked, intent="payment_question") == [("paying", True)]
    assert keys(encoder, asked, intent="product_question") == []
    assert keys(encoder, "Do you have a store?", intent="payment_question") == [("stores", True)]  # it names no matter


class Alike:
    """An encoder to which everything is the same."""

    name, sha256, dimension = "alike", "0", 2

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(sentences), 1))


def test_two_answers_that_are_equally_near_are_none():
    two = {path: FILES[path] for path in ("knowledge/stores.md", "knowledge/shipping.md")}
    assert find(build(articles(two).values(), Alike()), Alike(), "Anything?", language="fr") == ()


def test_without_articles_nothing_is_found():
    assert find(build((), Alike()), Alike(), "Do you have a store?") == ()
