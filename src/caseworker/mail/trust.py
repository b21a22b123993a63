"""May the From address be believed? Only the results of the one host that the mailbox names count (RFC 8601), never a
default.
"""

import re

from caseworker.mail.headers import Headers
from caseworker.mail.model import Address, MailboxSettings, Trust

_NAME = "authentication-results"
# A bare CR ends a line for some parsers, ours among them.
_FOREIGN = re.compile(rb"(?:(?<=[\r\n])|\A)authentication-results(?=[ \t\r\n]{0,9}:)", re.IGNORECASE)
_HEAD_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_RESULT = re.compile(r"\s*dmarc\s*=\s*(\w{2,20})", re.IGNORECASE)
_HEADER_FROM = re.compile(r"\sheader\.from\s{0,3}=\s{0,3}([^\s;\"]{1,300})", re.IGNORECASE)


def judge_trust(headers: Headers, mailbox: MailboxSettings, sender: Address | None, *, one_from: bool) -> Trust:
    """Verified: DMARC pass for the domain of the one From address, said by `mailbox.authserv_id` in the topmost block of
    its results.
    """
    if mailbox.authserv_id is None:
        return Trust("unverified", "the mailbox has no authserv_id: no result is believed")
    results = _dmarc(_topmost(headers, mailbox.authserv_id))
    if any(result == "fail" for result, _ in results):
        return Trust("failed", f"{mailbox.authserv_id}: dmarc=fail")
    if sender is None or not one_from:
        return Trust("unverified", "the From header is not exactly one plain address")
    if not results:
        return Trust("unverified", f"no DMARC result of {mailbox.authserv_id}")
    domain = sender.email.rpartition("@")[2]
    if all(result == "pass" and _aligned(domain, header_from) for result, header_from in results):
        return Trust("verified", f"{mailbox.authserv_id}: dmarc=pass for {results[0][1]}")
    result, header_from = next((r for r in results if r[0] != "pass"), results[0])
    return Trust("unverified", f"{mailbox.authserv_id}: dmarc={result} for {header_from or 'no domain'}")


def disarm_foreign_results(raw: bytes) -> bytes:
    """For mail that comes straight from outside: renames Authentication-Results in the header section, so that none can count.

    They are kept under `X-Foreign-Authentication-Results`, for whoever wants to see what the sender claimed.
    """
    blank = _HEAD_END.search(raw)
    end = blank.start() if blank else len(raw)
    return _FOREIGN.sub(b"X-Foreign-Authentication-Results", raw[:end]) + raw[end:]


def _topmost(headers: Headers, authserv_id: str) -> list[str]:
    """The first unbroken run of results of our host: a forged one further down, brought by the sender, is not looked at."""
    block: list[str] = []
    for name, value in headers.items:
        if name == _NAME and _server(value) == authserv_id.lower():
            block.append(value)
        elif block:
            break
    return block


def _server(value: str) -> str:
    words = _parts(value)[0].split()
    return words[0].lower().strip('"') if words else ""


def _parts(value: str) -> list[str]:
    """The parts between semicolons (RFC 8601), without comments, however nested; what stands in quotes is blanked.

    Quotes hold what the sender chose (an address, a selector), never the result or the domain of DMARC.
    """
    parts, depth, quoted, escaped = [""], 0, False, False
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == '"' and not depth:
            quoted = True
            parts[-1] += "_"
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ";" and not depth:
            parts.append("")
        elif not depth:
            parts[-1] += char
    return parts if not (quoted or depth) else [""]


def _dmarc(block: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for value in block:
        for part in _parts(value)[1:]:
            match = _RESULT.match(part)
            if match:
                domain = _HEADER_FROM.search(part)
                found.append((match.group(1).lower(), domain.group(1).rpartition("@")[2].lower().strip(".") if domain else ""))
    return found


def _aligned(domain: str, header_from: str) -> bool:
    """The host compared the From domain itself; a subdomain of it is aligned too (RFC 7489, relaxed)."""
    above = "." in header_from and domain.endswith("." + header_from)  # never a whole top-level domain
    return bool(header_from) and (domain == header_from or above)
