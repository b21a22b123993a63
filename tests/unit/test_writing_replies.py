"""Reply files: what is read, what is said about mistakes, which facts the words need."""

import pytest

from caseworker.core.errors import PlaybookError
from caseworker.writing.errors import ReplyError
from caseworker.writing.load import Reply, load

FRONT = "---\nsubject: Your order\n---\n"


def reply(body: str, front: str = FRONT) -> Reply:
    return load({"replies/x/en.md": front + body}).get("x", "en")


@pytest.mark.parametrize(
    ("body", "needed", "possible"),
    [
        ("{{ order.number }}", {"order.number"}, set()),
        ("{{ done.rma.number }} {{ order.lines | items }}", {"done.rma.number", "order.lines"}, set()),
        ("{{ order.shipments[0].carrier }}", {"order.shipments"}, set()),
        ("{% for p in order.lines %}{{ p.id }} {{ loop.index }} {{ param.x }}{% endfor %}", {"order.lines", "param.x"}, set()),
        ("{% set rest = lines | list %}{{ rest }}", {"lines"}, set()),
        ("{% if done.trace is defined %}{{ done.trace.number }}{% endif %}", set(), {"done.trace", "done.trace.number"}),
        ("{% if a.b is defined and a.b.c %}x{% else %}{{ d }}{% endif %}", {"d"}, {"a.b", "a.b.c"}),
        ("{{ case.reference if case is defined else '-' }}", set(), {"case", "case.reference"}),
        ("{% if done.trace is defined %}x{% endif %}{{ done.trace.at }}", {"done.trace.at"}, {"done.trace"}),
        ('{{ order.lines | selectattr("id", "in", parcel.line_ids) | items }}', {"order.lines", "parcel.line_ids"}, set()),
    ],
)  # fmt: skip
def test_the_facts_that_words_mention(body: str, needed: set[str], possible: set[str]):
    found = reply(body)
    assert (found.needed, found.possible) == (needed, possible)


