"""Drafting: a handbook, a language model and one repair round give a folder that a manager can begin with."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from caseworker.app.places import claim, write_folder
from caseworker.app.playbooks import Playbooks, shipped, vocabulary
from caseworker.core.errors import PlaybookError, UsageError
from caseworker.guard.load import ROUTING
from caseworker.guard.load import load as load_guardrails
from caseworker.reading.errors import ModelAway
from caseworker.reading.ports import LanguageModel
from caseworker.reading.prompts import Completion, Prompt
from caseworker.sop.checking.words import ENGINE_REPLIES, WHERE_WRITTEN
from caseworker.sop.drafting.answer import SCHEMA, Answer
from caseworker.sop.drafting.assemble import Draft, House, assemble
from caseworker.sop.drafting.handbook import Section, decode, split
from caseworker.sop.drafting.parse import parse
from caseworker.sop.drafting.prompt import Course, material, repair, task
from caseworker.sop.drafting.report import Review, page, review
from caseworker.sop.drafting.rules import Accepted, accept
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.examples import run_examples
from caseworker.sop.load import read_folder
from caseworker.sop.model import Finding, Place, Playbook

MAX_ANSWER = 8192  # tokens
TRIES = 3  # of one question, where the model is away
PAUSES = (2.0, 8.0)  # seconds between them, where the server does not say how long
LONGEST_PAUSE = 60.0  # seconds
REPORT = "REPORT.md"
# Questions with words of ours, and their kinds.
_STANDARD = {key: key for key in ("order_number", "postcode", "items", "quantity", "photo")} | {"new_address": "address"}


Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller decides. `max_calls` is the most requests that the model gets, repeated ones included."""

    handbook: Path
    folder: Path
    languages: tuple[str, ...] = ("en",)
    mailbox: str = "service@example.com"
    country: str = "DE"
    max_calls: int = 100


@dataclass(slots=True)
class Usage:
    """What it cost. Tokens stay None where the server does not count them."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None

    def add(self, answer: Completion) -> None:
        if answer.input_tokens is not None:
            self.input_tokens = (self.input_tokens or 0) + answer.input_tokens
        if answer.output_tokens is not None:
            self.output_tokens = (self.output_tokens or 0) + answer.output_tokens

    def __str__(self) -> str:
        tokens = ((self.input_tokens, "in"), (self.output_tokens, "out"))
        counted = [f"{count} tokens {way}" for count, way in tokens if count is not None]
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return ", ".join([f"{calls} of the model", *counted]) + "."


@dataclass(frozen=True, slots=True)
class Drafted:
    """The result: the folder that was written, what a person has to look at, and what it cost."""

    folder: Path
    sections: tuple[Section, ...]
    procedures: tuple[str, ...]
    examples: int
    review: Review
    usage: Usage


@dataclass(slots=True)
class Drafting:
    """Drafts playbooks. `progress` is told a stage, how far it is and how far it goes; `pause` waits some seconds."""

    playbooks: Playbooks
    model: LanguageModel
    progress: Progress = lambda _stage, _done, _of: None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def draft(self, wanted: Wanted) -> Drafted:
        """Ask about every section, check, ask once more where something is wrong, and write the folder.

        Raises UsageError and ConfigurationError before the model is asked, ModelRefused, and ModelAway where not even the
        first section was answered; nothing is written then.
        """
        sections = split(decode(read_handbook(wanted.handbook)))
        house = make_house(wanted)
        claim(wanted.folder)
        if len(sections) > wanted.max_calls:
            message = f"The handbook has {len(sections)} sections, and the model may be asked {wanted.max_calls} times."
            raise UsageError(message, remedy=f"Give --max-calls {2 * len(sections)}, or a shorter handbook.")
        round_ = _Round(self, wanted, house, sections)
        await round_.first()
        await round_.second()
        return round_.finish()


def read_handbook(path: Path) -> bytes:
    """The file's bytes. Raises UsageError where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"The handbook {path} cannot be read.", remedy="Give a file of Markdown or text.") from error


