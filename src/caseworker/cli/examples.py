"""`examples`: run a playbook's worked cases, watch them while writing, make one from a case."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import json_option, plain, print_json, require_known
from caseworker.cli.running import settings, with_app
from caseworker.core.errors import UsageError

if TYPE_CHECKING:
    from caseworker.app.rehearse import Rehearsal, Unwritten
    from caseworker.bootstrap import App
    from caseworker.cases.release import Release
    from caseworker.sop.examples import ExampleResult, ExampleRun
    from caseworker.sop.sample import Sample


@click.command()
@click.argument("playbook", default="")
@click.option("--procedure", metavar="NAME", default="", help="Only the examples of this procedure.")
@click.option("--language", metavar="LANG", default="", help="Try the words in this language only; without it in all.")
@click.option("--show", is_flag=True, help="Print the whole letters that the customers of the examples would get.")
@click.option("--verbose", is_flag=True, help="Name the replies that could not be tried because an example leaves facts out.")
@click.option("--watch", is_flag=True, help="Run them again whenever a file changes, and tell what changed. Ctrl-C ends it.")
@click.option("--from-case", metavar="CASE", default="", help="Write a new example from a decision of this case instead.")
@click.option("--decision", metavar="N", type=click.IntRange(1), help="With --from-case: which decision; without it the last.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="With --from-case: a new file; without it to stdout."
)
@json_option
def examples(  # noqa: PLR0913  # a command's options, each by its name
    *,
    playbook: str,
    procedure: str,
    language: str,
    show: bool,
    verbose: bool,
    watch: bool,
    from_case: str,
    decision: int | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Run the worked examples of PLAYBOOK; exit code 1 when one fails. Needs no database, but for --from-case.

    What an example decides to say is written with its facts, in every language: words that cannot be written fail it. With
    --show the whole letters are printed, with made-up receipts, so that you can read what customers would get.

    With --from-case a recorded decision becomes an example in which people, numbers, texts and dates are stand-ins.
    docs/how-to/make-an-example-from-a-case.md tells more.

    \b
    Example:
      caseworker examples ./my-playbook --watch
      caseworker examples ./my-playbook --show --procedure return --language de
      caseworker examples --from-case CW-00001T-1T --decision 2 --out my-playbook/examples/late-return.yaml
    """
    if from_case:
        if playbook or procedure or language or show or verbose or watch:
            raise UsageError(
                "--from-case goes with --decision, --out and --json only.", remedy="The example is run in the case's release."
            )
        return _write(from_case, decision, out, as_json=as_json)
    if decision is not None or out is not None:
        raise UsageError("--decision and --out go with --from-case.", remedy="Name the case with --from-case CASE.")
    if watch and show:
        raise UsageError("--show prints the letters once.", remedy="Give --watch or --show.")
    from caseworker.app.playbooks import shipped

    folder = shipped(playbook or settings().playbook)
    if watch:
        return _watch(folder, procedure, language)
    look = _look(folder, procedure, language)
    if show:
        return _show(look, language, as_json=as_json)
    if as_json:
        print_json(_as_json(look))
    else:
        for result in look.run.failed:
            _failed(folder, result, look)
        _summary(look, verbose=verbose)
    return 1 if look.run.failed else 0


@dataclass(frozen=True, slots=True)
class Look:
    """One run of all examples, with their words. `seconds` is what deciding took, without reading files and writing words."""

    release: "Release"
    rehearsal: "Rehearsal"
    seconds: float

    @property
    def run(self) -> "ExampleRun":
        return self.rehearsal.run


def _look(folder: Path, procedure: str, language: str = "") -> Look:
    from caseworker.app.playbooks import vocabulary
    from caseworker.app.rehearse import rehearse
    from caseworker.cases.release import Release
    from caseworker.cli.playbooks import offline
    from caseworker.guard.model import Guardrails
    from caseworker.sop.examples import run_examples
    from caseworker.sop.load import load, read_folder
    from caseworker.writing.load import load as load_replies

    files = read_folder(folder)
    playbook, known = load(files), vocabulary(offline().commerce)
    require_known("procedure", procedure, playbook.procedures)
    require_known("language", language, playbook.worker.languages)
    start = time.perf_counter()
    run = run_examples(playbook, known, procedure=procedure)
    seconds = time.perf_counter() - start
    # guardrails decide about acts, never about words: a playbook that has none yet can be tried
    release = Release(playbook, load_replies(files), Guardrails({}, {}, ""), playbook.vocabulary(known))
    return Look(release, rehearse(run, release, languages=(language,) if language else ()), seconds)


