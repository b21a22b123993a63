"""proofs.yaml: what `prove` may assume about the retailer's data, and what must never happen."""

from caseworker.sop.cel.functions import parse_money
from caseworker.sop.loading.procedures import read_never
from caseworker.sop.loading.text import Item, read_each
from caseworker.sop.model import Proofs, Range


def read_proofs(item: Item) -> Proofs:
    """Ranges of facts, invariants of every procedure, and the countries of each currency."""
    keys = item.keys("ranges", "never", "currencies")
    return Proofs(
        ranges=tuple(_range(entry) for entry in keys["ranges"].items()) if "ranges" in keys else (),
        never=read_never(keys["never"]) if "never" in keys else (),
        currencies=read_each(keys["currencies"], lambda _, countries: countries.texts()) if "currencies" in keys else {},
    )


def _range(item: Item) -> Range:
    keys = item.keys("from", "to", required=("of",))
    return Range(
        path=keys["of"].text() if "of" in keys else "",
        least=_bound(keys["from"]) if "from" in keys else None,
        most=_bound(keys["to"]) if "to" in keys else None,
        place=item.place,
    )


def _bound(item: Item) -> object:
    if isinstance(item.value, int) and not isinstance(item.value, bool):
        return item.value
    try:
        return parse_money(item.text())
    except ValueError as error:
        item.add("bad_value", f"{error}.", 'Write a whole number or an amount such as "5000.00 EUR".')
        return None
