"""What nobody uses in a playbook, and reasons for people that nobody explains: warnings of `check`, each with file and line."""

import re
from collections.abc import Iterator, Mapping

from caseworker.cases.release import Release
from caseworker.core.findings import Finding, Place, Problems
from caseworker.core.items import read_yaml
from caseworker.sop.checking.words import ENGINE_REPLIES, WHERE_WRITTEN
from caseworker.sop.model import Playbook

_ROUTING = "routing.yaml"
_BUILT_IN = ("order_number", "postcode")  # read in every mail, and what an identity is proven with
_RULES = ("sops/", "parts/", "proofs.yaml")
_WORDS = ("replies/", "knowledge/")
_PARAMETER = re.compile(r"\bparam\.(\w+)")
_ANSWER = re.compile(r"\brequest\.(?:given\.)?(\w+)")


def findings(release: Release) -> Iterator[Finding]:
    """Replies, parameters, questions and queues that nothing names; words of `because` that routing.yaml does not explain."""
    playbook = release.playbook
    yield from _parameters(playbook)
    questions = _questions_in_use(playbook)
    for question in playbook.questions.values():
        if question.key not in questions:
            text = f"No procedure asks for `{question.key}` or uses the answer."
            yield _warning(question.place, "unused_question", text, f"Remove it, and replies/ask_{question.key}.")
    yield from _replies(release)
    yield from _queues(release)
    yield from dict.fromkeys(_unexplained(release))  # the row of a part stands in several procedures


def _warning(place: Place, code: str, message: str, advice: str) -> Finding:
    return Finding(place, "warning", code, message, advice)


def _parameters(playbook: Playbook) -> Iterator[Finding]:
    used = set(_PARAMETER.findall(_texts(playbook, *_RULES, *_WORDS)))
    for parameter in playbook.parameters.values():
        if parameter.name not in used:
            text = f"No procedure, reply or approved answer uses `param.{parameter.name}`."
            yield _warning(parameter.place, "unused_parameter", text, "Remove it.")


def _questions_in_use(playbook: Playbook) -> set[str]:
    used = {*_BUILT_IN, *_ANSWER.findall(_texts(playbook, *_RULES, "replies/"))}
    for procedure in playbook.procedures.values():
        used |= {need.ask for need in procedure.needs} | set(procedure.proof)
    return used


def _replies(release: Release) -> Iterator[Finding]:
    playbook = release.playbook
    rows = [row for procedure in playbook.procedures.values() for row in procedure.rows]
    used = {*ENGINE_REPLIES, *WHERE_WRITTEN, *(f"ask_{key}" for key in (*_BUILT_IN, *playbook.questions))}
    used |= {key for row in rows for key in (row.reply, row.meanwhile, row.confirm)}
    used |= {intent.reply for intent in playbook.intents.values()}
    for key, words in release.replies.by_key.items():
        if key not in used:
            first = words[min(words)].place
            yield _warning(first, "unused_reply", f"No row says `{key}`.", f"Remove the folder replies/{key}.")


def _queues(release: Release) -> Iterator[Finding]:
    playbook, guardrails = release.playbook, release.guardrails
    used = {guardrails.default_queue, playbook.worker.fallback_queue}
    used |= {row.escalate_queue for procedure in playbook.procedures.values() for row in procedure.rows}
    used |= {intent.queue for intent in playbook.intents.values()} | {limit.queue for limit in guardrails.limits.values()}
    places = _places(playbook, "queues")
    for queue in guardrails.queues:
        if queue not in used:
            text = f"Nothing leads to the queue `{queue}`."
            yield _warning(places[queue], "unused_queue", text, "Remove it, or name it in a row, an intent or a guardrail.")


def _unexplained(release: Release) -> Iterator[Finding]:
    for procedure in release.playbook.procedures.values():
        for row in procedure.rows:
            word = row.escalate_because
            if word and word not in release.guardrails.because:
                line = row.lines.get("escalate", row.place.line)
                text = f"`{word}` is not explained for people."
                advice = f"Add `{word}: ...` under `because:` in {_ROUTING}."
                yield _warning(Place(row.place.file, line), "unexplained", text, advice)


def _places(playbook: Playbook, section: str) -> Mapping[str, Place]:
    """Where the entries of a section of routing.yaml stand."""
    top = read_yaml(_ROUTING, playbook.files[_ROUTING], Problems()).mapping()
    return {name: item.place for name, item in top[section].mapping().items()}


def _texts(playbook: Playbook, *under: str) -> str:
    return "\n".join(text for path, text in playbook.files.items() if path.startswith(under))
