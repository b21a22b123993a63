"""The second hundred mails: other authors, never used for tuning. Played like the demo's."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from caseworker.cli.lab import moment, played
from caseworker.lab.report import table

SET = Path(__file__).parent / "second_set.jsonl"


async def run() -> Mapping[str, object]:
    """Play the set and print its score."""
    folder = Path(tempfile.mkdtemp(prefix="caseworker-bench-", dir="/tmp"))
    os.chmod(folder, 0o755)  # noqa: PTH101, S103  # the database runs under another account for root
    try:
        _, score = await played(SET, playbook="retail", shop=None, at=moment("2026-12-02T09:00Z"), folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(score))
    return {name: value for name, value in score.as_json().items() if name != "verdicts"}
