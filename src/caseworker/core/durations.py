"""Durations as people write them: `5d`, `36h`, `1d12h`, `2w`, `30m`, `45s`."""

import re
from datetime import timedelta

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}  # seconds
_FORM = re.compile(r"(?:\d+[wdhms])+")
_PART = re.compile(r"(\d+)([wdhms])")
LONGEST = timedelta(days=36_500)  # a hundred years: a date that is moved by it is still a date
_DIGITS = 10  # more of them are more than the longest in any unit


def parse_duration(text: str) -> timedelta:
    """The duration a text means. Raises ValueError with what to write."""
    if not _FORM.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no duration; write for example 5d, 36h or 1d12h")
    parts = _PART.findall(text)
    seconds = sum(int(number[:_DIGITS]) * _UNITS[unit] for number, unit in parts)
    if seconds > LONGEST.total_seconds() or any(len(number) > _DIGITS for number, _ in parts):
        raise ValueError(f"{text[:40]!r} is too long; the longest duration is {LONGEST.days}d")
    return timedelta(seconds=seconds)
