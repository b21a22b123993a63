"""Parameters by country, brand and date."""

from datetime import date

from caseworker.sop.model import Parameter, ParameterValue


def resolve(parameter: Parameter, *, country: str, brand: str, on: date) -> object:
    """The value that holds, or None where none does."""
    row = row_of(parameter, country=country, brand=brand, on=on)
    return row.value if row else None


def row_of(parameter: Parameter, *, country: str, brand: str, on: date) -> ParameterValue | None:
    """The row of parameters.yaml that holds.

    The most specific row wins: one that names country and brand before one of them before none; then one with dates or a season
    before one without; then the one that begins latest; then the one that stands last.
    """
    fitting = [
        (_weight(value), number, value)
        for number, value in enumerate(parameter.values)
        if _fits(value, country=country, brand=brand, on=on)
    ]
    return max(fitting, key=lambda entry: entry[:2])[2] if fitting else None


def depends_on_place(parameter: Parameter) -> bool:
    """Whether any row asks for a country or brand."""
    return any(value.country is not None or value.brand is not None for value in parameter.values)


def _fits(value: ParameterValue, *, country: str, brand: str, on: date) -> bool:
    return (
        value.country in (None, country)
        and value.brand in (None, brand)
        and (value.valid_from is None or value.valid_from <= on)
        and (value.valid_to is None or on <= value.valid_to)
        and (value.season is None or value.season.holds(on))
    )


def _weight(value: ParameterValue) -> tuple[int, int, date]:
    named = (value.country is not None) + (value.brand is not None)
    dated = value.valid_from is not None or value.valid_to is not None or value.season is not None
    return named, int(dated), value.valid_from or date.min
