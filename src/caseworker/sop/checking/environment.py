"""The types that the expressions of a procedure can see."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from caseworker.core.money import Money
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Expr, depth, paths
from caseworker.sop.cel.types import (
    ANSWERED_ADDRESS,
    ANY,
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    MONEY,
    STRING,
    TIME,
    Type,
    fits,
    list_of,
    optional,
    parse_type,
    records_of,
)
from caseworker.sop.cel.typing import NOTHING, Checker, Known
from caseworker.sop.model import Finding, Need, Parameter, Place, Playbook, Procedure, Question, Vocabulary

LEVELS_OF_A_NAME = 2
_PARAMETERS = {"int": INT, "Money": MONEY, "duration": DURATION, "string": STRING, "percent": DOUBLE}
_ANSWERS = {
    "order_number": STRING, "items": list_of(STRING), "choice": STRING, "yes_no": BOOL, "postcode": STRING, "text": STRING,
    "address": Type("record", of=ANSWERED_ADDRESS), "photo": BOOL, "money": MONEY, "date": TIME, "quantity": INT,
    "email": STRING, "phone": STRING, "code": STRING,
}  # fmt: skip
_RECEIPT = {"status": Type("enum", words=frozenset({"done", "pending", "unknown", "already_done"})), "at": TIME}


def question_type(question: Question) -> Type:
    """The type of an answer."""
    if question.kind == "choice":
        return Type("enum", words=frozenset(question.options))
    return _ANSWERS.get(question.kind, ANY)


@dataclass
class Environment:
    """Names and records of one procedure; needs and named facts are added in the order in which they can be known."""

    playbook: Playbook
    procedure: Procedure
    vocabulary: Vocabulary
    names: dict[str, Type] = field(default_factory=dict)
    records: dict[str, dict[str, Type]] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def expression(
        self, source: str, place: Place, *, wanted: Type | None = None, known: Known = NOTHING, may_be_absent: bool = False
    ) -> Type:
        """Checks one expression; what is wrong becomes findings at `place`. `may_be_absent`: then it is left out."""
        checker = Checker(self.names, self.records, frozenset(self.full), currencies(self.playbook))
        found = checker.check(source, known)
        for problem in checker.problems:
            if may_be_absent and problem.code == "may_be_absent":
                continue
            message = f"{problem.message} (in `{_short(source)}`)"
            self.findings.append(Finding(place, problem.severity, problem.code, message, problem.advice))
        if wanted is not None and not fits(found, wanted):
            text = f"`{_short(source)}` is a {found}, where a {wanted} is needed."
            self.error(place, "type", text, f"Give a {wanted}.")
        return found

    def error(self, place: Place, code: str, message: str, advice: str) -> None:
        self.findings.append(Finding(place, "error", code, message, advice))

    def warn(self, place: Place, code: str, message: str, advice: str) -> None:
        self.findings.append(Finding(place, "warning", code, message, advice))

    def at(self, line: int | None, fallback: Place) -> Place:
        """The place of a line of this procedure's file."""
        return Place(fallback.file, line) if line else fallback


def currencies(playbook: Playbook) -> frozenset[str]:
    """The currencies that the playbook's own amounts are in: those it does business in."""
    values = (value.value for parameter in playbook.parameters.values() for value in parameter.values)
    return frozenset(value.currency for value in values if isinstance(value, Money))


def _parameter_type(parameter: Parameter) -> Type:
    if parameter.type != "Money":
        return _PARAMETERS.get(parameter.type, ANY)
    found = frozenset(value.value.currency for value in parameter.values if isinstance(value.value, Money))
    return Type("Money", currencies=found)


