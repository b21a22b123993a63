"""sops/NAME.yaml: one procedure per file; parts/NAME.yaml: rows that several share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

from caseworker.sop.identity import NUMBER, POSTCODE
from caseworker.sop.loading.parts import Body, Part, Use, write_out
from caseworker.sop.loading.text import Item
from caseworker.sop.model import (
    Accept,
    ActSpec,
    Invariant,
    Need,
    Outcome,
    Place,
    Procedure,
    PromiseSpec,
    Row,
    WaitSpec,
)

OUTCOMES = ("resolved", "declined", "answered", "no_answer")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_VERIFY = re.compile(r"owner\(\s*([a-z_][a-z0-9_]*)\s*\)")
_WAYS = ("find", "look", "choose", "take")
RESERVED = ("now", "message", "request", "sender", "param", "done", "failed", "timed_out", "case", "paid")


def read_procedure(item: Item, parts: Mapping[str, Part]) -> Procedure:
    """One procedure, with the parts that it uses written out. Expressions stay texts; `check` reads them."""
    keys = item.keys("title", "intents", "needs", "verify", "facts", "accept", "never", required=("sop", "rules"))
    needs, facts, places = _names(keys)
    name = keys["sop"].text() if "sop" in keys else ""
    body = Body(item, {need.name: need for need in needs}, facts, places)
    write_out(body, _table(keys["rules"]) if "rules" in keys else (), parts)
    _names_of_rows(body)
    every = tuple(body.needs.values())
    verify = _verify(keys["verify"], every) if "verify" in keys else Verify()
    return Procedure(
        name=name,
        title=_text(keys, "title") or name,
        intents=keys["intents"].texts() if "intents" in keys else (),
        needs=every,
        verify=verify.need,
        proof=verify.proof,
        at_least=verify.at_least,
        facts=body.facts,
        rows=tuple(body.rows),
        place=item.place,
        lines={f"facts.{name}": place.line for name, place in places.items() if place.file == item.place.file}
        | {key: entry.place.line for key, entry in keys.items()},
        fact_places=body.fact_places,
        accept=tuple(_accept(entry) for entry in keys["accept"].items()) if "accept" in keys else (),
        never=read_never(keys["never"]) if "never" in keys else (),
        uses=tuple(body.used),
    )


def read_part(item: Item) -> Part:
    """One part: the rows, needs and facts that procedures share."""
    keys = item.keys("title", "takes", "needs", "facts", "rules", required=("part",))
    needs, facts, places = _names(keys)
    table = _table(keys["rules"]) if "rules" in keys else ()
    for row in table:
        if isinstance(row, Row) and not row.when:
            replace(item, place=row.place).add(
                "otherwise_in_part", "A part has no `otherwise`; the procedure ends the table.", "Give the row a condition."
            )
    return Part(
        name=keys["part"].text() if "part" in keys else "",
        takes=keys["takes"].texts() if "takes" in keys else (),
        needs=needs,
        facts=facts,
        table=table,
        place=item.place,
        lines={f"facts.{name}": place.line for name, place in places.items()},
    )


def _names(keys: Mapping[str, Item]) -> tuple[tuple[Need, ...], dict[str, str], dict[str, Place]]:
    """Needs and named facts, with the places of the facts."""
    needs = tuple(_need(name, entry) for name, entry in keys["needs"].mapping().items()) if "needs" in keys else ()
    facts = keys["facts"].mapping() if "facts" in keys else {}
    for name, entry in facts.items():
        _fact(name, entry)
        if any(need.name == name for need in needs):
            entry.add("duplicate_name", f"`{name}` is a need and a fact.", "Rename one of them.")
    return needs, {name: entry.text() for name, entry in facts.items()}, {name: entry.place for name, entry in facts.items()}


def _accept(item: Item) -> Accept:
    keys = item.keys(required=("gap", "when", "because"))
    return Accept(_text(keys, "gap"), _text(keys, "when"), _text(keys, "because"), item.place)


def read_never(item: Item) -> tuple[Invariant, ...]:
    """Invariants of a procedure, or of all."""
    return tuple(_never(entry) for entry in item.items())


def _never(item: Item) -> Invariant:
    keys = item.keys(required=("never", "when"))
    return Invariant(_text(keys, "never"), _text(keys, "when"), item.place)


def _text(keys: Mapping[str, Item], name: str) -> str:
    return keys[name].text() if name in keys else ""


def _word(name: str, item: Item) -> str:
    """The name of a row or receipt."""
    if not _NAME.fullmatch(name):
        item.add("bad_name", f"{name!r} is no name.", "Use small letters, digits and _, for example `days_since`.")
    return name


def _fact(name: str, item: Item) -> None:
    """The name of a need or named fact; it stands beside the built-in sections."""
    if _word(name, item) in RESERVED:
        item.add("reserved_name", f"`{name}` is the name of a built-in section of facts.", "Choose another name.")


@dataclass(frozen=True, slots=True)
class Verify:
    """Whose record it is, and what proves it beside the sender's address."""

    need: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)
    at_least: int = 0


