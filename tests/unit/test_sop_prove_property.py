"""What the proof reading says of random procedures is what `decide` does, on the solver's facts and on random ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sop_builders import ANNA, NOW, VOCABULARY, files, line, order, request

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.decide import decide, judge
from caseworker.sop.load import load
from caseworker.sop.model import Decision, Playbook, Progress
from caseworker.sop.proving.concrete import replay
from caseworker.sop.proving.gaps import find_gaps
from caseworker.sop.proving.logic import both, no
from caseworker.sop.proving.model import Case, Gap, PayLimit
from caseworker.sop.proving.study import Study, study

HEAD = """
sop: return
title: Return
intents: [return_item]
needs:
  order: {find: orders.find, with: {number: request.order_number, email: sender.address}, ask: order_number}
  lines: {choose: order.lines, by: request.items, ask: items, skip_when: size(order.lines) == 1}
  reason: {take: request.return_reason, one_of: [damaged, changed_mind], ask: return_reason}
  wish: {take: request.wish, optional: true}
  parcel: {look: shipments.track, with: {shipment: "order.shipments[0].ref"}, optional: true}
verify: owner(order)
facts:
  value: sum(lines.map(l, l.refundable))
  late: days(order.delivered_at, now) > param.return_window_days
  lost: order.shipments.filter(s, s.status == "lost")
