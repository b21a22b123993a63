"""Postal addresses and postcodes in the forms of the countries that shops of this kind deliver to."""

import re
from collections.abc import Iterator

from caseworker.reading.fields.scope import Scope, evidence
from caseworker.reading.model import Evidence, Field
from caseworker.reading.sentences import MAX_CHARACTERS

_UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
_EIRCODE = r"[A-Z]\d[\dW] ?[A-Z\d]{4}"
_ISLES = rf"(?:{_UK}|{_EIRCODE})"
_POSTCODE = rf"(?:{_UK}|{_EIRCODE}|\d{{2}}-\d{{3}}|\d{{4}} [A-Z]{{2}}|(?:[A-Z]{{1,2}}-)?\d{{5}}|(?:[A-Z]{{1,2}}-)?\d{{4}})"
_NAME = r"[A-ZÄÖÜÉ][\w'’.-]*"
_CITY = r"(?:St\. ?)?[A-ZÄÖÜÉ][\w'’-]*"
_KIND_DE = (
    r"(?:straße|strasse|str\.?|weg|platz|allee|gasse|ring|damm|ufer|chaussee|steig|hof|berg|garten|park|markt|pfad"
    r"|stieg|kamp|graben"
    r"|wall|tor|twiete|zeile|promenade|feld|winkel|brücke|bruecke)"
)
_KIND_EN = (
    r"(?:street|st|road|rd|lane|ln|avenue|ave|drive|dr|close|court|ct|way|place|pl|square|sq|terrace|gardens|grove"
    r"|crescent|hill|row"
    r"|mews|walk|park|view|green|mount|rise|parade|boulevard|blvd|quay|wharf|yard)"
)
_STREET = re.compile(
    rf"(?P<de>(?:(?:An der|An den|Am|Im|In der|Auf der|Auf dem|Zum|Zur|Alte|Alter|Neue|Neuer|Unter den|Hinter der|Bei der) )?"
    rf"(?:{_NAME}[ -]){{0,3}}(?:[\w.-]*(?i:{_KIND_DE})|(?<=Am )\w+|(?<=Im )\w+|(?<=An der )\w+|(?<=Zum )\w+"
    rf"|(?<=Zur )\w+),? \d{{1,4}}(?: ?[a-zA-Z]\b)?(?:[-/]\d+)?)"
    rf"|(?P<en>(?:(?:Flat|Apartment|Apt|Unit) \w+,? )?\d{{1,4}}[a-zA-Z]?,? (?:{_NAME} ){{1,3}}?(?i:{_KIND_EN})\b\.?)"
    rf"|(?P<pl>(?:ul|al|pl)\. ?(?:{_NAME} ?){{1,3}} \d+\w?(?:/\d+)?)"
)
_PLACE = re.compile(
    rf"(?P<postcode>{_POSTCODE}),?[ \t]+(?P<city>{_CITY}(?:[ -](?:am|an der|a\.d\.|im|bei|{_CITY})){{0,3}}(?:/\w+)?)"
)
_PLACE_UK = re.compile(rf"(?P<city>{_CITY}(?: {_CITY}){{0,2}}),?\s+(?P<postcode>{_ISLES})\b")
_LONE = re.compile(rf"(?<![\w-]){_POSTCODE}(?![\w-])")
_CUE = re.compile(  # "the postcode on it is", "PLZ müsste"
    r"\b(?:postcode|post code|eircode|zip(?: code)?|postleitzahl|plz)\b(?:[^\w.!?\n]+[a-zäöüß]{1,12}){0,4}[^\w.!?\n]*$",
    re.IGNORECASE,
)
_ANSWER_WORDS = 12  # a reply of so few words that holds one number of the right form gives the postcode
# What stands before an address says which one it is; of several such words the last one counts.
_FEW = r"(?:[\s:,]+[^\W\d]+){0,4}[\s:,]*$"  # up to four words may stand between
_OLD = re.compile(
    r"\b(?:old|previous|former|instead of|rather than|alte[nrs]?|bisherige[nrs]?|fr(?:ü|ue)here[nrs]?|statt|anstatt|anstelle"
    r"|falsche[nrs]?|wrong|bisher|vorher|zuvor|previously|until now|currently|aktuell\w*|derzeit\w*"
    r"|billing|invoice|rechnung\w*)\b(?: (?:to|an|nach))?"
    rf"|\b(?:from|von|vom|aus)\b(?={_FEW})"
    r"|(?:\b(?:not|never|nicht|nie)\b|n't\b)[^,;.!?\n]{0,30}\b(?:to|at|an|nach|auf|in|mehr)\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new|neue[nrs]?|neu|now|jetzt|nun|k(?:ü|ue)nftig\w*|ab sofort)\b"
    rf"|\b(?:to|an|nach|auf|sondern|but)\b(?={_FEW})",
    re.IGNORECASE,
)
_BEFORE = 90  # characters before an address in which those words are looked for
_WRITTEN_TO = re.compile(r"(?:Von|From|Nach|To) ")  # not the first word of a street, though it begins with a capital
_LETTERHEAD_WORDS = 8
_COUNTRIES = {
    "germany": "DE", "deutschland": "DE", "austria": "AT",
    "österreich": "AT", "oesterreich": "AT", "switzerland": "CH", "schweiz": "CH",
    "uk": "GB", "united kingdom": "GB", "england": "GB",
    "scotland": "GB", "großbritannien": "GB", "poland": "PL", "polen": "PL",
    "wales": "GB", "northern ireland": "GB", "great britain": "GB",
    "netherlands": "NL", "niederlande": "NL", "france": "FR",
    "frankreich": "FR", "belgium": "BE", "belgien": "BE", "ireland": "IE",
}  # fmt: skip
_COUNTRY = re.compile(r"\b(" + "|".join(_COUNTRIES) + r")\b", re.IGNORECASE)


