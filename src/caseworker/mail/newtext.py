"""The customer's own new words. Own markers and own sent text first, then structure, then tables; when unsure keep everything.

A mail is read line by line into items: own text, quoted blocks, announcements of quotations. What stays is own text, plus
quoted blocks that are answered in between (their context is needed).
A left-in quote costs little, a lost sentence a wrong answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from caseworker.mail.compose import is_reply_marker
from caseworker.mail.html import HISTORY_MARK, MARKS, QUOTE_MARK, html_to_text
from caseworker.mail.model import NewText
from caseworker.mail.ours import OurWords
from caseworker.mail.phrases import phrases
from caseworker.mail.quoting import Budget, Split, find_split, is_rule, unquoted
from caseworker.mail.signature import cut_signature

MAX_LINES = 20_000
"""What is below is history for our purpose: no person writes so much."""

SEARCHED = 1_500
"""Lines in which a quotation may be announced; what is below stays as it is. Bounds the work on a mail made to be slow."""

SHORT = 400
"""A mail so short that says "see below" is nothing without what stands below."""

CITATION = 3
"""Lines that people set as a quotation by hand at most."""

GREETING = 40
"""Letters that a closing has at most ("Kind regards, Maria Lindqvist")."""

_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|i|enc|vs|vb|vl|pd|doorst|továbbítás|転送)\s?:", re.IGNORECASE)


@dataclass(slots=True)
class _Item:
    """A run of lines. `attributed`: the quotation was announced or carries its announcement inside."""

    kind: Literal["text", "quote", "notice"]
    lines: list[str] = field(default_factory=list)
    attributed: bool = False

    def has_words(self) -> bool:
        return any(char.isalnum() for line in self.lines for char in unquoted(line[:2000]))


@dataclass(slots=True)
class _Reading:
    items: list[_Item] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    cut_by: str = ""

    def words_so_far(self) -> bool:
        return any(item.kind == "text" and item.has_words() for item in self.items)


def new_text(text: str, *, html: str = "", our_texts: tuple[str, ...] = (), subject: str = "") -> NewText:
    """The new words of a mail from its plain text, or from its HTML where the text says nothing of a quotation.

    `our_texts` are earlier mails of ours in the conversation; `subject` tells a forward (whose content is the message)
    from a reply.
    """
    ours = OurWords(our_texts)
    forward = bool(_FORWARD_SUBJECT.match(subject[:40]))
    plain = _cut(text.translate(MARKS), ours, forward=forward) if text.strip() else None
    if plain is not None and (plain.cut_by != "none" or not html):
        return plain
    if html:
        structured = _cut(html_to_text(html).marked, ours, forward=forward)
        if plain is None or (structured.cut_by != "none" and structured.sure):
            return structured
    return plain or NewText(text="", history="", sure=True, cut_by="empty")


def _cut(text: str, ours: OurWords, *, forward: bool) -> NewText:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], "\n".join(lines[MAX_LINES - 1 :])]
    reading = _read(lines, ours, forward=forward)
    kept, dropped = _choose(reading)
    new = "\n".join(kept).translate(MARKS).strip()
    if not any(char.isalnum() for char in new) and any(char.isalnum() for char in text):
        whole = text.translate(MARKS).strip()
        return NewText(text=whole, history="", sure=False, cut_by="nothing_left")
    if dropped and phrases().refers_to_below.search(new[:SHORT].casefold()) and len(new) < SHORT:
        return NewText(text=text.translate(MARKS).strip(), history="", sure=False, cut_by="refers_to_below")
    history = "\n".join(dropped + reading.history).translate(MARKS).strip("\n")
    return NewText(text=new, history=history, sure=True, cut_by=reading.cut_by or ("quotes" if history else "none"))


def _read(lines: Sequence[str], ours: OurWords, *, forward: bool) -> _Reading:
    reading = _Reading()
    quoted = [_is_quoted(lines, i) for i in range(len(lines))]
    bare = [(unquoted(line) if quoted[i] else line).rstrip(QUOTE_MARK) for i, line in enumerate(lines)]
    sent_by_us = ours.marks(bare)
    budget = Budget()
    index = 0
    while index < len(lines):
        if is_reply_marker(bare[index]) or HISTORY_MARK in lines[index]:
            if reading.words_so_far():
                _stop(reading, lines, index, "our_marker" if is_reply_marker(bare[index]) else "structure")
                break
            _add(reading, "notice", lines[index])
            index += 1
            continue
        split = find_split(bare, index, budget) if index < SEARCHED else None
        if split and _is_borne_out(split, lines, quoted):
            ended, index = _at_split(reading, lines, quoted, split, forward=forward)
            if ended:
                break
            continue
        kind: Literal["text", "quote"] = "quote" if quoted[index] or sent_by_us[index] else "text"
        _add(reading, kind, lines[index], attributed=sent_by_us[index] or QUOTE_MARK in lines[index])
        index += 1
    return reading


def _at_split(
    reading: _Reading, lines: Sequence[str], quoted: Sequence[bool], split: Split, *, forward: bool
) -> tuple[bool, int]:
    """What an announcement means here: (is all the rest dealt with, next line)."""
    inside = quoted[split.start]
    if split.kind == "forward" or (forward and split.kind in ("headers", "original")):
        reading.items.append(_Item("text", list(lines[split.start :])))
        reading.cut_by = "forward"
        return True, len(lines)
    if inside:
        for line in lines[split.start : split.end]:
            _add(reading, "quote", line, attributed=True)
        return False, split.end
    if split.before:
        _add(reading, "text", split.before)
    if split.kind == "attribution" and _quote_follows(quoted, lines, split.end):
        reading.items.append(_Item("notice", list(lines[split.start : split.end])))
        return False, split.end
    if reading.words_so_far():
        _stop(reading, lines, split.start + bool(split.before), split.kind)
        return True, len(lines)
    kind: Literal["notice", "text"] = "text" if split.kind == "headers" else "notice"
    reading.items.append(_Item(kind, list(lines[split.start : split.end])))
    return False, split.end


def _stop(reading: _Reading, lines: Sequence[str], index: int, cut_by: str) -> None:
    reading.history = list(lines[index:])
    reading.cut_by = cut_by
    while reading.items and reading.items[-1].kind == "text":
        last = reading.items[-1]
        while last.lines and (not last.lines[-1].strip() or is_rule(last.lines[-1])):
            reading.history.insert(0, last.lines.pop())
        if last.lines:
            break
        reading.items.pop()


def _add(reading: _Reading, kind: Literal["text", "quote", "notice"], line: str, *, attributed: bool = False) -> None:
    """Appends to the run; blank lines belong to what stands above them."""
    last = reading.items[-1] if reading.items else None
    if last is not None and (last.kind == kind or (not line.strip() and kind == "text" and last.kind != "notice")):
        last.lines.append(line)
        last.attributed = last.attributed or attributed
        return
    if kind == "text" and not line.strip() and last is not None:
        last.lines.append(line)
        return
    announced = kind == "quote" and last is not None and last.kind == "notice"
    reading.items.append(_Item(kind, [line], attributed=attributed or announced))


def _is_quoted(lines: Sequence[str], index: int) -> bool:
    """Quote mark at the beginning; but `>` may also end an address that was wrapped (`foo@bar` / `> wrote:`)."""
    line = lines[index].lstrip()
    if not line.startswith(">"):
        return False
    if len(line) < 80 and line.rstrip().endswith(":") and " " not in line.rstrip(" :").removeprefix("> ")[1:]:
        above = next((lines[i] for i in range(index - 1, max(index - 3, -1), -1) if lines[i].strip()), "")
        return not (above.rfind("<") > above.rfind(">"))
    return True


def _is_borne_out(split: Split, lines: Sequence[str], quoted: Sequence[bool]) -> bool:
    if split.needs == "nothing" or split.end >= len(lines) or _quote_follows(quoted, lines, split.end):
        return True
    return (split.needs == "gap" and not lines[split.end].strip()) or lines[split.end].lstrip().startswith("|")


def _quote_follows(quoted: Sequence[bool], lines: Sequence[str], index: int) -> bool:
    for position in range(index, min(index + 4, len(lines))):
        if lines[position].strip():
            return quoted[position]
    return False


def _choose(reading: _Reading) -> tuple[list[str], list[str]]:
    """Kept and dropped lines. Quotations stay where they are answered in between; the one below or above everything goes."""
    items = [item for item in _mend(reading.items) if item.lines]
    dropped: list[str] = []
    for item in items:
        if item.kind == "text" and reading.cut_by != "forward":
            item.lines, signature = cut_signature(item.lines)
            dropped += signature
    if reading.cut_by != "forward":
        dropped = _drop_trailing(items) + dropped
    answered = _is_interleaved(items)
    kept: list[str] = []
    for item in items:
        if item.kind == "text" or (item.kind == "quote" and (answered or not item.attributed)):
            kept += item.lines
        else:
            dropped += item.lines
    return kept, dropped


def _drop_trailing(items: list[_Item]) -> list[str]:
    """Takes the unanswered history off the end.

    A block without announcement above an announced one is the writer's own citation.
    """
    dropped: list[str] = []
    announced = False
    only_one = sum(item.kind == "quote" for item in items) == 1
    while items and not (items[-1].kind == "text" and items[-1].has_words()):
        last = items[-1]
        if last.kind == "quote" and not last.attributed and (announced or (only_one and _is_citation(last))):
            break
        announced = announced or last.kind == "notice"
        dropped = items.pop().lines + dropped
    return dropped


def _is_citation(quote: _Item) -> bool:
    """Set by hand ("You promised: > five days"): a few lines, not nested. History without announcement is longer."""
    lines = [line for line in quote.lines if line.strip("> \t")]
    return len(lines) <= CITATION and not any(line.replace(" ", "").startswith(">>") for line in lines)


def _is_interleaved(items: Sequence[_Item]) -> bool:
    """Are quotations answered where they stand? One block with own words above and more than a greeting below, or
    several blocks.
    """
    quotes = [i for i, item in enumerate(items) if item.kind == "quote"]
    if len(quotes) != 1:
        return len(quotes) > 1
    above = any(item.kind == "text" and item.has_words() for item in items[: quotes[0]])
    below = sum(char.isalnum() for item in items[quotes[0] + 1 :] for line in item.lines for char in line[:2000])
    return above and below > GREETING


def _mend(items: list[_Item]) -> list[_Item]:
    """A quoted line that a mail program wrapped without a new quote mark belongs to the quotation around it."""
    for i in range(1, len(items) - 1):
        above, item, below = items[i - 1], items[i], items[i + 1]
        if item.kind == "text" and above.kind == below.kind == "quote" and _is_wrapped_rest(above, item):
            item.kind = "quote"
    merged: list[_Item] = []
    for item in items:
        if merged and merged[-1].kind == item.kind == "quote":
            merged[-1].lines += item.lines
            merged[-1].attributed = merged[-1].attributed or item.attributed
        else:
            merged.append(item)
    return merged


def _is_wrapped_rest(above: _Item, item: _Item) -> bool:
    if len(item.lines) != 1:
        return False
    line, before = item.lines[0].strip(), above.lines[-1].rstrip()
    if line.startswith(("(http", "<http")):
        return True
    if (
        " " not in line
        and line.endswith((")", ">"))
        and max(before.rfind("("), before[2:].rfind("<")) > max(before.rfind(")"), before[2:].rfind(">"))
    ):
        return True  # the rest of a link that was broken in two
    return len(before) >= 60 and line[:1].islower() and not before.endswith((".", "!", "?", ":"))