# -- what a run came to ------------------------------------------------------------------------------------------------


def _failed(folder: Path, result: "ExampleResult", look: Look) -> None:
    click.secho(f"{folder / result.place.file}:{result.place.line}: {result.name}: {result.problem}", fg="red")
    for line in (*_moves(result), *_reasons(result, look)):
        click.echo(f"    {line}")


def _moves(result: "ExampleResult") -> Iterator[str]:
    """Expected (-) and got (+), move by move, where they differ."""
    from caseworker.sop.examples import brief

    got = [brief(move) for move in result.decision.moves] if result.decision else []
    if result.moves is not None and result.decision and list(result.moves) != got:
        yield from (line for line in ndiff(list(result.moves), got) if not line.startswith("?"))


def _reasons(result: "ExampleResult", look: Look) -> Iterator[str]:
    """Why the row that was expected did not fire, and why the one that fired did."""
    from caseworker.sop.explain import explain_row, row_lines

    recording = result.recording
    if recording is None or recording.decision.rule == result.expected:
        return
    for row in dict.fromkeys((result.expected, recording.decision.rule)):
        why = explain_row(recording, look.release.playbook, look.release.vocabulary, row) if row else None
        if why is not None:
            yield from row_lines(why)
        elif row:
            yield f"There is no row {row} in the procedure {recording.decision.procedure}."
    if not recording.decision.rule and recording.decision.missing:
        yield f"Not known yet: {', '.join(recording.decision.missing)}."


def _summary(look: Look, *, verbose: bool = False) -> None:
    run = look.run
    rows = [f"{sop}.{row}" for sop, named in run.coverage.items() for row in named]
    _coverage("Rows", "fired", rows, run.never_fired)
    if run.unreachable:
        click.echo(f"    Left out, said to be unreachable (`caseworker prove` shows it): {', '.join(run.unreachable)}")
    _coverage("Replies", "said", list(run.replies), run.never_said)
    _words(look.rehearsal, verbose=verbose)
    count, passed = len(run.results), len(run.results) - len(run.failed)
    each = f", {look.seconds / count * 1000:.1f} ms each" if count else ""
    click.echo(f"{passed} of {count} examples pass. ({look.seconds:.2f} s{each})")


def _words(rehearsal: "Rehearsal", *, verbose: bool) -> None:
    from caseworker.app.rehearse import told

    every, written = len(rehearsal.every), len(rehearsal.written)
    if every:
        share = f"{written / every:.0%}"
        click.echo(f"Words: {written} of {every} replies of rows, each language counted, were written ({share}).")
    if verbose and rehearsal.left_out:
        click.echo(f"    {len(rehearsal.left_out)} could not be tried because the examples leave out facts:")
        for line in told(rehearsal.left_out):
            click.echo(f"    {line}")


def _coverage(what: str, verb: str, every: Sequence[str], never: Sequence[str]) -> None:
    if every:
        share = (len(every) - len(never)) / len(every)
        click.echo(f"{what}: {len(every) - len(never)} of {len(every)} are {verb} by an example ({share:.0%}).")
    if never:
        click.echo(f"    Never {verb}: {', '.join(never)}")


def _as_json(look: Look) -> dict[str, Any]:
    run = look.run
    return {
        "passed": len(run.results) - len(run.failed),
        "seconds": round(look.seconds, 4),
        "results": [
            {"name": r.name, "place": str(r.place), "problem": r.problem, "why": list(_reasons(r, look)) if r.problem else []}
            for r in run.results
        ],
        "rows": sum(len(rows) for rows in run.coverage.values()),
        "never_fired": run.never_fired,
        "unreachable": run.unreachable,
        "replies": len(run.replies),
        "never_said": run.never_said,
        "words": {
            "replies": len(look.rehearsal.every),
            "written": len(look.rehearsal.written),
            "never_written": [said._asdict() for said in look.rehearsal.never_written],
            "left_out": [_unwritten(each) for each in look.rehearsal.left_out],
        },
    }


def _unwritten(each: "Unwritten") -> dict[str, str]:
    return {"example": each.example, "file": each.file, "language": each.said.language, "reason": each.reason}


