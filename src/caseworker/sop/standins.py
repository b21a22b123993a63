"""Stand-ins for what says who a customer is. Pure.

The same value gets the same stand-in within one example, whatever its spelling (`nw 2026 115752` and `NW-2026-115752`). A
number keeps its form and nothing else: every digit becomes a digit, every letter a letter, but for what the playbook itself
says (the fixed part of a declared form, a word of a condition). Words of the playbook and of enums, countries, amounts and yes
or no stay. Times are moved together by whole weeks.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.types import ANY, Records, Type
from caseworker.sop.originals import Originals, pure_groups

OWN_WORDS = ("customer", "example", "com", "https", "Street", "Sampletown", "words", "Sample", "Muster", "Specimen", "id")
TRIES = 60  # stand-ins of one form that are tried before another form is
_STANDARD = {
    "country": re.compile(r"[A-Z]{2}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "language": re.compile(r"[a-z]{2}(-[A-Z]{2})?"),
}  # fields with words of a standard that say nothing of a person
_NUMBERED = re.compile(
    r"(^|_)(ids?|items?|numbers?|no|pin|sku|reference|code|phone|mobile|fax|account|card|iban|postcode|zip)(_|$)"
)
_LOOKS_NUMBERED = re.compile(r"(?=.*\d)(\S+|[A-Z\d\s+()/.:-]+)")
_LEAST_NUMBER = 1000  # whole numbers below it are quantities, whatever their field is called
_NAMES = ("Alex Example", "Kim Sample", "Robin Muster", "Sam Specimen")
_COUNTRY_LETTERS = re.compile(r"[A-Za-z]{1,3}[ -]?(?=\d)")
_RUN = re.compile(r"\d+|[^\W\d_]+")


@dataclass
class StandIns:
    """Replaces texts of one example. `words` are the playbook's own; `originals` every text of the case.

    `forms` are how numbers look by the playbook (`#` a digit, `@` a letter): what is fixed in them stays. `stayed` are the
    texts that stand in the example and are no stand-ins: words, times, amounts.
    """

    words: Collection[str]
    originals: Collection[str]
    weeks: int
    forms: Collection[str] = ()
    stayed: set[str] = field(default_factory=set)
    _made: dict[str, str] = field(default_factory=dict)
    _spelled: set[str] = field(default_factory=set)  # keys whose stand-in follows the spelling of the value
    _taken: set[str] = field(default_factory=set)
    _numbers: "dict[str, count[int]]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        free = {*self.words, *self.forms, *OWN_WORDS}
        self._kept = frozenset(group for text in {*self.words, *self.forms} for group in pure_groups(text))
        self._of_case = Originals(self.originals, free)

    def told_by(self, text: str) -> bool:
        """Whether anything of the case stands in a text."""
        return self._of_case.told_by(text)

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
                return f"shop:{value.type}:{self._code(value.id)}"
            case timedelta():
                return f"{int(value.total_seconds())}s"
            case str():
                return self._text(value, kind, name)
            case bool():
                return value
            case int() if abs(value) >= _LEAST_NUMBER and _NUMBERED.search(name):
                made = self._code(str(value))
                return int(made) if made.isdecimal() else 0
        return value

    def _mapping(self, value: Mapping[str, object], kind: Type, records: Records) -> dict[str, object]:
        fields = records.get(kind.of, {}) if kind.name == "record" else {}
        inner = kind.item or ANY
        keys = [*(key for key in fields if key in value), *(key for key in value if key not in fields)]
        said = {key: self._text(key, ANY, "") if kind.name == "map" else key for key in keys}
        return {said[key]: self.tree(value[key], fields.get(key, inner), records, key) for key in keys}

    def time(self, at: datetime) -> str:
        """A time, moved by the weeks."""
        moved = f"{(at + timedelta(weeks=self.weeks)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        return self._stays(moved.rstrip("0").rstrip(".") + "Z")

    def _stays(self, text: str) -> str:
        self.stayed.add(text)
        return text

    def _text(self, text: str, kind: Type, name: str) -> str:
        standard = _STANDARD.get(name)
        if not text or text in self.words or text in kind.words or (standard and standard.fullmatch(text)):
            return self._stays(text)
        if kind.name == "time":
            return self._day(text)
        return self._kind_of(text, name)(text)

    def _kind_of(self, text: str, name: str) -> Callable[[str], str]:
        if "@" in text:
            return self._email
        if text.startswith(("http://", "https://")):
            return lambda url: self._once(url, "url", lambda n: f"https://example.com/{n}")
        if name == "postcode":
            return self._postcode
        forms = {"name": self._name, "street": self._street, "city": self._city}
        if name in forms:
            return forms[name]
        numbered = _NUMBERED.search(name) or _LOOKS_NUMBERED.fullmatch(text) or _key(text) in self._spelled
        return self._code if numbered else self._words

    def _day(self, text: str) -> str:
        try:
            moved = datetime.fromisoformat(text) + timedelta(weeks=self.weeks)
        except ValueError:
            return self._words(text)
        return self._stays(moved.date().isoformat() if len(text) == len("2026-12-02") else moved.isoformat())

    def _email(self, text: str) -> str:
        return self._once(text.strip().casefold(), "email", lambda n: f"customer{n}@example.com")

    def _name(self, text: str) -> str:
        return self._once(
            _key(text), "name", lambda n: _NAMES[int(n) - 1] if n.isdecimal() and int(n) <= len(_NAMES) else f"Example {n}"
        )

    def _street(self, text: str) -> str:
        return self._once(_key(text), "street", lambda n: f"Example Street {n}")

    def _city(self, text: str) -> str:
        return self._once(_key(text), "city", lambda n: f"Sampletown {n}")

    def _words(self, text: str) -> str:
        """Spellings that differ in case alone stay different, as they are for a condition."""
        made = self._once(_key(text) or text, "words", lambda n: f"Words {n}")
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

    def _formed(self, text: str, group: str, first: Callable[[int, int, int], tuple[str, str]]) -> str:
        """A stand-in of the same form, with the separators and the case of this spelling."""
        key = _key(text)
        if not key:
            return self._words(text)
        if key not in self._made:
            self._made[key] = self._of_form(text, key, group, first)
        made = self._made[key]
        chars = _chars(text)
        if key not in self._spelled or len(chars) != len(_chars(made)):
            return made
        letters = iter(_chars(made))
        return "".join(_cased(next(letters), char) if char.isalnum() else char for char in text)

    def _of_form(self, text: str, key: str, group: str, first: Callable[[int, int, int], tuple[str, str]]) -> str:
        """The first that is free and tells nothing, of one form and then of another; else one that has no form."""
        open_ = [not kept for kept in self._fixed(text)]
        chars = _chars(text)
        digits = sum(is_open and char.isdigit() for is_open, char in zip(open_, chars, strict=True))
        for make in (first, _scattered):
            for number in islice(self._numbers.setdefault(group, count(1)), TRIES if any(open_) else 0):
                made = _filled(text, open_, make(number, digits, sum(open_) - digits))
                if self._may_stand(made, key):
                    self._spelled.add(key)
                    self._taken.add(_key(made))
                    return made
        return self._plainly(key, lambda n: f"id-{n}")

    def _fixed(self, text: str) -> list[bool]:
        """For each letter and digit whether it stays: fixed in a declared form, or a group that is a word of the playbook."""
        chars = _chars(text)
        for form in self.forms:
            signs = [char for char in form if char.isalnum() or char in "#@"]
            if len(signs) == len(chars) and all(map(_is_of, signs, chars)):
                return [sign not in "#@" for sign in signs]
        return [found.group().casefold() in self._kept for found in _RUN.finditer(text) for _ in found.group()]

    # -- what has none -------------------------------------------------------------------------------------------------

    def _once(self, key: str, group: str, make: Callable[[str], str]) -> str:
        if key not in self._made:
            self._made[key] = self._any_of(key, group, make)
        return self._made[key]

    def _any_of(self, key: str, group: str, make: Callable[[str], str]) -> str:
        for number in islice(self._numbers.setdefault(group, count(1)), TRIES):
            made = make(str(number))
            if self._may_stand(made, key):
                self._taken.add(_key(made))
                return made
        return self._plainly(key, make)

    def _plainly(self, key: str, make: Callable[[str], str]) -> str:
        """Numbered in groups of two digits, which are shorter than anything that is searched for: one of them can stand."""
        made = next(
            made
            for made in map(make, map(_pairs, self._numbers.setdefault("pairs", count(1))))
            if _key(made) not in self._taken and _key(made) != _key(key)
        )
        self._taken.add(_key(made))
        return made

    def _may_stand(self, made: str, key: str) -> bool:
        return _key(made) not in self._taken and _key(made) != _key(key) and not self.told_by(made)


def _chars(text: str) -> list[str]:
    return [char for char in text if char.isalnum()]


def _key(text: str) -> str:
    return "".join(_chars(text)).upper()


def _cased(new: str, old: str) -> str:
    return new.lower() if old.islower() else new


def _is_of(sign: str, char: str) -> bool:
    return char.isdigit() if sign == "#" else char.isalpha() if sign == "@" else sign.casefold() == char.casefold()


def _filled(text: str, open_: list[bool], made: tuple[str, str]) -> str:
    """The text with other digits and letters where they are open."""
    digits, letters = map(iter, made)
    opened = iter(open_)
    return "".join(
        (next(digits) if char.isdigit() else next(letters)) if char.isalnum() and next(opened) else char for char in text
    )


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
    return "".join(str(each % 10) for each in drawn[:digits]), _letters(drawn[digits:])


def _letters(numbers: Collection[int]) -> str:
    return "".join(chr(ord("A") + number % 26) for number in numbers)


def _pairs(number: int) -> str:
    digits = str(number)
    padded = digits.zfill(len(digits) + len(digits) % 2)
    return "-".join(padded[at : at + 2] for at in range(0, len(padded), 2))
