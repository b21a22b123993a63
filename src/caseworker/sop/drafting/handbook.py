"""A policy document as sections with line numbers, and its sentences, so that every quotation can be looked up."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from caseworker.core.errors import UsageError

MAX_BYTES = 1024 * 1024
SECTION = 6000  # characters that a model is given at once
_LEAST_WORDS = 3  # of a quotation that is less than a sentence

_ATX = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t#]*")
_UNDERLINE = re.compile(r"(=+|-{3,})[ \t]*")
_FENCE = re.compile(r"[ \t]*(```|~~~)")
_NUMBERED = re.compile(r"(\d+(?:\.\d+)*)[.)]?[ \t]+(\S.{0,79})")
_ITEM = re.compile(r"^[ \t]*(?:(?:[-*+•]|\d+[.)])[ \t]+|\|)")
_MARKUP = re.compile(r"\*\*|__|[*`]|(?<!\w)_|_(?!\w)")
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[^\W\d_a-zäöü])")  # a digit goes on after "e.g." or "No."
_QUOTES = str.maketrans(dict.fromkeys("„“”«»", '"') | dict.fromkeys("‘’", "'") | dict.fromkeys("–—", "-") | {"\u00a0": " "})

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the handbook; `line` is where it begins."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    starts: tuple[tuple[int, int], ...]  # (offset, line) of each line of it

    def line(self, offset: int) -> int:
        return [line for start, line in self.starts if start <= offset][-1]


@dataclass(frozen=True, slots=True)
class Section:
    """What a model is asked about at once. `title` names the headings above it; `lines` are numbered from 1."""

    number: int
    title: str
    lines: tuple[Line, ...]
    _paragraphs: tuple[_Paragraph, ...] = field(default=(), repr=False)

    @property
    def line(self) -> int:
        return self.lines[0][0]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences, headings left out."""
        return tuple(
            Sentence(paragraph.text[start:end], paragraph.line(start))
            for paragraph in self._paragraphs
            for start, end in _spans(paragraph.text)
        )

    def find(self, quote: str) -> int | None:
        """The line where a quotation stands word for word (but for line breaks, emphasis and typographic signs)."""
        wanted = plain(quote)
        for paragraph in self._paragraphs:
            offset = paragraph.text.find(wanted) if wanted else -1
            if offset >= 0 and (len(wanted.split()) >= _LEAST_WORDS or wanted in {s.text for s in self.sentences}):
                return paragraph.line(offset)
        return None


def decode(raw: bytes) -> str:
    """The text of a handbook. Raises UsageError where it is none."""
    if len(raw) > MAX_BYTES:
        message = f"The handbook has {len(raw) / MAX_BYTES:.1f} MB; up to 1 MB is read."
        raise UsageError(message, remedy="Give the chapters about customer service only.")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UsageError("The handbook is not written in UTF-8.", remedy="Save it as Markdown or text in UTF-8.") from error
    if "\0" in text:
        raise UsageError("The handbook is no text.", remedy="Save it as Markdown or text; PDF and Word files are not read.")
    if not text.strip():
        raise UsageError("The handbook is empty.", remedy="Give a file with words in it.")
    return text


def split(text: str) -> tuple[Section, ...]:
    """Its sections: whole chapters where they are short, else their parts. Raises UsageError where there is no heading."""
    lines = list(enumerate(text.split("\n"), start=1))
    heads = _headings(lines) or _plain_headings(lines)
    if not heads:
        remedy = "Mark the matters with headings, such as `# Returns` on a line of its own."
        raise UsageError("The handbook has no headings, so its matters cannot be told apart.", remedy=remedy)
    before = [("(before the first heading)", tuple(lines[: heads[0].index]))]
    parts = [*before, *_chapters(lines, heads)]
    pieces = [(title, piece) for title, part in parts for piece in _pieces(part)]
    titles = frozenset(lines[head.index][0] for head in heads)
    kept = [(title, piece, _paragraphs(piece, titles)) for title, piece in pieces]
    kept = [entry for entry in kept if entry[2]]
    if not kept:
        raise UsageError("The handbook has headings and nothing below them.", remedy="Give a file with words in it.")
    return tuple(Section(number, title, piece, words) for number, (title, piece, words) in enumerate(kept))


def plain(text: str) -> str:
    """A text as it is compared: one line, without emphasis, with simple quotation marks."""
    return " ".join(_MARKUP.sub("", text.translate(_QUOTES)).split())