def _show(look: Look, language: str, *, as_json: bool) -> int:
    """The letters of every example, in the order of the files."""
    from caseworker.app.rehearse import letters_of

    shown = [
        (result, letters_of(result, look.release, languages=(language,) if language else ())) for result in look.run.results
    ]
    if as_json:
        print_json([{"place": str(result.place), **plain(letter)} for result, letters in shown for letter in letters])
        return 1 if look.run.failed else 0
    for result, letters in shown:
        click.secho(f"{result.place}: {result.name}", bold=True)
        if result.problem:
            click.secho(f"  {result.problem}", fg="red")
        for letter in letters:
            if letter.problem:
                click.secho(f"  [{letter.language}] {letter.problem}", fg="red" if result.problem else "yellow")
                continue
            click.echo(f"  [{letter.language}] {letter.subject or '(the subject of the mail that is answered)'}\n")
            click.echo(indent(letter.text, "    "))
    return 1 if look.run.failed else 0


# -- watching ----------------------------------------------------------------------------------------------------------


def _watch(folder: Path, procedure: str, language: str) -> int:
    from caseworker.cli.watching import watch

    watch(folder, Watched(folder, procedure, language).look)
    return 0


@dataclass
class Watched:
    """Tells what changed from one run to the next. A folder that cannot be read is told with its findings."""

    folder: Path
    procedure: str = ""
    language: str = ""
    before: Look | None = None

    def look(self) -> None:
        """Run the examples and tell what is different from the last time."""
        from caseworker.core.errors import CaseworkerError
        from caseworker.sop.errors import PlaybookProblems

        try:
            look = _look(self.folder, self.procedure, self.language)
        except PlaybookProblems as problems:
            for finding in problems.findings:
                click.secho(f"{self.folder / finding.place.file}:{finding.place.line}: {finding.message}", fg="red")
            click.echo("The playbook cannot be read; the next change is waited for.")
            return
        except CaseworkerError as error:
            click.secho(error.message, fg="red")
            return
        if self.before is None:
            for result in look.run.failed:
                _failed(self.folder, result, look)
            _summary(look)
        else:
            self._changes(self.before, look)
        self.before = look

    def _changes(self, before: Look, now: Look) -> None:
        old = {result.name: result.problem for result in before.run.results}
        for result in now.run.results:
            if result.problem and result.problem != old.get(result.name):
                _failed(self.folder, result, now)
            elif not result.problem and old.get(result.name, "new"):
                click.secho(f"passes now: {result.name}", fg="green")
        for name in sorted(old.keys() - {result.name for result in now.run.results}):
            click.echo(f"is gone: {name}")
        _difference("never fired", before.run.never_fired, now.run.never_fired)
        _difference("never said", before.run.never_said, now.run.never_said)
        words = [[" ".join(said) for said in look.rehearsal.never_written] for look in (before, now)]
        _difference("never written", *words)
        passed = len(now.run.results) - len(now.run.failed)
        click.echo(f"{passed} of {len(now.run.results)} examples pass.")


def _difference(what: str, before: Sequence[str], now: Sequence[str]) -> None:
    if more := [name for name in now if name not in before]:
        click.echo(f"{what} now: {', '.join(more)}")
    if less := [name for name in before if name not in now]:
        click.echo(f"no more {what}: {', '.join(less)}")


# -- an example from a case --------------------------------------------------------------------------------------------


def _write(case: str, decision: int | None, out: Path | None, *, as_json: bool) -> int:
    from caseworker.app.places import require_writable, write_files

    if out is not None:
        if out.exists():
            raise UsageError(f"{out} is there already.", remedy="Name a new file.")
        require_writable(out)
    sample = with_app(lambda app: _sample(app, case, decision))
    if as_json:
        print_json({"text": sample.text, "procedure": sample.procedure, "rule": sample.rule, "notes": sample.notes})
        return 0
    for note in sample.notes:
        click.echo(note, err=True)
    if out is None:
        click.echo(sample.text, nl=False)
        return 0
    write_files({out: sample.text.encode()})
    click.echo(f"Wrote {out}: {sample.procedure}, {f'row {sample.rule}' if sample.rule else 'no row'}.")
    return 0


async def _sample(app: "App", case: str, number: int | None) -> "Sample":
    from caseworker.sop.sample import sample_of

    recorded = await app.replays.recorded(case)
    chosen = [each for each in recorded if number in (None, each.number)][-1:]
    if not chosen:
        named = f"no decision {number}" if recorded else "nothing"
        raise UsageError(f"{named.capitalize()} was recorded of case {case}.", remedy="`caseworker explain CASE` numbers them.")
    [each] = chosen
    if each.release is None:
        raise UsageError(
            f"Release {each.recording.release[:12]}, which decided, is not in the database.", remedy="Choose another decision."
        )
    return sample_of(each.recording, each.release.playbook, each.release.vocabulary)
