"""Words tried out on worked cases: whether what an example decides can be said with the facts of that example.

A decision that is right is no use where its reply cannot be written: a reply that needs an answer which nobody asked for fails
in live use only. Here each reply is written for each example that comes to it, in every language, by the code that writes to
customers. What the example merely leaves out is noted and is no failure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from caseworker.app.stage import Stage, Stages
from caseworker.cases import letters
from caseworker.cases.machine import NOT_THE_OWNER
from caseworker.cases.model import Case, RequestState
from caseworker.cases.release import Release
from caseworker.cases.turn import facts_of
from caseworker.sop.examples import ExampleResult, ExampleRun
from caseworker.sop.model import Act, Ask, Confirm, Decision, Escalate, Procedure, Say
from caseworker.sop.recorded import Recording
from caseworker.writing.errors import ReplyError
from caseworker.writing.unknown import lacks_left_out


class Said(NamedTuple):
    """A reply of a row in one language."""

    procedure: str
    row: str
    reply: str
    language: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A reply that could not be written for an example. `left_out`: only because the example leaves a fact out."""

    example: str
    said: Said
    file: str
    reason: str
    left_out: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of all examples. `run` has what cannot be said among its problems; `every` is what the rows can say."""

    run: ExampleRun
    every: frozenset[Said]
    written: frozenset[Said]
    unwritten: tuple[Unwritten, ...]

    @property
    def left_out(self) -> tuple[Unwritten, ...]:
        """Words that could not be tried, for the example leaves facts out."""
        return tuple(each for each in self.unwritten if each.left_out)

    @property
    def never_written(self) -> tuple[Said, ...]:
        """What some example says and none could write."""
        return tuple(sorted({each.said for each in self.unwritten} - self.written))


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole mail as a customer would get it; where it cannot be written `problem` says why."""

    example: str
    language: str
    subject: str = ""
    text: str = ""
    problem: str = ""


def rehearse(run: ExampleRun, release: Release, *, languages: Sequence[str] = ()) -> Rehearsal:
    """Writes every reply that the examples of a run come to. Examples that decide what is not expected are not tried."""
    stages, chosen = Stages(release), tuple(languages) or release.playbook.worker.languages
    written: set[Said] = set()
    unwritten: list[Unwritten] = []
    results = []
    for result in run.results:
        mine = []
        for said, problem in _tried(result, release, stages, chosen):
            if problem is None:
                written.add(said)
            else:
                mine.append(problem)
        unwritten += mine
        wrong = "; ".join(told(each for each in mine if not each.left_out))
        results.append(replace(result, problem=wrong) if wrong else result)
    procedures = [release.playbook.procedures[name] for name in run.coverage]
    every = frozenset(said for procedure in procedures for said in _of_rows(procedure, chosen))
    return Rehearsal(replace(run, results=tuple(results)), every, frozenset(written & every), tuple(unwritten))


def letters_of(result: ExampleResult, release: Release, *, languages: Sequence[str] = ()) -> Iterator[Letter]:
    """The whole mails that the customer of an example gets, by language: first what he is told while an act is under way."""
    recording = result.recording
    if recording is None:
        return
    stage = Stages(release).of(recording)
    for language in languages or release.playbook.worker.languages:
        for request, moves in _turns(recording.decision, stage):
            case = replace(stage.case, language=language, requests=(request,))
            try:
                for move in moves:
                    case = _spoken(case, request, move, release, recording)
                _, mails = letters.letters_of(case, release=release, event="", now=recording.now)
            except ReplyError as error:
                yield Letter(result.name, language, problem=error.message)
                continue
            for mail in mails:
                yield Letter(result.name, language, str(mail.arguments["subject"]), str(mail.arguments["text"]))


# -- one reply ---------------------------------------------------------------------------------------------------------


def _of_rows(procedure: Procedure, languages: Iterable[str]) -> Iterator[Said]:
    for row in procedure.rows:
        for reply in () if row.unreachable else filter(None, (row.reply, row.meanwhile, row.confirm)):
            yield from (Said(procedure.name, row.name, reply, language) for language in languages)


def _turns(decision: Decision, stage: Stage) -> Iterator[tuple[RequestState, tuple[object, ...]]]:
    """What is said and when: while an act is under way, then at the end."""
    if decision.meanwhile and any(isinstance(move, Act) for move in decision.moves):
        yield stage.before(), (Say(decision.meanwhile),)
    asks = any(isinstance(move, Ask) for move in decision.moves)
    yield replace(stage.after(), status="awaiting_customer" if asks else "open"), decision.moves


def _tried(
    result: ExampleResult, release: Release, stages: Stages, languages: Iterable[str]
) -> Iterator[tuple[Said, Unwritten | None]]:
    recording = result.recording
    if recording is None or result.problem or not _says(recording.decision):
        return
    decision, stage = recording.decision, stages.of(recording)
    for request, moves in _turns(decision, stage):
        for reply in (move.reply for move in moves if isinstance(move, Say | Confirm)):
            for language in languages:
                words = release.replies.by_key.get(reply, {}).get(language)
                if words is None:
                    continue  # for `check` to tell
                said = Said(decision.procedure, decision.rule, reply, language)
                case = replace(stage.case, language=language)
                try:
                    letters.say(case, request, reply, release=release, facts=facts_of(case, request, recording.now))
                except ReplyError as error:
                    reason = error.message.removeprefix(f"{words.place.file}: ").removeprefix(f"{words.place.file} ")
                    yield (
                        said,
                        Unwritten(result.name, said, words.place.file, reason, lacks_left_out(error, words, request.known)),
                    )
                else:
                    yield said, None


def _says(decision: Decision) -> bool:
    return bool(decision.meanwhile) or any(isinstance(move, Say | Confirm) for move in decision.moves)


def told(problems: Iterable[Unwritten]) -> Iterator[str]:
    """One sentence for each example, reply and reason, with the other languages in which it is the same."""
    same: dict[tuple[str, str, str], list[Unwritten]] = {}
    for each in problems:
        same.setdefault((each.example, each.said.reply, each.reason), []).append(each)
    for (_, _, reason), (first, *others) in same.items():
        also = f" (also in {', '.join(each.said.language for each in others)})" if others else ""
        yield f"{first.file}: {reason.rstrip('.')}{also}"


# -- a whole letter ----------------------------------------------------------------------------------------------------


def _spoken(case: Case, request: RequestState, move: object, release: Release, recording: Recording) -> Case:
    """The case with the words of one move, as `cases.machine` puts them."""
    facts = facts_of(case, request, recording.now)
    match move:
        case Say():
            return letters.say(case, request, move.reply, release=release, facts=facts)
        case Confirm():
            return letters.say(case, request, move.reply, release=release, facts=facts, question=True)
        case Ask():
            return letters.ask(case, move.keys, move.not_found, release=release)
        case Escalate() if move.because in NOT_THE_OWNER:
            return letters.say(case, request, "no_personal_data", release=release, facts=facts)
        case Escalate() if not case.parts:
            return letters.hand_over_words(case, request, release=release, facts=facts)
    return case
