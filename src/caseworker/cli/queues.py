"""`queue`: what waits for people, with everything gathered; and their decisions."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import NUMBER, json_option, moment, print_json, require_known, table
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.bootstrap import App


@click.group()
def queue() -> None:
    """See what waits for people, and decide it.

    \b
    Example:
      caseworker queue list
    """


@queue.command("list")
@click.option("--queue", "name", default=None, help="Only this queue.")
@json_option
def list_items(name: str | None, as_json: bool) -> None:
    """List what nobody has decided, oldest first.

    \b
    Example:
      caseworker queue list --queue refunds
    """
    from caseworker.app.items import tell_item
    from caseworker.core.ids import case_reference

    async def work(app: "App") -> Sequence[Any]:
        require_known("queue", name, app.release.guardrails.queues)
        return await app.people.waiting(name)

    items = [tell_item(row) for row in with_app(work)]
    if as_json:
        print_json([{"reference": case_reference(i.case), "item": i} for i in items])
        return
    table(
        ("item", "kind", "queue", "because", "case", "since (UTC)", "wants", "subject"),
        [(i.id, i.kind, i.queue, i.because, case_reference(i.case), i.created_at, i.wants, i.subject) for i in items],
        empty="Nothing waits for people.",
    )


@queue.command("show")
@click.argument("item", type=NUMBER)
@json_option
def show(item: int, as_json: bool) -> None:
    """Show ITEM with its brief: what was asked, found, checked, and what is proposed.

    \b
    Example:
      caseworker queue show 3
    """
    from caseworker.app.items import tell_item
    from caseworker.core.ids import case_reference

    told = tell_item(with_app(lambda app: app.people.item(item)))
    if as_json:
        print_json(told)
        return
    click.secho(f"Item {told.id}: {told.kind} in {told.queue}, because {told.because}", bold=True)
    click.echo(f"Case {case_reference(told.case)}, request {told.request}, since {moment(told.created_at)} UTC")
    if told.why:
        click.echo(told.why)
    for label, value in told.brief:
        click.echo(f"  {label}: {value}")
    if told.decision:
        click.echo(f"Decided: {told.decision} by {told.decided_by}. {told.note}".rstrip())
    else:
        click.echo(f"Decide: caseworker queue decide {told.id} --{' | --'.join(told.allowed)}   [--reply FILE] [--note TEXT]")


def _words_of(reply: Path) -> str:
    try:
        words = reply.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{reply} is no UTF-8 text. Nothing was decided; save the file as UTF-8.") from error
    if not words:
        raise click.UsageError(f"{reply} is empty. Nothing was decided; leave --reply out to send nothing.")
    return words


@queue.command("decide")
@click.argument("item", type=NUMBER)
@click.option("--approve", is_flag=True, help="The act goes on.")
@click.option("--deny", is_flag=True, help="The act is refused; the procedure goes on without it.")
@click.option("--resolve", is_flag=True, help="You have dealt with it; the request ends.")
@click.option("--return", "give_back", is_flag=True, help="Back to the worker.")
@click.option("--note", default="", help="Why; kept on the timeline.")
@click.option(
    "--reply", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with your words to the customer."
)
@click.option("--by", default=None, help="Who decides; without it the name of your account.")
@json_option
def decide(  # one parameter for each option
    item: int, *, note: str, reply: Path | None, by: str | None, as_json: bool, **said: bool
) -> None:
    """Decide ITEM; its case goes on at once.

    \b
    Examples:
      caseworker queue decide 3 --approve --note "checked with the warehouse"
      caseworker queue decide 4 --resolve --reply answer.txt
    """
    from caseworker.core.ids import case_reference

    decisions = [name for name in ("approve", "deny", "resolve", "give_back") if said[name]]
    if len(decisions) != 1:
        raise click.UsageError("Say what you decide, one of --approve, --deny, --resolve and --return.")
    chosen = {"give_back": "return"}.get(decisions[0], decisions[0])
    words = _words_of(reply) if reply else ""
    who = by or getpass.getuser()
    case = with_app(lambda app: app.people.decide(item, chosen, by=who, note=note, reply=words))
    if as_json:
        print_json({"item": item, "decision": chosen, "by": who, "case": case_reference(case)})
    else:
        then = "is settled as far as this goes" if chosen == "resolve" else "goes on"
        click.echo(f"Item {item}: {chosen} by {who}. Case {case_reference(case)} {then}.")
