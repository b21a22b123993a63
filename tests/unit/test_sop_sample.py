"""An example from a recorded decision: the same decision, other people."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from recording_builders import recorded
from sop_builders import NOW, PARAMETERS, QUESTIONS, RETURN, STRANGER, VOCABULARY, WORKER, line, order, playbook

from caseworker.core.errors import PlaybookError
from caseworker.core.refs import Ref
from caseworker.sop.examples import run_examples, run_text
from caseworker.sop.load import load
from caseworker.sop.loading.text import Item, Problems, read_yaml
from caseworker.sop.model import Found, Playbook, Progress
from caseworker.sop.recorded import Recording
from caseworker.sop.sample import Sample, sample_of
from caseworker.sop.standins import StandIns

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


# -- a case whose systems write anything anywhere ----------------------------------------------------------------------

WORKER_WITH_FORM = WORKER + 'order_numbers: ["NW-2026-######"]\n'
OPERATIONS = """
records:
  order:
    code: string
    carrier: string
    raw_state: string
    contact: name_and_phone
    account: int
    place: double
    grams: int
    details: map[string]
  name_and_phone: {name: string, phone: string, mobile: int}
operations: {}
"""
LOOKS = """
rules:
  - rule: looks
    when: >-
      order.number == "none" || order.code.startsWith("GC-") || order.carrier == "none" || order.raw_state == "held" ||
      order.contact.name == "none" || order.contact.phone == "none" || order.contact.mobile == 7 || order.account == 4 ||
      order.place == 100.0 || order.account == 5 || order.address.street == "none" || order.address.city == "none" ||
      order.address.postcode == "none" || order.lines.exists(l, l.id == "none" || l.title == "none")
    reply: return_not_yet
    resolve: answered
  - rule: heavy
    when: order.grams > 20000 && (order.details[request.topic] == "none" || order.grams > 30000)
    reply: return_not_yet
    resolve: answered
