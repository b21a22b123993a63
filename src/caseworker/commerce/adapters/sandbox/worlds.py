"""Worlds: loading, writing out, forking and comparing whole shops; reading single documents of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from psycopg.types.json import Jsonb

from caseworker.commerce.adapters.sandbox.amounts import Document
from caseworker.commerce.adapters.sandbox.database import Connection
from caseworker.commerce.adapters.sandbox.faults import Faults
from caseworker.commerce.adapters.sandbox.form import ID_FIELDS, KINDS
from caseworker.commerce.errors import BadArguments, NotFound

_COLUMNS = "world, kind, id, number, email, customer, parts, doc"
_INSTALL_LOCK = 730_114_201  # any constant: two processes that install at once must not meet


@dataclass(frozen=True, slots=True)
class World:
    """A world as a call sees it: itself and its parents, nearest first, and how it misbehaves."""

    name: str
    lineage: tuple[str, ...]
    faults: Faults

    @property
    def chain(self) -> list[str]:
        return list(self.lineage)


async def install(connection: Connection) -> None:
    """Create the schema `sandbox`; changes nothing where it is there."""
    script = files("caseworker.commerce.adapters.sandbox").joinpath("schema.sql").read_text(encoding="utf-8")
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(%s)", (_INSTALL_LOCK,))
        await connection.execute(script.encode())


async def get(connection: Connection, name: str) -> World:
    """The world, or NotFound. Of several rows of faults the nearest counts: the world's, its parents', then `*`."""
    found = await connection.execute(
        "select w.lineage, (select f.settings from sandbox.faults f where f.world = any (w.lineage || '*'::text)"
        " order by array_position(w.lineage || '*'::text, f.world) limit 1) from sandbox.worlds w where w.name = %s",
        (name,),
    )
    row: Any = await found.fetchone()
    if row is None:
        raise NotFound(f"The sandbox has no shop {name!r}.", remedy="Load or fork one with this name.")
    return World(name, tuple(row[0]), Faults.of(row[1] or {}))


async def load(connection: Connection, shop: dict[str, Any], world: str) -> None:
    """Replace a world by a checked shop. The caller holds the transaction."""
    await connection.execute("delete from sandbox.records where world = %s", (world,))
    for table in ("ledger", "requests", "attempts"):
        await connection.execute(f"delete from sandbox.{table} where world = %s".encode(), (world,))  # noqa: S608 (names above)
    await connection.execute(
        "insert into sandbox.worlds (name, lineage, shop, at) values (%s, %s, %s, %s) on conflict (name) do update"
        " set parent = null, lineage = excluded.lineage, shop = excluded.shop, at = excluded.at",
        (world, [world], shop["shop"], shop["at"]),
    )
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"copy sandbox.records ({_COLUMNS}) from stdin".encode()) as copy,
    ):
        for kind in KINDS:
            for document in shop[kind]:
                await copy.write_row(row(world, kind, document))
    await connection.execute("analyze sandbox.records")  # look-ups of a world just loaded are planned for its size


async def dump(connection: Connection, world: World) -> dict[str, Any]:
    """The whole shop as the world sees it, in the order it was loaded; new records come last."""
    found = await connection.execute(
        "select shop, at from sandbox.worlds where name = any (%s) order by array_position(%s::text[], name) desc limit 1",
        (world.chain, world.chain),
    )
    head: Any = await found.fetchone()
    shop: dict[str, Any] = {"format": 1, "shop": head[0], "at": _stamp(head[1])}
    for kind in KINDS:
        rows: Any = await connection.execute(
            "select doc from (select distinct on (id) position, doc from sandbox.records where kind = %(kind)s and"
            " world = any (%(chain)s) order by id, array_position(%(chain)s::text[], world)) nearest order by position",
            {"kind": kind, "chain": world.chain},
        )
        shop[kind] = [document for (document,) in await rows.fetchall()]
    return shop


async def fork(connection: Connection, *, parent: str, child: str) -> None:
    """A new world that reads its parent's records until it changes them. Costs one row."""
    origin = await get(connection, parent)
    made = await connection.execute(
        "insert into sandbox.worlds (name, parent, lineage) values (%s, %s, %s) on conflict do nothing",
        (child, parent, [child, *origin.lineage]),
    )
    if made.rowcount == 0:
        raise BadArguments(f"The sandbox has a shop {child!r} already.", remedy="Choose another name, or drop it first.")


