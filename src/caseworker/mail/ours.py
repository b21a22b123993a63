"""Recognises text that we sent, however it was re-wrapped or quoted: by runs of words, in no particular language."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

_RUN = 5
_WORD = re.compile(r"\w+")


class OurWords:
    """Runs of five words of our earlier mails. A line is ours when at least four fifths of its runs are."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._runs: set[tuple[str, ...]] = set()
        self._lines: set[str] = set()
        for text in texts:
            words = _words(text)
            self._runs.update(tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1))
            self._lines.update(" ".join(_words(line)) for line in text.split("\n"))
        self._lines.discard("")

    def marks(self, lines: Sequence[str]) -> list[bool]:
        """Which lines are ours. Short lines (a greeting, a name) count only next to a long one that is ours."""
        if not self._runs:
            return [False] * len(lines)
        words = [_words(line[:4000]) for line in lines]
        long = [self._is_ours(line) for line in words]
        marks = list(long)
        for order in (range(1, len(lines)), range(len(lines) - 2, -1, -1)):
            step = 1 if order.step > 0 else -1
            for i in order:
                if not marks[i] and marks[i - step] and " ".join(words[i]) in self._lines:
                    marks[i] = True
        return marks

    def _is_ours(self, words: list[str]) -> bool:
        runs = [tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)]
        return bool(runs) and sum(run in self._runs for run in runs) * 5 >= len(runs) * 4


def equal_text_hash(text: str) -> str:
    """Equal for texts that differ only in case, spaces, punctuation or Unicode form; `""` has one too. 32 hex digits."""
    return hashlib.sha256(" ".join(_words(text)).encode()).hexdigest()[:32]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
