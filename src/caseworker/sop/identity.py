"""Who may be told about a record, and for whom may be acted: its owner.

A sender address that the mail server verified and that is the record's proves it. Otherwise the order number and the postcode
that the customer wrote have to be those of the order. Spelling is forgiven (case, blanks, hyphens, a country letter before the
postcode), nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from caseworker.sop.model import Identity
from caseworker.sop.scope import Scope

NUMBER, POSTCODE = "order_number", "postcode"
ATTEMPTS = 2  # how often a question is put before people take over


@dataclass(frozen=True, slots=True)
class Proof:
    """`keys` are what to ask, `wrong` those whose answer does not fit. `possible` is False where no question can help.

    `locked`: too many wrong proofs came before; neither right nor wrong ones count, and nobody is told which they are.
    """

    identity: Identity
    keys: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    possible: bool = True
    locked: bool = False


def open_keys(scope: Scope, *, nothing_found: bool) -> tuple[str, ...]:
    """What the sender still has to write while the record is not known.

    A verified sender for whom `nothing_found` came back is asked for the number, and for its postcode should it be another
    address's.
    """
    if _section(scope, "sender").get("verified") is True:
        return (NUMBER,) if nothing_found and not _given(scope, NUMBER) else ()
    return tuple(key for key in (NUMBER, POSTCODE) if not _given(scope, key))


def claims(scope: Scope) -> bool:
    """Whether somebody whose address nobody verified names a record: he is answered the same whether or not there is one."""
    return _section(scope, "sender").get("verified") is not True and _given(scope, NUMBER)


def prove(scope: Scope, record: Mapping[str, object]) -> Proof:
    """Holds the sender against the owner of a record."""
    sender, owner = _section(scope, "sender"), record.get("email")
    known = isinstance(owner, str) and bool(owner.strip()) and sender.get("verified") is True
    if known and _address(sender.get("address")) == _address(owner):
        return Proof("verified")
    address = record.get("address")
    expected = {NUMBER: record.get("number"), POSTCODE: address.get(POSTCODE) if isinstance(address, Mapping) else None}
    if not all(isinstance(value, str) and _plain(value) for value in expected.values()):
        return Proof("unverified", possible=False)
    fits = all(_given(scope, key) and _fits(scope, key, str(value)) for key, value in expected.items())
    return _judge(scope, fits=fits)


def prove_nothing(scope: Scope) -> Proof:
    """What a wrong number proves: word for word the same as a wrong postcode, so that nobody learns which numbers exist."""
    return _judge(scope, fits=False)


def _judge(scope: Scope, *, fits: bool) -> Proof:
    """Number and postcode count together; which of them is wrong is not told."""
    both = (NUMBER, POSTCODE)
    missing = tuple(key for key in both if not _given(scope, key))
    if missing:
        return Proof("unverified", keys=missing)
    wrong = () if fits else both
    if _section(scope, "sender").get("locked") is True:
        return Proof("unverified", keys=both, wrong=wrong, locked=True)
    return Proof("verified") if fits else Proof("unverified", keys=both, wrong=wrong)


def _section(scope: Scope, name: str) -> Mapping[str, object]:
    value = scope.get(name)
    return value if isinstance(value, Mapping) else {}


def _given(scope: Scope, key: str) -> bool:
    """Written by this customer; what the system found by itself proves nothing."""
    request = _section(scope, "request")
    given = request.get("given")
    written = isinstance(given, Mapping) and given.get(key) is True
    return written and isinstance(request.get(key), str) and bool(_plain(str(request[key])))


def _fits(scope: Scope, key: str, expected: str) -> bool:
    given, wanted = _plain(str(_section(scope, "request")[key])), _plain(expected)
    if key == POSTCODE and wanted[0].isdigit():
        given = re.sub(r"^[A-Z]{1,3}(?=\d)", "", given)  # D-50667, NL 1012 AB
    return given == wanted


def _address(value: object) -> str:
    return str(value).strip().casefold()


def _plain(text: str) -> str:
    return "".join(char for char in text.upper() if char.isalnum())
