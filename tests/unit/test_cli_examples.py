"""`caseworker examples`: what a person sees who writes a playbook."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sop_builders import RETURN, files

from caseworker.cli.examples import Watched
from caseworker.cli.main import run
from caseworker.cli.watching import watch

EXAMPLE = """
- example: too late
  now: 2026-11-25T10:00:00
  facts:
    sender: {address: anna@example.com, verified: true}
    request: {intent: return_item, items: [l1], return_reason: changed_mind}
    order:
      ref: "base:order:7"
      number: NW-1
      email: anna@example.com
      country: FR
      status: delivered
      delivered_at: 2026-11-20
      lines: [{id: l1, returnable: true, refundable: 12.30 EUR}, {id: l2, returnable: true, refundable: 1.00 EUR}]
  expect: {rule: window_closed, moves: [reply return_window_closed, resolve declined]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    for name, text in {**files(sop=RETURN.replace("    promise:", "    #promise:")), "examples/a.yaml": EXAMPLE}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    ended = run(["examples", *arguments])
    printed = capsys.readouterr()
    assert ended == code, printed.out + printed.err
    return printed.out + printed.err


def test_a_failure_shows_the_moves_that_differ_and_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, str(folder), code=1)
    assert f"{folder}/examples/a.yaml:2: too late" in text
    assert "row accept instead of window_closed" in text
    assert "- reply return_window_closed" in text
    assert "+ do returns.create" in text
    assert "Row window_closed does not hold" in text
    assert "days_since > param.return_window_days is false" in text
    assert "Row accept fires: lines.all(l, l.returnable) is true" in text
    assert "0 of 1 examples pass. (" in text
    [told] = json.loads(shown(capsys, str(folder), "--json", code=1))["results"]
    assert any("does not hold" in line for line in told["why"])


def test_coverage_is_told_by_row_and_by_reply(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "examples" / "a.yaml").write_text(EXAMPLE.replace("delivered_at: 2026-11-20", "delivered_at: 2026-09-20"))
    text = shown(capsys, str(folder))
    assert "Rows: 1 of 5 are fired by an example (20%)." in text
    assert "Never fired: return.not_delivered, return.refused_by_system, return.accept, return.not_covered" in text
    assert "Replies: 1 of 6 are said by an example (17%)." in text
    assert "being_registered" in text
    assert re.search(r"1 of 1 examples pass\. \(\d+\.\d\d s, \d+\.\d ms each\)", text)
    told = json.loads(shown(capsys, str(folder), "--json"))
    assert (told["rows"], told["replies"], "return_label" in told["never_said"]) == (5, 6, True)


def test_one_procedure_alone(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(shown(capsys, "retail", "--procedure", "cancel", "--json"))
    assert {result["place"].split(":")[0] for result in told["results"]} == {"examples/cancel.yaml"}
    assert all(name.startswith("cancel.") for name in told["never_fired"])
    assert "Did you mean cancel" in shown(capsys, "retail", "--procedure", "cancle", code=2)


def test_watching_tells_what_changed_and_survives_a_file_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "examples" / "a.yaml"
    right = EXAMPLE.replace("delivered_at: 2026-11-20", "delivered_at: 2026-09-20")

    def edits() -> Iterator[str]:
        yield capsys.readouterr().out
        file.write_text(right)
        yield ""
        file.write_text("- example: [unclosed\n")
        (folder / "worker.yaml").write_text("name: [unclosed\n")
        yield capsys.readouterr().out
        (folder / "worker.yaml").write_text(files()["worker.yaml"])
        file.write_text(right + right.replace("too late", "a second one"))
        yield capsys.readouterr().out

    seen: list[str] = []
    steps = edits()

    def pause(_seconds: float) -> None:
        try:
            seen.append(next(steps))
        except StopIteration:
            raise KeyboardInterrupt from None

    watch(folder, Watched(folder).look, pause=pause)
    first, _, mended, broken = seen
    last = capsys.readouterr().out
    assert "0 of 1 examples pass." in first
    assert "passes now: too late" in mended
    assert "no more never fired: return.window_closed" in mended
    assert "Rows:" not in mended, "only what changed"
    assert "worker.yaml:" in broken
    assert "the next change is waited for" in broken
    assert last.splitlines() == ["passes now: a second one", "2 of 2 examples pass."]


def test_nothing_is_told_while_nothing_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter(range(3))

    def pause(_seconds: float) -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    watch(folder, Watched(folder).look, pause=pause)
    assert capsys.readouterr().out.count("examples pass") == 1


def test_options_that_do_not_go_together_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "--from-case goes with" in shown(capsys, "retail", "--from-case", "CW-00001T-1T", code=2)
    assert "go with --from-case" in shown(capsys, "retail", "--decision", "2", code=2)
    assert "go with --from-case" in shown(capsys, "retail", "--out", str(tmp_path / "x.yaml"), code=2)
