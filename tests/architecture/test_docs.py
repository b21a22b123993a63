"""The documents are true: links lead somewhere, settings and errors are all there, commands exist, marked examples run.

A fenced block whose info string ends in `run` is executed, page by page in an empty folder:

    ```console run            lines with `$ ` are run; the lines below must occur in what it prints, in any place
    ```python run             is executed
    ```text NAME run          is written to the file NAME; in a YAML file that exists only its own keys are replaced
"""

import ast
import contextlib
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import get_args

import click
import pytest

from caseworker.cases import model
from caseworker.cli.main import commands, root, run
from caseworker.engine import drain, executor
from caseworker.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "caseworker"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PATIENCE = 60.0  # seconds that a running worker has to show what a page says it shows

page = pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


@dataclass(frozen=True)
class Block:
    """A fenced block with its info string."""

    line: int
    info: tuple[str, ...]
    text: str

    @property
    def runs(self) -> bool:
        return self.info[-1:] == ("run",)


def blocks(path: Path) -> Iterator[Block]:
    found = re.finditer(r"^( *)```([^\n`]*)\n(.*?)^\1```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for match in found:
        yield Block(match.string.count("\n", 0, match.start()) + 1, tuple(match[2].split()), match[3])


def read(*parts: str) -> str:
    return (ROOT / "docs").joinpath(*parts).read_text(encoding="utf-8")


# -- links -------------------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@page
def test_every_link_leads_somewhere(path: Path):
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        links = re.findall(r"\]\(([^)\s#]+)", path.read_text(encoding="utf-8"))
        todo.extend((path.parent / link).resolve() for link in links if "://" not in link)
    assert not [str(p.relative_to(ROOT)) for p in PAGES if p not in reached]


# -- everything is documented ------------------------------------------------------------------------------------------------


def test_every_setting_is_documented_with_its_default():
    rows = dict(re.findall(r"^\| `(CASEWORKER_\w+)` \| ([^|]+) \|", read("reference", "settings.md"), re.MULTILINE))
    expected = {
        f"CASEWORKER_{f.name.upper()}": "see below"
        if f.default is MISSING
        else f"`{f.default}`"
        if f.default != ""
        else "empty"
        for f in fields(Settings)
    }
    assert rows == expected


def test_no_page_speaks_of_a_setting_that_is_not_there():
    known = {f"CASEWORKER_{f.name.upper()}" for f in fields(Settings)} | {"CASEWORKER_"}
    unknown = {(p.name, name) for p in PAGES for name in re.findall(r"\bCASEWORKER_[A-Z_]*", p.read_text(encoding="utf-8"))}
    assert not {(where, name) for where, name in unknown if name not in known}


def test_every_error_stands_in_the_tree():
    bases: dict[str, list[str]] = {}
    for path in (p for p in SOURCE.rglob("*.py") if SOURCE / "testing" not in p.parents):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
    errors = {"CaseworkerError"}
    while more := {name for name, parents in bases.items() if errors.intersection(parents)} - errors:
        errors |= more
    [tree] = [block.text for block in blocks(ROOT / "docs" / "reference" / "errors.md") if "CaseworkerError" in block.text]
    assert not errors - set(re.findall(r"\b[A-Z]\w+", tree))


def test_every_state_is_documented():
    text = read("reference", "case-states.md")
    kinds = (model.CaseStatus, model.RequestStatus, model.EventKind, model.EffectStatus)
    missing = {word for kind in kinds for word in get_args(kind) if f"| `{word}` |" not in text}
    assert not missing


def test_the_numbers_of_tries_are_those_of_the_engine():
    text = read("reference", "guarantees.md")
    assert f"after {drain.MAX_EVENT_ATTEMPTS} tries" in text
    assert f"after {executor.MAX_ATTEMPTS} tries" in text
    assert f"after {executor.MAX_SEND_ATTEMPTS} tries" in text
    errors = read("reference", "errors.md")
    assert f"{executor.MAX_ATTEMPTS} times" in errors
    assert f"up to {executor.MAX_LOOK_BACKS} times" in errors


def test_every_room_is_named_on_the_page_of_the_house():
    text = read("why", "house.md")
    rooms = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()} - {"__init__"}
    assert not {room for room in rooms if f"| `{room}` |" not in text}


# -- commands ----------------------------------------------------------------------------------------------------------------


def command_lines(path: Path) -> Iterator[str]:
    for block in blocks(path):
        if block.info[:1] in (("console",), ("bash",), ("sh",)):
            yield from (line.removeprefix("$ ").strip() for line in block.text.splitlines())


