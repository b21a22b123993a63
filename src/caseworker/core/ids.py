"""Identifiers. Case references are short enough for a subject line and carry check digits."""

import secrets
from uuid import uuid4

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_LARGEST = 32**8 - 1  # five bytes: what a thread token holds, and far below what a database counts
_MODULUS = 1021  # largest prime below 32**2: catches every single wrong character and every swap of neighbours


def new_id() -> str:
    """A random identifier, 32 hex digits."""
    return uuid4().hex


def new_token() -> str:
    """An unguessable URL-safe secret of 22 characters (128 bits)."""
    return secrets.token_urlsafe(16)


def case_reference(number: int) -> str:
    """The reference of case `number` as people see it, for example `CW-00001T-1T`."""
    if number < 1:
        raise ValueError("case numbers start at 1")
    return f"CW-{_encode(number, 6)}-{_encode(number * 32 % _MODULUS, 2)}"


def case_number(reference: str) -> int | None:
    """The number of a case reference, or None where form, size or check digits are wrong."""
    parts = reference.strip().upper().split("-")
    if len(parts) != 3 or parts[0] != "CW" or len(parts[1]) < 6 or len(parts[2]) != 2:
        return None
    body, check = _decode(parts[1]), _decode(parts[2])
    if body is None or check is None or not 1 <= body <= _LARGEST or body * 32 % _MODULUS != check:
        return None
    return body


def _encode(value: int, width: int) -> str:
    digits = ""
    while value or len(digits) < width:
        value, digit = divmod(value, 32)
        digits = _ALPHABET[digit] + digits
    return digits


def _decode(text: str) -> int | None:
    value = 0
    for char in text.replace("O", "0").replace("I", "1").replace("L", "1"):
        position = _ALPHABET.find(char)
        if position < 0:
            return None
        value = value * 32 + position
    return value
