"""Attacks through a playbook of one's own: guessed proofs, limits of an owner, an amount that changes after the yes."""

import copy
from collections import Counter
from pathlib import Path

import pytest
from house import House, open_house, reading

from caseworker.app.playbooks import shipped
from caseworker.sop.languages import only
from caseworker.sop.load import read_folder

FIND = "{find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}"
OWN_FIND = "{find: orders.find, with: {email: request.customer_email}, ask: customer_email}"
OWN_PROOF = """verify:
  owner: order
  proof: {postcode: order.address.postcode, customer_email: order.email}
"""
REFUND = """sop: goodwill
title: Gives 40 EUR back
intents: [refund_please]
needs:
  NAME: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
verify: owner(NAME)
rules:
  - rule: pay
    when: NAME.refundable > zero(NAME.refundable)
    do: [{payments.refund: {payment: "NAME.payments[0].ref", amount: 'money("40.00 EUR")'}}]
    reply: cancel_kept
    resolve: resolved
  - otherwise: rest
    escalate: {queue: general, because: not_covered}
"""


def _playbook(folder: Path, changes: dict[str, tuple[str, str]], added: dict[str, str]) -> str:
    files = {
        path: text for path, text in only(read_folder(shipped("retail")), ("en",)).items() if not path.startswith("examples/")
    }
    for path, (old, new) in changes.items():
        assert old in files[path], path
        files[path] = files[path].replace(old, new)
    for path, text in added.items():
        files[path] = files.get(path, "") + text
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return str(folder)


def _own_proofs(folder: Path) -> str:
    added = {
        "questions.yaml": "\ncustomer_email: {kind: email}\n",
        "replies/ask_customer_email/en.md": "---\nsubject: x\n---\nWhich address did you order with?\n",
    }
    path = "sops/cancel.yaml"
    folder_name = _playbook(folder, {path: (FIND, OWN_FIND)}, added)
    text = (folder / path).read_text()
    (folder / path).write_text(text.replace("verify: owner(order)\n", OWN_PROOF))
    return folder_name


@pytest.mark.parametrize("senders", [1, 12])
async def test_proofs_of_ones_own_are_not_guessed(database_url: str, tmp_path: Path, senders: int) -> None:
    async with open_house(database_url, tmp_path, readings={}, playbook=_own_proofs(tmp_path / "playbook")) as house:
        orders = Counter(order["email"] for order in house.shop["orders"])
        order = next(o for o in house.shop["orders"] if o["state"] in ("paid", "processing") and orders[o["email"]] == 1)
        guesses = [f"{number:05d}" for number in range(10000, 10011)]
        for number, guess in enumerate([*guesses, order["address"]["postcode"]]):
            subject = f"cancel {number:03d}"
            fields = {"customer_email": order["email"], "postcode": guess}
            house.readings[subject] = reading("cancel_order", fields=fields)
            await house.mail(subject, f"Cancel it {number}.", sender=f"m{number % senders}@evil.example")
            await house.work()
        record = await house.sandbox.record("base", "orders", order["id"])
        assert record["state"] == order["state"]
        assert not [text for text in house.outbox.texts if order["number"] in text]


async def test_numbers_that_do_not_exist_are_not_tried_for_ever(house: House) -> None:
    order = next(o for o in house.shop["orders"] if o["state"] == "paid")
    asked = []
    for number, name in enumerate([*(f"NW-2026-99{n:04d}" for n in range(8)), order["number"]]):
        subject = f"where {number:03d}"
        house.readings[subject] = reading("where_is_my_order", fields={"order_number": name})
        await house.mail(subject, f"Where is it {number}?", sender="mallory@evil.example")
        await house.work()
        asked.append("postcode" in house.outbox.texts[-1])
    assert asked[-2:] == [True, True], "after some tries there is no telling which numbers exist"


@pytest.mark.parametrize("name", ["order", "purchase"])
async def test_the_limit_of_a_day_is_the_owners_by_any_name(database_url: str, tmp_path: Path, name: str) -> None:
    playbook = _playbook(
        tmp_path / "playbook",
        {"guardrails.yaml": ('per_customer_day: ["300.00 EUR"', 'per_customer_day: ["50.00 EUR"')},
        {
            "sops/goodwill.yaml": REFUND.replace("NAME", name),
            "intents.yaml": "\nrefund_please: {description: wants money, examples: {en: [give me money back]}}\n",
        },
    )
    async with open_house(database_url, tmp_path, readings={}, playbook=playbook) as house:
        paid = [
            o for o in house.shop["orders"]
            if o["state"] == "delivered" and len(o["payments"]) == 1 and not o["returns"] and o["currency"] == "EUR"
            and float(o["payments"][0]["captured"]) > 60 and not float(o["payments"][0].get("refunded") or 0)
        ][:3]  # fmt: skip
        for number, found in enumerate(paid):
            order = copy.deepcopy(found)
            order["email"] = "owner@victim.example"
            await house.sandbox.put("base", "orders", order)
            subject = f"money {number:03d}"
            fields = {"order_number": order["number"], "postcode": order["address"]["postcode"]}
            house.readings[subject] = reading("refund_please", fields=fields)
            await house.mail(subject, f"Please {number}.", sender=f"s{number}@other.example")
            await house.work()
        done = house.sql("select minor, customer from effects where kind = 'write' and status = 'done'")
        assert [minor for minor, _ in done] == [4000]
        assert "owner@victim.example" in done[0][1]
