"""`release move`: open cases go from one release to another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import json_option, print_json, table
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.app.moving import CaseMoved


@click.command("move")
@click.option("--from", "before", required=True, metavar="RELEASE", help="Whose open cases.")
@click.option("--to", "after", required=True, metavar="RELEASE", help="What decides them from now on.")
@click.option("--case", default="", help="Only this case (reference or number).")
@click.option("--yes", is_flag=True, help="Do it; without it only show what would change.")
@click.option("--by", default="", help="Who does this; needed with --yes.")
@json_option
def move(before: str, after: str, case: str, yes: bool, by: str, as_json: bool) -> int:
    """Show what would change for open cases under another release; with --yes pin them to it.

    Each request is decided by both from what is known of it now; nothing is looked up and nothing is done.

    \b
    Examples:
      caseworker release move --from previous --to live
      caseworker release move --from previous --to live --case CW-00001T-1T --yes --by anna
    """

    async def work(app: Any) -> Sequence["CaseMoved"]:
        if yes:
            found: Sequence[CaseMoved] = await app.releases.move(before, after, by=by, case=case)
        else:
            found = await app.releases.preview_move(before, after, case=case)
        return found

    found = with_app(work)
    failed = [c for c in found if c.problem]
    if as_json:
        print_json({"moved": yes, "cases": list(found)})
        return 1 if failed else 0
    rows = [
        (c.reference, r.request, r.intent, "the same" if r.is_same else r.before, "" if r.is_same else r.after)
        for c in found
        for r in c.requests
    ]
    table(("case", "request", "wants", "next decision now", "and then"), rows, empty="No open request would change over.")
    for one in failed:
        click.secho(f"{one.reference} was not moved: {one.problem}.", fg="red")
    if yes:
        click.echo(f"{len(found) - len(failed)} cases moved.")
    elif found:
        click.echo(f"{len(found)} open cases. Nothing was changed; --yes does it.")
    return 1 if failed else 0
