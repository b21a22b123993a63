"""The sandbox: a shop that behaves like a remote system, with worlds that can be forked and faults that can be switched on."""

import asyncio
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Self

from psycopg import Rollback
from psycopg.types.json import Jsonb

from caseworker.commerce.adapters.sandbox import faults, form, lookups, worlds, writes
from caseworker.commerce.adapters.sandbox.amounts import Document
from caseworker.commerce.adapters.sandbox.database import Connection, Database
from caseworker.commerce.adapters.sandbox.faults import Faults
from caseworker.commerce.adapters.sandbox.records import SYSTEM
from caseworker.commerce.adapters.sandbox.worlds import World
from caseworker.commerce.arguments import coerce
from caseworker.commerce.errors import BadArguments, NotFound, Unsupported
from caseworker.commerce.model import Receipt
from caseworker.commerce.operations import BUILT_IN
from caseworker.commerce.ports import Capabilities, Operation, WriteCall
from caseworker.commerce.receipts import arguments_hash
from caseworker.core.clock import Clock

_CAPABILITIES = Capabilities(
    system=SYSTEM,
    operations=tuple(BUILT_IN),
    cancel_refunds="always",
    rma=True,
    idempotency="native",
    partial_cancel=True,
    exact_lookup=True,
    address_change_until="shipped",
    webhooks=False,
)


