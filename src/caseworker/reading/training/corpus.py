"""The training set: sentences with their labels and the phrase they came from.

Folds are drawn by phrase, never by sentence, so that a held-out sentence is worded unlike everything trained on.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caseworker.reading.model import Intent
from caseworker.reading.sentences import plain
from caseworker.reading.training import grammar
from caseworker.reading.training.noise import noisy

PHRASES = Path(__file__).parent / "phrases"
LANGUAGES = ("en", "de")
RISKS = (
    "legal_threat", "chargeback", "injury", "press", "self_harm", "fraud", "privacy_request", "staff_complaint", "minor",
)  # fmt: skip
SIGNS = (
    "ask",
    "thanks",
    "chaser",
    "claimed_delivered",
    "wish_refund",
    "wish_replacement",
    "negative",
    "positive",
    "out_of_scope",
)
_NO_HEAD = frozenset({"context", "generic"})
_JOINERS = {"en": (" and ", ", ", ". ", " - ", " so ", " but "), "de": (" und ", ", ", ". ", " - ", " daher ", " aber ")}
_PER_PHRASE = 6
_RUN_ONS = 0.35


@dataclass(frozen=True, slots=True)
class Example:
    """One training sentence as the encoder sees it; `group` is the number of its phrase."""

    text: str
    labels: frozenset[str]
    language: str
    group: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """All examples with the labels that get a head; `intents` are those labels that are a customer's matter."""

    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    intents: tuple[str, ...]


def build(intents: Sequence[Intent], seed: int) -> Corpus:
    """The corpus from the shipped phrases and the intents' own example sentences; the same seed gives the same corpus."""
    rng = random.Random(seed)
    grammars = [grammar.load(PHRASES, language) for language in LANGUAGES]
    examples: list[Example] = []
    group = 0
    for spoken in grammars:
        neutral = [phrase for phrase in spoken.phrases if phrase.labels == {"context"}]
        for phrase in spoken.phrases:
            examples += _spoken(phrase, spoken, neutral, rng, group)
            group += 1
    for intent in intents:
        for language, sentences in intent.examples.items():
            for sentence in sentences:
                labels = frozenset({intent.name, "ask"} if _asks(sentence) else {intent.name})
                examples += [Example(plain(noisy(sentence, language, rng)), labels, language, group) for _ in range(4)]
                group += 1
    named = {label for phrase in (p for g in grammars for p in g.phrases) for label in phrase.labels}
    own = {intent.name for intent in intents}
    matters = tuple(sorted((named | own) - set(RISKS) - set(SIGNS) - _NO_HEAD | {"privacy_request"}))
    heads = tuple(dict.fromkeys([*matters, *RISKS, *SIGNS]))
    return Corpus(tuple(example for example in examples if example.text), heads, matters)


def _spoken(
    phrase: grammar.Phrase, spoken: grammar.Grammar, neutral: Sequence[grammar.Phrase], rng: random.Random, group: int
) -> list[Example]:
    found: list[Example] = []
    for sentence in grammar.several(phrase.pattern, spoken.slots, rng, count=_PER_PHRASE):
        found.append(Example(plain(noisy(sentence, spoken.language, rng)), phrase.labels, spoken.language, group))
        if rng.random() < _RUN_ONS:
            other = grammar.expand(rng.choice(neutral).pattern, spoken.slots, rng)
            joined = _joined(other, sentence, spoken.language, rng)
            found.append(Example(plain(noisy(joined, spoken.language, rng)), phrase.labels, spoken.language, group))
    return found


def _joined(first: str, second: str, language: str, rng: random.Random) -> str:
    if rng.random() < 0.3:
        first, second = second, first
    joiner = rng.choice(_JOINERS[language])
    second = second if joiner.startswith(".") else second[:1].lower() + second[1:]
    return first.rstrip(".!?") + joiner + second


def _asks(sentence: str) -> bool:
    return sentence.rstrip().endswith("?") or any(
        word in f" {sentence.lower()} "
        for word in (" want ", " would like ", " please ", " möchte ", " bitte ", " will ", " need ")
    )
