"""Words that nobody should miss, beside what the heads recognise: a flag too many costs a glance, one too few much more."""

from caseworker.reading.words import patterns

_PATTERNS = patterns("risks")


def spoken_risks(folded: str) -> set[str]:
    """The flags whose words stand in a folded sentence (lower case, umlauts written out)."""
    return {risk for risk, pattern in _PATTERNS.items() if pattern.search(folded)}