class Sandbox:
    """The port `Commerce` on a PostgreSQL schema of its own. `shop` in calls is the name of a world."""

    def __init__(self, conninfo: str, clock: Clock, *, connections: int = 8, timeout: float = 5.0) -> None:
        self._database = Database(conninfo, connections=connections, timeout=timeout)
        self._clock = clock

    async def open(self) -> None:
        """Call once before use, in the event loop that will use it."""
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    # -- the port ------------------------------------------------------------------------------------------------------

    def operations(self) -> Mapping[str, Operation]:
        return BUILT_IN

    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    async def read(self, shop: str, operation: str, arguments: Mapping[str, object]) -> object:
        """A record, a tuple of records (for `find` and `history`), or NotFound."""
        typed = coerce(_operation(operation, "read"), arguments)
        world, _ = await self._arrive(shop, f"{operation}:{arguments_hash(arguments)}", write=False)
        async with self._database.connection() as connection:
            view = lookups.View(connection, world, (await self._clock.now()).astimezone(UTC))
            return await lookups.READS[operation](view, typed)

    async def write(self, call: WriteCall) -> Receipt:
        """Carry out a write. A repeated key gives the first receipt again (`already_done`), other arguments are Conflict."""
        operation = _operation(call.operation, "write")
        coerce(operation, call.arguments)
        world, attempt = await self._arrive(call.shop, call.key, write=True)
        async with self._database.connection() as connection, self._database.transaction(connection):
            receipt = await writes.carry_out(connection, world, call, (await self._clock.now()).astimezone(UTC))
            if call.dry_run:
                raise Rollback
        if not call.dry_run:
            faults.after_commit(world.faults, call.key, attempt)
        return receipt

    async def read_back(self, call: WriteCall) -> Receipt | None:
        """The receipt of a write with this key, None where there was none. Waits for one that is being carried out."""
        world, _ = await self._arrive(call.shop, f"read_back:{call.key}", write=False)
        async with self._database.connection() as connection, connection.transaction():
            return await writes.recall(connection, world, call)

    async def _arrive(self, shop: str, key: str, *, write: bool) -> tuple[World, int]:
        """The world and the number of this attempt, unless a fault comes first. Waiting for a slow shop holds no connection."""
        async with self._database.connection() as connection:
            world = await worlds.get(connection, shop)
            attempt = await faults.count_attempt(connection, world.name, key) if world.faults.draws else 1
        await faults.before(world.faults, key, attempt, write=write)
        return world, attempt

    # -- the shop as a whole -------------------------------------------------------------------------------------------

    async def install(self) -> None:
        """Create the schema where it is missing."""
        async with self._database.connection() as connection:
            await worlds.install(connection)

    async def load(self, shop: object, world: str = "base") -> None:
        """Replace a world by this shop. ShopError names every place that is wrong; nothing is loaded then."""
        checked = await asyncio.to_thread(form.read, shop)
        async with self._database.connection() as connection, connection.transaction():
            await worlds.load(connection, checked, world)

    async def dump(self, world: str = "base") -> dict[str, Any]:
        """The shop as shop.json has it."""
        async with self._database.connection() as connection:
            return await worlds.dump(connection, await worlds.get(connection, world))

    async def fork(self, *, parent: str, child: str) -> None:
        """A new world that begins as its parent. Leave the parent alone then: what the fork has not touched follows it."""
        async with self._database.connection() as connection:
            await worlds.fork(connection, parent=parent, child=child)

    async def drop(self, world: str) -> None:
        """Remove a world with everything in it; one that has forks stays and is BadArguments."""
        async with self._database.connection() as connection, connection.transaction():
            kids = await connection.execute("select name from sandbox.worlds where parent = %s limit 1", (world,))
            if await kids.fetchone():
                raise BadArguments(f"{world!r} has forks.", remedy="Drop them first.")
            await connection.execute("delete from sandbox.worlds where name = %s", (world,))
            await connection.execute("delete from sandbox.faults where world = %s", (world,))
            await connection.execute("delete from sandbox.attempts where world = %s", (world,))

    async def difference(self, world: str) -> list[dict[str, Any]]:
        """What a fork changed: `{kind, id, before, after}` with whole documents; `before` is None for new records."""
        async with self._database.connection() as connection:
            return await worlds.difference(connection, await worlds.get(connection, world))

    async def record(self, world: str, kind: str, identifier: str) -> Document:
        """One document as shop.json has it, by the list it stands in and its id; NotFound."""
        async with self._database.connection() as connection:
            found = await worlds.documents(connection, await worlds.get(connection, world), kind, ids=[identifier])
        if not found:
            raise NotFound(f"The shop {world!r} has no {identifier!r} in {kind}.", remedy="Look at the shop's dump.")
        return found[0]

    async def put(self, world: str, kind: str, document: Document) -> None:
        """Change the shop from outside, as a warehouse or a carrier would: one whole document, checked like a shop.

        An order's version goes up, so that a writer who read it before finds out."""
        async with self._database.connection() as connection, connection.transaction():
            view = await worlds.get(connection, world)
            customers = await worlds.documents(connection, view, "customers", ids=[str(document.get("customer"))])
            checked = form.read({"customers": customers, kind: [document]} if kind != "customers" else {kind: [document]})
            await worlds.put(connection, view, kind, await _newer(connection, view, kind, checked[kind][0]))

    async def misbehave(self, settings: Mapping[str, object], world: str = "*") -> None:
        """Switch faults on for a world and its forks, or for all; an empty mapping switches them off."""
        Faults.of(settings)
        async with self._database.connection() as connection:
            await connection.execute(
                "insert into sandbox.faults (world, settings) values (%s, %s) on conflict (world) do update"
                " set settings = excluded.settings",
                (world, Jsonb(dict(settings))),
            )


async def _newer(connection: Connection, world: World, kind: str, document: Document) -> Document:
    """The document with a version above the one that is there, for orders."""
    identifier = document[form.ID_FIELDS[kind]]
    if kind != "orders" or not await worlds.documents(connection, world, kind, ids=[identifier]):
        return document
    there = await worlds.lock(connection, world, kind, identifier)
    return {**document, "version": max(document["version"], there["version"] + 1)}


def _operation(name: str, kind: str) -> Operation:
    operation = BUILT_IN.get(name)
    if operation is None or operation.kind != kind:
        raise Unsupported(f"The sandbox has no {kind} operation {name!r}.", remedy="capabilities() lists what there is.")
    return operation
