"""The shipped playbook for all facts: no gap that nobody accepted, no contradiction, a bound for every payment."""

import pytest

from caseworker.app.playbooks import shipped
from caseworker.cli.playbooks import offline
from caseworker.cli.proving import limits_of
from caseworker.sop.prove import Proof, prove


@pytest.fixture(scope="module")
def proofs() -> tuple[Proof, ...]:
    release, _ = offline().examine(shipped("retail"))
    return prove(release.playbook, release.vocabulary, limits_of(release.guardrails))


@pytest.mark.systems
@pytest.mark.timeout(1200)
def test_nothing_is_open_and_everything_is_proved(proofs: tuple[Proof, ...]) -> None:
    assert [proof.procedure for proof in proofs if proof.open] == []
    assert [name for proof in proofs for name in proof.not_proved] == []


@pytest.mark.systems
@pytest.mark.timeout(1200)
def test_every_procedure_that_pays_says_how_much_at_most(proofs: tuple[Proof, ...]) -> None:
    paying = {proof.procedure: proof.payable for proof in proofs if proof.payable}
    assert {"cancel", "damaged_or_missing", "double_charge", "refund_status", "warranty", "where_is_my_order"} <= set(paying)
    for most in paying.values():
        assert [entry.currency for entry in most if entry.alone.amount is None] == []


@pytest.mark.systems
@pytest.mark.timeout(1200)
def test_what_is_said_to_be_unreachable_is(proofs: tuple[Proof, ...]) -> None:
    assert [proof.procedure for proof in proofs if proof.closed and (proof.gaps or proof.accepted)] == []
