"""What a demand belongs to: money or a parcel back is wished because of a trouble, and the trouble is the matter."""

import re
from dataclasses import replace

from caseworker.reading import stance
from caseworker.reading.encoder import fold
from caseworker.reading.found import ACCEPT, ACCEPT_TO_ACT, AT_LEAST, Found
from caseworker.reading.scored import Scored

_TOLD = 0.3  # from here on a trouble, or a wish for money, was told
_TROUBLES = frozenset({"damaged_item", "missing_item", "wrong_item", "delivered_not_received", "where_is_my_order"})
_SENT_BACK = re.compile(
    r"\b(?:return\w*|refund of|sent (?:\w+ ){0,3}back|send(?:ing)? (?:\w+ ){0,3}back|took (?:\w+ ){0,3}back"
    r"|cancel\w*|arrived (?:back )?(?:at|with) you\w*|zurueck(?:geschickt|gesendet|gegeben|gebracht|geholt)|retour\w*"
    r"|ruecksend\w*|storn\w*|eingelangt"
    r"|bei ihnen (?:\w+ )?(?:angekommen|eingetroffen|eingegangen))\b"
)


def demanded(grouped: dict[str, Found], scored: Scored) -> dict[str, Found]:
    """ "It leaks. I want my money back": where nothing was sent back, a demand for money is the trouble's wish."""
    asked = grouped.get("refund_status")
    if asked is None or any(_SENT_BACK.search(fold(sentence.text)) for sentence in scored.sentences):
        return grouped
    troubles = [f for i, f in grouped.items() if i in _TROUBLES and f.confidence >= _TOLD]
    if not troubles or float(scored.of("wish_refund").max(initial=0)) < _TOLD:
        return grouped
    trouble = max(troubles, key=lambda found: found.confidence)
    surer = replace(trouble, confidence=max(trouble.confidence, min(asked.confidence, ACCEPT_TO_ACT)))
    return {**{i: f for i, f in grouped.items() if i != "refund_status"}, trouble.intent: surer}


def broken(grouped: dict[str, Found], scored: Scored) -> dict[str, Found]:
    """ "It arrived broken, I want to send it back": the damage is the matter; nothing need be sent back for it."""
    back, damage = grouped.get("return_item"), grouped.get("damaged_item")
    if back is None or damage is None or back.confidence < ACCEPT or not AT_LEAST < damage.confidence < ACCEPT_TO_ACT:
        return grouped
    if not any(stance.tells_of_damage(fold(sentence.text)) for sentence in scored.sentences):
        return grouped
    surer = replace(damage, confidence=min(back.confidence, ACCEPT_TO_ACT))
    return {**{i: f for i, f in grouped.items() if i != "return_item"}, "damaged_item": surer}
