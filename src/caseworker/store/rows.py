"""Rows to domain objects."""

import re
from collections.abc import Mapping
from typing import Any, cast

from caseworker.cases.model import Effect, Event
from caseworker.core import facts
from caseworker.core.money import Money

Facts = Mapping[str, object]
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def event(row: Any) -> Event:
    """An event of the `events` table."""
    return Event(row.case, row.seq, row.id, row.kind, tree(row.data), row.due_at, row.attempts)


def effect(row: Any) -> Effect:
    """An effect of the `effects` table."""
    return Effect(
        id=row.id,
        case=row.case,
        key=row.key,
        kind=row.kind,
        request=row.request,
        name=row.name,
        operation=row.operation,
        arguments=tree(row.arguments),
        amount=Money(row.minor, row.currency) if row.minor is not None and row.currency else None,
        reason=row.reason,
        status=row.status,
        attempts=row.attempts,
        due_at=row.due_at,
        receipt=tree(row.receipt),
        error=tree(row.error),
        customer=row.customer,
        approved=row.approved,
    )


def tree(value: object) -> Facts:
    """Stored JSON as facts."""
    return cast("Facts", facts.load(value))


def plain(value: object) -> Any:
    """Facts as JSON to store. NUL and lone surrogates, which PostgreSQL refuses in text, become U+FFFD."""
    return clean_tree(facts.dump(facts.of(value)))


def clean(text: str) -> str:
    """Text that PostgreSQL takes."""
    return _REFUSED.sub("\ufffd", text)


def clean_tree(value: Any) -> Any:
    """Plain JSON with texts that PostgreSQL takes."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): clean_tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean_tree(item) for item in value]
    return value
