"""Which lines of an order are meant: by words of the title in any language, by colour and size, or by "both" and "all"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from caseworker.commerce.model import Line, Order
from caseworker.reading.encoder import fold
from caseworker.reading.fields.scope import Scope, evidence
from caseworker.reading.model import Evidence, Field
from caseworker.reading.sentences import Sentence
from caseworker.reading.words import groups

_ALL = re.compile(
    r"\b(?:everything|all of (?:it|them)|all (?:the )?(?:items|articles|things)|the (?:whole|entire|complete"
    r"|full) (?:order|lot|thing|parcel)|in its entirety|in full|in g(?:ä|ae)nze|komplett"
    r"|(?:my|meine) (?:whole|ganze) (?:order|bestellung)"
    r"|alles|alle(?: artikel| sachen| teile)?(?= |$|[.,!])|die (?:ganze|gesamte|komplette|vollständige) (?:bestellung"
    r"|lieferung|ware|sendung)|sämtliche artikel)\b",
    re.IGNORECASE,
)
_REST = re.compile(r"\W*(?:else|other|andere\w*|übrige\w*|sonst)\b", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:both|beide[nsr]?|the two|die zwei)\b", re.IGNORECASE)
_KEPT = re.compile(
    r"\b(?:keep|keeping|are fine|is fine|is ok(?:ay)?|are ok(?:ay)?|is great|are great|is perfect|fits?(?: perfectly"
    r"| well| great)|love"
    r"|behalten?|in ordnung|passt (?:gut|super|perfekt)|ist (?:gut|super|toll|ok(?:ay)?)|sind (?:gut|super|toll|ok(?:ay)?)"
    r"|arrived fine|kam gut an|gef(?:ä|ae)llt mir|fine\W*$|(?:is|are) (?:right|correct|lovely|good)|still want|stays?|staying"
    r"|will ich|bleib(?:t|en)|(?:came|arrived) (?:ok(?:ay)?|safely)|passen (?:gut|super|perfekt)|stimmt|stimmen)\b",
    re.IGNORECASE,
)
# "The bag is lovely but my feet stick out" is about the bag.
_PRAISED = re.compile(
    r"\b(?:is|are|ist|sind) (?:\w+ )?(?:lovely|great|nice|beautiful|good|fine|perfect|super|toll|schön|gut|ok(?:ay)?)\W*$",
    re.IGNORECASE,
)
_BUT_NEXT = re.compile(r"\W*(?:but|aber|however|jedoch|only|nur)\b", re.IGNORECASE)
_GOT = re.compile(r"^\W*(?:(?:i|we|ich|wir) )?(?:have |hab(?:e|en)? )?(?:got|received|erhalten|bekommen)\b", re.IGNORECASE)
_PLEASED = re.compile(r"\b(?:thank|thanks|great|lovely|perfect|happy|danke|super|toll|freu)\w*", re.IGNORECASE)
_CLAUSE = re.compile(
    r"(?:,|;| - | – )\s+|\s+(?:but|aber|however|while|whereas|jedoch|sondern|except|außer)\s+|[.!?]\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_STOP = frozenset(word for line in groups("no_item") for word in line.split())
_COMMON: Mapping[str, str] = {word: group.split()[0] for group in groups("same") for word in group.split()}
_BY_COLOUR = 1.0  # weight of a word of category or attributes: alone it adds no second line to a clause that names one
_SIMILAR, _AHEAD = 0.5, 0.12


def read_items(key: str, scope: Scope) -> Field | None:
    """The line ids of the order (or orders) in scope that the sentences name; None where nothing is named."""
    lines = [line for order in scope.orders for line in order.lines]
    if not lines:
        return None
    said = replace(scope, sentences=scope.own) if scope.own else scope
    named = _everything(key, said, lines) or _named(key, said, lines)
    if named is None and scope.own:
        named = _everything(key, scope, lines) or _named(key, scope, lines)
        if named is not None and _scattered(scope, lines):
            return None  # several items in several sentences, none in the request's own: which are meant is asked
    if named is None and len(lines) > 1 and len(scope.orders) == 1:
        return _similar(key, scope, lines)
    return named


def _scattered(scope: Scope, lines: Sequence[Line]) -> bool:
    """Whether different sentences name different items: one of them may be about another matter that was not understood."""
    named = [ids for sentence in scope.sentences if (ids := named_lines([sentence], lines))]
    return len(set().union(*named)) > 1 and any(ids != named[0] for ids in named)


def mentioned(orders: Sequence[Order], sentences: Sequence[Sentence]) -> list[Order]:
    """The orders that have a line which the sentences name."""
    return [order for order in orders if any(_hits(sentence, order.lines) for sentence in sentences)]


def named_lines(sentences: Sequence[Sentence], lines: Sequence[Line]) -> set[str]:
    """Ids of the lines that the sentences name."""
    return {line.id for sentence in sentences for line, _ in _hits(sentence, lines)}


def _everything(key: str, scope: Scope, lines: Sequence[Line]) -> Field | None:
    for pattern in (_ALL, _BOTH):
        for sentence in scope.sentences:
            match = pattern.search(sentence.text)
            if match is None or (pattern is _BOTH and len(lines) != 2) or _KEPT.search(sentence.text):
                continue
            if _REST.match(sentence.text[match.end() :]):
                continue  # "has made everything else smell"
            hits = {line.id: line for line, _ in _hits(sentence, lines)}
            if pattern is _BOTH and len(hits) == 1 and next(iter(hits.values())).quantity > 1:
                continue  # "both mats" of a line of two pieces, not both lines
            ids = tuple(line.id for line in lines)
            return Field(key, ids, 0.9, evidence(sentence, match), f"all lines of the order: {match.group()!r}")
    return None


def _named(key: str, scope: Scope, lines: Sequence[Line]) -> Field | None:
    chosen: dict[str, Evidence] = {}
    for sentence in scope.sentences:
        for line, where in _hits(sentence, lines):
            chosen.setdefault(line.id, where)
    if not chosen:
        return None
    ids = tuple(line.id for line in lines if line.id in chosen)
    titles = ", ".join(line.title for line in lines if line.id in chosen)
    return Field(key, ids, 0.95 if len(ids) == 1 else 0.85, next(iter(chosen.values())), f"matched to {titles}")


def _hits(sentence: Sentence, lines: Sequence[Line]) -> list[tuple[Line, Evidence]]:
    """The lines that each clause names best; clauses about what is kept or fine are passed over."""
    found: list[tuple[Line, Evidence]] = []
    praised: list[tuple[Line, Evidence]] = []
    position = 0
    for clause in _CLAUSE.split(sentence.text):
        start = sentence.text.index(clause, position)
        position = start + len(clause)
        part = Sentence(sentence.source, sentence.start + start, sentence.start + start + len(clause), clause, clause)
        if _PRAISED.search(clause) and _BUT_NEXT.match(sentence.text[position:]):
            praised += _best(part, lines)
        elif not _KEPT.search(clause) and not (_GOT.match(clause) and _PLEASED.search(sentence.text)):
            found += _best(part, lines)
    return found or praised


def _best(clause: Sentence, lines: Sequence[Line]) -> list[tuple[Line, Evidence]]:
    words = [(match, _key(match.group())) for match in _WORD.finditer(clause.text)]
    vocabulary = [_line_words(line) for line in lines]
    shared = {word for word in set().union(*vocabulary) if len(lines) > 1 and all(word in own for own in vocabulary)}
    scored = []
    for line, own in zip(lines, vocabulary, strict=True):
        hits = [(match, word, weight) for match, word in words for weight in [_weight(word, own, shared)] if weight]
        if hits:
            scored.append(
                (sum(weight for _, _, weight in {word: hit for hit in hits for word in [hit[1]]}.values()), line, hits)
            )
    if not scored:
        return []
    top = max(score for score, _, _ in scored)
    best = [(line, hits) for score, line, hits in scored if score >= top - 0.01 and score >= 1]
    covered = {match.span() for _, hits in best for match, _, _ in hits}
    others = [
        (line, hits)
        for score, line, hits in scored
        if 1 <= score < top - 0.01 and not {m.span() for m, _, _ in hits} & covered and any(w > _BY_COLOUR for _, _, w in hits)
    ]
    if len(best) > 1 and not _plural(clause.text):
        distinct = {frozenset(match.span() for match, _, _ in hits) for _, hits in best}
        best = [] if len(distinct) == 1 else best  # one word that fits several lines says nothing
    return [(line, evidence(clause, hits[0][0])) for line, hits in [*best, *others]]


def _plural(text: str) -> bool:
    return bool(_BOTH.search(text) or _ALL.search(text))


def _weight(word: str, own: Mapping[str, float], shared: set[str]) -> float:
    if word in shared or word in _STOP:
        return 0.0
    if word in own:
        return own[word]
    if len(word) >= 5:  # German compounds: "jacke" in "winterjacke", and the other way round
        for other, weight in own.items():
            if len(other) >= 4 and other not in shared and (word.endswith(other) or other.endswith(word)):
                return 0.9 * weight if weight >= 1 else 0.0
    return 0.0


def _line_words(line: Line) -> dict[str, float]:
    """Words that name a line with their weight: title words 1.2, its category and attributes 1."""
    words: dict[str, float] = {}
    for value in (line.category, *line.attributes.values()):
        for word in _WORD.findall(value):
            words[_key(word)] = 1.0
    for title in (line.title, *line.titles.values()):
        for word in _WORD.findall(title):
            words[_key(word)] = 1.2
    return {word: weight for word, weight in words.items() if word not in _STOP and (len(word) > 1 or word in "sml")}


def _key(word: str) -> str:
    folded = fold(word)
    if folded in _COMMON:
        return _COMMON[folded]
    for ending in ("s", "n", "en", "e"):
        if folded.endswith(ending) and folded[: -len(ending)] in _COMMON:
            return _COMMON[folded[: -len(ending)]]
    return folded[:-1] if len(folded) > 4 and folded.endswith("s") else folded


def _similar(key: str, scope: Scope, lines: Sequence[Line]) -> Field | None:
    """By meaning: a word of the request that is close to one title only ("trainers" and "running shoes")."""
    spoken = [
        (sentence, match)
        for sentence in scope.sentences
        for match in re.finditer(r"\b(?:the|our|my|ein|eine|mein|meine|die|das|der|den) (?P<word>[^\W\d_]{4,})", sentence.text)
    ][:8]
    if not spoken:
        return None
    titles = scope.encoder.encode([fold(line.titles.get(scope.language, line.title)) for line in lines])
    close = scope.encoder.encode([fold(match.group("word")) for _, match in spoken]) @ titles.T
    row, column = divmod(int(close.argmax()), len(lines))
    best = float(close[row, column])
    second = max((float(value) for k, value in enumerate(close[row]) if k != column), default=0.0)
    if best < _SIMILAR or best - second < _AHEAD:
        return None
    sentence, match = spoken[row]
    return Field(
        key, (lines[column].id,), round(min(0.85, best + 0.2), 2), evidence(sentence, match), f"close to {lines[column].title}"
    )
