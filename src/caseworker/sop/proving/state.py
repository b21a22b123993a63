"""The facts of one request at one moment, as symbols: sections, needs, named facts, and what happened before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import z3

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.types import ANY, BOOL, Type
from caseworker.sop.checking.environment import Environment
from caseworker.sop.identity import NUMBER, POSTCODE
from caseworker.sop.model import Need
from caseworker.sop.proving.circumstances import parameter_value
from caseworker.sop.proving.logic import Term, both, either, equal, no, same
from caseworker.sop.proving.moved import Moved
from caseworker.sop.proving.reading import Reading
from caseworker.sop.proving.rests import kept, some
from caseworker.sop.proving.trees import Shift, SymbolRecord, Tree
from caseworker.sop.proving.values import ABSENT, DEAD, OK, OPEN, Slot, Status, Val, choose, trouble
from caseworker.sop.proving.world import World
from caseworker.sop.scope import anchor_of

_OPEN_SECTIONS = ("message", "request", "sender", "case")
_SETTLED = ("intent", "words")  # of a request; everything else that people say can change


@dataclass(frozen=True)
class Past:
    """What happened before. Each gives a condition (a bool where it is certain); `moved` is what a receipt says was paid."""

    fired: Callable[[str], Term]
    done: Callable[[str], Term]
    failed: Callable[[str], Term]
    timed_out: Callable[[str], Term]
    moved: Mapping[str, Moved] = field(default_factory=dict)


class Section:
    """A section of the facts. `present` gives each key's value as it stands in the tree; `lacking` what a missing key means."""

    def __init__(self, present: Callable[[str], Val], lacking: Callable[[str], Status]) -> None:
        self._present, self._lacking = present, lacking
        self.made: dict[str, Val] = {}

    def raw(self, name: str) -> Val:
        if name not in self.made:
            self.made[name] = self._present(name)
        return self.made[name]

    def field(self, name: str) -> Val:
        inside = self.raw(name)
        gone = inside.status.absent
        if gone is False:
            return inside
        lacking = self._lacking(name)
        status = Status(
            either(inside.status.unknown, both(gone, lacking.unknown)), either(inside.status.dead, both(gone, lacking.dead)),
            inside.status.fault, both(gone, lacking.absent), inside.status.mix,
        )  # fmt: skip
        return replace(inside, status=status)


