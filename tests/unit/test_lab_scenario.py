"""Loading scenarios: what the form allows, and that every mistake is named with its place."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from caseworker.lab.scenario import ScenarioError, load, parse


def line(**changes: object) -> str:
    data: dict[str, object] = {
        "id": "a-001",
        "customer": {"email": "anna.schmidt@example.com", "name": "Anna Schmidt"},
        "mails": [{"subject": "Return", "text": "The shoes are too small.", "after": "0s"}],
        "expect": {"requests": [{"intent": "return_item", "order": None, "lines": [], "outcome": "resolved", "queue": ""}]},
    }
    return json.dumps({**data, **changes})


def test_a_short_scenario_gets_the_usual_values() -> None:
    [scenario] = parse(line())
    assert scenario.mails[0].auth == "pass"
    assert scenario.mails[0].thread == "new"
    assert scenario.expect.requests[0].order == ""
    assert scenario.expect.writes == ()
    assert scenario.tags == ()


def test_answers_are_one_or_several_and_stay_in_the_thread() -> None:
    answers = {
        "order_number": {"text": "NW-2026-104233", "after": "2h"},
        "postcode": [{"text": "20144"}, {"text": "20145", "after": "3d", "thread": "new", "auth": "none"}],
    }
    [scenario] = parse(line(answers=answers))
    [number] = scenario.answers["order_number"]
    assert (number.after, number.thread) == (timedelta(hours=2), "same")
    second = scenario.answers["postcode"][1]
    assert (second.after, second.thread, second.auth) == (timedelta(days=3), "new", "none")


def test_empty_lines_are_skipped_and_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(f"\n{line()}\n\n{line(id='a-002')}\n", encoding="utf-8")
    assert [scenario.id for scenario in load(file)] == ["a-001", "a-002"]


def test_a_missing_file_is_said() -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(Path("/nowhere/set.jsonl"))


def test_a_file_of_other_characters_is_said(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match="not written in UTF-8"):
        load(tmp_path / "set.jsonl")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"id": ' + "9" * 5000 + "}"])
def test_what_cannot_be_read_is_a_mistake_of_its_line(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"set\.jsonl:2: holds a number that is too large, or is nested too deeply"):
        parse(f"\n{text}", name="set.jsonl")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "A 1"}, "set.jsonl:1: id 'A 1'"),
        ({"customer": {"name": "Anna"}}, "set.jsonl:1: customer.email is missing"),
        ({"customer": {"email": "anna"}}, "customer.email 'anna' is no address"),
        ({"mails": []}, "mails holds no mail"),
        ({"mails": [{"subject": "x", "text": "y", "after": "soon"}]}, "mails[0].after 'soon' is no delay"),
        ({"mails": [{"subject": "x", "text": "y", "auth": "maybe"}]}, "mails[0].auth 'maybe' is none of pass, fail, none"),
        ({"mails": [{"subject": "x"}]}, "mails[0].text is missing"),
        ({"answers": {"wish": {"text": "refund", "thread": "old"}}}, "answers.wish.thread 'old'"),
        ({"answers": {"wish": []}}, "answers.wish is an empty list"),
        ({"expect": None}, "expect is missing or no object"),
        ({"expect": {"requests": [{"intent": "x", "outcome": "won"}]}}, "expect.requests[0].outcome 'won' is none of"),
        ({"expect": {"requests": [{"intent": "x", "outcome": "escalated"}]}}, "expect.requests[0].queue is empty"),
        ({"expect": {"writes": [{"operation": "orders.cancel"}]}}, "expect.writes[0].order is missing"),
        ({"tags": "risk"}, "tags 'risk' is no list"),
    ],
)
def test_mistakes_are_named_with_line_and_place(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(line(**changes), name="set.jsonl")
    assert said in str(caught.value)


def test_all_mistakes_of_a_file_are_listed_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse("\n".join([line(), "{", "[]", line(), line(id="a-003", mails=7)]), name="set.jsonl")
    message = str(caught.value)
    for said in ("set.jsonl:2: is no JSON", "set.jsonl:3: is no JSON object", "set.jsonl:4: id 'a-001' is on line 1 already",
                 "set.jsonl:5: mails 7 is no list"):  # fmt: skip
        assert said in message
