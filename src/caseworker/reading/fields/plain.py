"""The simple kinds: yes or no, quantity, photo, money, date."""

import re
from decimal import Decimal

from caseworker.core.money import Money, exponent
from caseworker.reading.encoder import fold
from caseworker.reading.fields.scope import Scope, evidence, whole
from caseworker.reading.model import Evidence, Field
from caseworker.reading.stance import is_denied

_LEAD = r"^\W*(?:(?:oh|ok(?:ay)?|well|hi|hello|hallo|ach|ah|na|hm+|ähm|och|ne|nun|also|actually|tja),? )*"
_YES = re.compile(
    _LEAD + r"(?:(?:yes|yep|yeah|yup|yeh|yea|ye|aye|sure|ok(?:ay)?|correct|confirmed|i confirm"
    r"|go ahead|please do|please go ahead|do it|agreed|"
    r"absolutely|of course|that'?s (?:right|correct|fine|ok)|sounds good|perfect|fine|ja|jawohl|jap|jo|gerne|genau"
    r"|richtig|stimmt|einverstanden|"
    r"passt|bestätigt|ich bestätige|machen sie das|bitte machen|in ordnung|klar|natürlich|selbstverständlich|alles klar))\b",
    re.IGNORECASE,
)
_NO = re.compile(
    _LEAD + r"(?:no\b(?! problem)|nope|nein|nee|nicht|lieber nicht|bitte nicht|doch nicht|please don'?t|don'?t|do not"
    r"|rather not|stop|not (?:yet|anymore|any more)|"
    r"i'?ve changed my mind|ich habe es mir anders überlegt|never ?mind|keep (?:the|my) order|abbrechen|auf keinen fall)\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:keep (?:it|them|everything|the order|all|my)|keeping (?:it|them|everything)|behalte\w*"
    r"|doch nicht|lieber nicht|bitte nicht"
    r"|nothing|nichts|never ?mind|instead|stattdessen|wait|warten|leave (?:it|everything)|lass(?:en)? sie (?:es|alles))\b",
    re.IGNORECASE,
)
_SURE = 0.7
_PICTURE = r"(?:photo\w*|picture\w*|pic|pics|snap|image|foto\w*|bild(?:er|ern|es)?|aufnahmen?)"
_NO_PHOTO = re.compile(
    r"\b(?:no|can'?t|cannot|could not|couldn'?t|won'?t|unable to|don'?t have|haven'?t got|without) "
    rf"(?:\w+ ){{0,4}}?{_PICTURE}\b"
    rf"|\b{_PICTURE} (?:\w+ ){{0,6}}?(?:nicht|kein\w*|not|can'?t|impossible|unmöglich)\b"
    rf"|\b(?:kein\w*|ohne) (?:\w+ ){{0,2}}?{_PICTURE}\b"
    r"|\b(?:no|keine?n?|don'?t (?:have|own)|haven'?t got) (?:a |\w+ ){0,2}?(?:camera|smartphone|kamera|fotoapparat)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:later|tonight|tomorrow|when|once|soon|später|nachher|morgen|heute abend|sobald|wenn)\b", re.IGNORECASE
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
_OF_ORDERS = r"(?! (?:\w+ ){0,2}?(?:orders?|parcels?|packages?|bestellung(?:en)?|pakete?n?|sendung(?:en)?|lieferung(?:en)?)\b)"
_BOTH = re.compile(rf"\b(?:both|beide[nrs]?)\b{_OF_ORDERS}", re.IGNORECASE)
_ONE_OF = re.compile(
    rf"\b(?:one of (?:the|them|these|those|both|my)|eine?[nrsm]? (?:der|von|davon|dieser|meiner))\b{_OF_ORDERS}",
    re.IGNORECASE,
)
_ALL_OF = re.compile(  # not "alle 14 Tage", and not "all three items", which may be lines
    rf"\b(?:all|alle) (?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)})\b{_OF_ORDERS}"
    r"(?! (?:days|weeks|hours|tage|wochen|stunden|items|articles|things|artikel|sachen|teile)\b)",
    re.IGNORECASE,
)
_ONLY_ONE = re.compile(
    r"\b(?:(?:only|just) (?:one|1)|(?:nur|bloß|lediglich) (?:eine?[nrsm]?|1))\b(?! (?:teil|part)\b)", re.IGNORECASE
)
# "only got one" says how many came, not how many are concerned
_CAME = re.compile(
    r"\b(?:got|get|received|arrived|came|bekommen|erhalten|angekommen|gekommen|geliefert|dabei|drin)\b", re.IGNORECASE
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
        return _heard_yes_no(key, scope)
    sentence, match, value = said[0]
    denied = any(is_denied(fold(s.text), intent) for s in spoken for intent in ("cancel_order", "change_address"))
    against = value and (denied or any(_AGAINST.search(s.text) for s in spoken))
    conditions = any(_BUT.search(s.text) for s in spoken)
    doubtful = against or conditions or len({v for _, _, v in said}) > 1 or len(sentence.text.split()) > 25
    return Field(key, value, 0.5 if doubtful else 0.95, evidence(sentence, match), f"said as {match.group().strip()!r}")


def _heard_yes_no(key: str, scope: Scope) -> Field | None:
    """A yes or no in other words ("go on then, cancel them"), where the heads hear one and not the other."""
    sure = {label: max(scope.said(f"confirm_{label}"), key=lambda s: s[1], default=None) for label in ("yes", "no", "unclear")}
    yes, no, unclear = sure["yes"], sure["no"], sure["unclear"]
    if yes is None or no is None:
        return None
    best, value = (yes, True) if yes[1] > no[1] else (no, False)
    others = [found[1] for found in (yes, no, unclear) if found is not None and found is not best]
    clear = best[1] >= _SURE and max(others, default=0.0) < 1 - _SURE
    return Field(key, value, 0.8 if clear else 0.5, whole(best[0]), "what the sentence says") if best[1] >= 0.5 else None


def read_photo(key: str, scope: Scope) -> Field | None:
    """True where a picture is attached (by its content: a file's name proves nothing); False where none is to be had."""
    for name in scope.mail.pictures:
        return Field(
            key, value=True, confidence=1.0, evidence=Evidence(f"attachment:{name}", 0, 0, ""), derived=f"picture {name}"
        )
    for sentence, sure in scope.said("photo_refused") if scope.answering else ():
        if sure >= _SURE:
            return Field(key, value=False, confidence=0.8, evidence=whole(sentence), derived="none to be had")
    for sentence in scope.sentences:
        match = _NO_PHOTO.search(sentence.text)
        if match and sentence.source == "body" and not _LATER.search(sentence.text):
            return Field(key, value=False, confidence=0.85, evidence=evidence(sentence, match), derived="none to be had")
    return None


def read_quantity(key: str, scope: Scope) -> Field | None:
    """A number of pieces: `2x`, `3 pieces`, "one of them", "both", or a bare number or number word where it was asked for."""
    for sentence in scope.sentences:
        one = _ONE_OF.search(sentence.text) or (None if _CAME.search(sentence.text) else _ONLY_ONE.search(sentence.text))
        if one is not None:
            return Field(key, 1, 0.8, evidence(sentence, one), f"said as {one.group()!r}")
        all_of = _ALL_OF.search(sentence.text)
        if all_of is not None:
            count = all_of["count"].lower()
            value = int(count) if count.isdigit() else _NUMBERS[count]
            return Field(key, value, 0.85, evidence(sentence, all_of), f"said as {all_of.group()!r}")
        both = _BOTH.search(sentence.text)
        if both is not None:
            return Field(key, 2, 0.8, evidence(sentence, both), f"said as {both.group()!r}")
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


def _iso(pattern: re.Pattern[str], match: re.Match[str]) -> str | None:
    first, second, third = match.groups()
    if pattern is _ISO:
        year, month, day = int(first), int(second), int(third)
    elif pattern is _DOTTED:
        day, month, year = int(first), int(second), int(third)
    else:
        day, month, year = int(first), _MONTHS.get(second.lower(), 0), int(third)
    return f"{year:04d}-{month:02d}-{day:02d}" if 1 <= month <= 12 and 1 <= day <= 31 else None
