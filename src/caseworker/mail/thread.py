"""Which case does a mail belong to? What it says itself, in the order in which it is believed; and the signed token of a
case.
"""

import base64
import binascii
import hashlib
import hmac
import re

from caseworker.core.ids import case_number
from caseworker.mail.model import Address, MailboxSettings, Message, ThreadHints

_SUBJECT_TOKEN = re.compile(r"(?<![A-Za-z0-9])CW-[0-9A-Za-z]{6,13}-[0-9A-Za-z]{2}(?![A-Za-z0-9])", re.IGNORECASE)
_NUMBER_BYTES = 5
_MAC_BYTES = 10


def hints(message: Message, mailbox: MailboxSettings) -> ThreadHints:
    """Only plus parts of our own addresses count as tokens; whether they are ours is for `read_token` to say."""
    own = mailbox.own_addresses | {mailbox.address.lower()}
    ids = (*message.in_reply_to, *reversed(message.references))
    bounced = message.bounce.original_message_id if message.bounce else ""
    cases = [case_number(token) for token in _SUBJECT_TOKEN.findall(message.subject)]
    return ThreadHints(
        tokens=_unique(_plus_parts((*message.delivered_to, *message.to, *message.cc), own)),
        message_ids=_unique(ids),
        bounced_ids=(bounced,) if bounced else (),
        subject_cases=tuple(dict.fromkeys(number for number in cases if number is not None)),
    )


def mint_token(secret: str, case_reference: str) -> str:
    """24 characters a-z2-7 for a plus address: the case number and an 80-bit signature.

    Raises ValueError for a wrong reference.
    """
    number = case_number(case_reference)
    if number is None:
        raise ValueError(f"{case_reference!r} is no case reference")
    body = number.to_bytes(_NUMBER_BYTES, "big")
    return base64.b32encode(body + _sign(secret, body)).decode("ascii").lower()


def read_token(secret: str, token: str) -> int | None:
    """The case number of a token that we signed, in any case of letters; None for every other text."""
    if len(token) != (_NUMBER_BYTES + _MAC_BYTES) * 8 // 5 or not token.isascii():
        return None
    try:
        data = base64.b32decode(token.upper())
    except binascii.Error:
        return None
    body, mac = data[:_NUMBER_BYTES], data[_NUMBER_BYTES:]
    return int.from_bytes(body, "big") if hmac.compare_digest(mac, _sign(secret, body)) else None


def _sign(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), b"caseworker-thread:" + body, hashlib.sha256).digest()[:_MAC_BYTES]


def _plus_parts(recipients: tuple[Address, ...], own: frozenset[str]) -> tuple[str, ...]:
    parts: list[str] = []
    for address in recipients:
        local, _, domain = address.email.partition("@")
        base, plus, token = local.partition("+")
        if plus and token and f"{base}@{domain}" in own:
            parts.append(token)
    return tuple(parts)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
