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

    def all_once() -> None:
        for case in cases:
            decide(playbook, case.procedure, case.facts, now=case.now, progress=case.progress, vocabulary=vocabulary)

    rates, cpu_rates = zip(*(_rate(all_once, len(cases)) for _ in range(ROUNDS)), strict=True)
    return {
        "procedures": len(playbook.procedures),
        "rows": sum(len(procedure.rows) for procedure in playbook.procedures.values()),
        "examples": len(cases),
        "decisions per second of wall time": {"min": min(rates), "median": median(rates), "max": max(rates)},
        "decisions per second of processor time": {"min": min(cpu_rates), "median": median(cpu_rates), "max": max(cpu_rates)},
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


def _rate(work: Callable[[], object], number: int) -> tuple[int, int]:
    """By the clock, and by the processor's time, which other programs on the machine disturb less."""
    work()
    start, used, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < SECONDS:
        work()
        done += number
    return round(done / (time.perf_counter() - start)), round(done / (time.process_time() - used))


def _seconds(work: Callable[[], object]) -> float:
    work()
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 3)
