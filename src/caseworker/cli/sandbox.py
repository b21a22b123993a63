"""`sandbox`: the shop to practise with."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.running import with_app

if TYPE_CHECKING:
    from caseworker.bootstrap import App
    from caseworker.commerce.adapters.sandbox import Sandbox

MOST_ORDERS = 1_000_000
_SHOWN = 80  # characters of what was given and cannot be read
_shop_option = click.option("--shop", default="base", show_default=True, help="Which shop of the sandbox.")


@click.group()
def sandbox() -> None:
    """Fill, write out or break the sandbox shop.

    \b
    Example:
      caseworker sandbox load --generated
    """


@sandbox.command("load")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--generated", is_flag=True, help="A made-up shop instead of a file.")
@click.option(
    "--orders",
    default=6400,
    show_default=True,
    metavar="N",
    type=click.IntRange(1, MOST_ORDERS),
    help="Orders of a generated shop.",
)
@_shop_option
@json_option
def load(file: Path | None, generated: bool, orders: int, shop: str, as_json: bool) -> None:
    """Replace the shop by FILE (shop.json, see docs/reference/shop-json.md) or by a generated one.

    \b
    Examples:
      caseworker sandbox load shop.json
      caseworker sandbox load --generated
    """
    if (file is None) != generated:
        raise click.UsageError("Give a FILE or --generated.")
    given = _document(file) if file else None

    async def work(app: "App") -> dict[str, Any]:
        from caseworker.commerce.adapters.sandbox import generate

        document = generate(at=await app.clock.now(), customers=max(1, orders // 3), orders=orders) if given is None else given
        await shop_of(app).load(document, shop)
        return document

    document = with_app(work)
    counts = {key: len(value) for key, value in document.items() if isinstance(value, list) and value}
    if as_json:
        print_json({"shop": shop, **counts})
    else:
        click.echo(f"Loaded into {shop}: {', '.join(f'{count} {kind}' for kind, count in counts.items())}.")


@sandbox.command("dump")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@_shop_option
def dump(file: Path, shop: str) -> None:
    """Write the shop to FILE as shop.json; `-` is stdout.

    \b
    Example:
      caseworker sandbox dump shop.json
    """

    from caseworker.app.places import require_writable, write_files

    async def work(app: "App") -> dict[str, Any]:
        return await shop_of(app).dump(shop)

    if str(file) != "-":
        require_writable(file)
    text = json.dumps(with_app(work), ensure_ascii=False, indent=1)
    if str(file) == "-":
        click.echo(text)
    else:
        write_files({file: f"{text}\n".encode()})
        click.echo(f"Written to {file}.", err=True)


@sandbox.command("faults")
@click.argument("faults", metavar="JSON")
@click.option("--shop", default="*", show_default=True, help="Which shop; `*` is all.")
def faults(faults: str, shop: str) -> None:
    """Make the shop misbehave.

    JSON has rates from 0 to 1 (error_500, timeout_before, timeout_after_commit, rate_limited), slow_ms, down, seed.

    \b
    Examples:
      caseworker sandbox faults '{"timeout_after_commit": 0.2, "seed": 1}'
      caseworker sandbox faults '{}'
    """
    from caseworker.commerce.adapters.sandbox.faults import Faults
    from caseworker.commerce.errors import BadArguments

    try:
        settings = json.loads(faults)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{faults[:_SHOWN]!r} is no JSON: {error}") from error
    if not isinstance(settings, dict):
        raise click.UsageError("Give an object, such as '{\"down\": true}'.")
    try:
        Faults.of(settings)
    except BadArguments as error:
        raise click.UsageError(str(error)) from error

    async def work(app: "App") -> None:
        await shop_of(app).misbehave(settings, shop)

    with_app(work)
    click.echo(f"Faults of {shop}: {json.dumps(settings) if settings else 'none'}.")


def _document(file: Path) -> dict[str, Any]:
    from caseworker.core.errors import ConfigurationError

    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ConfigurationError(f"{file} is nested too deeply.", remedy="See docs/reference/shop-json.md.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no JSON: {error}", remedy="See docs/reference/shop-json.md.") from error
    return document


def shop_of(app: "App") -> "Sandbox":
    """The sandbox behind an application. Raises ConfigurationError where it talks to a real shop."""
    from caseworker.commerce.adapters.sandbox import Sandbox
    from caseworker.core.errors import ConfigurationError

    if not isinstance(app.commerce, Sandbox):
        raise ConfigurationError("This installation works with a real shop.", remedy="Set CASEWORKER_COMMERCE=sandbox.")
    return app.commerce
