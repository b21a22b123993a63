"""Order numbers as customers write them: with blanks, without prefix, with O for 0, with one wrong digit.

A candidate order may correct what was written; it never adds a number that was not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from caseworker.commerce.model import Order
from caseworker.reading.model import Context, Evidence, Field, MailText
from caseworker.reading.sentences import MAX_CHARACTERS

_DIGIT = "[0-9OoIl]"
_FULL = re.compile(
    rf"(?<![\w@.])(?P<prefix>[A-Za-z]{{1,4}})[ \t]?[-–_/.#: ]?[ \t]?(?P<year>2[0O]{_DIGIT}{{2}})[ \t]?[-–_/. ]?[ \t]?"
    rf"(?P<tail>{_DIGIT}{{2,4}}[ ]?{_DIGIT}{{2,4}})(?![\w@])"
)
_YEAR_FIRST = re.compile(rf"(?<![\w-])(?P<year>20\d\d)[ \t]?[-–_/][ \t]?(?P<tail>{_DIGIT}{{5,8}})(?![\w@])")
_CUE = re.compile(
    r"(?:\b(?:order|purchase|bestell\w*|auftrag\w*|bestellung)\b[ \t]*(?:(?:nummer|number|numbers|no|num|nr|id|code|vom)\b)?"
    r"|\b(?:bestellnr|auftragsnr|ordernr|best\.?-?nr|order-?id|nr|no|number|nummer)\b|#)"
    r"[ \t]*\.?[ \t]*(?:(?:is|ist|lautet|war|was)\b)?[ \t]*[:#=-]*[ \t]*#?[ \t]*$",
    re.IGNORECASE,
)
_NOT_CUE = re.compile(
    r"\b(?:kunden\w*|customer|account|tracking\w*|sendungs\w*|tel\w*|phone|mobile|handy|fax|iban|konto\w*|invoice"
    r"|rechnung\w*|artikel\w*"
    r"|item|sku|plz|postcode|postleitzahl|zip|ticket|case|vorgang\w*|gutschein\w*|voucher)[ \t.:#-]*(?:(?:nummer|number"
    r"|no|nr|is|ist|lautet)"
    r"[ \t.:#]*){0,2}$",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w.,+@/€$£-])#?(?P<digits>\d{4,11})(?![\w@]|[.,]\d|[ ]?(?:€|EUR|euro))", re.IGNORECASE)
_LOOKALIKES = str.maketrans("OoIl", "0011")


@dataclass(frozen=True, slots=True)
class Written:
    """One number in the mail: canonical form, where it stands, the order that it names (if any), how it was derived."""

    value: str
    where: Evidence
    order: Order | None
    confidence: float
    derived: str = ""

    def field(self, key: str) -> Field:
        """As the answer to a question."""
        return Field(key, self.value, self.confidence, self.where, self.derived)


def written(mail: MailText, context: Context, *, answering: bool, apart: Sequence[Evidence] = ()) -> list[Written]:
    """Every order number of subject, body and attachments, in that order, each once; `apart` are spans of other things."""
    found: dict[str, Written] = {}
    sources = [("subject", mail.subject), ("body", mail.body)]
    sources += [(f"attachment:{name}", text) for name, text in mail.attachments.items()]
    for source, text in sources:
        spans = [(where.start, where.end) for where in apart if where.source == source]
        for number in _in_text(text[:MAX_CHARACTERS], source, context, answering=answering and source == "body", apart=spans):
            known = found.get(number.value)
            if known is None or known.where.source == "subject":
                found[number.value] = number
    return [_like_the_others(number, list(found.values())) for number in found.values()]


def _like_the_others(number: Written, numbers: Sequence[Written]) -> Written:
    """ "115899" beside "NW-2026-110122" is short for "NW-2026-115899"."""
    if number.order is not None or not number.value.isdigit():
        return number
    heads = {m[1] for other in numbers if (m := re.fullmatch(r"(.*\D)(\d+)", other.value)) and len(m[2]) == len(number.value)}
    if len(heads) != 1:
        return number
    return replace(number, value=heads.pop() + number.value, confidence=0.9, derived=f"completed from {number.where.text!r}")


def nearest(numbers: Sequence[Written], where: Evidence | None) -> Written | None:
    """The number that belongs to a request: in its own sentence, else the last one before it, else the first after it."""
    if not numbers:
        return None
    if where is None or len(numbers) == 1:
        return numbers[0]
    same = [n for n in numbers if n.where.source == where.source]
    inside = [n for n in same if where.start <= n.where.start <= where.end]
    if inside:
        return inside[0]
    before = [n for n in same if n.where.start < where.start]
    return before[-1] if before else (same or list(numbers))[0]


def _in_text(
    text: str, source: str, context: Context, *, answering: bool, apart: Sequence[tuple[int, int]]
) -> Iterator[Written]:
    taken: list[tuple[int, int]] = list(apart)
    for pattern in map(_of_form, context.number_forms):
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                canonical = re.sub(r"[ \t]+", "", match.group()).upper()
                yield _resolved(canonical, _span(match, text, source), context.orders, certain=True)
    for pattern in (_FULL, _YEAR_FIRST):
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken) or not _plausible(match):
                continue
            taken.append(match.span())
            prefix = (match.groupdict().get("prefix") or _usual_prefix(context.orders)).upper()
            parts = [match["year"], re.sub(r"\s", "", match["tail"])]
            canonical = "-".join([*([prefix] if prefix else []), *(part.translate(_LOOKALIKES) for part in parts)])
            yield _resolved(canonical, _span(match, text, source), context.orders, certain=True)
    for match in _BARE.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        number = _bare(match, text, source, context, answering=answering)
        if number is not None:
            yield number


@lru_cache(64)
def _of_form(form: str) -> re.Pattern[str]:
    """`EX-####` as people write it: any case, blanks beside the hyphen."""
    parts = [r"\d" if char == "#" else r"[ \t]?-[ \t]?" if char == "-" else re.escape(char) for char in form]
    return re.compile(rf"(?<![\w-]){''.join(parts)}(?![\w-])", re.IGNORECASE)


def _plausible(match: re.Match[str]) -> bool:
    prefix = match.groupdict().get("prefix")
    separated = bool(re.search(r"[-–_/#]", match.group())) or (prefix or "").isupper()
    return separated and (prefix or "").lower() not in {
        "am",
        "im",
        "in",
        "on",
        "at",
        "of",
        "vom",
        "bis",
        "seit",
        "jan",
        "feb",
        "mar",
        "tel",
    }


def _bare(match: re.Match[str], text: str, source: str, context: Context, *, answering: bool) -> Written | None:
    digits, before = match["digits"], text[max(0, match.start() - 40) : match.start()]
    line = before.rpartition("\n")[2]
    if _NOT_CUE.search(line) or (digits.startswith("0") and len(digits) > 8):
        return None
    tails = [order for order in context.orders if len(digits) >= 5 and _digits(order.number).endswith(digits)]
    if len(tails) == 1:
        return Written(tails[0].number, _span(match, text, source), tails[0], 0.95, f"completed from {digits}")
    cued = bool(_CUE.search(line)) or match.group().startswith("#")
    alone = answering and not re.search(r"[^\W\d_]{4,}", text.replace(match.group(), "")[:60])
    if (cued and len(digits) >= 5) or (alone and len(digits) >= 6):
        return _resolved(digits, _span(match, text, source), context.orders, certain=cued)
    return None


def _resolved(canonical: str, where: Evidence, orders: Sequence[Order], *, certain: bool) -> Written:
    """The candidate that was meant, if exactly one is the same or one slip away; else the number as it stands."""
    digits = _digits(canonical)
    for order in orders:
        if order.number.upper() == canonical.upper() or _digits(order.number) == digits:
            derived = "" if order.number == where.text else f"written as {where.text!r}"
            return Written(order.number, where, order, 0.99, derived)
    close = [order for order in orders if _one_slip(digits, _digits(order.number))]
    if len(close) == 1 and len(digits) >= 5:
        return Written(close[0].number, where, close[0], 0.85, f"corrected from {where.text!r}")
    derived = "" if canonical == where.text else f"written as {where.text!r}"
    return Written(canonical, where, None, 0.95 if certain else 0.7, derived)


def _one_slip(first: str, second: str) -> bool:
    """One digit wrong, lost, too many, or two neighbours swapped."""
    if abs(len(first) - len(second)) > 1 or first == second:
        return False
    if len(first) == len(second):
        wrong = [k for k in range(len(first)) if first[k] != second[k]]
        swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and first[wrong[0]] == second[wrong[1]]
        return len(wrong) == 1 or (swapped and first[wrong[1]] == second[wrong[0]])
    shorter, longer = sorted((first, second), key=len)
    return any(longer[:k] + longer[k + 1 :] == shorter for k in range(len(longer)))


def _usual_prefix(orders: Sequence[Order]) -> str:
    prefixes = {match.group() for order in orders if (match := re.match(r"[A-Za-z]+", order.number))}
    return prefixes.pop() if len(prefixes) == 1 else ""


def _digits(text: str) -> str:
    return "".join(ch for ch in text if ch.isdigit())


def _span(match: re.Match[str], text: str, source: str) -> Evidence:
    start, end = match.span()
    return Evidence(source, start, end, text[start:end])
