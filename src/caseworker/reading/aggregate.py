"""From scored sentences to the requests of a mail: what is asked, what merely tells the story, what belongs together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from caseworker.reading import cues, stance
from caseworker.reading.demands import broken, demanded
from caseworker.reading.doubts import not_meant, unclear, unread
from caseworker.reading.encoder import fold
from caseworker.reading.found import ACCEPT, ACCEPT_TO_ACT, AT_LEAST, Found, Mention, Sense, within
from caseworker.reading.heads import Matrix
from caseworker.reading.relations import ABSORBS, ABSORBS_STORY, DELIVERY_NOUN
from caseworker.reading.risks import spoken_risks
from caseworker.reading.scored import Scored
from caseworker.reading.sentences import Sentence
from caseworker.reading.training.corpus import RISKS
from caseworker.reading.verdict import judge

NOTICE = 0.3  # below it a sentence says nothing about an intent
MAX_REQUESTS = 4
_RISK = 0.75
_CLEARLY = 0.8  # a told story has to be this sure to take over what is asked for
_SHORT = 2  # sentences of a mail that is too short for the rest of it to say much
_PLAINLY_SHORT, _PLAINLY = 0.75, 0.6  # how sure the plain words of an intent make, where it is not ruled out
_FOR_ALL = re.compile(r"\b(?:both|all of (?:it|them)|everything|beide[nsr]?|alles|fuer alle)\b")
_ORDERED = re.compile(r"^\W*(?:(?:ich habe|i) )?(?:bestellt|ordered)(?: war| wurde| was)?\s*:")
_CAME = re.compile(
    r"^\W*(?:bekommen|erhalten|geliefert|gekommen|received|got|came|arrived|delivered|sent)\w*(?: habe ich| wurde)?\s*:"
)
_ORDER = re.compile(r"\d{5,}")
_BUT = re.compile(r"\b(?:but|however|still|yet|only|aber|jedoch|leider|nur|noch)\b")
_CLAUSE = 0.65  # a clause has to be this sure to say what its sentence does not


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a mail that turns from one matter to another, with what its own orders make likely."""

    scored: Scored
    likely: Mapping[str, float]
    names_order: bool = False

    def requests(self) -> tuple[Found, ...]:
        """What this run asks for, as if it were a mail of its own."""
        return _requests(_of_body(_mentions(self.scored)), self.scored, self.likely)


def understand(scored: Scored, likely: Mapping[str, float], parts: Sequence[Part] = ()) -> Sense:
    """Requests in the order of the mail, risks, mood, and what stayed unclear. `likely` see `verdict.judge`.

    `parts` are the runs of a mail that turns from one matter to another: each is a mail of its own as far as requests go.
    """
    mentions = _of_body(_mentions(scored))
    kept = _of_parts(parts) or _requests(mentions, scored, likely)
    kept = tuple(_with_parts(_with_wish(request, kept, scored), kept, scored) for request in kept)
    thanks = _says("thanks", scored)
    chaser = _says("chaser", scored) and not kept
    return Sense(
        requests=kept,
        risks=_risks(scored),
        mood=_mood(scored),
        chaser=chaser,
        thanks=thanks and not kept,
        out_of_scope=max(float(scored.of("out_of_scope").max(initial=0)), scored.whole("out_of_scope")),
        unclear=not_meant(scored, kept)
        or unread([(part.scored, part.names_order) for part in parts], kept)
        or unclear(scored, mentions, kept),
    )


def _requests(mentions: Sequence[Mention], scored: Scored, likely: Mapping[str, float]) -> tuple[Found, ...]:
    grouped = _grouped(mentions, scored, likely)
    grouped = broken(demanded(_contrasted(_delivered(grouped, scored), scored), scored), scored)
    requests = _without_repeats(_absorbed(grouped))
    return tuple(sorted((r for r in requests if r.confidence >= _bar(r.intent)), key=_position))


def _bar(intent: str) -> float:
    return ACCEPT_TO_ACT if intent in stance.ACTED_UPON or intent == "return_item" else ACCEPT


def _whole_part(part: Part) -> tuple[Found, ...]:
    """The requests of a part; one alone is what the whole part is about, so that its items are those of the part."""
    requests = part.requests()
    if len(requests) != 1:
        return requests
    return (replace(requests[0], sentences=tuple(part.scored.sentences)),)


