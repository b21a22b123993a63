"""From the sentences to the mail: how sure is it that a matter has to be handled?

A small network, learned on labelled mails that the heads had not seen, weighs for each intent what the sentences, the clauses,
the subject and the mail as a whole say of it, what they say of other intents, and what the words say (`cues`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from caseworker.reading import cues
from caseworker.reading.encoder import fold
from caseworker.reading.heads import Heads, Matrix, sigmoid
from caseworker.reading.relations import ABSORBS, ABSORBS_STORY
from caseworker.reading.scored import Scored

_LOWEST = -9.2  # the log-odds of a probability of one in ten thousand: nothing was said
COUNT = 26  # figures per intent


@dataclass(frozen=True, slots=True)
class _Words:
    """What the words of a mail say of one intent: its narrow pattern, its broad anchors, its denial; 0 or 1 each."""

    strong: float
    anchored: float
    denied: float


def figures(scored: Scored, heads: Heads) -> Matrix:
    """What speaks for and against each intent, shape (intents, COUNT)."""
    columns = [heads.labels.index(name) for name in heads.intents]
    odds = _odds(scored.rows[:, columns])
    whole = _odds(scored.mail[columns])
    clauses = _odds(scored.clause_rows[:, columns]).max(axis=0) if len(scored.clauses) else np.full(len(columns), _LOWEST)
    in_body = np.array([sentence.source == "body" for sentence in scored.sentences])
    body = odds[in_body] if in_body.any() else odds
    subject = odds[~in_body].max(axis=0) if (~in_body).any() else np.full(len(columns), _LOWEST)
    best = np.where(in_body[:, None], odds, -99).argmax(axis=0) if in_body.any() else odds.argmax(axis=0)
    folded = [fold(sentence.text) for sentence in scored.sentences]
    first, second = body.max(axis=0), np.sort(body, axis=0)[-2] if len(body) > 1 else np.full(len(columns), _LOWEST)
    mail = _Mail(scored, heads.intents, odds, whole, first, second, clauses, subject, best, folded)
    return np.array([mail.of(number) for number in range(len(columns))], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Mail:
    """Log-odds of one mail, by sentence and intent, with the best of each intent."""

    scored: Scored
    intents: tuple[str, ...]
    odds: Matrix
    whole: Matrix
    first: Matrix
    second: Matrix
    clauses: Matrix
    subject: Matrix
    best: Matrix
    folded: list[str]

    def of(self, number: int) -> list[float]:
        """The figures of one intent."""
        intent, row = self.intents[number], int(self.best[number])
        asked = self.scored.of("ask")
        words = _words(intent, self.folded)
        own, whole = self.first[number], self.whole[number]
        others, wholes = np.delete(self.first, number), np.delete(self.whole, number)
        beside = np.delete(self.odds[row], number)
        top = max(own, self.subject[number], whole)
        return [
            *(own, self.second[number], self.subject[number], whole, self.clauses[number]),
            *(float(asked[row]), float(asked.max()), words.strong, words.anchored, words.denied),
            *(others.max(), own - others.max(), whole - wholes.max(), self.odds[row, number] - beside.max()),
            *(self._taking_over(intent, ABSORBS), self._taking_over(intent, ABSORBS_STORY), float(np.log(len(self.odds)))),
            *(float(cues.is_past(self.folded[row])), float(self.scored.of("thanks").max())),
            *(self.scored.whole("out_of_scope"), float(row == len(self.odds) - 1), top),
            *(words.strong * max(own, whole), float(own >= self.first.max() - 1e-9)),
            *(float(whole >= self.whole.max() - 1e-9), float((self.first > -0.5).sum())),
        ]

    def _taking_over(self, intent: str, table: Mapping[str, frozenset[str]]) -> float:
        """The surest intent whose story this one may be a part of."""
        odds = [self.first[k] for k, other in enumerate(self.intents) if intent in table.get(other, frozenset())]
        return float(max(odds, default=_LOWEST))


def _words(intent: str, folded: list[str]) -> _Words:
    return _Words(
        float(any(cues.is_strong(intent, text) for text in folded)),
        float(any(cues.is_anchored(intent, text) for text in folded)),
        float(any(cues.is_denied(intent, text) for text in folded)),
    )


def _odds(probabilities: Matrix) -> Matrix:
    held = np.clip(probabilities, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(held / (1 - held)), dtype=np.float32)


def judge(scored: Scored, heads: Heads, likely: Mapping[str, float]) -> dict[str, float]:
    """The probability, by intent, that the mail wants it handled; `likely` are log-odds of what else is known."""
    if not len(scored.sentences):
        return {}
    known = np.array([likely.get(name, 0.0) for name in heads.intents], dtype=np.float32)
    weighed = weigh(figures(scored, heads)[None], heads.verdict)[0] + known
    return {name: float(p) for name, p in zip(heads.intents, sigmoid(weighed), strict=True)}


def weigh(shown: Matrix, net: Mapping[str, Matrix]) -> Matrix:
    """Log-odds of (mails, intents, COUNT) figures, shape (mails, intents)."""
    mails, intents, _ = shown.shape
    named = np.broadcast_to(np.eye(intents, dtype=np.float32), (mails, intents, intents))
    inputs = np.concatenate([(shown - net["mean"]) / net["scale"], named], axis=2)
    units = np.maximum(inputs @ net["hidden"] + net["hidden_bias"], 0)
    return np.asarray((units @ net["weights"] + net["bias"])[:, :, 0], dtype=np.float32)
