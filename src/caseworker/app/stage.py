"""An example as a case whose words can be tried out: its facts, and stand-ins for what only a live case would have.

Receipts of the row's acts are stand-ins of the types that the vocabulary declares. Fields of a record that the example leaves
out, answers that nobody asked for and facts that cannot be computed are marked, so that words which use one say which it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from caseworker.cases.model import Case, RequestState
from caseworker.cases.release import Release
from caseworker.core.facts import of
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.cel.types import ANY, Type
from caseworker.sop.cel.values import Fault, Unknown
from caseworker.sop.checking.environment import Environment, environment
from caseworker.sop.checking.expressions import check_names
from caseworker.sop.model import Act, Procedure, Progress
from caseworker.sop.needs import Needs
from caseworker.sop.recorded import Recording
from caseworker.sop.scope import Scope, build
from caseworker.writing.unknown import left_out, not_known

Facts: TypeAlias = Mapping[str, object]
Make: TypeAlias = Callable[[Type, str], object]
_ENGINE = ("intent", "confidence", "words", "again", "given", "confirmed")  # of a request, beside its answers
_PLACES = ("country", "brand")  # where a record has none, the worker's own holds
_DAYS = timedelta(days=7)  # until what a stand-in receipt announces


@dataclass(slots=True)
class Stages:
    """Makes the case of each example; types are made once a procedure."""

    release: Release
    _made: dict[str, Environment] = field(default_factory=dict)

    def of(self, recording: Recording) -> "Stage":
        """The case in which the decision of an example is to be told."""
        env = self._environment(self.release.playbook.procedures[recording.decision.procedure])
        return Stage(_case(self.release, recording), _request(self.release, env, recording), _receipts(env, recording))

    def _environment(self, procedure: Procedure) -> Environment:
        if procedure.name not in self._made:
            env = environment(self.release.playbook, procedure, self.release.vocabulary)
            check_names(env)
            self._made[procedure.name] = env
        return self._made[procedure.name]


@dataclass(frozen=True, slots=True)
class Stage:
    """`case` has no words yet, `request` no receipts. `receipts` are those of earlier rows, and of the acts of this row."""

    case: Case
    request: RequestState
    receipts: "Receipts"

    def before(self) -> RequestState:
        """The request while an act is under way, or before the customer's yes."""
        return replace(self.request, done=self.receipts.earlier)

    def after(self) -> RequestState:
        """The request when everything is done."""
        return replace(self.request, done={**self.receipts.earlier, **self.receipts.own})


@dataclass(frozen=True, slots=True)
class Receipts:
    """By name."""

    earlier: Facts
    own: Facts


def _case(release: Release, recording: Recording) -> Case:
    facts, worker = recording.facts, release.playbook.worker
    sender, message, case = (_section(facts, name) for name in ("sender", "message", "case"))
    opened, contacts, attachments = case.get("opened_at"), case.get("contacts"), message.get("attachments")
    return Case(
        number=1,
        worker=worker.name,
        mailbox=worker.mailboxes[0].address if worker.mailboxes else "",
        shop="",
        release=recording.release,
        status="open",
        opened_at=opened if isinstance(opened, datetime) else recording.now,
        sender=str(sender.get("address") or "customer@example.com"),
        sender_name="Kim Sample",
        sender_verified=sender.get("verified") is True,
        contacts=contacts if isinstance(contacts, int) else 1,
        photos=int(message.get("has_photo") is True),
        attachments=attachments if isinstance(attachments, int) else 0,
        chased=case.get("chased") is True,
    )


def _request(release: Release, env: Environment, recording: Recording) -> RequestState:
    decision, written = recording.decision, _section(recording.facts, "request")
    answers = {key: value for key, value in written.items() if key not in _ENGINE}
    unasked = {key: not_known(f"request.{key}", why="nobody asked for it") for key in release.playbook.questions}
    confirmed, failed = _section(written, "confirmed"), _section(recording.facts, "failed")
    return RequestState(
        number=1,
        intent=str(written.get("intent") or next(iter(env.procedure.intents), "")),
        confidence=1.0,
        words=str(written.get("words") or ""),
        round=2 if written.get("again") is True else 1,
        rule=decision.rule,
        answers={**unasked, **answers, "given": _section(written, "given") or dict.fromkeys(answers, True)},
        confirmed={row: yes is True for row, yes in confirmed.items()},
        failed={name: failed.get(name, not_known(f"failed.{name}")) for name in (*env.records["$failed"], *failed)},
        timed_out=tuple(_section(recording.facts, "timed_out")),
        known=_known(env, recording),
    )


# -- what is known -----------------------------------------------------------------------------------------------------


def _known(env: Environment, recording: Recording) -> dict[str, object]:
    """What a reply is given of needs and named facts, with marks where something is missing."""
    computed = of(recording.decision.facts)
    assert isinstance(computed, dict)

    def mark(kind: Type, path: str) -> object:
        return left_out(path, may_be_nothing=kind.name == "optional" or path.rsplit(".", 1)[-1] in _PLACES)

    known = {name: _whole(value, env.names.get(name, ANY), env, name, mark) for name, value in computed.items()}
    for name in (*(need.name for need in env.procedure.needs), *env.procedure.facts):
        if name not in known:
            known[name] = _lacking(name, env, recording)
    return known


