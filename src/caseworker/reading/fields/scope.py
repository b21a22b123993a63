"""Where a field is looked for: the mail, the sentences that belong to a request, the candidate orders, the language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caseworker.commerce.model import Order
from caseworker.reading.model import Context, Evidence, Field, MailText
from caseworker.reading.ports import Encoder
from caseworker.reading.scored import Scored
from caseworker.reading.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Scope:
    """`sentences` are those of the request (or of the whole mail); `orders` the candidates that the mail points at.

    `own` are those that say the request itself (empty where that is not known): what they name goes before what others name.
    `marks` are the answers that have a form of their own (`fields.marks`), by key.
    `answering` is True while a pending question is read: then a bare "10115" or "the blue one" is an answer.
    """

    mail: MailText
    sentences: Sequence[Sentence]
    context: Context
    language: str
    encoder: Encoder
    orders: Sequence[Order] = ()
    answering: bool = False
    own: Sequence[Sentence] = ()
    scored: Scored | None = None
    marks: Mapping[str, Field] = field(default_factory=dict)

    def said(self, label: str) -> list[tuple[Sentence, float]]:
        """How sure it is that each sentence in scope says what a head was trained on; nothing without heads or that head."""
        if self.scored is None or self.scored.heads.column(label) is None:
            return []
        sure = dict(zip(self.scored.sentences, self.scored.of(label), strict=True))
        return [(sentence, float(sure[sentence])) for sentence in self.sentences if sentence in sure]

    def text_of(self, source: str) -> str:
        """The text that spans of a source point into."""
        if source.startswith("attachment:"):
            return self.mail.attachments[source.removeprefix("attachment:")]
        return self.mail.subject if source == "subject" else self.mail.body


def evidence(sentence: Sentence, match: re.Match[str], group: int | str = 0) -> Evidence:
    """The span of a match inside a sentence, in the coordinates of its source."""
    start, end = match.span(group)
    return Evidence(sentence.source, sentence.start + start, sentence.start + end, sentence.text[start:end])


def whole(sentence: Sentence) -> Evidence:
    """The whole sentence as evidence."""
    return Evidence(sentence.source, sentence.start, sentence.end, sentence.text)
