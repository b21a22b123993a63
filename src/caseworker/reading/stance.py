"""Does a sentence mean it? What is denied, taken back or only supposed must not be done, however sure the heads are.

Sentence vectors hardly tell "cancel it" from "do not cancel it"; words do. Tables for English and German, on folded text.
"""

import re
from collections.abc import Mapping

# A mail with one of these tells of damage, whatever else it asks for.
_DAMAGE = re.compile(
    r"\b(?:haar)?riss(?:e|en|es)?\b|\bein?gerissen\b|\bsprung\b|\bausgelaufen\b|\bgeplatzt\b|\bundicht\b|\bkaputt\w*"
    r"|\bdefekt\w*"
    r"|\bbeschaedig\w*|\bzerbroch\w*|\bzerkratz\w*|\bzersplitter\w*|\babgebroch\w*|\bscherben\b|\bverbogen\b|\bverbeult\w*"
    r"|\bcrack(?:s|ed)?\b|\bsplit\b|\bleak(?:s|ed|ing|y)?\b|\bburst\b|\btorn\b|\bsnapped\b|\bsmash(?:ed)?\b|\bshatter(?:ed)?\b"
    r"|\bchipped\b|\bdent(?:s|ed)?\b|\bbroken\b|\bfaulty\b|\bdefective\b|\bdamaged\b"
    r"|\bin (?:two|three) (?:bits|pieces|halves)\b"
)

# What the procedures of these intents do cannot be taken back by the customer alone. (A return label harms nobody.)
ACTED_UPON = frozenset(
    {"cancel_order", "change_address", "damaged_item", "missing_item", "wrong_item", "delivered_not_received"}
)

_CANCEL = r"(?:cancel\w*|stornier\w*|storno|call(?:ed|ing)? (?:it|the \w+) off|stop (?:it|the|my)|abbestell\w*)"
_CHANGE = r"(?:chang\w+|redirect\w*|re-?rout\w*|aender\w*|umleit\w*|geaendert|umgeleitet|anpass\w*)"
_VERBS: Mapping[str, str] = {"cancel_order": _CANCEL, "change_address": _CHANGE}

_NOT = r"(?:not|never|(?:do|does|did|wo|ca|would|should|could)n.?t|nicht|keinesfalls|auf keinen fall|niemals|kein\w*)"
_FILL = (  # what may stand between the denial and the verb without beginning another thought
    r"(?:want|wanted|wish|like|need|going|ask|asked|tell|told|you|me|to|it|them|the|my|that|this|please|be|have|die|das|sie|es|ihn"
    r"|meine?n?|bestellung|auftrag|unbedingt|order|address|adresse|lieferadresse|bitte|etwas|anything)"
)
_BEFORE = r"\b{not_}(?: {fill}){{0,6}} {verb}"
_AFTER = r"{verb}[^,.;:!?]*?\b(?:nicht|nichts|keinesfalls|auf keinen fall|niemals)\b(?! (?:mehr|rechtzeitig|moeglich|geht))"
_DENIED = {
    intent: re.compile(_BEFORE.format(not_=_NOT, fill=_FILL, verb=verb) + "|" + _AFTER.format(verb=verb))
    for intent, verb in _VERBS.items()
}
_STATE = re.compile(r"\b(?:not|nicht) (?:yet )?(?:been )?(?:cancelled|canceled|storniert|changed|geaendert)\b")
# The shop can see this one, so it is no condition of the customer's: "if it has not left yet, please cancel it".
_SEEN = re.compile(
    r"\b(?:not|n.t|nicht)\b.{0,20}"
    r"\b(?:left|shipped|sent|dispatched|gone|out|packed|verschickt|versendet|raus|unterwegs|weg|gepackt)\b"
    r"|\b(?:possible|too late|in time|moeglich|zu spaet|rechtzeitig|geht)\b"
)
_UNTIL = re.compile(r"\b(?:by|until|before|bis|vor)\b")

