"""What `caseworker check` finds in approved answers that can be read but not used as they are. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from caseworker.core.findings import Finding, Place
from caseworker.knowledge.model import Article

_PARAMETER = re.compile(r"\bparam\.([A-Za-z_]\w*)")


def check(
    articles: Mapping[str, Article],
    *,
    languages: Collection[str],
    parameters: Mapping[str, bool],
    intents: Collection[str],
    today: date,
) -> tuple[Finding, ...]:
    """Every finding by file and line.

    `languages` are those of the worker; `parameters` says of each whether it has a value without a country or brand: whoever
    asks a question has no order, so an answer can show no other.
    """
    findings: list[Finding] = []
    for article in articles.values():
        findings += _article(article, languages, intents, today)
        for language, text in article.texts.items():
            findings += _figures(article, language, text, parameters)
    return tuple(findings)


def _article(article: Article, languages: Collection[str], intents: Collection[str], today: date) -> Iterator[Finding]:
    if article.for_people and article.texts:
        message = f"`{article.key}` is for people, and has words for the customer."
        yield _error(article.place, "unused_words", message, "Leave out `for_people:`, or the words.")
    for language in sorted(set(languages) - set(article.texts)) if not article.for_people else ():
        message = f"The answer `{article.key}` has no words in `{language}`."
        yield _error(article.place, "missing_language", message, f"Add a section `## {language}`.")
    if not any(article.variants.values()):
        yield _error(article.place, "no_variants", f"No question leads to `{article.key}`.", "Write some under `questions:`.")
    for intent in article.intents:
        if intent not in intents:
            message = f"There is no intent `{intent}`."
            yield _error(article.place, "unknown_intent", message, "Name one of intents.yaml, or leave it out.")
    if article.review_by < today:
        message = f"The answer `{article.key}` was to be reviewed by {article.review_by}; it is not given any more."
        yield Finding(article.place, "warning", "review_due", message, f"Ask {article.owner} and set a new day.")


def _figures(article: Article, language: str, text: str, parameters: Mapping[str, bool]) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), article.lines.get(language, 1)):
        for name in _PARAMETER.findall(line):
            place = Place(article.place.file, number)
            if name not in parameters:
                advice = "Name one of parameters.yaml, or add it there."
                yield _error(place, "unknown_parameter", f"There is no parameter `{name}`.", advice)
            elif not parameters[name]:
                message = f"`{name}` has values for single countries or brands only, and who asks has no order."
                yield _error(place, "placed_parameter", message, "Give it a value without country and brand.")


def _error(place: Place, code: str, message: str, advice: str) -> Finding:
    return Finding(place, "error", code, message, advice)
