"""From new words to sentences: capped, split, each with its span in the source, and a plain form for the encoder.

Spans point into the text as it was given, so that evidence stays verbatim. The plain form has order numbers taken out,
other numbers masked and shouting lowered, because numbers and capitals move the sentence vector more than words do.
"""

import re
from dataclasses import dataclass, replace

from caseworker.reading.words import groups

MAX_CHARACTERS = 8_000
MAX_SENTENCES = 60

_ABBREVIATIONS = frozenset(word for line in groups("abbreviations") for word in line.split())
_BREAK = re.compile(r"[.!?…]+[\"'”“»)\]]*(?=\s|$)|[!?]+(?=[A-ZÄÖÜ])|\n+|\s[-–—•*]\s(?=\S)|;(?=\s)")
_BULLET = re.compile(r"^[\s>]*(?:[-–—•*·]|\(?\d{1,2}[.)]|[a-c]\))\s+")
_CLOSING = re.compile(
    r"^\W*(?:(?:mit )?(?:freundlich\w*|beste[nr]?|viele|liebe|herzliche|sch[öo]e?ne|sonnige) (?:gr(?:ü|u|ue)(?:ß"
    r"|ss)e?n?|grüsse)"
    r"|(?:mfg|lg|vg|gr(?:ü|ue)(?:ß|ss)e|hochachtungsvoll|gru(?:ß|ss))"
    r"|(?:(?:with )?(?:kind|best|warm|many|kindest|warmest) (?:regards|wishes|thanks)|regards|sincerely|yours(?: \w+)?"
    r"|cheers|best"
    r"|br|thanks?|thank you|thx|many thanks|danke(?: ?sch(?:ö|oe?)n)?|vielen dank|dankesch(?:ö|oe?)n))"
    r"(?: (?:from|aus|an)[\w ]{0,30})?(?: und .{0,30}| and .{0,30})?(?:,? [\w.]{1,15}){0,2}\W*$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\W*(?:(?:sehr geehrte?|liebes?|hallo|guten (?:tag|morgen|abend)|gr(?:ü|ue)(?:ß|ss) gott|moin|hi|hey|hello|dear|good "
    r"(?:morning|afternoon|evening|day)|servus|to whom it may concern)\b[^,.!?\n]{0,40})[,.!:]*\s*$",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"^\W*(?:sent from|gesendet (?:von|mit)|von meinem|get outlook|diese e-mail wurde|--)", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:(?:sehr geehrte[^,.!\n]{0,45}|liebes?[^,.!\n]{1,30}|hallo[^,.!\n]{0,30}|guten (?:tag|morgen|abend)[^,.!\n]{0,25}|moin"
    r"|hi|hey|hello|dear|good (?:morning|afternoon|evening|day))(?: there| team| all| zusammen| \w+ team)?[,.!]+)\s*",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(r"\b(?=[\w-]*\d{4})[A-Za-z]{0,4}[-_ /#]?\d[\w-]*(?:[-_/ ]\d{2,})*\b")
_CLAUSE = re.compile(
    r",\s+|\s+(?:and|but|also|so|because|or|und|aber|außerdem|sowie|da|weil|daher)\s+|\s+-\s+|:\s+", re.IGNORECASE
)
_MONTH = re.compile(r"(?:jan|feb|m(?:ä|a)r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])", re.IGNORECASE)
_BEFORE_DAY = re.compile(r"\b(?:am|vom|den|der|dem|bis|zum|seit|ab|nr)\.? \d{1,2}$", re.IGNORECASE)
_REPEATED = re.compile(r"([!?.])\1+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of `source` (`subject`, `body`); `text == source_text[start:end]`.

    `plain` is what the encoder sees. `frame` is True for greeting, closing and what stands below it: read for fields only.
    """

    source: str
    start: int
    end: int
    text: str
    plain: str
    frame: bool = False


def split(text: str, source: str = "body") -> list[Sentence]:
    """The sentences of a text in order, at most `MAX_SENTENCES` of the first `MAX_CHARACTERS` characters."""
    capped = text[:MAX_CHARACTERS]
    spans = [span for span in _merged(capped, _spans(capped)) if any(ch.isalnum() for ch in capped[slice(*span)])]
    sentences = [_sentence(capped, start, end, source) for start, end in spans[:MAX_SENTENCES]]
    return _framed(sentences) if source == "body" else sentences


def plain(text: str) -> str:
    """What the encoder sees of a sentence: no greeting in front, no order numbers, numbers as 0, no shouting."""
    shown = _LEADING.sub("", text.strip())
    shown = _BULLET.sub("", shown)
    letters = [ch for ch in shown if ch.isalpha()]
    if len(letters) >= 6 and sum(ch.isupper() for ch in letters) > 0.6 * len(letters):
        shown = shown.lower()
    shown = _NUMBER_WORD.sub(" ", shown)
    shown = re.sub(r"\(\s*\)", " ", re.sub(r"\d+", "0", shown))
    shown = _REPEATED.sub(r"\1", shown)
    shown = re.sub(r"\s+([,.;!?])", r"\1", re.sub(r"\s+", " ", shown)).strip(" -–•*:#,;")
    return shown if any(ch.isalnum() for ch in shown) else ""


def clauses(sentence: Sentence) -> list[Sentence]:
    """The parts of a long sentence of the body that can stand for themselves (three words or more), if there are several."""
    if sentence.source != "body" or len(sentence.plain.split()) < 8:
        return []
    parts: list[Sentence] = []
    start = 0
    for match in [*_CLAUSE.finditer(sentence.text), None]:
        end = match.start() if match else len(sentence.text)
        words = sentence.text[start:end]
        if len(words.split()) >= 3:
            parts.append(_sentence(sentence.text, start, end, sentence.source))
        start = match.end() if match else end
    if len(parts) < 2:
        return []
    return [replace(part, start=part.start + sentence.start, end=part.end + sentence.start) for part in parts if part.plain]


def _spans(text: str) -> list[tuple[int, int]]:
    """Raw spans between sentence ends; abbreviations, initials and numbered items do not end a sentence."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if match.group().startswith(".") and _is_abbreviation(text, start, match.start(), match.end()):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, *span)) is not None]


def _is_abbreviation(text: str, start: int, dot: int, after: int) -> bool:
    word = text[start:dot].rsplit(maxsplit=1)[-1].lower().lstrip("(\"'") if text[start:dot].split() else ""
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    if re.fullmatch(r"\d{1,2}\.\d{1,2}", word):  # "am 26.11. zugestellt"
        return text[after : after + 2].strip()[:1].islower() or bool(_BEFORE_DAY.search(text[start:dot].rpartition(".")[0]))
    if not (word.isdigit() and len(word) <= 2 and text[after : after + 1] == " "):
        return False
    following = text[after : after + 12].lstrip()
    return following[:1].islower() or bool(_MONTH.match(following) or _BEFORE_DAY.search(text[start:dot]))


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if end > start else None


def _merged(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A line that merely wraps (no end mark, next line goes on in lower case) is one sentence with the next."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged:
            before = text[merged[-1][0] : merged[-1][1]]
            gap = text[merged[-1][1] : start]
            wraps = "\n" not in gap.strip(" \t") or gap.count("\n") == 1
            if wraps and _goes_on(before, text[start:end]):
                merged[-1] = (merged[-1][0], end)
                continue
        merged.append((start, end))
    return merged


def _goes_on(before: str, after: str) -> bool:
    if before[-1:] in ".!?…:;" or _BULLET.match(after) or _GREETING.match(before) or _CLOSING.match(before):
        return False
    long_line = len(before.rpartition("\n")[2]) >= 50
    return (after[:1].islower() and len(before) >= 25) or (long_line and not _CLOSING.match(after))


def _sentence(text: str, start: int, end: int, source: str) -> Sentence:
    words = text[start:end]
    return Sentence(source, start, end, words, plain(words))


def _framed(sentences: list[Sentence]) -> list[Sentence]:
    """Marks greetings, closings and the signature below a closing; a long sentence below it (a postscript) counts again."""
    framed: list[Sentence] = []
    closed = False
    for position, item in enumerate(sentences):
        closing = position > 0 and bool(_CLOSING.match(item.text))
        greeting = bool(_GREETING.match(item.text)) and len(item.text) < 60
        below = closed and len(item.plain.split()) < 5 and "?" not in item.text
        closed = closing or (closed and below)
        frame = closing or greeting or below or bool(_DEVICE.match(item.text))
        framed.append(Sentence(item.source, item.start, item.end, item.text, item.plain, frame))
    return framed
