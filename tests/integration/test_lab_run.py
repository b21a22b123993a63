"""Three customers played against a whole installation: SMTP in, real shop, SMTP out, days in seconds."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caseworker.bootstrap import Overrides
from caseworker.commerce.adapters.sandbox import generate
from caseworker.lab.run import Progress, run_scenarios
from caseworker.lab.scenario import Scenario, parse
from caseworker.lab.score import score
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Context, Evidence, Field, MailText, Reading, Request
from caseworker.settings import Settings
from caseworker.testing.drive.inprocess import open_inprocess

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
EVIDENCE = Evidence("body", 0, 1, "x")


def read(mail: MailText, context: Context) -> Reading:
    """A reader that knows cancels, order numbers, and the answer to the question for a postcode."""
    fields: dict[str, Field] = {}
    requests: tuple[Request, ...] = ()
    if any(question.key == "postcode" for question in context.pending):
        fields["postcode"] = Field("postcode", mail.body.strip().splitlines()[0], 0.99, EVIDENCE)
    elif number := re.search(r"NW-\d{4}-\d{6}", mail.body):
        fields["order_number"] = Field("order_number", number.group(), 0.99, EVIDENCE)
        requests = (Request("cancel_order", 0.99, EVIDENCE),)
    return Reading("en", 0.99, requests, fields, 0.0, (), "", "scripted", chaser=False, thanks=False)


def story(name: str, order: dict[str, Any], outcome: str, **more: Any) -> dict[str, Any]:
    mail = {"subject": "Cancel", "text": f"Please cancel {order['number']}.", "auth": more.pop("auth", "pass")}
    writes = [{"operation": "orders.cancel", "order": order["number"]}] if outcome == "resolved" else []
    expected = {"intent": "cancel_order", "order": order["number"], "outcome": outcome}
    return {
        "id": name,
        "customer": {"email": order["email"], "name": order["address"]["name"]},
        "mails": [mail],
        "answers": more.pop("answers", {}),
        "expect": {"requests": [expected], "writes": writes, "questions": more.pop("questions", [])},
        **more,
    }


def stories(shop: dict[str, Any]) -> tuple[Scenario, ...]:
    open_orders = [
        o for o in shop["orders"] if o["state"] in ("paid", "processing") and float(o["payments"][0]["captured"]) < 200
    ]
    first, second, third = open_orders[:3]
    answers = {"postcode": {"text": second["address"]["postcode"], "after": "2h", "auth": "fail"}}
    told = [
        story("verified", first, "resolved"),
        story("proven", second, "resolved", auth="fail", answers=answers, questions=["postcode"]),
        story("forged", third, "awaiting_customer", auth="fail", questions=["postcode"], tags=["impersonation"]),
    ]
    return parse("\n".join(json.dumps(one) for one in told))


async def test_three_stories_end_as_expected_and_leave_the_shared_shop_alone(postgres_url: str, tmp_path: Path) -> None:
    shop = generate(customers=60, orders=200)
    settings = Settings(data_dir=tmp_path, database_url=postgres_url)
    seen: list[Progress] = []
    async with open_inprocess(settings, maildir=tmp_path / "mail", overrides=Overrides(reader=ScriptedReader(read))) as house:
        await house.sandbox.load(shop)
        scenarios = stories(shop)
        results = await run_scenarios(scenarios, house, at=AT, progress=seen.append)
        figures = score(scenarios, results)
        assert [(v.id, v.exact, v.got, v.problems) for v in figures.verdicts if not v.exact] == []
        verified, proven, forged = results
        assert verified.verified
        assert [reply.replies for reply in verified.replies] == [("cancel_done",)]
        assert proven.questions == ("postcode",)
        assert len(proven.changes) == 1
        assert forged.changes == ()
        assert forged.leaks == ()
        assert forged.requests[0].outcome == "awaiting_customer"
        assert house.relay.repeats == {}
    assert (seen[-1].mails, seen[-1].settled) == (4, 3)
    assert (seen[-1].at - AT).days == 7  # the forged mail's question was given up after seven days, in seconds
