"""Money: an integer of minor units and an ISO 4217 currency. Two currencies never mix."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.core import get_global
from babel.numbers import get_currency_precision

from caseworker.core.errors import CaseworkerError

_DIGITS = 18  # of the smallest coins: what 64 bits hold, and with them databases and other programs
LARGEST_MINOR = 10**_DIGITS - 1


class MoneyError(CaseworkerError):
    """An amount is not exact, or two currencies meet."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents, pence, grosze) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(f"{self.minor!r} is not a whole number of minor units.", remedy="Give cents, not euros.")
        if not is_currency(self.currency):
            raise MoneyError(f"{self.currency!r} is no ISO 4217 currency.", remedy="Write for example EUR or GBP.")

    @classmethod
    def parse(cls, amount: str | Decimal, currency: str) -> "Money":
        """From major units (`"12.30", "EUR"`); an amount with more places than the currency has is refused."""
        if not is_currency(currency):
            raise MoneyError(f"{currency!r} is no ISO 4217 currency.", remedy="Write for example EUR or GBP.")
        try:
            number = Decimal(amount)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise MoneyError(f"{amount!r} is no amount.", remedy="Write for example 12.30.")
        if number.adjusted() + exponent(currency) >= _DIGITS:  # before it is written out: 1e999999 is a million digits
            raise MoneyError(f"{str(amount)[:_DIGITS]}... {currency} is too large an amount.", remedy="Write a smaller one.")
        scaled = number.scaleb(exponent(currency))
        exact = scaled.to_integral_value()
        if exact != scaled:
            raise MoneyError(f"{amount} {currency} has more decimals than the currency.", remedy="Round it at the source.")
        return cls(int(exact), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, count: int) -> "Money":
        if type(count) is not int:
            raise MoneyError(f"Money times {count!r} is not exact.", remedy="Use percent() for shares of an amount.")
        return Money(self.minor * count, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError(f"{self} and {other} are not of one currency.", remedy="Compare amounts of one currency.")
        return other.minor


def exponent(currency: str) -> int:
    """How many decimals a currency has: EUR 2, JPY 0, KWD 3. From the ISO 4217 table that Babel carries."""
    return get_currency_precision(currency)


def is_currency(code: object) -> bool:
    """True for an ISO 4217 code that is or was in use."""
    return isinstance(code, str) and len(code) == 3 and code in get_global("all_currencies")
