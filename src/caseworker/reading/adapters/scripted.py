"""A reader that answers what a test tells it to."""

from collections.abc import Callable, Mapping, Sequence

from caseworker.core.errors import ReadingError
from caseworker.reading.model import Context, Intent, MailText, Question, Reading

Script = Mapping[str, Reading] | Callable[[MailText, Context], Reading]


class ScriptedReader:
    """Answers from a mapping (the first key found in the subject, else in the body) or from a callable."""

    name = "scripted"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[MailText] = []

    async def read(
        self, mail: MailText, *, intents: Sequence[Intent], questions: Sequence[Question], context: Context
    ) -> Reading:
        """The scripted reading; raises `ReadingError` where the script has none for this mail."""
        self.seen.append(mail)
        if callable(self._script):
            return self._script(mail, context)
        for text in (mail.subject, mail.body):
            for key, reading in self._script.items():
                if key in text:
                    return reading
        raise ReadingError(
            f"The script has no reading for {mail.subject!r}.", remedy="Add a key that stands in the subject or body."
        )
