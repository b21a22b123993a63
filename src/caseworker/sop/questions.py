"""What only the customer knows: the questions that a reader should look for in a mail."""

from collections.abc import Iterable, Iterator

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.identity import NUMBER, POSTCODE
from caseworker.sop.model import Place, Playbook, Procedure, Question


def question_keys(playbook: Playbook, intents: Iterable[str]) -> tuple[Question, ...]:
    """The questions of the procedures behind these intents, each once, in the order of the procedures.

    Asked needs, request fields that conditions read, and what identity needs (with built-in kinds where the playbook has no
    entry for them).
    """
    keys: dict[str, None] = {}
    for intent in intents:
        procedure = playbook.procedure_for(intent)
        if procedure is not None:
            keys |= dict.fromkeys(_keys(procedure))
    built_in = {key: Question(key, key, {}, Place("questions.yaml", 1)) for key in (NUMBER, POSTCODE)}
    known = {**built_in, **playbook.questions}
    return tuple(known[key] for key in keys if key in known)


def _keys(procedure: Procedure) -> Iterator[str]:
    yield from (need.ask for need in procedure.needs if need.ask)
    if procedure.verify:
        yield from procedure.proof
    for source in sources(procedure):
        yield from request_fields(source)


def request_fields(source: str) -> Iterator[str]:
    """Keys of `request.KEY` in an expression; one that cannot be read has none."""
    try:
        found = list(paths(parse(source)))
    except CelError:
        return
    for path in found:
        section, _, rest = path.partition(".")
        key = rest.split(".")[0]
        if section == "request" and key not in ("", "intent", "confidence", "given", "confirmed"):
            yield key


def sources(procedure: Procedure) -> Iterator[str]:
    """Every expression of a procedure."""
    for need in procedure.needs:
        yield from (
            source
            for source in (*need.arguments.values(), need.choose, need.using, need.take, need.skip_when, need.or_else)
            if source
        )
    yield from procedure.facts.values()
    for row in procedure.rows:
        yield from (row.when,) if row.when else ()
        for act in row.do:
            yield from act.arguments.values()
        if row.promise:
            yield from (source for source in (row.promise.amount, row.promise.by, row.promise.kept_when) if source)
        if row.wait:
            yield row.wait.until