"""
OURS = "https customer example com street sampletown words sample muster specimen alex kim robin sam return item delivered shop"


def looking() -> Playbook:
    """A playbook that looks at every field, so that each of them stands in the example."""
    sop = RETURN.replace("\nrules:", LOOKS.rstrip())
    return playbook(sop=sop, worker=WORKER_WITH_FORM, questions=QUESTIONS + "topic: {kind: text}\n", operations=OPERATIONS)


def written(text: str, **more: Any) -> Recording:
    """A case in which one text stands everywhere."""
    record = {
        **PRIVATE,
        "number": text,
        "ref": Ref("base", "order", text, "v3"),
        **dict.fromkeys(("code", "carrier", "raw_state"), text),
        "contact": {"name": text, "phone": text, "mobile": 49_170_778812},
        "account": 778812,
        "place": 52.52778812,
        "grams": 25_000,
        "details": {text: text},
        "address": {**dict.fromkeys(("street", "postcode", "city"), text), "country": "DE"},
        "lines": [line(1, id=text, title=text), line(2, id=f"{text}-2", title=text)],
    }
    answers = {**ANSWERS, "items": [text], "order_number": text, "topic": text} | more.pop("answers", {})
    return recorded(looking(), sender=MARIA, found={"order": {**record, **more}}, answers=answers)


def shown(text: str) -> list[str]:
    """Every text, key and number of what an example gives, but for times, amounts and quantities."""
    leaves = [str(leaf) for leaf in _leaves(example(text)) if not isinstance(leaf, bool)]
    return [leaf for leaf in leaves if not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d+\.\d\d [A-Z]{3}|25000", leaf)]


def example(text: str) -> Any:
    """What an example gives, as the product reads it."""
    [item] = read_yaml("made.yaml", text, Problems()).items()
    return _plain({name: part for name, part in item.mapping().items() if name in ("facts", "progress")})


def _plain(value: Any) -> Any:
    value = value.value if isinstance(value, Item) else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from _leaves(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value


def groups(text: str) -> set[str]:
    return set(re.findall(r"\d{3,}|[^\W\d_]{3,}", unicodedata.normalize("NFKC", text).casefold()))


def told(original: str, text: str) -> list[tuple[str, str]]:
    """The groups of an original that stand in an example although neither the playbook nor we say them."""
    ours = groups(OURS) | groups(WORKER_WITH_FORM + OPERATIONS + LOOKS + RETURN + QUESTIONS)
    ours |= {group for fields in VOCABULARY.records.values() for field in fields for group in groups(field)}
    return [
        (group, leaf)
        for leaf in shown(text)
        for group in groups(original) - ours
        if any(group in run for run in groups(leaf) - ours)
    ]


HOSTILE = [
    *(
        "1",
        "a",
        "id",
        "ids",
        "example",
        "customer",
        "words",
        "Words 1",
        "com",
        "id-01",
        "1 2 3",
        "***",
        "ÄÖÜ-9",
        "½",
        "x" * 500,
    ),
    *(
        "HUBER-1",
        "huber1x2",
        "M.HUBER/80331",
        "Huber_80331",
        "MARIA HUBER",
        "maria.huber",
        "Huber",
        "H\u00fcbner-Stra\u00dfe 7",
    ),
    *("customer1@example.com", "customer12@example.com", "https://shop.test/huber/778812", "huber@private.test", "@huber"),
    *("Alex Example", "Example Street 1", "Sampletown 1", "100001", "NW-2026-100001", "NW-2026-778812", "nw 2026 778812"),
    *(
        "NW2026778812",
        "NW\u20132026\u2013778812",
        "77\u200b88\u200b12345",
        "\uff17\uff17\uff18\uff18\uff11\uff12",
        "12345",
        "BCDEF",
    ),
    *(
        "+49 (170) 77 88 12",
        "DE89 3704 0044 0532 0130 00",
        "1987-04-12",
        "80331 Ingolstadt",
        "SW1A 2HU",
        "7" * 400,
        "GC-HUBER-7788",
    ),
    *(
        "\u0418\u0432\u0430\u043d\u043e\u0432-77",
        "\u5c71\u7530\u592a\u90ce1",
        "\u0928\u092e\u0938\u094d\u0924\u0947-1",
        "Jose\u0301-7788",
        "null",
        "true",
        "1e5",
        "0x1F",
        ": {",
        "#",
    ),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_stands_in_a_case_nothing_of_it_stands_in_the_example(text: str) -> None:
    """Numbers, codes, names, single words, keys, whole numbers: in any field, and the search for stand-ins ends."""
    recording = written(text)
    made = sample(recording, looking())
    assert made.rule == recording.decision.rule
    assert told(f"{text} 778812 49170778812 52778812", made.text) == []
    record = example(made.text)["facts"]["order"]
    assert text not in [*record.get("details", ()), *(record.get(name) for name in ("number", "code", "carrier", "raw_state"))]


LETTERS = st.sampled_from(
    ["Zquorx", "wyvern", "QAZPLUM", "\u00dcml\u00e4ut", "\u0418\u0432\u0430\u043d", "a", "Id", "NW", "GC", "Example"]
)
DIGITS = st.integers(0, 10**9).map(str)
SEPARATORS = st.sampled_from(["", " ", "-", "/", ".", "_", "\u2013", "\u200b", "@", ":", "\n"])
VALUES = st.lists(st.tuples(LETTERS | DIGITS, SEPARATORS), min_size=1, max_size=5).map(
    lambda parts: "".join(group + between for group, between in parts)
)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, st.integers(1000, 10**15))
def test_no_group_of_any_values_stands_in_the_example(one: str, other: str, account: int) -> None:
    """Either none of them stands in it, or no example is made: values that are parts of one another leave no stand-in free."""
    recording = written(one, raw_state=other, carrier=other, account=account, details={other: one}, answers={"topic": other})
    try:
        made = sample(recording, looking())
    except PlaybookError:
        reject()  # were it always so, hypothesis would complain
    assert made.rule == recording.decision.rule
    assert told(f"{one} {other} {account}", made.text) == []


@pytest.mark.timeout(60)
def test_a_case_in_which_every_short_number_stands_gets_stand_ins_too() -> None:
    """Nothing of three digits or letters is free then; what is shorter is."""
    every = " ".join(f"{number:03}" for number in range(1000)) + " customer1 customer2 example"
    recording = written("HUBER-778812", raw_state=every)
    made = sample(recording, looking())
    assert told(f"HUBER 778812 {every}", made.text) == []


def test_spellings_of_one_number_have_one_stand_in() -> None:
    spellings = ["NW-2026-778812", "nw 2026 778812", "NW2026778812", "nw/2026/778812", "Nw.2026_778812"]
    recording = written(spellings[0], details={}, lines=[line(1, id=each) for each in spellings], answers={"items": spellings})
    made = sample(recording, looking())
    facts = example(made.text)["facts"]
    ids = [each["id"] for each in facts["order"]["lines"]]
    [plain] = {"".join(filter(str.isalnum, each)).upper() for each in ids}
    assert re.fullmatch(r"NW2026\d{6}", plain)
    assert [re.sub(r"\d{6}$", "778812", each) for each in ids] == spellings
    assert facts["request"]["items"] == ids


def test_a_refusal_says_what_the_playbook_or_the_system_is_known_to_say() -> None:
    refused = recorded(
        looking(), sender=MARIA, found={"order": Found((), "no order 778812 of Maria Huber")}, answers={"order_number": "NW-9"}
    )
    text = sample(refused, looking()).text
    assert "found: {order: {refused: not_found}}" in text
    assert told("order 778812 of Maria Huber", text) == []


def test_answers_that_prove_who_writes_are_kept_whatever_they_are_called() -> None:
    verify = """