def read_address(key: str, scope: Scope) -> Field | None:
    """Street with number, postcode and city that stand together.

    Of several the one that is called the new one (after to, an, nach, new, neue) or the only one left; never one that is called
    old, a letterhead or a signature. Two that may be meant are none: the customer is asked.
    """
    found = list(_addresses(scope))
    meant = [pair for pair, called in found if called == "new"] or [pair for pair, called in found if called == ""]
    if not meant or any(value != meant[0][0] for value, _ in meant):
        return None
    value, where = meant[0]
    return Field(key, value, 0.95 if len(found) == 1 else 0.85, where, "put in order: street, postcode, city")


def read_postcode(key: str, scope: Scope) -> Field | None:
    """A postcode: named as such, beside a city, or alone as the answer to a pending question.

    That of a new address, to which something is to be sent, is none that proves anything: only another one beside it counts.
    """
    taken = [(where.start, where.end) for (_, where), called in _addresses(scope) if called == "new" or not scope.answering]
    for source in ("body", "subject"):
        text = scope.text_of(source)[:MAX_CHARACTERS]
        for match in _LONE.finditer(text):
            if source == "body" and any(start <= match.start() < end for start, end in taken):
                continue
            cued = bool(_CUE.search(text[max(0, match.start() - 30) : match.start()]))
            placed = bool(_PLACE.match(text, match.start())) and len(match.group()) >= 5
            british = bool(re.fullmatch(_ISLES, match.group()))
            alone = scope.answering and _is_answer(text, match)
            if cued or placed or british or alone:
                where = Evidence(source, *match.span(), match.group())
                return Field(key, match.group(), 0.97 if cued or british else 0.88, where)
    for sentence in scope.sentences if scope.answering else ():
        lowered = re.search(rf"\b{_ISLES}\b", sentence.text, re.IGNORECASE)
        if lowered:
            return Field(key, lowered.group().upper(), 0.9, evidence(sentence, lowered), "written in capitals")
    return None


