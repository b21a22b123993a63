"""Words with facts in them, as the customer's language and country write them."""

from datetime import UTC, datetime, timedelta

import pytest

from caseworker.core.money import Money
from caseworker.writing.errors import ReplyError
from caseworker.writing.load import load
from caseworker.writing.render import render, render_text

LINES = [
    {"title": "Blue jacket", "titles": {"de": "Blaue Jacke"}, "quantity": 1},
    {"title": "Socks", "titles": {}, "quantity": 3},
]


def words(body: str, *, language: str = "en", country: str = "", **values: object) -> str:
    replies = load({f"replies/x/{language}.md": f"---\nsubject: s\n---\n{body}"})
    return render(replies.get("x", language), values, country=country).text


@pytest.mark.parametrize(
    ("language", "country", "amount", "expected"),
    [
        ("en", "GB", Money(123450, "GBP"), "£1,234.50"),
        ("en", "DE", Money(123450, "EUR"), "1.234,50 €"),
        ("de", "DE", Money(1990, "EUR"), "19,90 €"),
        ("de", "", Money(1990, "EUR"), "19,90 €"),
        ("pl", "PL", Money(1990, "PLN"), "19,90 zł"),
        ("en", "", Money(5000, "JPY"), "JP¥5,000"),
    ],
)
def test_amounts(language: str, country: str, amount: Money, expected: str):
    assert words("{{ a | money }}", language=language, country=country, a=amount) == expected
    assert words("{{ a }}", language=language, country=country, a=amount) == expected


def test_dates_are_days_of_the_customers_country():
    evening = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
    assert words("{{ d | date }}", country="GB", d=evening) == "10 November 2026"
    assert words("{{ d | date }}", language="de", country="DE", d=evening) == "11. November 2026"


def test_items_and_days():
    assert words("{{ l | items }}", l=LINES) == "Blue jacket and 3 × Socks"
    assert words("{{ l | items }}", language="de", l=LINES) == "Blaue Jacke und 3 × Socks"
    assert words("{{ 3 | days }} {{ 1 | days }}", language="de") == "3 Tage 1 Tag"
    assert words("{{ 45 | days }} {{ 1 | days }}", language="nl") == "45 dagen 1 dag"
    assert words("{{ 3 | days }} {{ 5 | days }}", language="pl") == "3 dni 5 dni"


def test_items_of_one_title_are_told_apart():
    lines = [{"title": "Shirt", "attributes": {"size": "M"}}, {"title": "Shirt", "attributes": {"size": "L"}}]
    assert words("{{ l | items }}", l=lines) == "Shirt (M) and Shirt (L)"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{ order.number }}", "'order' is undefined"),
        ("{{ facts.other }}", "no attribute 'other'"),
        ("{{ facts.nothing }}", "cannot be shown"),
        ("{{ facts.nothing | date }}", "is no date"),
        ("{{ facts.nothing | money }}", "is no amount"),
        ("{{ [] | items }}", "no items"),
        ("{{ facts.text.upper }}", "no attribute 'upper'"),
        ("{{ facts.text['format'] }}", "no attribute 'format'"),
        ("{{ [1] | map(attribute='__class__') | join }}", "no attribute '__class__'"),
        ("{{ facts.price.parse }}", "no attribute 'parse'"),
        ("{{ facts.price.amount }}", "cannot be shown"),
        ("{{ facts.wait }}", "cannot be shown"),
        ("{{ facts.text | join(', ') }}", "is no list"),
    ],
)
def test_what_is_not_known_is_never_said(body: str, why: str):
    with pytest.raises(ReplyError, match=why) as caught:
        words(body, facts={"nothing": None, "text": "a", "price": Money(100, "EUR"), "wait": timedelta(days=2)})
    assert "replies/x/en.md" in str(caught.value)


def test_loops_amounts_and_lists_say_what_the_page_promises():
    body = "{% for l in lines if l.quantity > 1 %}{{ loop.index }}. {{ l['title'] }}{% endfor %} {{ amounts | join(' + ') }}"
    amounts = [Money(100, "EUR"), Money(250, "EUR")]
    assert words(body, lines=LINES, amounts=amounts) == "1. Socks €1.00 + €2.50"
    assert words("{% if a.amount > 1 %}{{ a.currency }}{% endif %}", a=Money(250, "EUR")) == "EUR"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{ text }}{{ text }}", "The letter is longer than 50000 characters"),
        ("{% for item in items %}{{ text }}{% endfor %}", "The letter is longer than"),
        ("{{ items | join(text) }}", "A list is longer than"),
        (
            "{% set a = 'ab' %}" + "{% set a = a | list | join(a) %}" * 20 + "{{ a | length }}",
            "A list is longer than",
        ),
        ("{% for a in items %}{% for b in items %}{% if a > 999 %}{% endif %}{% endfor %}{% endfor %}", "The loops go through"),
        ("{{ many }}", "cannot be shown"),
    ],
)  # fmt: skip
def test_a_letter_has_an_end(body: str, why: str):
    with pytest.raises(ReplyError, match=why) as caught:
        words(body, text="a" * 30_000, items=list(range(200)), many=[["a" * 1000] * 1000] * 1000)
    assert len(str(caught.value)) < 400


def test_a_key_goes_before_a_method():
    assert words("{{ request.items | length }}", request={"items": ["a", "b"]}) == "2"


def test_words_outside_of_replies_keep_to_the_same_language():
    with pytest.raises(ReplyError, match=r"answer\.md: Nothing is computed in a reply\. Compute it under `facts:`"):
        render_text("{{ 9**9**9 }}", {}, language="en", place="answer.md")


def test_customers_words_are_text_and_no_template():
    assert words("{{ a }}", a="Tom & <b>{{ order }}</b>") == "Tom & <b>{{ order }}</b>"


def test_a_subject_is_one_line():
    replies = load({"replies/x/en.md": '---\nsubject: "Order {{ n }}"\n---\nx'})
    assert render(replies.get("x", "en"), {"n": "1\nBcc: all@example.com"}).subject == "Order 1 Bcc: all@example.com"
