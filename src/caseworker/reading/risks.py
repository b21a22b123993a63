"""Words that nobody should miss, beside what the heads recognise: a flag too many costs a glance, one too few much more."""

import re

# Patterns are matched against folded text (lower case, umlauts written out).
_PATTERNS = {
    "legal_threat": r"\b(?:my|our|a|the) (?:lawyer|solicitor|attorney|legal team)|legal (?:action|steps|proceedings|advice)|\bsue\b|small claims|"
    r"take you to court|(?:see|meet) (?:you )?in court|go to court|ombudsman|trading standards|consumer (?:protection|rights act|advice|centre|agency)|"
    r"\b(?:an|rechts|mein|meine|meinen|meinem|einem|einen|unser|unseren) ?(?:anwalt|anwaelt|rechtsanw)|rechtsanwalt|rechtliche (?:schritte|mittel)|"
    r"rechtsschutz|verbraucherzentrale|verbraucherschutz|vor gericht|gerichtlich|\bklage\b|\bverklag|\bklagen\b|mahnbescheid|schlichtungsstelle|anwaltlich|"
    r"anzeige (?:erstatten|gegen)",
    "chargeback": r"charge ?back|section 75|(?:paypal|klarna|amex|visa|mastercard|bank)\b.{0,30}\b(?:dispute|buyer protection)|"
    r"\bdispute\b.{0,30}\b(?:charge|payment|paypal|bank|transaction|card)|(?:reverse|claw back|reclaim) the (?:payment|charge|money|debit)|kaeuferschutz|"
    r"rueckbuch|zurueckbuch|ruecklastschrift|lastschrift (?:zurueck|widerruf|storn)|zurueckgebuch|buche? .{0,25}zurueck|(?:bei )?paypal.{0,25}(?:fall|konflikt)|"
    r"kreditkarten(?:firma|unternehmen|institut).{0,30}(?:zurueck|reklam)",
    "injury": r"\b(?:cut|burn(?:t|ed)?|injured|hurt|scalded)\b.{0,20}\b(?:hand|finger|foot|leg|arm|face|eye|myself|himself|herself|skin|mouth|lip)s?\b|"
    r"electric(?:al)? shock|electrocuted|caught fire|burst into flames|exploded|started (?:to smoke|smoking)|went up in smoke|allergic reaction|"
    r"\b(?:hospital|a&e|emergency room|ambulance)\b|\bchok(?:ed|ing)\b|\bverletz(?:t|ung|ungen)\b|"
    r"(?:hand|finger|fuss|arm|bein|gesicht|auge|mund)\b.{0,25}(?:geschnitten|verbrannt|aufgeschnitten|verbrueht)|"
    r"(?:geschnitten|verbrannt|verbrueht)\b.{0,25}\b(?:hand|finger|fuss|arm)|mich (?:daran )?(?:geschnitten|verbrannt|verbrueht)|stromschlag|"
    r"explodiert|feuer gefangen|in brand|angefangen zu (?:rauchen|brennen|qualmen)|krankenhaus|notaufnahme|allergische reaktion|verschluckt|\bblut(?:ete|et|ig)\b",
    "press": r"\bjournalist|\bnewspapers?\b|(?:to|tell|inform|contact) the (?:press|media)|\bwatchdog\b|trust ?pilot|consumer programme|"
    r"(?:post|share|write|put|tweet).{0,40}(?:social media|twitter|facebook|tiktok|instagram|google review)|go viral|"
    r"\bpresse\b|journalist|redakteur|\bmedien\b|die zeitung|an eine zeitung|fernseh|oeffentlich(?:keit)? machen|an die oeffentlichkeit|"
    r"(?:poste|veroeffentlich|teile|schreibe).{0,40}(?:facebook|instagram|tiktok|social media|sozialen medien|trustpilot|google)",
    "self_harm": r"kill(?:ing)? myself|suicid|end (?:my life|it all)|want to die|(?:don'?t|do not) want to live|hurt(?:ing)? myself on purpose|harm myself|"
    r"better off without me|umbringen|bringe mich um|selbstmord|suizid|nicht mehr leben|will sterben|moechte sterben|leben (?:ein ende|nehmen)|"
    r"tue? mir (?:noch )?(?:et)?was an|mir etwas antun",
    "fraud": r"\bfraud|\bscam|\bhacked\b|\bphishing|identity theft|stolen (?:card|identity|credit)|(?:never|did not|didn'?t) (?:place|make|order|authori[sz]e)"
    r"(?:d)? (?:this|that|any|these|the|an) (?:order|purchase|payment|transaction)|unauthori[sz]ed|without my (?:permission|consent|knowledge)|fake (?:shop|store|website)|"
    r"\bbetrug|\bbetrueg|\babzock|gehackt|phishing|fake-?shop|identitaetsdiebstahl|missbraucht|unberechtigt|nie(?:mals)? (?:etwas |was )?bei ihnen (?:etwas |was )?bestellt|"
    r"bestellung (?:habe ich |)nie(?:mals)? (?:aufgegeben|getaetigt)|nicht von mir (?:bestellt|aufgegeben|getaetigt)|\bpolizei\b.{0,30}(?:anzeig|meld)|strafanzeige",
    "privacy_request": r"\bgdpr\b|data protection|personal data|subject access|delete (?:my|all my|our) (?:account|data|details|information|personal)|data breach|"
    r"\bdsgvo\b|datenschutz|personenbezogen|meine (?:gespeicherten |persoenlichen )?daten.{0,25}loesch|loesch\w* .{0,25}(?:meine|meiner|mein) (?:\w+ )?"
    r"(?:daten|konto|kundenkonto|account|profil)|(?:konto|kundenkonto|account|profil) .{0,12}loesch|datenauskunft|auskunft .{0,30}daten",
    "staff_complaint": r"\b(?:employee|agent|colleague|staff|driver|courier|advisor|rep|representative|operator|lady|man|woman|guy|person)\b.{0,50}\b(?:rude|"
    r"insult\w*|shouted|yelled|swore|aggressive|hung up|disrespectful|racist|threaten\w*|condescending|unprofessional|lied)\b|\b(?:rude|racist) (?:staff|employee|agent|driver)|"
    r"\b(?:mitarbeiter\w*|kolleg\w*|fahrer\w*|zusteller\w*|bote|dame|herr|berater\w*|hotline)\b.{0,60}\b(?:unfreundlich|frech|unverschaemt|beleidig\w*|angeschrien|"
    r"aggressiv|respektlos|rassistisch|patzig|aufgelegt|bedroht|angelogen|pampig)\b",
    "minor": r"\b(?:i am|i'?m|im) (?:only |just )?(?:9|1[0-7]|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen)(?: years? old| yo\b|\b(?! (?:days|weeks|months|and a half|minutes|hours)))"
    r"|\bunderage\b|\bminor child|(?:son|daughter|child|kid)\b.{0,40}\bordered\b.{0,60}(?:without|permission|knowing|knowledge|consent)|minderjaehrig|"
    r"\bich bin (?:erst )?(?:9|1[0-7]|zehn|elf|zwoelf|dreizehn|vierzehn|fuenfzehn|sechzehn)(?: jahre)?\b(?! (?:tage|wochen|monate))|"
    r"(?:sohn|tochter|kind)\b.{0,60}ohne (?:meine|unsere|mein|unser|zu) .{0,25}(?:bestellt|gekauft)|(?:sohn|tochter|kind)\b.{0,40}bestellt.{0,30}ohne (?:meine|unsere|mein|unser|zu)",
}
_COMPILED = {risk: re.compile(pattern) for risk, pattern in _PATTERNS.items()}


def spoken_risks(folded: str) -> set[str]:
    """The flags whose words stand in a folded sentence."""
    return {risk for risk, pattern in _COMPILED.items() if pattern.search(folded)}
