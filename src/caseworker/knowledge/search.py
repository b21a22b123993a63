"""Finding the article that answers a question: by meaning in any language, by words in its own, by its lead over the next one
and by how many of the nearest variants are its own.

A score is a probability fitted on questions of our own. Below `LEAST` nothing is found. Two articles that are equally near, and
a known question that is for people, pull a score down.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseworker.knowledge.model import Article, Hit
from caseworker.knowledge.words import Rarity, stems
from caseworker.reading.ports import Encoder
from caseworker.reading.sentences import Sentence, plain, split

LEAST = 0.85
_LEAST_MEANING = 0.5  # below it a lead says nothing: no article is about the matter
_ENOUGH_OTHERS = 64  # variants of other articles; among fewer every article leads and has all neighbours
_LEAST_AMONG_FEW = 0.8  # so there the question has to be nearly a variant
_LEAST_LEAD = 0.02  # two articles that are equally near: neither is sure
# Fitted on bench/knowledge_tuning.jsonl without variants that are nearly the question itself.
_BY_MEANING, _BY_WORDS, _BY_LEAD, _BY_NEIGHBOURS, _CONSTANT = 1.5, 2.4, 8.2, 6.5, -4.4
_NEIGHBOURS = 8  # nearest variants that are asked whose they are
_LEAD_ALONE = 0.2
_LENT = ("en",)  # the language whose variants are there for all others too
_MOST_PARTS = 6  # sentences that are looked for; of more questions the rest has no answer


@dataclass(frozen=True, slots=True)
class Index:
    """Articles with the vectors of their variants. Built once for a set of articles; safe to share."""

    articles: tuple[Article, ...]
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]
    tongues: NDArray[np.str_]
    words: tuple[Mapping[str, frozenset[str]], ...]
    rarity: Mapping[str, Rarity]


def build(articles: Collection[Article], encoder: Encoder) -> Index:
    """Encodes every variant; some milliseconds each, so not for an event loop."""
    known = tuple(sorted(articles, key=lambda article: article.key))
    variants = [
        (number, language, text)
        for number, article in enumerate(known)
        for language, texts in article.variants.items()
        for text in texts
    ]
    words = tuple(_words(article) for article in known)
    languages = {language for own in words for language in own}
    return Index(
        articles=known,
        vectors=encoder.encode([plain(text) or text for _, _, text in variants]),
        owners=np.array([number for number, _, _ in variants], dtype=np.int64),
        tongues=np.array([language for _, language, _ in variants], dtype=np.str_),
        words=words,
        rarity={language: Rarity.of(own[language] for own in words if language in own) for language in languages},
    )


def _words(article: Article) -> dict[str, frozenset[str]]:
    return {
        language: stems(" ".join([*texts, article.texts.get(language, "")])) for language, texts in article.variants.items()
    }


def find(index: Index, encoder: Encoder, question: str, *, language: str = "", intent: str = "") -> tuple[Hit, ...]:
    """The articles that answer a question, surest first; empty where none does.

    One hit that covers all is a sure answer; several mean that several things are asked. `language` is that of the question,
    where it is known; `intent` leaves out articles that may not answer it.
    """
    said = [part for part in split(question) if part.plain and not part.frame]
    asking = [part for part in said if _asks(part)]
    parts = (asking or said)[:_MOST_PARTS]
    if not parts or not len(index.vectors):
        return ()
    vectors = encoder.encode([part.plain for part in parts])
    found = [_hit(index, vector, part, language) for vector, part in zip(vectors, parts, strict=True)]
    if not asking:  # nothing is put as a question: the surest sentence says what is wanted
        found = [max(found, key=lambda hit: hit.score)]
    hits = [hit for hit in found if _answers(hit, intent)]
    return _together(hits, covers_all=len(hits) == len(found) and len(asking) <= _MOST_PARTS)


def _asks(part: Sentence) -> bool:
    return part.text.rstrip(" \"'”»)").endswith("?")


def _answers(hit: Hit, intent: str) -> bool:
    article = hit.article
    fits = not intent or not article.intents or intent in article.intents
    return hit.score >= LEAST and fits and not article.for_people


def _hit(index: Index, vector: NDArray[np.float32], part: Sentence, language: str) -> Hit:
    """The nearest article to one sentence."""
    heard = _heard(index, language)
    near, owners = index.vectors[heard] @ vector, index.owners[heard]
    meaning = np.full(len(index.articles), -1.0)
    np.maximum.at(meaning, owners, near)
    order = np.argsort(-meaning, kind="stable")
    best = int(order[0])
    lead = float(meaning[best] - meaning[order[1]]) if len(order) > 1 else _LEAD_ALONE
    own = index.words[best].get(language)
    words = index.rarity[language].share(stems(part.plain), own) if own else 0.0
    neighbours = owners[np.argsort(-near, kind="stable")[:_NEIGHBOURS]]
    most = min(_NEIGHBOURS, int(np.count_nonzero(owners == best)))
    value = _BY_MEANING * float(meaning[best]) + _BY_WORDS * words + _BY_LEAD * lead + _CONSTANT
    value += _BY_NEIGHBOURS * int(np.count_nonzero(neighbours == best)) / most
    few = int(np.count_nonzero(owners != best)) < _ENOUGH_OTHERS
    possible = meaning[best] >= (_LEAST_AMONG_FEW if few else _LEAST_MEANING) and lead >= _LEAST_LEAD
    return Hit(index.articles[best], 1.0 / (1.0 + math.exp(-value)) if possible else 0.0, covers_all=True)


def _heard(index: Index, language: str) -> NDArray[np.bool_]:
    """The variants that are asked: those in the customer's language and in English, where there are any in his.

    Translations of one variant would otherwise outvote the others. An article without such variants is asked in all its
    languages: one that nobody asks would make the lead of another one look like certainty.
    """
    if language not in index.rarity:
        return np.ones(len(index.owners), dtype=bool)
    own = np.isin(index.tongues, [language, *_LENT])
    return own | ~np.isin(index.owners, index.owners[own])


def _together(hits: Sequence[Hit], *, covers_all: bool) -> tuple[Hit, ...]:
    """Each article once, with its best score."""
    best: dict[str, Hit] = {}
    for hit in sorted(hits, key=lambda hit: -hit.score):
        best.setdefault(hit.article.key, replace(hit, covers_all=covers_all))
    return tuple(best.values())