def test_what_check_is_told():
    files = {
        "replies/x/en.md": "---\nclaims: [parcel]\n---\n{{ order.number }}{% if done.t is defined %}{{ done.t.at }}{% endif %}",
        "replies/x/de.md": "---\n---\nhallo",
    }  # fmt: skip
    assert load(files).variables() == {"x": {"en": {"order.number", "done.parcel"}, "de": frozenset()}}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"replies/x/en.md": "Hello"}, r"replies/x/en\.md:1: The front matter is missing"),
        ({"replies/x/en.md": FRONT + "one\n{{ order.number"}, r"replies/x/en\.md:5: .*Check the braces"),
        ({"replies/x/en.md": FRONT + "{{ a | moneyy }}"}, r"replies/x/en\.md:4: No filter named 'moneyy'"),
        ({"replies/x/en.md": "---\nsubject: '{{ a'\n---\nx"}, r"replies/x/en\.md:2: "),
        ({"replies/x/en.md": "---\nsubjct: a\n---\nx"}, r"replies/x/en\.md:2: `subjct` is not known here"),
        ({"replies/x/en.md": FRONT}, r"no words below"),
        ({"replies/x/en.md": FRONT + "one\n{{ " + "9" * 5000 + " }}"}, r"replies/x/en\.md:5: This number is too large\."),
        (
            {"replies/x/en.md": FRONT + "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"},
            r"en\.md:4: These words are nested too deeply",
        ),
        ({"replies/x/en.md": FRONT + "{{ a" + " + a" * 400 + " }}"}, r"en\.md:4: These words are nested too deeply"),
        (
            {"replies/x/en.md": FRONT + "{% for a in b %}\n" * 25 + "x" + "{% endfor %}" * 25},
            r"en\.md:19: These words are nested",
        ),
        ({"replies/x/en.md": FRONT + "{% if a %}" * 5000 + "x" + "{% endif %}" * 5000}, r"en\.md:4: These words are nested"),
        ({"replies/en.md": FRONT + "x"}, r"replies/en\.md:1: This is no reply"),
    ],
)
def test_a_mistake_names_its_line(files: dict[str, str], words: str):
    with pytest.raises(PlaybookError, match=words):
        load(files)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("{{ 9**9**9 }}", "Nothing is computed in a reply. Compute it under `facts:`"),
        ("{{ 'a' * 9999999999 }}", "Nothing is computed in a reply."),
        ("{{ '%9999999999d' % 1 }}", "Nothing is computed in a reply."),
        ("{{ -order.total }}", "Nothing is computed in a reply."),
        ("{{ a ~ b }}", "`~` is not offered. Write the values side by side"),
        ("{% for i in range(10**9) %}x{% endfor %}", "Nothing is called in a reply. Show a value, or use a filter: money,"),
        ("{{ order.number.upper() }}", "Nothing is called in a reply."),
        ("{{ x | replace('a', 'a' * 100000) }}", "No filter named 'replace'. Offered are money, date, days, items, join,"),
        ("{{ x | default('-') }}", "No filter named 'default'. Put the value behind {% if ... is defined %}."),
        ("{{ x | _each }}", "No filter named '_each'."),
        ("{{ x is callable }}", "No test named 'callable'. Offered are defined, in;"),
        ("{{ ''.__class__ }}", "`__class__` is no fact."),
        ("{{ x['__init__'] }}", "`__init__` is no fact."),
        ("{{ _locale }}", "`_locale` is no fact."),
        ("{% include 'other' %}", "A reply is one file"),
        ("{% import 'other' as o %}", "A reply is one file"),
        ("{% extends 'other' %}", "A reply is one file"),
        ("{% block a %}x{% endblock %}", "A reply is one file"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "Replies have no macros."),
        ("{% set x %}text{% endset %}", "This block is not offered. Write {% set name = value %}."),
        ("{% with a = 1 %}{{ a }}{% endwith %}", "This block is not offered."),
        ("{% filter upper %}x{% endfilter %}", "A filter stands behind one value."),
        ("{% autoescape true %}x{% endautoescape %}", "Offered are values, filters, {% if %}"),
        ("{% for k, v in x %}y{% endfor %}", "A loop has one name."),
        ("{% for k in x recursive %}y{% endfor %}", "A loop does not repeat itself."),
        ("{% set a, b = x %}y", "One name is set at a time."),
        ("{% set a = [a, a] %}y", "A list that is written out holds texts and numbers only."),
        ("{% set a = [" + "1, " * 300 + "] %}y", "A list of more than 200 entries stands in the words."),
        ("{{ x | map('upper') | join }}", '`map` takes the name of a field. Write map(attribute="title").'),
        ("{{ x | selectattr('a', 'callable') | items }}", "`selectattr` cannot take this. Write selectattr("),
        ("{{ x | join(*y) }}", "This is not offered in a reply."),
        ("{% do x %}", "Check the braces"),
    ],
)
def test_what_is_not_offered_is_refused_with_its_line_and_what_to_write_instead(words: str, wrong: str):
    with pytest.raises(PlaybookError) as caught:
        load({"replies/x/en.md": f"{FRONT}one\n{words}"})
    assert "\nreplies/x/en.md:5: " in str(caught.value)
    assert wrong in str(caught.value)


def test_everything_that_is_not_offered_is_told_at_once():
    with pytest.raises(PlaybookError, match="has 2 problems") as caught:
        load({"replies/x/en.md": FRONT + "{{ 1 + 1 }}\n{{ a() }}"})
    assert "en.md:4: Nothing is computed" in str(caught.value)
    assert "en.md:5: Nothing is called" in str(caught.value)


def test_other_languages_get_the_default_one():
    files = {"worker.yaml": "default_language: de\n", "replies/x/en.md": FRONT + "hello", "replies/x/de.md": FRONT + "hallo"}
    replies = load(files)
    assert replies.get("x", "en").language == "en"
    assert replies.get("x", "fr").language == "de"
    with pytest.raises(ReplyError, match="no reply `y`"):
        replies.get("y", "en")
