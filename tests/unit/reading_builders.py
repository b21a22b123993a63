"""Orders and questions for the reading tests, and one embedded reader a process."""

from datetime import UTC, datetime
from functools import lru_cache

from caseworker.commerce.model import Line, Order, PostalAddress
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.reading.adapters.embedded import EmbeddedReader
from caseworker.reading.adapters.use import UseEncoder
from caseworker.reading.heads import SHIPPED, load
from caseworker.reading.model import Intent, Question

_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)

NUMBER = Question("order_number", "order_number")
ITEMS = Question("items", "items")
POSTCODE = Question("postcode", "postcode")
ADDRESS = Question("new_address", "address")
PHOTO = Question("photo", "photo")
REASON = Question(
    "return_reason",
    "choice",
    ("wrong_size", "damaged", "changed_mind"),
    {
        "wrong_size": {
            "en": ("too small", "too big", "does not fit", "wrong size"),
            "de": ("passt nicht", "zu klein", "zu groß"),
        },
        "damaged": {"en": ("broken", "damaged", "faulty"), "de": ("kaputt", "beschädigt", "defekt")},
        "changed_mind": {"en": ("changed my mind", "do not like it"), "de": ("gefällt mir nicht", "anders überlegt")},
    },
)
CONFIRM = Question("confirmed", "yes_no")
QUESTIONS = (NUMBER, ITEMS, POSTCODE, ADDRESS, PHOTO, REASON)


def line(id_: str, title: str, *, de: str = "", category: str = "", **attributes: str) -> Line:
    price = Money(4990, "EUR")
    titles = {"de": de} if de else {}
    return Line(id_, id_, title, category, 1, 1, 1, 0, 0, price, price, True, False, attributes, titles)


def order(number: str, *lines: Line) -> Order:
    total = Money(9980, "EUR")
    address = PostalAddress("A. Miller", "Lindenweg 4", "10115", "Berlin", "DE")
    return Order(
        ref=Ref("shop", "order", number),
        number=number,
        status="delivered",
        raw_state="delivered",
        placed_at=_AT,
        shipped_at=_AT,
        delivered_at=_AT,
        expected_at=_AT,
        customer=Ref("shop", "customer", "1"),
        email="a@example.org",
        country="DE",
        brand="nordwind",
        language="de",
        address=address,
        lines=lines,
        payments=(),
        shipments=(),
        returns=(),
        total=total,
        captured=total,
        refunded=Money(0, "EUR"),
        refundable=total,
        available_actions=(),
        read_at=_AT,
    )


CLOTHES = order(
    "NW-2026-104233",
    line("l1", "Rain jacket Storm", de="Regenjacke Storm", category="jackets", colour="blue", size="M"),
    line("l2", "Running shoes Fjell", de="Laufschuhe Fjell", category="shoes", colour="black", size="42"),
)


@lru_cache(maxsize=1)
def reader() -> EmbeddedReader:
    encoder = UseEncoder()
    return EmbeddedReader(encoder, load(SHIPPED, "use", encoder))


@lru_cache(maxsize=1)
def intents() -> tuple[Intent, ...]:
    return tuple(Intent(name, "", {}) for name in load(SHIPPED, "use", UseEncoder()).intents)
