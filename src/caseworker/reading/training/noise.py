"""What customers do to a sentence: typing slips, no capitals, no umlauts, no punctuation, politeness, run-on sentences."""

import random

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_NO_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "s", "Ä": "A", "Ö": "O", "Ü": "U"})
_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl",
    "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad", "t": "rz", "u": "zi", "v": "cb", "w": "qe",
    "x": "yc", "y": "xt", "z": "tu",
}  # fmt: skip
_POLITE = {
    "en": ("please", "thanks", "thank you", "kindly", "many thanks in advance"),
    "de": ("bitte", "danke", "vielen Dank", "danke im Voraus", "liebe Grüße"),
}


def noisy(sentence: str, language: str, rng: random.Random) -> str:
    """The sentence as somebody in a hurry types it; about half of them come back unchanged."""
    for chance, change in (
        (0.15, str.lower),
        (0.15, lambda text: text.rstrip(".!?")),
        (0.06, lambda text: f"{text.rstrip('.')}, {rng.choice(_POLITE.get(language, _POLITE['en']))}"),
        (0.12, lambda text: text.translate(rng.choice((_UMLAUTS, _UMLAUTS, _NO_UMLAUTS)))),
        (0.06, lambda text: text.replace("'", "")),
        (0.12, lambda text: slip(text, rng)),
        (0.05, lambda text: f"{text.rstrip('.')}!"),
    ):
        if rng.random() < chance:
            sentence = change(sentence)
    return sentence


def slip(sentence: str, rng: random.Random) -> str:
    """One typing slip in a word of five or more letters: two swapped, one lost, one doubled, or a neighbouring key."""
    words = sentence.split(" ")
    long_words = [position for position, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long_words:
        return sentence
    position = rng.choice(long_words)
    word = words[position]
    at = rng.randrange(1, len(word) - 1)
    match rng.randrange(4):
        case 0:
            changed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            changed = word[:at] + word[at + 1 :]
        case 2:
            changed = word[:at] + word[at] + word[at:]
        case _:
            changed = word[:at] + rng.choice(_NEIGHBOURS.get(word[at].lower(), word[at])) + word[at + 1 :]
    words[position] = changed
    return " ".join(words)
