"""A second opinion beside the heads, for English and German: words without which a sentence hardly means an intent.

Anchors are broad: a sentence without any of its intent's anchors keeps only a share of its probability. Strong patterns
are narrow: such a sentence means the intent unless it is denied.
"""

import re

from caseworker.reading.words import patterns

LANGUAGES = frozenset({"en", "de"})
_ANCHORS = patterns("anchors")
_STRONG = patterns("strong")
_SHARE = 0.45  # of its probability that an intent keeps in a sentence without any of its anchors
_SURE, _ALONE = 0.82, 0.5  # probability of an intent whose strong pattern stands in a sentence; where the heads see nothing
_DENIED = re.compile(
    r"(?:\b(?:not|never|without|instead of|rather than|last (?:time|year)|no need|nicht|kein\w*|ohne|statt|letztes (?:mal|jahr)"
    r"|unless|frueher)\b|n't\b|\b(?:do|does|did|is|was|ca|wo)nt\b)(?:\W+[\w']+){0,5}\W*$"
)
_DENY = re.compile(
    r"(?:\b(?:not|never|nicht|dont)\b|n't\b)(?: (?:want|wish|need|like|going|to|it|them|die|das|sie|es|bestellung|order"
    r"|unbedingt))* "
    r"(?P<verb>cancel|return|send|stornier|zurueck|umtausch|exchange)"
)
_PAST = re.compile(
    r"\W*(?:last (?:time|year|summer|winter|spring)|in the past|once before|with my last order|an earlier order|previously"
    r"|letztes (?:mal|jahr)|beim letzten mal|bei meiner letzten (?!lieferung)|frueher|in der vergangenheit|schon einmal)\b"
)
_DENIED_INTENTS = {
    "cancel": "cancel_order",
    "stornier": "cancel_order",
    "return": "return_item",
    "send": "return_item",
    "zurueck": "return_item",
    "umtausch": "exchange_item",
    "exchange": "exchange_item",
}


def is_past(folded: str) -> bool:
    """True for a sentence about an earlier time ("last year I returned a coat"): it asks for nothing now."""
    return bool(_PAST.match(folded))


def is_strong(intent: str, folded: str) -> bool:
    """A narrow pattern of the intent stands in the sentence, and is not denied."""
    pattern = _STRONG.get(intent)
    match = pattern.search(folded) if pattern is not None else None
    return match is not None and not _DENIED.search(folded[: match.start()])


def is_anchored(intent: str, folded: str) -> bool:
    """A word stands in it without which a sentence hardly means the intent."""
    pattern = _ANCHORS.get(intent)
    return pattern is None or bool(pattern.search(folded))


def is_denied(intent: str, folded: str) -> bool:
    """It says that the intent is not wanted."""
    denied = _DENY.search(folded)
    return denied is not None and _DENIED_INTENTS[denied["verb"]] == intent


def second_opinion(intent: str, probability: float, folded: str) -> float:
    """The probability after a look at the words of the sentence."""
    if is_denied(intent, folded):
        return 0.0
    if is_strong(intent, folded):
        return max(probability, _SURE if probability >= 0.03 else _ALONE)
    return probability if is_anchored(intent, folded) else probability * _SHARE
