"""Errors of this room."""

from collections.abc import Sequence

from caseworker.core.errors import PlaybookError
from caseworker.sop.model import Finding


class PlaybookProblems(PlaybookError):
    """A playbook cannot be loaded; `findings` holds every problem, with its place."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        ordered = sorted(findings, key=lambda f: (f.place.file, f.place.line))
        lines = [f"{f.place}: {f.message} {f.advice}".rstrip() for f in ordered]
        count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
        super().__init__(f"The playbook has {count}:\n" + "\n".join(lines), remedy="\nCorrect the lines named above.")
        self.findings = tuple(ordered)