def _verify(item: Item, needs: tuple[Need, ...]) -> Verify:
    """`owner(order)`, or a mapping with `owner`, `proof` (question: value of the record) and `at_least`."""
    if isinstance(item.value, dict):
        keys = item.keys("at_least", required=("owner", "proof"))
        owner = _text(keys, "owner")
        proof = {key: entry.text() for key, entry in keys["proof"].mapping().items()} if "proof" in keys else {}
        least = int(keys["at_least"].number()) if "at_least" in keys else len(proof)
        if not 1 <= least <= max(len(proof), 1):
            item.add("bad_verify", f"{least} of {len(proof)} proofs cannot fit.", f"Write a number from 1 to {len(proof)}.")
    else:
        found = _VERIFY.fullmatch(item.text().strip())
        owner = found[1] if found else ""
        proof, least = {NUMBER: f"{owner}.number", POSTCODE: f"{owner}.address.postcode"}, 2
    if all(need.name != owner for need in needs):
        item.add("bad_verify", f"`{owner or item.value}` names no need.", "Write for example `verify: owner(order)`.")
        return Verify()
    return Verify(owner, proof, least)


def _need(name: str, item: Item) -> Need:
    _fact(name, item)
    keys = item.keys(*_WAYS, "with", "by", "one_of", "ask", "skip_when", "or_else", "optional", "ask_late")
    ways = [way for way in _WAYS if way in keys]
    if len(ways) != 1:
        item.add("need_way", f"The need `{name}` says {len(ways)} ways to get it.", f"Give exactly one of {', '.join(_WAYS)}.")
    if "choose" in keys and "by" not in keys:
        item.add(
            "missing_key",
            f"`by:` is missing in `{name}`.",
            "Name the answer with the chosen ones, such as `by: request.items`.",
        )
    if "or_else" in keys and not {"take", "ask"} <= set(keys):
        keys["or_else"].add("unknown_key", "`or_else:` belongs to `take` with `ask`.", "Remove it.")
    if "with" in keys and not {"find", "look"} & set(ways):
        keys["with"].add("unknown_key", "`with:` belongs to `find` and `look`.", "Remove it.")
    arguments = keys["with"].mapping() if "with" in keys else {}
    return Need(
        name=name,
        find=_text(keys, "find"),
        look=_text(keys, "look"),
        choose=_text(keys, "choose"),
        take=_text(keys, "take"),
        arguments={key: entry.text() for key, entry in arguments.items()},
        using=_text(keys, "by"),
        one_of=keys["one_of"].texts() if "one_of" in keys else (),
        ask=_text(keys, "ask"),
        skip_when=_text(keys, "skip_when"),
        or_else=_text(keys, "or_else"),
        optional=keys["optional"].flag() if "optional" in keys else False,
        ask_late=keys["ask_late"].flag() if "ask_late" in keys else False,
        place=item.place,
        lines={key: entry.place.line for key, entry in (*keys.items(), *arguments.items())},
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _table(item: Item) -> tuple[Row | Use, ...]:
    return tuple(_use(entry) if "use" in entry.mapping() else _row(entry) for entry in item.items())


def _use(item: Item) -> Use:
    keys = item.keys("when", "with", required=("use",))
    given = keys["with"].mapping() if "with" in keys else {}
    return Use(
        part=_text(keys, "use"),
        when=_text(keys, "when"),
        given={name: entry.text() for name, entry in given.items()},
        place=item.place,
    )


def _names_of_rows(body: Body) -> None:
    """Rows and receipts are known by their names, so these have to be unambiguous."""
    names: set[str] = set()
    acts: dict[str, str] = {}
    for row in body.rows:
        entry = replace(body.item, place=row.place)
        if row.name in names:
            entry.add("duplicate_name", f"Two rows are called `{row.name}`.", "Give each row its own name.")
        names.add(row.name)
        if len({act.name for act in row.do}) < len(row.do):
            entry.add("duplicate_name", f"Two acts of `{row.name}` have one receipt name.", "Name one with `as:`.")
        for act in row.do:  # two rows may share a name where they are two ways to the same act
            if acts.setdefault(act.name, act.operation) != act.operation:
                advice = "Name one with `as:`."
                entry.add("duplicate_name", f"`{act.name}` is the receipt of {acts[act.name]} and of {act.operation}.", advice)


_ROW_KEYS = (
    "when",
    "do",
    "reply",
    "meanwhile",
    "confirm",
    "promise",
    "wait",
    "escalate",
    "resolve",
    "confidence",
    "before",
    "unreachable",
)


def _row(item: Item) -> Row:
    keys = item.keys("rule", "otherwise", *_ROW_KEYS)
    name = _row_name(item, keys)
    escalate = keys["escalate"].keys("queue", required=("because",)) if "escalate" in keys else {}
    confidence = keys["confidence"].number() if "confidence" in keys else 0.0
    if not 0 <= confidence <= 1:
        keys["confidence"].add("bad_value", f"{confidence} is no confidence.", "Write a number from 0 to 1.")
    if "unreachable" in keys and "otherwise" not in keys:
        keys["unreachable"].add("unknown_key", "Only `otherwise` can be said to be unreachable.", "Remove the row instead.")
    if "resolve" in keys and "escalate" in keys:
        item.add("two_ends", f"The row `{name}` resolves and escalates.", "Keep one of them.")
    return Row(
        name=name,
        when="" if "otherwise" in keys else _text(keys, "when"),
        do=tuple(_act(entry) for entry in keys["do"].items()) if "do" in keys else (),
        reply=_text(keys, "reply"),
        meanwhile=_text(keys, "meanwhile"),
        confirm=_text(keys, "confirm"),
        promise=_promise(keys["promise"]) if "promise" in keys else None,
        wait=_wait(keys["wait"]) if "wait" in keys else None,
        escalate_queue=_text(escalate, "queue"),
        escalate_because=_text(escalate, "because"),
        resolve=cast("Outcome", keys["resolve"].word(OUTCOMES)) if "resolve" in keys else "",
        place=item.place,
        confidence=confidence,
        before=keys["before"].texts() if "before" in keys else (),
        unreachable=keys["unreachable"].flag() if "unreachable" in keys else False,
        lines={key: entry.place.line for key, entry in keys.items()},
    )


def _row_name(item: Item, keys: Mapping[str, Item]) -> str:
    if "otherwise" in keys:
        if "rule" in keys or "when" in keys:
            item.add("otherwise_when", "`otherwise` stands with `rule` or `when`.", "Write only `otherwise: name`.")
        if keys["otherwise"].value is None:
            return "otherwise"
        return _word(keys["otherwise"].text(), keys["otherwise"])
    if "rule" not in keys:
        item.add("missing_key", "The row has no name.", "Begin it with `- rule: name`, the last one with `- otherwise: name`.")
        return f"line_{item.place.line}"
    if "when" not in keys and "when" in item.mapping():
        text = f"`when:` of the row `{keys['rule'].value}` is empty."
        item.add("empty_condition", text, 'Write the condition; one that begins with `!` stands in quotes: `when: "!photo"`.')
    elif "when" not in keys:
        item.add(
            "missing_key", f"The row `{keys['rule'].value}` has no `when:`.", "Add its condition; the last row is `otherwise`."
        )
    return _word(keys["rule"].text(), keys["rule"])


def _act(item: Item) -> ActSpec:
    operations = {key: entry for key, entry in item.mapping().items() if key != "as"}
    if len(operations) != 1:
        item.add("one_operation", f"An entry of `do` names {len(operations)} operations.", "Write one operation per `- `.")
        return ActSpec("", {}, "", item.place)
    [(operation, arguments)] = operations.items()
    alias = item.mapping().get("as")
    return ActSpec(
        operation=operation,
        arguments={key: entry.text() for key, entry in arguments.mapping().items()},
        name=_word(alias.text(), alias) if alias else operation.rsplit(".", 1)[-1],
        place=arguments.place,
    )


def _promise(item: Item) -> PromiseSpec:
    keys = item.keys("amount", required=("what", "by", "kept_when"))
    return PromiseSpec(
        what=_text(keys, "what"),
        amount=_text(keys, "amount"),
        by=_text(keys, "by"),
        kept_when=_text(keys, "kept_when"),
        place=item.place,
    )


def _wait(item: Item) -> WaitSpec:
    keys = item.keys("every", required=("until", "at_most", "then"))
    at_most = keys["at_most"].duration() if "at_most" in keys else timedelta(days=7)
    return WaitSpec(
        until=_text(keys, "until"),
        at_most=at_most,
        then=_text(keys, "then"),
        every=keys["every"].duration() if "every" in keys else min(at_most, timedelta(days=1)),
        place=item.place,
    )
