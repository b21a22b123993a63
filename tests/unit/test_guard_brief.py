"""What a person is shown."""

from datetime import UTC, datetime

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.guard.brief import Asked, shown, write_brief
from caseworker.sop.model import Act, Decision, Escalate, RowTrace

ORDER = {
    "ref": Ref("base", "order", "7"),
    "number": "N1007",
    "status": "delivered",
    "total": Money(4990, "EUR"),
    "delivered_at": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    "lines": [{"id": "1", "title": "Vase"}],
}


def decision(*moves: object) -> Decision:
    return Decision(
        procedure="return",
        rule="defect",
        moves=moves,  # type: ignore[arg-type]  # the moves are given by the test
        trace=(
            RowTrace("cancelled", "false", {"order.status": "delivered"}),
            RowTrace("defect", "fired", {"reason": "damaged"}),
            RowTrace("later", "not_reached", {}),
        ),
        identity="verified",
        facts={"order": ORDER, "lines": ORDER["lines"], "reason": "damaged"},
    )


def test_a_brief_tells_what_was_asked_found_checked_and_why():
    brief = write_brief(
        decision(Escalate("returns", "defect_after_window")),
        title="Customer wants to send something back",
        asked=[Asked("return_item", "wants to send something back", "the vase is broken", 0.93)],
        words={"defect_after_window": "A defect is reported after the return window."},
        failed={"rma": {"code": "invalid_state", "message": "already in a return"}},
    )
    assert brief.why == "A defect is reported after the return window."
    assert ("order.number", "N1007") in [(line.label, line.value) for line in brief.found]
    assert ("order.delivered_at", "2026-11-02 09:30 UTC") in [(line.label, line.value) for line in brief.found]
    assert ("lines", "Vase") in [(line.label, line.value) for line in brief.found]
    assert [(row.rule, row.verdict) for row in brief.checked] == [("cancelled", "false"), ("defect", "fired")]
    assert brief.refused[0].value == "invalid_state: already in a return"


def test_an_approval_shows_what_would_be_done():
    act = Act("refund", "payments.refund", {"amount": Money(20000, "EUR")}, Money(20000, "EUR"))
    brief = write_brief(decision(act), title="Refund", asked=[], words={}, because="needs_approval")
    assert brief.proposed == ("do payments.refund of 200.00 EUR with amount: 200.00 EUR",)
    assert (brief.because, brief.why) == ("needs_approval", "needs approval")


def test_values_are_shown_as_people_read_them():
    assert shown(True) == "yes"
    assert shown([]) == "none"
    assert shown(ORDER) == "N1007 (delivered)"
    assert len(shown("x" * 500)) == 200