def _of_parts(parts: Sequence[Part]) -> tuple[Found, ...]:
    """The requests of the parts together, where at least two parts have some; else the mail is one story after all."""
    found = [_whole_part(part) for part in parts]
    if sum(bool(requests) for requests in found) < 2:
        return ()
    together: dict[str, Found] = {}
    for request in (request for requests in found for request in requests):
        known = together.get(request.intent)
        if known is None:
            together[request.intent] = request
        else:
            surer = max(known, request, key=lambda r: r.confidence)
            sentences = tuple(dict.fromkeys((*known.sentences, *request.sentences)))
            together[request.intent] = replace(surer, sentences=sentences, asked=known.asked or request.asked)
    if len(together) < 2:
        return ()
    return tuple(sorted(together.values(), key=_position))


def _mentions(scored: Scored) -> list[Mention]:
    """Per sentence the intents that it may speak of, then what only a clause of it speaks of."""
    asked = scored.of("ask")
    found: list[Mention] = []
    silent = {row for row in range(len(scored.sentences)) if _asks_nothing(scored, row)}
    for row, sentence in enumerate(scored.sentences):
        if row in silent:
            continue
        ranked = _ranked(scored, scored.rows[row], sentence)
        found += [Mention(sentence, intent, p, float(asked[row])) for p, intent in ranked]
    column = scored.heads.column("ask")
    for (parent, clause), probabilities in zip(scored.clauses, scored.clause_rows, strict=True):
        if parent in silent:
            continue
        whole_sentence = scored.sentences[parent]
        known = {m.intent: m for m in found if m.sentence == whole_sentence}
        for p, intent in _ranked(scored, probabilities, clause)[:1]:
            if p < _CLAUSE or (intent in known and known[intent].probability >= p):
                continue
            clause_asks = float(probabilities[column]) if column is not None else 0.0
            top = max(known.values(), key=lambda m: m.probability, default=None)
            spoken = clause if top is not None and top.intent != intent else whole_sentence
            found.append(Mention(spoken, intent, 0.95 * p, max(clause_asks, float(asked[parent]) if not known else 0.0)))
    return found


def _says(label: str, scored: Scored) -> bool:
    """True where a sentence says it ("any news?", "thank you, all sorted"), by the heads or by its words."""
    pairs = zip(scored.of(label), scored.sentences, strict=True)
    return any(cues.second_opinion(label, float(p), fold(sentence.text)) >= 0.5 for p, sentence in pairs)


def _asks_nothing(scored: Scored, row: int) -> bool:
    """ "The refund is here, thank you" or "last year I returned a coat": names a matter but asks for nothing."""
    if float(scored.of("ask")[row]) >= 0.5:
        return False
    text = fold(scored.sentences[row].text)
    return cues.is_past(text) or (float(scored.of("thanks")[row]) >= 0.4 and not _BUT.search(text))


def _of_body(mentions: Sequence[Mention]) -> list[Mention]:
    """A subject alone ("return", "delivery") asks for nothing where the body says clearly what it wants."""
    clear = {m.intent for m in mentions if m.sentence.source == "body" and m.probability >= ACCEPT}
    spoken = {m.intent for m in mentions if m.sentence.source == "body"}
    return [m for m in mentions if m.sentence.source == "body" or not clear or m.intent in spoken or _says_all(m)]


def _says_all(mention: Mention) -> bool:
    """A subject that is a sentence of its own ("still waiting for my refund")."""
    return mention.probability >= _CLEARLY and len(mention.sentence.plain.split()) >= 4


def _ranked(scored: Scored, probabilities: Matrix, sentence: Sentence) -> list[tuple[float, str]]:
    """The intents of one sentence, best first; a second one has to be nearly as sure."""
    folded = fold(sentence.text)
    ranked: list[tuple[float, str]] = []
    for intent in scored.heads.intents:
        column = scored.heads.column(intent)
        probability = float(probabilities[column]) if column is not None else 0.0
        if scored.language in cues.LANGUAGES:
            probability = cues.second_opinion(intent, probability, folded)
        if probability >= NOTICE:
            ranked.append((probability, intent))
    ranked.sort(reverse=True)
    return [pair for pair in ranked[:3] if pair[0] >= 0.6 * ranked[0][0]]


