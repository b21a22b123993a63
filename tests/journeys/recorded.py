"""Customers of the demo in an installation of the test's own, with a reader that knows what they want."""

import re
from collections.abc import Sequence
from pathlib import Path

from house import AT, House, reading

from caseworker import playbooks
from caseworker.commerce.adapters.sandbox import generate
from caseworker.core.facts import load
from caseworker.lab import scenario
from caseworker.lab.scenario import Scenario
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.model import Context, Evidence, Field, MailText, Reading, Request

DEMO = Path(playbooks.__file__).parent / "retail" / "demo" / "mails.jsonl"
AT_ONCE = 10  # nothing renews the leases here
_EVIDENCE = Evidence("body", 0, 1, "x")
_NUMBER = re.compile(r"NW-2026-\d{6}")


def scenarios(first: int) -> tuple[Scenario, ...]:
    """The first customers of the demo."""
    return scenario.load(DEMO)[:first]


def knowing_reader(told: Sequence[Scenario]) -> ScriptedReader:
    """Reads in each customer's first mail what the scenario says he wants, and in an answer what he was asked for."""
    by_words = {" ".join(each.mails[0].text.split())[:80]: each for each in told}

    def read(mail: MailText, context: Context) -> Reading:
        found = by_words.get(" ".join(mail.body.split())[:80])
        fields: dict[str, object] = {}
        if number := _NUMBER.search(f"{mail.subject} {mail.body}"):
            fields["order_number"] = number.group()
        if found is not None:
            requests = tuple(Request(r.intent, 0.99, _EVIDENCE, _items(r.lines)) for r in found.expect.requests)
            return _reading(requests, fields)
        for question in context.pending:
            fields.setdefault(question.key, _answer(question.key, question.kind, question.options, mail.body))
        return _reading((), {key: value for key, value in fields.items() if value is not None})

    return ScriptedReader(read)


def _items(lines: tuple[str, ...]) -> dict[str, Field]:
    return {"items": Field("items", lines, 0.99, _EVIDENCE)} if lines else {}


def _answer(key: str, kind: str, options: Sequence[str], words: str) -> object:
    if kind == "choice":
        return options[0]
    simple: dict[str, object] = {
        "yes_no": True,
        "photo": True,
        "quantity": 1,
        "postcode": words.strip().splitlines()[-1],
        "text": words,
    }
    return True if key == "confirm" else simple.get(kind)


def _reading(requests: tuple[Request, ...], fields: dict[str, object]) -> Reading:
    said = {key: Field(key, value, 0.99, _EVIDENCE) for key, value in fields.items()}
    return Reading("en", 0.99, requests, said, 0.0, (), "", "scripted", chaser=False, thanks=False)


async def play(house: House, told: Sequence[Scenario]) -> None:
    """The first mail of each customer, his answers to what he is asked, and a week."""
    await house.sandbox.load(generate(at=AT))
    by_case: dict[int, Scenario] = {}
    for number, each in enumerate(told, start=1):
        mail = each.mails[0]
        taken = await house.mail(mail.subject, mail.text, sender=each.customer.email, auth=mail.auth)
        by_case[taken.case] = each
        if number % AT_ONCE == 0:
            await house.work()
    await house.work()
    await _answers(house, by_case)
    await house.pass_time(step=86_400, until=8 * 86_400)


async def _answers(house: House, by_case: dict[int, Scenario]) -> None:
    letters = {str(letter["To"]).lower(): letter for letter in house.outbox.letters}
    for case, told in by_case.items():
        state = load((await house.file(case)).case.state)
        assert isinstance(state, dict)
        words = "\n".join(told.answers[key][0].text for key in state.get("asking") or () if told.answers.get(key))
        letter = letters.get(told.customer.email.lower())
        if words and letter is not None:
            reference = str(letter["Message-ID"])
            await house.mail(f"Re: {letter['Subject']}", words, sender=told.customer.email, references=reference)
            await house.work()


async def write_about_many_orders(house: House, count: int) -> None:
    """One mail about each of so many orders, with every intent in turn, each question answered in another way."""
    shop = generate(at=AT)
    await house.sandbox.load(shop)
    playbook = house.app.release.playbook
    intents = [name for name in playbook.intents if playbook.procedure_for(name)]
    orders = shop["orders"][:count]
    assert len(orders) == count
    for number, order in enumerate(orders):
        fields: dict[str, object] = {"order_number": order["number"], "items": (order["lines"][0]["id"],)} if number % 7 else {}
        if number % 3:
            options = {key: tuple(question.options) for key, question in playbook.questions.items() if question.options}
            fields |= {key: each[number % len(each)] for key, each in options.items()}
        house.readings[f"mail {number:04}"] = reading(intents[number % len(intents)], fields=fields)
        auth = "none" if number % 5 == 0 else "pass"
        await house.mail(f"mail {number:04}", f"words {number:04}", sender=order["email"], auth=auth)
        if number % AT_ONCE == 0:
            await house.work()
    await house.work()