_TAKEN_BACK = re.compile(
    r"\b(?:ignore|disregard|forget about) (?:that|this|my|the)\b.{0,25}\b(?:mail|e-?mail|message|request|it)\b"
    r"|\b(?:bitte )?(?:vergessen|ignorieren) sie (?:das|die|meine|alles|bitte)\b|\bgegenstandslos\b.{0,20}\bmail\b"
    r"|\b(?:i|we) (?:will|would like to|want to|am going to|ll|'ll) keep (?:it|them|everything|the (?:order|parcel))\b"
    r"|\b(?:ich|wir) (?:will|wollen|moechte|moechten)? ?(?:\w+ ){0,3}(?:doch|lieber) behalten\b"
    r"|\bbehalte ich (?:doch|lieber)\b"
    r"|\b(?:nothing|none of it|no item|no piece) (?:is|was|has been|came|arrived) "
    r"(?:damaged|broken|missing|wrong|faulty)\b"
    r"|\b(?:nichts|kein teil|keines) (?:\w+ )?(?:fehlt|ist kaputt|ist beschaedigt|ist defekt)\b"
    r"|\bes fehlt (?:nichts|doch nichts)\b"
    r"|\b(?:i|we)(?:'ve| have)? found (?:it|them)\b|\b(?:all|everything) is (?:there|here|fine|in order)\b"
    r"|\b(?:hat|haben) sich (?:\w+ )?(?:erledigt|gefunden|angefunden|aufgeklaert)\b"
    r"|\bturned up after all\b|\bist (?:doch )?(?:wieder )?aufgetaucht\b"
    r"|\b(?:this|that|das) (?:is|was|ist|war) (?:wrong|a mistake|falsch|ein irrtum),? (?:please )?(?:leave|lassen)\b"
    r"|\b(?:do not|don't|dont) do anything\b|\b(?:noch )?nichts (?:unternehmen|machen|veranlassen)\b"
)
_SUPPOSED = re.compile(
    r"^\W*(?:what (?:happens|would happen|if)|was (?:passiert|ist|waere),? wenn"
    r"|how (?:do|does|would|can|could) (?:i|one|we|you)\b"
    r"|wie (?:kann|koennte|storniere|aendere|laeuft|geht)\b|would it (?:cost|be)|wuerde es|was kostet es)"
    r"|\b(?:only|just) (?:want|wanted|asking|curious) to know\b|\bnur (?:wissen|mal fragen)\b|\binteressehalber\b"
)
_CONDITION = re.compile(
    r"\b(?:if|unless|in case|should) (?:it|they|the|my|this|that|you|order|nothing|there)\b.{3,90}"
    r"\b(?:cancel|refund|money back|send (?:it|them) back)"
    r"|\b(?:falls|wenn|sollte)\b.{3,90}\b(?:stornier|storno|geld zurueck|zurueckschick)"
)


def is_denied(folded: str, intent: str) -> bool:
    """The sentence asks not to do what the intent does."""
    pattern = _DENIED.get(intent)
    match = pattern.search(folded) if pattern is not None else None
    return match is not None and not _STATE.search(match.group())


def is_taken_back(folded: str) -> bool:
    """The sentence says that there is nothing, or nothing any more, to be done."""
    return bool(_TAKEN_BACK.search(folded))


def is_supposed(folded: str, intent: str) -> bool:
    """The sentence asks what would be, or wishes something on a condition that nobody here can see."""
    if _SUPPOSED.search(folded):
        return True
    condition = _CONDITION.search(folded) if intent == "cancel_order" else None
    return condition is not None and not (_SEEN.search(folded) and not _UNTIL.search(folded))


def tells_of_damage(folded: str) -> bool:
    """The sentence has a word of breakage in it, not denied."""
    match = _DAMAGE.search(folded)
    return match is not None and not re.search(
        r"\b(?:not|no|never|nicht|nichts|kein\w*|ohne)\b(?: \w+){0,2} ?$", folded[: match.start()]
    )


_NO_WISH = re.compile(
    r"\b(?:not|no|don.?t|nicht|kein\w*|ohne)\b(?: \w+){0,3} (?:money|refund|geld|erstattung|rueckerstattung|replacement"
    r"|ersatz|new one|another)\b|\b(?:money|refund|geld|erstattung|ersatz)\b(?: \w+){0,3} (?:nicht|nuetzt|hilft)\b"
)


def denies_a_wish(folded: str) -> bool:
    """ "We don't want the money": which wish is denied is hard to hear, so the sentence expresses none."""
    return bool(_NO_WISH.search(folded))
