"""A choice among options by the phrases that the playbook gives, and by sentences close to them in meaning."""

import re
from collections.abc import Iterator, Mapping

from caseworker.reading.encoder import fold
from caseworker.reading.fields.scope import Scope, whole
from caseworker.reading.model import Evidence, Field, Question
from caseworker.reading.sentences import Sentence
from caseworker.reading.stance import denies_a_wish
from caseworker.reading.words import patterns

_CLOSE, _AHEAD = 0.62, 0.1
_CLOSE_ANSWER = 0.5  # in the answer to our question
# In the answer to a question one of its options is likely, however rarely people say it elsewhere.
_HEARD, _HEARD_ANSWER, _TIMES = 0.6, 0.18, 2.5
_COMMON = patterns("options")
_NOT = re.compile(
    r"\b(?:not|never|nicht|kein\w*|no|without|ohne|statt|anstatt|instead of|rather than"
    r"|(?:are|ca|could|did|do|does|had|has|have|is|must|need|should|was|were|wo|would)n'?t)\s+(?:\w+\s+){0,3}$",
    re.IGNORECASE,
)
_NOT_AFTER = re.compile(
    r"^\W*(?:(?:möchte|möchten|will|wollen|brauche|brauchen|wünsche|bitte|ich|wir) ){1,4}(?:\w+ )?(?:nicht|keinesfalls)\b"
)
_GAP = r"[\W_]+(?:\w+[\W_]+){0,2}?"


def read_choice(question: Question, scope: Scope) -> Field | None:
    """The option that the sentences speak of; None where none, or two equally."""
    said = list(_said(question, scope))
    options = {option for option, _, _ in said}
    if len(options) == 1:
        option, where, length = max(said, key=lambda hit: hit[2])
        return Field(question.key, option, 0.95 if length > 4 else 0.85, where, f"said as {where.text!r}")
    if len(options) > 1:
        longest = sorted(
            {option: length for option, _, length in sorted(said, key=lambda hit: hit[2])}.items(), key=lambda p: -p[1]
        )
        if longest[0][1] - longest[1][1] < 4:
            return None
        option, where, _ = max(said, key=lambda hit: hit[2])
        return Field(question.key, option, 0.75, where, f"said as {where.text!r}")
    return _learned(question, scope) or _meant(question, scope)


def _learned(question: Question, scope: Scope) -> Field | None:
    """The option that the heads hear in a sentence (`KEY_OPTION`, as trained), clearly more than any other."""
    heard = [
        (p, option, sentence)
        for option in question.options
        for sentence, p in scope.said(f"{question.key}_{option}")
        if not denies_a_wish(fold(sentence.text))
    ]
    if not heard:
        return None
    by_option = {option: max(p for p, other, _ in heard if other == option) for _, option, _ in heard}
    ranked = sorted(by_option.values(), reverse=True)
    sure, option, sentence = max(heard, key=lambda hit: hit[0])
    second = ranked[1] if len(ranked) > 1 else 0.0
    if sure < (_HEARD_ANSWER if scope.answering else _HEARD) or sure < _TIMES * second:
        return None
    return Field(question.key, option, round(min(0.9, max(0.6, sure)), 2), whole(sentence), "what the sentence says")


def _said(question: Question, scope: Scope) -> Iterator[tuple[str, Evidence, int]]:
    """Options whose phrase stands in a sentence, with up to two words between its words; with the phrase's length."""
    for sentence in scope.sentences:
        text = _aligned(sentence.text)
        for option, words in question.words.items():
            for phrase in _phrases(words, scope.language):
                pattern = _pattern(phrase)
                match = re.search(pattern, text)
                if match is not None and not _denied(text, match):
                    start, end = match.span()
                    where = Evidence(sentence.source, sentence.start + start, sentence.start + end, sentence.text[start:end])
                    yield option, where, len(phrase)
        yield from _commonly(question, scope, sentence, text)


def _commonly(question: Question, scope: Scope, sentence: Sentence, text: str) -> Iterator[tuple[str, Evidence, int]]:
    """Options that the shipped words say; the short forms count only in an answer."""
    for option in question.options:
        for name in (option, f"{option}?") if scope.answering else (option,):
            for match in _COMMON[name].finditer(text) if name in _COMMON else ():
                if not _denied(text, match):
                    start, end = match.span()
                    where = Evidence(sentence.source, sentence.start + start, sentence.start + end, sentence.text[start:end])
                    yield option, where, end - start


def _meant(question: Question, scope: Scope) -> Field | None:
    """The option closest in meaning to a sentence, where it is close, clearly ahead of the others and not denied."""
    phrases = [(option, phrase) for option, words in question.words.items() for phrase in _phrases(words, scope.language)]
    denials = [s for s in scope.sentences if any(_denies(s, phrase) for _, phrase in phrases)]
    sentences = [s for s in scope.sentences if s.plain and not s.frame and s not in denials][:20]
    if not phrases or not sentences:
        return None
    vectors = scope.encoder.encode([phrase for _, phrase in phrases])
    best: tuple[float, float, str, Sentence] | None = None
    for sentence, closeness in zip(sentences, scope.encoder.encode([s.plain for s in sentences]) @ vectors.T, strict=True):
        by_option: dict[str, float] = {}
        for (option, _), value in zip(phrases, closeness, strict=True):
            by_option[option] = max(by_option.get(option, -1.0), float(value))
        ranked = sorted(by_option.items(), key=lambda item: -item[1])
        ahead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0)
        if best is None or ranked[0][1] > best[0]:
            best = (ranked[0][1], ahead, ranked[0][0], sentence)
    if best is None or best[0] < (_CLOSE_ANSWER if scope.answering else _CLOSE) or best[1] < _AHEAD:
        return None
    return Field(question.key, best[2], round(min(0.9, best[0]), 2), whole(best[3]), "closest in meaning")


def _pattern(phrase: str) -> str:
    """The phrase with up to two words between its words and an ending at the last."""
    return r"\b" + _GAP.join(re.escape(word) for word in re.findall(r"\w+", _aligned(phrase))) + r"\w{0,3}\b"


def _denied(text: str, match: re.Match[str]) -> bool:
    return bool(_NOT.search(text[: match.start()]) or _NOT_AFTER.match(text[match.end() :]))


def _denies(sentence: Sentence, phrase: str) -> bool:
    text = _aligned(sentence.text)
    match = re.search(_pattern(phrase), text)
    return match is not None and _denied(text, match)


def _phrases(words: Mapping[str, tuple[str, ...]], language: str) -> tuple[str, ...]:
    return tuple(words.get(language) or words.get("en") or ())


def _aligned(text: str) -> str:
    """Lower case, letter by letter, so that spans stay valid (no umlaut is written out)."""
    return "".join(ch.lower() if len(ch.lower()) == 1 else ch for ch in text).replace("’", "'")
