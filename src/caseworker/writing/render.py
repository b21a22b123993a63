"""One reply, one language, one set of facts: words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from jinja2 import TemplateError, UndefinedError

from caseworker.writing.errors import ReplyError
from caseworker.writing.language import NotOffered
from caseworker.writing.load import Reply
from caseworker.writing.templates import LOCALE, LONGEST, PASSES, ZONE, locale_of, template, zone_of

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Subject (one line, perhaps empty) and text."""

    subject: str
    text: str


def render(reply: Reply, values: Mapping[str, object], *, country: str = "") -> Rendered:
    """The words of a reply. `country` (ISO 3166-1) decides how amounts and dates are written, and which day a time is of.

    Raises ReplyError where a fact that the words need is not known, or cannot be shown.
    """
    given = {**values, LOCALE: locale_of(reply.language, country), ZONE: zone_of(country)}
    try:
        subject, text = _written(reply.subject, given), _written(reply.body, given)
    except UndefinedError as error:
        remedy = "Mention it only where it is known, or put it behind `{% if ... is defined %}`."
        raise ReplyError(f"{reply.place.file}: {error.message}.", remedy=remedy) from error
    except ReplyError as error:
        raise ReplyError(f"{reply.place.file}: {error.message}", remedy=error.remedy) from error
    except (TemplateError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise ReplyError(f"{reply.place.file} cannot be written: {error}.", remedy="Correct the words named here.") from error
    return Rendered(" ".join(subject.split()), _BLANK.sub("\n\n", _SPACES.sub("", text)).strip())


def render_text(text: str, values: Mapping[str, object], *, language: str, country: str = "", place: str) -> str:
    """Words that stand outside of a reply, such as an approved answer. `place` says where, for messages.

    Raises ReplyError where they are no template, or show something that is not known.
    """
    remedy = "Check the braces, and mention only what is known there."
    try:
        written = _written(text, {**values, LOCALE: locale_of(language, country), ZONE: zone_of(country)})
    except ReplyError as error:
        raise ReplyError(f"{place}: {error.message}", remedy=error.remedy) from error
    except NotOffered as error:
        raise ReplyError(f"{place}: {error.refused[0].message}", remedy=error.refused[0].advice) from error
    except (TemplateError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise ReplyError(f"{place}: {error}.", remedy=remedy) from error
    return _BLANK.sub("\n\n", _SPACES.sub("", written)).strip()


def _written(source: str, given: Mapping[str, object]) -> str:
    """The words of a template, as far as they can be a letter. Raises ReplyError, and what a template raises."""
    pieces, size = [], 0
    for piece in template(source).generate({**given, PASSES: count()}):
        pieces.append(piece)
        size += len(piece)
        check_length(size)
    return "".join(pieces)


def check_length(size: int) -> None:
    """Raises ReplyError for more characters than a letter may have."""
    if size > LONGEST:
        raise ReplyError(f"The letter is longer than {LONGEST} characters.", remedy="Show less in its words.")
