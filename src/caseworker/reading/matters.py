"""Where a mail turns to another matter: numbered points, "also", "zweitens", a postscript, another order number."""

import re
from collections.abc import Mapping, Sequence

from caseworker.reading.sentences import Sentence

_TURN = re.compile(
    r"^\W*(?:\(?[1-9][.)](?!\d)|[a-d]\)|(?:and )?(?:first|second|third)(?:ly)?\b|(?:the )?other (?:thing|one|matter)\b|also\b"
    r"|and also\b|and then\b|additionally|separately|unrelated|another (?:thing|matter|question)|one (?:more|other|last) thing"
    r"|(?:and )?while (?:i have you|i'?m (?:here|at it)|you'?re at it|we'?re at it)|on (?:another|a different) note|besides\b"
    r"|and (?:i|we)(?: want| would|'d| need| also)\b|und (?:ich|wir) (?:möchte|will|hätte|würde|brauche)\w*"
    r"|p\.? ?s\.?\b|plus\b|then there|at the same time|last but not least"
    r"|(?:und )?(?:erstens|zweitens|drittens)\b|zum (?:einen|anderen|zweiten)\b|außerdem"
    r"|ausserdem|(?:und )?dann (?:noch|wäre|hätte)"
    r"|des (?:weiteren|weitern)|weiterhin|ferner|zusätzlich|darüber hinaus|noch (?:etwas|was|eine?)\b|nebenbei|übrigens"
    r"|bei der gelegenheit|und (?:noch|auch|ausserdem|außerdem)\b|und:|gleichzeitig|daneben|andere sache)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*[-–—•*·]\s")


def matters(sentences: Sequence[Sentence], text: str, numbers: Mapping[Sentence, Sequence[str]]) -> list[list[Sentence]]:
    """The sentences of a body in runs that may be about different things; one run where nothing says so.

    `text` is the body that the spans point into: a list item is told by what stands before it. `numbers` are the order numbers
    of each sentence that has some.
    """
    runs: list[list[Sentence]] = []
    number = ""
    for sentence in sentences:
        written = numbers.get(sentence, ())
        other_order = bool(number and written and written[0] != number and number not in written)
        number = written[-1] if written else number
        if not runs or other_order or _TURN.match(sentence.text) or _is_item(sentence, text):
            runs.append([])
        runs[-1].append(sentence)
    return runs


def _is_item(sentence: Sentence, text: str) -> bool:
    line = text[text.rfind("\n", 0, sentence.start) + 1 : sentence.end]
    return bool(_BULLET.match(line)) and line.strip().lstrip("-–—•*· ").startswith(sentence.text[:10])
