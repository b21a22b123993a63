"""Where quoted history begins: attribution lines, copied header blocks, separators.

Language-free evidence first, tables second.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from caseworker.mail.phrases import HEAD, phrases

SplitKind = Literal["attribution", "headers", "original", "forward"]
Need = Literal["nothing", "gap", "quote"]

WINDOW = 5
"""An attribution is wrapped over so many lines at most."""

JUDGED = 200_000
"""Characters of a mail that are judged as announcements at most: mails of people need some thousands."""

_EMAIL = re.compile(r"[^\s<>@\"(),:;&]{1,80}@[^\s<>@\"(),:;&]{1,120}")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h]\s?\d{2}(?!\d)")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)|(?<!\d)\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|\d{1,2}月\d{1,2}日")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_STARTS_WITH_DATE = re.compile(
    r"\d{4}(?:年|년)|\d{4}[./-]\d{1,2}[./-]\d{1,2}\s|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    r"|\d{1,2}\.? \w{3,12}\.?,? \d{4}|\d{1,2}:\d{2}\s"
)
_STARTS_WITH_DAY = re.compile(r"\w{2,14}[.,]{0,2}\s(?:den\s|\w{3,12}\.?\s)?\d{1,2}(?!\d)")
_STARTS_WITH_NAME = re.compile(r"[^@<>:]{0,80}(?:<|&lt;|\()\s*(?:mailto:)?[^\s<>@]{1,80}@[^\s<>]{1,120}")
_ENDS_WITH_ADDRESS = re.compile(r"@[^\s<>@]{1,120}\s{0,2}(?:[>)]|&gt;){1,3}\s{0,2}:?$")
_GMT = re.compile(r"\d{2}:\d{2} (?:gmt|utc)[+-]\d")
_RULE = re.compile(r"[\s>]*(?:[-_=*~—–#+]\s?){2,200}$")
_DASHES = " \t-_=*—–>"
_FIRST_PERSON = re.compile(
    r"(?<!\w)(?:i|we|ich|wir|je|nous|ik|wij|jag|jeg|yo|io|eu|ja)\s|schrieb ich|schrieben wir|(?<!\w)j'ai "
)


@dataclass(frozen=True, slots=True)
class Split:
    """History may begin at line `start`; lines up to `end` (not included) are the announcement.

    `before`: own words on the same line.
    `needs`: what must stand below it, or it is the writer's own sentence: a quoted line, or at least a gap (a blank or
    quoted line).
    """

    kind: SplitKind
    start: int
    end: int
    before: str = ""
    needs: Need = "nothing"


@dataclass(slots=True)
class Budget:
    """What may still be judged of one mail, in characters. Below zero nothing more is found."""

    left: int = JUDGED

    def judge(self, text: str) -> Need | None:
        """Does `text`, as a whole, announce a quotation, and what must follow it?"""
        self.left -= len(text)
        return _judge(text) if self.left >= 0 else None


def is_rule(line: str) -> bool:
    """A line of dashes, underscores or the like."""
    return len(line) <= 200 and bool(_RULE.match(line))


def unquoted(line: str) -> str:
    """A line without its leading quote marks."""
    return line.lstrip("> \t")


def find_split(lines: Sequence[str], index: int, budget: Budget) -> Split | None:
    """The split that begins at `index`, if any. `lines` are without quote marks."""
    line = lines[index]
    if not line.strip():
        return None
    return _separator(line, index) or _attribution(lines, index, budget) or _headers(lines, index)


def mentions_address(text: str) -> bool:
    """Is there a mail address in the first characters of `text`?"""
    return bool(_EMAIL.search(text[:HEAD]))


def _separator(line: str, index: int) -> Split | None:
    if len(line) > 120:
        return None
    bare = line.strip(_DASHES)
    words = " ".join(bare.rstrip(":").casefold().split())
    dashed = len(line.strip()) - len(bare) >= 4
    if words in phrases().forwarded and (dashed or bare.endswith(":")):
        return Split("forward", index, index + 1)
    if words in phrases().original and dashed:
        return Split("original", index, index + 1)
    return None


def _attribution(lines: Sequence[str], index: int, budget: Budget) -> Split | None:
    """Tried from its first line: one to five lines (a blank one only before `<`) that together read like "On DATE NAME
    wrote:".
    """
    first = lines[index][:HEAD].strip(" \t*")
    shared = _shared_line(first, budget)
    if shared:
        before, first = shared
    else:
        before = ""
    if not _starts(first):
        told = first.endswith((":", "：")) and _ENDS_WITH_ADDRESS.search(first.rstrip(":： ")) and budget.judge(first)
        return Split("attribution", index, index + 1, needs="quote") if told else None
    joined = first
    for end in range(index + 1, min(index + WINDOW + 3, len(lines)) + 1):
        verdict = budget.judge(joined)
        if verdict:
            return Split("attribution", index, end, before=before, needs=verdict)
        if end >= len(lines) or len(joined) > HEAD or budget.left < 0:
            return None
        following = lines[end].strip()
        if not following and not _address_follows(lines, end + 1):
            return None
        if _sentence_ended(joined) and not following.startswith("<"):
            return None
        joined = f"{joined} {following[:HEAD]}".strip()
    return None


def _address_follows(lines: Sequence[str], index: int) -> bool:
    return index < len(lines) and lines[index].lstrip().startswith("<")


def _sentence_ended(text: str) -> bool:
    """Own prose stops an attribution; `Fr., 28.` and `apr.` do not."""
    words = text.split()
    return text.endswith(("!", "?")) or (text.endswith(".") and len(words[-1]) > 5 and not any(c.isdigit() for c in words[-1]))


def _shared_line(line: str, budget: Budget) -> tuple[str, str] | None:
    """`reply On Wed, Apr 4, 2012 at 3:59 PM, bob@example.com wrote:` -> the reply, the attribution."""
    if not line.endswith(":"):
        return None
    for match in phrases().on_inside.finditer(line):
        rest = line[match.start() :]
        if budget.judge(rest) == "nothing" and any(c.isalpha() for c in line[: match.start()]):
            return line[: match.start()].rstrip(" -"), rest
    return None


def _starts(line: str) -> bool:
    head = line.lstrip(" -\"'«").casefold()
    return bool(
        phrases().on.match(head)
        or _STARTS_WITH_DATE.match(head)
        or _STARTS_WITH_DAY.match(head)
        or _STARTS_WITH_NAME.match(head)
        or (line.startswith("--") and _dashed_both(line))
        or head.startswith(("在", "于"))
    )


def _judge(text: str) -> Need | None:
    line = text.replace("：", ":").strip()
    low = line.casefold()
    if not line.endswith((":", "-", ">", ")")) and not low.endswith(phrases().verbs) and not _STARTS_WITH_DATE.match(low):
        return None
    address, date, time = bool(_EMAIL.search(low)), bool(_DATE.search(low)), bool(_TIME.search(low))
    verb_end = _verb_end(low, address=address)
    if _FIRST_PERSON.search(low) or verb_end < 0:
        return None
    if verb_end and _dashed_both(line):
        return "nothing"
    if line.endswith(":"):
        return _with_colon(low, verb=bool(verb_end), address=address, date=date, time=time)
    if _STARTS_WITH_DATE.match(low) and (
        _ENDS_WITH_ADDRESS.search(low) or (_GMT.search(low) and len(low) > 30 and "<" not in low)
    ):
        return "gap"
    return "gap" if verb_end == len(low) and address and date and time else None


def _verb_end(low: str, *, address: bool) -> int:
    """Where "wrote" ends, 0 where there is none, -1 where the writer's own words stand beside it ("your colleague wrote")."""
    end = 0
    if not phrases().any_wrote.search(low):
        return end
    for voice in phrases().voices:
        match = voice.wrote.search(low) or (voice.wrote_to.search(low) if address and voice.wrote_to else None)
        if match is None:
            continue
        if not address and voice.own_words is not None and voice.own_words.search(low):
            return -1
        end = max(end, match.end())
    return end


