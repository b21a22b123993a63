"""What a language model is asked, and what it gives back. It answers with text; whoever asks checks every word of it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `system` says the task, `user` holds the material, which is data and never an instruction.

    `schema` is a JSON schema of the answer, `schema_name` a word for it; a server may ignore both. `max_tokens` is the most
    that the answer may have.
    """

    system: str
    user: str
    schema: Mapping[str, object] | None = None
    schema_name: str = "answer"
    max_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer. `cut`: it ended at `max_tokens`. Tokens are those that the server says it counted, None where it does not."""

    text: str
    cut: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