class State:
    """Facts of one moment (`reading.Facts`).

    `prefix` tells records that were looked up after a wait from those before it, `said` what people wrote by then from what
    they had written earlier.
    """

    def __init__(
        self,
        env: Environment,
        world: World,
        past: Past,
        *,
        prefix: str = "",
        said: str = "",
        now: Term = None,
        shift: Shift | None = None,
    ) -> None:
        self.env, self.world, self.past, self.prefix, self.said = env, world, past, prefix, said
        self.now = world.now if now is None else now
        self.playbook, self.procedure = env.playbook, env.procedure
        self.anchor = anchor_of(env.procedure)
        self.reading = Reading(self)
        self.shift = shift
        self._needs = {need.name: need for need in env.procedure.needs}
        self.known: dict[str, Val] = {}
        self._currencies: dict[str, Term] = {}  # of receipts
        self.looked: dict[str, Term] = {}  # need -> whether its look-up can be made

    # -- names ---------------------------------------------------------------------------------------------------------

    def get(self, name: str) -> Val:
        """The value of a section, need or named fact."""
        if name not in self.known:
            self.known[name] = Val("any", 0, Status(fault=True))  # computed from itself
            self.known[name] = self._compute(name)
        return self.known[name]

    def _compute(self, name: str) -> Val:
        if name == "now":
            return Val("time", self.now)
        if name in self._needs:
            return self._need(self._needs[name])
        if name in self.procedure.facts:
            return self.reading.source(self.procedure.facts[name])
        section = self._sections().get(name)
        return Val("record", section) if section else Val("any", 0, DEAD)

    def _sections(self) -> Mapping[str, Section]:
        return {
            "message": Section(lambda key: self._given("message", key), lambda _: DEAD),
            "case": Section(lambda key: self._given("case", key), lambda _: DEAD),
            "sender": Section(self._sender, lambda _: DEAD),
            "request": Section(self._request, self._unanswered),
            "param": Section(self._parameter, lambda _: ABSENT),
            "done": Section(self._receipt, lambda _: ABSENT),
            "failed": Section(self._refusal, lambda _: ABSENT),
            "timed_out": Section(lambda key: Val("bool", self.past.timed_out(key)), lambda _: OK),
        }

    def _tree(self, root: str, *, shift: Shift | None = None) -> Tree:
        prefix = self.said if root in _OPEN_SECTIONS else self.prefix
        return Tree(self.world, self.env.records, root, prefix, shift, self.now, kept=root == self.anchor)

    def _given(self, section: str, key: str) -> Val:
        """A key that the engine always supplies."""
        kind = self.env.records.get(f"${section}", {}).get(key)
        tree = self._tree(section)
        tree = replace(tree, prefix="", now=None) if section == "request" and key in _SETTLED else tree
        return tree.make(kind, f"{section}.{key}", f"{section}.{key}") if kind else Val("any", 0, ABSENT)

    def _sender(self, key: str) -> Val:
        verified = self.world.flag(f"{self.said}sender.verified", wish=True)
        if key == "verified":
            return Val("bool", verified)
        return self._given("sender", key).with_status(Status(absent=no(verified)))

    def _request(self, key: str) -> Val:
        if key == "given":
            return Val("record", Section(self._said, lambda _: DEAD))
        if key == "confirmed":
            return Val("record", Section(self._confirmed, lambda _: ABSENT))
        kind = self.env.records["$request"].get(key)
        if kind is None or key not in (NUMBER, POSTCODE, *self.playbook.questions):
            return self._given("request", key)
        return self._tree("request").make(Type("optional", item=kind), f"request.{key}", f"request.{key}")

    def _said(self, key: str) -> Val:
        return Val("bool", self.world.flag(f"{self.said}request.given.{key}"))

    def _confirmed(self, row: str) -> Val:
        return self._tree("request").make(Type("optional", item=BOOL), f"request.confirmed.{row}", "request.confirmed")

    def _unanswered(self, key: str) -> Status:
        return OPEN if key in self.playbook.questions else DEAD

    # -- receipts ------------------------------------------------------------------------------------------------------

    def _receipt(self, name: str) -> Val:
        kind = self.env.records.get("$done", {}).get(name)
        if kind is None or kind.item is None:
            return Val("any", 0, ABSENT)
        record = Receipt(self, name, kind.item)
        return Val("record", record, Status(absent=no(self.past.done(name))))

    def _refusal(self, name: str) -> Val:
        kind = self.env.records.get("$failed", {}).get(name)
        if kind is None or kind.item is None:
            return Val("any", 0, ABSENT)
        asked = self.currency_of(name)
        own = self.anchor if self.anchor and same(asked, self.world.currency(self.anchor)) else f"failed.{name}"
        record = self._tree(own).make(kind.item, f"failed.{name}", "failed")
        return record.with_status(Status(absent=no(self.past.failed(name))))

    def currency_of(self, name: str) -> Term:
        """The currency of a receipt: that of what was asked for, as far as it is the same at all times."""
        if name in self._currencies:
            return self._currencies[name]
        world = self.world
        self._currencies[name] = world.currency(f"done.{name}")  # where an amount is computed from its own receipt
        acts = [act for row in self.procedure.rows for act in row.do if act.name == name]
        operations = self.env.vocabulary.operations
        sources = [act.arguments.get(operations[act.operation].money) or operations[act.operation].money for act in acts]
        found = [value.currency for value in map(self.reading.source, filter(None, sources)) if value.kind == "Money"]
        term = found[0] if found else world.currency(self.anchor) if self.anchor else self._currencies[name]
        if any(not same(term, other) for other in found) or not (isinstance(term, int) or z3.is_const(term)):
            codes = dict.fromkeys(code for other in found for code in world.codes(other))
            term = world.currency(f"asked for {name}", tuple(codes))
        self._currencies[name] = term
        return term

    # -- parameters ----------------------------------------------------------------------------------------------------

    def _parameter(self, name: str) -> Val:
        parameter = self.playbook.parameters.get(name)
        if parameter is None:
            return Val("any", 0, ABSENT)
        return parameter_value(parameter, self.world, country=self.country(), brand=self._brand(), now=self.now)

    def country(self) -> Val:
        return self._of_anchor("country", self.playbook.worker.default_country)

    def _brand(self) -> Val:
        return self._of_anchor("brand", self.playbook.worker.brand)

    def _of_anchor(self, key: str, default: str) -> Val:
        other = Val("string", self.world.text(default))
        record = self.get(self.anchor) if self.anchor else None
        if record is None or record.kind != "record":
            return other
        value: Val = record.term.raw(key)
        if value.kind != "string":
            return other
        there = both(record.status.ok, value.status.ok, no(equal(value.term, self.world.text(""))))
        found = choose(there, Val("string", value.term), other)
        return Val("string", found.term, Status(record.status.unknown, record.status.dead))

    # -- needs ---------------------------------------------------------------------------------------------------------

    def _need(self, need: Need) -> Val:
        if need.find or need.look:
            return self._looked_up(need)
        return self._chosen(need) if need.choose else self._taken(need)

    def _looked_up(self, need: Need) -> Val:
        kind = self.env.names.get(need.name, ANY)
        kind = kind.item if kind.name == "optional" and kind.item else kind
        shift = self.shift if self.shift and need.name == self.shift.root else None
        record = self._tree(need.name, shift=shift).make(kind, need.name, need.name)
        if need.name == self.anchor and self.procedure.verify:
            return record  # the table is walked only when it is known whose it is
        can, otherwise = self._can_look(need)
        self._asked_currency(need)
        self.looked[need.name] = can
        gone = no(self.world.flag(f"{self.prefix}{need.name} found", wish=True)) if need.optional else False
        status = Status(
            both(no(can), otherwise.unknown), both(no(can), otherwise.dead), both(no(can), otherwise.fault),
            either(both(can, gone), both(no(can), otherwise.absent)), both(no(can), otherwise.mix),
        )  # fmt: skip
        return record.with_status(status)

    def _asked_currency(self, need: Need) -> None:
        """A look-up that is asked for a currency answers in it."""
        source = need.arguments.get("currency")
        if source is None:
            return
        wanted = self.reading.source(source)
        tree = self._tree(need.name)
        if wanted.kind == "string" and self.world.once(self.world.key(f"{self.prefix}currency of {need.name}", wanted.term)):
            trees = (tree, *(tree.of_item(need.name, index) for index in range(self.world.slots_of(need.name) + 1)))
            fits = both(*(equal(one.currency, wanted.term) for one in trees))
            self.world.axioms.append(either(no(wanted.status.ok), fits))

    def _can_look(self, need: Need) -> tuple[Term, Status]:
        """Whether the look-up has what it needs, and what holds where it has not."""
        operation = self.env.vocabulary.operations.get(need.find or need.look)
        required = operation.required if operation else frozenset[str]()
        values = {name: self.reading.source(source) for name, source in need.arguments.items()}
        whole = required <= set(values)
        known = [values[name].status.ok for name in required] if whole else [False]
        others = [value.status for name, value in values.items() if self._reads_needs(need.arguments[name])]
        elsewhere = Status(either(*(s.unknown for s in others)), either(*(s.dead for s in others)))
        can = both(no(elsewhere.unknown), either(*(value.status.ok for value in values.values())), *known)
        if need.ask:
            return can, Status(unknown=True, dead=elsewhere.dead)
        rest = ABSENT if need.optional else _wrong_first([value.status for value in values.values()])
        return can, trouble(elsewhere, rest)

    def _chosen(self, need: Need) -> Val:
        records, skip = self.reading.source(need.choose), self._skip(need)
        answer = self.reading.source(need.using) if need.using else Val("any", 0, ABSENT)
        given = frozenset([records.rest.name] if records.rest else [])
        chosen = [either(skip.true, self._named(slot.value, answer, given)) for slot in records.slots]
        slots = [Slot(both(slot.there, one), slot.value) for slot, one in zip(records.slots, chosen, strict=True)]
        none = both(no(skip.true), no(some(records.slots, records.rest, chosen)))
        status = trouble(records.status, skip.status, _lacking(need).under(none))
        return Val("list", tuple(slots), status, rest=kept(records.slots, records.rest, chosen))

    @staticmethod
    def _named(record: Val, answer: Val, given: frozenset[str]) -> Term:
        """Whether people named the record."""
        own: Val = record.term.raw("id") if record.kind == "record" else record
        alike = [equal(slot.value.term, own.term) for slot in answer.slots]
        among = answer.depending(given)
        return both(answer.status.ok, some(among.slots, among.rest, alike))

    def _taken(self, need: Need) -> Val:
        value, skip = self.reading.source(need.take), self._skip(need)
        fits: Term = True
        if need.one_of:
            fits = either(*(equal(value.term, self.world.text(word)) for word in need.one_of))
        good = both(value.status.ok, fits)
        lacking, found = _lacking(need), value
        if lacking is DEAD:
            lacking = trouble(Status(value.status.unknown, value.status.dead), DEAD)
        if need.or_else and need.ask and not need.optional:
            other, asked = self.reading.source(need.or_else), self.asked(need.ask)
            lacking, found = choose_status(asked, other.status, lacking), choose(good, value, other)
        wrong = Status(fault=value.status.fault, mix=value.status.mix)
        unasked = trouble(skip.status, choose_status(skip.true, ABSENT, lacking))
        status = trouble(wrong, unasked.under(both(no(good), no(value.status.fault))))
        return replace(found, status=status)

    def asked(self, key: str) -> Term:
        """Whether a question was put before."""
        return self.world.flag(f"{self.said}asked {key}")

    def _reads_needs(self, source: str) -> bool:
        """Whether an expression reads a need, by itself or through a named fact."""
        open_, seen = _roots(source), set[str]()
        while open_ - seen:
            name = (open_ - seen).pop()
            seen.add(name)
            open_ |= _roots(self.procedure.facts[name]) if name in self.procedure.facts else set()
        return bool(seen & set(self._needs))

    def _skip(self, need: Need) -> Val:
        return self.reading.source(need.skip_when) if need.skip_when else Val("bool", term=False)


