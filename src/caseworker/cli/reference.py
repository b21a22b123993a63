"""The page docs/reference/commands.md, made from the commands themselves.

`python -m caseworker.cli.reference > docs/reference/commands.md` writes it; a test holds the page against the commands.
"""

import inspect
from collections.abc import Iterator

import click

from caseworker.cli.main import COMMANDS, commands, root

_HEAD = """# Commands

Every command with its arguments and options, as `caseworker COMMAND --help` shows them. This page is made by
`python -m caseworker.cli.reference`; do not edit it by hand.

Exit codes: 0 done; 1 it failed, or a check found errors; 2 the call or a setting was wrong; 130 interrupted.
What people read is a table on a terminal and tab-separated lines in a pipe; `--json` prints JSON.
`caseworker --debug COMMAND` shows tracebacks; else what was unforeseen is written to `errors.log` in the data directory.
"""


def reference() -> str:
    """The page as Markdown. Commands that come with other parts (`demo`, `lab`) are listed where they are installed."""
    sections: dict[str, list[str]] = {entry.section: [] for entry in COMMANDS.values()}
    with click.Context(root, info_name="caseworker") as context:
        for name, entry in commands().items():
            command = root.get_command(context, name)
            assert command is not None
            sections[entry.section] += _told(command, f"caseworker {name}", context)
    body = "\n".join("\n".join([f"## {section}\n", *parts]) for section, parts in sections.items())
    return f"{_HEAD}\n{body}".rstrip() + "\n"


def _told(command: click.Command, path: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"### `{path}`\n"
    yield f"```\n{path} {usage}\n```\n"
    yield f"{_prose(command)}\n"
    rows = [record for option in command.params if (record := _record(option, context))]
    if rows:
        yield "| Option | |\n|---|---|"
        yield "\n".join(f"| `{_cell(option)}` | {_cell(text)} |" for option, text in rows) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _told(child, f"{path} {name}", context)


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    if isinstance(option, click.Option) and not option.hidden:
        return option.get_help_record(context)
    return None


def _prose(command: click.Command) -> str:
    """The help text; its examples become a code block."""
    text, _, examples = inspect.cleandoc(command.help or "").partition("\n\b\n")
    lines = inspect.cleandoc("\n" + examples.partition("\n")[2])
    return f"{text.strip()}\n\n```\n{lines}\n```" if lines else text.strip()


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    click.echo(reference(), nl=False)
