"""The procedure language: decisions a second on one core, and how long load, check, examples and prove take."""

import time
from collections.abc import Callable, Mapping
from statistics import median

from caseworker.app.playbooks import shipped
from caseworker.cases.release import Release
from caseworker.cli.playbooks import offline
from caseworker.cli.proving import limits_of
from caseworker.sop.decide import decide
from caseworker.sop.examples import given_of, run_examples
from caseworker.sop.load import load, read_folder
from caseworker.sop.prove import prove

SECONDS = 2.0
ROUNDS = 5


async def run() -> Mapping[str, object]:
    """Every worked example of the retail playbook decided over and over; then each command's work once and again."""
    playbooks, folder = offline(), shipped("retail")
    files = read_folder(folder)
    release, findings = playbooks.examine(folder)
    playbook, vocabulary = release.playbook, release.vocabulary
    cases = given_of(playbook, vocabulary)
    rates = [_rate(lambda: [decide(playbook, c.procedure, c.facts, now=c.now, progress=c.progress, vocabulary=vocabulary)
                            for c in cases], len(cases)) for _ in range(ROUNDS)]  # fmt: skip
    return {
        "procedures": len(playbook.procedures),
        "rows": sum(len(procedure.rows) for procedure in playbook.procedures.values()),
        "examples": len(cases),
        "decisions per second, one core": {"min": min(rates), "median": median(rates), "max": max(rates)},
        "load, seconds": _seconds(lambda: load(files)),
        "check, seconds": _seconds(lambda: playbooks.examine(folder)),
        "findings": len(findings),
        "examples, seconds": _seconds(lambda: run_examples(playbook, vocabulary)),
        **_proved(release),
    }


def _proved(release: Release) -> Mapping[str, object]:
    start = time.perf_counter()
    proofs = prove(release.playbook, release.vocabulary, limits_of(release.guardrails))
    return {
        "prove, seconds": round(time.perf_counter() - start, 1),
        "questions to the solver": sum(proof.questions for proof in proofs),
        "open": [proof.procedure for proof in proofs if proof.open],
        "not proved": [name for proof in proofs for name in proof.not_proved],
    }


def _rate(work: Callable[[], object], number: int) -> int:
    work()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        work()
        done += number
    return round(done / (time.perf_counter() - start))


def _seconds(work: Callable[[], object]) -> float:
    work()
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)
