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


def test_other_languages_get_the_default_one():
    files = {"worker.yaml": "default_language: de\n", "replies/x/en.md": FRONT + "hello", "replies/x/de.md": FRONT + "hallo"}
    replies = load(files)
    assert replies.get("x", "en").language == "en"
    assert replies.get("x", "fr").language == "de"
    with pytest.raises(ReplyError, match="no reply `y`"):
        replies.get("y", "en")
