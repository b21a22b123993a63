"""The training set: sentences with their labels and the phrase they came from.

Folds are drawn by phrase, never by sentence, so that a held-out sentence is worded unlike everything trained on.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from caseworker.reading.model import Intent
from caseworker.reading.scored import whole
from caseworker.reading.sentences import plain
from caseworker.reading.training import grammar, labelled, own
from caseworker.reading.training.noise import noisy

MAILS = Path(__file__).parent / "mails"
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
    *(f"return_reason_{reason}" for reason in ("changed_mind", "wrong_size", "damaged", "not_as_described")),
    *(f"photo_{answer}" for answer in ("refused", "later")),
    *(f"confirm_{answer}" for answer in ("yes", "no", "unclear")),
)
_NO_HEAD = frozenset({"context", "generic"})
_NO_MATTER = frozenset({*RISKS, *SIGNS}) - {"privacy_request"}  # a risk that is a matter, too
_JOINERS = {"en": (" and ", ", ", ". ", " - ", " so ", " but "), "de": (" und ", ", ", ". ", " - ", " daher ", " aber ")}
_PER_PHRASE = 4
_RUN_ONS = 0.35
_IN_A_MAIL = 0.6  # share of the phrases that are shown among other sentences
_PER_SENTENCE = 3  # spellings of each sentence of a labelled mail


@dataclass(frozen=True, slots=True)
class Example:
    """One training sentence as the encoder sees it, and the whole mail that it stands in; `group` is its phrase or mail."""

    text: str
    mail: str
    labels: frozenset[str]
    language: str
    group: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """All examples with the labels that get a head; `intents` are those labels that are a customer's matter.

    `mails` are the labelled mails among them, each with the number of its group. `own` are the sentences
    of intents that only the playbook has.
    """

    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    intents: tuple[str, ...]
    mails: tuple[tuple[int, labelled.Mail], ...] = ()
    own: tuple[str, ...] = ()

    def without(self, groups: Collection[int]) -> "Corpus":
        """The corpus without some phrases and mails."""
        return replace(
            self,
            examples=tuple(example for example in self.examples if example.group not in groups),
            mails=tuple(pair for pair in self.mails if pair[0] not in groups),
        )


def build(intents: Sequence[Intent], seed: int, *, without: str = "") -> Corpus:
    """The corpus from phrases, labelled mails and the intents' own example sentences; the same seed gives the same corpus.

    `without` leaves the mails of one author out, to see how the others' carry over to him.
    """
    rng = random.Random(seed)
    grammars = [grammar.load(grammar.PHRASES, language) for language in LANGUAGES]
    known = grammar.names() - _NO_MATTER - _NO_HEAD
    matters = own.matters(intents, known, RISKS)
    examples: list[Example] = []
    group = 0
    for spoken in grammars:
        neutral = [phrase for phrase in spoken.phrases if phrase.labels == {"context"}]
        for phrase in spoken.phrases:
            examples += _spoken(replace(phrase, labels=matters.renamed(phrase.labels)), spoken, neutral, rng, group)
            group += 1
    mails: list[tuple[int, labelled.Mail]] = []
    for intent, language, sentence in _own_sentences(intents):
        labels = frozenset({intent, "ask"} if _asks(sentence) else {intent})
        texts = [plain(noisy(sentence, language, rng)) for _ in range(4)]
        examples += [Example(text, text, labels, language, group) for text in texts]
        spoken_there = next((spoken for spoken in grammars if spoken.language == language), None)
        said = labelled.Sentence(sentence, labels)
        made = own.mails(said, intent, language, spoken=spoken_there, rng=rng)
        for mail in made if intent in matters.own else ():
            examples += _of_mail(mail, rng, group, spellings=1)
            mails.append((group, mail))
        group += 1
    for mail in labelled.load(MAILS, languages=LANGUAGES):
        if mail.author == without:
            continue
        examples += _of_mail(matters.of_mail(mail), rng, group, spellings=_PER_SENTENCE)
        mails.append((group, matters.of_mail(mail)))
        group += 1
    asked = known - matters.foreign | {intent.name for intent in intents} | ({own.ANOTHER} if matters.foreign else set())
    heads = tuple(dict.fromkeys([*sorted(asked), *RISKS, *SIGNS]))
    kept = tuple(example for example in examples if example.text)
    mine = tuple(plain(sentence) for intent, _, sentence in _own_sentences(intents) if intent in matters.own)
    return Corpus(kept, heads, tuple(sorted(asked - _NO_MATTER)), tuple(mails), mine)


def _own_sentences(intents: Sequence[Intent]) -> Iterator[tuple[str, str, str]]:
    """Each sentence of the playbook with its intent and language."""
    for intent in intents:
        for language, sentences in intent.examples.items():
            for sentence in sentences:
                yield intent.name, language, sentence


def _spoken(
    phrase: grammar.Phrase, spoken: grammar.Grammar, neutral: Sequence[grammar.Phrase], rng: random.Random, group: int
) -> list[Example]:
    found: list[Example] = []
    for sentence in grammar.several(phrase.pattern, spoken.slots, rng, count=_PER_PHRASE):
        text = plain(noisy(sentence, spoken.language, rng))
        found.append(Example(text, _around(text, spoken, neutral, rng), phrase.labels, spoken.language, group))
        if rng.random() < _RUN_ONS:
            other = grammar.expand(rng.choice(neutral).pattern, spoken.slots, rng)
            joined = _joined(other, sentence, spoken.language, rng)
            text = plain(noisy(joined, spoken.language, rng))
            found.append(Example(text, text, phrase.labels, spoken.language, group))
    return found


def _around(text: str, spoken: grammar.Grammar, neutral: Sequence[grammar.Phrase], rng: random.Random) -> str:
    """A mail of this sentence alone, or with background around it."""
    if rng.random() >= _IN_A_MAIL:
        return text
    others = [plain(grammar.expand(rng.choice(neutral).pattern, spoken.slots, rng)) for _ in range(rng.randint(1, 3))]
    others.insert(rng.randint(0, len(others)), text)
    return whole(others)


def _of_mail(mail: labelled.Mail, rng: random.Random, group: int, *, spellings: int) -> list[Example]:
    """Each sentence in its mail, in several spellings, and the mail as a whole with all its matters."""
    lines = [*([mail.subject] if mail.subject else []), *mail.sentences]
    found: list[Example] = []
    for number in range(spellings):
        spelt = [plain(noisy(line.text, mail.language, rng) if number else line.text) for line in lines]
        text = whole(spelt)
        found += [
            Example(one, text, line.labels - _NO_HEAD, mail.language, group) for one, line in zip(spelt, lines, strict=True)
        ]
        found.append(Example(text, text, mail.requests | _signs(mail), mail.language, group))
    return found


def _signs(mail: labelled.Mail) -> frozenset[str]:
    return frozenset(label for line in mail.sentences for label in line.labels if label in RISKS or label in SIGNS)


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
