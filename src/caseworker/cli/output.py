"""What people and programs see: tables on a terminal, tab-separated lines in a pipe, JSON where it was asked for."""

import json
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TypeVar

import click

from caseworker.core.numbers import LARGEST


class _Number(click.ParamType[int]):
    """A whole number from 1 to the largest that the database keeps; help does not spell that one out."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = click.INT.convert(value, param, ctx)
        return found if 1 <= found <= LARGEST else self.fail(f"{value} is no number that anything here has.", param, ctx)


NUMBER = _Number()  # of something that is kept in the database
_WHOLE = 2  # columns that are never wrapped
_F = TypeVar("_F", bound=Callable[..., Any])


def json_option(command: _F) -> _F:
    """The option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def print_json(value: object) -> None:
    """JSON with times in ISO 8601 (UTC) and facts as `core.facts` writes them."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def plain(value: object) -> Any:
    """Dataclasses, rows and times as JSON types."""
    from caseworker.core.facts import dump, of

    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)} if _holds_times(value) else dump(of(value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return dump(value)


def _holds_times(value: object) -> bool:
    """Stories carry times as they are; facts (money, references) know their own JSON."""
    return type(value).__module__.startswith(("caseworker.app", "caseworker.cli", "caseworker.sop"))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "") -> None:
    """A table on a terminal; in a pipe one line a row, fields separated by tabs, without a heading."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(one_line(cell) for cell in row))
        return
    if not rows:
        click.echo(empty or "Nothing.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):  # what is typed again (a case, an item) is never broken
        made.add_column(column, overflow="fold", no_wrap=number < _WHOLE)
    for row in rows:
        made.add_row(*(Text(one_line(cell)) for cell in row))
    Console().print(made)


def require_known(kind: str, name: str | None, known: Collection[str]) -> None:
    """A name that does not exist is an error, not an empty list. Raises UsageError with those that are near."""
    from difflib import get_close_matches

    if name and name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(known)) or 'none'}."
        raise click.UsageError(f"There is no {kind} {name!r}. {hint}")


def one_line(cell: object) -> str:
    """A cell as text without line breaks or tabs."""
    if isinstance(cell, datetime):
        return moment(cell)
    return " ".join(str(cell if cell is not None else "").split())


def moment(at: datetime) -> str:
    """A time to the minute, UTC."""
    return f"{at:%Y-%m-%d %H:%M}"
