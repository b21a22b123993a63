"""The shop that a new installation starts with: "Nordwind", a European retailer, the same for the same seed and moment.

Orders of fourteen months, with enough of every situation in recent weeks that customers write about: late and lost parcels,
split payments and parcels, returns in every state, refunds that are overdue, items that cannot be returned.
"""

import random
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from caseworker.commerce.adapters.sandbox.amounts import Document, minor, text, total
from caseworker.commerce.adapters.sandbox.lives import LIVES, Life
from caseworker.commerce.adapters.sandbox.range import Place, Product, places, products

DEFAULT_AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
MONTHS_BACK = timedelta(days=425)
_MAIL_DOMAINS = ("example.com", "example.org", "example.net", "post.example", "mail.example", "inbox.example")
_SPELLED = {
    ord(letter): plain for letter, plain in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", " ": "", "'": ""}.items()
}
_RATES = {"EUR": 100, "GBP": 87, "PLN": 430}  # hundredths of the euro price


def generate(seed: int = 7, at: datetime = DEFAULT_AT, *, customers: int = 2200, orders: int = 6400) -> dict[str, Any]:
    """The shop as shop.json has it. `at` (UTC) is the shop's present; nothing in it happened later."""
    generator = _Generator(seed, at.astimezone(UTC))
    people = [generator.customer(number) for number in range(customers)]
    moments = sorted(generator.moment() for _ in range(orders))
    placed = [generator.order(moment, generator.pick_customer(people)) for moment in moments]
    for person in people:
        person.pop("_address")
    return {
        "format": 1,
        "shop": "Nordwind",
        "at": stamp(generator.at),
        "products": generator.range,
        "customers": people,
        "orders": placed,
        "vouchers": [],
        "handoffs": [],
    }