rules:
"""
LIMITS = {"payments.refund": PayLimit("payments.refund", {"EUR": Money(1, "EUR"), "GBP": Money(1, "GBP")})}

ATOMS = [
    'order.status == "paid"',
    'order.status in ["shipped", "delivered"]',
    'order.status != "cancelled"',
    "has(order.delivered_at)",
    "late",
    "has(order.delivered_at) && late",
    "hours(order.placed_at, now) < 50",
    'order.placed_at + duration("3d") > now',
    "order.total > param.goodwill",
    'order.total == money("20.00 EUR")',
    "order.refunded > zero(order.refunded)",
    "order.refundable >= percent(order.total, 33)",
    "order.refundable - order.refunded <= max(order.total, order.refunded)",
    "size(order.lines) > 1",
    "size(lost) == 0",
    "lost[0].status == order.shipments[0].status",
    'order.shipments.exists(s, s.status == "in_transit")',
    "lines.all(l, l.returnable)",
    "lines.exists(l, l.quantity > 2)",
    "lines.exists_one(l, l.refundable > zero(l.refundable))",
    "lines.filter(l, l.returnable).all(l, l.quantity == 1)",
    "value > order.refunded",
    "lines[0].quantity * 3 > size(lines) + 4",
    "request.photo",
    "has(request.photo)",
    "has(wish)",
    'wish == "refund"',
    'has(wish) && wish != "refund"',
    'reason == "damaged"',
    'has(parcel) && parcel.status == "lost"',
    'parcel.status == "delivered"',
    'order.country == "GB"',
    "sender.verified",
    "sender.address == order.email",
    "has(failed.rma)",
    'has(failed.rma) && failed.rma.code == "invalid_state"',
    "has(done.rma)",
    "request.given.photo",
    "weekday(now) > 5",
    "order.lines.map(l, l.quantity).exists(q, q == 2)",
]  # fmt: skip


def _joined(parts: tuple[str, str, str]) -> str:
    left, sign, right = parts
    return f"({left} {sign} {right})"


CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(_joined),
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"(({parts[0]}) ? ({parts[1]}) : ({parts[2]}))"),
    ),
    max_leaves=3,
)
ENDS = [
    "resolve: answered",
    "escalate: {queue: returns, because: a}",
    "wait: {until: order.total > param.goodwill, at_most: 3d, then: not_covered}",
]
ACT = "do:\n      - returns.create: {order: order.ref, lines: lines, reason: reason}\n        as: rma"


@st.composite
def books(draw: st.DrawFn) -> Playbook:
    rows = []
    for index, condition in enumerate(draw(st.lists(CONDITIONS, min_size=1, max_size=4))):
        deed = draw(st.sampled_from([*ENDS, ACT, f"{ACT}\n    resolve: resolved", "confidence: 0.6\n    resolve: answered"]))
        rows.append(f"  - rule: row_{index}\n    when: '{condition}'\n    {deed}\n")
    rows.append("  - otherwise: not_covered\n    escalate: {queue: returns, because: not_covered}\n")
    texts = files(sop=HEAD + "".join(rows))
    return load(texts)


def about(book: Playbook) -> Study:
    return study(book, book.procedures["return"], VOCABULARY, LIMITS, 20.0)


@given(books())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_decide_does_what_the_solver_says(book: Playbook) -> None:
    found = about(book)
    for index, reading in enumerate(found.table.rows):
        name, fires = reading.row.name, found.table.fires(index)
        if found.ask("fires", fires) == "yes":
            example = found.show([fires], lambda case, name=name: replay(found.state, case).rule == name)
            assert example.confirmed, (name, example.case, replay(found.state, example.case))
    for gap in find_gaps(found)[0]:
        assert gap.example.confirmed, (gap, replay(found.state, gap.example.case))
    assert not found.not_proved


# -- random facts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    facts: Mapping[str, object]
    progress: Progress


def money(draw: st.DrawFn, currency: str, most: int = 4000) -> Money:
    return Money(draw(st.integers(0, most)), currency)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    currency, country = draw(st.sampled_from([("EUR", "DE"), ("EUR", "FR"), ("GBP", "GB"), ("GBP", "DE")]))
    lines = [
        line(n, quantity=draw(st.integers(0, 4)), returnable=draw(st.booleans()), refundable=money(draw, currency, 2))
        for n in range(draw(st.integers(0, 3)))
    ]
    shipments = [
        {"ref": Ref("base", "shipment", f"s{n}"), "status": draw(st.sampled_from(["in_transit", "delivered", "lost"]))}
        for n in range(draw(st.integers(0, 2)))
    ]
    amounts = {name: money(draw, currency) for name in ("total", "refunded", "refundable")}
    days = draw(st.one_of(st.none(), st.integers(0, 90)))
    record = order(
        status=draw(st.sampled_from(["paid", "shipped", "delivered", "cancelled"])),
        placed_at=NOW - timedelta(hours=draw(st.integers(0, 200))),
        delivered_at=None if days is None else NOW - timedelta(days=days),
        country=country,
        lines=lines,
        shipments=shipments,
        **amounts,
    )
    answers: dict[str, object] = {}
    for key, values in (
        ("photo", st.booleans()),
        ("wish", st.sampled_from(["refund", "replacement"])),
        ("return_reason", st.sampled_from(["damaged", "changed_mind", "wrong_size"])),
        ("items", st.lists(st.sampled_from(["l0", "l1", "l2", "l9"]), max_size=2)),
    ):
        if draw(st.booleans()):
            answers[key] = draw(values)
    facts: dict[str, object] = {"order": record, "sender": ANNA, "request": request(**answers), "case": {}, "message": {}}
    if shipments and draw(st.booleans()):
        facts["parcel"] = shipments[0]
    return World(facts, Progress())


def ran(book: Playbook, world: World) -> Decision:
    return decide(book, "return", world.facts, now=NOW, progress=world.progress, vocabulary=VOCABULARY)


def covers(book: Playbook, gap: Gap, world: World) -> bool:
    """Whether facts are in the class of a gap."""
    for source, answer in gap.conditions:
        if source.startswith("row "):
            if answer == "yes":
                return False
            continue
        verdict = judge(book, "return", source, world.facts, now=NOW, progress=world.progress, vocabulary=VOCABULARY)
        if {True: "yes", False: "no", None: "open"}[verdict.holds] != answer:
            return False
    return True


@given(books(), st.lists(worlds(), min_size=5, max_size=25))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_facts_that_reach_the_last_row_are_in_a_gap_that_is_told(book: Playbook, many: list[World]) -> None:
    found = about(book)
    gaps, more = find_gaps(found)
    for world in many:
        decision = ran(book, world)
        if decision.rule == "not_covered" and not more:
            assert any(gap.kind == "otherwise" and covers(book, gap, world) for gap in gaps), (decision.trace, gaps)
        error = next((entry for entry in decision.trace if entry.verdict == "error"), None)
        if error is not None:
            kinds = {(gap.kind, gap.row) for gap in gaps}
            kind = "currency_mix" if "of one currency" in error.error else "cannot_compute"
            assert (kind, error.row) in kinds, (error, kinds)


@given(books(), st.lists(worlds(), min_size=5, max_size=25))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_row_that_fires_on_random_facts_can_fire(book: Playbook, many: list[World]) -> None:
    found = about(book)
    possible = {
        reading.row.name: found.ask("can fire", both(no(reading.fired), found.table.fires(index))) == "yes"
        for index, reading in enumerate(found.table.rows)
    }
    for world in many:
        decision = ran(book, world)
        assert not decision.rule or possible[decision.rule], (decision.rule, Case(world.facts, NOW, world.progress))
