"""`doctor`: is this installation fit to work?"""

import asyncio
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import opened, settings
from caseworker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caseworker.app.doctor import Finding, Verdict
    from caseworker.bootstrap import App

LOW, TOO_LOW = 2_000_000_000, 200_000_000  # bytes free
_COLOURS = {"ok": "green", "warn": "yellow", "error": "red"}


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check the installation: each line is ok, warn or error, and says what to do. Exit code 1 when there is an error.

    \b
    Example:
      caseworker doctor
    """
    from caseworker.app.doctor import examine, worst

    visit = Visit(settings())
    checks = [
        ("python", visit.python),
        ("data directory", visit.data_dir),
        ("playbook", visit.playbook),
        ("reader", visit.reader),
        ("database", visit.database),
        ("ports", visit.ports),
        ("relay", visit.relay),
    ]
    findings = asyncio.run(examine(checks, patience=120.0))
    code = 1 if worst(findings) == "error" else 0
    if as_json:
        print_json({"verdict": worst(findings), "findings": findings})
        return code
    for finding in findings:
        click.secho(f"{finding.verdict:<5}", fg=_COLOURS[finding.verdict], nl=False)
        click.echo(f" {finding.name}: {finding.message}")
        if finding.advice:
            click.echo(f"      {finding.advice}")
    return code


@dataclass(slots=True)
class Visit:
    """The checks of one call."""

    settings: Settings

    async def python(self) -> "Sequence[Finding]":
        """The interpreter and our own version."""
        from caseworker import __version__

        found = ".".join(str(part) for part in sys.version_info[:3])
        return [_finding("python", "ok", f"Python {found}, Caseworker {__version__}")]

    async def data_dir(self) -> "Sequence[Finding]":
        """The folder can be written, and the disk has room."""
        folder = self.settings.data_dir
        there = next(p for p in (folder, *folder.parents) if p.exists())
        if not _writable(there):
            return [
                _finding(
                    "data directory", "error", f"{folder} cannot be written.", "Set CASEWORKER_DATA_DIR to a folder of yours."
                )
            ]
        free = shutil.disk_usage(there).free
        state = "" if folder.exists() else ", made at the first start"
        room = f"{free / 1e9:.1f} GB free"
        lines = [_finding("data directory", "ok", f"{folder}{state}")]
        if free < LOW:
            verdict: Verdict = "error" if free < TOO_LOW else "warn"
            return [*lines, _finding("disk", verdict, room, "Free some space; mails are refused for now when it is full.")]
        return [*lines, _finding("disk", "ok", room)]

    async def playbook(self) -> "Sequence[Finding]":
        """The playbook loads and passes `check`."""
        from caseworker.app.playbooks import shipped
        from caseworker.cli.playbooks import offline

        playbook, findings = offline().check(shipped(self.settings.playbook))
        errors = sum(1 for f in findings if f.severity == "error")
        said = f"{playbook.worker.name}, release {playbook.release[:12]}: {errors} errors, {len(findings) - errors} warnings"
        advice = f"Run `caseworker check {self.settings.playbook}`." if findings else ""
        return [_finding("playbook", "error" if errors else "warn" if findings else "ok", said, advice)]

    async def reader(self) -> "Sequence[Finding]":
        """The encoder's weights are the pinned ones, the heads were trained on it, and they know the playbook's intents."""
        from caseworker.app.playbooks import shipped
        from caseworker.bootstrap import not_taught, weights_of
        from caseworker.reading import heads
        from caseworker.reading.adapters.use import UseEncoder
        from caseworker.sop.load import load, read_folder

        encoder = UseEncoder()
        await asyncio.to_thread(encoder.check)
        playbook = load(read_folder(shipped(self.settings.playbook)))
        folder = weights_of(self.settings, playbook.worker.name)
        trained = heads.load(folder, "use", encoder)
        whose = "as shipped" if folder == heads.SHIPPED else f"from {folder}"
        lines = [_finding("reader", "ok", f"{encoder.name} {encoder.sha256[:12]}, {len(trained.intents)} intents, {whose}")]
        missing = ", ".join(not_taught(self.settings, playbook))
        if missing:
            advice = f"Run `caseworker train {self.settings.playbook}`."
            lines.append(_finding("intents", "warn", f"not known to the reader: {missing}", advice))
        return lines

    async def database(self) -> "Sequence[Finding]":
        """The database answers and has this version's schema (every start sees to that); what waits in it for somebody."""
        from contextlib import AsyncExitStack

        from caseworker.bootstrap import open_database, upgrade

        async with AsyncExitStack() as stack:
            url, _ = await asyncio.to_thread(open_database, self.settings, stack)
            await asyncio.to_thread(upgrade, url)
            kind = "as CASEWORKER_DATABASE_URL says" if self.settings.database_url else f"embedded in {self.settings.data_dir}"
            lines = [_finding("database", "ok", f"answers, schema up to date, {kind}")]
            async with opened(self.settings) as app:
                stops, aside, unparsed = await app.control.stops(), await app.control.aside(), await app.raw.unparsed()
                lines.append(await _release(app))
        names = ", ".join(f"{s.scope} {s.value}".strip() for s in stops)
        lines.append(_none_or("stops", len(stops), f"acting is off: {names}", "`caseworker resume` lifts it."))
        lines.append(_none_or("set aside", len(aside), "events or effects failed too often", "See `caseworker retry --list`."))
        ids = ", ".join(str(row.id) for row in unparsed[:5])
        advice = "Look at them with `caseworker cases raw NUMBER`."
        return [*lines, _none_or("unparsed mails", len(unparsed), f"kept whole: {ids}", advice)]

    async def ports(self) -> "Sequence[Finding]":
        """Who listens on our ports: nobody, or (when it runs) we ourselves."""
        wanted = (
            ("mail port", self.settings.smtp_host, self.settings.smtp_port, "CASEWORKER_SMTP_PORT"),
            ("console port", self.settings.console_host, self.settings.console_port, "CASEWORKER_CONSOLE_PORT"),
        )
        return [_port(*one) for one in wanted]

    async def relay(self) -> "Sequence[Finding]":
        """The way out is there."""
        from urllib.parse import urlsplit

        from caseworker.bootstrap import make_transport

        make_transport(self.settings)
        relay = self.settings.relay or f"maildir:{self.settings.data_dir / 'outbox'}"
        if relay.startswith("maildir:"):
            advice = "Set CASEWORKER_RELAY=smtp://host:port when replies are to reach customers."
            return [_finding("relay", "ok" if self.settings.relay else "warn", f"Replies are written to {relay[8:]}", advice)]
        parts = urlsplit(relay)
        host, port = cast("str", parts.hostname), parts.port or 25
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 5.0)
        except (OSError, TimeoutError) as error:
            return [
                _finding(
                    "relay", "error", f"{host}:{port} does not answer: {error}", "Start the relay or mend CASEWORKER_RELAY."
                )
            ]
        writer.close()
        return [_finding("relay", "ok", f"{host}:{port} answers")]


async def _release(app: "App") -> "Finding":
    """What is live, and why the playbook folder is not, where it is not."""
    from caseworker.app.playbooks import shipped
    from caseworker.sop.load import short

    notice = await app.playbooks.outlook(shipped(app.settings.playbook))
    live = f"{app.release.playbook.worker.name}, {short(app.release.playbook.release)} is live"
    return _finding("release", "warn" if notice else "ok", notice or live, "See `caseworker release list`.")


def _finding(name: str, verdict: "Verdict", message: str, advice: str = "") -> "Finding":
    from caseworker.app.doctor import Finding

    return Finding(name, verdict, message, advice if verdict != "ok" else "")


def _none_or(name: str, count: int, message: str, advice: str) -> "Finding":
    return _finding(name, "warn" if count else "ok", f"{count}, {message}" if count else "none", advice)


def _writable(folder: Path) -> bool:
    import os

    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _port(name: str, host: str, port: int, variable: str) -> "Finding":
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = f"Fine when Caseworker runs; else end what listens there, or set {variable}."
            return _finding(name, "warn", f"{host}:{port} is in use ({error.strerror})", advice)
    return _finding(name, "ok", f"{host}:{port} is free")
