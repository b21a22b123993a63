"""`check` names what nobody uses, with file and line, and leaves alone what is used from anywhere."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from caseworker.app.playbooks import shipped
from caseworker.app.unused import findings
from caseworker.cli.main import run
from caseworker.cli.playbooks import offline
from caseworker.sop.load import read_folder

RETAIL = read_folder(shipped("retail"))


def found_in(files: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Findings of a playbook: file, line, code, message."""
    told = findings(offline().assemble(files))
    return [(f.place.file, str(f.place.line), f.code, f.message) for f in told]


def added(file: str, text: str) -> tuple[dict[str, str], str]:
    """The shipped playbook with a text at the end of a file, and the line of its first line."""
    whole = RETAIL[file].rstrip("\n") + "\n"
    return {**RETAIL, file: whole + text}, str(whole.count("\n") + 1)


def test_the_shipped_playbook_uses_all_it_has() -> None:
    assert found_in(RETAIL) == []


def test_a_reply_that_no_row_says() -> None:
    words = "---\n---\nhello.\n"
    files = {**RETAIL, "replies/nobody/de.md": words, "replies/nobody/en.md": words}
    assert found_in(files) == [("replies/nobody/de.md", "1", "unused_reply", "No row says `nobody`.")]


def test_the_words_of_a_question_that_is_gone() -> None:
    files = {**RETAIL, "replies/ask_gone/en.md": "---\n---\nwhich?\n", "replies/ask_gone/de.md": "---\n---\nwelche?\n"}
    assert [code for _, _, code, _ in found_in(files)] == ["unused_reply"]


@pytest.mark.parametrize(
    "user", ["sops/return.yaml", "parts/earlier_claims.yaml", "replies/gave_up/en.md", "knowledge/stores.md"]
)
def test_a_parameter_that_nothing_mentions_and_one_that_anything_does(user: str) -> None:
    files, line = added("parameters.yaml", "never_shown: {type: int, values: [3]}\n")
    text = "No procedure, reply or approved answer uses `param.never_shown`."
    assert found_in(files) == [("parameters.yaml", line, "unused_parameter", text)]
    mention = "# param.never_shown\n" if user.endswith(".yaml") else "{{ param.never_shown }}\n"
    assert found_in({**files, user: f"{files[user]}\n{mention}"}) == []


def test_a_question_that_no_procedure_asks() -> None:
    files, line = added("questions.yaml", "favourite_colour: {kind: text}\n")
    text = "No procedure asks for `favourite_colour` or uses the answer."
    assert found_in(files) == [("questions.yaml", line, "unused_question", text)]
    files["replies/gave_up/en.md"] += "\n{% if request.given.favourite_colour %}yes{% endif %}\n"
    assert found_in(files) == []


def test_a_queue_that_nothing_leads_to() -> None:
    text = RETAIL["routing.yaml"].replace("queues:\n", "queues:\n  attic: {title: Attic}\n")
    line = str(text[: text.index("  attic:")].count("\n") + 1)
    assert found_in({**RETAIL, "routing.yaml": text}) == [
        ("routing.yaml", line, "unused_queue", "Nothing leads to the queue `attic`.")
    ]
    guarded = RETAIL["guardrails.yaml"].replace("queue: general}", "queue: attic}")
    assert found_in({**RETAIL, "routing.yaml": text, "guardrails.yaml": guarded}) == []


def test_a_reason_that_people_cannot_read() -> None:
    lines = RETAIL["routing.yaml"].splitlines(keepends=True)
    files = {**RETAIL, "routing.yaml": "".join(line for line in lines if not line.startswith("  no_answer:"))}
    rows = [path for path in sorted(RETAIL) if path.startswith("sops/")]
    at = [(p, str(n)) for p in rows for n, line in enumerate(RETAIL[p].splitlines(), 1) if "because: no_answer}" in line]
    told = found_in(files)
    assert [(file, line) for file, line, _, _ in told] == at
    assert {path for path, _ in at} >= {"sops/questions.yaml"}
    assert {(code, message) for _, _, code, message in told} == {("unexplained", "`no_answer` is not explained for people.")}


def test_check_shows_them_as_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, line = added("questions.yaml", "favourite_colour: {kind: text}\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert run(["check", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path}/questions.yaml:{line}: warning [unused_question]" in printed
    assert "0 errors, 1 warnings." in printed
