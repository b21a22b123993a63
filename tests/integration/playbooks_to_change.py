"""Playbooks of one language, quick to load, each with a text changed."""

import re
from pathlib import Path

from caseworker.app.playbooks import shipped
from caseworker.sop.languages import only
from caseworker.sop.load import read_folder

TOO_VALUABLE = """  - rule: too_valuable
    when: open && size(order.lines) > 0
    escalate: {queue: finance, because: high_value}

  - rule: cancel_all
"""
"""A row that keeps the worker from cancelling anything; to be put in place of `  - rule: cancel_all`."""


def playbook(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """The shipped playbook in English alone; each change is a file, a text in it, and what stands there instead."""
    files = dict(only(read_folder(shipped("retail")), ("en",)))
    files = {path: text for path, text in files.items() if not path.startswith("examples/")}
    for path, old, new in changes:
        assert old in files[path], f"{old!r} does not stand in {path}"
        files[path] = files[path].replace(old, new, 1)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def careful(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """One that hands every cancellation to people."""
    return playbook(folder, ("sops/cancel.yaml", "  - rule: cancel_all\n", TOO_VALUABLE), *changes)


def without_payment_questions(folder: Path) -> Path:
    """One that knows no questions about paying: neither the intent nor the procedure."""
    playbook(folder)
    intents = (folder / "intents.yaml").read_text()
    (folder / "intents.yaml").write_text(re.sub(r"(?ms)^payment_question:\n.*?(?=^\S)", "", intents))
    (folder / "sops" / "payment_question.yaml").unlink()
    for answer in (folder / "knowledge").glob("*.md"):
        answer.write_text(answer.read_text().replace(", payment_question", "").replace("payment_question, ", ""))
    return folder
