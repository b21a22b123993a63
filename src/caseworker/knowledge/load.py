"""knowledge/KEY.md to articles: front matter, then one section per language, with everything that is wrong by file and line.

---
owner: Logistics
review_by: 2027-06-30
intents: [product_question]
questions:
  en: [How much is shipping?]
---
## en
Delivery costs {{ param.shipping_fee | money }}.
"""

import re
from collections.abc import Mapping
from datetime import date

from caseworker.core.findings import Place, Problems
from caseworker.core.items import Item, read_yaml
from caseworker.knowledge.model import Article

FOLDER = "knowledge/"
_FILE = re.compile(r"knowledge/(?P<key>[a-z0-9_]+)\.md")
_FRONT = re.compile(r"---[ \t]*\n(?P<front>.*?\n)---[ \t]*\n(?P<body>.*)", re.DOTALL)
_SECTION = re.compile(r"^##[ \t]+(?P<language>\S+)[ \t]*$", re.MULTILINE)
_LANGUAGE = re.compile(r"[a-z]{2}")


def load(files: Mapping[str, str], problems: Problems) -> dict[str, Article]:
    """The articles of a playbook's texts by key. What cannot be read is noted in `problems` and left out."""
    articles: dict[str, Article] = {}
    for path in sorted(files):
        if not path.startswith(FOLDER):
            continue
        match = _FILE.fullmatch(path)
        if match is None:
            problems.add(Place(path, 1), "bad_name", "This is no approved answer.", "Name it knowledge/KEY.md.")
            continue
        article = _article(match["key"], path, files[path].replace("\r\n", "\n"), problems)
        if article is not None:
            articles[article.key] = article
    return articles


def _article(key: str, path: str, text: str, problems: Problems) -> Article | None:
    match = _FRONT.fullmatch(text)
    if match is None:
        advice = "Begin with `---`, `owner:`, `review_by:`, `intents:`, `questions:`, `---`."
        problems.add(Place(path, 1), "no_front_matter", "The front matter is missing.", advice)
        return None
    item = read_yaml(path, "\n" + match["front"], problems)
    front = item.keys("intents", "for_people", required=("owner", "review_by", "questions"))
    sections = _sections(path, match["body"], text[: match.start("body")].count("\n"), problems)
    review_by = _day(front["review_by"]) if "review_by" in front else None
    if review_by is None:
        return None
    return Article(
        key=key,
        owner=front["owner"].text() if "owner" in front else "",
        review_by=review_by,
        intents=front["intents"].texts() if "intents" in front else (),
        variants=_variants(front["questions"]) if "questions" in front else {},
        texts={language: words for language, (words, _) in sections.items()},
        place=Place(path, 1),
        lines={language: line for language, (_, line) in sections.items()},
        for_people=front["for_people"].flag() if "for_people" in front else False,
    )


def _day(item: Item) -> date | None:
    try:
        return date.fromisoformat(item.text())
    except ValueError:
        item.add("bad_date", f"{item.text()!r} is no day.", "Write it like 2027-06-30.")
        return None


def _variants(item: Item) -> dict[str, tuple[str, ...]]:
    found = {}
    for language, entry in item.mapping().items():
        if not _LANGUAGE.fullmatch(language):
            entry.add("bad_language", f"`{language}` is no language.", "Write two letters, such as `en:`.")
        found[language] = tuple(text for text in entry.texts() if text.strip())
    return found


def _sections(path: str, body: str, above: int, problems: Problems) -> dict[str, tuple[str, int]]:
    """Language -> the words and the line of the first of them; `above` lines stand before the body."""
    found: dict[str, tuple[str, int]] = {}
    marks = list(_SECTION.finditer(body))
    before = body[: marks[0].start()] if marks else body
    if before.strip():
        problems.add(Place(path, above + 1), "no_language", "These words are of no language.", "Put `## en` above them.")
    ends = [*(mark.start() for mark in marks[1:]), len(body)]
    for mark, end in zip(marks, ends, strict=False):  # without any section there is an end and no mark
        line = above + body[: mark.start()].count("\n") + 1
        language, words = mark["language"], body[mark.end() : end]
        if not _LANGUAGE.fullmatch(language):
            problems.add(Place(path, line), "bad_language", f"`{language}` is no language.", "Write two letters: `## en`.")
        elif language in found:
            problems.add(Place(path, line), "duplicate_language", f"`## {language}` stands here twice.", "Keep one of them.")
        elif not words.strip():
            problems.add(Place(path, line), "no_words", f"There are no words below `## {language}`.", "Write the answer.")
        else:
            found[language] = words.strip(), line + 1 + words[: len(words) - len(words.lstrip())].count("\n") - 1
    return found
