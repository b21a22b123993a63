"""Answers in the customer's own words. They are read only from a mail that answers: a first mail says nothing of them.

The words of one open question are all that the mail says anew, without greeting and closing, without sentences that say
something else (a new request, another answer, "any news?"). Of several open questions none is guessed: each needs a label of
its own ("Name: ..."), or the answers stand line by line, as many as were asked for and in that order.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from caseworker.reading import cues
from caseworker.reading.encoder import fold
from caseworker.reading.fields.scope import Scope
from caseworker.reading.model import Evidence, Field, Question
from caseworker.reading.sentences import Sentence

_SURE = 0.8
_CHASER = 0.5
_LABEL = re.compile(r"^[\s>*•\-–—]*(?:\(?\d{1,2}[.)]\s+)?(?P<label>[^\W\d_][^:=\n]{0,40}?)\s*[:=]\s*(?P<value>\S.*?)\s*$")
_NUMBERED = re.compile(r"^\s*\(?(?P<number>\d{1,2})[.)]\s+(?P<value>\S.*?)\s*$")
_BARE = re.compile(r"^\s*(?P<value>\S.*?)\s*$")
_MINE = frozenset({"my", "our", "the", "mein", "meine", "unser", "unsere", "der", "die", "das"})
_SHORT = 6  # words of a line that may be a bare answer
_MARKS = (".", "?", "!", ":", ",")
_FILLING = frozenset(  # words beside another answer that say nothing of their own
    {
        "a",
        "an",
        "and",
        "the",
        "my",
        "our",
        "is",
        "it",
        "its",
        "it's",
        "this",
        "that",
        "was",
        "here",
        "yes",
        "no",
        "number",
        "order",
        "code",
        "please",
        "thanks",
        "thank",
        "you",
        "of",
        "for",
        "to",
        "in",
        "on",
        "i",
        "am",
        "die",
        "der",
        "das",
        "mein",
        "meine",
        "ist",
        "es",
        "lautet",
        "und",
        "ja",
        "nein",
        "nummer",
        "bestellung",
        "bestellnummer",
        "bitte",
        "danke",
        "hier",
    }
)


def told(
    questions: Sequence[Question], scope: Scope, answers: Mapping[str, Field], apart: Collection[Sentence] = ()
) -> dict[str, Field]:
    """The `text` answers of a mail to the questions that the case waits for.

    `answers` are those of other kinds that were read in it; `apart` sentences that say something else.
    """
    asked = [question for question in questions if question.kind == "text"]
    said = [answer.evidence for answer in answers.values() if answer.evidence is not None]
    if len(asked) == 1:
        spoken = [s for s in _spoken(scope, apart) if not _is_said(s.start, s.text, said)]
        key = asked[0].key
        return {key: _labelled(asked, scope).get(key) or _joined(key, spoken, scope)} if spoken else {}
    if not asked:
        return {}
    return _labelled(asked, scope) or _by_line(asked, scope, apart, said)


def _spoken(scope: Scope, apart: Collection[Sentence]) -> list[Sentence]:
    sure = scope.said("chaser")
    chasing = {sentence for sentence, p in sure if cues.second_opinion("chaser", p, fold(sentence.text)) >= _CHASER}
    return [s for s in scope.sentences if s.source == "body" and not s.frame and s not in apart and s not in chasing]


def _is_said(start: int, text: str, said: Sequence[Evidence]) -> bool:
    """Nothing is left of these words beside the answers to other questions."""
    inside = [where for where in said if where.source == "body" and start <= where.start and where.end <= start + len(text)]
    if not inside:
        return any(where.source == "body" and where.start <= start and start + len(text) <= where.end for where in said)
    rest = text
    for where in sorted(inside, key=lambda where: -where.start):
        rest = rest[: where.start - start] + " " + rest[where.end - start :]
    return not set(re.findall(r"[\w']+", fold(rest))) - _FILLING


def _joined(key: str, spoken: Sequence[Sentence], scope: Scope) -> Field:
    """The sentences as they stand; what lies between two of them and is not meant is left out."""
    body, first, last = scope.mail.body, spoken[0], spoken[-1]
    left_out = [s for s in scope.sentences if s.source == "body" and first.start < s.start < last.start and s not in spoken]
    where = Evidence("body", first.start, last.end, body[first.start : last.end])
    if not left_out:
        return Field(key, where.text, _SURE, where)
    return Field(key, " ".join(s.text for s in spoken), _SURE, where, "without what is said beside it")


def _lines(scope: Scope) -> list[tuple[int, str]]:
    """Lines of the body that are neither greeting nor closing, each with where it begins."""
    frames = [(s.start, s.end) for s in scope.sentences if s.source == "body" and s.frame]
    found, start = [], 0
    for line in scope.mail.body.split("\n"):
        if line.strip() and not any(begin < start + len(line) and start < end for begin, end in frames):
            found.append((start, line))
        start += len(line) + 1
    return found


def _labelled(asked: Sequence[Question], scope: Scope) -> dict[str, Field]:
    """ "Name: Ann Lee": a label that has the words of exactly one question's key."""
    found: dict[str, Field] = {}
    twice: set[str] = set()
    for start, line in _lines(scope):
        match = _LABEL.match(line)
        keys = [q.key for q in asked if match and _names(match["label"], q.key)]
        if match is None or len(keys) != 1:
            continue
        twice |= found.keys() & set(keys)
        found[keys[0]] = _value(keys[0], match, start)
    return {key: field for key, field in found.items() if key not in twice}


def _names(label: str, key: str) -> bool:
    """ "Name", "full name" and "my full name" name `full_name`; "user name" does not."""
    said, wanted = [word for word in re.findall(r"\w+", fold(label)) if word not in _MINE], key.split("_")
    if said == wanted or "".join(said) == "".join(wanted):
        return True
    return len(said) == 1 and len(wanted) > 1 and said[0] == wanted[-1]


def _by_line(
    asked: Sequence[Question], scope: Scope, apart: Collection[Sentence], said: Sequence[Evidence]
) -> dict[str, Field]:
    """One line for each open question, in the order in which they were asked, and nothing else in the mail."""
    taken = [(s.start, s.end) for s in apart if s.source == "body"]
    lines = [(start, line) for start, line in _lines(scope) if not _is_said(start, line, said)]
    if any(_LABEL.match(line) for _, line in lines):
        return {}  # labels that name no question, or one twice
    if len(lines) != len(asked) or any(begin < s + len(line) and s < end for s, line in lines for begin, end in taken):
        return {}
    numbered = [_NUMBERED.match(line) for _, line in lines]
    counted = [int(match["number"]) for match in numbered if match]
    if counted and (len(counted) != len(lines) or counted != sorted(set(counted))):
        return {}
    if not counted and any(len(line.split()) > _SHORT or line.rstrip().endswith(_MARKS) for _, line in lines):
        return {}
    matches = numbered if counted else [_BARE.match(line) for _, line in lines]
    return {q.key: _value(q.key, m, s) for q, m, (s, _) in zip(asked, matches, lines, strict=True) if m}


def _value(key: str, match: re.Match[str], start: int) -> Field:
    begin, end = match.span("value")
    return Field(key, match["value"], _SURE, Evidence("body", start + begin, start + end, match["value"]))