# -- headings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    index: int  # of its line, from 0


def _headings(lines: Sequence[Line]) -> list[_Heading]:
    """Markdown's: `# Title`, or a title with a line of = or - below it."""
    found: list[_Heading] = []
    fenced = False
    for index, (_, line) in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        below = _UNDERLINE.fullmatch(lines[index + 1][1]) if index + 1 < len(lines) else None
        if (match := _ATX.fullmatch(line)) and match[2]:
            found.append(_Heading(len(match[1]), plain(match[2]), index))
        elif below and _stands_alone(lines, index, below=False):
            found.append(_Heading(1 if below[1].startswith("=") else 2, plain(line), index))
    return found


def _plain_headings(lines: Sequence[Line]) -> list[_Heading]:
    """Those of plain text: a short numbered line, or one in capitals, with nothing above and below."""
    found: list[_Heading] = []
    for index, (_, line) in enumerate(lines):
        text = line.strip()
        if not text or text[-1] in ".;,!?" or not _stands_alone(lines, index, below=True):
            continue
        if match := _NUMBERED.fullmatch(text):
            found.append(_Heading(match[1].count(".") + 1, text.rstrip(":"), index))
        elif len(text) <= 80 and text.isupper() and sum(map(str.isalpha, text)) >= 4:
            found.append(_Heading(1, text.rstrip(":"), index))
    return found


def _stands_alone(lines: Sequence[Line], index: int, *, below: bool) -> bool:
    above = index == 0 or not lines[index - 1][1].strip()
    free = not below or index + 1 == len(lines) or not lines[index + 1][1].strip()
    return bool(lines[index][1].strip()) and not _ITEM.match(lines[index][1] if not below else "") and above and free


def _chapters(lines: Sequence[Line], heads: Sequence[_Heading]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """A heading with all that is below it where that is short; otherwise its own words, and then its parts."""
    trail: list[_Heading] = []
    index = 0
    while index < len(heads):
        head = heads[index]
        trail = [*(above for above in trail if above.level < head.level), head]
        after = next((n for n in range(index + 1, len(heads)) if heads[n].level <= head.level), len(heads))
        whole = tuple(lines[head.index : heads[after].index if after < len(heads) else len(lines)])
        is_title = index == 0 and after == len(heads)
        title = " > ".join(above.title for above in trail)
        if not is_title and sum(len(text) + 1 for _, text in whole) <= SECTION:
            yield title, whole
            index = after
            continue
        end = heads[index + 1].index if index + 1 < len(heads) else len(lines)
        yield title, tuple(lines[head.index : end])
        index += 1


def _pieces(lines: Sequence[Line]) -> Iterator[tuple[Line, ...]]:
    """Lines in portions of `SECTION` characters, cut at a blank line where there is one."""
    portion: list[Line] = []
    size = 0
    for number, line in lines:
        for start in range(0, max(len(line), 1), SECTION):
            text = line[start : start + SECTION]
            full = size + len(text) > SECTION
            if portion and (full or (not text.strip() and size > SECTION * 3 // 4)):
                yield tuple(portion)
                portion, size = [], 0
            portion.append((number, text))
            size += len(text) + 1
    if portion:
        yield tuple(portion)


# -- sentences ---------------------------------------------------------------------------------------------------------


def _paragraphs(lines: Sequence[Line], titles: frozenset[int]) -> tuple[_Paragraph, ...]:
    """Words that belong together: a list item, a row of a table, or lines up to a blank one. Headings are left out."""
    groups: list[list[Line]] = [[]]
    for number, line in lines:
        if number in titles or not line.strip() or _UNDERLINE.fullmatch(line) or _FENCE.match(line):
            groups.append([])
            continue
        if _ITEM.match(line):
            groups.append([])
        groups[-1].append((number, _ITEM.sub("", line) if not line.lstrip().startswith("|") else line))
    return tuple(made for group in groups if (made := _paragraph(group)).text)


def _paragraph(group: Sequence[Line]) -> _Paragraph:
    text, starts = "", []
    for number, line in group:
        words = plain(line)
        text = f"{text} {words}" if text else words
        starts.append((len(text) - len(words), number))
    return _Paragraph(text if any(map(str.isalpha, text)) else "", tuple(starts))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        yield start, match.start()
        start = match.end()
    if start < len(text):
        yield start, len(text)
