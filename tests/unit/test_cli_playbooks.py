"""`check`, `examples` and `read` need no database and no network."""

import json
import shutil
from pathlib import Path

import pytest

from caseworker.app.playbooks import shipped
from caseworker.cli.main import run
from caseworker.cli.reading import mail_text


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(shipped("retail"), folder)
    return folder


def test_the_shipped_playbook_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "retail"]) == 0
    assert "retail: 0 errors" in capsys.readouterr().out


def test_a_mistake_is_named_by_file_and_line(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = playbook / "sops" / "cancel.yaml"
    lines = file.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if "order.status" in line)
    lines[number] = lines[number].replace("order.status", "order.statoos", 1)
    file.write_text("\n".join(lines))
    assert run(["check", str(playbook)]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:{number + 1}: error" in shown
    assert "statoos" in shown
    assert run(["check", str(playbook), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["errors"] >= 1
    assert found["findings"][0]["place"] == {"file": "sops/cancel.yaml", "line": number + 1}


def test_a_file_that_is_no_yaml_is_a_finding_too(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (playbook / "sops" / "cancel.yaml").write_text("sop: [unclosed\n")
    assert run(["check", str(playbook)]) == 1
    assert "cancel.yaml" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "prove", "train", "schema", "examples"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, str(tmp_path / "nowhere")]) == 2
    assert "no playbook" in capsys.readouterr().err


def test_examples_pass_and_a_wrong_one_fails(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", str(playbook)]) == 0
    file = min((playbook / "examples").glob("*.yaml"))
    text = file.read_text()
    start = text.index("rule: ")
    end = text.index("\n", start)
    wrong = "rule: nonsense" + (text[start:end].partition(",")[1] + text[start:end].partition(",")[2])
    file.write_text(text[:start] + wrong + text[end:])
    capsys.readouterr()
    assert run(["examples", str(playbook), "--json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    [failed] = [result for result in results if result["problem"]]
    assert "nonsense" in failed["problem"]


def test_plain_text_and_mails_are_told_apart() -> None:
    assert mail_text(b"Where is my order?\n", is_mail=False).body == "Where is my order?"
    quoted = b"On Mon, Nov 23, 2026 at 9:00 AM Nordwind <service@nordwind.example> wrote:\r\n> old words\r\n"
    raw = b"From: a@b.example\r\nSubject: Order\r\n\r\nWhere is it?\r\n\r\n" + quoted
    text = mail_text(raw, is_mail=False)
    assert text.subject == "Order"
    assert "Where is it?" in text.body
    assert "old words" not in text.body
