"""`caseworker prove`: what holds of a playbook for all facts."""

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from math import isnan
from multiprocessing import get_context
from os import cpu_count
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import settings

if TYPE_CHECKING:
    from caseworker.guard.model import Guardrails
    from caseworker.sop.model import Playbook, Vocabulary
    from caseworker.sop.prove import PayLimit, Proof

LONGEST = 86_400  # seconds: a day


class Seconds(click.FloatRange):
    """A number of seconds in a range; `nan` compares with no bound, and is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is no number of seconds.", param, ctx) if isnan(found) else found


@click.command()
@click.argument("playbook", default="")
@click.option("--procedure", "names", multiple=True, help="Only this procedure; may be given several times.")
@click.option(
    "--timeout", default=10.0, show_default=True, type=Seconds(0, LONGEST), help="Seconds for each question to the solver."
)
@json_option
def prove(playbook: str, names: tuple[str, ...], timeout: float, as_json: bool) -> int:
    """Prove what PLAYBOOK does for all facts, not only for examples. Needs no database.

    Lists gaps, rows that never fire, contradictions, the largest amount that a request can pay, and broken `never:`, each with
    facts that show it. Ends with exit code 1 when there is something to settle, and 3 when nothing was found but not every
    question was answered in time.

    \b
    Example:
      caseworker prove ./my-playbook --procedure return
    """
    from caseworker.sop.proving.report import report, summary

    found = _proofs(playbook, names, timeout)
    if as_json:
        print_json(found)
    else:
        for proof in found:
            _show(list(report(proof)))
        click.echo(summary(found))
    return exit_code(found)


def exit_code(proofs: "Sequence[Proof]") -> int:
    """0 nothing open, 1 something to settle, 3 nothing found but not everything proved."""
    if any(proof.open for proof in proofs):
        return 1
    return 3 if any(proof.not_proved for proof in proofs) else 0


def _proofs(playbook: str, names: tuple[str, ...], timeout: float) -> "tuple[Proof, ...]":
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from caseworker.sop.prove import named

    book, vocabulary, limits = _loaded(playbook)
    wanted = named(book, names)
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:3], TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True) if sys.stderr.isatty() else None
    with bar or nullcontext():
        task = bar.add_task("proving", total=len(wanted)) if bar else None

        def told(name: str) -> None:
            if bar is not None and task is not None:
                bar.update(task, description=f"{name} is done", advance=1)

        return _beside(book, vocabulary, limits, wanted, timeout, told)


def _beside(
    book: "Playbook",
    vocabulary: "Vocabulary",
    limits: "Mapping[str, PayLimit]",
    names: Sequence[str],
    timeout: float,
    told: Callable[[str], None],
) -> "tuple[Proof, ...]":
    """Each procedure by itself, as many beside each other as there are processors; those with most rows first."""
    from caseworker.sop.prove import prove as proofs_of

    at_once = min(len(names), cpu_count() or 1)
    if at_once < 2:
        found = {}
        for name in names:
            [found[name]] = proofs_of(book, vocabulary, limits, procedures=[name], timeout=timeout)
            told(name)
        return tuple(found[name] for name in names)
    largest_first = sorted(names, key=lambda name: -len(book.procedures[name].rows))
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        begun = {
            pool.submit(proofs_of, book, vocabulary, limits, procedures=[name], timeout=timeout): name for name in largest_first
        }
        try:
            for done in as_completed(begun):
                done.result()
                told(begun[done])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        proofs = {name: proof for future, name in begun.items() for proof in future.result()}
    return tuple(proofs[name] for name in names)


def _loaded(playbook: str) -> "tuple[Playbook, Vocabulary, Mapping[str, PayLimit]]":
    from caseworker.app.playbooks import shipped, vocabulary
    from caseworker.cli.playbooks import offline
    from caseworker.guard.load import load as load_guardrails
    from caseworker.sop.load import load, read_folder

    files = read_folder(shipped(playbook or settings().playbook))
    book = load(files)
    return book, book.vocabulary(vocabulary(offline().commerce)), limits_of(load_guardrails(files))


def limits_of(guardrails: "Guardrails") -> "Mapping[str, PayLimit]":
    """What `prove` has to know of the guardrails, by operation."""
    from caseworker.sop.prove import PayLimit

    return {
        name: PayLimit(name, limit.per_action, limit.per_case, forbids=limit.above == "forbid", asks=limit.always_approve)
        for name, limit in guardrails.limits.items()
    }


def _show(lines: Sequence[str]) -> None:
    click.secho(lines[0], bold=True)
    for line in lines[1:]:
        told = line.strip()
        bad = told.startswith(("gap ", "row ", "contradiction")) or "broken" in told.split(" by ")[0]
        click.secho(line, fg="red" if bad else "yellow" if told.startswith("not proved") else None)
    click.echo()
