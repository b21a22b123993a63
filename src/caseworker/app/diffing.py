"""How two releases differ: procedures, values, words, limits, in the words of the people who write them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import ndiff

from caseworker.cases.release import Release
from caseworker.guard.diff import diff_guardrails
from caseworker.guard.load import GUARDRAILS, ROUTING
from caseworker.sop.diff import Difference, diff_playbooks, summary
from caseworker.sop.model import Place

_TOLD = ("worker.yaml", "parameters.yaml", "intents.yaml", "questions.yaml", GUARDRAILS, ROUTING)
_FOLDERS = ("sops/", "parts/", "replies/")
MOST_LINES = 40  # changed lines of a reply that are shown


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """`before` and `after` are hashes. `only_layout`: the texts differ, but nothing that is decided or said."""

    before: str
    after: str
    differences: tuple[Difference, ...]
    summary: str
    only_layout: bool


def diff_releases(before: Release, after: Release) -> ReleaseDiff:
    """Every difference; first what is decided, then what is said, then how far the worker may go."""
    old, new = before.playbook.files, after.playbook.files
    found = (
        *diff_playbooks(before.playbook, after.playbook),
        *_replies(old, new, {*before.playbook.worker.languages}, {*after.playbook.worker.languages}),
        *(Difference(c.kind, c.text, raises=c.raises) for c in diff_guardrails(before.guardrails, after.guardrails)),
        *_files(old, new),
    )
    same = before.playbook.release == after.playbook.release
    return ReleaseDiff(
        before.playbook.release, after.playbook.release, found, summary(found), only_layout=not found and not same
    )


def _replies(old: Mapping[str, str], new: Mapping[str, str], had: set[str], has: set[str]) -> Iterator[Difference]:
    """Words that changed, line by line; a whole language that comes or goes is one line."""
    whole = had ^ has
    for language in sorted(whole):
        count = sum(
            path.startswith("replies/") and path.endswith(f"/{language}.md") for path in (new if language in has else old)
        )
        done = "come with the new language" if language in has else "are no more: customers get the default language"
        yield Difference("language", f"{count} replies in {language} {done}", Place("worker.yaml", 1), raises=language in had)
    for path in sorted(p for p in {*old, *new} if p.startswith("replies/") and p[:-3].rpartition("/")[2] not in whole):
        was, now = _lines(old.get(path, "")), _lines(new.get(path, ""))
        if was == now:
            continue
        key, _, language = path.removeprefix("replies/").removesuffix(".md").partition("/")
        done = "added" if path not in old else "removed" if path not in new else "changed"
        lines = () if done == "removed" else _changes(old.get(path, ""), new.get(path, ""))
        yield Difference("reply", f"reply {key} {language} {done}", Place(path, 1), lines)


def _changes(old: str, new: str) -> tuple[str, ...]:
    lines = [line for line in ndiff(_lines(old), _lines(new)) if line[:2] in ("- ", "+ ") and line[2:].strip()]
    more = [f"... {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return (*lines[:MOST_LINES], *more)


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    """Knowledge, examples, proofs and whatever else lies in the folder: which files, not what in them."""
    for path in sorted({*old, *new}):
        if path in _TOLD or path.startswith(_FOLDERS) or _lines(old.get(path, "")) == _lines(new.get(path, "")):
            continue
        done = "added" if path not in old else "removed" if path not in new else "changed"
        changed = path.startswith("knowledge/") and done == "changed"  # customers read it
        yield Difference("file", f"{path} {done}", lines=_changes(old[path], new[path]) if changed else ())


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").splitlines()
