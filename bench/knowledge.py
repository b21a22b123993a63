"""Questions beside the approved answers of the shipped playbook: how many are answered, and how many of those rightly.

`knowledge.jsonl` was written apart from the answers' variants and is never used for tuning; the scores of
`knowledge_tuning.jsonl` were fitted on, so its figures flatter.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from caseworker.app.playbooks import shipped
from caseworker.core.findings import Problems
from caseworker.knowledge.load import load
from caseworker.knowledge.search import LEAST, Index, build, find
from caseworker.reading.adapters.use import UseEncoder
from caseworker.sop.load import read_folder

_HERE = Path(__file__).parent


async def run() -> Mapping[str, object]:
    """Ask both sets; k of n as texts."""
    return await asyncio.to_thread(_run)


def _run() -> Mapping[str, object]:
    encoder = UseEncoder()
    index = build(load(read_folder(shipped("retail")), Problems()).values(), encoder)
    return {"least": LEAST, **{name: _set(name, index, encoder) for name in ("knowledge", "knowledge_tuning")}}


def _set(name: str, index: Index, encoder: UseEncoder) -> Mapping[str, object]:
    rows = [json.loads(line) for line in (_HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong: list[str] = []
    right = unanswered = 0
    for row in rows:
        hits = find(index, encoder, row["question"], language=row["language"])
        given = hits[0].article.key if len(hits) == 1 and hits[0].covers_all else ""
        if given and given == row["answer"]:
            right += 1
        elif given:
            wrong.append(f"{row['question']} -> {given} ({hits[0].score:.2f})")
        elif not row["answer"]:
            unanswered += 1
    answerable = sum(bool(row["answer"]) for row in rows)
    return {
        "questions": len(rows),
        "precision": f"{right}/{right + len(wrong)} answers are the right one",
        "coverage": f"{right}/{answerable} answerable questions are answered",
        "left_to_people": f"{unanswered}/{len(rows) - answerable} questions without an answer get none",
        "wrong": wrong,
    }