def make_house(wanted: Wanted) -> House:
    """Our own few words, from the playbook that comes with Caseworker. Raises UsageError for a language that has none."""
    files = read_folder(shipped("retail"))
    reasons = {word for path, text in files.items() if path != ROUTING for word in re.findall(r"because: (\w+)", text)}
    ours = (*ENGINE_REPLIES, *WHERE_WRITTEN, *(f"ask_{key}" for key in _STANDARD))
    replies: dict[str, str] = {}
    for path, text in files.items():
        folder, key, *rest = [*path.split("/"), ""]
        if folder == "replies" and key in ours and rest[0].removesuffix(".md") in wanted.languages:
            replies[path] = text
    if not re.fullmatch(r"[A-Z]{2}", wanted.country) or "@" not in wanted.mailbox:
        message = f"{wanted.country!r} is no country, or {wanted.mailbox!r} no mail address."
        raise UsageError(message, remedy="Write for example --country DE --mailbox service@example.com.")
    for language in wanted.languages:
        if f"replies/greeting/{language}.md" not in replies:
            raise UsageError(f"There are no words for the language {language!r}.", remedy="Give for example en or de.")
    return House(
        name=re.sub(r"[^a-z0-9]+", "-", wanted.folder.name.lower()).strip("-") or "draft",
        handbook=wanted.handbook.name,
        mailbox=wanted.mailbox,
        country=wanted.country,
        languages=wanted.languages,
        replies=replies,
        questions=_STANDARD,
        because={word: text for word, text in load_guardrails(files).because.items() if word not in reasons},
    )


