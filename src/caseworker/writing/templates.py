"""The template environment: sandboxed, strict, and with amounts, dates and lists as the customer's country writes them.

Templates see facts (plain mappings), never objects of ours, and nothing of Python: `request.items` is the customer's answer.
A value that is not known is an error, never an empty space.
"""

import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.numbers import format_currency
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.writing.errors import ReplyError
from caseworker.writing.language import COMPARISONS, LENT_FILTERS, NotOffered, refused, too_deep

LOCALE, ZONE, PASSES = "_locale", "_zone", "_passes"
LONGEST = 50_000  # characters of a letter, some twenty pages
MOST_PASSES = 10_000  # of all loops of one reply
_HOME = {"en": "GB", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pl": "PL", "pt": "PT"}
_ZONES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "CH": "Europe/Zurich",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
    "IT": "Europe/Rome",
    "LU": "Europe/Luxembourg",
    "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "SE": "Europe/Stockholm",
}


_LONG = re.compile(r"\d{4000,}")  # Python reads numbers of 4300 digits and no longer ones


_FIELDS: Mapping[type, tuple[str, ...]] = {  # of what is no record
    Money: ("amount", "currency", "minor"),
    Ref: ("system", "type", "id"),
    LoopContext: ("index", "index0", "first", "last", "length"),
}


class _Environment(SandboxedEnvironment):
    """Reads the language of replies and nothing else; looks up keys of records, and fields of no object but `_FIELDS`."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        number = _LONG.search(source)
        if number:
            raise TemplateSyntaxError("This number is too large", source[: number.start()].count("\n") + 1, name, filename)
        try:
            tree = super()._parse(source, name, filename)
        except RecursionError:
            line = 1
        else:
            line = too_deep(tree)
        if line:
            raise TemplateSyntaxError("These words are nested too deeply", line, name, filename)
        if wrong := refused(tree):
            raise NotOffered(wrong)
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _EACH, [], [], None, None, lineno=loop.lineno)
        return tree

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        offered = isinstance(obj, Undefined) and not attribute.startswith("_")  # it tells which fact is not known
        if offered or attribute in _FIELDS.get(type(obj), ()):
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(argument, str) and not isinstance(obj, Mapping):
            return self.getattr(obj, argument)
        try:
            return obj[argument]  # type: ignore[index]  # what has no items raises TypeError
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=str(argument))


@lru_cache(maxsize=256)
def locale_of(language: str, country: str) -> Locale:
    """How a customer with this language writes in this country; the language's home country where that is not known."""
    for territory in (country.upper(), _HOME.get(language, "")):
        if territory:
            try:
                return Locale(language, territory)
            except UnknownLocaleError:
                continue
    return Locale.parse(language)


@lru_cache(maxsize=64)
def zone_of(country: str) -> tzinfo:
    """The time zone that the customer's calendar days are of; UTC where it is not known."""
    return ZoneInfo(_ZONES[country]) if country in _ZONES else UTC


def _plain(text: str) -> str:
    """Ordinary spaces: a mail is plain text, and people search and copy it."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def _brief(value: object) -> str:
    """A value in a message, however large it is; one that is not known says so itself."""
    return f"{repr(value) if isinstance(value, Undefined) else reprlib.repr(value):.80}"


@pass_context
def _money(context: Context, value: object) -> str:
    if not isinstance(value, Money):
        raise ReplyError(f"{_brief(value)} is no amount.", remedy="Use `| money` with an amount only.")
    return _plain(format_currency(value.amount, value.currency, locale=context[LOCALE]))


@pass_context
def _date(context: Context, value: object) -> str:
    if not isinstance(value, datetime):
        raise ReplyError(f"{_brief(value)} is no date.", remedy="Test it with `{% if ... %}` where it may be missing.")
    day, locale = value.astimezone(context[ZONE]).date(), context[LOCALE]
    written = _plain(format_date(day, format="long", locale=locale))
    return f"1er{written[1:]}" if locale.language == "fr" and day.day == 1 else written


@pass_context
def _days(context: Context, value: int) -> str:
    days = timedelta(days=value)  # in days however many: not every language has a form of `format_unit` for them
    return _plain(format_timedelta(days, granularity="day", threshold=10**9, locale=context[LOCALE]))


@pass_context
def _items(context: Context, value: Iterable[Mapping[str, object]]) -> str:
    """Titles of order lines in the customer's language; the variant is named where two lines have the same title."""
    locale: Locale = context[LOCALE]
    lines = list(value)
    if not lines:
        raise ReplyError("There are no items to name.", remedy="Test the list with `{% if ... %}` first.")
    titles = [_title(line, locale.language) for line in lines]
    names = []
    for line, title in zip(lines, titles, strict=True):
        attributes = line.get("attributes")
        variant = ", ".join(map(str, attributes.values())) if isinstance(attributes, Mapping) else ""
        named = f"{title} ({variant})" if variant and titles.count(title) > 1 else title
        quantity = line.get("quantity", 1)
        names.append(f"{quantity} × {named}" if isinstance(quantity, int) and quantity > 1 else named)
    return _plain(format_list(names, locale=locale))


def _title(line: Mapping[str, object], language: str) -> str:
    titles = line.get("titles")
    return str(titles[language] if isinstance(titles, Mapping) and titles.get(language) else line["title"])


@pass_context
def _join(context: Context, value: Iterable[object], between: str = "") -> str:
    """Texts, numbers, amounts and dates of a list in one line."""
    if isinstance(value, str):
        raise ReplyError(f"{_brief(value)} is no list.", remedy="Use `| join` with a list only.")
    texts, size = [], 0
    for item in value:
        texts.append(str(_finalize(context, item)))
        size += len(texts[-1]) + len(between)
        if size > LONGEST:
            raise ReplyError(f"A list is longer than {LONGEST} characters.", remedy="Name fewer of its entries.")
    return between.join(texts)


@pass_context
def _each(context: Context, value: Iterable[object]) -> Iterator[object]:
    """What a loop goes through; all loops of a reply together go through no more than they may."""
    passes = context[PASSES]
    for item in value:
        if next(passes) >= MOST_PASSES:
            raise ReplyError(f"The loops go through more than {MOST_PASSES} entries.", remedy="Loop over fewer of them.")
        yield item


@pass_context
def _finalize(context: Context, value: object) -> object:
    """What is printed as it is: texts and whole numbers; amounts and dates are written as the filters do it."""
    if isinstance(value, Money):
        return _money(context, value)
    if isinstance(value, datetime):
        return _date(context, value)
    if isinstance(value, str | int | Undefined):  # what is not known tells so when it is shown
        return value
    raise ReplyError(
        f"{_brief(value)} cannot be shown to a customer.", remedy="Use a filter, or test it with `{% if ... %}` first."
    )


_EACH = "_each"  # no template can name it: a filter is one of those that are offered
ENVIRONMENT = _Environment(
    undefined=StrictUndefined,
    autoescape=False,  # plain text, no markup: a customer's `&` has to stay one
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    finalize=_finalize,
)
ENVIRONMENT.globals = {}
ENVIRONMENT.filters = {name: JINJA_FILTERS[name] for name in LENT_FILTERS}
ENVIRONMENT.filters |= {"money": _money, "date": _date, "days": _days, "items": _items, "join": _join, _EACH: _each}
ENVIRONMENT.tests = {name: JINJA_TESTS[name] for name in COMPARISONS}


@lru_cache(maxsize=4096)
def template(source: str) -> Template:
    """The compiled template of a source. Raises TemplateSyntaxError."""
    return ENVIRONMENT.from_string(source)
