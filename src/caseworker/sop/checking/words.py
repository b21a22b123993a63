"""Replies, questions, queues, guardrails and intents: whether the other files of the playbook hold what procedures name."""

from collections.abc import Iterator
from dataclasses import replace

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Member, Name
from caseworker.sop.cel.typing import shown
from caseworker.sop.checking.environment import Environment, needs_of
from caseworker.sop.checking.table import ends
from caseworker.sop.model import Finding, IntentSpec, Known, Place, Playbook, Row
from caseworker.sop.questions import question_keys

ENGINE_REPLIES = (
    "ask_intro", "reminder", "handed_over", "chaser_open", "greeting", "closing", "no_personal_data", "gave_up",
)  # fmt: skip
WHERE_WRITTEN = ("gave_up", "confirm_each")  # replies that the engine says where a playbook has them
LEAST_EXAMPLES = 8  # sentences of an intent that is new to the reader
HANDED_OVER_FACTS = ("answer_by", "case", "message", "now", "param", "sender")


def check_words(env: Environment, known: Known) -> None:
    """What the rows of one procedure name in other files."""
    for row in env.procedure.rows:
        if row.escalate_queue and row.escalate_queue not in known.queues:
            place = env.at(row.lines.get("escalate"), row.place)
            _queue(env.findings, place, row.escalate_queue, known)
        for act in row.do:
            operation = env.vocabulary.operations.get(act.operation)
            if operation and operation.money and act.operation not in known.guarded_actions:
                text = f"{act.operation} moves money and has no guardrail."
                env.error(act.place, "no_guardrail", text, "Add an entry under `actions:` in guardrails.yaml.")
            if operation and known.operations is not None and act.operation not in known.operations:
                text = f"The connected system cannot do {act.operation}."
                env.error(act.place, "not_offered", text, "Hand this over to people instead.")
        for key, reply in (("reply", row.reply), ("meanwhile", row.meanwhile), ("confirm", row.confirm)):
            if reply:
                _reply(env, row, key, reply, known)


def _reply(env: Environment, row: Row, key: str, reply: str, known: Known) -> None:
    place = env.at(row.lines.get(key), row.place)
    if reply not in known.replies:
        env.error(
            place,
            "unknown_reply",
            f"There is no reply `{reply}`.",
            f"Write replies/{reply}/{env.playbook.worker.default_language}.md.",
        )
        return
    _languages(env.findings, env.playbook, place, reply, known)
    for path in sorted(frozenset().union(*known.replies[reply].values())):
        _variable(env, row, key, reply, path)


def _languages(findings: list[Finding], playbook: Playbook, place: Place, reply: str, known: Known) -> None:
    for language in playbook.worker.languages:
        if language not in known.replies.get(reply, {}):
            text, advice = f"The reply `{reply}` has no words in {language}.", f"Write replies/{reply}/{language}.md."
            findings.append(Finding(place, "error", "reply_language", text, advice))


def _variable(env: Environment, row: Row, key: str, reply: str, path: str) -> None:
    """A variable of a reply: it exists, and a receipt is one that this path of the table produces."""
    place = env.at(row.lines.get(key), row.place)
    section, _, rest = path.partition(".")
    if section not in env.names:
        return  # given by the composer
    unknown = _unknown_field(env, path)
    if unknown:
        text = f"The reply `{reply}` mentions `{path}`, and there is no `{unknown}`."
        env.error(place, "unknown_in_reply", text, "Correct the name in the reply.")
        return
    name = rest.split(".")[0]
    if key != "meanwhile":
        _asked_for(env, row, place, reply, path)
    if section != "done" or not name:
        return
    text = f"The reply `{reply}` mentions `{path}`, and row `{row.name}` has no receipt `{name}` at that point."
    made = {act.name for act in row.do} if key == "reply" else set()
    if name in made or _tested(row, name):
        return
    earlier = env.procedure.rows[: env.procedure.rows.index(row)]
    if any(act.name == name for other in earlier if not ends(other) for act in other.do):
        env.warn(place, "receipt_not_sure", text, f"Test has(done.{name}) in the row.")
        return
    env.error(place, "no_receipt", text, f"Do it in this row, or test has(done.{name}) in `when:`.")


def _asked_for(env: Environment, row: Row, place: Place, reply: str, path: str) -> None:
    """An answer that a reply shows is demanded by the row, or by one that comes before it; a reply demands nothing itself."""
    procedure = env.procedure
    answers = {need.name for need in procedure.needs if need.take or need.choose}
    wanted = answers & needs_of(procedure, [path])
    if not wanted:
        return
    above = procedure.rows[: procedure.rows.index(row)]
    before = [row, *above, *(other for other in procedure.rows if _uses_receipt_of(row, other))]
    sources = [source for other in before for source in (other.when, *_done_by(other))]
    for need in sorted(wanted - needs_of(procedure, filter(None, sources))):
        text = f"The reply `{reply}` mentions `{path}`, and no row up to `{row.name}` asks for `{need}`."
        env.warn(place, "not_asked_for", text, f"Test it in the row, such as has({need}).")


def _done_by(row: Row) -> list[str]:
    promised = [row.promise.amount, row.promise.by] if row.promise else []
    return [*(source for act in row.do for source in act.arguments.values()), *promised]


def _uses_receipt_of(row: Row, other: Row) -> bool:
    return any(_tested(row, act.name) for act in other.do)


