"""`stop`, `resume`, `retry`: the brakes, and what was set aside."""

import getpass
from typing import TYPE_CHECKING

import click

from caseworker.cli.output import NUMBER, json_option, print_json, require_known, table
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.bootstrap import App


@click.command()
@click.option("--intent", default=None, help="Only cases with this intent.")
@click.option("--action", default=None, help="Only this operation, such as orders.refund; mail.send.")
@click.option("--mailbox", default=None, help="Only cases of this mailbox.")
@click.option("--by", default=None, help="Who stops; without it the name of your account.")
@json_option
def stop(intent: str | None, action: str | None, mailbox: str | None, by: str | None, as_json: bool) -> None:
    """Turn acting and sending off in every process, at once. Mails are still taken in and decided.

    Without an option everything is stopped. `caseworker resume` lifts it and lists what was held back.

    \b
    Examples:
      caseworker stop
      caseworker stop --action orders.refund --by anna
    """
    given = [(scope, value) for scope, value in (("intent", intent), ("action", action), ("mailbox", mailbox)) if value]
    if len(given) > 1:
        raise click.UsageError("Give one of --intent, --action, --mailbox; call `stop` again for another.")
    scope, value = given[0] if given else ("all", "")
    who = by or getpass.getuser()

    async def work(app: "App") -> int:
        await _require_known(app, scope, value)
        return await app.control.stop(scope=scope, value=value, by=who, now=await app.clock.now())

    number = with_app(work)
    if as_json:
        print_json({"stop": number, "scope": scope, "value": value, "by": who})
    else:
        click.echo(f"Stop {number} is on: {scope} {value}".rstrip() + ". `caseworker resume` lifts it.")


async def _require_known(app: "App", scope: str, value: str) -> None:
    """A slip in an emergency must not look like a stop."""
    known = {
        "intent": set(app.release.playbook.intents),
        "action": {*app.release.vocabulary.operations, "mail.send"},
        "mailbox": {row.address for row in await app.control.mailboxes()},
    }.get(scope, {value})
    require_known(scope, value, known)


@click.command()
@click.option("--stop", "number", metavar="N", type=NUMBER, default=None, help="Lift only this stop; without it all.")
@json_option
def resume(number: int | None, as_json: bool) -> None:
    """Lift stops and list what was held back; it is done now.

    \b
    Example:
      caseworker resume
    """
    from caseworker.core.ids import case_reference

    async def work(app: "App") -> tuple[list[str], list[tuple[str, str, str]]]:
        stops = await app.control.stops()
        if number is not None and number not in [s.id for s in stops]:
            on = ", ".join(str(s.id) for s in stops) or "none"
            raise click.UsageError(f"There is no stop {number}. On: {on}.")
        held = await app.control.lift(now=await app.clock.now(), stop=number)
        lifted = [f"{s.id}: {s.scope} {s.value}".rstrip() for s in stops if number in (None, s.id)]
        return lifted, [(case_reference(e.case), e.operation or e.kind, e.reason) for e in held]

    lifted, held = with_app(work)
    if as_json:
        print_json({"lifted": lifted, "held": [{"case": c, "operation": o, "reason": r} for c, o, r in held]})
        return
    click.echo(f"Lifted: {'; '.join(lifted) or 'no stop was on'}.")
    click.echo(f"Held back until now: {len(held)}.")
    table(("case", "operation", "reason"), held, empty=" ")


@click.command()
@click.option("--case", "name", default=None, help="Only this case (reference or number).")
@click.option("--list", "only_list", is_flag=True, help="Only show what was set aside.")
@json_option
def retry(name: str | None, only_list: bool, as_json: bool) -> None:
    """Take up work that was set aside after too many failures. A write that may have happened is looked up, not repeated.

    \b
    Examples:
      caseworker retry --list
      caseworker retry --case CW-00001T-1T
    """
    from caseworker.core.ids import case_reference

    async def work(app: "App") -> tuple[list[dict[str, object]], int]:
        case = (await app.managers.file(name)).case.number if name else None
        aside = [dict(row) for row in await app.control.aside() if case in (None, row["case"])]
        return aside, 0 if only_list else await app.control.retry(case=case, now=await app.clock.now())

    aside, taken_up = with_app(work)
    if as_json:
        print_json({"aside": aside, "taken_up": taken_up})
        return
    rows = [(case_reference(int(str(row["case"]))), row["what"], row["id"], row["error"]) for row in aside]
    table(("case", "what", "which", "error"), rows, empty="Nothing was set aside.")
    if not only_list and aside:
        click.echo(f"Taken up again: {taken_up}.")
