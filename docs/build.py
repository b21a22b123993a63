"""Makes the pages and the drawing that are read off the code: `make docs`.

`docs/img/house.svg` shows the rooms in the rings of pyproject's layers contract and every import between two rooms.
`docs/reference/operations.md` lists what `commerce.operations` declares, `docs/reference/schema` holds the JSON Schemas of a
playbook's files. All come out the same on every run; a test makes them
again and compares, so that a page that no longer fits the code fails.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

from caseworker.commerce.operations import BUILT_IN, records
from caseworker.commerce.ports import Operation
from caseworker.knowledge import operations as knowledge
from caseworker.sop.schema import Names, schemas

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "docs" / "img" / "house.svg"
OPERATIONS = ROOT / "docs" / "reference" / "operations.md"
SCHEMAS = ROOT / "docs" / "reference" / "schema"
PACKAGE = "caseworker"


def main() -> None:
    """Write everything that is generated."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def pages() -> Mapping[Path, str]:
    """Every generated file with its text."""
    made = {SCHEMAS / f"{kind}.json": json.dumps(schema, indent=1) + "\n" for kind, schema in schemas(built_in()).items()}
    return {HOUSE: draw(read_house()), OPERATIONS: operations_page(), **made}


def built_in() -> Names:
    """The operations of every shop and of the worker; names of a playbook's own are in what `caseworker schema` writes."""
    reads = (*(op for op in BUILT_IN.values() if op.kind == "read"), *knowledge.OPERATIONS.values())
    return Names(
        reads=tuple(sorted(op.name for op in reads)),
        writes={name: tuple(p.name for p in op.parameters) for name, op in sorted(BUILT_IN.items()) if op.kind == "write"},
    )


# -- the house ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class House:
    """`rings` from the outside in, each with its rooms; `imports` counts pairs of modules from (importer, imported).

    `empty` are rooms that have a name and a place, and no module yet.
    """

    rings: tuple[tuple[str, ...], ...]
    imports: Mapping[tuple[str, str], int]
    empty: frozenset[str]

    @property
    def rooms(self) -> tuple[str, ...]:
        """All rooms from the outside in."""
        return tuple(room for ring in self.rings for room in ring)


def read_house() -> House:
    """Rings from pyproject.toml, rooms and imports from the code. A room that does not exist yet is left out."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    there = {module.removeprefix(f"{PACKAGE}.") for module in graph.find_children(PACKAGE)}
    rings = tuple(ring for ring in (_rooms_of(layer, there) for layer in layers) if ring)
    rooms = {room for ring in rings for room in ring}
    imports: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            pair = _room(importer), _room(imported)
            if pair[0] != pair[1] and rooms.issuperset(pair):
                imports[pair] += 1
    return House(rings, imports, frozenset(room for room in rooms if _is_empty(room)))


def _is_empty(room: str) -> bool:
    folder = ROOT / "src" / PACKAGE / room
    return folder.is_dir() and all(path.name == "__init__.py" for path in folder.rglob("*.py"))


def _rooms_of(layer: str, there: set[str]) -> tuple[str, ...]:
    names = (name.strip().strip("()") for name in layer.replace(":", "|").split("|"))
    return tuple(name for name in names if name in there)


def _room(module: str) -> str:
    return module.removeprefix(PACKAGE).strip(".").split(".")[0]


STEP_X, STEP_Y = 58, 44  # how far right and down the next room stands
BOX_W, BOX_H = 104, 28
LEFT, TOP = 24, 96
# An import is a dot; its size says how many module pairs there are. Three sizes only: the drawing shall not change daily.
SIZES = ((10, 7.0, "10 and more"), (3, 5.0, "3 to 9"), (1, 3.0, "1 or 2"))
INK, LINE, BACK, BANDS = "#1f2937", "#94a3b8", "#dc2626", ("#f1f5f9", "#ffffff")
FONT = "font-family='Helvetica, Arial, sans-serif'"


def draw(house: House) -> str:
    """The house as a staircase: a room imports what stands below it. A row is one importer, a column one imported room."""
    rooms = house.rooms
    place = {room: index for index, room in enumerate(rooms)}
    width = LEFT + (len(rooms) - 1) * STEP_X + BOX_W + 40
    height = TOP + len(rooms) * STEP_Y + 16
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>",
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
        *_bands(house, width),
        *_legend(),
        *(line for room in rooms for line in _wires(house, room, place)),
        *(_dot(place[a], place[b], count) for (a, b), count in sorted(house.imports.items())),
        *(_box(room, place[room], empty=room in house.empty) for room in rooms),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bands(house: House, width: int) -> Sequence[str]:
    """One band a ring."""
    bands, row = [], 0
    for number, ring in enumerate(house.rings):
        y, high = TOP + row * STEP_Y, len(ring) * STEP_Y
        bands.append(f"<rect x='0' y='{y}' width='{width}' height='{high}' fill='{BANDS[number % 2]}'/>")
        row += len(ring)
    return bands


def _legend() -> Sequence[str]:
    x, parts = LEFT + 8, []
    title = "The house: a band is a ring, a box a room. Outer rooms import inner ones, never back."
    parts.append(f"<text x='{LEFT}' y='32' {FONT} font-size='17' font-weight='bold' fill='{INK}'>{title}</text>")
    for _, radius, words in reversed(SIZES):
        parts.append(f"<circle cx='{x}' cy='62' r='{radius}' fill='{INK}'/>")
        parts.append(f"<text x='{x + 13}' y='67' {FONT} font-size='13' fill='{INK}'>{words}</text>")
        x += 110
    says = "imports: from the room left of the dot to the room below it. Dashed: nothing in it yet."
    parts.append(f"<text x='{x + 2}' y='67' {FONT} font-size='13' fill='{INK}'>{says}</text>")
    return parts


def _wires(house: House, room: str, place: Mapping[str, int]) -> Sequence[str]:
    """A line to the right as far as the room's imports reach, and one down into it from its farthest importer."""
    here, wires = place[room], []
    targets = [place[b] for a, b in house.imports if a == room and place[b] > here]
    sources = [place[a] for a, b in house.imports if b == room and place[a] < here]
    stroke = f"stroke='{LINE}' stroke-width='1.2' fill='none'"
    if targets:
        wires.append(f"<path d='M{_x(here) + BOX_W // 2} {_y(here)} H{_x(max(targets))}' {stroke}/>")
    if sources:
        end = _y(here) - BOX_H // 2
        wires.append(f"<path d='M{_x(here)} {_y(min(sources))} V{end - 5}' {stroke}/>")
        wires.append(f"<path d='M{_x(here) - 4} {end - 7} h8 l-4 7 z' fill='{LINE}'/>")
    return wires


