"""Rare words: what of a question's own words an article has too. Words, numbers and names that few articles have weigh most."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from caseworker.reading.encoder import fold

_WORD = re.compile(r"[^\W_]+")
_STEM = 5  # letters that inflected forms of a word share
_UNHEARD = 0.6  # weight of a word of no article at all: a name or a rare word, against the rarest known one


def stems(text: str) -> frozenset[str]:
    """The words of a text without their endings, and its numbers; words of one or two letters say nothing."""
    words = _WORD.findall(fold(text))
    return frozenset(word if word.isdigit() else word[:_STEM] for word in words if len(word) > 2 or word.isdigit())


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much each word says, by the number of articles that have it."""

    weights: Mapping[str, float]
    unheard: float

    @classmethod
    def of(cls, articles: Iterable[Collection[str]]) -> "Rarity":
        """From the words of every article."""
        having: dict[str, int] = {}
        count = 0
        for count, words in enumerate(articles, 1):  # noqa: B007  # the last number is how many there are
            for word in words:
                having[word] = having.get(word, 0) + 1
        weights = {word: math.log((count + 1) / (number + 0.5)) for word, number in having.items()}
        return cls(weights, _UNHEARD * math.log(count + 1) if count else 0.0)

    def share(self, question: Collection[str], article: Collection[str]) -> float:
        """The weight of the question's words that the article has, against the weight of all of them: 0 to 1."""
        total = sum(self.weights.get(word, self.unheard) for word in question)
        common = sum(self.weights.get(word, self.unheard) for word in question if word in article)
        return common / total if total else 0.0
