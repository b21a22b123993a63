"""Approved answers of a release: their words with today's figures, and what is wrong with them."""

import re
from collections.abc import Iterator
from datetime import date

from caseworker.cases.release import Release
from caseworker.core.findings import Finding, Place
from caseworker.knowledge.check import check
from caseworker.knowledge.model import Article
from caseworker.knowledge.operations import FIND
from caseworker.sop.model import Procedure
from caseworker.sop.parameters import resolve
from caseworker.writing.errors import ReplyError
from caseworker.writing.render import render_text

_WORD = re.compile(r"[A-Za-z_]\w*")


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
    for procedure in playbook.procedures.values():
        yield from _unheeded(procedure, release)
    if any(f.severity == "error" for f in found):
        return
    for article in release.articles.values():
        for language in article.texts:
            try:
                written(article, language, release, today=today)
            except ReplyError as error:
                place = Place(article.source, article.lines.get(language, 1))
                yield Finding(place, "error", "bad_answer", error.message, error.remedy)


def _unheeded(procedure: Procedure, release: Release) -> Iterator[Finding]:
    """Rows that give an approved answer while no row above them looks at the day until which it counts."""
    names = {need.name for need in procedure.needs if need.look == FIND}
    for _ in procedure.facts:  # a fact may be made from a fact
        names |= {fact for fact, source in procedure.facts.items() if names.intersection(_WORD.findall(source))}
    variables = release.replies.variables()
    for row in procedure.rows:
        if "review_by" in row.when or any(name in row.when and "review_by" in procedure.facts.get(name, "") for name in names):
            return
        shown = {path.partition(".")[0] for paths in variables.get(row.reply, {}).values() for path in paths}
        if names & shown:
            message = f"Row {row.name} gives an approved answer, and no row above it looks at the day until which it counts."
            advice = "Put a row above it: `when: answer.review_by < now`, with `escalate:`."
            yield Finding(row.place, "error", "review_day_unheeded", message, advice)
            return