def _dot(importer: int, imported: int, count: int) -> str:
    radius = next(radius for least, radius, _ in SIZES if count >= least)
    colour = INK if imported > importer else BACK
    return f"<circle cx='{_x(imported)}' cy='{_y(importer)}' r='{radius}' fill='{colour}'/>"


def _box(room: str, index: int, *, empty: bool) -> str:
    x, y = _x(index) - BOX_W // 2, _y(index) - BOX_H // 2
    words = f"x='{_x(index)}' y='{_y(index) + 5}' {FONT} font-size='14' text-anchor='middle' fill='{INK}'"
    text = f"<text {words}>{escape(room)}</text>"
    look = "fill='#ffffff' stroke='#94a3b8' stroke-dasharray='4 3'" if empty else "fill='#e0ecff' stroke='#3b6fb6'"
    return f"<rect x='{x}' y='{y}' width='{BOX_W}' height='{BOX_H}' rx='5' {look}/>{text}"


def _x(index: int) -> int:
    return LEFT + BOX_W // 2 + index * STEP_X


def _y(index: int) -> int:
    return TOP + index * STEP_Y + STEP_Y // 2


# -- operations --------------------------------------------------------------------------------------------------------------

_INTRODUCTION = """\
<!-- Made by docs/build.py from commerce/operations.py and knowledge/operations.py. Change it there and run `make docs`. -->

# Operations

What a procedure may look up and do in the retailer's systems, and what it may ask of the worker itself. The page is made from
the code: `commerce/operations.py`, the records of `commerce/model.py`, and `knowledge/operations.py`.

- A **read** changes nothing. A **write** is done by the engine alone: its intent is committed first, then comes the call, then
  its receipt is committed. See [receipts](../why/receipts.md).
- `Money` is whole minor units (cents) and an ISO 4217 currency. `time` is UTC. `Ref[order]` names one record of one system.
- A name with `?` may be left out.
- A refusal becomes a fact (`failed.NAME.code`) that a row can test. The codes are in
  [errors](errors.md#what-a-retailers-system-can-say).
- An operation that moves money needs a guardrail, or `caseworker check` refuses the playbook.
"""

_RECEIPT = """\
Every write gives a receipt: `status` (`done`, `pending`, `unknown`, `already_done`), `ref`, `before`, `after`, `money_moved`,
`backend_request_id`, `at`, and the values that are named below.
"""


def operations_page() -> str:
    """`docs/reference/operations.md`."""
    reads = [operation for operation in BUILT_IN.values() if operation.kind == "read"]
    writes = [operation for operation in BUILT_IN.values() if operation.kind == "write"]
    sections = [
        _INTRODUCTION,
        "## Reads\n",
        *map(_operation, reads),
        "## Reads of the worker's own\n",
        "No shop has to offer these; see [approved answers](knowledge.md).\n",
        *map(_operation, knowledge.OPERATIONS.values()),
        "## Writes\n",
        _RECEIPT,
        *map(_operation, writes),
        "## Records\n",
        "What reads give, and what the facts of a procedure are made of.\n",
        *(_record(name, fields) for name, fields in {**records(), **knowledge.RECORDS}.items()),
    ]
    return "\n".join(sections)


def _operation(operation: Operation) -> str:
    given = ", ".join(f"`{p.name}{'' if p.required else '?'}: {p.type}`" for p in operation.parameters)
    lines = [f"### {operation.name}\n", f"{operation.doc}\n", f"- Given: {given}"]
    if operation.kind == "read":
        lines.append(f"- Gives: `{operation.returns}`")
    elif operation.receipt:
        lines.append("- Its receipt says: " + ", ".join(f"`{name}: {kind}`" for name, kind in operation.receipt.items()))
    if operation.money:
        lines.append(f"- Moves money: `{operation.money}`")
    return "\n".join(lines) + "\n"


def _record(name: str, fields: Mapping[str, str]) -> str:
    rows = [
        "| `{}` | `{}` |".format(field, kind.replace("|", "\\|")) for field, kind in fields.items()
    ]  # `enum[a|b]`: no column
    return "\n".join([f"### The record `{name}`\n", "| field | type |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    main()
