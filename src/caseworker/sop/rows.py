"""From a row that holds to its moves, in the order do, reply, promise, wait, escalate or resolve."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from caseworker.core.facts import canonical
from caseworker.core.money import Money
from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.values import Fault, Unknown, trouble
from caseworker.sop.model import (
    Act,
    ActSpec,
    Confirm,
    Escalate,
    Move,
    Procedure,
    Progress,
    Promise,
    PromiseSpec,
    Resolve,
    Row,
    Say,
    Vocabulary,
    Wait,
    WaitSpec,
)
from caseworker.sop.scope import Scope


def condition(row: Row, scope: Scope, progress: Progress) -> object:
    """Whether a row may fire: True, False, Unknown or Fault. A refused confirmation makes it false."""
    if row.confirm and progress.confirmed.get(row.name) is False:
        return False
    holds = evaluate(row.when, scope) if row.when else True
    if holds is False or isinstance(holds, Fault):
        return holds
    sure: object = True
    if row.confidence:
        found = evaluate("request.confidence", scope)
        sure = found if isinstance(found, Unknown | Fault) else isinstance(found, int | float) and found >= row.confidence
    if sure is False:
        return False
    wrong = trouble(holds, sure)
    if wrong is None and holds is not True:
        return Fault("the condition is not true or false")
    return wrong or True


def moves(
    row: Row, scope: Scope, *, procedure: Procedure, progress: Progress, vocabulary: Vocabulary, now: datetime, fallback: str
) -> tuple[Move, ...] | Unknown | Fault:
    """The moves of a row that holds; Unknown or Fault where something in it cannot be computed (yet)."""
    acts = [_act(spec, scope, vocabulary) for spec in row.do]
    promise = _promise(row.promise, scope, procedure) if row.promise else None
    wrong = trouble(*acts, promise)
    if wrong is not None:
        return wrong
    found: list[Move] = [act for act in acts if isinstance(act, Act)]
    if row.confirm:
        shown = _shown(acts)
        if progress.confirmed.get(row.name) is not True or progress.shown.get(row.name, shown) != shown:
            return (Confirm(row.confirm, shown),)
    if row.reply:
        found.append(Say(row.reply))
    if isinstance(promise, Promise):
        found.append(promise)
    if row.wait:
        found.append(entering(row.wait, scope, now))
    if row.escalate_because:
        found.append(Escalate(row.escalate_queue or fallback, row.escalate_because))
    if row.resolve:
        found.append(Resolve(row.resolve))
    return tuple(found)


def _shown(acts: Sequence[object]) -> str:
    """A fingerprint of what acts do to which records, and of the money; what else changes meanwhile is not part of it."""
    told = [
        {"operation": act.operation, "with": _named_records(act.arguments), "amount": act.amount}
        for act in acts
        if isinstance(act, Act)
    ]
    return hashlib.sha256(canonical(told).encode()).hexdigest()[:16]


def _named_records(value: object) -> object:
    if isinstance(value, Mapping):
        name = value.get("ref") or value.get("id")
        return str(name) if name else {key: _named_records(item) for key, item in value.items()}
    return [_named_records(item) for item in value] if isinstance(value, list | tuple) else value


def entering(spec: WaitSpec, scope: Scope, now: datetime) -> Wait:
    """A wait that begins now; it looks at once where the condition holds already."""
    if evaluate(spec.until, scope) is True:
        return Wait(now, now + spec.at_most)
    return waiting(spec, since=now, now=now)


def waiting(spec: WaitSpec, *, since: datetime, now: datetime) -> Wait:
    """An open wait: the next look is one interval away, never after the deadline."""
    deadline = since + spec.at_most
    return Wait(min(now + spec.every, deadline), deadline)


def _act(spec: ActSpec, scope: Scope, vocabulary: Vocabulary) -> Act | Unknown | Fault:
    operation = vocabulary.operations.get(spec.operation)
    if operation is None:
        return Fault(f"there is no operation {spec.operation}")
    arguments: dict[str, object] = {}
    problems: list[object] = []
    for name, source in spec.arguments.items():
        value = evaluate(source, scope)
        if isinstance(value, Fault) and value.absent and name not in operation.required:
            continue
        if isinstance(value, Unknown | Fault):
            problems.append(value)
        arguments[name] = value
    amount = _amount(operation.money, arguments, scope)
    lacking = operation.required - set(arguments)
    if lacking:
        problems.append(Fault(f"{spec.operation} lacks {', '.join(sorted(lacking))}"))
    return trouble(*problems, amount) or Act(spec.name, spec.operation, arguments, amount)


def _amount(money: str, arguments: Mapping[str, object], scope: Scope) -> object:
    """What the act may move: an argument, or a fact where the system decides it. Anything but Money is a Fault."""
    if not money:
        return None
    value = arguments[money] if money in arguments else evaluate(money, scope)
    if isinstance(value, Money | Unknown | Fault):
        return value
    return Fault(f"the amount {money} is no money")


def _promise(spec: PromiseSpec, scope: Scope, procedure: Procedure) -> Promise | Unknown | Fault:
    amount = evaluate(spec.amount, scope) if spec.amount else None
    due = evaluate(spec.by, scope)
    bound = {name: scope.get(name) for name in _named(spec.kept_when, procedure)}
    wrong = trouble(amount, due, *bound.values())
    if wrong is not None:
        return wrong
    if not isinstance(due, datetime):
        return Fault(f"the promise {spec.what} is due at no time")
    return Promise(what=spec.what, amount=amount, due=due, kept_when=spec.kept_when, bound=bound)


def _named(source: str, procedure: Procedure) -> list[str]:
    """Named facts that a condition uses."""
    try:
        roots = {path.split(".")[0] for path in paths(parse(source))}
    except CelError:
        return []
    return sorted(roots & set(procedure.facts))
