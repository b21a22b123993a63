"""Mail addresses and telephone numbers, anywhere in a mail. Of several none is taken: the customer is asked."""

import re
from collections.abc import Iterator, Sequence

import phonenumbers

from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Evidence, Field
from caseworker.reading.sentences import MAX_CHARACTERS

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,24}(?![\w@-])")
_BEFORE = 40  # characters of the line before a number that say what it is
_OF_PHONE = re.compile(
    r"\b(?:tel\w*|phone\w*|mobile|cell\w*|call(?: me)?|ring(?: me)?|reach(?: me)?|contact number|handy\w*|mobil\w*|fon"
    r"|rufnummer|erreich\w*|anrufen|whatsapp|sms)\b[^\n\d]*$",
    re.IGNORECASE,
)
_OF_OTHER = re.compile(
    r"\b(?:order\w*|purchase|bestell\w*|auftrag\w*|tracking\w*|parcel|sendung\w*|account|konto\w*|kunden\w*|customer|member\w*"
    r"|mitglied\w*|invoice|rechnung\w*|artikel\w*|item|sku|iban|card|karte\w*|voucher|gutschein\w*|ticket|case|fax|vorgang\w*)\b"
    r"[ \t]*(?:(?:nummer|number|no|nr|code|id|is|ist|lautet)\b[ \t.:#-]*){0,3}[ \t.:#(-]*$",
    re.IGNORECASE,
)


def read_email(key: str, scope: Scope, found: Sequence[Evidence]) -> Field | None:
    """The one mail address of the customer's own words, in small letters; those of the shop's mailboxes are not his."""
    return only(
        key, [(where.text.lower(), where) for where in found if where.text.lower() not in scope.context.mailboxes], scope
    )


def read_phone(key: str, scope: Scope, found: Sequence[Evidence]) -> Field | None:
    """The one telephone number, in its international form: `+441632960123`."""
    return only(key, [(_international(where.text, scope), where) for where in found], scope)


def only(key: str, found: Sequence[tuple[str, Evidence]], scope: Scope) -> Field | None:
    """The one value that is meant: that of the words themselves before those of a signature; None where there are several."""
    frames = [(s.start, s.end) for s in scope.sentences if s.source == "body" and s.frame]
    spoken = [hit for hit in found if not (hit[1].source == "body" and any(a <= hit[1].start < b for a, b in frames))]
    meant = spoken or found
    if len({value for value, _ in meant}) != 1:
        return None
    value, where = meant[0]
    return Field(key, value, 0.9, where, "" if value == where.text else f"written as {where.text!r}")


def _international(text: str, scope: Scope) -> str:
    number = phonenumbers.parse(text, scope.context.default_country or None)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def emails(scope: Scope) -> Iterator[Evidence]:
    """Every mail address of subject and body."""
    for source, text in texts(scope):
        for match in _EMAIL.finditer(text):
            yield Evidence(source, match.start(), match.end(), match.group())


def phones(scope: Scope) -> Iterator[Evidence]:
    """Every telephone number: valid where it is, and written as one or called one; never what is called an order or account."""
    country = scope.context.default_country or None
    asked = any(question.kind == "phone" for question in scope.context.pending)
    for source, text in texts(scope):
        for match in phonenumbers.PhoneNumberMatcher(text, country, leniency=phonenumbers.Leniency.VALID, max_tries=200):
            line = text[max(0, match.start - _BEFORE) : match.start].rpartition("\n")[2]
            written = match.raw_string.startswith(("+", "0", "("))
            if not _OF_OTHER.search(line) and (written or _OF_PHONE.search(line) or asked):
                yield Evidence(source, match.start, match.end, match.raw_string)


def texts(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The words of a mail by source, the body first."""
    return (("body", scope.mail.body[:MAX_CHARACTERS]), ("subject", scope.mail.subject[:MAX_CHARACTERS]))
