"""The root command: quick help, one reference page, errors that say what to do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from caseworker.cli import main
from caseworker.cli.reference import reference
from caseworker.core.errors import StoreError, UsageError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
HEAVY = ("numpy", "sqlalchemy", "nicegui", "fastapi", "psycopg", "rich", "celpy", "asyncio")


def walk(command: click.Command, path: str = "caseworker") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, f"{path} {name}")


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import json, os, sys; from caseworker.cli.main import run; code = run(['--help']);"
        "print(json.dumps([code, os.times().user, sorted(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, seconds, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0
    assert "caseworker" in done.stdout
    assert seconds < 0.5
    assert not [name for name in HEAVY if name in modules]


def test_help_lists_every_command_with_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    main.run(["--help"])
    shown = capsys.readouterr().out
    for name, entry in main.commands().items():
        assert f"  {name} " in shown
        assert entry.help in shown


@pytest.mark.parametrize(("path", "command"), list(walk(main.root)), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_explains_itself_with_an_example(path: str, command: click.Command) -> None:
    help_text = command.help or ""
    assert help_text
    assert isinstance(command, click.Group) or "caseworker" in help_text.partition("Example")[2]
    assert all(option.help for option in command.params if isinstance(option, click.Option) and not option.hidden), path


def test_the_reference_page_is_that_of_these_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "run `python -m caseworker.cli.reference > docs/reference/commands.md`"
    )


@click.command()
@click.argument("how")
def explode(how: str) -> None:
    """Fail in one of several ways."""
    errors = {
        "store": StoreError("The database is away.", remedy="Start it."),
        "usage": UsageError("There is no case 9.", remedy="List them."),
        "group": ExceptionGroup("tasks", [UsageError("Port taken.", remedy="Take another.")]),
        "bug": KeyError("nobody thought of this"),
    }
    raise errors[how]


@pytest.fixture
def exploding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(main.COMMANDS, "explode", main.Lazy("Run", __name__, "explode", "Fail."))
    monkeypatch.setenv("CASEWORKER_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("how", "code", "line", "remedy"),
    [
        ("store", 1, "Error: The database is away.", "Start it."),
        ("usage", 2, "Error: There is no case 9.", "List them."),
        ("group", 2, "Error: Port taken.", "Take another."),
    ],
)
def test_an_error_is_one_line_and_what_to_do(
    exploding: Path, capsys: pytest.CaptureFixture[str], how: str, code: int, line: str, remedy: str
) -> None:
    assert main.run(["explode", how]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [line, f"  {remedy}"]


def test_the_unforeseen_is_written_down(exploding: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["explode", "bug"]) == 1
    shown = capsys.readouterr().err
    assert "nobody thought of this" in shown
    assert "Traceback" not in shown
    assert str(exploding / "errors.log") in shown
    assert "Traceback" in (exploding / "errors.log").read_text()


def test_debug_shows_the_traceback(exploding: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--debug", "explode", "store"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nonsense"], ["cases", "list", "--status", "asleep"], ["queue", "decide", "1"]])
def test_a_wrong_call_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 2
    assert "Error" in capsys.readouterr().err
