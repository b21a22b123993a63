"""What programs and pipes get."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from caseworker.app.doctor import Finding, examine, worst
from caseworker.app.words import lines_of
from caseworker.cli.output import print_json, table
from caseworker.core.errors import ConfigurationError
from caseworker.core.money import Money


def test_a_pipe_gets_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    table(("a", "b"), [(1, "two\nlines\tand a tab"), (datetime(2026, 12, 2, 9, 5, tzinfo=UTC), None)])
    assert capsys.readouterr().out == "1\ttwo lines and a tab\n2026-12-02 09:05\t\n"


def test_json_knows_times_amounts_and_dataclasses(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding("disk", "ok", "12 GB free")
    print_json({"at": datetime(2026, 12, 2, tzinfo=UTC), "amount": Money(1050, "EUR"), "findings": [finding]})
    shown = json.loads(capsys.readouterr().out)
    assert shown["at"] == "2026-12-02T00:00:00+00:00"
    assert shown["amount"] == {"$money": [1050, "EUR"]}
    assert shown["findings"][0]["message"] == "12 GB free"


def test_facts_become_labels_and_values() -> None:
    tree = {"order": {"number": "NW-1", "empty": "", "lines": {"a": {"price": Money(100, "EUR"), "deep": {"x": 1}}}}, "n": 0}
    assert lines_of(tree) == [("order.number", "NW-1"), ("n", "0")]
    assert ("a.price", "1.00 EUR") in lines_of({"a": {"price": Money(100, "EUR"), "deep": {"x": 1}}})
    assert ("a.deep", "x 1") in lines_of({"a": {"price": None, "deep": {"x": 1}}})


async def test_a_check_that_fails_is_a_finding() -> None:
    async def fails() -> list[Finding]:
        raise ConfigurationError("No relay.", remedy="Set CASEWORKER_RELAY.")

    async def hangs() -> list[Finding]:
        await asyncio.sleep(60)
        return []

    async def fine() -> list[Finding]:
        return [Finding("python", "ok", "3.11")]

    found = await examine([("relay", fails), ("slow", hangs), ("python", fine)], patience=0.05)
    assert [(f.name, f.verdict) for f in found] == [("relay", "error"), ("slow", "error"), ("python", "ok")]
    assert found[0].advice == "Set CASEWORKER_RELAY."
    assert worst(found) == "error"
    assert worst(found[2:]) == "ok"
