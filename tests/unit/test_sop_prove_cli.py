"""`caseworker prove` as people and programs call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sop_builders import INTENTS, PARAMETERS, QUESTIONS, WORKER

from caseworker.cli.main import run

HEAD = """
sop: return
title: Customer wants to send something back
intents: [return_item]
needs:
  order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
verify: owner(order)
rules:
  - rule: delivered
    when: order.status == "delivered"
    reply: a
    resolve: answered
"""
SECOND = """
  - rule: not_delivered
    when: order.status != "delivered"
    reply: b
    resolve: answered
"""
REST = """
  - otherwise: not_covered
    escalate: {queue: returns, because: not_covered}
"""
ROUTING = "default_queue: returns\nqueues: {returns: {title: Returns}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {"worker": WORKER, "intents": INTENTS, "questions": QUESTIONS, "parameters": PARAMETERS, "routing": ROUTING}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "sops").mkdir()
    (tmp_path / "sops" / "return.yaml").write_text(HEAD + SECOND + REST)
    return tmp_path


def test_a_playbook_with_nothing_open_ends_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "return: Customer wants to send something back" in shown
    assert "1 procedure: 0 gaps, 0 rows that never fire, 0 contradictions" in shown


def test_a_gap_is_shown_and_told_by_the_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sops" / "return.yaml").write_text(HEAD + REST)
    assert run(["prove", str(folder), "--procedure", "return"]) == 1
    shown = capsys.readouterr().out
    assert "gap 1: no row decides; `not_covered` at the end takes it" in shown
    assert "for example: order.status is " in shown


def test_programs_read_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sops" / "return.yaml").write_text(HEAD + REST)
    assert run(["prove", str(folder), "--json"]) == 1
    [proof] = json.loads(capsys.readouterr().out)
    [gap] = proof["gaps"]
    assert gap["kind"] == "otherwise"
    assert gap["example"]["confirmed"] is True
    assert gap["example"]["case"]["facts"]["order"]["status"] != "delivered"
    assert gap["conditions"] == [['order.status == "delivered"', "no"]]


def test_what_was_not_answered_in_time_has_an_exit_code_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", str(folder), "--timeout", "0"]) == 3
    assert "not proved: gaps" in capsys.readouterr().out


def test_a_procedure_that_is_not_there_is_a_wrong_call(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", str(folder), "--procedure", "refund"]) == 2
    assert "There are: return." in capsys.readouterr().err


def test_nothing_but_a_proof_loads_the_solver() -> None:
    modules = "caseworker.cli.playbooks, caseworker.cli.proving, caseworker.sop.check, caseworker.sop.prove"
    code = f"import sys, {modules}; print('z3' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