def _is_answer(text: str, match: re.Match[str]) -> bool:
    """Nothing but the postcode in its line, or the only one in a short reply."""
    if not re.search(r"[^\W\d_]{4,}", _line_around(text, match).replace(match.group(), "")):
        return True
    said = text[: match.end() + 60].split()
    return len(said) <= _ANSWER_WORDS and len(match.group()) >= 5 and len(_LONE.findall(text)) == 1


def _addresses(scope: Scope) -> Iterator[tuple[tuple[dict[str, str], Evidence], str]]:
    """Every address with what it is called: `new`, `old` (also that of a letterhead or a signature), or nothing."""
    text = scope.mail.body[:MAX_CHARACTERS]
    frames = [(s.start, s.end) for s in scope.sentences if s.frame and s.source == "body"]
    found: list[tuple[dict[str, str], Evidence]] = []
    for street in _STREET.finditer(text):
        place = _first_place(text[street.end() : street.end() + 70])
        if place is not None:
            found.append(_address(text, street, place))
    alone = len(found) == 1
    before = 0
    for value, where in found:
        own = text[max(before, where.start - _BEFORE) : where.start]
        called = _called(own)
        framed = any(start <= where.start < end for start, end in frames) or _is_letterhead(text, where)
        if framed and not called and not (scope.answering and alone):  # the whole answer may look like a letterhead
            called = "old"
        yield (value, where), called
        before = where.end


def _address(text: str, street: re.Match[str], place: re.Match[str]) -> tuple[dict[str, str], Evidence]:
    end = street.end() + place.end()
    written = _WRITTEN_TO.match(street.group())
    start = street.start() + (written.end() if written else 0)
    value = {
        "street": re.sub(r"\s+", " ", text[start : street.end()].strip(" ,")),
        "postcode": re.sub(r"^[A-Z]{1,2}-(?=\d)", "", place["postcode"]),
        "city": place["city"].strip(" ,."),
    }
    country = _COUNTRY.match(text[end : end + 40].lstrip(" ,\n"))
    if country:
        value["country"] = _COUNTRIES[country.group().lower()]
    elif re.fullmatch(_UK, value["postcode"]) and not re.fullmatch(_EIRCODE, value["postcode"]):
        value["country"] = "GB"
    elif re.fullmatch(_EIRCODE, value["postcode"]):
        value["country"] = "IE"
    elif re.fullmatch(r"\d{2}-\d{3}", value["postcode"]):
        value["country"] = "PL"
    return value, Evidence("body", start, end, text[start:end])


def _called(before: str) -> str:
    """`new`, `old` or nothing, by the words of the sentence before the address."""
    said = re.split(r"[.!?](?=\s)", before)[-1]
    old = max((match.end() for match in _OLD.finditer(said)), default=-1)
    new = max((match.end() for match in _NEW.finditer(said)), default=-1)
    return "" if old == new == -1 else "old" if old >= new else "new"


def _is_letterhead(text: str, where: Evidence) -> bool:
    """A few words of a name, the address, the end of the line, and only then what the mail says."""
    above, below = text[: where.start], text[where.end :]
    plain = not re.search(r"[,:.!?]\s*$|[.!?]\s", above) and len(above.split()) <= _LETTERHEAD_WORDS
    return plain and bool(re.match(r"[ \t]*\n", below)) and bool(below.strip())


def _first_place(window: str) -> re.Match[str] | None:
    matches = [match for pattern in (_PLACE, _PLACE_UK) if (match := pattern.search(window)) is not None]
    matches = [match for match in matches if len(re.findall(r"\w+", window[: match.start()])) <= 4]
    return min(matches, key=lambda match: (match.re is not _PLACE_UK, match.start()), default=None)


def _line_around(text: str, match: re.Match[str]) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return text[start : end if end >= 0 else len(text)]
