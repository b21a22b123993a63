"""A thousand recorded cases, decided again by the release that decided them: every decision is the same, byte for byte.

Customers of the scenario sets, each three times in a shop of his own, write to an installation of real processes for three
weeks on a movable clock. What was recorded is then replayed by the command that a manager types.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import caseworker.playbooks
from caseworker.cli.lab import moment, played

pytestmark = [pytest.mark.systems, pytest.mark.timeout(3600)]  # seconds; a busy machine takes its time

TIMES = 3
SETS = (
    Path(caseworker.playbooks.__file__).parent / "retail" / "demo" / "mails.jsonl",
    *sorted((Path(__file__).parents[2] / "bench").glob("*_set*.jsonl")),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can pass through, which pytest's own (0700) are not."""
    made = Path(tempfile.mkdtemp(prefix="caseworker-replay-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _scenarios(path: Path) -> int:
    """All sets, each scenario under a name of its own for each time."""
    loaded = [json.loads(line) for file in SETS for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    many = [{**one, "id": f"{one['id']}-{time}"} for time in range(TIMES) for one in loaded]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in many), encoding="utf-8")
    return len(many)


async def test_every_recorded_decision_is_made_again(folder: Path) -> None:
    written = _scenarios(folder / "scenarios.jsonl")
    await played(
        folder / "scenarios.jsonl", playbook="retail", shop=None, at=moment("2026-12-02T09:00Z"), folder=folder / "lab"
    )
    command = [sys.executable, "-m", "caseworker", "replay", "--all", "--json"]
    env = {**os.environ, "CASEWORKER_DATA_DIR": str(folder / "lab" / "data")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)  # noqa: ASYNC221  # the run is over
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(done.stdout)
    print({name: told[name] for name in ("cases", "cases_different", "decisions", "identical")})
    assert told["cases"] >= min(written, 1000)
    assert (told["cases_different"], told["identical"]) == (0, told["decisions"])