def _grouped(mentions: Sequence[Mention], scored: Scored, likely: Mapping[str, float]) -> dict[str, Found]:
    """One candidate request per intent, as sure as the mail as a whole makes it."""
    sure = judge(scored, scored.heads, likely)
    folded = [fold(sentence.text) for sentence in scored.sentences]
    plainly = _PLAINLY_SHORT if len(folded) <= _SHORT else _PLAINLY
    grouped: dict[str, Found] = {}
    for intent, weighed in sure.items():
        said = any(cues.is_strong(intent, text) for text in folded)
        confidence = max(weighed, plainly) if said and weighed >= AT_LEAST else weighed
        own = [m for m in mentions if m.intent == intent]
        if confidence < NOTICE and not own:
            continue
        own = own or [_best_mention(intent, scored)]
        best = max(own, key=lambda m: (m.probability, m.sentence.source == "body"))
        asked = max(m.asked for m in own if m.probability >= 0.5 * best.probability)
        sentences = tuple(m.sentence for m in own if m.probability >= 0.5 * best.probability)
        grouped[intent] = Found(intent, round(confidence, 3), _shown(own, best), sentences, asked >= 0.5)
    return grouped


def _best_mention(intent: str, scored: Scored) -> Mention:
    """The sentence that says it best where none says it clearly: the mail as a whole does."""
    said = scored.of(intent)
    row = int(said.argmax())
    return Mention(scored.sentences[row], intent, float(said[row]), float(scored.of("ask")[row]))


def _shown(own: Sequence[Mention], best: Mention) -> Sentence:
    """The body says it better than the subject, where it says it at all."""
    body = [m for m in own if m.sentence.source == "body" and m.probability >= 0.5 * best.probability]
    return max(body, key=lambda m: m.probability).sentence if body else best.sentence


def _delivered(grouped: dict[str, Found], scored: Scored) -> dict[str, Found]:
    """ "It says delivered" and "I have nothing" are one request when they stand in two sentences."""
    claims = np.array(
        [
            cues.second_opinion("claimed_delivered", float(p), fold(sentence.text))
            for p, sentence in zip(scored.of("claimed_delivered"), scored.sentences, strict=True)
        ]
    )
    missing = grouped.get("where_is_my_order")
    returned = grouped.get("refund_status")
    if returned is not None and returned.confidence >= 0.5:
        return grouped
    if missing is None or not len(claims) or float(claims.max()) < 0.5 or missing.confidence < 0.5:
        return grouped
    known = grouped.get("delivered_not_received")
    claim = scored.sentences[int(claims.argmax())]
    confidence = max(min(missing.confidence, float(claims.max())), known.confidence if known else 0.0)
    together = Found("delivered_not_received", confidence, claim, (claim, *missing.sentences), missing.asked)
    return {**grouped, "delivered_not_received": together}


def _contrasted(grouped: dict[str, Found], scored: Scored) -> dict[str, Found]:
    """ "Ordered: a grey scarf. Received: a red one." is a wrong item that neither sentence tells alone."""
    pairs = zip(scored.sentences, scored.sentences[1:], strict=False)
    for first, second in pairs:
        if _ORDERED.match(fold(first.text)) and _CAME.match(fold(second.text)):
            known = grouped.get("wrong_item")
            if known is not None and known.confidence >= _CLEARLY:
                return grouped
            return {**grouped, "wrong_item": Found("wrong_item", _CLEARLY, second, (first, second), asked=False)}
    return grouped


def _absorbed(grouped: dict[str, Found]) -> list[Found]:
    """Drops what another request of the mail takes over."""
    strong = {intent: found for intent, found in grouped.items() if found.confidence >= 0.5}
    gone: set[str] = set()
    for intent, found in sorted(strong.items(), key=lambda item: -item[1].confidence):
        if intent in gone:
            continue
        for other in ABSORBS.get(intent, frozenset()):
            if other in grouped and _takes_over(found, grouped[other]):
                gone.add(other)
        for other in ABSORBS_STORY.get(intent, frozenset()):
            if other in grouped and _is_its_story(found, grouped[other]):
                gone.add(other)
    if any(i != "where_is_my_order" and i not in gone and f.confidence >= _CLEARLY for i, f in strong.items()) and _pronoun(
        grouped
    ):
        gone.add("where_is_my_order")
    return [found for intent, found in grouped.items() if intent not in gone]


def _another_order(found: Found, other: Found) -> bool:
    """True where the other story names an order of its own."""
    numbers = {n for s in other.sentences for n in _ORDER.findall(s.text)} - {
        n for s in found.sentences for n in _ORDER.findall(s.text)
    }
    return bool(numbers) and other.confidence >= 0.5


def _is_its_story(found: Found, other: Found) -> bool:
    """True where `other` is only told, of no order of its own, and not itself the clear trouble behind a wish to return."""
    if other.asked or _another_order(found, other):
        return False
    if found.intent in ABSORBS.get(other.intent, frozenset()) and other.confidence >= _CLEARLY:
        return False
    return found.asked or other.confidence < found.confidence


