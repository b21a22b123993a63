"""operations.yaml: operations and records of the retailer's own, beside those that every shop has.

They are typed like built-in ones, so that procedures are checked, proved and tried before a system is connected.
"""

from collections.abc import Mapping

from caseworker.sop.cel.types import parse_type
from caseworker.sop.loading.text import Item, read_each
from caseworker.sop.model import OperationType, Vocabulary

KINDS = ("read", "write")


def read_operations(item: Item) -> Vocabulary:
    """What a playbook declares. A record that exists already gets further fields."""
    keys = item.keys("records", "operations")
    records = read_each(keys["records"], lambda _, fields: _fields(fields)) if "records" in keys else {}
    return Vocabulary(records, read_each(keys["operations"], _operation) if "operations" in keys else {})


def _fields(item: Item) -> dict[str, str]:
    return {name: _type(entry) for name, entry in item.mapping().items()}


def _type(item: Item) -> str:
    word = item.text()
    try:
        parse_type(word)
    except ValueError as error:
        item.add(
            "bad_type", f"{error}.", "Write string, int, bool, Money, time, Ref[NAME], list[NAME], optional[time], enum[a|b]."
        )
        return "any"
    return word


def _operation(name: str, item: Item) -> OperationType:
    keys = item.keys("takes", "gives", "receipt", "money", "charges", "doc", required=("kind",))
    kind = keys["kind"].word(KINDS) if "kind" in keys else "read"
    if "." not in name:
        item.add("bad_name", f"`{name}` is no name of an operation.", "Write thing.action, such as `subscriptions.extend`.")
    takes = keys["takes"].mapping() if "takes" in keys else {}
    if kind == "read" and "gives" not in keys:
        item.add("missing_key", f"`{name}` reads and does not say what.", "Add for example `gives: list[subscription]`.")
    for wrong in ("receipt", "money", "charges") if kind == "read" else ("gives",):
        if wrong in keys:
            keys[wrong].add("unknown_key", f"`{wrong}:` does not belong to an operation that {kind}s.", "Remove it.")
    return OperationType(
        name=name,
        kind="write" if kind == "write" else "read",
        parameters={argument.rstrip("?"): _type(entry) for argument, entry in takes.items()},
        required=frozenset(argument for argument in takes if not argument.endswith("?")),
        returns=_returned(keys) if kind == "read" else "receipt",
        receipt=_fields(keys["receipt"]) if "receipt" in keys and kind == "write" else {},
        money=_amount(keys) if kind == "write" else "",
        charges="charges" in keys,
    )


def _amount(keys: Mapping[str, Item]) -> str:
    """What carries the amount, whoever pays it."""
    if "money" in keys and "charges" in keys:
        keys["charges"].add("two_directions", "The amount is paid by one side only.", "Keep `money:` or `charges:`.")
    return next((keys[key].text() for key in ("money", "charges") if key in keys), "")


def _returned(keys: Mapping[str, Item]) -> str:
    return _type(keys["gives"]) if "gives" in keys else "any"
