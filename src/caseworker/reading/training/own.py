"""What a retailer's own intents add to the training set: their sentences, alone and in the midst of mails.

A mail says more than its matter, so each sentence is shown among sentences that ask for nothing. Matters that Caseworker knows
and the playbook does not are one label, `another_matter`: such a mail goes to people. What is said of them in nearly the words
of an own intent teaches nothing: the playbook may call that matter by another name.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from caseworker.reading.heads import Matrix
from caseworker.reading.model import Intent
from caseworker.reading.training import grammar, labelled

ANOTHER = "another_matter"
NEAR = 0.6  # cosine of two sentences from which on they may mean the same
_MAILS = 6  # made of each own sentence


@dataclass(frozen=True, slots=True)
class Matters:
    """`own`: intents of the playbook that Caseworker has no sentences of; `foreign`: matters of Caseworker it does not have."""

    own: frozenset[str]
    foreign: frozenset[str]

    def renamed(self, labels: Collection[str]) -> frozenset[str]:
        """Labels with `another_matter` for each foreign one."""
        return frozenset(ANOTHER if label in self.foreign else label for label in labels)

    def of_mail(self, mail: labelled.Mail) -> labelled.Mail:
        """A labelled mail in the playbook's words."""
        sentences = tuple(replace(line, labels=self.renamed(line.labels)) for line in mail.sentences)
        subject = replace(mail.subject, labels=self.renamed(mail.subject.labels)) if mail.subject else None
        return replace(mail, requests=self.renamed(mail.requests), subject=subject, sentences=sentences)


def matters(intents: Sequence[Intent], known: Collection[str], risks: Collection[str]) -> Matters:
    """How a playbook's intents stand to the `known` matters and risks; without intents all matters are meant."""
    names = {intent.name for intent in intents}
    return Matters(frozenset(names - {*known, *risks}), frozenset(set(known) - names) if names else frozenset())


def mails(
    said: labelled.Sentence, intent: str, language: str, *, spoken: grammar.Grammar | None, rng: random.Random
) -> Iterator[labelled.Mail]:
    """Mails that say one own sentence and, before and after it, what asks for nothing; alone where no such are `spoken`."""
    neutral = [phrase for phrase in spoken.phrases if phrase.labels == {"context"}] if spoken else []
    for number in range(_MAILS if spoken else 1):
        count = rng.choice((0, 1, 1, 2, 2, 3)) if neutral else 0
        beside = [grammar.expand(rng.choice(neutral).pattern, spoken.slots, rng) for _ in range(count)] if spoken else []
        lines = [labelled.Sentence(text, frozenset()) for text in beside]
        lines.insert(rng.randint(0, len(lines)), said)
        yield labelled.Mail(f"own{number}", language, frozenset({intent}), None, tuple(lines))


def too_near(labels: Sequence[Collection[str]], vectors: Matrix, mine: Matrix) -> list[bool]:
    """Which sentences are of another matter, in nearly the words of an own one; `vectors` are theirs, `mine` those."""
    if not len(mine):
        return [False] * len(labels)
    return [ANOTHER in said and float((mine @ vector).max()) >= NEAR for said, vector in zip(labels, vectors, strict=True)]
