"""Why a mail goes to people although something was read in it: what is denied, unread or not clear enough to act upon."""

import re
from collections.abc import Sequence

from caseworker.reading import cues, stance
from caseworker.reading.encoder import fold
from caseworker.reading.found import Found, Mention, within
from caseworker.reading.relations import ABSORBS, ABSORBS_STORY
from caseworker.reading.scored import Scored
from caseworker.reading.sentences import Sentence

_TOGETHER = 0.6  # of several requests every one has to be this sure, or the mail goes to people
_SURE = 0.9
_WITHOUT_A_WORD = 0.85  # so sure a return has to be that no word of sending back is written for
# A sentence that only gives what we might ask for.
_DATA = re.compile(
    r"^\W*(?:(?:and |also |und )?(?:my|our|the|it.s|meine?|die|das|der|unsere?) )?"
    r"(?:delivery |order |phone |mobile |customer |liefer|bestell|kunden|telefon|handy|auftrags)?"
    r"(?:postcode|post code|zip(?: code)?|eircode|plz|postleitzahl|number|nummer|nr|phone|telefon|address|adresse"
    r"|anschrift|name|e-?mail(?: address)?)\b(?: (?:is|was|for (?:it|that|this|the order)|lautet|ist|war|dazu))*\W"
)


def not_meant(scored: Scored, kept: Sequence[Found]) -> Sentence | None:
    """A sentence that denies, takes back or only supposes what would be done: then nothing is done, and people read it."""
    acted = [found for found in kept if found.intent in stance.ACTED_UPON]
    intents = {found.intent for found in kept}
    said = [fold(sentence.text) for sentence in scored.sentences]
    for found in kept:
        if found.intent == "cancel_order" and not any(cues.is_anchored("cancel_order", text) for text in said):
            return found.best  # nothing is cancelled on a feeling
        if (
            found.intent == "return_item"
            and found.confidence < _WITHOUT_A_WORD
            and not any(cues.is_anchored("return_item", t) for t in said)
        ):
            return found.best
        if found.intent == "return_item" and not intents & {"damaged_item", "warranty", "wrong_item"}:
            broken = [s for s, text in zip(scored.sentences, said, strict=True) if stance.tells_of_damage(text)]
            if broken:
                return broken[0]  # sent back for nothing, or broken? that is not the same
    for sentence in scored.sentences if acted else ():
        folded = fold(sentence.text)
        if stance.is_taken_back(folded) or any(stance.is_denied(folded, found.intent) for found in acted):
            return sentence
    for found in acted:
        if stance.is_supposed(fold(found.best.text), found.intent):
            return found.best
    return None


def unread(parts: Sequence[tuple[Scored, bool]], kept: Sequence[Found]) -> Sentence | None:
    """A run that asks for something, or names an order, of which nothing was understood: then people read the whole mail.

    `parts` come with whether they name an order.
    """
    covered = [sentence for found in kept for sentence in found.sentences]
    for part, names_order in parts if kept else ():
        sentences = part.sentences
        if any(within(spoken, own) or within(own, spoken) for spoken in covered for own in sentences):
            continue
        asks, columns = part.of("ask"), [part.heads.labels.index(name) for name in part.heads.intents]
        for row, sentence in enumerate(sentences):
            told = float(part.rows[row, columns].max())
            if len(sentence.plain.split()) >= 3 and (asks[row] >= 0.5 or told >= 0.5 or names_order):
                return sentence
    return None


def unclear(scored: Scored, mentions: Sequence[Mention], kept: Sequence[Found]) -> Sentence | None:
    """A sentence that asks for something particular which no request covers."""
    if not kept:
        vague = [m for m in mentions if m.sentence.source == "body" and m.probability >= 0.4]
        return max(vague, key=lambda m: m.probability).sentence if vague else None
    doubtful = min(kept, key=lambda found: found.confidence)
    if len(kept) > 1 and doubtful.confidence < _TOGETHER:
        return doubtful.best
    asked = scored.of("ask")
    sure = any(found.asked and found.confidence >= _SURE for found in kept)  # a told sentence is then the story of the wish
    covered = {sentence for found in kept for sentence in found.sentences}
    related = {found.intent for found in kept}
    related |= {other for found in kept for table in (ABSORBS, ABSORBS_STORY) for other in table.get(found.intent, ())}
    for row, sentence in enumerate(scored.sentences):
        if sentence in covered or sentence.source == "subject" or _DATA.match(fold(sentence.text)):
            continue
        own = [m for m in mentions if m.sentence == sentence]
        bar = 0.4 if asked[row] >= 0.6 else (0.75 if sure else 0.55)
        if own and max(m.probability for m in own) >= bar and not any(m.intent in related for m in own):
            return sentence
    return None
