"""Who may be told about a record, and for whom may be acted: its owner.

A sender address that the mail server verified and that is the record's proves it. Otherwise the proofs that the procedure
names (order number and postcode, where it says nothing else) have to be those of the record, as the customer wrote them.
Spelling is forgiven (case, blanks, hyphens, a country letter before the postcode), nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.model import Identity, Procedure
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


def naming_key(procedure: Procedure) -> str:
    """The answer that names the record whose owner is asked for: what its look-up asks for, else the first proof."""
    asked = next((need.ask for need in procedure.needs if need.name == procedure.verify), "")
    return asked or next(iter(procedure.proof), NUMBER)


def open_keys(procedure: Procedure, scope: Scope, *, nothing_found: bool) -> tuple[str, ...]:
    """What the sender still has to write while the record is not known.

    A verified sender for whom `nothing_found` came back is asked for what finds it, and for its proofs should it be another
    address's.
    """
    if _section(scope, "sender").get("verified") is True:
        asked = next((need.ask for need in procedure.needs if need.name == procedure.verify), "")
        return (asked,) if nothing_found and asked and not _given(scope, asked) else ()
    return _missing(procedure, scope)


def claims(procedure: Procedure, scope: Scope) -> bool:
    """Whether somebody names a record who is answered the same whether or not there is one.

    That is everybody whose address nobody verified, and who has named too many wrong ones today. A customer whose address is
    verified is told that his number fits nothing: he has mistyped it.
    """
    sender = _section(scope, "sender")
    named = any(_given(scope, key) for key in procedure.proof)
    return named and (sender.get("verified") is not True or sender.get("locked") is True)


def missed(procedure: Procedure, scope: Scope) -> tuple[str, ...]:
    """The answer that names a record that is not there: it counts as a wrong proof, so that nobody tries numbers for ever."""
    name = naming_key(procedure)
    return (name,) if _given(scope, name) else ()


def prove(procedure: Procedure, scope: Scope, record: Mapping[str, object]) -> Proof:
    """Holds the sender against the owner of a record."""
    sender, owner = _section(scope, "sender"), record.get("email")
    known = isinstance(owner, str) and bool(owner.strip()) and sender.get("verified") is True
    if known and _address(sender.get("address")) == _address(owner):
        return Proof("verified")
    values = {key: evaluate(source, scope) for key, source in procedure.proof.items()}
    expected = {key: value for key, value in values.items() if isinstance(value, str) and _plain(value)}
    if len(expected) < procedure.at_least:
        return Proof("unverified", possible=False)
    fitting = sum(_given(scope, key) and _fits(scope, key, value) for key, value in expected.items())
    return _judge(procedure, scope, fits=fitting >= procedure.at_least)


def prove_nothing(procedure: Procedure, scope: Scope) -> Proof:
    """What a wrong number proves: word for word the same as a wrong postcode, so that nobody learns which numbers exist."""
    return _judge(procedure, scope, fits=False)


def _judge(procedure: Procedure, scope: Scope, *, fits: bool) -> Proof:
    """The proofs count together; which of them is wrong is not told."""
    missing, every = _missing(procedure, scope), tuple(dict.fromkeys((naming_key(procedure), *procedure.proof)))
    if missing:
        return Proof("unverified", keys=missing)
    wrong = () if fits else every
    if _section(scope, "sender").get("locked") is True:
        return Proof("unverified", keys=every, wrong=wrong, locked=True)
    return Proof("verified") if fits else Proof("unverified", keys=every, wrong=wrong)


def _missing(procedure: Procedure, scope: Scope) -> tuple[str, ...]:
    """Proofs that the sender has not written, as long as he wrote too few of them."""
    open_ = tuple(key for key in procedure.proof if not _given(scope, key))
    return open_ if len(procedure.proof) - len(open_) < procedure.at_least else ()


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