def _unknown_field(env: Environment, path: str) -> str:
    """The first part of a path that no record has. Amounts, lists and maps have attributes of their own in templates."""
    root, *keys = path.split(".")
    found = env.names[root]
    for number, key in enumerate(keys):
        found = found.item if found.name == "optional" and found.item else found
        if found.name != "record":
            return ""
        fields = env.records.get(found.of, {})
        if key not in fields:
            return ".".join((root, *keys[: number + 1]))
        found = fields[key]
    return ""


def _tested(row: Row, name: str) -> bool:
    try:
        return Member(Name("done"), name) in shown(parse(row.when or "true"), holds=True)
    except CelError:
        return False


def _queue(findings: list[Finding], place: Place, queue: str, known: Known) -> None:
    offered = ", ".join(sorted(known.queues)) or "none"
    text = f"There is no queue `{queue}`."
    findings.append(Finding(place, "error", "unknown_queue", text, f"Write one of {offered}, or add it to routing.yaml."))


# -- the playbook as a whole -------------------------------------------------------------------------------------------


def check_playbook(playbook: Playbook, known: Known) -> Iterator[Finding]:
    """Intents, questions, the engine's own replies, and parameters that hold nowhere."""
    yield from _intents(playbook, known)
    worker = Place("worker.yaml", 1)
    found: list[Finding] = []
    if playbook.worker.fallback_queue not in known.queues:
        _queue(found, worker, playbook.worker.fallback_queue, known)
    for reply in ENGINE_REPLIES:
        _languages(found, playbook, Place(f"replies/{reply}", 1), reply, known)
    for question in question_keys(playbook, playbook.intents):
        missing = [lang for lang in playbook.worker.languages if lang not in known.replies.get(f"ask_{question.key}", {})]
        if missing:
            text = f"The question `{question.key}` has no words in {', '.join(missing)}."
            advice = f"Write replies/ask_{question.key}/{missing[0]}.md."
            found.append(Finding(question.place, "error", "question_without_words", text, advice))
    for parameter in playbook.parameters.values():
        if all(v.country or v.brand or v.valid_from or v.valid_to for v in parameter.values):
            text = f"`{parameter.name}` has no value that holds everywhere and always."
            advice = "Add one without country, brand and dates."
            found.append(Finding(parameter.place, "warning", "parameter_gap", text, advice))
    yield from found


def _handed_over(playbook: Playbook, spec: IntentSpec, known: Known) -> Iterator[Finding]:
    """An intent's own words for being handed over: they are there, and show nothing that only a procedure knows."""
    found: list[Finding] = []
    if spec.reply not in known.replies:
        advice = f"Write replies/{spec.reply}/{playbook.worker.default_language}.md."
        found.append(Finding(spec.place, "error", "unknown_reply", f"There is no reply `{spec.reply}`.", advice))
    else:
        _languages(found, playbook, spec.place, spec.reply, known)
    for path in sorted(frozenset().union(*known.replies.get(spec.reply, {}).values())):
        if path.split(".")[0] not in HANDED_OVER_FACTS:
            text = f"`{spec.reply}` mentions `{path}`, which is not known where a request goes to people at once."
            advice = f"Mention only {', '.join(HANDED_OVER_FACTS)}."
            found.append(Finding(spec.place, "error", "unknown_in_reply", text, advice))
    yield from found


def _few_examples(playbook: Playbook, spec: IntentSpec, known: Known) -> Iterator[Finding]:
    """The reader learns an intent of the playbook's own from its sentences alone."""
    language = playbook.worker.default_language
    count = len(spec.examples.get(language, ()))
    if known.taught is None or spec.name in known.taught or spec.always_escalate or count >= LEAST_EXAMPLES:
        return
    text = f"`{spec.name}` has {count} sentences in {language}, too few for the reader to know it by."
    advice = f"Write {LEAST_EXAMPLES} or more, as customers would, each worded differently."
    yield Finding(spec.place, "warning", "few_examples", text, advice)


def _intents(playbook: Playbook, known: Known) -> Iterator[Finding]:
    handlers: dict[str, list[str]] = {name: [] for name in playbook.intents}
    for procedure in playbook.procedures.values():
        place = replace(procedure.place, line=procedure.lines.get("intents", procedure.place.line))
        if not procedure.intents:
            yield Finding(
                place, "warning", "no_intent", f"No intent leads to `{procedure.name}`.", "Name them under `intents:`."
            )
        for intent in procedure.intents:
            if intent not in handlers:
                near = ", ".join(sorted(playbook.intents)) or "none; add it to intents.yaml"
                yield Finding(place, "error", "unknown_intent", f"There is no intent `{intent}`.", f"Known are {near}.")
            handlers.setdefault(intent, []).append(procedure.name)
    for name, spec in playbook.intents.items():
        if spec.queue and spec.queue not in known.queues:
            found: list[Finding] = []
            _queue(found, spec.place, spec.queue, known)
            yield from found
        if spec.reply:
            yield from _handed_over(playbook, spec, known)
        if not handlers[name] and not spec.always_escalate and not spec.queue:
            advice = "Name it in a procedure, or give it a `queue:` of people."
            yield Finding(spec.place, "error", "intent_without_procedure", f"No procedure handles `{name}`.", advice)
        yield from _few_examples(playbook, spec, known)
        if len(handlers[name]) > 1:
            text = f"`{name}` is handled by {' and '.join(handlers[name])}."
            yield Finding(spec.place, "error", "intent_twice", text, "Name it in one of them only.")
