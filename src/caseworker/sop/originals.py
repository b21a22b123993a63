"""What of a case must not stand in a text that is made of it: every group of letters or digits of its values. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable

LEAST = 3  # characters of a group that is searched for
_RUN = re.compile(r"[^\W_]+")
_PURE = re.compile(r"\d+|[^\W\d_]+")


class Originals:
    """The groups of the values of one case. `free` are words that may stand: those of the playbook and of the stand-ins.

    A group is a run of letters, a run of digits, or a run of both that is held by no other sign.
    """

    def __init__(self, texts: Iterable[str], free: Collection[str]) -> None:
        self._free = frozenset(group for text in free for group in pure_groups(text))
        whole, pure = set[str](), set[str]()
        for text in texts:
            whole.update(_RUN.findall(_folded(text)))
            pure.update(pure_groups(text))
        self._pure = frozenset(group for group in pure - self._free if len(group) >= LEAST)
        self._mixed = frozenset(group for group in whole - pure if len(group) >= LEAST)

    def told_by(self, text: str) -> bool:
        """Whether a group of the case stands in a text, whatever its case and whatever stands around it."""
        if any(original in run for run in _RUN.findall(_folded(text)) for original in self._mixed):
            return True
        shown = {group for group in pure_groups(text) if len(group) >= LEAST} - self._free
        return any(original in group for group in shown for original in self._pure)


def pure_groups(text: str) -> list[str]:
    """The runs of letters and the runs of digits of a text, in small letters."""
    return _PURE.findall(_folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
