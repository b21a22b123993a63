"""Signatures at the end of a run of own lines: `-- `, a rule above contact data, and what a phone adds by itself."""

import re
from collections.abc import Sequence

from caseworker.mail.phrases import signatures
from caseworker.mail.quoting import is_rule, mentions_address

MAX_LINES = 14
"""A signature has no more lines; below a longer one there may be own words."""

_PHONE = re.compile(r"\+?\d[\d ()/.-]{6,24}\d")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_LINKED = re.compile(r"[(<]?https?://[^\s)>]{1,250}[)>]?")
_DELIMITERS = ("--", "__", "—")
_NUMBER = re.compile(r"\d{4,}")


def cut_signature(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """(own words, signature)."""
    body, tail = _strip_mobile(list(lines))
    start = _signature_start(body)
    if start is not None:
        body, tail = body[:start], body[start:] + tail
        body, more = _strip_mobile(body)
        tail = more + tail
    return body, tail


def is_mobile_signature(line: str) -> bool:
    """`Sent from my iPhone` is one, `Sent from my desk` is the writer's own sentence."""
    if len(line) > 300:
        return False
    bare = _LINKED.sub(" ", line).replace("[", "").replace("]", "").strip(" \t<>()*_")
    if not bare or len(bare) > 120:
        return False
    low = bare.casefold()
    table = signatures()
    match = table.sent.match(low)
    if not match:
        return low.endswith(table.sent_last) and bool(table.devices.search(low)) and len(low.split()) <= 10
    rest = bare[match.end() :]
    low_rest = rest.casefold()
    head = " ".join(low_rest.split()[:5])
    if len(rest.split()) > 12 or table.prose.search(low_rest) or _NUMBER.search(rest):
        return False
    if table.devices.search(head) or table.devices.search(low[: match.end()]):
        return not _goes_on(rest)
    own = table.own.match(low_rest)
    return bool(own and any(c.isupper() or c.isdigit() for c in rest[own.end() :]) and len(rest.split()) <= 6)


def _goes_on(rest: str) -> bool:
    """`... my iPhone app to all users.`: a sentence, unless it is the usual apology for typing errors."""
    low = rest.casefold()
    return (
        rest.rstrip().endswith((".", "!", "?"))
        and len(rest.split()) > 4
        and "typo" not in low
        and "brevity" not in low
        and "gesendet" not in low
    )


def _strip_mobile(body: list[str]) -> tuple[list[str], list[str]]:
    tail: list[str] = []
    end = len(body)
    while end and (not body[end - 1].strip() or is_mobile_signature(body[end - 1]) or body[end - 1].strip() == "ᐧ"):
        end -= 1
    if any(line.strip() for line in body[end:]):
        tail = body[end:]
        body = body[:end]
    return body, tail


def _signature_start(body: Sequence[str]) -> int | None:
    for index in range(max(0, len(body) - MAX_LINES - 10), len(body)):
        if _opens_signature(body[index], [line for line in body[index + 1 :] if line.strip()]):
            return index
    return None


def _opens_signature(line: str, rest: Sequence[str]) -> bool:
    """`-- ` as the standard has it; `--` without the blank only where no prose follows; any rule above contact data."""
    stripped = line.strip()
    if stripped == "--" and len(rest) <= MAX_LINES + 4:
        return line.endswith("-- ") or not any(_is_prose(below) for below in rest)
    return (stripped in _DELIMITERS or (len(stripped) >= 3 and is_rule(line))) and _is_contact_data(rest)


def _is_prose(line: str) -> bool:
    return len(line.split()) >= 7 and _is_sentence(line) and not is_mobile_signature(line)


def _is_sentence(line: str) -> bool:
    """Small first letter, or a full stop after several words: no name, title or address."""
    words = line.split()
    return (len(words) >= 3 and words[0].isalpha() and words[0].islower()) or (
        len(words) >= 5 and line.rstrip().endswith((".", "?", "!"))
    )


def _is_contact_data(rest: Sequence[str]) -> bool:
    if not rest or len(rest) > 8 or any(len(line) > 120 or _is_sentence(line) for line in rest):
        return False
    return any(mentions_address(line) or _PHONE.search(line[:200]) or _LINK.search(line[:200]) for line in rest)
