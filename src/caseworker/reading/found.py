"""What is found in a mail before its fields: requests with the sentences that say them."""

from dataclasses import dataclass

from caseworker.reading.sentences import Sentence

ACCEPT = 0.5  # from this confidence on a request counts
ACCEPT_TO_ACT = 0.55  # where the procedure would change something
AT_LEAST = 0.1  # below it an intent is ruled out, whatever single words say


@dataclass(frozen=True, slots=True)
class Found:
    """One request before its fields: intent, how sure, the sentence that says it best, all sentences that speak of it.

    `parts` are its clauses where it shares a sentence with another request of the mail.
    """

    intent: str
    confidence: float
    best: Sentence
    sentences: tuple[Sentence, ...]
    asked: bool
    wish: str = ""
    parts: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Sense:
    """What a mail is about, without fields."""

    requests: tuple[Found, ...]
    risks: tuple[str, ...]
    mood: float
    chaser: bool
    thanks: bool
    out_of_scope: float
    unclear: Sentence | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A sentence that may speak of an intent; `asked` is how sure it is that it asks for something."""

    sentence: Sentence
    intent: str
    probability: float
    asked: float


def within(inner: Sentence, outer: Sentence) -> bool:
    """The span of one sentence lies in that of the other."""
    return inner.source == outer.source and outer.start <= inner.start and inner.end <= outer.end
