"""operations.yaml, proofs.yaml and amounts: what no single procedure shows."""

import re
from collections.abc import Iterator

from caseworker.core.money import Money
from caseworker.sop.cel.types import SCALARS, Type, parse_type
from caseworker.sop.checking.environment import currencies
from caseworker.sop.model import Finding, OperationType, Place, Playbook, Vocabulary

FILE = "operations.yaml"
_PARAMETER = re.compile(r"\bparam\.(\w+)")


def check_declared(playbook: Playbook, system: Vocabulary) -> Iterator[Finding]:
    """Types and amounts of declared operations, ranges of facts that do not exist, amounts that lack a currency."""
    known = playbook.vocabulary(system)
    for record, fields in playbook.declared.records.items():
        for name, word in fields.items():
            yield from _known_type(playbook, known, f"{record}.{name}", word)
    for operation in playbook.declared.operations.values():
        for name, word in (*operation.parameters.items(), *operation.receipt.items()):
            yield from _known_type(playbook, known, f"{operation.name} {name}", word)
        if operation.kind == "read":
            yield from _known_type(playbook, known, operation.name, operation.returns)
        yield from _money(playbook, known, operation)
    yield from _ranges(playbook, known)
    yield from _amounts(playbook)


def _place(playbook: Playbook, file: str, words: str) -> Place:
    """The first line of a file that holds a word; the loader keeps no places of single entries here."""
    for number, line in enumerate(playbook.files.get(file, "").splitlines(), 1):
        if words in line:
            return Place(file, number)
    return Place(file, 1)


def _known_type(playbook: Playbook, known: Vocabulary, what: str, word: str) -> Iterator[Finding]:
    found: Type | None = parse_type(word)
    while found and found.item:
        found = found.item
    if found and found.name == "record" and found.of not in known.records:
        offered = ", ".join((*SCALARS, *sorted(known.records)))
        place = _place(playbook, FILE, word)
        text = f"The type `{word}` of {what} is not known."
        yield Finding(place, "error", "unknown_type", text, f"Known are {offered}; or add it under `records:`.")


def _money(playbook: Playbook, known: Vocabulary, operation: OperationType) -> Iterator[Finding]:
    place = _place(playbook, FILE, operation.name)
    amounts = [name for name, word in operation.parameters.items() if word == "Money"]
    if not operation.money:
        if amounts and operation.kind == "write":
            text = f"{operation.name} takes an amount (`{amounts[0]}`) and does not say that it moves money."
            yield Finding(
                place, "warning", "money_unsaid", text, f"Add `money: {amounts[0]}` if it pays, or rename it if it does not."
            )
        return
    if "." not in operation.money and operation.money not in amounts:
        text = f"`money: {operation.money}` names no argument of {operation.name} that is Money."
        yield Finding(
            place, "error", "bad_money", text, "Name the argument with the amount, or a fact such as order.refundable."
        )


def _ranges(playbook: Playbook, known: Vocabulary) -> Iterator[Finding]:
    for entry in playbook.proofs.ranges:
        record, _, path = entry.path.partition(".")
        fields, parts = known.records.get(record, {}), path.split(".")
        for number, part in enumerate(parts):
            word = fields.get(part)
            if word is None:
                text, offered = f"There is no `{entry.path}`.", ", ".join(sorted(fields or known.records))
                yield Finding(entry.place, "error", "unknown_fact", text, f"Write RECORD.FIELD; known here are {offered}.")
                break
            found = parse_type(word)
            while found.item:
                found = found.item
            fields = known.records.get(found.of, {}) if number < len(parts) - 1 else {}


def _amounts(playbook: Playbook) -> Iterator[Finding]:
    every = currencies(playbook)
    procedures = "\n".join(text for path, text in playbook.files.items() if path.startswith(("sops/", "parts/")))
    compared = set(_PARAMETER.findall(procedures))  # an amount that is only shown meets no other
    for parameter in playbook.parameters.values():
        if parameter.type != "Money" or parameter.name not in compared:
            continue
        lacking = every - {value.value.currency for value in parameter.values if isinstance(value.value, Money)}
        if lacking:
            text = f"`{parameter.name}` has no value in {', '.join(sorted(lacking))}; other parameters have one."
            advice = "Add a value for the country that pays in it."
            yield Finding(parameter.place, "warning", "currency_gap", text, advice)
