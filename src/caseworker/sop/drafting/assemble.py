"""Answers to the files of a playbook. Names of files, queues, modes and guardrails are ours."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from caseworker.sop.drafting.answer import Answer, DraftIntent, DraftNeed, DraftParameter, DraftProcedure, DraftRow
from caseworker.sop.drafting.handbook import Section
from caseworker.sop.drafting.parse import ADDED_ROW
from caseworker.sop.drafting.rules import NOT_IN_SHOP, Accepted, order_need
from caseworker.sop.drafting.written import block, comment, flow, one_line, scalar
from caseworker.sop.model import Place

QUEUE = "general"
_PROOFS = ("order_number", "postcode")
NOBODY = -1  # the section of what is ours


@dataclass(frozen=True, slots=True)
class House:
    """What does not come from the handbook: the worker's own few words and where it works.

    `replies` are texts by path (the engine's own replies and the words of `questions`, key and kind); `because` explains the
    engine's reasons.
    """

    name: str
    handbook: str
    mailbox: str
    country: str
    languages: tuple[str, ...]
    replies: Mapping[str, str]
    questions: Mapping[str, str]
    because: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """The files, and for each line of them the section that it comes from (`NOBODY` where it is ours)."""

    files: Mapping[str, str]
    sections: Mapping[str, Sequence[int]]

    def section(self, place: Place) -> int:
        """The section that a finding is about."""
        lines = self.sections.get(place.file, ())
        return lines[place.line - 1] if 0 < place.line <= len(lines) else (max(lines) if lines else NOBODY)


@dataclass(slots=True)
class _File:
    lines: list[str] = field(default_factory=list)
    sections: list[int] = field(default_factory=list)

    def add(self, lines: Iterable[str], section: int = NOBODY) -> None:
        for line in lines:
            self.lines.append(line)
            self.sections.append(section)


def assemble(accepted: Accepted, sections: Sequence[Section], house: House) -> Draft:
    """The playbook's folder as texts."""
    work = _Work(house, sections)
    for number, answer in accepted.answers.items():
        work.answer(number, answer)
    work.finish()
    files = {name: "\n".join(file.lines) + "\n" for name, file in work.files.items()}
    unasked = tuple(f"replies/ask_{key}/" for key in house.questions if key not in work.asked())
    words = {path: text for path, text in house.replies.items() if not path.startswith(unasked)}
    return Draft({**words, **files}, {name: file.sections for name, file in work.files.items()})


@dataclass(slots=True)
class _Work:
    house: House
    handbook: Sequence[Section]
    files: dict[str, _File] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    because: dict[str, str] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)  # parameters and questions that are written already

    def file(self, name: str) -> _File:
        return self.files.setdefault(name, _File())

    def answer(self, number: int, answer: Answer) -> None:
        for procedure in answer.procedures:
            self._shared(number, procedure)
            if procedure.rows:
                self.file(f"sops/{procedure.name}.yaml").add(self._procedure(number, procedure), number)
                self._replies(number, procedure)
                self._examples(number, procedure)

    # -- files that all procedures share -------------------------------------------------------------------------------

    def _shared(self, number: int, procedure: DraftProcedure) -> None:
        for intent in procedure.intents:
            self.file("intents.yaml").add(_intent(intent, has_rows=bool(procedure.rows)), number)
        for parameter in procedure.parameters:
            if self._new("parameter", parameter.name):
                self.file("parameters.yaml").add(self._parameter(number, parameter), number)
        for question in procedure.questions:
            if self._new("question", question.key):
                options = {"options": question.options} if question.options else {}
                line = f"{question.key}: {flow({'kind': question.kind, **options})}"
                self.file("questions.yaml").add([line], number)
                for language, words in question.words.items():
                    self.file(f"replies/ask_{question.key}/{language}.md").add(_reply("", (), words), number)

    def _new(self, kind: str, name: str) -> bool:
        is_new = (kind, name) not in self.known
        self.known.add((kind, name))
        return is_new

    def _parameter(self, number: int, parameter: DraftParameter) -> Iterator[str]:
        yield from self._origin(number, parameter.quote)
        yield f"{parameter.name}: {flow({'type': parameter.type, 'values': [_value(parameter)]})}"

    def _origin(self, number: int, quote: str, indent: str = "") -> list[str]:
        """The sentence of the handbook that something comes from."""
        line = self.handbook[number].find(quote)
        if not quote:
            return comment("no sentence of the handbook was given: check this", indent)
        if line is None:
            return comment(f'not found in the handbook: check this: "{quote}"', indent)
        return comment(f'{self.house.handbook}, line {line}: "{quote}"', indent)

    def finish(self) -> None:
        """The files that are ours alone, and heads above the others."""
        house = self.house
        self.file("worker.yaml").add(_worker(house))
        self.file("guardrails.yaml").add(_guardrails(sorted(self.operations)))
        self.file("routing.yaml").add(_routing({**house.because, **self.because}))
        self.file("questions.yaml").add(f"{key}: {{kind: {kind}}}" for key, kind in self.asked().items())
        self.file("intents.yaml")
        self.file("parameters.yaml")

    def asked(self) -> Mapping[str, str]:
        """Those of our questions that an identity is proven with, or that a procedure asks or looks at."""
        texts = "\n".join(line for name, file in self.files.items() if not name.startswith("examples/") for line in file.lines)
        used = {*_PROOFS, *re.findall(r"\b(?:ask: |request\.)(\w+)", texts)}
        return {key: kind for key, kind in self.house.questions.items() if key in used}

    # -- one procedure -------------------------------------------------------------------------------------------------

    def _procedure(self, number: int, procedure: DraftProcedure) -> Iterator[str]:
        yield from comment(f'Drafted from {self.house.handbook}, "{self.handbook[number].title}".')
        yield f"sop: {procedure.name}"
        yield f"title: {block(procedure.title)}"
        yield f"intents: {flow([intent.name for intent in procedure.intents])}"
        if procedure.needs:
            yield from ("", "needs:", *(f"  {need.name}: {flow(_need(need))}" for need in procedure.needs))
        if order := order_need(procedure):
            yield from ("", f"verify: owner({order.name})")
        if procedure.facts:
            yield from ("", "facts:", *(f"  {name}: {block(source)}" for name, source in procedure.facts.items()))
        yield from ("", "rules:")
        for row in procedure.rows:
            yield from self._origin(number, row.quote, "  ")
            yield from self._row(procedure.name, row)
            yield ""
        yield from (f"  - otherwise: {ADDED_ROW}", f"    escalate: {flow({'queue': QUEUE, 'because': ADDED_ROW})}")

    def _row(self, sop: str, row: DraftRow) -> Iterator[str]:
        yield f"  - rule: {row.name}"
        yield f"    when: {block(row.when)}"
        if row.confirm:
            yield f"    confirm: {sop}_{row.confirm}"
        if row.do:
            yield "    do:"
        for act in row.do:
            self.operations.add(act.operation)
            yield f"      - {act.operation}: {flow(act.arguments)}"
            if act.receipt:
                yield f"        as: {act.receipt}"
        if row.reply:
            yield f"    reply: {sop}_{row.reply}"
        if row.escalate:
            self.because.setdefault(row.escalate, row.meaning)
            yield f"    escalate: {flow({'queue': QUEUE, 'because': row.escalate})}"
        if row.resolve:
            yield f"    resolve: {row.resolve}"

    def _replies(self, number: int, procedure: DraftProcedure) -> None:
        said = {key for row in procedure.rows for key in (row.reply, row.confirm)}  # a row that goes to people now says none
        for reply in (each for each in procedure.replies if each.key in said):
            for language, words in reply.words.items():
                lines = _reply(reply.subject.get(language, ""), _claims(procedure, reply.key), words)
                self.file(f"replies/{procedure.name}_{reply.key}/{language}.md").add(lines, number)

    def _examples(self, number: int, procedure: DraftProcedure) -> None:
        for example in procedure.examples:
            file = self.file(f"examples/{procedure.name}.yaml")
            file.add([f"- example: {block(example.name)}", f"  sop: {procedure.name}"], number)
            file.add([f"  now: {scalar(example.now)}"], number)
            if example.facts:
                file.add(["  facts:", *(f"    {scalar(key)}: {flow(value)}" for key, value in example.facts.items())], number)
            file.add([f"  expect: {flow({'rule': example.row})}"], number)


