"""guardrails.yaml and routing.yaml: what is read, and what is said about mistakes."""

import pytest

from caseworker.core.errors import PlaybookError
from caseworker.core.money import Money
from caseworker.guard.load import load

ROUTING = """
default_queue: general
queues:
  general: {title: General}
  finance: {title: Money, service_level: 4h, priority: 3}
because: {high_value: Too much for a machine.}
"""


def test_limits_and_queues_are_read():
    guardrails = load(
        {
            "routing.yaml": ROUTING,
            "guardrails.yaml": """
actions:
  payments.refund: {per_action: ["150.00 EUR", "650.00 PLN"], per_case: ["300.00 EUR"], above: forbid, queue: finance}
  returns.create: {count_per_case: 2}
""",
        }
    )
    refund = guardrails.limits["payments.refund"]
    assert refund.per_action == {"EUR": Money(15000, "EUR"), "PLN": Money(65000, "PLN")}
    assert refund.per_case == {"EUR": Money(30000, "EUR")}
    assert (refund.above, refund.queue) == ("forbid", "finance")
    assert guardrails.limits["returns.create"].count_per_case == 2
    assert guardrails.queues["finance"].service_minutes == 240
    assert guardrails.queues["general"].service_minutes == 480
    assert guardrails.because["high_value"] == "Too much for a machine."


def test_without_guardrails_nothing_has_a_limit():
    assert load({"routing.yaml": ROUTING}).limits == {}


@pytest.mark.parametrize(
    ("guardrails", "place", "words"),
    [
        ("actions:\n  a.b:\n    per_action: [150 EURO]\n", "guardrails.yaml:3", "150.00 EUR"),
        ('actions:\n  a.b:\n    per_action: ["1.00 EUR", "2.00 EUR"]\n', "guardrails.yaml:3", "twice"),
        ('actions:\n  a.b:\n    per_action: ["-1.00 EUR"]\n', "guardrails.yaml:3", "negative"),
        ("actions:\n  a.b: {above: perhaps}\n", "guardrails.yaml:2", "approve, forbid"),
        ("actions:\n  a.b: {queue: nowhere}\n", "guardrails.yaml:2", "finance, general"),
        ("actions:\n  a.b: {limit: 3}\n", "guardrails.yaml:2", "`limit` is not known"),
        ("actions:\n  a.b: {count_per_case: 1.5}\n", "guardrails.yaml:2", "whole number"),
    ],
)
def test_a_mistake_names_its_line_and_what_to_write(guardrails: str, place: str, words: str):
    with pytest.raises(PlaybookError) as caught:
        load({"routing.yaml": ROUTING, "guardrails.yaml": guardrails})
    assert place in str(caught.value)
    assert words in str(caught.value)


def test_the_default_queue_has_to_exist():
    with pytest.raises(PlaybookError, match=r"routing\.yaml:1: There is no queue `x`"):
        load({"routing.yaml": "default_queue: x\nqueues: {general: {title: General}}\n"})


def test_routing_has_to_be_there():
    with pytest.raises(PlaybookError, match=r"There is no routing\.yaml"):
        load({})