def _lacking(name: str, env: Environment, recording: Recording) -> object:
    """A need or named fact that is not there: left out where it can be computed once the example's records are whole."""
    value = _scope(env, recording, recording.facts, recording.progress).get(name)
    if not isinstance(value, Unknown | Fault):  # a look-up that the identity has to be proven for first
        return not_known(name, why="the sender has not proven who he is")
    if isinstance(value, Fault):
        now, currency = recording.now, _currency(recording)
        stand_in = _StandIn(env, now, currency)
        facts = {n: _whole(v, env.names.get(n, ANY), env, n, stand_in.required) for n, v in recording.facts.items()}
        found = {
            need: replace(each, records=tuple(_record(r, need, env, stand_in) for r in each.records))
            for need, each in recording.progress.found.items()
        }
        whole = _scope(env, recording, facts, replace(recording.progress, found=found)).get(name)
        if not isinstance(whole, Fault):
            return left_out(name)
        return not_known(name, why=value.message.rstrip("."))
    others = sorted(value.paths - {name})
    return not_known(name, why=f"{', '.join(others)} is missing" if others else "")


def _record(record: Facts, need: str, env: Environment, stand_in: "_StandIn") -> Facts:
    kind = env.names.get(need, ANY)
    made = _whole(record, kind.item if kind.name == "list" and kind.item else kind, env, need, stand_in.required)
    assert isinstance(made, Mapping)
    return made


def _scope(env: Environment, recording: Recording, facts: Facts, progress: Progress) -> Scope:
    resolvers = Needs(env.procedure, progress, env.vocabulary).resolvers()
    timed_out = recording.decision.timed_out
    return build(env.playbook, env.procedure, facts, now=recording.now, needs=resolvers, timed_out=timed_out)


def _whole(value: object, kind: Type, env: Environment, path: str, make: Make) -> object:
    """A value whose records have every field of their type; `make` says what stands for one that is not given."""
    kind = kind.item if kind.name == "optional" and kind.item else kind
    if isinstance(value, list | tuple):
        return [_whole(item, kind.item or ANY, env, path, make) for item in value]
    if not isinstance(value, Mapping) or kind.name != "record":
        return value
    fields = env.records.get(kind.of, {})
    given = {name: _whole(item, fields.get(name, ANY), env, f"{path}.{name}", make) for name, item in value.items()}
    made = {name: make(fields[name], f"{path}.{name}") for name in fields if name not in value}
    return {**{name: item for name, item in made.items() if item is not None}, **given}


# -- stand-ins ---------------------------------------------------------------------------------------------------------


def _receipts(env: Environment, recording: Recording) -> Receipts:
    stand_in = _StandIn(env, recording.now, _currency(recording))
    earlier = {
        name: stand_in.receipt(name, given) if isinstance(given, Mapping) else given
        for name, given in _section(recording.facts, "done").items()
    }
    acts = [move for move in recording.decision.moves if isinstance(move, Act)]
    return Receipts(earlier, {act.name: stand_in.receipt(act.name, _of_act(act)) for act in acts})


def _of_act(act: Act) -> Facts:
    """What an act's receipt repeats of its arguments."""
    moved = {} if act.amount is None else {"money_moved": act.amount, "amount": act.amount}
    return {**{name: of(value) for name, value in act.arguments.items()}, **moved}


@dataclass(frozen=True, slots=True)
class _StandIn:
    """Values of a type that look like real ones."""

    env: Environment
    now: datetime
    currency: str

    def receipt(self, name: str, given: Facts) -> Facts:
        """A receipt with everything that its operation declares; what is given stays where it is declared."""
        fields = self.env.records.get(f"$done.{name}", {})
        made = {key: self.of(kind, key) for key, kind in fields.items()}
        return {**made, **{key: value for key, value in given.items() if key in fields}, "status": given.get("status", "done")}

    def required(self, kind: Type, path: str) -> object:
        """A value for a field that every record has; None for one that may be missing."""
        return None if kind.name == "optional" else self.of(kind, path.rsplit(".", 1)[-1])

    def of(self, kind: Type, name: str) -> object:
        """A value of a type for a field of this name."""
        match kind.name:
            case "optional":
                return None
            case "list":
                return [self.of(kind.item or ANY, name)]
            case "map":
                return {}
            case "record":
                return {key: self.of(inner, key) for key, inner in self.env.records.get(kind.of, {}).items()}
            case "enum":
                return min(kind.words, default="")
            case "string" | "any":
                return _text(name)
        plain = {"bool": True, "int": 1, "double": 1.0, "duration": _DAYS, "Ref": Ref("shop", kind.of or "record", "1")}
        other = {"Money": Money(1000, self.currency), "time": self.now if name == "at" else self.now + _DAYS}
        return {**plain, **other}[kind.name]


def _text(name: str) -> str:
    if name.endswith("url"):
        return f"https://example.com/{name.removesuffix('_url')}"
    return "1001" if name in ("number", "code", "sku", "id") else name.replace("_", " ")


def _currency(recording: Recording) -> str:
    """The currency of the example's amounts; where it has none, any will do."""
    found = _first_money(recording.decision.facts) or _first_money(recording.facts)
    return found.currency if found else "EUR"


def _first_money(value: object) -> Money | None:
    if isinstance(value, Money):
        return value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((found for item in inner if (found := _first_money(item))), None)


def _section(facts: Facts, name: str) -> Facts:
    value = facts.get(name)
    return value if isinstance(value, Mapping) else {}
