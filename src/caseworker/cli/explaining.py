"""`explain`: why a case went as it did."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from caseworker.cli.cases import head_of
from caseworker.cli.output import json_option, moment, print_json
from caseworker.cli.running import with_app
from caseworker.core.errors import UsageError

if TYPE_CHECKING:
    from caseworker.app.decisions import DecisionAt, Recorded
    from caseworker.app.story import Story
    from caseworker.bootstrap import App
    from caseworker.sop.explain import RowWhy


@click.command()
@click.argument("case")
@click.option("--decision", metavar="N", type=click.IntRange(1), help="Only the Nth decision of the case.")
@click.option("--row", metavar="NAME", default="", help="Only this row: why it did or did not fire.")
@json_option
def explain(case: str, decision: int | None, row: str, as_json: bool) -> None:
    """Say of each decision of CASE which rule fired and what it saw, and of the rows above it which part was false.

    docs/reference/explain.md shows how to read it.

    \b
    Example:
      caseworker explain CW-00001T-1T
      caseworker explain CW-00001T-1T --decision 2 --row window_closed
    """
    story, decisions, recorded = with_app(lambda app: _gather(app, case))
    if decision is not None:
        decisions = tuple(each for each in decisions if each.decision.number == decision)
        recorded = [each for each in recorded if each.number == decision]
        if not decisions:
            raise UsageError(f"No decision {decision} was recorded of {story.reference}.", remedy="Leave --decision out.")
    if row:
        _row(story, recorded, row, as_json=as_json)
    elif as_json:
        print_json([{"at": each.at, "decision": each.decision, "is_quiet": each.is_quiet} for each in decisions])
    else:
        _all(story, decisions, alone=decision is not None)


async def _gather(app: "App", case: str) -> "tuple[Story, tuple[DecisionAt, ...], Sequence[Recorded]]":
    from caseworker.app.decisions import decisions_of
    from caseworker.app.story import tell

    file = await app.managers.file(case)
    playbook, recorded = await app.replays.playbook(file.case.release), await app.replays.recorded(case)
    return tell(file, playbook, recorded), decisions_of(file, playbook, recorded), recorded


def _all(story: "Story", decisions: "tuple[DecisionAt, ...]", *, alone: bool) -> None:
    head_of(story)
    waited: list[DecisionAt] = []
    for each in decisions:
        if each.is_quiet and not alone:
            waited.append(each)
            continue
        _went_on_waiting(waited)
        _decision(each)
    _went_on_waiting(waited)
    handed = [line for line in story.moments if line.kind in ("handed_over", "not_the_owner", "reply_not_sent")]
    for line in handed if not alone else ():
        click.secho(f"\n{moment(line.at)} UTC  {line.title}", bold=True)
    if not decisions and not handed:
        click.echo("\nNothing was decided in this case yet.")


def _decision(each: "DecisionAt") -> None:
    told = each.decision
    number = f"Decision {told.number}, " if told.number else ""
    click.secho(f"\n{number}{moment(each.at)} UTC, request {told.request}", bold=True)
    for text in told.lines or told.moves:
        click.echo(f"  {text}")


def _went_on_waiting(waited: "list[DecisionAt]") -> None:
    """Looks that changed nothing, in one line."""
    if waited:
        first, last = waited[0].decision.number, waited[-1].decision.number
        numbers = f"Decision {first}" if first == last else f"Decisions {first} to {last}"
        click.echo(f"\n{numbers}: looked again and went on waiting (row {waited[-1].decision.rule}).")
        waited.clear()


def _row(story: "Story", recorded: "Sequence[Recorded]", name: str, *, as_json: bool) -> None:
    from caseworker.app.decisions import why_not
    from caseworker.sop.explain import row_lines

    found: list[tuple[Recorded, RowWhy]] = list(why_not(recorded, name))
    if not found:
        playbooks = [(e.release.playbook, e.recording.decision.procedure) for e in recorded if e.release]
        known = [playbook.procedures[name] for playbook, name in playbooks if name in playbook.procedures]
        rows = {r.name for procedure in known for r in procedure.rows}
        remedy = f"Its rows are {', '.join(sorted(rows))}." if rows else "Nothing was recorded of this case."
        raise UsageError(f"No decision of {story.reference} was made by a procedure with a row {name!r}.", remedy=remedy)
    if as_json:
        print_json([{"number": each.number, "at": each.recording.now, "row": why} for each, why in found])
        return
    for each, why in found:
        click.secho(f"Decision {each.number}, {moment(each.recording.now)} UTC, request {each.recording.request}", bold=True)
        fired = each.recording.decision.rule
        click.echo(f"  {f'Row {fired} fired.' if fired else 'No row fired.'}")
        for line in row_lines(why):
            click.echo(f"  {line}")
