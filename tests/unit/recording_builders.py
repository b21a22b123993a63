"""Recorded decisions of the small playbook, as the engine would keep them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sop_builders import ANNA, NOW, VOCABULARY, request

from caseworker.sop.decide import decide
from caseworker.sop.model import Found, Playbook, Progress
from caseworker.sop.recorded import Recording, queues_of


def recorded(
    book: Playbook,
    *,
    sender: Mapping[str, object] = ANNA,
    answers: Mapping[str, object] | None = None,
    found: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    now: datetime = NOW,
    **sections: Any,
) -> Recording:
    """One decision with its inputs. `found` maps a need to its record, its records, or a whole `Found`."""
    facts: dict[str, object] = {"now": now, "sender": sender, "request": request(**(answers or {})), **sections}
    looked_up = {
        need: value if isinstance(value, Found) else Found(tuple(value if isinstance(value, list) else [value]))  # type: ignore[arg-type]
        for need, value in (found or {}).items()
    }
    given = replace(progress or Progress(), found=looked_up)
    decision = decide(book, "return", facts, now=now, progress=given, vocabulary=VOCABULARY)
    return Recording(1, book.release, now, facts, given, decision, queues_of(book, "return"), case=1, seq=1, number=1)
