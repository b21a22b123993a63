"""Durations as people write them: `5d`, `36h`, `1d12h`, `2w`, `30m`, `45s`."""

import re
from datetime import timedelta

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_FORM = re.compile(r"(?:\d+[wdhms])+")
_PART = re.compile(r"(\d+)([wdhms])")


def parse_duration(text: str) -> timedelta:
    """The duration a text means. Raises ValueError with what to write."""
    if not _FORM.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no duration; write for example 5d, 36h or 1d12h")
    total = timedelta()
    for number, unit in _PART.findall(text):
        total += timedelta(**{_UNITS[unit]: int(number)})
    return total
