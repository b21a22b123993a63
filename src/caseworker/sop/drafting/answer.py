"""What a model is to answer about one section: the JSON schema, and the same as frozen values once it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WAYS = ("find", "look", "choose", "take")
PARAMETER_TYPES = ("int", "Money", "duration", "string", "percent")
QUESTION_KINDS = ("choice", "yes_no", "text", "money", "date", "quantity", "photo", "address")
OUTCOMES = ("resolved", "declined", "answered", "no_answer")

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DraftIntent:
    name: str
    description: str
    examples: Mapping[str, tuple[str, ...]]
    to_people: bool


@dataclass(frozen=True, slots=True)
class DraftNeed:
    """`source` is an operation, a list expression or `request.KEY`, as `way` wants it."""

    name: str
    way: Literal["find", "look", "choose", "take"]
    source: str
    arguments: Texts
    by: str
    one_of: tuple[str, ...]
    ask: str
    skip_when: str
    optional: bool


@dataclass(frozen=True, slots=True)
class DraftAct:
    operation: str
    arguments: Texts
    receipt: str


@dataclass(frozen=True, slots=True)
class DraftRow:
    """`quote` is the sentence of the handbook that the row comes from; `escalate` a reason word, `meaning` what it means."""

    name: str
    when: str
    quote: str
    do: tuple[DraftAct, ...]
    confirm: str
    reply: str
    escalate: str
    meaning: str
    resolve: str


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    key: str
    kind: str
    options: Mapping[str, Mapping[str, tuple[str, ...]]]
    words: Texts


@dataclass(frozen=True, slots=True)
class DraftParameter:
    name: str
    type: str
    value: object
    quote: str


@dataclass(frozen=True, slots=True)
class DraftReply:
    key: str
    subject: Texts
    words: Texts


@dataclass(frozen=True, slots=True)
class DraftExample:
    name: str
    now: str
    facts: Mapping[str, object]
    row: str


@dataclass(frozen=True, slots=True)
class DraftProcedure:
    """One procedure with everything of its own. Without rows its intents go to people."""

    title: str
    intents: tuple[DraftIntent, ...]
    needs: tuple[DraftNeed, ...]
    facts: Texts
    rows: tuple[DraftRow, ...]
    questions: tuple[DraftQuestion, ...]
    parameters: tuple[DraftParameter, ...]
    replies: tuple[DraftReply, ...]
    examples: tuple[DraftExample, ...]

    @property
    def name(self) -> str:
        """Its name, and that of its file: the first intent's, which was read as a plain word."""
        return self.intents[0].name


@dataclass(frozen=True, slots=True)
class Answer:
    """`not_expressed` are sentences that the language could not say, with the reason."""

    procedures: tuple[DraftProcedure, ...] = ()
    not_expressed: tuple[tuple[str, str], ...] = ()


# -- the schema --------------------------------------------------------------------------------------------------------


def _object(required: str, **properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def _list(of: object) -> dict[str, object]:
    return {"type": "array", "items": of}


def _map(of: object) -> dict[str, object]:
    return {"type": "object", "additionalProperties": of}


_TEXT: dict[str, object] = {"type": "string"}
_FLAG: dict[str, object] = {"type": "boolean"}
_WORDS = _map(_TEXT)

SCHEMA: Mapping[str, object] = _object(
    "procedures not_expressed",
    procedures=_list(
        _object(
            "title intents needs facts rows questions parameters replies examples",
            title=_TEXT,
            intents=_list(
                _object(
                    "name description examples", name=_TEXT, description=_TEXT, examples=_map(_list(_TEXT)), to_people=_FLAG
                )
            ),
            needs=_list(
                _object(
                    "name way source",
                    name=_TEXT,
                    way={"enum": list(WAYS)},
                    source=_TEXT,
                    arguments=_WORDS,
                    by=_TEXT,
                    one_of=_list(_TEXT),
                    ask=_TEXT,
                    skip_when=_TEXT,
                    optional=_FLAG,
                )
            ),
            facts=_list(_object("name expression", name=_TEXT, expression=_TEXT)),
            rows=_list(
                _object(
                    "name when quote",
                    name=_TEXT,
                    when=_TEXT,
                    quote=_TEXT,
                    do=_list(_object("operation arguments", operation=_TEXT, arguments=_WORDS, receipt=_TEXT)),
                    confirm=_TEXT,
                    reply=_TEXT,
                    escalate=_TEXT,
                    meaning=_TEXT,
                    resolve={"enum": ["", *OUTCOMES]},
                )
            ),
            questions=_list(
                _object(
                    "key kind words",
                    key=_TEXT,
                    kind={"enum": list(QUESTION_KINDS)},
                    options=_map(_map(_list(_TEXT))),
                    words=_WORDS,
                )
            ),
            parameters=_list(
                _object(
                    "name type value quote",
                    name=_TEXT,
                    type={"enum": list(PARAMETER_TYPES)},
                    value={"type": ["string", "number"]},
                    quote=_TEXT,
                )
            ),
            replies=_list(_object("key subject words", key=_TEXT, subject=_WORDS, words=_WORDS)),
            examples=_list(_object("name now facts row", name=_TEXT, now=_TEXT, facts={"type": "object"}, row=_TEXT)),
        )
    ),
    not_expressed=_list(_object("quote why", quote=_TEXT, why=_TEXT)),
)
