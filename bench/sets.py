"""Sets of a hundred mails beside the demo's, by other authors, played like it.

The second set is never used for tuning: its score may be looked at, its mails and single results may not. The tuning sets may.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from caseworker.cli.lab import moment, played
from caseworker.lab.report import table

_HERE = Path(__file__).parent


async def second() -> Mapping[str, object]:
    """Play the second set and print its score."""
    return await _run(_HERE / "second_set.jsonl")


async def tuning() -> Mapping[str, object]:
    """Play the sets that the reader was tuned on and print their scores, with what differs."""
    return {name: await _run(_HERE / f"tuning_set_{name}.jsonl") for name in ("c", "d")}


async def _run(path: Path) -> Mapping[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="caseworker-bench-", dir="/tmp"))
    os.chmod(folder, 0o755)  # noqa: PTH101, S103  # the database runs under another account for root
    try:
        _, score = await played(path, playbook="retail", shop=None, at=moment("2026-12-02T09:00Z"), folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(score))
    return {name: value for name, value in score.as_json().items() if name != "verdicts"}