def choose_status(condition: Term, then: Status, other: Status) -> Status:
    """One status or the other."""
    first, second = then.under(condition), other.under(no(condition))
    return Status(
        either(first.unknown, second.unknown), either(first.dead, second.dead), either(first.fault, second.fault),
        either(first.absent, second.absent), either(first.mix, second.mix),
    )  # fmt: skip


def _lacking(need: Need) -> Status:
    if need.choose:
        return OPEN if need.ask else ABSENT if need.optional else DEAD
    return ABSENT if need.optional else OPEN if need.ask else DEAD


def _wrong_first(statuses: list[Status]) -> Status:
    """What cannot be computed before what is not known; where everything is known the look-up lacks an argument."""
    wrong = trouble(*(Status(fault=status.fault, absent=status.absent, mix=status.mix) for status in statuses))
    rest = trouble(Status(either(*(s.unknown for s in statuses)), either(*(s.dead for s in statuses))), Status(fault=True))
    return choose_status(wrong.ok, rest, wrong)


def _roots(source: str) -> set[str]:
    try:
        return {path.split(".")[0] for path in paths(parse(source))}
    except CelError:
        return set()


class Receipt(SymbolRecord):
    """The receipt of an act; `money_moved` is what the past says, where it says something."""

    def __init__(self, state: State, name: str, kind: Type) -> None:
        super().__init__(state._tree(state.anchor or "done"), f"done.{name}", "done", kind)  # noqa: SLF001  # one module
        self._state, self._name = state, name

    def _make(self, name: str) -> Val:
        found, moved = super()._make(name), self._state.past.moved.get(self._name)
        if found.kind != "Money":
            return found
        if name == "money_moved" and moved is not None:
            return Val("Money", moved.amount, found.status, moved.currency)
        return replace(found, currency=self._state.currency_of(self._name))
