"""The simple kinds: yes or no, quantity, photo, money, date, free text."""

import re
from decimal import Decimal

from caseworker.core.money import Money, exponent
from caseworker.reading.fields.scope import Scope, evidence, whole
from caseworker.reading.model import Evidence, Field

_YES = re.compile(
    r"^\W*(?:(?:oh |ok(?:ay)?,? |well,? |hi,? |hello,? )?(?:yes|yep|yeah|yup|sure|ok(?:ay)?|correct|confirmed|i confirm"
    r"|go ahead|please do|please go ahead|do it|agreed|"
    r"absolutely|of course|that'?s (?:right|correct|fine|ok)|sounds good|perfect|fine|ja|jawohl|jap|jo|gerne|genau"
    r"|richtig|stimmt|einverstanden|"
    r"passt|bestätigt|ich bestätige|machen sie das|bitte machen|in ordnung|klar|natürlich|selbstverständlich|alles klar))\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(?:no\b(?! problem)|nope|nein|nee|nicht|lieber nicht|bitte nicht|doch nicht|please don'?t|don'?t|do not"
    r"|rather not|stop|not (?:yet|anymore|any more)|"
    r"i'?ve changed my mind|ich habe es mir anders überlegt|never ?mind|keep (?:the|my) order|abbrechen|auf keinen fall)\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:no|not|nothing|never|keep|cannot|don'?t|won'?t|wouldn'?t|instead|wait|nein|nicht|nichts|kein\w*|nie|behalten|behalte"
    r"|doch|stattdessen|warten|anders)\b|n't\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:no (?:problem|worries|need to reply)|not a problem|why not|kein problem|keine ursache|do not need (?:it|them)"
    r"|don'?t need (?:it|them)|brauche (?:ich |es |sie |ihn |die |das |den )*(?:\w+ )?nicht)\b",
    re.IGNORECASE,
)
_BUT = re.compile(r"\b(?:but|aber|jedoch|however|except|außer|unless|only if|nur wenn)\b", re.IGNORECASE)
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "ten": 10, "eine": 1, "einen": 1, "ein": 1, "zwei": 2, "drei": 3,
    "vier": 4, "fünf": 5, "sechs": 6, "zehn": 10, "both": 2, "beide": 2,
}  # fmt: skip
_QUANTITY = re.compile(
    r"(?<![\w.,/-])(?:(?P<times>\d{1,3})\s?(?:x|×|stk\.?|stück|pcs|pieces?|pairs?|paar|mal)\b"
    r"|(?P<bare>\d{1,2}))(?![\w.,/-]*\d)",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"(?P<before>€|£|\$|EUR|GBP|USD|PLN|CHF)?\s?(?P<amount>\d{1,3}(?:[. ]\d{3})*(?:,\d{1,2})"
    r"|\d+(?:\.\d{1,2})?)\s?(?P<after>€|£|euros?|eur|gbp|pounds?|pln|zł|usd|dollars?|chf|franken)?",
    re.IGNORECASE,
)
_CURRENCIES = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "eur": "EUR", "£": "GBP",
    "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "$": "USD", "usd": "USD",
    "dollar": "USD", "dollars": "USD", "pln": "PLN", "zł": "PLN", "chf": "CHF", "franken": "CHF",
}  # fmt: skip
_MONTH_NAMES = (
    ("january", "januar", "jan"),
    ("february", "februar", "feb"),
    ("march", "märz", "maerz", "mar", "mär"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "juni", "jun"),
    ("july", "juli", "jul"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oktober", "oct", "okt"),
    ("november", "nov"),
    ("december", "dezember", "dec", "dez"),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_DOTTED = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](20\d\d)\b")
_NAMED = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?([A-Za-zä]{3,9})\.?\s+(20\d\d)\b")


def read_yes_no(key: str, scope: Scope) -> Field | None:
    """Yes or no at the start of a sentence of a reply.

    The whole reply is read: a yes with a condition, or with a denial anywhere else in it, is doubtful (0.5), and so is both.
    """
    spoken = [s for s in scope.sentences if s.source == "body" and not (s.frame and len(s.text.split()) > 3)]
    said = [
        (sentence, match, value)
        for sentence in spoken
        for pattern, value in ((_NO, False), (_YES, True))
        if (match := pattern.search(sentence.text))
    ]
    if not said:
        return None
    sentence, match, value = said[0]
    against = value and any(_AGAINST.search(_HARMLESS.sub(" ", s.text)) for s in spoken)
    conditions = any(_BUT.search(s.text) for s in spoken)
    doubtful = against or conditions or len({v for _, _, v in said}) > 1 or len(sentence.text.split()) > 25
    return Field(key, value, 0.5 if doubtful else 0.95, evidence(sentence, match), f"said as {match.group().strip()!r}")


def read_photo(key: str, scope: Scope) -> Field | None:
    """True where a picture is attached: one by its content, what a file is called proves nothing."""
    for name in scope.mail.pictures:
        return Field(
            key, value=True, confidence=1.0, evidence=Evidence(f"attachment:{name}", 0, 0, ""), derived=f"picture {name}"
        )
    return None


def read_quantity(key: str, scope: Scope) -> Field | None:
    """A number of pieces: `2x`, `3 pieces`, or a bare number or number word where it was asked for."""
    for sentence in scope.sentences:
        for match in _QUANTITY.finditer(sentence.text):
            if match["times"] or scope.answering:
                return Field(key, int(match["times"] or match["bare"]), 0.9, evidence(sentence, match))
        for match in re.finditer(r"[^\W\d_]+", sentence.text) if scope.answering else ():
            if match.group().lower() in _NUMBERS:
                return Field(key, _NUMBERS[match.group().lower()], 0.8, evidence(sentence, match), f"said as {match.group()!r}")
    return None


def read_money(key: str, scope: Scope) -> Field | None:
    """The first amount with a currency."""
    for sentence in scope.sentences:
        for match in _MONEY.finditer(sentence.text):
            unit = (match["before"] or match["after"] or "").lower()
            if unit not in _CURRENCIES:
                continue
            amount = match["amount"].replace(" ", "")
            decimal = Decimal(amount.replace(".", "").replace(",", ".") if "," in amount else amount)
            currency = _CURRENCIES[unit]
            if decimal == round(decimal, exponent(currency)):
                return Field(key, Money.parse(decimal, currency), 0.9, evidence(sentence, match), "amount with its currency")
    return None


def read_date(key: str, scope: Scope) -> Field | None:
    """A full date (day, month, year) as an ISO date; 03/04/2026 counts as day before month."""
    for sentence in scope.sentences:
        for pattern in (_ISO, _DOTTED, _NAMED):
            match = pattern.search(sentence.text)
            value = _iso(pattern, match) if match else None
            if match and value:
                return Field(key, value, 0.9, evidence(sentence, match), "" if pattern is _ISO else "as an ISO date")
    return None


def read_text(key: str, scope: Scope) -> Field | None:
    """The customer's own words: the sentences of the request, or the whole answer to a pending question."""
    spoken = [s for s in scope.sentences if not s.frame and s.source == "body"]
    if not spoken:
        return None
    first, last = spoken[0], spoken[-1]
    if not scope.answering:
        return Field(key, first.text, 0.8, whole(first))
    text = scope.mail.body[first.start : last.end]
    return Field(key, text, 0.8, Evidence("body", first.start, last.end, text))


def _iso(pattern: re.Pattern[str], match: re.Match[str]) -> str | None:
    first, second, third = match.groups()
    if pattern is _ISO:
        year, month, day = int(first), int(second), int(third)
    elif pattern is _DOTTED:
        day, month, year = int(first), int(second), int(third)
    else:
        day, month, year = int(first), _MONTHS.get(second.lower(), 0), int(third)
    return f"{year:04d}-{month:02d}-{day:02d}" if 1 <= month <= 12 and 1 <= day <= 31 else None
