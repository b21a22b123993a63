"""One field per question: which reader reads which kind, and where it looks."""

from collections.abc import Sequence
from dataclasses import replace

from caseworker.commerce.model import Order
from caseworker.reading.fields import addresses, choices, items, numbers, plain
from caseworker.reading.fields.marks import KINDS as MARKED
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Evidence, Field, Question

_BY_KIND = {
    "postcode": addresses.read_postcode,
    "address": addresses.read_address,
    "items": items.read_items,
    "yes_no": plain.read_yes_no,
    "photo": plain.read_photo,
    "quantity": plain.read_quantity,
    "money": plain.read_money,
    "date": plain.read_date,
}
_BY_MAIL = frozenset({"postcode", "address", "photo"})  # said once for the whole mail
_NOT_BY_REQUEST = _BY_MAIL | MARKED | {"yes_no", "text"}  # own words are an answer only where a mail answers: `fields.told`


def of_mail(questions: Sequence[Question], scope: Scope, found: Sequence[numbers.Written]) -> dict[str, Field]:
    """Fields that hold for every request of the mail."""
    fields = {question.key: field for question in questions if (field := _shared(question, scope, found)) is not None}
    return {key: field for key, field in fields.items() if _verbatim(field, scope)}


def of_request(
    questions: Sequence[Question], scope: Scope, found: Sequence[numbers.Written], where: Evidence | None
) -> dict[str, Field]:
    """Fields of one request: its own order number, items, choices; what is said for the whole mail stays there."""
    number = numbers.nearest(found, where)
    scope = replace(scope, orders=candidates(scope, number))
    fields: dict[str, Field] = {}
    for question in questions:
        field: Field | None = None
        if question.kind == "order_number":
            field = number.field(question.key) if number is not None and len(found) > 1 else None
        elif question.kind == "choice":
            field = choices.read_choice(question, scope)
            field = None if field is not None and _about_another(field, scope) else field
        elif question.kind not in _NOT_BY_REQUEST:
            field = _BY_KIND[question.kind](question.key, scope)
        if field is not None and _verbatim(field, scope):
            fields[question.key] = field
    return fields


def _about_another(field: Field, scope: Scope) -> bool:
    """A choice in a sentence that names another request's item is that one's: "a new lamp" chooses nothing for the rest."""
    where = field.evidence
    if where is None or not scope.own:
        return False
    there = [s for s in scope.sentences if s.source == where.source and s.start <= where.start < s.end]
    if any(sentence in scope.own for sentence in there):
        return False
    mine = items.read_items("items", scope)
    spoken = items.named_lines(there, [line for order in scope.orders for line in order.lines])
    return bool(spoken) and mine is not None and isinstance(mine.value, tuple) and not spoken & set(mine.value)


def answers(questions: Sequence[Question], scope: Scope, found: Sequence[numbers.Written]) -> dict[str, Field]:
    """Answers to what the case waits for, read from the whole mail; those in own words are `fields.told`'s."""
    scope = replace(scope, answering=True, orders=candidates(scope, numbers.nearest(found, None)))
    fields: dict[str, Field] = {}
    for question in questions:
        field = _shared(question, scope, found) or _own(question, scope)
        if field is not None and _verbatim(field, scope):
            fields[question.key] = field
    return fields


def candidates(scope: Scope, number: numbers.Written | None) -> tuple[Order, ...]:
    """The orders whose lines may be meant: the one written, else those of a verified sender (the case's own, when it asked)."""
    if number is not None and number.order is not None:
        return (number.order,)
    if number is not None:
        return ()
    if not (scope.context.sender_verified or scope.answering):
        return ()
    orders = tuple(scope.context.orders)
    if len(orders) <= 1:
        return orders
    named = items.mentioned(orders, scope.sentences)
    return tuple(named) if len(named) == 1 else ()


def _shared(question: Question, scope: Scope, found: Sequence[numbers.Written]) -> Field | None:
    if question.kind == "order_number":
        return found[0].field(question.key) if len(found) == 1 or (found and scope.answering) else None
    if question.kind in MARKED:
        return scope.marks.get(question.key)
    return _BY_KIND[question.kind](question.key, scope) if question.kind in _BY_MAIL else None


def _own(question: Question, scope: Scope) -> Field | None:
    if question.kind == "order_number" or question.kind in MARKED or question.kind == "text":
        return None
    return choices.read_choice(question, scope) if question.kind == "choice" else _BY_KIND[question.kind](question.key, scope)


def _verbatim(field: Field, scope: Scope) -> bool:
    """The house rule: the span says exactly what the evidence says, or the value does not count."""
    where = field.evidence
    return where is None or scope.text_of(where.source)[where.start : where.end] == where.text