verify:
  owner: order
  proof: {topic: order.carrier}
"""
    book = playbook(
        sop=RETURN.replace("\nverify: owner(order)\n", verify),
        questions=QUESTIONS + "topic: {kind: text}\n",
        operations=OPERATIONS,
    )
    answers = {**ANSWERS, "items": ["778812-1"], "topic": "huber 77-88"}
    record = {**PRIVATE, "carrier": "Huber-7788"}
    made = sample(recorded(book, sender={**MARIA, "verified": False}, found={"order": record}, answers=answers), book)
    assert made.rule == "accept"
    assert "identity: verified" in made.text
    assert told("Huber-7788 778812", made.text) == []


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        ("_code", lambda _self, text: text),
        ("_code", lambda _self, text: f"x{text[-6:]}"),
        ("_code", lambda _self, text: text[:4] + "1" * len(text[4:])),
        ("_sentence", lambda _self, text: text.upper()),
        ("_email", lambda _self, text: text.split("@")[0] + "@example.com"),
        ("_number", lambda _self, value, _name: value),
    ],
)
def test_the_last_look_finds_parts_of_values_and_keys(
    broken: str, wrong: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with the stand-ins, an example that tells something is not handed over."""
    monkeypatch.setattr(StandIns, broken, wrong)
    with pytest.raises(PlaybookError, match="a text of the case itself"):
        sample_of(written("Huber 778812", raw_state="of Maria Huber"), looking(), VOCABULARY)


def test_what_conditions_look_for_and_measure_stays() -> None:
    """A prefix that decides, a large quantity, a word in other letters: without them it would decide otherwise."""
    condition = 'order.code.startsWith("GC-") && lower(order.raw_state) == "held" && order.grams > 9000'
    sop = RETURN.replace('order.status != "delivered"', condition)
    book = playbook(sop=sop, worker=WORKER_WITH_FORM, operations=OPERATIONS)
    record = {**PRIVATE, "code": "GC-HUBER-7788", "raw_state": "HELD", "grams": 12_345}
    made = sample(recorded(book, sender=MARIA, found={"order": record}), book)
    assert made.rule == "not_delivered"
    assert re.search(r"code: GC-[A-Z]{5}-\d{4}\n", made.text), made.text
    assert "raw_state: HELD" in made.text
    assert "grams: 12345" in made.text
    assert told("HUBER 7788 778812", made.text) == []
