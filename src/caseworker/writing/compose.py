"""One mail from several parts: a greeting, the answers, one block of questions, a closing. Nothing is said twice."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caseworker.writing.load import Replies
from caseworker.writing.receipts import bind, settled
from caseworker.writing.render import Rendered, check_length, render

_SENTENCE = re.compile(r"(?<=[.!?])[ ]+(?=\S)")
# At most four words of letters, with an initial or a title: what a stranger puts into his name does not go out as our words.
_NAME = re.compile(
    r"(?:[^\W\d_]{1,2}\.|[^\W\d_](?:[^\W\d_]|['’-]){0,24})(?: (?:[^\W\d_]{1,2}\.|[^\W\d_](?:[^\W\d_]|['’-]){0,24})){0,3}"
)


@dataclass(frozen=True, slots=True)
class Part:
    """The words of one reply before they become a mail: what the row said, and the receipts behind it.

    `whole`: a question that is answered yes or no stands by itself, also where another one uses the same sentences.
    """

    key: str
    text: str
    subject: str = ""
    receipts: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A whole mail. `replies` are the keys of everything in it, in order; `parts` the answers with their receipts."""

    subject: str
    text: str
    language: str
    replies: tuple[str, ...]
    receipts: tuple[str, ...]
    parts: tuple[Part, ...] = ()


def write_part(replies: Replies, key: str, *, language: str, values: Mapping[str, object], country: str = "") -> Part:
    """The words of one reply. `values` are the facts by name, with `done` and `failed`.

    `country` is that of `values["order"]` where it is not given. Raises ReplyError where the words need a fact that is not
    known, ReceiptMissing where they speak of something that has no receipt.
    """
    reply = replies.get(key, language)
    done = values.get("done")
    done = done if isinstance(done, Mapping) else {}
    receipts = bind(reply, done)
    given = {"failed": {}, **values, "done": settled(done)}
    rendered = render(reply, given, country=country or _country(values))
    return Part(key, rendered.text, rendered.subject, receipts)


def write_reply(  # noqa: PLR0913  # a letter's own few words, each by its name
    replies: Replies,
    parts: Sequence[Part],
    *,
    asks: Sequence[str] = (),
    not_found: Sequence[str] = (),
    language: str,
    customer_name: str = "",
    signature: str = "",
    reference: str = "",
    values: Mapping[str, object] | None = None,
) -> Written:
    """The mail: answers first, in their order, then the questions `asks` with one introduction.

    For questions in `not_found` the customer gave an answer that fits nothing. `values` are facts that questions may show
    (an order whose items are listed). The subject is that of the first part, or question, that has one.
    Raises ReplyError where a part of it cannot be written, or the mail is too long.
    """
    base = {
        **(values or {}),
        "customer_name": presentable(customer_name),
        "signature": signature,
        "case": {"reference": reference},
    }
    country = _country(base)

    def words(key: str, **more: object) -> Rendered:
        return render(replies.get(key, language), {"done": {}, "failed": {}, **base, **more}, country=country)

    asked = {key: words(f"ask_{key}", not_found=key in not_found) for key in dict.fromkeys(asks)}
    said = _once(parts)
    blocks = [part.text for part in said]
    if asked:
        blocks += [words("ask_intro").text, "\n".join(_questions([question.text for question in asked.values()]))]
    spoken = replies.get("greeting", language).language
    blocks = [block if spoken == "de" and number == 0 else _capital(block) for number, block in enumerate(blocks)]
    text = "\n\n".join([words("greeting").text, *blocks, words("closing").text]) + "\n"
    check_length(len(text))
    subjects = [*(part.subject for part in said), *(question.subject for question in asked.values()), ""]
    return Written(
        subject=next(filter(None, subjects), ""),
        text=text,
        language=spoken,
        replies=tuple(dict.fromkeys([*(part.key for part in parts), *(f"ask_{key}" for key in asked)])),
        receipts=tuple(dict.fromkeys(name for part in parts for name in part.receipts)),
        parts=tuple(said),
    )


def _questions(texts: list[str]) -> list[str]:
    """One question stands by itself, several are a list."""
    return texts if len(texts) == 1 else [f"- {text}" for text in dict.fromkeys(texts)]


def _once(parts: Sequence[Part]) -> list[Part]:
    """Parts without what an earlier one has said: a whole part, or a sentence that names no figure.

    A sentence with a figure stays: two refunds of 20 EUR are two refunds.
    """
    seen: set[str] = set()
    kept: list[Part] = []
    for part in parts:
        if part.whole:
            kept.append(part)
            continue
        if any(part.text == other.text and part.receipts == other.receipts and not part.receipts for other in kept):
            continue
        own: set[str] = set()
        blocks = [_fresh(block, seen, own) for block in part.text.split("\n\n")]
        seen |= own
        text = "\n\n".join(block for block in blocks if block)
        if text:
            kept.append(Part(part.key, text, part.subject, part.receipts))
    return kept


def _fresh(block: str, seen: set[str], own: set[str]) -> str:
    """A paragraph without the sentences in `seen`; what it says is added to `own`. Lists stay whole."""
    if block.startswith("- ") or "\n- " in block:
        return block
    sentences = _SENTENCE.split(block)
    fresh = [sentence for sentence in sentences if sentence not in seen]
    own |= {sentence for sentence in sentences if not any(char.isdigit() for char in sentence)}
    return " ".join(fresh)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def presentable(written: str) -> str:
    """A name that can stand in a greeting; empty for everything that looks like something else."""
    first = written.strip().split("\n")[0].strip().strip("\"'")
    return first if _NAME.fullmatch(first) else ""


def _country(values: Mapping[str, object]) -> str:
    order = values.get("order")
    country = order.get("country") if isinstance(order, Mapping) else None
    return country if isinstance(country, str) else ""
