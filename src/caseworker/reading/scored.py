"""The probabilities of one mail: by sentence, by clause, and of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caseworker.reading.heads import Heads, Matrix
from caseworker.reading.sentences import Sentence


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