@dataclass(slots=True)
class _Round:
    """One draft under way."""

    drafting: Drafting
    wanted: Wanted
    house: House
    sections: tuple[Section, ...]
    usage: Usage = field(default_factory=Usage)
    texts: dict[int, str] = field(default_factory=dict)
    prompts: dict[int, str] = field(default_factory=dict)
    answers: dict[int, tuple[Answer, tuple[str, ...]]] = field(default_factory=dict)
    unanswered: dict[int, str] = field(default_factory=dict)
    _course: Course | None = None

    @property
    def course(self) -> Course:
        if self._course is None:
            commerce = self.drafting.playbooks.commerce
            docs = {name: operation.doc for name, operation in commerce.operations().items()}
            self._course = Course(vocabulary(commerce), docs, self.house.questions, self.house.languages)
        return self._course

    async def first(self) -> None:
        """Every section once, each told what the earlier ones have named."""
        for number, section in enumerate(self.sections):
            self.drafting.progress("sections", number, len(self.sections))
            earlier = [answer for answer, problems in self.answers.values() if not problems]
            self.prompts[number] = material(section, earlier)
            await self._ask(number, self.prompts[number])
        self.drafting.progress("sections", len(self.sections), len(self.sections))

    async def second(self) -> None:
        """Once more where something is wrong: with the first answer and the findings, or as before where there was none."""
        findings = self._findings_by_section()
        todo = sorted({*findings, *self.unanswered})
        for done, number in enumerate(todo):
            self.drafting.progress("repairs", done, len(todo))
            prompt = self.prompts[number]
            if number in findings:
                prompt = repair(prompt, self.texts[number], findings[number])
            await self._ask(number, prompt)
        if todo:
            self.drafting.progress("repairs", len(todo), len(todo))

    def finish(self) -> Drafted:
        """Write the folder with its report. Raises PlaybookError where there is nothing to write."""
        accepted, draft = self._assemble()
        findings, failed, playbook = self._check(draft)
        found = review(
            accepted,
            self.sections,
            findings=findings,
            failed=[f"{place}: {text}" for place, text in failed],
            unanswered=self.unanswered,
        )
        if not found.made:
            reasons = "\n".join(f"  {reason}" for reason in found.refused) or "  The model found no matter in it."
            message = f"No section of {self.house.handbook} gave a procedure:\n{reasons}"
            raise PlaybookError(message, remedy="Look at the model's answers, or give another handbook.")
        report = page(found, handbook=self.house.handbook, usage=str(self.usage))
        write_folder(self.wanted.folder, encoded({**draft.files, REPORT: report}))
        examples = sum(text.count("\n- example: ") + text.startswith("- example: ") for text in draft.files.values())
        procedures = tuple(playbook.procedures) if playbook else ()
        return Drafted(self.wanted.folder, self.sections, procedures, examples, found, self.usage)

    # -- asking --------------------------------------------------------------------------------------------------------

    async def _ask(self, number: int, user: str) -> None:
        """One answer for a section. A model that is away leaves the section without one, unless nothing was answered yet."""
        prompt = Prompt(task(self.course), user, SCHEMA, "procedures", MAX_ANSWER)
        try:
            answer = await self._patiently(prompt)
        except ModelAway as error:
            if not self.texts:
                raise
            if number not in self.answers:
                self.unanswered[number] = error.message
            return
        self.unanswered.pop(number, None)
        self.usage.add(answer)
        read, problems = parse(answer.text, self.house.languages)
        if answer.cut:
            problems = (f"The answer was cut after {MAX_ANSWER} tokens: write it shorter.", *problems)
        if problems and number in self.answers and not self.answers[number][1]:
            return  # a repair that cannot even be read is no better than what it should mend
        self.texts[number] = answer.text
        self.answers[number] = (read, problems)

    async def _patiently(self, prompt: Prompt) -> Completion:
        for number in range(TRIES):
            if self.usage.calls >= self.wanted.max_calls:
                raise ModelAway(f"The budget of {self.wanted.max_calls} calls is used up.", remedy="Raise --max-calls.")
            self.usage.calls += 1
            try:
                return await self.drafting.model.complete(prompt)
            except ModelAway as error:
                if number == TRIES - 1:
                    raise
                asked = error.retry_after if error.retry_after is not None else PAUSES[number]
                await self.drafting.pause(min(asked, LONGEST_PAUSE))
        raise AssertionError("a loop of tries ends by itself")

    # -- checking ------------------------------------------------------------------------------------------------------

    def _assemble(self) -> tuple[Accepted, Draft]:
        accepted = accept(self.answers, self.course.vocabulary, self.house.questions)
        return accepted, assemble(accepted, self.sections, self.house)

    def _findings_by_section(self) -> Mapping[int, list[str]]:
        accepted, draft = self._assemble()
        found = {number: list(problems) for number, problems in accepted.refused.items()}
        findings, failed, _ = self._check(draft)
        said = [(f.place, f"{_shown(draft, f.place)}: {f.message} {f.advice}") for f in findings if f.severity == "error"]
        for place, text in (*said, *failed):
            number = draft.section(place)
            if number in self.texts:
                found.setdefault(number, []).append(text)
        return found

    def _check(self, draft: Draft) -> tuple[Sequence[Finding], Sequence[tuple[Place, str]], Playbook | None]:
        """What `check` and the examples say of these files."""
        with TemporaryDirectory(prefix="caseworker-draft-") as name:
            write_folder(Path(name), encoded(draft.files))
            try:
                release, findings = self.drafting.playbooks.examine(Path(name))
            except PlaybookProblems as problems:
                return problems.findings, (), None
        run = run_examples(release.playbook, release.vocabulary)
        failed = [(r.place, f"example {json.dumps(r.name, ensure_ascii=False)}: {r.problem}") for r in run.failed]
        return findings, failed, release.playbook


def _shown(draft: Draft, place: Place) -> str:
    """A finding's line as the model can recognise it: it has never seen the files."""
    lines = draft.files.get(place.file, "").split("\n")
    return f"{place.file}, `{lines[place.line - 1].strip()}`" if 0 < place.line <= len(lines) else place.file


def encoded(files: Mapping[str, str]) -> Mapping[str, bytes]:
    return {path: text.encode() for path, text in files.items()}
