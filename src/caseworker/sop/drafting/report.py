"""What a manager goes through before a draft is worth anything: what came from where, and what did not."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from caseworker.sop.drafting.answer import Answer, DraftProcedure
from caseworker.sop.drafting.handbook import Section, plain
from caseworker.sop.drafting.rules import Accepted, Taken
from caseworker.sop.drafting.written import one_line
from caseworker.sop.model import Finding

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'")
_VALUES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that a person has to look at. Lines are those of the handbook.

    `findings` are what `check` still says, `failed` the examples that do not come out as written, `refused` the sections that
    were left to people and why, `unproven` quotations that the handbook does not hold, `figures` numbers that need a look,
    `not_expressed` and `not_covered` what the draft does not say.
    """

    findings: tuple[Finding, ...]
    failed: tuple[str, ...]
    refused: tuple[str, ...]
    taken: tuple[Taken, ...]
    unproven: tuple[str, ...]
    figures: tuple[str, ...]
    not_expressed: tuple[str, ...]
    not_covered: tuple[str, ...]
    made: tuple[str, ...]

    @property
    def errors(self) -> int:
        """What stands in the way of the draft: errors of `check`, failing examples, sections without a usable answer."""
        return sum(1 for f in self.findings if f.severity == "error") + len(self.failed) + len(self.refused)


def review(
    accepted: Accepted,
    sections: Sequence[Section],
    *,
    findings: Sequence[Finding],
    failed: Sequence[str],
    unanswered: Mapping[int, str],
) -> Review:
    """Looks up every quotation and every figure. `unanswered` are sections that the model gave nothing for."""
    refused = {**accepted.refused, **{number: (reason,) for number, reason in unanswered.items()}}
    left = [f"{_title(sections[number])}: {' '.join(reasons)}" for number, reasons in sorted(refused.items())]
    answers = [(sections[number], answer) for number, answer in accepted.answers.items()]
    return Review(
        findings=tuple(findings),
        failed=tuple(failed),
        refused=tuple(left),
        taken=accepted.taken,
        unproven=tuple(line for section, answer in answers for line in _unproven(section, answer)),
        figures=tuple(line for section, answer in answers for line in _figures(section, answer)),
        not_expressed=tuple(
            f'{_line(section, quote)}"{one_line(quote)}": {why}'
            for section, answer in answers
            for quote, why in answer.not_expressed
        ),
        not_covered=tuple(line for section, answer in answers for line in _not_covered(section, answer)),
        made=tuple(line for section, answer in answers for line in _made(section, answer)),
    )


def _title(section: Section) -> str:
    return f'line {section.line}, "{section.title}"'


def _line(section: Section, quote: str) -> str:
    line = section.find(quote)
    return f"line {line}: " if line is not None else ""


def _quotes(answer: Answer) -> Iterator[tuple[str, str]]:
    """Where a sentence was used, and the sentence."""
    for procedure in answer.procedures:
        yield from ((f"{procedure.name}, row `{row.name}`", row.quote) for row in procedure.rows)
        yield from ((f"parameter `{parameter.name}`", parameter.quote) for parameter in procedure.parameters)


def _unproven(section: Section, answer: Answer) -> Iterator[str]:
    for where, quote in _quotes(answer):
        if section.find(quote) is None:
            yield f'{where}: "{one_line(quote)}"' if quote else f"{where}: no sentence was given"


def _not_covered(section: Section, answer: Answer) -> Iterator[str]:
    used = [quote for _, quote in _quotes(answer)] + [quote for quote, _ in answer.not_expressed]
    found = [plain(quote) for quote in used if section.find(quote) is not None]
    for sentence in section.sentences:
        if not any(quote in sentence.text or sentence.text in quote for quote in found):
            yield f'line {sentence.line}: "{sentence.text}"'


