"""Stand-ins for what says who a customer is. Pure.

The same value gets the same stand-in within one example, whatever its spelling (`nw 2026 115752` and `NW-2026-115752`). A
number keeps its form and nothing else: every digit becomes a digit, every letter a letter, but for what the playbook itself
says (the fixed part of a declared form, a group that a condition looks for). Words of the playbook and of enums, countries,
amounts, quantities and yes or no stay. Times are moved together by whole weeks.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import TypeAlias

from caseworker.core.errors import PlaybookError
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.types import ANY, Records, Type
from caseworker.sop.originals import Originals, is_quantity, pure_groups
from caseworker.sop.own_words import OwnWords

SYSTEM = "shop"  # of every reference
OWN = (
    SYSTEM,
    "customer",
    "example",
    "com",
    "https",
    "Street",
    "Sampletown",
    "words",
    "Sample",
    "Muster",
    "Specimen",
    "id",
    "ref",
)
TRIES = 60  # stand-ins of one form that are tried before another form is
LAST_TRIES = 1000  # of the form that has nothing left to search for
LONGEST = 64  # signs of a number; what is longer is a text
_STANDARD = {
    "country": re.compile(r"[A-Z]{2}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "language": re.compile(r"[a-z]{2}(-[A-Z]{2})?"),
}  # fields with words of a standard that say nothing of a person
_NUMBERED = re.compile(
    r"(^|_)(ids?|items?|numbers?|no|pin|sku|reference|code|phone|mobile|fax|account|card|iban|postcode|zip)(_|$)"
)
_LOOKS_NUMBERED = re.compile(r"(?=.*\d)(\S+|[A-Z\d\s+()/.:-]+)")
_NAMES = ("Alex Example", "Kim Sample", "Robin Muster", "Sam Specimen")
_COUNTRY_LETTERS = re.compile(r"[A-Za-z]{1,3}[ -]?(?=\d)")
_RUN = re.compile(r"\d+|[^\W\d_]+")
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")
_Maker: TypeAlias = Callable[[int, int, int], tuple[str, str]]  # from a number so many digits and so many letters


@dataclass
class StandIns:
    """Replaces what one example is made of. `originals` are all texts of the case; `weeks` is set before each try.

    `stayed` are the texts that stand in the example and are no stand-ins: words, times, amounts, quantities.
    """

    own: OwnWords
    originals: Collection[str]
    weeks: int = 0
    stayed: set[str] = field(default_factory=set)
    _made: dict[str, str] = field(default_factory=dict)
    _spelled: set[str] = field(default_factory=set)  # keys whose stand-in follows the spelling of the value
    _taken: set[str] = field(default_factory=set)
    _numbers: "dict[str, count[int]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = self.own
        searched = {group for text in own.searched for group in pure_groups(text)}
        self._kept = {"postcode": searched, "code": searched | {group for form in own.forms for group in pure_groups(form)}}
        self._words = frozenset(text.casefold() for text in own.words)
        self._of_case = Originals(self.originals, {*own.words, *own.names, *own.forms, *own.searched, *OWN})

    def told_by(self, text: str) -> bool:
        """Whether anything of the case stands in a text."""
        return text not in self.stayed and self._of_case.told_by(text)

    def tree(self, value: object, kind: Type, records: Records, name: str = "") -> object:
        """A fact as it is written in an example. `kind` is its type, `name` the field in which it stands."""
        kind = kind.item if kind.name == "optional" and kind.item else kind
        match value:
            case Mapping():
                return self._mapping(value, kind, records)
            case list() | tuple():
                return [self.tree(item, kind.item or ANY, records, name) for item in value]
            case datetime():
                return self.time(value)
            case Money():
                return self._stays(str(value))
            case Ref():
                return f"{SYSTEM}:{value.type if value.type in self.own.names else 'ref'}:{self._code(value.id)}"
            case timedelta():
                return f"{int(value.total_seconds())}s"
            case str():
                return self._text(value, kind, name)
            case int() | float():
                return self._number(value, name)
        return value

    def _mapping(self, value: Mapping[str, object], kind: Type, records: Records) -> dict[str, object]:
        fields = records.get(kind.of, {}) if kind.name == "record" else {}
        inner = kind.item or ANY
        keys = [*(key for key in fields if key in value), *(key for key in value if key not in fields)]
        ours = self.own.selected if kind.name == "map" else self.own.names
        said = {key: key if key in fields or key in ours else self._text(key, ANY, "") for key in keys}
        return {said[key]: self.tree(value[key], fields.get(key, inner), records, key) for key in keys}

    def time(self, at: datetime) -> str:
        """A time, moved by the weeks."""
        moved = f"{(at + timedelta(weeks=self.weeks)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        return self._stays(moved.rstrip("0").rstrip(".") + "Z")

    def _stays(self, text: str) -> str:
        self.stayed.add(text)
        return text

    def _number(self, value: float, name: str) -> object:
        """What is no quantity may be an account, a phone, a place on a map: it gets other digits."""
        if is_quantity(value):
            return value
        if name in self.own.measured or str(value) in self.own.figures:
            self._stays(str(value))
            return value
        made = type(value)(self._digits(str(abs(value))))
        return -made if value < 0 else made

    def _digits(self, text: str) -> str:
        """A number has no signs but digits, so that it cannot be any stand-in of a text."""
        made, key = self._code(text), _key(text)
        if not _DIGITS.fullmatch(made):
            made = self._made[key] = self._plainly(key, lambda n: n.replace("-", ""))
        return made

    def _text(self, text: str, kind: Type, name: str) -> str:
        standard = _STANDARD.get(name)
        if not text or text.casefold() in self._words or text in kind.words or (standard and standard.fullmatch(text)):
            return self._stays(text)
        if kind.name == "time":
            return self._day(text)
        return self._kind_of(text, name)(text)

    def _kind_of(self, text: str, name: str) -> Callable[[str], str]:
        if "@" in text:
            return self._email
        if text.startswith(("http://", "https://")):
            return self._url
        if name == "postcode":
            return self._postcode
        forms = {"name": self._name, "street": self._street, "city": self._city}
        if name in forms:
            return forms[name]
        numbered = _NUMBERED.search(name) or _LOOKS_NUMBERED.fullmatch(text) or _key(text) in self._spelled
        return self._code if numbered else self._sentence

    def _day(self, text: str) -> str:
        try:
            moved = datetime.fromisoformat(text) + timedelta(weeks=self.weeks)
        except ValueError:
            return self._sentence(text)
        return self._stays(moved.date().isoformat() if len(text) == len("2026-12-02") else moved.isoformat())

    def _email(self, text: str) -> str:
        return self._once(text.strip().casefold(), "email", lambda n: f"customer{n}@example.com")

    def _url(self, text: str) -> str:
        return self._once(text, "url", lambda n: f"https://example.com/{n}")

    def _name(self, text: str) -> str:
        return self._said(text, "name", lambda n: _NAMES[int(n) - 1] if _is_first(n, len(_NAMES)) else f"Example {n}")

    def _street(self, text: str) -> str:
        return self._said(text, "street", lambda n: f"Example Street {n}")

    def _city(self, text: str) -> str:
        return self._said(text, "city", lambda n: f"Sampletown {n}")

    def _sentence(self, text: str) -> str:
        return self._said(text, "words", lambda n: f"Words {n}")

    def _said(self, text: str, group: str, make: Callable[[str], str]) -> str:
        """Spellings that differ in case alone stay different, as they are for a condition."""
        made = self._once(_key(text) or text, group, make)
        return made.upper() if text.isupper() else made.lower() if text.islower() else made

    # -- what has a form -----------------------------------------------------------------------------------------------

    def _postcode(self, text: str) -> str:
        """`D-50667` and `50667` are one postcode; the letters of the country stay, unless they are more than two."""
        text = text.strip()
        found = _COUNTRY_LETTERS.match(text)
        letters = found.group() if found and text[found.end() :].isdigit() else ""
        shown = "".join("X" if char.isalpha() else char for char in letters) if len(_key(letters)) > 2 else letters
        return shown + self._formed(text[len(letters) :], "postcode", _running)

    def _code(self, text: str) -> str:
        return self._formed(text, "code", _counted)

    def _formed(self, text: str, group: str, first: _Maker) -> str:
        """A stand-in of the same form, with the separators and the case of this spelling."""
        key = _key(text)
        if not key or len(text) > LONGEST:
            return self._sentence(text)
        if key not in self._made:
            self._made[key] = self._of_form(text, key, group, first)
        made, signs = self._made[key], _signs(self._made[key])
        if key not in self._spelled or len(_signs(text)) != len(signs):
            return made
        return _filled(text, [_cased(new, old) for new, old in zip(signs, _signs(text), strict=True)])

    def _of_form(self, text: str, key: str, group: str, first: _Maker) -> str:
        """The first that is free and tells nothing, of one form and then of another; else one that has no form."""
        fixed = self._fixed(text, group)
        for make in (first, _scattered) if not all(fixed) else ():
            numbers = islice(self._numbers.setdefault(group, count(1)), TRIES)
            if made := self._first(key, (_made_over(text, fixed, number, make) for number in numbers)):
                self._spelled.add(key)
                return made
        return self._plainly(key, lambda n: f"id-{n}")

    def _fixed(self, text: str, group: str) -> list[bool]:
        """For each letter and digit whether it stays, as part of a declared form or of a text that a condition looks for."""
        signs = _signs(text)
        for form in self.own.forms:
            wanted = [char for char in form if char.isalnum() or char in "#@"]
            if len(wanted) == len(signs) and all(map(_is_of, wanted, signs)):
                return [sign not in "#@" for sign in wanted]
        return [found.group().casefold() in self._kept[group] for found in _RUN.finditer(text) for _ in found.group()]

    # -- what has none -------------------------------------------------------------------------------------------------

    def _once(self, key: str, group: str, make: Callable[[str], str]) -> str:
        if key not in self._made:
            numbers = map(str, islice(self._numbers.setdefault(group, count(1)), TRIES))
            self._made[key] = self._first(key, map(make, numbers)) or self._plainly(key, make)
        return self._made[key]

    def _plainly(self, key: str, make: Callable[[str], str]) -> str:
        """Numbered in groups of two digits, which are shorter than anything that is searched for: one of them can stand."""
        numbers = map(_pairs, islice(self._numbers.setdefault("pairs", count(1)), LAST_TRIES))
        if made := self._first(key, map(make, numbers)):
            return made
        raise PlaybookError(
            "The case has so many texts that look like stand-ins that none is left.", remedy="Write the example by hand."
        )

    def _first(self, key: str, offered: Iterator[str]) -> str:
        """The first that may stand, from now on taken; empty where none may."""
        made = next((made for made in offered if self._may_stand(made, key)), "")
        if made:
            self._taken.add(_key(made))
        return made

    def _may_stand(self, made: str, key: str) -> bool:
        """Whether nobody has it, neither of the case nor of the playbook, and nothing of the case stands in it."""
        ours = made.casefold() in self._words or made.lstrip("0") in self.own.figures
        return not ours and _key(made) not in self._taken and _key(made) != _key(key) and not self._of_case.told_by(made)


def _signs(text: str) -> list[str]:
    return [char for char in text if char.isalnum()]


def _key(text: str) -> str:
    return "".join(_signs(text)).upper()


def _cased(new: str, old: str) -> str:
    return new.lower() if old.islower() else new


def _is_of(sign: str, char: str) -> bool:
    return char.isdigit() if sign == "#" else char.isalpha() if sign == "@" else sign.casefold() == char.casefold()


def _is_first(number: str, last: int) -> bool:
    return number.isdecimal() and int(number) <= last


def _made_over(text: str, fixed: list[bool], number: int, make: _Maker) -> str:
    """The text with other digits and letters where it is not fixed."""
    signs = _signs(text)
    digits = sum(not stays and sign.isdigit() for stays, sign in zip(fixed, signs, strict=True))
    new_digits, new_letters = map(iter, make(number, digits, len(signs) - sum(fixed) - digits))
    new = [
        sign if stays else next(new_digits if sign.isdigit() else new_letters) for stays, sign in zip(fixed, signs, strict=True)
    ]
    return _filled(text, new)


def _filled(text: str, signs: list[str]) -> str:
    """The text with these letters and digits in place of its own; of what is between them stays what separates."""
    new = iter(signs)
    return "".join(next(new) if char.isalnum() else char for char in text if char.isalnum() or _separates(char))


def _separates(char: str) -> bool:
    """Signs of a keyboard, blanks and dashes; accents and vowel signs would tell of the letters that they stood on."""
    return (char.isascii() and char.isprintable()) or unicodedata.category(char) in ("Zs", "Pd")


def _counted(number: int, digits: int, letters: int) -> tuple[str, str]:
    """So many digits and letters: 100001 and BCDEF, then 100002 and CDEFG."""
    value = 10 ** (digits - 1) + number if digits > 2 else number
    return str(value % 10**digits).zfill(digits) if digits else "", _letters(range(number, number + letters))


def _running(number: int, digits: int, letters: int) -> tuple[str, str]:
    """So many digits and letters: 12345 and BCDEF, then 23456 and CDEFG."""
    return "".join(str(each % 10) for each in range(number, number + digits)), _letters(range(number, number + letters))


def _scattered(number: int, digits: int, letters: int) -> tuple[str, str]:
    """So many digits and letters without an order that a value of a case could share; the same ones each time."""
    drawn = hashlib.shake_256(str(number).encode()).digest(digits + letters)
    return "".join(str(each % 9 + 1) for each in drawn[:digits]), _letters(drawn[digits:])


def _letters(numbers: Collection[int]) -> str:
    return "".join(chr(ord("A") + number % 26) for number in numbers)


def _pairs(number: int) -> str:
    digits = str(number)
    padded = digits.zfill(len(digits) + len(digits) % 2)
    return "-".join(padded[at : at + 2] for at in range(0, len(padded), 2))
