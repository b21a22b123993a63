"""worker.yaml, intents.yaml and questions.yaml."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, cast

from caseworker.core.language import SUPPORTED
from caseworker.sop.loading.text import Item, read_each
from caseworker.sop.model import IntentSpec, MailboxSpec, Question, WorkerSpec

MODES = ("shadow", "draft", "live")
KINDS = (
    "order_number", "items", "choice", "yes_no", "postcode", "address", "text", "photo", "money", "date", "quantity",
    "email", "phone", "code",
)  # fmt: skip
LEAST_FORM = 4  # digits and letters; shorter ones stand in every mail


def read_worker(item: Item) -> WorkerSpec:
    """worker.yaml"""
    keys = item.keys(
        "format", "brand", "mode", "intent_modes", "known_machines", "asking", "fallback_queue", "order_numbers",
        required=("name", "languages", "default_language", "default_country", "mailboxes"),
    )  # fmt: skip
    asking = keys["asking"].keys("remind_after", "give_up_after") if "asking" in keys else {}
    languages = _languages(keys.get("languages"))
    default = keys["default_language"].word(languages) if "default_language" in keys and languages else "en"
    return WorkerSpec(
        name=_text(keys, "name"),
        mailboxes=tuple(_mailbox(entry) for entry in keys["mailboxes"].items()) if "mailboxes" in keys else (),
        languages=languages or ("en",),
        default_language=default,
        default_country=_country(keys.get("default_country")),
        mode=cast("Literal['shadow', 'draft', 'live']", keys["mode"].word(MODES) if "mode" in keys else "shadow"),
        intent_modes=read_each(keys["intent_modes"], lambda _, mode: mode.word(MODES)) if "intent_modes" in keys else {},
        known_machines=keys["known_machines"].texts() if "known_machines" in keys else (),
        brand=_text(keys, "brand"),
        remind_after=asking["remind_after"].duration() if "remind_after" in asking else timedelta(days=3),
        give_up_after=asking["give_up_after"].duration() if "give_up_after" in asking else timedelta(days=7),
        fallback_queue=_text(keys, "fallback_queue") or "general",
        order_numbers=keys["order_numbers"].texts() if "order_numbers" in keys else (),
    )


def _text(keys: Mapping[str, Item], name: str) -> str:
    return keys[name].text() if name in keys else ""


def _languages(item: Item | None) -> tuple[str, ...]:
    if item is None:
        return ()
    for entry in item.items():
        entry.word(SUPPORTED)
    return tuple(language for language in item.texts() if language in SUPPORTED)


def _country(item: Item | None) -> str:
    if item is None:
        return ""
    country = item.text()
    if len(country) != 2 or not country.isupper():
        item.add("bad_country", f"{country!r} is no country.", "Write two capital letters such as DE or GB.")
    return country


def _mailbox(item: Item) -> MailboxSpec:
    keys = item.keys("shop", "authserv_id", "signature", required=("address",))
    address = _text(keys, "address")
    if "address" in keys and "@" not in address:
        keys["address"].add("bad_address", f"{address!r} is no mail address.", "Write for example service@nordwind.example.")
    return MailboxSpec(
        address=address, shop=_text(keys, "shop"), authserv_id=_text(keys, "authserv_id"), signature=_text(keys, "signature")
    )


def read_intents(item: Item) -> dict[str, IntentSpec]:
    """intents.yaml"""
    return read_each(item, _intent)


def _intent(name: str, item: Item) -> IntentSpec:
    keys = item.keys("description", "examples", "always_escalate", "queue", "risks", "reply", "answer_within")
    return IntentSpec(
        name=name,
        description=_text(keys, "description"),
        examples=read_each(keys["examples"], lambda _, sentences: sentences.texts()) if "examples" in keys else {},
        always_escalate=keys["always_escalate"].flag() if "always_escalate" in keys else False,
        queue=_text(keys, "queue"),
        place=item.place,
        risks=keys["risks"].texts() if "risks" in keys else (),
        reply=_text(keys, "reply"),
        answer_within=keys["answer_within"].duration() if "answer_within" in keys else None,
    )


def read_questions(item: Item) -> dict[str, Question]:
    """questions.yaml"""
    return read_each(item, _question)


def _question(key: str, item: Item) -> Question:
    keys = item.keys("options", "forms", required=("kind",))
    kind = keys["kind"].word(KINDS) if "kind" in keys else "text"
    options = (
        read_each(keys["options"], lambda _, words: read_each(words, lambda _, phrases: phrases.texts()))
        if "options" in keys
        else {}
    )
    if kind == "choice" and not options:
        item.add("no_options", f"The choice `{key}` has no options.", "Add `options:` with words per language.")
    return Question(key=key, kind=kind, options=options, place=item.place, forms=_forms(key, kind, item, keys.get("forms")))


def _forms(key: str, kind: str, item: Item, given: Item | None) -> tuple[str, ...]:
    forms = given.texts() if given is not None else ()
    if kind != "code":
        if given is not None:
            given.add(
                "no_code", f"`{key}` is no code, and only a code has forms.", "Write `kind: code`, or leave `forms:` out."
            )
        return ()
    if not forms:
        item.add("no_forms", f"The code `{key}` has no forms.", 'Add `forms: ["AC-####"]`: `#` is a digit, `@` a letter.')
    for form in forms:
        signs = [char for char in form if char not in "- _/."]
        if len(signs) < LEAST_FORM or "#" not in form or not all(c in "#@" or (c.isascii() and c.isalnum()) for c in signs):
            advice = f'Write for example "AC-####", with {LEAST_FORM} signs or more and a digit.'
            (given or item).add("bad_form", f"{form!r} is no form of a code.", advice)
    return forms
