"""The reads of the sandbox. Matches are exact: what a search by value brings is compared once more with the document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from caseworker.commerce.adapters.sandbox import records, worlds
from caseworker.commerce.adapters.sandbox.amounts import Document
from caseworker.commerce.adapters.sandbox.database import Connection
from caseworker.commerce.adapters.sandbox.rules import available_actions
from caseworker.commerce.adapters.sandbox.worlds import World, normal
from caseworker.commerce.errors import BadArguments, NotFound
from caseworker.commerce.model import Customer, Invoice, Order, Payment, Product, Return, Shipment
from caseworker.core.refs import Ref

Arguments = Mapping[str, object]
_LIMIT = 20


@dataclass(frozen=True, slots=True)
class View:
    """One look at one world."""

    connection: Connection
    world: World
    at: datetime

    async def documents(self, kind: str, column: str, value: str) -> list[Document]:
        return await worlds.documents(self.connection, self.world, kind, column=column, value=value)

    async def one(self, kind: str, ref: Ref) -> Document:
        """The record that a reference names, or NotFound."""
        found = []
        if ref.system == records.SYSTEM:
            found = await worlds.documents(self.connection, self.world, kind, ids=[ref.id])
        return _only(found, ref)

    async def owner(self, ref: Ref) -> Document:
        """The order that a payment, shipment or return belongs to, or NotFound."""
        found = await self.documents("orders", "parts", ref.id) if ref.system == records.SYSTEM else []
        return _only([order for order in found if any(part["id"] == ref.id for part in order[f"{ref.type}s"])], ref)

    def order(self, document: Document) -> Order:
        return records.order(document, available_actions(document), self.at)


async def find_orders(view: View, arguments: Arguments) -> tuple[Order, ...]:
    number, email, customer = (arguments.get(name) for name in ("number", "email", "customer"))
    if isinstance(number, str):
        found = await view.documents("orders", "number", normal(number))
    elif isinstance(email, str):
        found = await view.documents("orders", "email", email.strip().lower())
    elif isinstance(customer, Ref):
        found = await view.documents("orders", "customer", customer.id)
    else:
        raise BadArguments("orders.find needs a number, an e-mail address or a customer.", remedy="Give at least one of them.")
    since, limit = arguments.get("since"), arguments.get("limit", _LIMIT)
    if not isinstance(limit, int) or limit < 1:
        raise BadArguments(f"orders.find cannot give {limit} orders.", remedy="Give a limit from 1.")
    fitting = [
        order
        for order in found
        if (not isinstance(number, str) or normal(order["number"]) == normal(number))
        and (not isinstance(email, str) or order["email"].lower() == email.strip().lower())
        and (not isinstance(customer, Ref) or order["customer"] == customer.id)
        and (not isinstance(since, datetime) or datetime.fromisoformat(order["placed_at"]) >= since)
    ]
    fitting.sort(key=lambda order: (order["placed_at"], order["id"]), reverse=True)
    return tuple(view.order(order) for order in fitting[:limit])


async def get_order(view: View, arguments: Arguments) -> Order:
    return view.order(await view.one("orders", _ref(arguments, "order")))


async def find_customers(view: View, arguments: Arguments) -> tuple[Customer, ...]:
    email = str(arguments["email"]).strip().lower()
    found = [person for person in await view.documents("customers", "email", email) if person["email"].lower() == email]
    counts = [len(await view.documents("orders", "customer", person["id"])) for person in found]
    return tuple(records.customer(person, count) for person, count in zip(found, counts, strict=True))


async def history(view: View, arguments: Arguments) -> tuple[Order, ...]:
    await view.one("customers", _ref(arguments, "customer"))
    return await find_orders(view, arguments)


async def track(view: View, arguments: Arguments) -> Shipment:
    ref = _ref(arguments, "shipment")
    order = await view.owner(ref)
    return next(records.shipment(part) for part in order["shipments"] if part["id"] == ref.id)


async def get_payment(view: View, arguments: Arguments) -> Payment:
    ref = _ref(arguments, "payment")
    order = await view.owner(ref)
    return next(records.payment(order, part) for part in order["payments"] if part["id"] == ref.id)


async def get_return(view: View, arguments: Arguments) -> Return:
    ref = _ref(arguments, "return")
    order = await view.owner(ref)
    return next(records.returned(order, part) for part in order["returns"] if part["id"] == ref.id)


async def find_returns(view: View, arguments: Arguments) -> tuple[Return, ...]:
    number, ref = arguments.get("number"), arguments.get("order")
    if isinstance(ref, Ref):
        orders = [await view.one("orders", ref)]
    elif isinstance(number, str):
        orders = await view.documents("orders", "parts", normal(number))
    else:
        raise BadArguments("returns.find needs a number or an order.", remedy="Give one of them.")
    wanted = normal(number) if isinstance(number, str) else ""
    backs = [(order, back) for order in orders for back in order["returns"] if wanted in ("", normal(back["number"]))]
    return tuple(records.returned(order, back) for order, back in backs)


async def get_invoice(view: View, arguments: Arguments) -> Invoice:
    order = await view.one("orders", _ref(arguments, "order"))
    if order["invoice"] is None:
        raise NotFound(f"Order {order['number']} has no invoice yet.", remedy="It is written when the order is paid.")
    return records.invoice(order)


async def find_products(view: View, arguments: Arguments) -> tuple[Product, ...]:
    currency, wanted = str(arguments.get("currency", "EUR")), arguments.get("attributes")
    found = await variants(view, str(arguments["sku"]))
    fitting = [
        product
        for product in found
        if currency in product["prices"]
        and (not isinstance(wanted, Mapping) or all(product["attributes"].get(key) == value for key, value in wanted.items()))
    ]
    return tuple(records.product(product, currency) for product in fitting)


async def variants(view: View, sku: str) -> list[Document]:
    """All variants of the item that a sku, or a style, belongs to."""
    known = await worlds.documents(view.connection, view.world, "products", ids=[sku])
    style = known[0]["style"] if known else sku
    return await view.documents("products", "number", normal(style))


READS: Mapping[str, Callable[[View, Arguments], Awaitable[object]]] = {
    "orders.find": find_orders,
    "orders.get": get_order,
    "customers.find": find_customers,
    "customers.history": history,
    "shipments.track": track,
    "payments.get": get_payment,
    "returns.get": get_return,
    "returns.find": find_returns,
    "invoices.get": get_invoice,
    "products.find": find_products,
}


def _ref(arguments: Arguments, name: str) -> Ref:
    value = arguments[name]
    assert isinstance(value, Ref)
    return value


def _only(found: list[Document], ref: Ref) -> Document:
    if not found:
        raise NotFound(f"The shop has no {ref.type} {ref.id!r}.", remedy="Look it up again.")
    return found[0]
