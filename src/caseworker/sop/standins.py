"""Stand-ins for what says who a customer is. Pure.

The same value gets the same stand-in within one example, whatever its spelling (`nw 2026 115752` and `NW-2026-115752`), and
every stand-in keeps the form of what it stands for: postcodes stay postcodes, numbers keep their letters. Words of the playbook
itself, countries, amounts and yes or no stay. Times are moved together by whole weeks.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.types import ANY, Records, Type

_PLAIN_WORDS = (
    "country",
    "language",
    "currency",
    "brand",
    "carrier",
    "category",
    "method",
    "code",
    "status",
    "style",
    "raw_state",
)
_CODES = ("id", "number", "order_number", "sku", "reference", "tracking_number", "items", "line_ids", "trace_number")
_NAMES = ("Alex Example", "Kim Sample", "Robin Muster", "Sam Specimen")
_LAST_DIGITS = re.compile(r"\d{3,}(?=\D*$)")
_WORD = re.compile(r"[A-Za-z_]{1,30}")
_COUNTRY_LETTERS = re.compile(r"[A-Za-z]{1,3}[ -]?(?=\d)")


@dataclass
class StandIns:
    """Replaces texts of one example. `words` are the playbook's own; `originals` every text of the case.

    `stayed` are the texts that were left as they are.
    """

    words: Collection[str]
    originals: Collection[str]
    weeks: int
    stayed: set[str] = field(default_factory=set)
    _made: dict[str, str] = field(default_factory=dict)
    _numbers: "dict[str, count[int]]" = field(default_factory=dict)

    def tree(self, value: object, kind: Type, records: Records, name: str = "") -> object:
        """A fact as it is written in an example. `kind` is its type, `name` the field in which it stands."""
        kind = kind.item if kind.name == "optional" and kind.item else kind
        match value:
            case Mapping():
                fields = records.get(kind.of, {}) if kind.name == "record" else {}
                inner = kind.item or ANY
                keys = [*(key for key in fields if key in value), *(key for key in value if key not in fields)]
                return {key: self.tree(value[key], fields.get(key, inner), records, key) for key in keys}
            case list() | tuple():
                return [self.tree(item, kind.item or ANY, records, name) for item in value]
            case datetime():
                return self.time(value)
            case Money():
                return str(value)
            case Ref():
                return f"shop:{value.type}:{self._code(value.id)}"
            case timedelta():
                return f"{int(value.total_seconds())}s"
            case str():
                return self._text(value, kind, name)
        return value

    def time(self, at: datetime) -> str:
        """A time, moved by the weeks."""
        return f"{(at + timedelta(weeks=self.weeks)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"

    def _text(self, text: str, kind: Type, name: str) -> str:
        is_word = text in self.words or text in kind.words or (name in _PLAIN_WORDS and _WORD.fullmatch(text))
        if not text or is_word:
            self.stayed.add(text)
            return text
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
        forms = {"name": self._name, "street": self._street, "city": self._city, "phone": self._code}
        if name in forms:
            return forms[name]
        has_form = " " not in text and any(char.isdigit() for char in text)
        return self._code if name in _CODES or has_form or _key(text) in self._made else self._words

    def _day(self, text: str) -> str:
        try:
            moved = datetime.fromisoformat(text) + timedelta(weeks=self.weeks)
        except ValueError:
            return self._words(text)
        return moved.date().isoformat() if len(text) == len("2026-12-02") else moved.isoformat()

    def _email(self, text: str) -> str:
        return self._once(text.strip().casefold(), "email", lambda n: f"customer{n}@example.com")

    def _name(self, text: str) -> str:
        return self._once(text, "name", lambda n: _NAMES[n - 1] if n <= len(_NAMES) else f"{_NAMES[0]} {n}")

    def _street(self, text: str) -> str:
        return self._once(text, "street", lambda n: f"Example Street {n}")

    def _city(self, text: str) -> str:
        return self._once(text, "city", lambda n: f"Sampletown {n}")

    def _words(self, text: str) -> str:
        return self._once(text, "words", lambda n: f"words {n}")

    def _postcode(self, text: str) -> str:
        """`D-50667` and `50667` are one postcode; the letters of the country stay."""
        found = _COUNTRY_LETTERS.match(text.strip())
        letters = found.group() if found and text.strip()[found.end() :].isdigit() else ""
        return letters + self._formed(text.strip()[len(letters) :], "postcode", _as_postcode)

    def _code(self, text: str) -> str:
        return self._formed(text, "code", _as_code)

    def _formed(self, text: str, group: str, make: Callable[[str, int], str]) -> str:
        """A stand-in of the same form, with the separators and the case of this spelling."""
        key = _key(text)
        if not key:
            return self._words(text)
        letters = iter(_key(self._once(text, group, lambda n: make(text, n), key=key)))
        if len(_key(self._made[key])) != len(key):
            return self._made[key]
        return "".join(_cased(next(letters), char) if char.isalnum() else char for char in text)

    def _once(self, text: str, group: str, make: Callable[[int], str], *, key: str = "") -> str:
        key = key or text
        while key not in self._made:
            made = make(next(self._numbers.setdefault(group, count(1))))
            taken = made in self._made.values() or any(
                len(old) > 2 and old.casefold() in made.casefold() for old in self.originals
            )
            if not taken and _key(made) != _key(text):
                self._made[key] = made
        return self._made[key]


def _key(text: str) -> str:
    return "".join(char for char in text.upper() if char.isalnum())


def _cased(new: str, old: str) -> str:
    return new.lower() if old.islower() else new


def _as_code(text: str, number: int) -> str:
    """Other digits: the last group of three or more, else all; without any digit a name of its own."""
    found = _LAST_DIGITS.search(text)
    if found is not None:
        size = len(found.group())
        return f"{text[: found.start()]}{_digits(number, size)}{text[found.end() :]}"
    size = sum(char.isdigit() for char in text)
    if not size or number >= 10**size:
        return f"id{number}"
    digits = iter(_digits(number, size))
    return "".join(next(digits) if char.isdigit() else char for char in text)


def _digits(number: int, size: int) -> str:
    return str(10 ** (size - 1) + number if size > 2 and number < 9 * 10 ** (size - 1) else number).zfill(size)


def _as_postcode(text: str, number: int) -> str:
    digits, letters = count(number), count(number)
    turned = (
        str(next(digits) % 10) if char.isdigit() else chr(ord("A") + next(letters) % 26) if char.isalnum() else char
        for char in text
    )
    return "".join(turned)
