"""What a drafted procedure may be, whatever the model or the handbook says: the rest is taken away or refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.drafting.answer import Answer, DraftNeed, DraftParameter, DraftProcedure, DraftQuestion, DraftRow
from caseworker.sop.model import Vocabulary

FIND_ORDER = "orders.find"
NOT_IN_SHOP = "not_in_shop"
NOT_OFFERED = ("handoff.create",)  # a queue is not the model's to name; rows escalate
_PUBLIC = (FIND_ORDER, "products.find")  # what a customer's own words may be looked up in


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that named an operation that is not there, and goes to people now."""

    procedure: str
    row: str
    operation: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answers by section that can be written down, why others cannot, and what was taken away."""

    answers: Mapping[int, Answer]
    refused: Mapping[int, tuple[str, ...]]
    taken: tuple[Taken, ...]


def accept(
    answers: Mapping[int, tuple[Answer, tuple[str, ...]]], vocabulary: Vocabulary, standard: Mapping[str, str]
) -> Accepted:
    """Every answer within the limits, in the order of the sections.

    `answers` come with the problems found when they were read; `standard` are questions (key and kind) with words of ours.
    """
    accepted: dict[int, Answer] = {}
    refused: dict[int, tuple[str, ...]] = {}
    taken: list[Taken] = []
    names = _Names()
    for number in sorted(answers):
        answer, problems = answers[number]
        found = [*problems]
        own = _Names()
        for procedure in answer.procedures if not problems else ():
            found += [*_problems(procedure, vocabulary), *names.clashes(procedure), *own.clashes(procedure)]
            own.add(procedure)
        if found:
            refused[number] = tuple(dict.fromkeys(found))
            continue
        limited = [_limited(procedure, vocabulary, standard) for procedure in answer.procedures]
        for procedure, away in limited:
            names.add(procedure)
            taken += away
        accepted[number] = replace(answer, procedures=tuple(procedure for procedure, _ in limited))
    return Accepted(accepted, refused, tuple(taken))


# -- what is refused ---------------------------------------------------------------------------------------------------


def _problems(procedure: DraftProcedure, vocabulary: Vocabulary) -> Iterator[str]:
    """Identity first: nothing is looked up or done but for the proven owner of an order."""
    where = f"procedure `{procedure.name}`"
    found = [need for need in procedure.needs if need.source == FIND_ORDER]
    looked_up = [need for need in procedure.needs if need.way in ("find", "look")]
    if len(found) > 1:
        yield f"{where}: only one need may use {FIND_ORDER}."
    if not found and (looked_up or any(row.do for row in procedure.rows)):
        yield f"{where}: it looks something up or does something, so one need has to use {FIND_ORDER}."
    said = _said_by_customer(procedure)
    for need in looked_up:
        operation = vocabulary.operations.get(need.source)
        if operation is None or operation.kind != "read":
            yield f"{where}: `{need.source}` of the need `{need.name}` is no operation that looks something up."
        if need.source not in _PUBLIC and any(_mentions(value, said) for value in need.arguments.values()):
            yield f"{where}: the need `{need.name}` looks up what the customer wrote; take the arguments from the order."


def _said_by_customer(procedure: DraftProcedure) -> frozenset[str]:
    """Names whose value a writer can choose."""
    names = {"request", "message", *(need.name for need in procedure.needs if need.way == "take")}
    while more := {name for name, source in procedure.facts.items() if name not in names and _mentions(source, names)}:
        names |= more
    return frozenset(names)


def _mentions(source: str, names: frozenset[str] | set[str]) -> bool:
    try:
        return any(path.partition(".")[0] in names for path in paths(parse(source)))
    except CelError:
        return True  # unreadable: `check` says so too


class _Names:
    """What earlier sections have named; the same thing may be named twice, two things may not share a name."""

    def __init__(self) -> None:
        self.intents: set[str] = set()
        self.parameters: dict[str, DraftParameter] = {}
        self.questions: dict[str, DraftQuestion] = {}

    def clashes(self, procedure: DraftProcedure) -> Iterator[str]:
        for intent in procedure.intents:
            if intent.name in self.intents:
                yield f"The intent `{intent.name}` stands in another procedure already; choose another name, or leave it out."
        for parameter in procedure.parameters:
            other = self.parameters.get(parameter.name, parameter)
            if (other.type, str(other.value)) != (parameter.type, str(parameter.value)):
                yield f"The parameter `{parameter.name}` is {other.value} in another procedure; choose another name."
        for question in procedure.questions:
            asked = self.questions.get(question.key, question)
            if (asked.kind, set(asked.options)) != (question.kind, set(question.options)):
                yield f"The question `{question.key}` is another one elsewhere; choose another key."

    def add(self, procedure: DraftProcedure) -> None:
        self.intents |= {intent.name for intent in procedure.intents}
        self.parameters |= {parameter.name: parameter for parameter in procedure.parameters}
        self.questions |= {question.key: question for question in procedure.questions}


# -- what is taken away ------------------------------------------------------------------------------------------------


def _limited(
    procedure: DraftProcedure, vocabulary: Vocabulary, standard: Mapping[str, str]
) -> tuple[DraftProcedure, list[Taken]]:
    """Rows that do what nobody offers go to people; questions of ours keep our words."""
    rows: list[DraftRow] = []
    taken: list[Taken] = []
    for row in procedure.rows:
        missing = [act.operation for act in row.do if act.operation not in offered(vocabulary, "write")]
        taken += [Taken(procedure.name, row.name, operation) for operation in missing]
        rows.append(_to_people(row) if missing else row)
    questions = tuple(question for question in procedure.questions if question.key not in standard)
    return replace(procedure, rows=tuple(rows), questions=questions), taken


def _to_people(row: DraftRow) -> DraftRow:
    """Without its words: they speak of something that is not done."""
    return replace(row, do=(), confirm="", reply="", resolve="", escalate=NOT_IN_SHOP, meaning="")


def offered(vocabulary: Vocabulary, kind: str) -> Sequence[str]:
    """The operations that a draft may name."""
    return sorted(name for name, op in vocabulary.operations.items() if op.kind == kind and name not in NOT_OFFERED)


def order_need(procedure: DraftProcedure) -> DraftNeed | None:
    """The need whose owner has to be proven."""
    return next((need for need in procedure.needs if need.source == FIND_ORDER), None)