def stamp(moment: datetime) -> str:
    """A time as documents have it: UTC, to the second, `2026-12-02T09:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Generator:
    def __init__(self, seed: int, at: datetime) -> None:
        self.dice = random.Random(seed)
        self.at = at
        self.places = places()
        self.products = products()
        self.range = [_product(product, variant) for product in self.products for variant in product.variants()]
        self.number = 100200
        self.names: Counter[str] = Counter()

    def customer(self, index: int) -> Document:
        """A customer; the address is kept aside for the orders."""
        dice = self.dice
        country = dice.choices(list(self.places), [place.weight for place in self.places.values()])[0]
        place = self.places[country]
        first, last = dice.choice(place.first), dice.choice(place.last)
        since = self.at - MONTHS_BACK - timedelta(days=dice.randrange(0, 900), seconds=dice.randrange(86400))
        return {
            "id": f"C-{20100 + index * 3}",
            "email": self._email(first, last),
            "name": f"{first} {last}",
            "language": place.language,
            "country": country,
            "since": stamp(since),
            "flags": [dice.choices(["vip", "business"], [3, 1])[0]] if dice.random() < 0.04 else [],
            "_address": _address(dice, place, country, f"{first} {last}"),
        }

    def _email(self, first: str, last: str) -> str:
        local = ".".join(_ascii(part) for part in (first, last))
        self.names[local] += 1
        suffix = "" if self.names[local] == 1 else str(self.names[local])
        return f"{local}{suffix}@{self.dice.choice(_MAIL_DOMAINS)}"

    def pick_customer(self, people: list[Document]) -> Document:
        """Some customers order often: the first third places about half of the orders."""
        return people[int(len(people) * self.dice.random() ** 1.5)]

    def moment(self) -> datetime:
        """Nearly half of the orders fall into the last five weeks, the season in which this shop is busiest."""
        share = self.dice.random()
        if share < 0.06:
            days = self.dice.uniform(0.02, 3)
        elif share < 0.45:
            days = self.dice.uniform(0.5, 36)
        else:
            days = self.dice.uniform(30, MONTHS_BACK.days)
        return (self.at - timedelta(days=days)).replace(microsecond=0)

    def order(self, placed_at: datetime, customer: Document) -> Document:
        """An order with the life that suits its age."""
        self.number += self.dice.randrange(1, 5)
        order = self._placed(placed_at, customer)
        age = (self.at - placed_at) / timedelta(days=1)
        fitting = [(life, weight) for life, low, high, weight in LIVES if low <= age < high]
        live = self.dice.choices([life for life, _ in fitting], [weight for _, weight in fitting])[0]
        live(Life(self.dice, self.at, placed_at, order, self.places[customer["country"]].carriers))
        return order

    def _placed(self, placed_at: datetime, customer: Document) -> Document:
        place = self.places[customer["country"]]
        number = f"NW-{placed_at.year}-{self.number}"
        order: Document = {
            "id": str(self.number),
            "number": number,
            "state": "placed",
            "placed_at": stamp(placed_at),
            "shipped_at": None,
            "delivered_at": None,
            "expected_at": stamp(placed_at + timedelta(days=self.dice.randrange(3, 6))),
            "customer": customer["id"],
            "email": customer["email"],
            "country": customer["country"],
            "brand": "nordwind",
            "language": customer["language"],
            "currency": place.currency,
            "shipping": "0.00",
            "address": dict(customer["_address"]),
            "lines": [],
            "payments": [],
            "shipments": [],
            "returns": [],
            "invoice": {"number": f"RE-{placed_at.year}-{self.number}", "sent_at": stamp(placed_at + timedelta(minutes=4))},
            "notes": [],
            "flags": ["gift"] if self.dice.random() < 0.03 else [],
            "version": 1,
        }
        count = self.dice.choices([1, 2, 3, 4], [46, 32, 15, 7])[0]
        order["lines"] = [
            self._line(index, product, order) for index, product in enumerate(self.dice.sample(self.products, count), 1)
        ]
        if total(order) < 5000 * _RATES[place.currency] // 100:
            order["shipping"] = text(order, 495 * _RATES[place.currency] // 100)
        order["payments"] = self._payments(order)
        return order

    def _line(self, index: int, product: Product, order: Document) -> Document:
        sku, attributes = self.dice.choice(product.variants())
        return {
            "id": f"{order['id']}-{index}",
            "sku": sku,
            "title": product.titles["en"],
            "titles": dict(product.titles),
            "category": product.category,
            "attributes": dict(attributes),
            "quantity": self.dice.choices([1, 2, 3], [84, 13, 3])[0],
            "shipped": 0,
            "delivered": 0,
            "cancelled": 0,
            "returned": 0,
            "reshipped": 0,
            "unit_price": text(order, _price(product.price, order["currency"])),
            "refunded": "0.00",
            "returnable": product.returnable,
            "final_sale": product.final_sale,
        }

    def _payments(self, order: Document) -> list[Document]:
        amount = total(order)
        method = self.dice.choices(["card", "paypal", "invoice", "bank_transfer"], [52, 28, 14, 6])[0]
        if self.dice.random() < 0.07 and amount > 3000:
            gift = min(self.dice.choice([1000, 2000, 2500, 5000]), amount - 500)
            return [_payment(order, 1, "gift_card", gift), _payment(order, 2, "card", amount - gift)]
        return [_payment(order, 1, method, amount)]


def _payment(order: Document, index: int, method: str, amount: int) -> Document:
    zero = text(order, 0)
    return {
        "id": f"P-{order['id']}-{index}",
        "method": method,
        "state": "authorised",
        "authorised": text(order, amount),
        "captured": zero,
        "refunded": zero,
        "in_flight": zero,
        "last_refund_at": None,
    }


def _product(product: Product, variant: tuple[str, dict[str, str]]) -> Document:
    sku, attributes = variant
    prices = {code: text({"currency": code}, _price(product.price, code)) for code in _RATES}
    return {
        "sku": sku,
        "style": product.style,
        "title": product.titles["en"],
        "titles": dict(product.titles),
        "category": product.category,
        "attributes": dict(attributes),
        "prices": prices,
        # stable without dice: every seventh variant is sold out, so that a wish for another size can fail
        "stock": 0 if sum(sku.encode()) % 7 == 0 else sum(sku.encode()) % 40 + 1,
        "returnable": product.returnable,
        "final_sale": product.final_sale,
    }


def _price(euro: str, currency: str) -> int:
    """The price in minor units; other currencies are rounded to prices that end in 5 or 0."""
    cents = minor({"currency": "EUR"}, euro)
    return cents if currency == "EUR" else cents * _RATES[currency] // 500 * 5


def _address(dice: random.Random, place: Place, country: str, name: str) -> Document:
    city, pattern = dice.choice(list(place.cities.items()))
    postcode = "".join(
        str(dice.randrange(1, 10)) if c == "#" else dice.choice("ABDEFHJLNPRSTUWX") if c == "@" else c for c in pattern
    )
    street = place.street.format(street=dice.choice(place.streets), house=dice.randrange(1, 140))
    return {"name": name, "street": street, "postcode": postcode, "city": city, "country": country}


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name.lower().translate(_SPELLED)).encode("ascii", "ignore").decode()
