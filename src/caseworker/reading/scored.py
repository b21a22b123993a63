"""The probabilities of one mail: by sentence, by clause, and of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caseworker.reading.heads import Heads, Matrix
from caseworker.reading.ports import Encoder
from caseworker.reading.sentences import Sentence, clauses

WHOLE_WORDS = 120  # of a mail that are encoded at once; long input is slow and blurred


@dataclass(frozen=True, slots=True)
class Scored:
    """Sentences with their probabilities (one row each) and those of the whole mail (one row).

    `clauses` are parts of long sentences, each with the number of its sentence and a row of its own in `clause_rows`.
    """

    sentences: Sequence[Sentence]
    rows: Matrix
    clauses: Sequence[tuple[int, Sentence]]
    clause_rows: Matrix
    mail: Matrix
    heads: Heads
    language: str

    def of(self, label: str) -> Matrix:
        """Probabilities of one label over the sentences; zeros where it was not trained."""
        column = self.heads.column(label)
        return self.rows[:, column] if column is not None else np.zeros(len(self.sentences), dtype=np.float32)

    def whole(self, label: str) -> float:
        """Probability of one label for the mail as a whole."""
        column = self.heads.column(label)
        return float(self.mail[column]) if column is not None and self.mail.size else 0.0


def score(subject: Sequence[Sentence], spoken: Sequence[Sentence], heads: Heads, encoder: Encoder, *, language: str) -> Scored:
    """The sentences of a mail, greeting and signature left out, with their probabilities."""
    sentences = [sentence for sentence in (*subject, *spoken) if sentence.plain]
    parts = [(number, part) for number, sentence in enumerate(sentences) for part in clauses(sentence)]
    texts = [*(s.plain for s in sentences), *(part.plain for _, part in parts)]
    rows = heads.scores(texts, whole([s.plain for s in sentences]), encoder)
    count = len(sentences)
    return Scored(sentences, rows[:count], parts, rows[count:-1], rows[-1], heads, language)


def whole(sentences: Sequence[str]) -> str:
    """The beginning of a mail as one text, as it is encoded."""
    return " ".join(" ".join(sentences).split()[:WHOLE_WORDS])
