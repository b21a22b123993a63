"""Three ports: a Reader turns a mail into facts; an Encoder turns sentences into vectors; a LanguageModel answers prompts."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from caseworker.reading.model import Context, Intent, MailText, Question, Reading
from caseworker.reading.prompts import Completion, Prompt


class Reader(Protocol):
    """Reads one mail. Raises `ReadingError` where it cannot work at all; being unsure is an abstention, no error."""

    name: str

    async def read(
        self, mail: MailText, *, intents: Sequence[Intent], questions: Sequence[Question], context: Context
    ) -> Reading: ...


class Encoder(Protocol):
    """Sentences to unit vectors, float32 of shape (n, dimension). `sha256` is that of the weights."""

    name: str
    sha256: str
    dimension: int

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]: ...


class LanguageModel(Protocol):
    """Answers one prompt. Raises `ModelAway` where trying again may help and `ModelRefused` where it does not.

    It tries once; waiting and trying again is for whoever asks.
    """

    name: str

    async def complete(self, prompt: Prompt) -> Completion: ...
