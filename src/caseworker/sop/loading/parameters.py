"""parameters.yaml"""

from collections.abc import Mapping
from datetime import date, timedelta

from caseworker.sop.cel.functions import parse_money
from caseworker.sop.durations import parse_duration
from caseworker.sop.loading.text import Item, read_each
from caseworker.sop.model import Parameter, ParameterValue, Season

MOST_PERCENT = 1000
TYPES = ("int", "Money", "duration", "string", "percent")


def read_parameters(item: Item) -> dict[str, Parameter]:
    """Every parameter with its values converted: int, Money, timedelta, str, float (percent).

    `seasons:` names parts of the year."""
    entries = item.mapping()
    seasons = read_each(entries["seasons"], _season) if "seasons" in entries else {}
    return {name: _parameter(name, entry, seasons) for name, entry in entries.items() if name != "seasons"}


def _season(name: str, item: Item) -> Season:
    keys = item.keys(required=("from", "to"))
    return Season(name, *(_day(keys[key]) if key in keys else (1, 1) for key in ("from", "to")))


def _day(item: Item) -> tuple[int, int]:
    """`11-15`: month and day. The 29th of February is a day of every year here."""
    try:
        found = date.fromisoformat(f"2000-{item.text()}")
    except ValueError:
        item.add("bad_date", f"{item.value!r} is no day of the year.", "Write month and day, for example 11-15.")
        return 1, 1
    return found.month, found.day


def _parameter(name: str, item: Item, seasons: Mapping[str, Season]) -> Parameter:
    keys = item.keys(required=("type", "values"))
    kind = keys["type"].word(TYPES) if "type" in keys else "string"
    entries = keys["values"].items() if "values" in keys else []
    if "values" in keys and not entries:
        item.add("no_values", f"`{name}` has no value.", "Give at least one.")
    return Parameter(name=name, type=kind, values=tuple(_value(entry, kind, seasons) for entry in entries), place=item.place)


def _value(item: Item, kind: str, seasons: Mapping[str, Season]) -> ParameterValue:
    if not isinstance(item.value, dict):
        return ParameterValue(_convert(item, kind), place=item.place)
    keys = item.keys("country", "brand", "season", "from", "to", required=("value",))
    season = seasons.get(keys["season"].text()) if "season" in keys else None
    if "season" in keys and season is None:
        known = ", ".join(sorted(seasons)) or "none; write `seasons: {christmas: {from: 11-15, to: 01-31}}`"
        keys["season"].add("unknown_season", f"There is no season `{keys['season'].text()}`.", f"Known are {known}.")
    value = ParameterValue(
        _convert(keys["value"], kind) if "value" in keys else None,
        country=keys["country"].text() if "country" in keys else None,
        brand=keys["brand"].text() if "brand" in keys else None,
        valid_from=_date(keys, "from"),
        valid_to=_date(keys, "to"),
        season=season,
        place=item.place,
    )
    if value.valid_from and value.valid_to and value.valid_to < value.valid_from:
        item.add("bad_dates", f"The value ends on {value.valid_to}, before it begins.", "Exchange `from:` and `to:`.")
    return value


def _date(keys: Mapping[str, Item], name: str) -> date | None:
    if name not in keys:
        return None
    try:
        return date.fromisoformat(keys[name].text())
    except ValueError:
        keys[name].add("bad_date", f"{keys[name].value!r} is no date.", "Write for example 2026-11-15.")
        return None


def _percent(number: float) -> float:
    if not 0 <= number <= MOST_PERCENT:
        raise ValueError(f"{number} is no percentage; it goes from 0 to {MOST_PERCENT}")
    return float(number)


def _convert(item: Item, kind: str) -> int | float | str | timedelta | object:
    try:
        match kind:
            case "int" if isinstance(item.value, int) and not isinstance(item.value, bool):
                return item.value
            case "percent" if isinstance(item.value, int | float) and not isinstance(item.value, bool):
                return _percent(item.value)
            case "Money":
                return parse_money(item.text())
            case "duration":
                return parse_duration(item.text())
            case "string":
                return item.text()
    except ValueError as error:
        item.add("bad_value", f"{error}.", 'Write money as "12.30 EUR" and durations as 5d or 36h.')
        return None
    item.add("bad_value", f"`{item.value}` is no {kind}.", "Write a number, without quotes.")
    return None
