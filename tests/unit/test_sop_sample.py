"""An example from a recorded decision: the same decision, other people."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from recording_builders import recorded
from sop_builders import NOW, PARAMETERS, RETURN, STRANGER, VOCABULARY, WORKER, line, order, playbook

from caseworker.core.errors import PlaybookError
from caseworker.core.refs import Ref
from caseworker.sop.examples import run_examples, run_text
from caseworker.sop.load import load
from caseworker.sop.model import Found, Playbook, Progress
from caseworker.sop.recorded import Recording
from caseworker.sop.sample import Sample, sample_of

ANSWERS = {"items": ["l1"], "return_reason": "changed_mind"}
PRIVATE = order(
    ref=Ref("base", "order", "778812", "v3"),
    number="NW-2026-778812",
    email="Maria.Huber@private.example",
    address={"street": "Lindenallee 14", "postcode": "80331", "city": "Ingolstadt", "country": "DE"},
    lines=[line(1, title="Lamp for Maria", id="778812-1"), line(2, id="778812-2")],
)
MARIA = {"address": "maria.huber@private.example", "verified": True}


def sample(recording: Recording, book: Playbook) -> Sample:
    made = sample_of(recording, book, VOCABULARY)
    assert run_text(made.text, book, VOCABULARY).problem == "", made.text
    return made


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def test_it_decides_the_same_in_the_playbook_and_names_nobody() -> None:
    book = playbook()
    answers = {**ANSWERS, "items": ["778812-1"], "order_number": "nw 2026 778812", "postcode": "D-80331"}
    made = sample(recorded(book, sender={**MARIA, "verified": False}, found={"order": PRIVATE}, answers=answers), book)
    with_it = load({**book.files, "examples/made.yaml": made.text})
    [result] = run_examples(with_it, VOCABULARY).results
    assert (result.problem, result.decision.rule if result.decision else "") == ("", "accept")
    own = set(texts(PRIVATE)) | {"778812", "nw 2026 778812", "D-80331", "80331", "Huber", "maria"}
    shared = {"delivered", "DE", "l1", "l2"}
    for text in own - shared:
        assert text.casefold() not in made.text.casefold(), text


def test_the_same_value_has_the_same_stand_in_and_spellings_stay() -> None:
    book = playbook(worker=WORKER + 'order_numbers: ["NW-2026-######"]\n')
    answers = {**ANSWERS, "items": ["778812-1"], "order_number": "nw 2026 778812", "postcode": "D-80331"}
    text = sample(recorded(book, sender=STRANGER, found={"order": PRIVATE}, answers=answers), book).text
    [number] = re.findall(r"number: NW-2026-(\d{6})\n", text)
    assert f"nw 2026 {number}" in text
    [postcode] = re.findall(r'postcode: "?(\d{5})"?[,}]', text)
    assert f"D-{postcode}" in text
    assert postcode != "80331"


@pytest.mark.parametrize(
    "number", ["HUBER-1", "huber1x2", "1", "id", "example", "customer1", "words 1", "M.HUBER/80331", "ÄÖÜ-9"]
)
def test_nothing_of_a_number_stays_but_its_form(number: str) -> None:
    """Letters of a number may be a name, and a value may look like a stand-in; the search for one ends all the same."""
    book = playbook()
    record = {**PRIVATE, "number": number, "ref": f"base:order:{number}"}
    text = sample(recorded(book, sender=MARIA, found={"order": record}, answers={**ANSWERS, "order_number": number}), book).text
    facts = text[text.index("facts:") : text.index("expect:")]
    assert "huber" not in facts.casefold()
    assert "80331" not in facts
    assert f"number: {number}\n" not in facts


def test_only_what_the_decision_looked_at_is_kept() -> None:
    book = playbook()
    text = sample(recorded(book, sender=MARIA, found={"order": {**PRIVATE, "status": "paid"}}), book).text
    assert "status: paid" in text
    for field in ("title", "street", "shipments", "total", "placed_at"):
        assert field not in text, field


def test_dates_move_together_by_whole_weeks() -> None:
    book = playbook()
    text = sample(recorded(book, sender=MARIA, found={"order": PRIVATE}, answers=ANSWERS | {"items": ["778812-1"]}), book).text
    assert str(NOW.date()) not in text
    moved = NOW - timedelta(weeks=8)
    assert f'now: "{moved:%Y-%m-%dT%H:%M:%S}Z"' in text
    assert f'delivered_at: "{moved - timedelta(days=9):%Y-%m-%dT%H:%M:%S}Z"' in text


def test_dates_stay_in_a_season_that_decides_and_it_is_said_where_they_cannot_move() -> None:
    narrow = PARAMETERS.replace("from: 2026-12-01, to: 2027-01-31", "from: 2026-11-25, to: 2026-11-25")
    book = playbook(parameters=narrow)
    late = {**PRIVATE, "delivered_at": NOW - timedelta(days=40)}
    made = sample(recorded(book, sender=MARIA, found={"order": late}, answers=ANSWERS | {"items": ["778812-1"]}), book)
    assert made.rule == "accept"
    assert "2026-11-25" in made.text
    assert "dates are those of the case" in made.notes[0]


def test_questions_look_ups_without_result_and_refusals_become_progress() -> None:
    book = playbook()
    asked = sample(recorded(book, sender=STRANGER), book).text
    assert "moves: [ask order_number items return_reason postcode]" in asked
    nothing = recorded(
        book,
        sender=MARIA,
        found={"order": Found(())},
        answers={"order_number": "NW-9"},
        progress=Progress(asked={"order_number": 2}),
    )
    text = sample(nothing, book).text
    assert "asked: {order_number: 2}" in text
    assert "found: {order: []}" in text
    refused = sample(
        recorded(book, sender=MARIA, found={"order": Found((), "not_found")}, answers={"order_number": "NW-9"}), book
    )
    assert "found: {order: {refused: not_found}}" in refused.text
    several = sample(recorded(book, sender=MARIA, found={"order": [PRIVATE, order(number="NW-2")]}), book)
    assert "moves: [ask order_number items return_reason]" in several.text


def test_receipts_refusals_and_a_yes_are_kept() -> None:
    book = playbook()
    failed = {"rma": {"code": "invalid_state", "message": "Maria's parcel is too old"}}
    answers = ANSWERS | {"items": ["778812-1"]}
    progress = Progress(fired=("accept",))
    text = sample(
        recorded(book, sender=MARIA, found={"order": PRIVATE}, answers=answers, failed=failed, progress=progress), book
    ).text
    assert "code: invalid_state" in text
    assert "Maria" not in text
    assert "fired: [accept]" in text
    confirmed = RETURN.replace("    meanwhile: being_registered", "    confirm: shown\n    meanwhile: being_registered")
    asks = playbook(sop=confirmed)
    yes = Progress(confirmed={"accept": True}, shown={"accept": "something that is different now"})
    again = sample(recorded(asks, sender=MARIA, found={"order": PRIVATE}, answers=answers, progress=yes), asks).text
    assert "moves: [confirm shown]" in again
    assert "shown: {accept: something else}" in again


def test_a_decision_that_hangs_on_a_private_value_is_refused() -> None:
    rules = RETURN.replace('when: order.status != "delivered"', 'when: order.number.endsWith("8812")')
    book = playbook(sop=rules)
    with pytest.raises(PlaybookError, match="without its real values"):
        sample_of(recorded(book, sender=MARIA, found={"order": PRIVATE}), book, VOCABULARY)
