"""parts/NAME.yaml: rows that several procedures share, and their places in procedures.

A part is written out where a procedure says `use: NAME`: its rows stand there, its needs and facts beside the procedure's own.
So everything that reads procedures (decide, check, prove, explain) knows no parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.loading.text import Item
from caseworker.sop.model import Need, Place, Row


@dataclass(frozen=True, slots=True)
class Use:
    """`use: PART` in a table. `when` is a condition that all rows of the part get, `given` are facts that the part takes."""

    part: str
    when: str
    given: Mapping[str, str]
    place: Place


@dataclass(frozen=True, slots=True)
class Part:
    """A part. `takes` are names that the procedure has to offer: needs or facts of its own, or values after `with:`."""

    name: str
    takes: tuple[str, ...]
    needs: tuple[Need, ...]
    facts: Mapping[str, str]
    table: tuple[Row | Use, ...]
    place: Place
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Body:
    """What a procedure says, while parts are put into it."""

    item: Item
    needs: dict[str, Need]
    facts: dict[str, str]
    fact_places: dict[str, Place]
    rows: list[Row] = field(default_factory=list)
    used: list[str] = field(default_factory=list)


def write_out(body: Body, table: tuple[Row | Use, ...], parts: Mapping[str, Part], within: tuple[str, ...] = ()) -> None:
    """Adds the rows of a table to a body, parts written out. What is wrong is noted at the place of the `use:`."""
    for entry in table:
        if isinstance(entry, Row):
            body.rows.append(entry)
        elif _possible(body, entry, parts, within):
            _use(body, entry, parts, within)


def _possible(body: Body, use: Use, parts: Mapping[str, Part], within: tuple[str, ...]) -> bool:
    item = replace(body.item, place=use.place)
    if use.part not in parts:
        known = ", ".join(sorted(parts)) or "none; write parts/NAME.yaml"
        item.add("unknown_part", f"There is no part `{use.part}`.", f"Known are {known}.")
        return False
    if use.part in within:
        way = " -> ".join((*within[within.index(use.part) :], use.part))
        item.add("cycle", f"The part `{use.part}` uses itself: {way}.", "Take one of these `use:` out.")
        return False
    if use.part in body.used:
        item.add("part_twice", f"The part `{use.part}` is used twice.", "Use it once, under a condition that covers both.")
        return False
    return True


def _use(body: Body, use: Use, parts: Mapping[str, Part], within: tuple[str, ...]) -> None:
    part, item = parts[use.part], replace(body.item, place=use.place)
    body.used.append(part.name)
    for name, source in use.given.items():
        if name not in part.takes:
            offered = ", ".join(part.takes) or "nothing"
            item.add("unknown_argument", f"The part `{part.name}` takes no `{name}`.", f"It takes {offered}.")
        _fact(body, name, source, use.place, item)
    for name in part.takes:
        if name not in body.facts and name not in body.needs:
            advice = f"Write `with: {{{name}: ...}}`, or a fact or need of that name."
            item.add("missing_argument", f"The part `{part.name}` needs `{name}`.", advice)
    for need in part.needs:
        if (need.name in body.needs and _meaning(body.needs[need.name]) != _meaning(need)) or need.name in body.facts:
            _clash(item, part, need.name)
        else:
            body.needs.setdefault(need.name, need)
    for name, source in part.facts.items():
        _fact(body, name, source, Place(part.place.file, part.lines.get(f"facts.{name}", part.place.line)), item)
    start = len(body.rows)
    write_out(body, part.table, parts, (*within, part.name))
    if use.when and _is_condition(item, use.when):
        body.rows[start:] = [_guarded(row, use.when, item) for row in body.rows[start:]]


def _guarded(row: Row, guard: str, item: Item) -> Row:
    """Each of the two is a condition by itself, so a bracket of one never closes the other; nor does a comment hide it."""
    place = Place(row.place.file, row.lines.get("when", row.place.line))
    if row.when and not _is_condition(replace(item, place=place), row.when):
        return row
    first, second = (f"({text}\n)" if "//" in text else f"({text})" for text in (guard, row.when))
    return replace(row, when=f"{first} && {second}")


def _is_condition(item: Item, source: str) -> bool:
    try:
        parse(source)
    except CelError as error:
        item.add("no_condition", error.message, error.advice)
        return False
    return True


def _fact(body: Body, name: str, source: str, place: Place, item: Item) -> None:
    if name in body.needs or (name in body.facts and body.facts[name] != source):
        item.add("duplicate_name", f"`{name}` would mean two things here.", "Rename the fact of the procedure or of the part.")
        return
    body.facts.setdefault(name, source)
    body.fact_places.setdefault(name, place)


def _clash(item: Item, part: Part, name: str) -> None:
    text = f"`{name}` means something else in the part `{part.name}` than here."
    item.add("duplicate_name", text, "Rename one of them, or write the need in the same way.")


def _meaning(need: Need) -> Need:
    """A need without the place it stands at."""
    return replace(need, place=Place("", 0), lines={})
