"""What the generated shop sells and where its customers live, read from `catalogue.txt` and `places.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

_SIZES = {
    "C": ("XS", "S", "M", "L", "XL"),
    "S": ("36", "37", "38", "39", "40", "41", "42", "43", "44"),
    "H": ("135x200", "155x220"),
    "": (),
}
_CODES = {"green": "GRN", "grey": "GRY"}  # every other colour is told apart by its first three letters


@dataclass(frozen=True, slots=True)
class Product:
    """One style. `price` is in euros; `colours` and `sizes` may be empty."""

    style: str
    category: str
    price: str
    titles: Mapping[str, str]
    colours: tuple[str, ...]
    sizes: tuple[str, ...]
    returnable: bool
    final_sale: bool

    def variants(self) -> list[tuple[str, dict[str, str]]]:
        """Every (sku, attributes) that can be ordered."""
        found = []
        for colour in self.colours or ("",):
            for size in self.sizes or ("",):
                sku = "-".join(part for part in (self.style, _CODES.get(colour, colour[:3].upper()), size) if part)
                found.append((sku, {key: value for key, value in (("colour", colour), ("size", size)) if value}))
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """A country the shop delivers to. `street` is how street and house number are written there."""

    weight: int
    language: str
    currency: str
    carriers: tuple[str, ...]
    street: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]
    cities: Mapping[str, str]


@cache
def products() -> tuple[Product, ...]:
    """The styles of `catalogue.txt`."""
    lines = _text("catalogue.txt").splitlines()
    return tuple(_product([cell.strip() for cell in line.split("|")]) for line in lines if line and not line.startswith("#"))


@cache
def places() -> Mapping[str, Place]:
    """The countries of `places.yaml` by ISO code."""
    return {
        code: Place(
            weight=raw["weight"],
            language=raw["language"],
            currency=raw["currency"],
            carriers=tuple(raw["carrier"]),
            street=raw["street"],
            first=tuple(raw["first"]),
            last=tuple(raw["last"]),
            streets=tuple(raw["streets"]),
            cities=raw["cities"],
        )
        for code, raw in yaml.safe_load(_text("places.yaml")).items()
    }


def _product(cells: list[str]) -> Product:
    category, style, price, en, de, fr, pl, colours, sizes, flag = cells
    return Product(
        style=style,
        category=category,
        price=price,
        titles={language: title for language, title in (("en", en), ("de", de), ("fr", fr), ("pl", pl)) if title},
        colours=tuple(colour for colour in colours.split(",") if colour),
        sizes=_SIZES[sizes],
        returnable=flag != "!",
        final_sale=flag == "$",
    )


def _text(name: str) -> str:
    return files("caseworker.commerce.adapters.sandbox").joinpath(name).read_text(encoding="utf-8")
