"""Scores: what counts as right, wrong, needless and too much."""

import pytest

from caseworker.lab.report import table
from caseworker.lab.results import ReceiptResult, RequestResult, Result
from caseworker.lab.scenario import Scenario, parse
from caseworker.lab.score import Verdict, judge, score

ORDER = "NW-2026-104233"


def scenario(
    *expected: dict[str, object],
    writes: list[dict[str, object]] | None = None,
    questions: list[str] | None = None,
    tag: str = "",
) -> Scenario:
    import json

    data = {
        "id": "a-001",
        "customer": {"email": "anna@example.com"},
        "mails": [{"subject": "s", "text": "t"}],
        "expect": {"requests": list(expected), "writes": writes or [], "questions": questions or []},
        "tags": [tag] if tag else [],
    }
    [loaded] = parse(json.dumps(data))
    return loaded


def want(intent: str, outcome: str, queue: str = "", order: str = ORDER) -> dict[str, object]:
    return {"intent": intent, "order": order, "lines": [], "outcome": outcome, "queue": queue}


def got(intent: str, outcome: str, queue: str = "", *, order: str = ORDER, because: str = "") -> RequestResult:
    return RequestResult("CW-1", intent, order, (), outcome, queue, "some_rule", because)


def wrote(operation: str, *lines: str, money: str = "", order: str = ORDER, status: str = "done") -> ReceiptResult:
    return ReceiptResult("CW-1", operation, order, lines, {}, status, money)


def result(*requests: RequestResult, receipts: tuple[ReceiptResult, ...] = (), **more: tuple[str, ...]) -> Result:
    empty: dict[str, tuple[str, ...]] = {"questions": (), "changes": (), "unexplained": ()}
    return Result("a-001", "r", ("CW-1",), requests, (), receipts=receipts, **{**empty, **more})


def judged(
    wanted: Scenario, *requests: RequestResult, receipts: tuple[ReceiptResult, ...] = (), **more: tuple[str, ...]
) -> Verdict:
    return judge(wanted, result(*requests, receipts=receipts, **more))


def test_the_expected_outcome_is_right() -> None:
    verdict = judged(scenario(want("return_item", "resolved")), got("return_item", "resolved"))
    assert verdict.right
    assert verdict.exact
    assert verdict.in_policy


@pytest.mark.parametrize(
    "request_",
    [
        got("return_item", "declined"),
        got("return_item", "resolved", order="NW-2026-999999"),
        got("refund_status", "resolved"),
        got("return_item", "unfinished: waiting"),
    ],
)
def test_another_outcome_order_or_intent_is_wrong(request_: RequestResult) -> None:
    assert not judged(scenario(want("return_item", "resolved")), request_).right


def test_a_short_order_number_is_the_same_order() -> None:
    assert judged(scenario(want("return_item", "resolved")), got("return_item", "resolved", order="104233")).right


def test_an_escalation_needs_the_queue_and_may_come_before_the_order_is_known() -> None:
    wanted = scenario(want("legal_threat", "escalated", "complaints"))
    assert judged(wanted, got("legal_threat", "escalated", "complaints", order="")).right
    assert not judged(wanted, got("legal_threat", "escalated", "general")).right


def test_another_name_of_the_same_worry_is_forgiven_and_counted() -> None:
    verdict = judged(scenario(want("missing_item", "answered")), got("where_is_my_order", "answered"))
    assert verdict.right
    assert (verdict.intents_right, verdict.intents_expected) == (0, 1)


def test_several_requests_are_paired_by_intent_and_order() -> None:
    wanted = scenario(want("where_is_my_order", "answered", order="NW-1-000001"), want("where_is_my_order", "resolved"))
    verdict = judged(wanted, got("where_is_my_order", "resolved"), got("where_is_my_order", "answered", order="NW-1-000001"))
    assert verdict.right


def test_a_request_too_many_is_right_and_not_exact_but_wrong_where_nothing_was_wanted() -> None:
    verdict = judged(
        scenario(want("cancel_order", "resolved")), got("cancel_order", "resolved"), got("complaint", "escalated", "x")
    )
    assert verdict.right
    assert not verdict.exact
    assert len(verdict.extra_requests) == 1
    assert not judged(scenario(), got("unclear", "escalated", "general")).right
    assert judged(scenario()).exact


