"""The port that the engine asks for approved answers."""

from collections.abc import Mapping
from typing import Protocol

from caseworker.knowledge.model import Answer


class Answers(Protocol):
    """Approved answers of a worker, as they are live now."""

    async def find(self, worker: str, arguments: Mapping[str, object]) -> tuple[Answer, ...]:
        """`arguments` are those of the operation `knowledge.find`. Raises `ReadingError` where the encoder cannot be loaded."""
        ...
