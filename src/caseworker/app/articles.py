"""Approved answers of a release: their words with today's figures, and what is wrong with them."""

from collections.abc import Iterator
from datetime import date

from caseworker.cases.release import Release
from caseworker.core.findings import Finding, Place
from caseworker.knowledge.check import check
from caseworker.knowledge.model import Article
from caseworker.sop.parameters import resolve
from caseworker.writing.errors import ReplyError
from caseworker.writing.render import render_text


def written(article: Article, language: str, release: Release, *, today: date) -> str:
    """The words of an answer with its figures. Who asks has no order: values without a country and for the worker's brand hold.

    Raises ReplyError where the words show something that is not known.
    """
    playbook = release.playbook
    values = {name: resolve(p, country="", brand=playbook.worker.brand, on=today) for name, p in playbook.parameters.items()}
    known = {"param": {name: value for name, value in values.items() if value is not None}}
    return render_text(article.texts[language], known, language=language, place=article.source)


def findings(release: Release, *, today: date) -> Iterator[Finding]:
    """What is wrong in the approved answers of a release."""
    playbook = release.playbook
    placeless = {
        name: any(value.country is None and value.brand is None for value in p.values)
        for name, p in playbook.parameters.items()
    }
    found = check(
        release.articles,
        languages=playbook.worker.languages,
        parameters=placeless,
        intents=playbook.intents,
        today=today,
    )
    yield from found
    if any(f.severity == "error" for f in found):
        return
    for article in release.articles.values():
        for language in article.texts:
            try:
                written(article, language, release, today=today)
            except ReplyError as error:
                place = Place(article.source, article.lines.get(language, 1))
                yield Finding(place, "error", "bad_answer", error.message, error.remedy)
