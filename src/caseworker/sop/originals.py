"""What of a case must not stand in a text that is made of it: every group of letters or digits of its values. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

from caseworker.core.refs import Ref

LEAST = 3  # characters of a group that is searched for
QUANTITY = 3  # digits up to which a number is a quantity, which says nothing of a person
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
        self._lengths = {groups: sorted({len(group) for group in groups}) for groups in (self._pure, self._mixed)}
        self._joined = " ".join(sorted(self._pure))

    def told_by(self, text: str) -> bool:
        """Whether a group of the case, or a part of one, stands in a text, whatever its case and whatever stands around it."""
        if any(self._holds(run, self._mixed) for run in _RUN.findall(_folded(text))):
            return True
        shown = {group for group in pure_groups(text) if len(group) >= LEAST} - self._free
        return any(group in self._joined or self._holds(group, self._pure) for group in shown)

    def _holds(self, shown: str, originals: frozenset[str]) -> bool:
        """Looked up by length, so that it does not matter how many values a case has."""
        return any(
            shown[at : at + length] in originals
            for length in self._lengths[originals]
            if length <= len(shown)
            for at in range(len(shown) - length + 1)
        )


def pure_groups(text: str) -> list[str]:
    """The runs of letters and the runs of digits of a text, in small letters."""
    return _PURE.findall(_folded(text))


def texts_in(value: object) -> Iterator[str]:
    """Every text of a tree, with its keys, its references and those numbers that are no quantities."""
    match value:
        case Mapping():
            for key, item in value.items():
                yield str(key)
                yield from texts_in(item)
        case list() | tuple():
            for item in value:
                yield from texts_in(item)
        case Ref():
            yield value.id
        case str():
            yield value
        case int() | float() if not is_quantity(value):
            yield str(value)


def is_quantity(value: float) -> bool:
    """Whether a number is yes or no, or has few digits."""
    return isinstance(value, bool) or sum(char.isdigit() for char in str(value)) <= QUANTITY


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
