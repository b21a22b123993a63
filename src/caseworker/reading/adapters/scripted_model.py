"""A language model that answers what a test tells it to."""

from collections.abc import Callable, Sequence

from caseworker.core.errors import ReadingError
from caseworker.reading.errors import ModelAway
from caseworker.reading.prompts import Completion, Prompt

Answer = str | Completion | ReadingError
Script = Callable[[Prompt], Answer] | Sequence[Answer]


class ScriptedModel:
    """Answers from a list, in its order, or from a callable; an error in the script is raised."""

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> Completion:
        """The scripted answer; raises `ModelAway` where the list has come to its end."""
        self.seen.append(prompt)
        if callable(self._script):
            answer = self._script(prompt)
        elif len(self.seen) <= len(self._script):
            answer = self._script[len(self.seen) - 1]
        else:
            raise ModelAway("The script has come to its end.", remedy="Add an answer.")
        if isinstance(answer, ReadingError):
            raise answer
        return Completion(answer) if isinstance(answer, str) else answer
