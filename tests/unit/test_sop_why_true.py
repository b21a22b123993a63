"""What is said of a row is true: over all worked examples of the shipped playbook, against the conditions themselves."""

import re
from collections.abc import Iterator

from caseworker.app.playbooks import shipped
from caseworker.cli.playbooks import offline
from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.parse import parse
from caseworker.sop.cel.text import written
from caseworker.sop.cel.values import Scope
from caseworker.sop.cel.why import MOST
from caseworker.sop.decide import decide
from caseworker.sop.examples import given_of
from caseworker.sop.explain import RowWhy, explain_recording
from caseworker.sop.load import read_folder
from caseworker.sop.needs import Needs
from caseworker.sop.recorded import Recording
from caseworker.sop.scope import build

RELEASE = offline().assemble(read_folder(shipped("retail")))
_SAID = re.compile(r"(?P<text>.+?) is (?P<value>true|false|there|not there)(?: \(.*\))?")


def recordings() -> Iterator[Recording]:
    """Every example of the playbook, decided."""
    playbook, vocabulary = RELEASE.playbook, RELEASE.vocabulary
    for given in given_of(playbook, vocabulary):
        told = {"now": given.now, "progress": given.progress, "vocabulary": vocabulary}
        decision = decide(playbook, given.procedure, given.facts, **told)  # type: ignore[arg-type]  # as they are named
        yield Recording(1, playbook.release, given.now, given.facts, given.progress, decision)


def scope_of(recording: Recording) -> Scope:
    """The facts of a decision, apart from those that the explanation read."""
    procedure = RELEASE.playbook.procedures[recording.decision.procedure]
    needs = Needs(procedure, recording.progress, RELEASE.vocabulary).resolvers()
    timed_out = recording.decision.timed_out
    return build(RELEASE.playbook, procedure, recording.facts, now=recording.now, needs=needs, timed_out=timed_out)


def said_of(row: RowWhy) -> list[tuple[str, bool]]:
    """The parts that are said to be true or false, as conditions, and which."""
    found = [_SAID.fullmatch(told.says) for told in row.because]
    parts = [(m["text"], m["value"]) for m in found if m and not m["text"].endswith("...")]
    return [(f"has({t})" if "there" in v else t, v in ("true", "there")) for t, v in parts]


def test_the_row_that_is_said_to_fire_is_the_one_that_fires_and_each_part_is_as_it_is_said() -> None:
    looked_at = 0
    for recording in recordings():
        scope, rows = scope_of(recording), explain_recording(recording, RELEASE.playbook, RELEASE.vocabulary)
        fired = [row.row for row in rows if row.verdict == "fired"]
        assert fired == ([recording.decision.rule] if recording.decision.rule and fired else []), recording.decision
        for row in rows:
            for text, value in said_of(row):
                assert evaluate(text, scope) is value, (recording.decision.procedure, row.row, text)
                looked_at += 1
    assert looked_at > 1000


def test_what_is_said_to_keep_a_row_from_firing_does_so() -> None:
    """Were every part that is named the other way round, the row would not be false."""
    looked_at = 0
    for recording in recordings():
        scope = scope_of(recording)
        for row in explain_recording(recording, RELEASE.playbook, RELEASE.vocabulary):
            said = said_of(row)
            if row.verdict != "false" or len(said) != len(row.because) or len(said) >= MOST:
                continue
            turned = written(parse(row.condition))
            for text, value in said:
                before, turned = turned, _put(turned, text, "false" if value else "true")
                assert turned != before, (row.row, text, turned)
            assert evaluate(turned, scope) is not False, (recording.decision.procedure, row.row, row.condition, turned)
            looked_at += 1
    assert looked_at > 1000


def _put(condition: str, part: str, value: str) -> str:
    start = r"(?<![\w.])" if re.match(r"\w", part) else ""
    end = r"(?![\w.(\[])" if re.search(r"\w$", part) else ""
    return re.sub(start + re.escape(part) + end, value, condition)
