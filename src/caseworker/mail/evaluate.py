"""How well the new words are found, measured on pairs "mail -> expected new text". Pure: files in, figures out."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from caseworker.core.errors import MailError
from caseworker.mail.newtext import new_text

_HTML = re.compile(r"\s*<(?:\?xml|!doctype|html|head|body|div|p)[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """`expected` is the exact new text; where it is None every string of `must` has to be found and none of `must_not`."""

    id: str
    corpus: str
    input: str
    expected: str | None
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    html: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """One pair: characters (letters and digits only) of the customer that were lost, and of history that was left in."""

    id: str
    exact: bool
    expected: int
    lost: int
    left: int
    history: int
    everything_lost: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are 0 to 1. `lost` and `left` are counted in characters over all pairs, `left` against all history there was.

    `left_mails` is the share of mails in which any history was left.
    """

    pairs: int
    exact: float
    lost: float
    left: float
    left_mails: float
    everything_lost: int
    misses: tuple[str, ...] = field(default=())


def evaluate_pairs(path: Path) -> dict[str, Figures]:
    """Figures for each corpus in a JSON-lines file, and for all of it under `all`.

    Raises `MailError` for a file that is none.
    """
    judged: dict[str, list[Judgement]] = {"all": []}
    for pair in read_pairs(path):
        judgement = judge(pair)
        judged["all"].append(judgement)
        judged.setdefault(pair.corpus, []).append(judgement)
    return {corpus: figures(judgements) for corpus, judgements in judged.items()}


def read_pairs(path: Path) -> Iterator[Pair]:
    """`html` where the mail is HTML: said by the row, or by the corpus name."""
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield _pair(json.loads(line))
    except (OSError, ValueError, KeyError) as error:
        raise MailError(
            f"{path} cannot be read as pairs: {error}.", remedy="Give JSON lines with id, corpus, input, expected."
        ) from error


def judge(pair: Pair) -> Judgement:
    """Compares letters and digits only, case-folded, NFKC."""
    result = new_text("", html=pair.input) if pair.html else new_text(pair.input)
    got, whole = plain(result.text), plain(pair.input)
    if pair.expected is None:
        missing = [text for text in pair.must if plain(text) not in got]
        extra = [text for text in pair.must_not if plain(text) in got]
        wanted = sum(len(plain(text)) for text in pair.must)
        return Judgement(
            pair.id,
            exact=not missing and not extra,
            expected=wanted,
            lost=sum(len(plain(text)) for text in missing),
            left=sum(len(plain(text)) for text in extra),
            history=sum(len(plain(text)) for text in pair.must_not),
            everything_lost=bool(pair.must) and len(missing) == len(pair.must),
        )
    expected = plain(pair.expected)
    common = (
        sum(block.size for block in SequenceMatcher(None, expected, got, autojunk=False).get_matching_blocks())
        if got != expected
        else len(got)
    )
    if expected and expected in got:
        common = len(expected)
    return Judgement(
        pair.id,
        exact=got == expected,
        expected=len(expected),
        lost=len(expected) - common,
        left=len(got) - common,
        history=max(len(whole) - len(expected), len(got) - common),
        everything_lost=bool(expected) and not got,
    )


def figures(judgements: Iterable[Judgement]) -> Figures:
    """Adds up."""
    rows = list(judgements)
    total = len(rows) or 1
    expected = sum(row.expected for row in rows) or 1
    history = sum(row.history for row in rows) or 1
    return Figures(
        pairs=len(rows),
        exact=sum(row.exact for row in rows) / total,
        lost=sum(row.lost for row in rows) / expected,
        left=sum(row.left for row in rows) / history,
        left_mails=sum(row.left > 0 for row in rows) / total,
        everything_lost=sum(row.everything_lost for row in rows),
        misses=tuple(row.id for row in rows if not row.exact),
    )


def plain(text: str) -> str:
    """Letters and digits only, case-folded, NFKC."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def _pair(row: Mapping[str, object]) -> Pair:
    expected = row.get("expected")
    must, must_not = row.get("must"), row.get("mustnot")
    text, corpus = str(row["input"]), str(row["corpus"])
    return Pair(
        id=str(row["id"]),
        corpus=corpus,
        input=text,
        expected=None if expected is None else str(expected),
        must=tuple(str(item) for item in must) if isinstance(must, list) else (),
        must_not=tuple(str(item) for item in must_not) if isinstance(must_not, list) else (),
        html=bool(row.get("html")) or "html" in corpus or bool(_HTML.match(text[:200])),
    )