def _with_colon(low: str, *, verb: bool, address: bool, date: bool, time: bool) -> Need | None:
    if verb and address:
        return "nothing"
    if verb and date and time:
        return "gap"
    if verb and (date or time or _DAY.search(low)):
        return "quote"
    return "nothing" if _ENDS_WITH_ADDRESS.search(low) and (date or time) else None


def _dashed_both(line: str) -> bool:
    return line.startswith("---") and line.endswith("---")


def _headers(lines: Sequence[str], index: int) -> Split | None:
    """A copied header block: From, Date or Sent, To, Subject in any order and language, wrapped lines allowed."""
    if _role(lines[index]) is None:
        return None
    roles: set[str] = set()
    address, foreign, end = False, 0, index
    for position in range(index, min(index + 16, len(lines))):
        line = lines[position][:HEAD]
        found = _roles(line)
        if found:
            roles |= found
            foreign = 0
            end = position + 1
        elif foreign >= 3 or (not line.strip() and not _label_follows(lines, position + 1)):
            break
        else:
            foreign += 1
        address = address or bool(_EMAIL.search(line))
    return Split("headers", index, end) if _is_header_block(roles, address=address) else None


def _is_header_block(roles: set[str], *, address: bool) -> bool:
    """Three labels and a subject, or From, Sent and To, or two labels with an address: own lists ("Date: Time:
    Address:") are not taken.
    """
    if not roles & {"from", "date", "sent"}:
        return False
    dated = bool(roles & {"date", "sent"})
    return (len(roles) >= 3 and bool({"subject", "sent"} & roles)) or (dated and len(roles) >= 2 and address)


def _label_follows(lines: Sequence[str], index: int) -> bool:
    return index < len(lines) and _role(lines[index]) is not None


def _role(line: str) -> str | None:
    match = phrases().label.match(_label_head(line))
    return phrases().roles[match.group(1)] if match else None


@lru_cache(64)
def _roles(line: str) -> set[str]:
    """The label at the beginning and, for blocks that lost their line breaks, labels further on."""
    first = _role(line)
    if first is None:
        return set()
    inner = {
        phrases().roles[m.group(1)]
        for m in phrases().label.finditer(_label_head(line))
        if m.start() and line[m.start() - 1 : m.start()] != "-"
    }
    return {first} | inner


def _label_head(line: str) -> str:
    return line[:HEAD].lstrip(" \t*_>|\u200e\u200f").replace("：", ":").replace("\u00a0", " ").casefold()
