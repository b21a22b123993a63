"""The encoder that is always there: hashed words and character n-grams."""

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+|[?!]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "’": "'"})


def fold(text: str) -> str:
    """Lower case with umlauts written out, so that `Rückgabe` and `rueckgabe` are one word."""
    return text.lower().translate(_UMLAUTS)


@dataclass(frozen=True, slots=True)
class TfidfEncoder:
    """Hashed words and character n-grams: no weights, no languages, far less meaning. The heads trained on it abstain more."""

    name: str = "tfidf"
    dimension: int = 1024
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(f"hashed n-grams 1, {self.dimension}".encode()).hexdigest())

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 of shape (n, dimension); rare features weigh more by their length."""
        return _hashed(sentences, self.dimension)


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(fold(text)):
        yield word, min(1.5, 0.3 + 0.15 * len(word))
        padded = f"<{word}>"
        for length in (3, 4, 5):
            for start in range(len(padded) - length + 1):
                yield padded[start : start + length], 0.15 * length / 3


def _hashed(sentences: Sequence[str], dimension: int) -> NDArray[np.float32]:
    matrix = np.zeros((len(sentences), dimension), dtype=np.float32)
    for row, sentence in enumerate(sentences):
        for feature, weight in _features(sentence):
            code = zlib.crc32(feature.encode())
            matrix[row, code % dimension] += weight if code & 0x80000000 else -weight
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.maximum(lengths, 1e-9), dtype=np.float32)