def _takes_over(found: Found, other: Found) -> bool:
    """Not where both take each other over and the other is surer, nor where a vague story meets a clear wish."""
    if found.intent in ABSORBS.get(other.intent, frozenset()) and other.confidence > found.confidence:
        return False
    wished = other.asked and other.intent in {"return_item", "exchange_item"}
    return found.asked or not wished or found.confidence >= _CLEARLY


def _pronoun(grouped: dict[str, Found]) -> bool:
    """True where "it" is all that the question after a delivery speaks of."""
    found = grouped.get("where_is_my_order")
    return found is not None and not any(DELIVERY_NOUN.search(fold(s.text)) for s in found.sentences if s.source == "body")


def _without_repeats(requests: Sequence[Found]) -> list[Found]:
    """Two intents that rest on one and the same sentence: only the surer, unless the sentence joins two wishes."""
    kept: list[Found] = []
    for found in sorted(requests, key=lambda r: -r.confidence):
        rivals = [other for other in kept if other.best == found.best]
        if any(not _joins(found.best.text) or found.confidence < 0.75 * other.confidence for other in rivals):
            continue
        kept.append(found)
    return kept


def _joins(text: str) -> bool:
    return bool(re.search(r"\b(?:and|und|also|as well as|sowie|außerdem|plus|auch)\b|[,;]", text, re.IGNORECASE))


def _position(found: Found) -> tuple[int, int]:
    return (found.best.source != "subject", found.best.start)


def _with_wish(found: Found, kept: Sequence[Found], scored: Scored) -> Found:
    """The wish that the mail expresses; of several requests, what is said between this one and the next, or for all."""
    if found.intent not in {
        "damaged_item",
        "wrong_item",
        "missing_item",
        "delivered_not_received",
        "where_is_my_order",
        "warranty",
    }:
        return found
    heard = [row for row in _heard(found, kept, scored) if not stance.denies_a_wish(fold(scored.sentences[row].text))]
    refund, replacement = (float(scored.of(f"wish_{wish}")[heard].max(initial=0)) for wish in ("refund", "replacement"))
    if max(refund, replacement) < 0.55 or max(refund, replacement) < 3 * min(refund, replacement):
        return found
    wish = "refund" if refund > replacement else "replacement"
    return replace(found, wish=wish)


def _heard(found: Found, kept: Sequence[Found], scored: Scored) -> list[int]:
    """Rows of the sentences in which a wish would belong to this request."""
    if len(kept) == 1:
        return list(range(len(scored.sentences)))
    rows: list[int] = []
    current = False
    for row, sentence in enumerate(scored.sentences):
        if any(within(spoken, sentence) for other in kept for spoken in other.sentences):
            current = any(within(spoken, sentence) for spoken in found.sentences)
        if current or _FOR_ALL.search(fold(sentence.text)):
            rows.append(row)
    return rows


def _with_parts(found: Found, kept: Sequence[Found], scored: Scored) -> Found:
    """Of a sentence that several requests share, each keeps the clauses that speak of it more than of the others."""
    rivals = {other.intent for other in kept if other.intent != found.intent and _share(other, found)}
    if not rivals:
        return found
    parts: list[Sentence] = []
    for (parent, clause), row in zip(scored.clauses, scored.clause_rows, strict=True):
        if any(within(clause, spoken) for spoken in found.sentences) or scored.sentences[parent] in found.sentences:
            ranked = [intent for _, intent in _ranked(scored, row, clause) if intent in {*rivals, found.intent}]
            parts += [clause] if ranked[:1] == [found.intent] else []
    return replace(found, parts=tuple(parts))


def _share(one: Found, other: Found) -> bool:
    return any(within(a, b) or within(b, a) for a in one.sentences for b in other.sentences)


def _risks(scored: Scored) -> tuple[str, ...]:
    """Flags by the heads, or by words that nobody should miss."""
    found = {risk for risk in RISKS if float(scored.of(risk).max(initial=0)) >= _RISK}
    for sentence in scored.sentences:
        found |= spoken_risks(fold(sentence.text))
    return tuple(risk for risk in RISKS if risk in found)


def _mood(scored: Scored) -> float:
    """From -1 (angry) to 1 (pleased): the strongest bad word counts more than the strongest good one."""
    bad, good = float(scored.of("negative").max(initial=0)), float(scored.of("positive").max(initial=0))
    return round(max(-1.0, min(1.0, good * (1 - bad) - bad)), 2)
