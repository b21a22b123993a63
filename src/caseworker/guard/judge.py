"""May the worker do this by itself? Pure: limits, an amount and what was moved before give one verdict."""

from dataclasses import replace

from caseworker.core.money import Money
from caseworker.guard.model import Guardrails, Limit, Totals, Verdict

_STRICTNESS = ("allowed", "needs_approval", "forbidden")


def judge(
    guardrails: Guardrails, action: str, *, moves_money: bool, amount: Money | None = None, totals: Totals | None = None
) -> Verdict:
    """The verdict on one write.

    `amount` is the most that the action may move, None where that is not known. `totals` are in the amount's currency and
    leave this action out; without them nothing was moved before. Money in a currency that the limit does not name is
    forbidden, like an action without a limit. Totals in another currency raise MoneyError. Where the limits of several
    releases count, the stricter verdict does.
    """
    verdicts = [
        _judge(guardrails, limits.get(action), action, moves_money=moves_money, amount=amount, totals=totals)
        for limits in (guardrails.limits, *guardrails.also)
    ]
    return max(verdicts, key=lambda verdict: _STRICTNESS.index(verdict.decision))


def stricter(pinned: Guardrails, live: Guardrails) -> Guardrails:
    """What bounds a case of an older release: queues, words and the rule of publishing as they are live now, and the limits of
    both. An action or a currency that one of them does not name is forbidden there, so it is for the case."""
    if pinned.limits == live.limits:
        return live
    return replace(live, also=({action: _queued(limit, live) for action, limit in pinned.limits.items()},))


def _queued(limit: Limit, live: Guardrails) -> Limit:
    """A limit whose approvals go to a queue that is there."""
    return limit if limit.queue in live.queues else replace(limit, queue="")


def _judge(
    guardrails: Guardrails,
    limit: Limit | None,
    action: str,
    *,
    moves_money: bool,
    amount: Money | None,
    totals: Totals | None,
) -> Verdict:
    if limit is None:
        return Verdict("forbidden", f"{action}: no limit is set") if moves_money else Verdict("allowed", "no limit needed")
    queue = limit.queue or guardrails.default_queue
    broken = _money_broken(limit, amount, totals) if moves_money else ""
    if broken.startswith("!"):
        return Verdict("forbidden", f"{action}: {broken[1:]}", queue)
    broken = broken or _count_broken(limit, totals)
    if broken:
        return Verdict("needs_approval" if limit.above == "approve" else "forbidden", f"{action}: {broken}", queue)
    if limit.always_approve:
        return Verdict("needs_approval", f"{action}: always approved by a person", queue)
    return Verdict("allowed", f"{action}: within its limits")


def _money_broken(limit: Limit, amount: Money | None, totals: Totals | None) -> str:
    """The limit that the amount breaks; with a leading `!` where no person may lift it."""
    if amount is None:
        return "the amount is not known before"
    if amount.minor < 0:
        return "!the amount is negative"
    if amount.minor == 0:
        return ""
    currency, zero = amount.currency, Money(0, amount.currency)
    if currency not in limit.per_action and not limit.always_approve:
        return f"!no limit is set in {currency}"
    for name, limits, before in (
        ("per_action", limit.per_action, zero),
        ("per_case", limit.per_case, totals.case if totals else zero),
        ("per_customer_day", limit.per_customer_day, totals.customer_day if totals else zero),
    ):
        most = limits.get(currency)
        if most is not None and before + amount > most:
            return f"{name} {most}"
    return ""


def _count_broken(limit: Limit, totals: Totals | None) -> str:
    done = totals.count if totals else 0
    if limit.count_per_case is not None and done + 1 > limit.count_per_case:
        return f"count_per_case {limit.count_per_case}"
    return ""