def _short(source: str) -> str:
    text = " ".join(source.split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def environment(playbook: Playbook, procedure: Procedure, vocabulary: Vocabulary) -> Environment:
    """The sections of facts; needs and named facts are still to be added."""
    known = playbook.vocabulary(vocabulary)
    env = Environment(playbook, procedure, known)
    env.records |= records_of(known.records)
    env.records |= _sections(playbook, procedure) | _receipts(procedure, known)
    sections = ("message", "request", "sender", "param", "done", "failed", "timed_out", "case")
    env.names |= {"now": TIME} | {name: Type("record", of=f"${name}") for name in sections}
    return env


def _sections(playbook: Playbook, procedure: Procedure) -> dict[str, dict[str, Type]]:
    built_in = {"order_number": STRING, "postcode": STRING}
    answers = built_in | {key: question_type(question) for key, question in playbook.questions.items()}
    return {
        "$message": {"received_at": TIME, "language": STRING, "has_photo": BOOL, "attachments": INT},
        "$sender": {"address": STRING, "verified": BOOL},
        "$case": {"opened_at": TIME, "contacts": INT, "reference": STRING, "chased": BOOL},
        "$param": {name: _parameter_type(p) for name, p in playbook.parameters.items()},
        "$timed_out": {row.name: BOOL for row in procedure.rows if row.wait},
        "$given": dict.fromkeys(answers, BOOL),
        "$confirmed": {row.name: optional(BOOL) for row in procedure.rows if row.confirm},
        ANSWERED_ADDRESS: {"street": STRING, "postcode": STRING, "city": STRING, "country": optional(STRING)},
        "$request": answers
        | {
            "intent": Type("enum", words=frozenset(procedure.intents)),
            "confidence": DOUBLE,
            "words": STRING,
            "again": BOOL,
            "given": Type("record", of="$given"),
            "confirmed": Type("record", of="$confirmed"),
        },
    }


def _receipts(procedure: Procedure, vocabulary: Vocabulary) -> dict[str, dict[str, Type]]:
    code = Type("enum", words=vocabulary.refusals) if vocabulary.refusals else STRING
    records: dict[str, dict[str, Type]] = {
        "$done": {},
        "$failed": {},
        "$refusal": {"code": code, "message": STRING, "max": optional(MONEY)},
    }
    for row in procedure.rows:
        for act in row.do:
            operation = vocabulary.operations.get(act.operation)
            own = {name: parse_type(word) for name, word in operation.receipt.items()} if operation else {}
            moved = MONEY if operation and operation.money else optional(MONEY)
            records[f"$done.{act.name}"] = {**_RECEIPT, "money_moved": moved, "ref": optional(Type("Ref")), **own}
            records["$done"][act.name] = optional(Type("record", of=f"$done.{act.name}"))
            records["$failed"][act.name] = optional(Type("record", of="$refusal"))
    return records


# -- needs and named facts ---------------------------------------------------------------------------------------------


def in_order(procedure: Procedure) -> tuple[dict[str, int], list[str]]:
    """Names of needs and facts, each after what it is computed from, with the levels of all conditions up to it; and those
    that are computed from themselves."""
    sources = {need.name: _sources(need) for need in procedure.needs}
    sources |= {name: [source] for name, source in procedure.facts.items()}
    uses = {name: _roots(written) for name, written in sources.items()}
    levels: dict[str, int] = {}
    loops: list[str] = []
    for first in uses:
        way = [] if first in levels else [first]
        while way:
            name = way[-1]
            others = sorted(uses[name] & set(uses))
            ahead = [other for other in others if other not in levels]
            if fresh := [other for other in ahead if other not in way]:
                way.append(fresh[0])
                continue
            loops += ahead
            levels[name] = _levels(sources[name]) + max((levels[other] for other in others if other in levels), default=0)
            way.pop()
    return levels, loops


def needs_of(procedure: Procedure, sources: Iterable[str]) -> set[str]:
    """The needs that expressions look at, perhaps through named facts and other needs."""
    uses = {need.name: _sources(need) for need in procedure.needs} | {name: [fact] for name, fact in procedure.facts.items()}
    found: set[str] = set()
    ahead = _roots(list(sources))
    while ahead:
        name = ahead.pop()
        if name in uses and name not in found:
            found.add(name)
            ahead |= _roots(uses[name])
    return found - set(procedure.facts)


def _sources(need: Need) -> list[str]:
    return [
        source
        for source in (*need.arguments.values(), need.choose, need.using, need.take, need.skip_when, need.or_else)
        if source
    ]


def _roots(sources: list[str]) -> set[str]:
    return {path.split(".")[0] for tree in _trees(sources) for path in paths(tree)}


def _levels(sources: list[str]) -> int:
    """To ask for a name takes levels of its own, however short its condition is."""
    return max(map(depth, _trees(sources)), default=0) + LEVELS_OF_A_NAME


def _trees(sources: list[str]) -> Iterator[Expr]:
    for source in sources:
        try:
            yield parse(source)
        except CelError:
            continue  # told when the expression itself is checked
