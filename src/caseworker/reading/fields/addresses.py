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
_OLD = re.compile(
    r"\b(?:old|previous|former|instead of|not to|rather than|alte[nr]?|bisherige[nr]?|fr(?:ü|ue)here[nr]?|statt|anstatt"
    r"|nicht (?:an|nach|mehr)|falsche[nr]?|wrong"
    r"|currently|aktuell)\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
_COUNTRIES = {
    "germany": "DE", "deutschland": "DE", "austria": "AT",
    "österreich": "AT", "oesterreich": "AT", "switzerland": "CH", "schweiz": "CH",
    "uk": "GB", "united kingdom": "GB", "england": "GB",
    "scotland": "GB", "großbritannien": "GB", "poland": "PL", "polen": "PL",
    "netherlands": "NL", "niederlande": "NL", "france": "FR",
    "frankreich": "FR", "belgium": "BE", "belgien": "BE", "ireland": "IE",
}  # fmt: skip
_COUNTRY = re.compile(r"\b(" + "|".join(_COUNTRIES) + r")\b", re.IGNORECASE)


def read_address(key: str, scope: Scope) -> Field | None:
    """Street with number, postcode and city that stand together; of two, the one that is not called old or wrong."""
    found = list(_addresses(scope))
    if not found:
        return None
    value, where = found[0] if len(found) == 1 else next((pair for pair in found if not _is_old(pair[1], scope)), found[-1])
    return Field(key, value, 0.95 if len(found) == 1 else 0.85, where, "put in order: street, postcode, city")


def read_postcode(key: str, scope: Scope) -> Field | None:
    """A postcode: named as such, beside a city, or alone as the answer to a pending question."""
    for source in ("body", "subject"):
        text = scope.text_of(source)[:MAX_CHARACTERS]
        for match in _LONE.finditer(text):
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


def _addresses(scope: Scope) -> Iterator[tuple[dict[str, str], Evidence]]:
    text = scope.mail.body[:MAX_CHARACTERS]
    frames = () if scope.answering else [(s.start, s.end) for s in scope.sentences if s.frame and s.source == "body"]
    for street in _STREET.finditer(text):
        if any(start <= street.start() < end for start, end in frames):
            continue
        window = text[street.end() : street.end() + 70]
        place = _first_place(window)
        if place is None:
            continue
        end = street.end() + place.end()
        value = {
            "street": re.sub(r"\s+", " ", street.group().strip(" ,")),
            "postcode": re.sub(r"^[A-Z]{1,2}-(?=\d)", "", place["postcode"]),
            "city": place["city"].strip(" ,."),
        }
        country = _COUNTRY.match(text[end : end + 40].lstrip(" ,\n"))
        if country:
            value["country"] = _COUNTRIES[country.group().lower()]
        yield value, Evidence("body", street.start(), end, text[street.start() : end])


def _first_place(window: str) -> re.Match[str] | None:
    matches = [match for pattern in (_PLACE, _PLACE_UK) if (match := pattern.search(window)) is not None]
    matches = [match for match in matches if len(re.findall(r"\w+", window[: match.start()])) <= 4]
    return min(matches, key=lambda match: (match.re is not _PLACE_UK, match.start()), default=None)


def _is_old(where: Evidence, scope: Scope) -> bool:
    return bool(_OLD.search(scope.mail.body[max(0, where.start - 60) : where.start]))


def _line_around(text: str, match: re.Match[str]) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return text[start : end if end >= 0 else len(text)]
