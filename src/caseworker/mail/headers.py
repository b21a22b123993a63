"""Headers of a mail, decoded by our own hands: the standard library's newer policies raise on real mails."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from caseworker.mail.charset import decode
from caseworker.mail.model import Address

MAX_HEADERS = 2_000
MAX_VALUE = 20_000
MAX_ADDRESSES = 200
MAX_IDS = 100

_NEEDED = frozenset(
    (
        "from",
        "to",
        "cc",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "content-type",
        "auto-submitted",
    )
)
"""Kept once each even below a bomb of other headers."""

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,4000})\?=(\s{1,20}(?==\?))?")
_ID = re.compile(r"<\s{0,5}([^<>\s]{1,500})\s{0,5}>")
_BARE_ID = re.compile(r"[^\s<>,;\"()]{1,300}@[^\s<>,;\"()]{1,200}")
_EMAIL = re.compile(r"[^\s<>@\",;:()\[\]\\]{1,128}@[^\s<>@\",;:()\\]{1,255}")
_ATOM = r"[^\s()<>\[\]:;@\\,.\"\x00-\x1f\x7f]"
_ADDRESS = rf"({_ATOM}{{1,64}}(?:\.{_ATOM}{{1,64}}){{0,20}}@(?:\w[\w-]{{0,62}}\.){{1,20}}\w[\w-]{{1,62}})"
_QUOTED = r"\"(?:[^\"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*+\""
_PHRASE = rf"(?:{_QUOTED}|(?:{_ATOM}|\.)++|\s++)*+"
_PLAIN = re.compile(rf"{_ADDRESS}|{_PHRASE}<\s?{_ADDRESS}\s?>")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class Headers:
    """The header lines in their order. Names are compared without case; values are unfolded, raw (not yet decoded)."""

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        kept: list[tuple[str, str]] = []
        needed: set[str] = set()
        for position, (raw_name, value) in enumerate(items):
            name = raw_name.strip().lower()
            if position >= MAX_HEADERS and (name not in _NEEDED or name in needed):
                continue
            needed.add(name)
            kept.append((name, value[:MAX_VALUE].replace("\r", "").replace("\n", " ").strip()))
        self.items: tuple[tuple[str, str], ...] = tuple(kept)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.items if key == name]

    def first(self, name: str) -> str:
        """The first value or `""`."""
        return next((value for key, value in self.items if key == name), "")

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.items)

    def text(self, name: str) -> str:
        """The first value, decoded for people."""
        return decode_words(self.first(name))


def decode_words(value: str) -> str:
    """RFC 2047 words and raw 8-bit bytes (as surrogates) to text; adjacent words are joined; control characters become
    spaces.
    """
    value = _from_bytes(value)
    pieces: list[str] = []
    position = 0
    pending: tuple[str, bytes] | None = None
    for match in _WORD.finditer(value):
        charset, data = match.group(1), _word_bytes(match.group(2), match.group(3))
        between = value[position : match.start()]
        if pending and (between or pending[0].lower() != charset.lower()):
            pieces.append(decode(pending[1], pending[0]))
            pending = None
        pieces.append(between)
        pending = (charset, (pending[1] if pending else b"") + data)
        position = match.end()
    if pending:
        pieces.append(decode(pending[1], pending[0]))
    pieces.append(value[position:])
    return " ".join(_CONTROL.sub(" ", "".join(pieces)).split())


def addresses(values: Sequence[str]) -> tuple[Address, ...]:
    """Addresses of one or more header lines, in order. What has no `@` is left out; group names and comments are dropped."""
    found: list[Address] = []
    for value in values:
        for piece in _split_list(_from_bytes(value)):
            address = _address(piece)
            if address is not None:
                found.append(address)
            if len(found) >= MAX_ADDRESSES:
                return tuple(found)
    return tuple(found)


def message_ids(value: str) -> tuple[str, ...]:
    """Ids without angle brackets, in order, each once."""
    ids = _ID.findall(value) or _BARE_ID.findall(value)
    return tuple(dict.fromkeys(ids[-MAX_IDS:]))


def parse_date(value: str) -> datetime | None:
    """UTC; None where the header is missing or nonsense."""
    try:
        moment = parsedate_to_datetime(value[:200])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if 1980 <= moment.year <= 2100 else None


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=x` -> ("text/plain", {...}). RFC 2231 pieces and charsets are put together and decoded."""
    head, *rest = _split_parameters(value)
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for item in rest[:200]:
        name, sign, content = item.partition("=")
        name, content = name.strip().lower(), _unquote(content.strip())
        if not sign or not name:
            continue
        base, star, number = name.partition("*")
        if not star:
            plain.setdefault(base, decode_words(content))
            continue
        encoded = name.endswith("*")
        digits = number.rstrip("*")
        index = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 4 else 0
        pieces.setdefault(base, {})[index] = (content, encoded)
    for base, numbered in pieces.items():
        plain[base] = _join_pieces([numbered[index] for index in sorted(numbered)])
    return head.strip().lower(), plain