def _intent(intent: DraftIntent, *, has_rows: bool) -> Iterator[str]:
    yield f"{intent.name}:"
    yield f"  description: {block(intent.description)}"
    if intent.to_people:
        yield "  always_escalate: true"
    if intent.to_people or not has_rows:
        yield f"  queue: {QUEUE}"
    if intent.examples:
        yield "  examples:"
    for language, sentences in intent.examples.items():
        yield from (f"    {language}:", *(f"      - {block(sentence)}" for sentence in sentences))


def _need(need: DraftNeed) -> dict[str, object]:
    said: dict[str, object] = {
        need.way: need.source,
        "with": dict(need.arguments),
        "by": need.by,
        "one_of": need.one_of,
        "ask": need.ask,
        "skip_when": need.skip_when,
        "optional": need.optional,
    }
    return {key: value for key, value in said.items() if value}


def _value(parameter: DraftParameter) -> object:
    """The value as its type is written: whole numbers without quotes, a percentage as a number."""
    value = parameter.value
    if parameter.type not in ("int", "percent") or not isinstance(value, str):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    text = value.removesuffix("%").strip()
    try:
        number = float(text)
    except ValueError:
        return value
    return int(number) if number.is_integer() else number


def _reply(subject: str, claims: Sequence[str], words: str) -> list[str]:
    front = [f"subject: {scalar(subject)}"] if subject else []
    front += [f"claims: {flow(claims)}"] if claims else []
    return ["---", *front, "---", *words.split("\n")]


