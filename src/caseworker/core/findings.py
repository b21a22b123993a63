"""What is found wrong in files that people write: where, what, and what to write instead."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file below the playbook folder, line from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found wrong. `advice` says what to write instead."""

    place: Place
    severity: Literal["error", "warning"]
    code: str
    message: str
    advice: str


@dataclass
class Problems:
    """Collects what is wrong."""

    findings: list[Finding] = field(default_factory=list)

    def add(self, place: Place, code: str, message: str, advice: str = "") -> None:
        self.findings.append(Finding(place, "error", code, message, advice))