def _join_pieces(pieces: Sequence[tuple[str, bool]]) -> str:
    charset, data = "", b""
    for position, (piece, encoded) in enumerate(pieces):
        content = piece
        if encoded and position == 0 and piece.count("'") >= 2:
            charset, _, content = piece.split("'", 2)
        raw = content.encode("utf-8", "surrogateescape")
        data += unquote_to_bytes(raw) if encoded else raw
    return _CONTROL.sub(" ", decode(data, charset or None))


def _split_parameters(value: str) -> list[str]:
    return _split(_from_bytes(value), ";")


def _split_list(value: str) -> list[str]:
    return _split(value, ",;")


def _split(value: str, separators: str) -> list[str]:
    """Splits outside quotes, angle brackets and comments."""
    pieces: list[str] = []
    current: list[str] = []
    quoted, escaped, depth = False, False, 0
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "<(":
            depth += 1
        elif not quoted and char in ">)":
            depth = max(0, depth - 1)
        elif not quoted and not depth and char in separators:
            pieces.append("".join(current))
            current = []
            continue
        current.append(char)
    pieces.append("".join(current))
    return pieces


def is_plain_mailbox(value: str, email: str) -> bool:
    """Is the header `email` and nothing else: bare or in angle brackets, at most with a name before it, and no comment?

    For what other programs might read as somebody else, whatever we read in it. Letters beyond ASCII are no plain ones: some
    become another's when they are written small.
    """
    match = _PLAIN.fullmatch(_from_bytes(value).strip())
    address = (match.group(1) or match.group(2)) if match else ""
    return address.isascii() and bool(email) and address.lower() == email


def _address(piece: str) -> Address | None:
    seen = _visible(piece)
    opening = seen.rfind("<")
    if opening >= 0 and "@" in seen[opening:]:
        match, name = _EMAIL.search(seen, opening), piece[:opening]
    else:
        match, name = _EMAIL.search(seen) or _EMAIL.search(piece), _comment(piece)
    if match is None:
        return None
    return Address(
        email=_bare(match.group(0)).lower(),
        name=decode_words(_unquote(name.rpartition(":")[2].strip() if "@" not in name else name.strip())),
    )


def _bare(email: str) -> str:
    """Without quotes around it and the full stop of a sentence; letters of the address itself stay."""
    if email.startswith("'") and email.endswith("'"):
        email = email[1:-1]
    return email.rstrip(".")


def _visible(piece: str) -> str:
    """The piece with blanks where quotes and comments are, so that places stay; as it is where one has no end."""
    shown: list[str] = []
    quoted, escaped, depth = False, False, 0
    for char in piece:
        inside = quoted or depth > 0
        if escaped:
            escaped = False
        elif char == "\\" and inside:
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif not quoted and char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        shown.append(" " if inside or quoted or depth else char)
    return piece if quoted or depth else "".join(shown)


def _comment(piece: str) -> str:
    start, end = piece.find("("), piece.rfind(")")
    return piece[start + 1 : end] if 0 <= start < end else ""


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text.strip('"') if text.count('"') == 1 else text


def _word_bytes(encoding: str, data: str) -> bytes:
    if encoding in "bB":
        return decode_base64(data.encode("ascii", "ignore"))
    return binascii.a2b_qp(data.replace(" ", "_").encode("ascii", "ignore"), header=True)


def decode_base64(data: bytes) -> bytes:
    """Whatever can be decoded: foreign characters are skipped, a broken end is cut."""
    try:
        return base64.b64decode(data)
    except binascii.Error:
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return base64.b64decode(clean + b"=" * (-len(clean) % 4))


def _from_bytes(value: str) -> str:
    """Raw 8-bit header bytes come as surrogates from the parser."""
    if value.isascii():
        return value
    return decode(value.encode("utf-8", "surrogateescape"), None)