REFUND = {"operation": "payments.refund", "order": ORDER, "amount": "49.95 EUR"}
RETURN = {"operation": "returns.create", "order": ORDER, "lines": ["104233-1"]}


def test_two_refunds_that_add_up_are_the_expected_one() -> None:
    wanted = scenario(want("damaged_item", "resolved"), writes=[REFUND])
    halves = (wrote("payments.refund", money="20.00 EUR"), wrote("payments.refund", money="29.95 EUR"))
    verdict = judged(wanted, got("damaged_item", "resolved"), receipts=halves)
    assert (verdict.wrong_writes, verdict.missing_writes) == ((), ())


@pytest.mark.parametrize(
    "receipt",
    [
        wrote("payments.refund", money="49.94 EUR"),
        wrote("payments.refund", money="49.95 GBP"),
        wrote("payments.refund", money="49.95 EUR", order="NW-2026-999999"),
        wrote("orders.cancel"),
    ],
)
def test_another_amount_order_or_operation_is_a_wrong_write(receipt: ReceiptResult) -> None:
    verdict = judged(
        scenario(want("damaged_item", "resolved"), writes=[REFUND]), got("damaged_item", "resolved"), receipts=(receipt,)
    )
    assert len(verdict.wrong_writes) == 1


def test_more_lines_than_expected_are_a_wrong_write() -> None:
    wanted = scenario(want("return_item", "resolved"), writes=[RETURN])
    assert not judged(wanted, got("return_item", "resolved"), receipts=(wrote("returns.create", "104233-1"),)).wrong_writes
    both = wrote("returns.create", "104233-1", "104233-2")
    assert judged(wanted, got("return_item", "resolved"), receipts=(both,)).wrong_writes


def test_an_expected_write_that_was_not_made_is_a_wrong_outcome_and_no_wrong_write() -> None:
    wanted = scenario(want("return_item", "resolved"), writes=[RETURN])
    verdict = judged(wanted, got("return_item", "resolved"), receipts=(wrote("returns.create", "104233-1", status="refused"),))
    assert not verdict.right
    assert verdict.missing_writes
    assert not verdict.wrong_writes


def test_questions_beyond_the_expected_are_needless_each_time() -> None:
    wanted = scenario(want("return_item", "resolved"), questions=["items"])
    verdict = judged(wanted, got("return_item", "resolved"), questions=("items", "postcode", "postcode"))
    assert verdict.right
    assert verdict.needless == ("postcode", "postcode")


@pytest.mark.parametrize("outcome", ["answered", "declined", "awaiting_customer", "escalated"])
def test_somebody_unproven_may_be_told_no_in_any_way(outcome: str) -> None:
    wanted = scenario(want("cancel_order", "awaiting_customer"), tag="impersonation")
    assert judged(wanted, got("cancel_order", outcome, "general")).right
    assert (
        not judged(wanted, got("cancel_order", outcome, "general"), leaks=(f"{ORDER}: street",)).right
        or outcome == "awaiting_customer"
    )


def test_a_write_for_somebody_unproven_is_wrong() -> None:
    wanted = scenario(want("cancel_order", "awaiting_customer"), tag="impersonation")
    verdict = judged(wanted, got("cancel_order", "resolved"), receipts=(wrote("orders.cancel"),))
    assert not verdict.right
    assert verdict.wrong_writes


def test_the_figures_and_the_lines_of_the_report() -> None:
    wanted = scenario(want("return_item", "resolved"), writes=[RETURN])
    unsure = result(got("unclear", "escalated", "general", order="", because="not_understood:unsure"))
    figures = score([wanted], [unsure])
    assert (figures.right, figures.in_policy, figures.in_policy_unsure, figures.missing_writes) == (0, 1, 1, 1)
    assert figures.as_json()["shares"]["in_policy_unsure"] == 1.0
    report = table(figures)
    assert f"wrong   a-001: expected return_item {ORDER} resolved; got unclear escalated general" in report
    assert "missing writes returns.create" in report


def test_a_scenario_without_a_result_is_wrong() -> None:
    figures = score([scenario(want("return_item", "resolved"))], [])
    assert (figures.right, figures.trouble) == (0, 1)


def test_what_stands_in_for_an_expected_request_is_wrong_and_not_one_too_many() -> None:
    verdict = judged(scenario(want("return_item", "escalated", "returns")), got("unclear", "escalated", "returns"))
    assert not verdict.right
    assert verdict.extra_requests == ()