def _claims(procedure: DraftProcedure, key: str) -> list[str]:
    """Receipts without which the words must not be said: those of every row that answers with them."""
    uses = [
        [act.receipt or act.operation.rsplit(".", 1)[-1] for act in row.do] if row.reply == key else []
        for row in procedure.rows
        if key in (row.reply, row.confirm)
    ]
    return [name for name in uses[0] if all(name in use for use in uses)] if uses else []


def _worker(house: House) -> list[str]:
    return [
        *comment(f"Drafted from {house.handbook}. Nothing of it is live: go through REPORT.md first."),
        f"name: {scalar(house.name)}",
        "mode: shadow                  # decides and does nothing; people do the work",
        f"languages: {flow(house.languages)}",
        f"default_language: {house.languages[0]}",
        f"default_country: {scalar(house.country)}",
        "mailboxes:",
        f"  - {flow({'address': house.mailbox})}",
        f"fallback_queue: {QUEUE}",
    ]


def _guardrails(operations: Sequence[str]) -> list[str]:
    head = "# A draft has no limits of its own: a person approves every act, whatever its amount, until you set limits here."
    limits = [f"  {name}: {flow({'always_approve': True, 'queue': QUEUE})}" for name in operations]
    return [head, "actions:" if limits else "actions: {}", *limits]


def _routing(because: Mapping[str, str]) -> list[str]:
    ours = {
        ADDED_ROW: "No rule of the procedure fits this situation.",
        NOT_IN_SHOP: "The handbook wants something that the connected systems cannot do.",
    }
    words = {**because, **ours}
    return [
        "# Queues of people, and what the words of `because` mean. One queue until you name yours.",
        f"default_queue: {QUEUE}",
        "queues:",
        f"  {QUEUE}: {{title: General, service_level: 8h, priority: 1}}",
        "because:",
        *(f"  {word}: {block(one_line(text) or word.replace('_', ' '))}" for word, text in words.items()),
    ]