@page
def test_every_command_of_an_example_exists(path: Path):
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for line in command_lines(path):
        words = re.sub(r"^(\w+=\S+ )+", "", line).split()
        if words[:1] == ["make"] and words[1:2] and words[1] not in made and "=" not in words[1]:
            wrong.append(line)
        if words[:1] == ["caseworker"] and (problem := problem_of(words[1:])):
            wrong.append(f"{line}: {problem}")
    assert not wrong


@page
def test_every_command_of_the_text_exists(path: Path):
    spoken = re.findall(r"`caseworker ([a-z]+)\b", path.read_text(encoding="utf-8"))
    assert not {name for name in spoken if name not in commands()}


def problem_of(words: list[str]) -> str:
    """What is wrong with the arguments of `caseworker`: an unknown command or option."""
    command: click.Command = root
    context = click.Context(root)
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if found is None:
                return f"no command {word}"
            command = found
        elif word.startswith("--"):
            name = word.partition("=")[0]
            if name not in {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}:
                return f"no option {name}"
    return ""


# -- examples that run -------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """The folder, the environment and the background processes of one page."""

    folder: Path
    environment: dict[str, str]
    port: int
    services: list[subprocess.Popen[bytes]]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("2525", str(self.port))
        if path.suffix == ".yaml" and path.exists():
            kept = path.read_text(encoding="utf-8")
            for key in re.findall(r"^([\w-]+):", text, re.MULTILINE):
                kept = re.sub(rf"^{key}:.*\n(?:[ #].*\n|\n)*", "", kept, flags=re.MULTILINE)
            text = kept + text
        path.write_text(text, encoding="utf-8")

    def console(self, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, *expected = [row.strip() for row in part.strip().splitlines()]
            if line.startswith("caseworker serve"):
                self.serve(line)
            else:
                self.run(line, [squeezed(row) for row in expected])

    def run(self, line: str, expected: list[str]) -> None:
        """Reading commands are asked again until the worker has come so far."""
        again = bool(re.match(r"caseworker (cases|explain|queue (list|show)|release compare)", line))
        until = time.monotonic() + PATIENCE
        while True:
            code, output = self.call(line)
            missing = [row for row in expected if row not in squeezed(output)]
            if not missing:
                break
            if not again or time.monotonic() > until:
                raise AssertionError(f"$ {line}\n{output}\nis said to print {missing}")
            time.sleep(0.3)
        assert code == 0 or expected, f"$ {line}\n{output}"

    def call(self, line: str) -> tuple[int, str]:
        """Exit code and output. Our own commands run in this process: starting one takes longer than most of them."""
        if not line.startswith("caseworker "):
            done = subprocess.run(
                ["bash", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout + done.stderr
        output = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return run(shlex.split(line)[1:]), output.getvalue()

    def serve(self, line: str) -> None:
        with (self.folder / "serve.log").open("wb") as log:
            service = subprocess.Popen(["bash", "-c", f"exec {line} --workers 1"], cwd=self.folder, env=self.environment,
                                       stdout=log, stderr=log)  # fmt: skip
        self.services.append(service)
        until = time.monotonic() + PATIENCE
        while not answers(self.port):
            assert service.poll() is None, (self.folder / "serve.log").read_text()
            assert time.monotonic() < until, (self.folder / "serve.log").read_text()
            time.sleep(0.2)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORKER_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CASEWORKER_DATA_DIR": str(tmp_path / "data"),
        "CASEWORKER_DATABASE_URL": database_url,
        "CASEWORKER_SMTP_PORT": str(port),
    }
    (tmp_path / "src").symlink_to(ROOT / "src")
    desk = Desk(tmp_path, environment, port, [])
    yield desk
    for service in desk.services:
        service.send_signal(signal.SIGINT)
        service.wait(40)


RUNNING = [path for path in PAGES if any(block.runs for block in blocks(path))]


@pytest.mark.timeout(400)  # a dozen commands and a worker's start, on a machine that may be busy
@pytest.mark.parametrize("path", RUNNING, ids=lambda p: str(p.relative_to(ROOT)))
def test_marked_examples_run(path: Path, desk: Desk):
    for block in blocks(path):
        match block.info:
            case ("console", "run"):
                desk.console(block.text)
            case ("python", "run"):
                exec(compile(block.text, f"{path}:{block.line}", "exec"), {"__name__": "example"})
            case (_, name, "run"):
                desk.write(name, block.text)