async def difference(connection: Connection, world: World) -> list[dict[str, Any]]:
    """What a fork changed: `{kind, id, before, after}`, `before` None for new records."""
    if len(world.lineage) == 1:
        raise BadArguments(f"{world.name!r} is no fork, so there is nothing to compare it with.", remedy="Fork it first.")
    rows: Any = await connection.execute(
        "select own.kind, own.id, older.doc, own.doc from sandbox.records own left join lateral (select r.doc"
        " from sandbox.records r where r.kind = own.kind and r.id = own.id and r.world = any (%(parents)s)"
        " order by array_position(%(parents)s::text[], r.world) limit 1) older on true"
        " where own.world = %(world)s and own.doc is distinct from older.doc order by own.position, own.kind, own.id",
        {"world": world.name, "parents": world.chain[1:]},
    )
    return [{"kind": kind, "id": id_, "before": old, "after": new} for kind, id_, old, new in await rows.fetchall()]


async def documents(
    connection: Connection, world: World, kind: str, *, column: str = "", value: str = "", ids: Sequence[str] = ()
) -> list[Document]:
    """The world's own view of documents of a kind: by id, or by a column (`number email customer parts`), oldest row first.

    The nearest version of a record counts, so whoever searches by a value compares it again with what came back."""
    if column == "parts":
        condition = "r.parts @> array[%(value)s]"
    else:
        condition = f"r.{column} = %(value)s" if column else "r.id = any (%(ids)s)"
    rows: Any = await connection.execute(
        (
            "select doc from (select distinct on (n.id) n.position, n.doc from sandbox.records n where n.kind = %(kind)s"  # noqa: S608
            " and n.world = any (%(chain)s) and n.id in (select r.id from sandbox.records r where r.kind = %(kind)s"
            f" and r.world = any (%(chain)s) and {condition})"  # columns are words of this package, never of a caller
            " order by n.id, array_position(%(chain)s::text[], n.world)) nearest order by position"
        ).encode(),
        {"kind": kind, "chain": world.chain, "value": value, "ids": list(ids)},
    )
    return [document for (document,) in await rows.fetchall()]


async def lock(connection: Connection, world: World, kind: str, identifier: str) -> Document:
    """The document for changing: copied into the world where it was the parent's, its row locked until the transaction ends."""
    if len(world.lineage) > 1:
        await _copy(connection, world, kind, identifier)
    rows: Any = await connection.execute(
        "select doc from sandbox.records where world = %s and kind = %s and id = %s for update", (world.name, kind, identifier)
    )
    found = await rows.fetchone()
    if found is None:
        raise NotFound(f"The shop {world.name!r} has no record {identifier!r}.", remedy="Look it up again.")
    document: Document = found[0]
    return document


async def _copy(connection: Connection, world: World, kind: str, identifier: str) -> None:
    await connection.execute(
        f"insert into sandbox.records ({_COLUMNS}, position) select %(world)s, kind, id, number, email, customer, parts, doc,"  # noqa: S608
        " position from sandbox.records where kind = %(kind)s and id = %(id)s and world = any (%(chain)s)"
        " order by array_position(%(chain)s::text[], world) limit 1 on conflict do nothing".encode(),
        {"world": world.name, "kind": kind, "id": identifier, "chain": world.chain},
    )


async def put(connection: Connection, world: World, kind: str, document: Document) -> None:
    """Write a document into the world, new or changed."""
    await connection.execute(
        "insert into sandbox.records (world, kind, id, number, email, customer, parts, doc)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (world, kind, id) do update set number = excluded.number,"
        " email = excluded.email, customer = excluded.customer, parts = excluded.parts, doc = excluded.doc",
        row(world.name, kind, document),
    )


def row(world: str, kind: str, document: Document) -> tuple[object, ...]:
    """A row of `sandbox.records`."""
    email, customer = document.get("email"), document.get("customer")
    number = document.get("style") if kind == "products" else document.get("number")
    return (
        world,
        kind,
        document[ID_FIELDS[kind]],
        normal(number) if number else None,
        email.strip().lower() if email else None,
        customer,
        sorted(_parts(document)) if kind == "orders" else [],
        Jsonb(document),
    )


def normal(number: str) -> str:
    """A number as it is compared: without spaces and a leading `#`, in capitals."""
    return "".join(number.split()).removeprefix("#").upper()


def _parts(order: Document) -> Iterable[str]:
    for payment in order["payments"]:
        yield payment["id"]
    for shipment in order["shipments"]:
        yield from {shipment["id"], shipment["tracking_number"]} - {""}
    for back in order["returns"]:
        yield from {back["id"], normal(back["number"])}


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
