"""What has a form of its own and is read once for the whole mail: mail addresses, telephone numbers, codes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from caseworker.reading.fields import codes, contacts
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Evidence, Field, Question

KINDS = frozenset({"email", "phone", "code"})


@dataclass(frozen=True, slots=True)
class Marks:
    """Answers by key, and every span that is one of these and therefore no order number."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    spans: tuple[Evidence, ...] = ()


def marks(questions: Collection[Question], scope: Scope) -> Marks:
    """Those of one mail; `questions` of other kinds are passed over."""
    coded = [question for question in questions if question.kind == "code"]
    addresses = list(contacts.emails(scope))
    lettered = codes.codes(coded, scope, addresses)
    phones = [where for where in contacts.phones(scope) if not any(codes.overlap(where, code.where) for code in lettered)]
    found: dict[str, Field] = {}
    for question in questions:
        match question.kind:
            case "email":
                one = contacts.read_email(question.key, scope, addresses)
            case "phone":
                one = contacts.read_phone(question.key, scope, phones)
            case "code":
                one = codes.read_code(question.key, scope, lettered)
            case _:
                one = None
        if one is not None:
            found[question.key] = one
    return Marks(found, (*addresses, *phones, *(code.where for code in lettered)))
