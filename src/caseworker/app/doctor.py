"""What a check-up says. The checks themselves know machines and databases and are handed in; this knows how to sum up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from caseworker.core.errors import CaseworkerError

Verdict = Literal["ok", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check-up. `advice` says what to do and is empty where all is well."""

    name: str
    verdict: Verdict
    message: str
    advice: str = ""


Check = Callable[[], Awaitable[Sequence[Finding]]]


async def examine(checks: Sequence[tuple[str, Check]], *, patience: float = 20.0) -> list[Finding]:
    """Run the checks one after the other. One that fails or takes more than `patience` seconds is a finding itself."""
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += await asyncio.wait_for(check(), patience)
        except CaseworkerError as error:
            findings.append(Finding(name, "error", error.message, error.remedy))
        except TimeoutError:
            findings.append(Finding(name, "error", f"No answer within {patience:.0f} s.", "See whether it hangs."))
        except OSError as error:
            findings.append(Finding(name, "error", str(error), "Mend what the message names and try again."))
    return findings


def worst(findings: Sequence[Finding]) -> Verdict:
    """The verdict of all lines together."""
    order: tuple[Verdict, ...] = ("error", "warn", "ok")
    return next((v for v in order if any(f.verdict == v for f in findings)), "ok")
