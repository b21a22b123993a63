"""guardrails.yaml and routing.yaml to `Guardrails`."""

from collections.abc import Mapping
from datetime import timedelta

from caseworker.core.money import Money
from caseworker.guard.model import Guardrails, Limit, Queue
from caseworker.sop.cel.functions import parse_money
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.loading.text import Item, Problems, read_yaml
from caseworker.sop.model import Place

GUARDRAILS = "guardrails.yaml"
ROUTING = "routing.yaml"
_AMOUNTS = ("per_action", "per_case", "per_customer_day")
_ABOVE = ("approve", "forbid")
MOST_PEOPLE = 2  # one proposes, another approves


def load(files: Mapping[str, str]) -> Guardrails:
    """From the texts of a playbook by path. Raises PlaybookProblems, each problem with its file and line.

    Without guardrails.yaml no action has a limit, so every action that moves money is forbidden.
    """
    problems = Problems()
    routing = _file(files, ROUTING, problems).keys("because", required=("default_queue", "queues"))
    queues = {name: _queue(name, item) for name, item in _entry(routing, "queues").items()}
    default = routing["default_queue"].text() if "default_queue" in routing else ""
    if default and default not in queues:
        routing["default_queue"].add("unknown_queue", f"There is no queue `{default}`.", _known(queues))
    top = _file(files, GUARDRAILS, problems).keys("actions", "publishing") if GUARDRAILS in files else {}
    limits = {name: _limit(name, item, queues) for name, item in _entry(top, "actions").items()}
    publishing = top["publishing"].keys("people") if "publishing" in top else {}
    people = _whole(publishing["people"], least=1) if "people" in publishing else 1
    if people > MOST_PEOPLE:
        publishing["people"].add("wrong_form", f"{people} people are not possible here.", f"Write 1 or {MOST_PEOPLE}.")
    because = {word: item.text() for word, item in _entry(routing, "because").items()}
    if problems.findings:
        raise PlaybookProblems(problems.findings)
    return Guardrails(limits=limits, queues=queues, default_queue=default, because=because, people=people)


def _file(files: Mapping[str, str], name: str, problems: Problems) -> Item:
    if name not in files:
        problems.add(Place(name, 1), "missing_file", f"There is no {name}.", "Add it to the playbook.")
        return Item({}, Place(name, 1), Problems())
    return read_yaml(name, files[name], problems)


def _entry(keys: Mapping[str, Item], name: str) -> Mapping[str, Item]:
    return keys[name].mapping() if name in keys else {}


def _queue(name: str, item: Item) -> Queue:
    keys = item.keys("service_level", "priority", required=("title",))
    level = keys["service_level"].duration() if "service_level" in keys else timedelta(hours=8)
    return Queue(
        name=name,
        title=keys["title"].text() if "title" in keys else name,
        service_minutes=int(level / timedelta(minutes=1)),
        priority=_whole(keys["priority"], least=0) if "priority" in keys else 1,
    )


def _limit(name: str, item: Item, queues: Mapping[str, Queue]) -> Limit:
    keys = item.keys(*_AMOUNTS, "count_per_case", "above", "always_approve", "queue")
    queue = keys["queue"].text() if "queue" in keys else ""
    if queue and queue not in queues:
        keys["queue"].add("unknown_queue", f"There is no queue `{queue}`.", _known(queues))
    per_action, per_case, per_day = (_amounts(keys[key]) if key in keys else {} for key in _AMOUNTS)
    return Limit(
        action=name,
        per_action=per_action,
        per_case=per_case,
        per_customer_day=per_day,
        count_per_case=_whole(keys["count_per_case"], least=0) if "count_per_case" in keys else None,
        above="forbid" if "above" in keys and keys["above"].word(_ABOVE) == "forbid" else "approve",
        always_approve=keys["always_approve"].flag() if "always_approve" in keys else False,
        queue=queue,
    )


def _amounts(item: Item) -> dict[str, Money]:
    """A list of amounts, one a currency."""
    amounts: dict[str, Money] = {}
    for entry in item.items():
        try:
            amount = parse_money(entry.text())
        except ValueError as error:
            entry.add("bad_money", str(error), 'Write for example "150.00 EUR".')
            continue
        if amount.minor < 0:
            entry.add("bad_money", f"{amount} is negative.", "Write zero or more.")
        if amount.currency in amounts:
            entry.add("duplicate_currency", f"{amount.currency} stands here twice.", "Keep one of them.")
        amounts[amount.currency] = amount
    return amounts


def _whole(item: Item, *, least: int) -> int:
    number = item.number()
    if number != int(number) or number < least:
        item.add("wrong_form", f"{item.text()} is not possible here.", f"Write a whole number from {least}.")
    return int(number)


def _known(queues: Mapping[str, Queue]) -> str:
    return f"Known are {', '.join(sorted(queues)) or 'none; add it to routing.yaml'}."
