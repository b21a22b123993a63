"""`read`: what the reader makes of one mail. Nothing is stored."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import settings

if TYPE_CHECKING:
    from caseworker.reading.model import Field, MailText, Reading


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--playbook", default="", help="Whose intents; without it CASEWORKER_PLAYBOOK.")
@json_option
def read(file: Path, playbook: str, as_json: bool) -> None:
    """Show what the reader makes of FILE, a mail (.eml) or plain text; `-` reads stdin.

    Nothing is stored, and no order is looked up.

    \b
    Examples:
      caseworker read mail.eml
      echo "Where is my order 4711?" | caseworker read -
    """
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    text = mail_text(raw, is_mail=file.suffix.lower() == ".eml")
    reading = asyncio.run(_read(text, playbook or settings().playbook))
    if as_json:
        print_json({"text": text.body, "reading": reading})
        return
    _print(text, reading)


def mail_text(raw: bytes, *, is_mail: bool) -> "MailText":
    """The part of a mail that is read; text without headers is taken as it is."""
    from caseworker.mail.model import MailboxSettings
    from caseworker.mail.parse import parse
    from caseworker.reading.model import MailText

    head = raw[:2000].lower()
    if not is_mail and not (b"\nsubject:" in head or head.startswith((b"from:", b"subject:", b"return-path:", b"received:"))):
        return MailText(subject="", body=raw.decode("utf-8", "replace").strip())
    message = parse(raw, MailboxSettings(address=""))
    names = {a.filename: a.text for a in message.attachments if a.text}
    pictures = tuple(a.filename for a in message.attachments if a.picture and not a.inline)
    return MailText(message.subject, message.new_text.text, names, message.new_text.history, pictures)


async def _read(text: "MailText", playbook: str) -> "Reading":
    from caseworker.app.playbooks import shipped
    from caseworker.bootstrap import make_reader
    from caseworker.cli.playbooks import offline
    from caseworker.reading.model import Context, Intent, Question
    from caseworker.sop.load import read_folder

    release = offline().assemble(read_folder(shipped(playbook)))
    book = release.playbook
    intents = [Intent(i.name, i.description, i.examples, i.always_escalate) for i in book.intents.values()]
    questions = [
        Question(key=q.key, kind=q.kind, options=tuple(q.options), words=q.options, forms=q.forms)  # type: ignore[arg-type]  # kinds are checked by `caseworker check`
        for q in book.questions.values()
    ]
    context = Context(default_language=book.worker.default_language, default_country=book.worker.default_country)
    return await make_reader(settings(), release).read(text, intents=intents, questions=questions, context=context)


def _print(text: "MailText", reading: "Reading") -> None:
    click.echo(f"Language: {reading.language} ({reading.language_confidence:.0%}), reader {reading.reader}")
    if reading.abstained:
        click.secho(f"Left to people: {reading.abstained.replace('_', ' ')}", fg="yellow")
    for request in reading.requests:
        click.secho(f"Wants: {request.intent} ({request.confidence:.0%})", bold=True, nl=False)
        click.echo(f"  “{request.evidence.text}”" if request.evidence else "")
        _print_fields(list(request.fields.values()))
    _print_fields(list(reading.fields.values()))
    flags = [*reading.risks, *(["chaser"] if reading.chaser else []), *(["thanks"] if reading.thanks else [])]
    click.echo(f"Mood {reading.mood:+.1f}{', ' + ', '.join(flags) if flags else ''}")
    if not reading.requests and not reading.abstained:
        click.echo("Nothing is asked.")
    if text.history:
        click.echo(f"({len(text.history.splitlines())} quoted lines were left out)")


def _print_fields(found: "list[Field]") -> None:
    for field in found:
        where = f"“{field.evidence.text}”" if field.evidence else field.derived
        click.echo(f"  {field.key}: {field.value} ({field.confidence:.0%}) {where}".rstrip())
