"""A second opinion beside the heads, for English and German: words without which a sentence hardly means an intent.

`ANCHORS` are broad: a sentence without any of its intent's anchors keeps only a share of its probability. `STRONG` are
narrow: such a sentence means the intent unless it is denied. All patterns read folded text (lower case, ä as ae).
"""

import re

LANGUAGES = frozenset({"en", "de"})

_RETURN = r"(?:send|sent|sending|post|give|take|go|goes|ship|bring)\w* (?:\w+ ){0,4}?back|\breturn|\bzurueck|\bretour|\bruecksend|\brueckgabe|\bwiderr"
_GOT_NOT = (
    r"(?:not|n'?t|never|nothing|no|nowhere|neither|without|still|yet|late|overdue|delay\w*|lost|stuck|missing|nicht|nichts|nie|kein\w*|noch|immer|weder|"
    r"verspaet\w*|verloren|verschollen|haengt|ueberfaellig)\b"
)

ANCHORS: dict[str, str] = {
    "where_is_my_order": r"\bwhere|when|\bleft\b|label|status|track|arriv|deliver|ship|dispatch|parcel|package|waiting|wait|transit|update|courier|dhl|dpd|ups\b|gls|hermes|"
    r"\border|turn\w* up|here|heard|received|\bwo\b|wann|paket|liefer|sendung|versand|versend|verschick|angekommen|bestell|warte|\bda\b|da sein|unterwegs|erhalten|bekommen|"
    r"rechnen|kommt|gekommen|geliefert|zustell|dauert|carrier|coming|come|came|get here|get it|delay",
    "delivered_not_received": r"deliver|left (?:it|my|the|in|with|at|on|by|them)|been left|hand(?:ed)? over|handed|sign|neighbou?r|safe place|porch|drop|courier|driver|wrong (?:address|house|door)|stolen|collected|pickup|"
    r"zugestellt|zustell|geliefert|abgegeben|uebergeben|nachbar|unterschr|ablage|abgelegt|gelegt|briefkasten|bote|fahrer|angenommen|gestohlen|geklaut|geklingelt|abgeholt|paketshop|foto|photo",
    "return_item": rf"{_RETURN}|\blabel|fit\b|small|\bbig|tight|narrow|withdraw|klein|gross\b|\beng\b|passt|passen|etikett|aufkleber|gefaellt|gefallen|don'?t like|don'?t want|money back|"
    r"not what i expected|suit|ruecktritt|abholen|pick(?:ed)? up|steht mir",
    "refund_status": r"refund|money|credit|paid back|pay(?:ing)? me|repay|reimburs|return|account|erstatt|geld|gutschrift|rueckzahl|retour|ruecksend|konto|\bcent\b|penny|betrag|zurueck",
    "cancel_order": r"cancel|stop|don'?t (?:send|ship|need|want)|do not (?:send|ship|need|want)|no longer|withdraw|by (?:mistake|accident)|accident|call off|delete|void|scrap|remove|drop|"
    r"storn|cancel|widerruf|abbestell|rueckgaengig|nicht mehr|zurueckziehen|zurueck\w*tret|trete|loesch|streich|versehen|irrt|\bstopp|nicht (?:ver|ab)schick|herausnehm|rausnehm|takes? out|take it off",
    "change_address": r"address|postcode|zip|street|\broad\b|lane|house number|flat|moved|moving|redirect|reroute|sent? (?:it )?to|deliver(?:ed)? to|instead|adress|anschrift|plz|postleitzahl|"
    r"strasse|weg \d|hausnummer|umgezogen|umzug|umleiten|dorthin|schicken|liefern|heissen|\bgo (?:there|to)|workplace|office|buero",
    "damaged_item": r"broke|damag|crack|smash|scratch|dent|torn|tear|stain|chip|hole|faulty|defect|doesn'?t|does not|won'?t|not work|leak|ripped|rip|bent|snap|shatter|fell apart|falling apart|loose|wobbl|"
    r"peel|mou?ld|rust|dirty|used|worn|burn|melt|dead|fault|ruined|bits|pieces|came (?:off|apart|undone)|stopped|flicker|issue|quality|smell|stink|seam|zip|kaputt|beschaedig|zerbroch|zerkratz|defekt|riss|"
    r"gerissen|delle|fleck|loch|loecher|abgebroch|sprung|gesprungen|scherben|teilen|funktioniert nicht|geht nicht|tropft|laeuft aus|wackel|schimmel|rost|schmutz|gebraucht|getragen|geschmolz|"
    r"mangel|reklam|schaden|hinueber|abgeblaettert|blaettert|macht (?:gar )?(?:nix|nichts)|aufgegangen|loest sich|krumm|verbogen|schief|klemmt|demoliert|verbeult|nicht an\b|undicht|versagt|stinkt|riecht",
    "missing_item": r"miss|only|incomplete|without|not in|wasn'?t in|nowhere|forgot|short|instead of (?:two|three|four|six|\d)|rest of|left out|empty|no \w+ in|there (?:is|are|was|were)|included|except|other \w+|"
    r"fehl|nur|unvollst|ohne|nicht (?:drin|dabei|im)|lag (?:gar )?nicht|weder|nirgends|vergess|statt|rest|leer|ausser|dabei|nachsend|nachliefer|nachreich|restlich|beigelegt|\bbei\b|half",
    "wrong_item": r"wrong|different|not (?:what|the (?:one|item|\w+ (?:i|we)))|instead|else'?s|mix|swap|expect|ordered|asked for|chose|bought|didn'?t order|never ordered|falsch|ander|nicht (?:das|die|der|den|meine|was)|statt|"
    r"verwechs|vertausch|bestellt|erwartet|ausgesucht|gewaehlt|fremd",
    "exchange_item": r"exchang|swap|trade|switch|instead|size|bigger|smaller|larger|colou?r|tausch|groess|\bgr\b|nummer|kleiner|stattdessen|farbe|wechsel|\bin (?:s|m|l|xl|xs|\d{2})\b|\ba \d{1,2}\b",
    "change_item": r"change|switch|add|modify|edit|amend|make (?:it|that|the)|instead|include|aender|hinzu|dazu|machen|anpassen|bearbeiten|statt|tauschen|packen|legen",
    "invoice_copy": r"invoice|receipt|bill|proof of purchase|vat|rechnung|beleg|quittung|kaufnachweis",
    "payment_question": r"pay|paid|paypal|klarna|card|invoice|transfer|charg|debit|instal|remind|price|amount|zahl|paypal|klarna|karte|rechnung|ueberw|abgebucht|abbuch|rate|mahn|konto|betrag|preis|lastschrift|iban|sepa",
    "double_charge": r"twice|two times|double|two (?:charges|debits|payments|amounts)|duplicate|again|second|doppelt|zwei ?mal|zwei (?:abbuch|belast|zahl|betr)|zweite|nochmal|both cards|beide karten",
    "complaint": r".",
    "product_question": r".",
    "delivery_options": r"deliver|ship|postage|courier|carrier|send|saturday|pick ?up|collect|parcel (?:shop|locker)|packstation|hold|later|combine|liefer|versand|versend|verschick|porto|samstag|abhol|paketshop|"
    r"zustell|express|spaeter|nachbar|ablegen|abstellen|leave",
    "warranty": r"warrant|guarantee|month|year|\bago\b|bought|since|until|cover|repair|spare|last week|garantie|gewaehr|monat|jahr|reparier|ersatzteil|gekauft|seit|alt\b|bis letzte",
    "promo_code": r"code|voucher|coupon|discount|promo|%|off\b|gutschein|rabatt|aktion|nachlass",
    "gift_card": r"gift|geschenk",
    "account_login": r"log ?in|sign ?in|password|account|reset|register|profile|website|app\b|einlogg|anmeld|passwort|konto|login|registr|profil|zuruecksetz|seite",
    "unsubscribe": r"newsletter|unsubscrib|mailing|advert|marketing|promotional|spam|list|emails|werb|verteiler|abmeld|abbestell|liste",
    "privacy_request": r"data|account|gdpr|privacy|personal|erase|delete|information|daten|konto|dsgvo|loesch|auskunft|adresse|profil",
}
STRONG: dict[str, str] = {
    "where_is_my_order": r"^(?:order |delivery )?status\b|label created|\bwhere(?:'?s| is| are| on earth is)? (?:my|our|the) (?:\w+ ){0,2}?(?:order|parcel|package|delivery|stuff|shipment)|\bwhen (?:will|is|can|do|does) (?:\w+ ){0,6}?(?:arrive|delivered|get here|be here|shipped|dispatched)|"
    r"(?:order|parcel|package|delivery|it) (?:has|have|had|still has|still have|did|does)(?: not|n'?t)(?: yet)? (?:arrived|come|been delivered|turned up|shown up|shipped)|"
    r"(?:has|have)(?: not|n'?t) (?:yet )?(?:received|got|had) (?:my|our|the|any) (?:order|parcel|package|delivery)|tracking (?:has not|hasn'?t|has n'?t) (?:moved|changed|been updated)|"
    r"status (?:of|on|for) my (?:order|delivery|shipment)|(?:has|have|is|are) (?:my|the|our) (?:order|parcel|package|shipment|things)\w* (?:shipped|been sent|been shipped|left|on (?:its|their) way)|on (?:its|their) way(?: yet)?\?|"
    r"open a trace|\bwo (?:bleib\w*|ist|sind|steckt) (?:denn )?(?:meine?|die|das|unsere?) (?:\w+ ){0,2}?(?:bestellung|paket|lieferung|sendung|ware|paeckchen|sachen)|\bwo bleib(?:t|en) (?:denn )?(?:meine?|die|das) |"
    r"(?:bestellung|paket|lieferung|ware|sendung) (?:ist|sind) (?:leider |immer |noch |bis heute |bisher )*nicht (?:da|angekommen|eingetroffen|gekommen|bei mir)|"
    r"wann (?:kommt|kommen|wird|werden|darf|kann) (?:\w+ ){0,6}?(?:an|geliefert|rechnen|ankommen|verschickt|versendet)|(?:schon|bereits) (?:auf dem weg|unterwegs|verschickt)|"
    r"(?:bestellung|paket|ware|lieferung) (?:immer |noch |bis heute |bisher |leider )*nicht (?:erhalten|bekommen)|sendung verschollen",
    "delivered_not_received": r"(?:says|shows|marked|shown|status|claims?|listed)(?: as| it was| that it was| it has been|:)?(?: \w+){0,3} \"?delivered\b.{0,40}\b(?:but|not|never|nothing|yet|no)\b|"
    r"(?:zugestellt|geliefert|abgegeben|uebergeben)\b.{0,60}\b(?:aber|jedoch|doch|nicht|nichts|nie|kein\w*)\b.{0,40}(?:erhalten|bekommen|da\b|angekommen|hier|gefunden|drin)|"
    r"(?:left|put|placed) (?:it |my parcel |the parcel |the package )?(?:in|on|by|at|with) .{0,60}\b(?:nothing|isn'?t|not there|gone|no one|nobody|never)\b",
    "cancel_order": r"(?:please|want to|like to|need to|wish to|can (?:you|i)|could (?:you|i)|must|kindly|just)(?: \w+){0,2} cancel\b|^cancel (?:my|the|this|order|it|please)|cancel my order|"
    r"\bstornier\w*|\bstorno\b|(?:bestellung|auftrag) (?:bitte )?(?:cancel\w*|loeschen|rueckgaengig)|trete (?:ich )?(?:\w+ ){0,3}?(?:von|vom) (?:\w+ ){0,3}?zurueck",
    "return_item": r"(?:like|want|wish|need|wanted|going|have|how (?:do|can|would|may) i|can i|could i|may i|how i (?:may|can)) (?:to )?(?:go about )?(?:return|send|give|post)(?:ing)? (?:\w+ ){0,6}?(?:back|it|them|this|that|the|my|these|one|something)\b|"
    r"return (?:label|form|slip|shipping label)|\bretourenlabel|\bretourenschein|ruecksend(?:e|ungs)?(?:etikett|label|schein|aufkleber)|(?:moechte|will|wuerde|kann|koennte|wollte|muss)\b(?: \w+){0,9} (?:zurueck ?(?:schick|send|geb)|retournier)\w*|"
    r"widerrufe? (?:ich )?(?:\w+ ){0,3}?(?:den|vom|meinen) (?:kauf|vertrag)|wie die (?:rueckgabe|ruecksendung|retoure) |(?:have|has|will have) to go back\b|muessen? (?:leider )?(?:wieder )?(?:zurueck|weg)\b",
    "refund_status": r"(?:where|when|what)\b.{0,40}\b(?:my|the|our) (?:refund|money)\b|\bwhen (?:are|will|do) (?:you|i) (?:pay\w*|get|be|receive|see)\b.{0,25}\b(?:back|refund\w*|money)|still (?:waiting|no|not)\b.{0,40}\brefund|"
    r"(?:waiting|wait) for (?:the|my) (?:refund|money)|not (?:yet )?been refunded|(?:five|no|any|still) \w*,? ?no refund|^no refund|"
    r"(?:wo|wann|wieso|warum)\b.{0,50}\b(?:geld|erstattung|rueckerstattung|gutschrift|rueckzahlung)\b|warte\w*\b.{0,30}\b(?:geld|erstattung|rueckerstattung|gutschrift)\b|keine (?:rueck)?erstattung|"
    r"(?:noch|immer noch|bisher) (?:kein geld|keine (?:rueck)?erstattung)",
    "damaged_item": r"(?:arrived|came|turned up|delivered|was|is|are|were)(?: \w+){0,3} (?:broken|damaged|cracked|smashed|shattered|scratched|defective|faulty|dented|torn|chipped|snapped)|(?:broken|damaged|faulty|defective) (?:item|product|goods|on arrival)|"
    r"(?:does ?n'?t|does not|won'?t) (?:do anything|turn on|switch on|work(?! for)|start)\b|(?:kaputt|beschaedigt|defekt|zerbrochen|zerkratzt|abgebrochen|zersprungen)\b|transportschaden|macht gar (?:nix|nichts)",
    "missing_item": r"(?:is|are|was|were) missing\b|missing (?:from|in) (?:my|the)|missing (?:item|part|piece)s?\b|(?:order|delivery|parcel|package) (?:is|was|arrived) incomplete|there are no \w+(?: and no \w+)? in|"
    r"\b(?:es )?(?:fehlen|fehlt|fehlte)\b(?! mir (?:die )?(?:worte|zeit|geduld))|unvollstaendig|sind weder \w+ noch|(?:war|waren|lag|lagen) (?:gar |leider )?nicht (?:dabei|bei|drin|im paket|mit drin)|"
    r"(?:two|three|four|five|six|\d+)\b.{0,40}\b(?:only|there (?:is|are) (?:only )?)\b.{0,15}\b(?:one|two|three|four|five|\d+)\b.{0,12}\b(?:in the box|in the parcel|inside|arrived|came)",
    "wrong_item": r"(?:sent|send|received|got|delivered|shipped|given)(?: me| us)? (?:the|a|an) (?:completely )?(?:wrong|different)\b|wrong (?:item|size|colou?r|product|article|one|\w+ (?:sent|delivered|arrived))|(?:is|are) not (?:what|the \w+(?: \w+)?) (?:i|we) (?:ordered|chose|bought|wanted)|"
    r"(?:den|die|das|der|ein\w*) falsch\w+ (?:artikel|groesse|farbe|produkt|ware|modell|\w+ (?:geschickt|geliefert|bekommen|erhalten))|falsch geliefert|falschlieferung|(?:ist|sind) nicht (?:das|die|der|den)\b.{0,15}\b(?:ich|wir)\b.{0,20}(?:bestellt|ausgesucht|wollte)",
    "exchange_item": r"\b(?:exchange|swap|switch|trade)\b.{0,40}\b(?:for|size|bigger|smaller|larger|colou?r|one|in)\b|\b(?:swap|exchange) (?:it|them)\b|can (?:we|i) (?:swap|switch|exchange)|\bumtausch\w*|\b(?:tauschen|eintauschen)\b|"
    r"(?:like|have|need|want) (?:it|them|these|one) in (?:a )?(?:size )?(?:\d{2}|s|m|l|xl|xs)\b|(?:haette|moechte|brauche) (?:sie|ihn|es) (?:\w+ ){0,2}?in (?:groesse )?(?:\d{2}|s|m|l|xl|xs)\b",
    "change_item": r"(?:change|switch|amend)\b.{0,20}\b(?:size|colou?r)\b.{0,30}\b(?:order|this one|before)|(?:groesse|farbe) .{0,30}\baendern\b|add (?:\w+ ){1,4}to my order",
    "invoice_copy": r"(?:send|need|provide|get|forward|email|issue|require|download)\b.{0,30}\b(?:invoice|receipt)\b|^(?:invoice|receipt|rechnung)\b|copy of (?:the|my) invoice|(?:brauche|benoetige|braeuchte|schicken|senden|zusenden|stellen|finde|bekomme)\b.{0,60}\b(?:rechnung|beleg|quittung)\b|"
    r"\brechnung\b.{0,40}\b(?:schicken|senden|zusenden|ausstellen|mailen)|rechnungskopie",
    "double_charge": r"(?:charged|billed|debited|taken|paid|took)\b.{0,50}\b(?:twice|two times|double)\b|double charge|(?:twice|two times) (?:from|on) my|(?:doppelt|zwei ?mal)\b.{0,60}\b(?:abgebucht|belastet|berechnet|eingezogen|bezahlt|abgezogen|genommen|von (?:der|meiner|meinem))|doppel(?:abbuchung|zahlung)",
    "unsubscribe": r"unsubscrib|(?:take|remove) me (?:off|from)|stop sending|newsletter (?:abbestell|abmeld)|(?:streichen|nehmen) sie mich|(?:vom|aus dem) (?:newsletter|verteiler)",
    "privacy_request": r"gdpr|delete (?:all )?my (?:personal )?(?:data|account)|personal (?:data|information) you|dsgvo|(?:daten|konto|kundenkonto)\b.{0,20}\bloeschen|loeschen sie .{0,20}(?:daten|konto|kundenkonto)|datenauskunft",
    "gift_card": r"gift (?:card|voucher)|geschenk(?:karte|gutschein)",
    "promo_code": r"(?:discount|promo|voucher|coupon) code|\b(?:code|coupon)\b.{0,50}\b(?:not|invalid|refused|rejected|expired|work)|(?:rabatt|gutschein|aktions)code|\bcode\b.{0,40}\b(?:nicht|ungueltig|abgelehnt|abgelaufen)",
    "account_login": r"(?:can'?t|cannot|unable to|not able to) (?:log|sign) ?in|(?:forgot|reset) (?:my )?password|password reset|(?:kann|konnte) mich nicht (?:mehr )?(?:einlog|anmeld)|nicht mehr (?:einlog|anmeld)|passwort (?:vergessen|zurueck)",
    "warranty": r"\b(?:warranty|guarantee)\b|\bgarantie\w*|\bgewaehrleistung",
    "change_address": r"(?:wrong|new|different|another|old|change|correct|update)\b.{0,25}\b(?:delivery |shipping )?address|(?:my|the) (?:postcode|house number|street|address)\b.{0,15}\bwrong|(?:falsche|neue|andere|alte)\w* (?:liefer)?(?:adresse|anschrift|hausnummer|plz|postleitzahl)|"
    r"(?:liefer)?(?:adresse|anschrift) (?:\w+ ){0,3}?(?:aendern|korrigieren|anpassen)|(?:plz|postleitzahl|hausnummer|strasse|adresse) vertippt|send (?:it|them|this) to my|can it go (?:there|to)",
}
_DENIED = re.compile(
    r"(?:\b(?:not|never|without|instead of|rather than|last (?:time|year)|no need|nicht|kein\w*|ohne|statt|letztes (?:mal|jahr)|unless|frueher)\b|n'?t\b)(?:\W+[\w']+){0,5}\W*$"
)
_ANCHORS = {intent: re.compile(pattern) for intent, pattern in ANCHORS.items()}
_STRONG = {intent: re.compile(pattern) for intent, pattern in STRONG.items()}
_SHARE = 0.45  # of its probability that an intent keeps in a sentence without any of its anchors
_SURE = 0.82  # probability of an intent whose narrow pattern stands in a sentence
_DENY = re.compile(
    r"(?:\b(?:not|never|nicht)\b|n'?t\b)(?: (?:want|wish|need|like|going|to|it|them|die|das|sie|es|bestellung|order|unbedingt))* (?P<verb>cancel|return|send|stornier|zurueck|umtausch|exchange)"
)
_DENIED_INTENTS = {
    "cancel": "cancel_order", "stornier": "cancel_order", "return": "return_item", "send": "return_item", "zurueck": "return_item",
    "umtausch": "exchange_item", "exchange": "exchange_item",
}  # fmt: skip


def second_opinion(intent: str, probability: float, folded: str) -> float:
    """The probability after a look at the words of the sentence."""
    denied = _DENY.search(folded)
    if denied and _DENIED_INTENTS[denied["verb"]] == intent:
        return 0.0
    strong = _STRONG.get(intent)
    match = strong.search(folded) if strong is not None else None
    if match and not _DENIED.search(folded[: match.start()]):
        return max(probability, _SURE if probability >= 0.03 else 0.5)
    anchor = _ANCHORS.get(intent)
    return probability * _SHARE if anchor is not None and not anchor.search(folded) else probability