def _figures(section: Section, answer: Answer) -> Iterator[str]:
    """Numbers of the handbook that are no parameter, and numbers of the draft that do not come from one."""
    named: list[tuple[str, str]] = []
    for procedure in answer.procedures:
        for parameter in procedure.parameters:
            numbers = _FIGURE.findall(str(parameter.value))
            named += [(plain(parameter.quote), number) for number in numbers]
            if any(number not in _FIGURE.findall(parameter.quote) for number in numbers):
                yield f"parameter `{parameter.name}` is {parameter.value}, and its sentence does not say that number"
        yield from _written_out(procedure)
    for sentence in section.sentences:
        here = {number for quote, number in named if quote in sentence.text or sentence.text in quote}
        for number in dict.fromkeys(_FIGURE.findall(sentence.text)):
            if number not in here:
                yield f'line {sentence.line}: {number} is no parameter: "{sentence.text}"'


def _written_out(procedure: DraftProcedure) -> Iterator[str]:
    for row in procedure.rows:
        sources = [row.when, *(value for act in row.do for value in act.arguments.values())]
        for number in _numbers(sources):
            yield f"{procedure.name}, row `{row.name}`: {number} stands in the condition or act itself; name it as a parameter"
    for number in _numbers(procedure.facts.values()):
        yield f"{procedure.name}, facts: {number} stands in an expression itself; name it as a parameter"
    for reply in procedure.replies:
        said = {number for words in reply.words.values() for number in _FIGURE.findall(_VALUES.sub("", words))}
        for number in sorted(said):
            yield f"{procedure.name}, reply `{reply.key}`: {number} stands in the words; write {{{{ param.NAME }}}} instead"


def _numbers(sources: Iterable[str]) -> list[str]:
    texts = [_TEXT.sub("", source) for source in sources]
    found = [number for text in texts for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)", text)]
    return [number for number in dict.fromkeys(found) if number not in ("0", "1")]


def _made(section: Section, answer: Answer) -> Iterator[str]:
    for procedure in answer.procedures:
        intents = ", ".join(intent.name for intent in procedure.intents)
        what = f"`sops/{procedure.name}.yaml`, {len(procedure.rows)} rows" if procedure.rows else "goes to people"
        yield f"{_title(section)}: {intents}: {what}"


# -- as a page ---------------------------------------------------------------------------------------------------------

_NEXT = """\
This is a draft. It is in shadow mode: it decides and does nothing. Before it works for anybody:

1. Go through the lists below, and through each row with the sentence above it.
2. Put your mailbox, its mail server and your queues into `worker.yaml` and `routing.yaml`.
3. Set limits in `guardrails.yaml`. Until then a person approves every act.
4. `caseworker check` and `caseworker examples`, then add examples of your own.
5. `caseworker train`, so that the reader knows these intents.
"""


def page(found: Review, *, handbook: str, usage: str) -> str:
    """REPORT.md"""
    said = [f"`{f.place}` {f.severity}: {f.message} {f.advice}".rstrip() for f in found.findings]
    taken = [f"{t.procedure}, row `{t.row}`: the shop has no operation `{t.operation}`; the row escalates" for t in found.taken]
    parts = [
        f"# Draft from {handbook}\n",
        _NEXT,
        *_list("What was made", found.made, "Nothing."),
        *_list("Errors and warnings that remain", [*said, *(f"example: {text}" for text in found.failed)], "None."),
        *_list("Sections left to people", found.refused, "None."),
        *_list("Taken away", taken, "Nothing."),
        *_list("Not found in the handbook: check this", found.unproven, "Every row and parameter has its sentence."),
        *_list("Figures to look at", found.figures, "Every figure is a parameter."),
        *_list("What could not be expressed", found.not_expressed, "Nothing."),
        *_list("Sentences not covered", found.not_covered, "None."),
        f"{usage}\n",
    ]
    return "\n".join(parts)


def _list(title: str, entries: Sequence[str], nothing: str) -> list[str]:
    return [f"## {title}\n", *(f"- {one_line(entry)}" for entry in entries), *([] if entries else [nothing]), ""]
