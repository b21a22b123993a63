"""Labelled mails: what customers write, sentence by sentence, by several authors. Form of a file:

    = en | return_item
    S: those boots [return_item]
    The Chelsea boots pinch. [return_item]
    I only wore them in the hall. [-]

`=` starts a mail with its language and the matters that have to be handled (`none` for none); `S:` is the subject; every
other line is one sentence with its labels (`-` for none; a subject may go without). The name of a file begins with its author,
up to the first `_`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from caseworker.core.errors import ReadingError

_SENTENCE = re.compile(r"^(?P<text>.*\S)\s*\[(?P<labels>[^\[\]]*)\]$")
_REMEDY = "See the form in docs/reference/labelled-mails.md."


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as written, with what it says."""

    text: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mail:
    """One labelled mail; `requests` are the matters that have to be handled, in no order."""

    author: str
    language: str
    requests: frozenset[str]
    subject: Sentence | None
    sentences: tuple[Sentence, ...]

    @property
    def body(self) -> str:
        """The mail as its author typed it, one sentence a line."""
        return "\n".join(sentence.text for sentence in self.sentences)


def load(folder: Path, *, languages: Iterable[str]) -> tuple[Mail, ...]:
    """Every `*.txt` of a folder, in the order of the names. Raises `ReadingError` naming the line that is wrong."""
    wanted = frozenset(languages)
    return tuple(mail for path in sorted(folder.glob("*.txt")) for mail in _file(path) if mail.language in wanted)


def _file(path: Path) -> list[Mail]:
    author = path.stem.partition("_")[0]
    found: list[Mail] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("= "):
            language, _, matters = line[2:].partition("|")
            requests = frozenset(word for word in re.split(r"[,\s]+", matters) if word and word != "none")
            found.append(Mail(author, language.strip(), requests, None, ()))
        elif not found:
            raise ReadingError(f"{path.name}:{number} stands before the first `= language | matters`.", remedy=_REMEDY)
        else:
            found[-1] = _with_line(found[-1], line, f"{path.name}:{number}")
    return found


def _with_line(mail: Mail, line: str, where: str) -> Mail:
    match = _SENTENCE.match(line if line.endswith("]") or not line.startswith("S:") else f"{line} [-]")
    if match is None:
        raise ReadingError(f"{where} does not end with its labels in square brackets.", remedy=_REMEDY)
    text, labels = match["text"], frozenset(word for word in re.split(r"[,\s]+", match["labels"]) if word not in ("", "-"))
    if text.startswith("S:"):
        return Mail(mail.author, mail.language, mail.requests, Sentence(text[2:].strip(), labels), mail.sentences)
    return Mail(mail.author, mail.language, mail.requests, mail.subject, (*mail.sentences, Sentence(text, labels)))
