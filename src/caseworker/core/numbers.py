"""How large the numbers that people write may be: 64 bits, what databases and other programs count with."""

LARGEST = 2**63 - 1
_DIGITS = len(str(LARGEST))
_SHOWN = 24  # digits of a number that is refused


def whole(text: str) -> int:
    """A whole number from its digits, or from `0x` and hexadecimal ones. Raises ValueError for one beyond 64 bits."""
    digits = text.lstrip("+-").lstrip("0")
    base = 16 if digits.startswith("x") else 10
    number = int(text, base) if len(digits) <= _DIGITS else None  # of decimal ones Python reads 4300 and no more
    if number is None or abs(number) > LARGEST:
        raise ValueError(_refused(text))
    return number


def decimal(text: str) -> float:
    """A number with a point or an exponent. Raises ValueError for one beyond 64 bits."""
    number = float(text)
    if not abs(number) <= LARGEST:
        raise ValueError(_refused(text))
    return number


def _refused(text: str) -> str:
    return f"{text if len(text) <= _SHOWN else text[:_SHOWN] + '...'} is too large; the largest number is {LARGEST}"
