"""JSON Schemas of a playbook's files, so that editors complete names and mark mistakes while somebody writes.

A schema says what form is possible; whether names exist and types fit is for `check`. Given a playbook, the schemas offer its
own operations, questions, queues and replies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caseworker.core.language import SUPPORTED
from caseworker.sop.loading.parameters import TYPES
from caseworker.sop.loading.procedures import OUTCOMES
from caseworker.sop.loading.worker import KINDS, MODES
from caseworker.sop.model import Playbook, Vocabulary

Schema = Mapping[str, object]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Which files of a playbook each schema is for, as patterns of the folder.
FILES: Mapping[str, str] = {
    "worker": "worker.yaml",
    "intents": "intents.yaml",
    "questions": "questions.yaml",
    "parameters": "parameters.yaml",
    "operations": "operations.yaml",
    "proofs": "proofs.yaml",
    "guardrails": "guardrails.yaml",
    "routing": "routing.yaml",
    "sop": "sops/*.yaml",
    "part": "parts/*.yaml",
    "example": "examples/*.yaml",
}
_NAME: Schema = {"type": "string", "pattern": "^[a-z_][a-z0-9_]*$"}
_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_FLAG: Schema = {"type": "boolean"}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_DURATION: Schema = {"type": "string", "pattern": "^([0-9]+[wdhms])+$", "examples": ["5d", "36h", "1d12h"]}
_MONEY: Schema = {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)? [A-Z]{3}$", "examples": ["12.30 EUR"]}
_DATE: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_COUNTRY: Schema = {"type": "string", "pattern": "^[A-Z]{2}$"}


def _says(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text}


CEL = _says(_SCALAR, 'A condition or value (CEL), such as order.status == "delivered" && size(lines) > 1')


@dataclass(frozen=True, slots=True)
class Names:
    """What editors offer. Empty means: any name."""

    reads: tuple[str, ...] = ()
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # operation -> its arguments
    questions: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


def names_of(playbook: Playbook, system: Vocabulary, *, queues: Sequence[str], replies: Sequence[str]) -> Names:
    """The names of a playbook and of the connected system."""
    operations = playbook.vocabulary(system).operations.values()
    parts = (path.removeprefix("parts/").rsplit(".", 1)[0] for path in playbook.files if path.startswith("parts/"))
    return Names(
        reads=tuple(sorted(op.name for op in operations if op.kind == "read")),
        writes={op.name: tuple(op.parameters) for op in sorted(operations, key=lambda o: o.name) if op.kind == "write"},
        questions=tuple(sorted({*playbook.questions, "order_number", "postcode"})),
        intents=tuple(playbook.intents),
        queues=tuple(sorted(queues)),
        replies=tuple(sorted(replies)),
        parts=tuple(sorted(parts)),
    )


def schemas(names: Names = Names()) -> Mapping[str, Schema]:  # frozen and empty
    """Every schema by the kind of file."""
    made: Mapping[str, Schema] = {
        "worker": _worker(names),
        "intents": _each(_intent(names)),
        "questions": _each(_question()),
        "parameters": _parameters(),
        "operations": _operations(),
        "proofs": _proofs(),
        "guardrails": _guardrails(names),
        "routing": _routing(),
        "sop": _procedure(names),
        "part": _part(names),
        "example": _examples(),
    }
    return {kind: {"$schema": DIALECT, "title": f"Caseworker: {FILES[kind]}", **schema} for kind, schema in made.items()}


# -- forms -------------------------------------------------------------------------------------------------------------


def _object(properties: Mapping[str, Schema], *, required: Sequence[str] = ()) -> Schema:
    """Keys with nothing behind them count as left out, so each may be null."""
    loose = {key: schema if key in required else {"anyOf": [schema, {"type": "null"}]} for key, schema in properties.items()}
    return {"type": "object", "properties": loose, "required": list(required), "additionalProperties": False}


def _each(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _enum(words: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(words)}


def _offer(words: Sequence[str]) -> Schema:
    """A name; those that exist are offered."""
    return _enum(words) if words else _TEXT


# -- files -------------------------------------------------------------------------------------------------------------


def _worker(names: Names) -> Schema:
    mailbox = _object(dict.fromkeys(("address", "shop", "authserv_id", "signature"), _TEXT), required=("address",))
    return _object(
        {
            "format": {
                "type": "integer",
                "minimum": 1,
                "description": "The version of the language that the files are written in",
            },
            "name": _TEXT,
            "brand": _TEXT,
            "mode": _says(_enum(MODES), "shadow: decides, does nothing; draft: people send; live: acts within the guardrails"),
            "intent_modes": _each(_enum(MODES)),
            "languages": _list(_enum(SUPPORTED)),
            "default_language": _enum(SUPPORTED),
            "default_country": _COUNTRY,
            "mailboxes": _list(mailbox),
            "known_machines": _TEXTS,
            "asking": _object({"remind_after": _DURATION, "give_up_after": _DURATION}),
            "fallback_queue": _offer(names.queues),
            "order_numbers": _TEXTS,
        },
        required=("name", "languages", "default_language", "default_country", "mailboxes"),
    )


def _intent(names: Names) -> Schema:
    return _object(
        {
            "description": _TEXT,
            "examples": _each(_TEXTS),
            "always_escalate": _FLAG,
            "queue": _offer(names.queues),
            "risks": _TEXTS,
            "reply": _offer(names.replies),
            "answer_within": _DURATION,
        }
    )


def _question() -> Schema:
    """A code has forms, a choice options."""
    properties: dict[str, Schema] = {
        "kind": _enum(KINDS),
        "options": _each(_each(_TEXTS)),
        "forms": _says({**_TEXTS, "minItems": 1}, "How a code looks: # is a digit, @ a letter, such as AC-####"),
    }
    of_kind = {"properties": {"kind": {"const": "code"}}}
    return {**_object(properties, required=("kind",)), "if": of_kind, "then": {"required": ["forms"]}}


def _parameters() -> Schema:
    season = _object({"from": _TEXT, "to": _TEXT}, required=("from", "to"))
    value = _object(
        {"value": _SCALAR, "country": _COUNTRY, "brand": _TEXT, "season": _NAME, "from": _DATE, "to": _DATE},
        required=("value",),
    )
    parameter = _object({"type": _enum(TYPES), "values": _list({"anyOf": [value, _SCALAR]})}, required=("type", "values"))
    return {"type": "object", "properties": {"seasons": _each(season)}, "additionalProperties": parameter}


def _operations() -> Schema:
    operation = _object(
        {
            "kind": _enum(("read", "write")),
            "takes": _says(_each(_TEXT), "Arguments with their types; `name?` may be left out"),
            "gives": _TEXT,
            "receipt": _each(_TEXT),
            "money": _says(_TEXT, "The argument, or a fact such as order.refundable, with the amount that you pay"),
            "charges": _says(_TEXT, "The argument, or a fact, with the amount that the customer pays"),
            "doc": _TEXT,
        },
        required=("kind",),
    )
    return _object({"records": _each(_each(_TEXT)), "operations": _each(operation)})


def _never() -> Schema:
    return _list(_object({"never": _TEXT, "when": CEL}, required=("never", "when")))


def _proofs() -> Schema:
    bound: Schema = {"anyOf": [{"type": "integer"}, _MONEY]}
    ranges = _list(_object({"of": _TEXT, "from": bound, "to": bound}, required=("of",)))
    return _object({"ranges": ranges, "never": _never(), "currencies": _each(_list(_COUNTRY))})


def _guardrails(names: Names) -> Schema:
    amounts = _list(_MONEY)
    limit = _object(
        {
            "per_action": amounts,
            "per_case": amounts,
            "per_customer_day": amounts,
            "count_per_case": {"type": "integer", "minimum": 0},
            "above": _enum(("approve", "forbid")),
            "always_approve": _FLAG,
            "queue": _offer(names.queues),
        }
    )
    known = dict.fromkeys(names.writes, limit)
    return _object(
        {
            "actions": {"type": "object", "properties": known, "additionalProperties": limit},
            "publishing": _object({"people": {"type": "integer", "minimum": 1}}),
        }
    )


def _routing() -> Schema:
    queue = _object(
        {"title": _TEXT, "service_level": _DURATION, "priority": {"type": "integer", "minimum": 0}}, required=("title",)
    )
    return _object(
        {"default_queue": _TEXT, "queues": _each(queue), "because": _each(_TEXT)}, required=("default_queue", "queues")
    )


# -- procedures --------------------------------------------------------------------------------------------------------


def _procedure(names: Names) -> Schema:
    accept = _object({"gap": _TEXT, "when": CEL, "because": _TEXT}, required=("gap", "when", "because"))
    return _object(
        {
            "sop": _says(_NAME, "The procedure's name"),
            "title": _TEXT,
            "intents": _list(_offer(names.intents)),
            "needs": _each(_need(names)),
            "verify": {"anyOf": [{"type": "string", "pattern": "^owner\\(.+\\)$", "examples": ["owner(order)"]}, _proof()]},
            "facts": _each(CEL),
            "rules": _list({"anyOf": [_row(names), _use(names)]}),
            "accept": _list(accept),
            "never": _never(),
        },
        required=("sop", "rules"),
    )


def _proof() -> Schema:
    least: Schema = {"type": "integer", "minimum": 1}
    return _object({"owner": _NAME, "proof": _each(CEL), "at_least": least}, required=("owner", "proof"))


def _part(names: Names) -> Schema:
    return _object(
        {
            "part": _NAME,
            "title": _TEXT,
            "takes": _list(_NAME),
            "needs": _each(_need(names)),
            "facts": _each(CEL),
            "rules": _list({"anyOf": [_row(names), _use(names)]}),
        },
        required=("part",),
    )


def _need(names: Names) -> Schema:
    return _object(
        {
            "find": _says(_offer(names.reads), "An operation that gives a list; exactly one record is wanted"),
            "look": _says(_offer(names.reads), "An operation that gives one record"),
            "choose": _says(CEL, "Those records of a list that the customer named"),
            "take": _says(CEL, "An answer of the customer"),
            "with": _says(_each(CEL), "Arguments of find and look"),
            "by": CEL,
            "one_of": _TEXTS,
            "ask": _says(_offer(names.questions), "The question that is put to the customer"),
            "skip_when": CEL,
            "or_else": _says(CEL, "What counts where the customer was asked and could not say it"),
            "optional": _FLAG,
            "ask_late": _says(_FLAG, "Asked only when a row needs it, not along with other questions"),
        }
    )


def _use(names: Names) -> Schema:
    return _object({"use": _offer(names.parts), "when": CEL, "with": _each(CEL)}, required=("use",))


def _row(names: Names) -> Schema:
    reply = _offer(names.replies)
    properties: dict[str, Schema] = {
        "rule": _says(_NAME, "The row's name"),
        "otherwise": _says(_NAME, "The name of the last row, which has no condition"),
        "when": CEL,
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "confirm": _says(reply, "The customer's yes is asked for with this reply before anything is done"),
        "do": _list(_act(names)),
        "meanwhile": _says(reply, "What the customer is told while an act is pending"),
        "reply": reply,
        "promise": _object({"what": _TEXT, "amount": CEL, "by": CEL, "kept_when": CEL}, required=("what", "by", "kept_when")),
        "wait": _object(
            {"until": CEL, "at_most": _DURATION, "every": _DURATION, "then": _NAME}, required=("until", "at_most", "then")
        ),
        "escalate": _object({"queue": _offer(names.queues), "because": _TEXT}, required=("because",)),
        "resolve": _enum(OUTCOMES),
        "unreachable": _says(_FLAG, "Of `otherwise`: the table leaves nothing open; `prove` shows whether that is so"),
        "before": _says(_list(_NAME), "Rows below that this one goes before on purpose"),
    }
    return {**_object(properties), "anyOf": [{"required": ["rule", "when"]}, {"required": ["otherwise"]}]}


def _act(names: Names) -> Schema:
    if not names.writes:
        return {"type": "object"}
    known = {
        name: {
            "anyOf": [
                {"type": "object", "properties": dict.fromkeys(arguments, CEL), "additionalProperties": False},
                {"type": "null"},
            ]
        }
        for name, arguments in names.writes.items()
    }
    return {"type": "object", "properties": {**known, "as": _NAME}, "additionalProperties": False}


def _arguments(names: Sequence[str]) -> Schema:
    given = {"type": "object", "properties": dict.fromkeys(names, CEL), "additionalProperties": False}
    return {"anyOf": [given, {"type": "null"}]}


def _examples() -> Schema:
    progress = _object(
        {
            "fired": _TEXTS,
            "asked": _each({"type": "integer"}),
            "waiting": _TEXT,
            "waiting_since": _TEXT,
            "confirmed": _each(_FLAG),
            "found": _each({"type": "array"}),
        }
    )
    expect = _object(
        {"rule": _TEXT, "moves": _TEXTS, "identity": _TEXT, "missing": _TEXTS},
        required=("rule",),
    )
    example = _object(
        {"example": _TEXT, "sop": _NAME, "now": _TEXT, "facts": {"type": "object"}, "progress": progress, "expect": expect},
        required=("example", "expect"),
    )
    return {"anyOf": [example, _list(example)]}
