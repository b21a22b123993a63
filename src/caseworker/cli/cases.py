"""`cases`: what the worker has on its desk."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import NUMBER, json_option, moment, print_json, require_known, table
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.app.story import Moment, Story
    from caseworker.bootstrap import App

STATUSES = ("open", "awaiting_customer", "waiting", "with_people", "closed")


@click.group()
def cases() -> None:
    """List cases, show one, hand out its raw mails.

    \b
    Example:
      caseworker cases list --status with_people
    """


@cases.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only cases in this state.")
@click.option("--search", default="", help="Words in address, name, subject or order number.")
@click.option("--intent", default="", help="Only cases with this intent.")
@click.option("--queue", default="", help="Only cases that wait in this queue.")
@click.option("--limit", default=50, show_default=True, metavar="N", type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--unassigned", is_flag=True, help="Mails that are in no case, the last one first: notes and lists of machines.")
@json_option
def list_cases(status: str | None, search: str, intent: str, queue: str, limit: int, unassigned: bool, as_json: bool) -> None:
    """List cases, the one changed last first.

    \b
    Example:
      caseworker cases list --intent cancel_order --search nord
      caseworker cases list --unassigned
    """
    from caseworker.core.errors import UsageError
    from caseworker.core.ids import case_reference

    if unassigned:
        if status or search or intent or queue:
            raise UsageError("--unassigned goes with --limit and --json only.", remedy="Leave the other filters out.")
        _list_unassigned(limit, as_json=as_json)
        return

    async def work(app: "App") -> Sequence[Any]:
        require_known("intent", intent, app.release.playbook.intents)
        require_known("queue", queue, app.release.guardrails.queues)
        return await app.managers.cases(status=status or "", search=search, intent=intent, queue=queue, limit=limit)

    rows = with_app(work)
    if as_json:
        keys = ("status", "sender", "subject", "language", "queue", "intents", "outcomes", "opened_at", "updated_at")
        print_json([{"case": case_reference(r.number), **{k: getattr(r, k) for k in keys}} for r in rows])
        return
    table(
        ("case", "status", "changed (UTC)", "from", "wants", "outcome", "queue", "subject"),
        [
            (
                case_reference(r.number),
                r.status,
                r.updated_at,
                r.sender,
                ", ".join(r.intents),
                ", ".join(r.outcomes),
                r.queue,
                r.subject,
            )
            for r in rows
        ],
        empty="No case fits.",
    )


def _list_unassigned(limit: int, *, as_json: bool) -> None:
    rows = with_app(lambda app: app.managers.unassigned(limit=limit))
    if as_json:
        keys = ("raw", "at", "mailbox", "sender", "subject", "kind", "why", "text")
        print_json([{key: getattr(row, key) for key in keys} for row in rows])
        return
    table(
        ("raw mail", "came (UTC)", "from", "kind", "because", "subject"),
        [(row.raw, row.at, row.sender, row.kind, row.why, row.subject) for row in rows],
        empty="Every mail is in a case.",
    )


@cases.command("show")
@click.argument("case")
@json_option
def show(case: str, as_json: bool) -> None:
    """Show one CASE (reference or number): requests, timeline, mails, receipts, what waits, promises.

    \b
    Example:
      caseworker cases show CW-00001T-1T
    """
    story = with_app(lambda app: _story(app, case))
    if as_json:
        print_json(story)
        return
    head_of(story)
    for line in story.moments:
        _moment(line)
    for label, state in story.under_way:
        click.echo(f"\nUnder way: {label} ({state})")
    for item in story.items:
        ended = f"{item.decision} by {item.decided_by}" if item.decision else f"waits; caseworker queue show {item.id}"
        click.echo(f"\nQueue item {item.id}, {item.kind} in {item.queue}: {item.because} [{ended}]")
    for promise in story.promises:
        click.echo(f"\nPromise: {promise.what} {promise.amount} by {moment(promise.due)} UTC [{promise.status}]")


@cases.command("raw")
@click.argument("message", type=NUMBER)
def raw(message: int) -> None:
    """Write a mail's bytes to stdout as they came. MESSAGE is the number that `cases show` or `cases list --unassigned` gives.

    \b
    Example:
      caseworker cases raw 12 > mail.eml
    """
    from caseworker.core.errors import UsageError

    async def read(app: "App") -> bytes:
        return await app.raw.bytes_of(message)

    found = with_app(read)
    if not found:
        raise UsageError(f"There is no raw mail {message}.", remedy="`caseworker cases show CASE` names them.")
    sys.stdout.buffer.write(found)
    sys.stdout.buffer.flush()


async def _story(app: "App", name: str) -> "Story":
    from caseworker.app.story import tell

    file = await app.managers.file(name)
    return tell(file, await app.replays.playbook(file.case.release), await app.replays.recorded(name))


def head_of(story: "Story") -> None:
    """The case's first lines."""
    click.secho(f"{story.reference}  {story.status}  {story.subject}", bold=True)
    click.echo(f"From {story.sender} ({story.language or 'language unknown'}), opened {moment(story.opened_at)} UTC")
    for request in story.requests:
        state = request.outcome or request.status
        rule = f", rule {request.rule}" if request.rule else ""
        people = f", queue {request.queue} ({request.because})" if request.queue else ""
        click.echo(f"  {request.number}. {request.intent}: {state}{rule}{people}")
    if story.verified_at:
        click.echo(f"  Verified {moment(story.verified_at)} UTC")


def _moment(line: "Moment") -> None:
    click.echo(f"\n{moment(line.at)}  ", nl=False)
    click.secho(line.title, bold=True)
    for label, value in line.facts:
        click.echo(f"    {label}: {value}")
    for row in line.text.splitlines():
        click.echo(f"    | {row}")
