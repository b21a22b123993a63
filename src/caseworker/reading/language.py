"""The language gate: one of the playbook's languages, or `other`, with how sure it is.

Outside the languages that a reader was measured in it is wrong and sometimes sure, so the gate comes first. Short texts
("ok", a bare number) say nothing about language: they get the case's own language with low confidence.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from caseworker.reading.words import groups

OTHER = "other"
SURE = 0.6
_UNSURE = 0.3
# The languages of the world's shops: dialects and creoles only confuse the identifier on short mails.
_CANDIDATES = re.findall(
    r"\w+",
    "en de fr es it nl pl pt ru tr cs sk da sv no fi hu ro bg el hr sl et lv lt uk ar he ja ko zh th vi id ca",
)
_FUNCTION_WORDS = {line.split()[0]: frozenset(line.split()[1:]) for line in groups("function_words")}
_WORD = re.compile(r"[^\W\d_]+")


def identify(text: str, languages: Sequence[str], default: str) -> tuple[str, float]:
    """Language of a text among `languages`, or `other`; the confidence is 0.3 where the text is too short to tell."""
    words = [word.lower() for word in _WORD.findall(text)]
    letters = sum(map(len, words))
    counted = {lang: sum(word in _FUNCTION_WORDS[lang] for word in words) for lang in languages if lang in _FUNCTION_WORDS}
    if letters < 12 or len(words) < 3:
        return _by_words(counted, default)
    ranked = dict(_identifier().rank(" ".join(words)))
    own = {lang: ranked.get(lang, 0.0) for lang in languages}
    for lang, count in counted.items():
        own[lang] += count / len(words)
    best = max(own, key=lambda lang: own[lang])
    foreign = max((share for lang, share in ranked.items() if lang not in languages), default=0.0)
    if foreign > own[best] and foreign > 0.25:
        return OTHER, round(foreign, 3)
    if letters < 20 and own[best] < 0.5:
        return _by_words(counted, default)
    total = sum(own.values()) + foreign
    return best, round(own[best] / total, 3) if total else _UNSURE


def _by_words(counted: dict[str, int], default: str) -> tuple[str, float]:
    found = [lang for lang, count in counted.items() if count]
    if len(found) == 1:
        return found[0], 0.5
    return default, _UNSURE


@lru_cache(maxsize=1)
def _identifier() -> Any:
    """The identifier, restricted to the languages above; loads once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_CANDIDATES)
    return identifier
