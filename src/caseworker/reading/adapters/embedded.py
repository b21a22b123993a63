"""The default reader: no key, no network. Sentences, encoder, heads, aggregation, fields; unsure means it abstains."""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from caseworker.commerce.model import Order
from caseworker.reading import aggregate, language, likely, stance
from caseworker.reading.fields import numbers, read
from caseworker.reading.fields.marks import marks
from caseworker.reading.fields.scope import Scope, whole
from caseworker.reading.fields.told import told
from caseworker.reading.found import Found, Sense
from caseworker.reading.heads import Heads
from caseworker.reading.matters import matters
from caseworker.reading.model import Context, Field, Intent, MailText, Question, Reading, Request
from caseworker.reading.ports import Encoder
from caseworker.reading.relations import is_story
from caseworker.reading.scored import Scored, score
from caseworker.reading.sentences import Sentence, split

_ONE_AT_A_TIME = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")  # its own, so that reading starves nobody
_ONE_ORDER_EACH = frozenset(  # a question about two orders is two requests; what is hard to undo is never doubled
    {
        "where_is_my_order",
        "delivered_not_received",
        "refund_status",
        "return_item",
        "damaged_item",
        "missing_item",
        "wrong_item",
    }
)
_NEW_IN_A_REPLY = 0.8
_FEW = 6  # words of an answer, such as a name, that are no language by themselves
_GOES_ON = re.compile(
    r"^\W*(?:[-–—•*·]|\(?\d{1,2}[.)]\s|(?:also|and|plus|as well as|likewise|same (?:for|with)|und|auch|außerdem|ebenso|sowie"
    r"|dazu|genauso)\b)",
    re.IGNORECASE,
)
_SUBJECT_NOISE = ("re:", "aw:", "fwd:", "wg:", "fw:", "antw:")


class EmbeddedReader:
    """Reads the languages that its heads have learnt; a mail in another one of `languages` is known as such and left to people.

    `heads` must belong to `encoder`; raises `ReadingError` otherwise. The CPU work runs in a thread
    of its own, one mail after the other: the event loop stays free and the other threads keep theirs.
    """

    name = "embedded"

    def __init__(self, encoder: Encoder, heads: Heads, *, languages: Sequence[str] = ("en", "de")) -> None:
        heads.require(encoder)
        self._encoder = encoder
        self._heads = heads
        self._languages = tuple(languages)
        learnt = heads.meta.get("languages")
        self._learnt = tuple(learnt) if isinstance(learnt, list | tuple) else self._languages

    async def read(
        self, mail: MailText, *, intents: Sequence[Intent], questions: Sequence[Question], context: Context
    ) -> Reading:
        """Reads one mail; see the port."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_ONE_AT_A_TIME, self._read, mail, intents, questions, context)

    def _read(self, mail: MailText, intents: Sequence[Intent], questions: Sequence[Question], context: Context) -> Reading:
        body, subject = split(mail.body), split(_without_prefix(mail.subject), "subject")
        subject = [replace(s, start=s.start + _cut(mail.subject), end=s.end + _cut(mail.subject)) for s in subject]
        spoken = [sentence for sentence in body if not sentence.frame]
        tongue, sure = self._language(_for_language(mail, spoken), context.default_language)
        empty = Reading(tongue, sure, (), {}, 0.0, (), "", self.name)
        speech = context.default_language if tongue == language.OTHER else tongue
        scored = self._scored(subject, spoken, speech) if any(s.plain for s in (*subject, *spoken)) else None
        scope = Scope(mail, [*subject, *body], context, speech, self._encoder, scored=scored)
        marked = marks({q.key: q for q in (*questions, *context.pending)}.values(), scope)
        scope = replace(scope, marks=marked.fields)
        found = numbers.written(mail, context, answering=bool(context.pending), apart=marked.spans)
        answers = read.answers(context.pending, scope, found)
        answered = answers or told(context.pending, scope, answers)
        if not any(sentence.plain for sentence in (*subject, *spoken)) and not answered:
            return replace(empty, abstained="attachment_only" if mail.attachments else "empty", fields=answers)
        few = bool(answered) and sum(len(sentence.text.split()) for sentence in spoken) <= _FEW
        if tongue not in self._learnt and not answers and not few:
            return replace(empty, abstained="language", fields=read.of_mail(questions, scope, found))
        known = likely.odds(_meant(scope.context, found))
        runs = matters(spoken, mail.body, _numbers_of(spoken, found))
        parts = [self._part(run, tongue, scope.context, found) for run in runs] if len(runs) > 1 else []
        sense = aggregate.understand(scored or self._scored(subject, spoken, speech), known, parts)
        return self._reading(empty, sense, scope, found, answers, intents=intents, questions=questions)

    def _language(self, text: str, default: str) -> tuple[str, float]:
        """Those that were learnt come first: what is said in others was never measured, and a denial would go unheard."""
        own = [one for one in self._languages if one in self._learnt]
        others = [one for one in self._languages if one not in self._learnt]
        found = language.identify(text, own, default)
        return language.identify(text, others, default) if found[0] == language.OTHER and others else found

    def _part(self, run: Sequence[Sentence], tongue: str, context: Context, found: Sequence[numbers.Written]) -> aggregate.Part:
        own = [w for w in found if any(s.source == w.where.source and s.start <= w.where.start < s.end for s in run)]
        return aggregate.Part(self._scored((), run, tongue), likely.odds(_meant(context, own or found)), bool(own))

    def _scored(self, subject: Sequence[Sentence], spoken: Sequence[Sentence], tongue: str) -> Scored:
        return score(subject, spoken, self._heads, self._encoder, language=tongue)

    def _reading(
        self,
        empty: Reading,
        sense: Sense,
        scope: Scope,
        found: Sequence[numbers.Written],
        answers: dict[str, Field],
        *,
        intents: Sequence[Intent],
        questions: Sequence[Question],
    ) -> Reading:
        new, words = _beside_words(_new_requests(sense, answers, scope.context), scope, answers)
        answers = {**answers, **words}
        asked = _per_order(new, found)
        known = {intent.name for intent in intents}
        requests = tuple(
            self._request(r, scope, found, questions, others=[o for o in asked if o is not r])
            for r in asked
            if r.intent in known
        )
        abstained = _abstention(sense, asked, requests, answers)
        return replace(
            empty,
            requests=() if abstained else requests,
            fields={**read.of_mail(questions, scope, found), **answers},
            mood=sense.mood,
            risks=sense.risks,
            abstained=abstained,
            chaser=sense.chaser,
            thanks=sense.thanks,
        )

    def _request(
        self,
        request: Found,
        scope: Scope,
        found: Sequence[numbers.Written],
        questions: Sequence[Question],
        *,
        others: Sequence[Found],
    ) -> Request:
        where = whole(request.best)
        own = scope if not others else replace(scope, sentences=_around(request, scope.sentences))
        own = replace(own, own=request.parts or _own(request, scope.sentences, others))
        fields = read.of_request(questions, own, found, where)
        for question in questions:
            if request.wish and question.kind == "choice" and question.key not in fields and request.wish in question.options:
                fields[question.key] = Field(question.key, request.wish, 0.8, None, "the wish that the mail expresses")
        return Request(request.intent, request.confidence, where, fields, _words(request))


def _words(request: Found) -> str:
    """What the customer wrote for a request: its sentences of the body, or its line of the subject where there are none."""
    said = request.parts or [s for s in request.sentences if s.source == "body"] or [request.best]
    return " ".join(s.text for s in sorted(set(said), key=lambda s: s.start))


def _new_requests(sense: Sense, answers: dict[str, Field], context: Context) -> tuple[Found, ...]:
    """In a reply to our questions only a clear demand is a new request; telling more of the story is an answer."""
    if not context.pending:
        return sense.requests
    spans = [field.evidence for field in answers.values() if field.evidence is not None]

    def is_answer(request: Found) -> bool:
        best = request.best
        touched = any(e.source == best.source and e.start < best.end and best.start < e.end for e in spans)
        known = request.confidence < _NEW_IN_A_REPLY or any(is_story(request.intent, of=i) for i in context.open_intents)
        return touched or best.source == "subject" or not request.asked or known

    return tuple(request for request in sense.requests if not is_answer(request))


def _beside_words(
    new: tuple[Found, ...], scope: Scope, answers: dict[str, Field]
) -> tuple[tuple[Found, ...], dict[str, Field]]:
    """New requests and answers in own words: what says a new request is no answer.

    Where a mail says nothing else, it is the answer that was asked for, unless it wants something done that is hard to undo.
    """
    words = told(scope.context.pending, scope, answers, [s for request in new for s in request.sentences])
    if words or not any(question.kind == "text" for question in scope.context.pending):
        return new, words
    kept = tuple(request for request in new if request.intent in stance.ACTED_UPON)
    return kept, told(scope.context.pending, scope, answers, [s for request in kept for s in request.sentences])


def _abstention(sense: Sense, asked: Sequence[Found], requests: Sequence[Request], answers: dict[str, Field]) -> str:
    """Why no request is reported, or nothing where the reading stands."""
    best = max((request.confidence for request in asked), default=0.0)
    if sense.out_of_scope >= 0.6 and sense.out_of_scope > best and not answers:
        return "out_of_scope"
    if len(asked) > aggregate.MAX_REQUESTS:
        return "too_many"
    if len(requests) < len(asked):
        return "unsure"  # something is asked that this playbook has no word for
    if sense.unclear is not None and not answers:
        return "unsure"
    if not asked and not answers and not sense.thanks and not sense.chaser:
        return "unsure"
    return ""


def _per_order(requests: Sequence[Found], found: Sequence[numbers.Written]) -> tuple[Found, ...]:
    """A request whose sentences name several orders, each in a sentence of its own, is one request for each of them."""
    split: list[Found] = []
    for request in requests:
        by_number: dict[str, list[Sentence]] = {}
        for sentence in request.sentences:
            inside = [n for n in found if n.where.source == sentence.source and sentence.start <= n.where.start < sentence.end]
            before = [n for n in found if n.where.source == sentence.source and n.where.start < sentence.start]
            if sentence.source == "body" and (len(inside) == 1 or (before and not inside)):
                by_number.setdefault((inside or before[-1:])[0].value, []).append(sentence)
        if len(by_number) < 2 or request.intent not in _ONE_ORDER_EACH:
            split.append(request)
        else:
            split += [replace(request, best=own[0], sentences=tuple(own)) for own in by_number.values()]
    return tuple(split)


def _own(request: Found, sentences: Sequence[Sentence], others: Sequence[Found]) -> list[Sentence]:
    """The sentences of the body that say the request, with list items and "also ..." that go on after them."""
    own: list[Sentence] = []
    listing = False
    taken = {sentence for other in others for sentence in other.sentences} - set(request.sentences)
    for sentence in sentences:
        if sentence.source != "body" or sentence.frame or sentence in taken:
            continue
        goes_on = bool(own) and (listing or bool(_GOES_ON.match(sentence.text)))
        if sentence in request.sentences or (goes_on and own[-1].end >= sentence.start - 4):
            own.append(sentence)
            listing = sentence.text.endswith(":")
    return own


def _around(request: Found, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences of a request with the one before and the one after each."""
    near: list[Sentence] = []
    for position, sentence in enumerate(sentences):
        neighbours = sentences[max(0, position - 1) : position + 2]
        if any(other in request.sentences for other in neighbours):
            near.append(sentence)
    return near


def _for_language(mail: MailText, spoken: Sequence[Sentence]) -> str:
    text = " ".join(sentence.plain for sentence in spoken)
    return text if len(text) >= 40 else f"{_without_prefix(mail.subject)} {text}"


def _numbers_of(sentences: Sequence[Sentence], found: Sequence[numbers.Written]) -> dict[Sentence, list[str]]:
    spans = {s: [w.value for w in found if w.where.source == s.source and s.start <= w.where.start < s.end] for s in sentences}
    return {sentence: written for sentence, written in spans.items() if written}


def _meant(context: Context, found: Sequence[numbers.Written]) -> tuple[Order, ...]:
    """The orders that the mail may be about: those it names, else those of a verified sender."""
    named = tuple(written.order for written in found if written.order is not None)
    return named or (tuple(context.orders) if context.sender_verified else ())


def _cut(subject: str) -> int:
    """How many characters of reply prefixes stand in front of a subject."""
    position = 0
    while True:
        rest = subject[position:]
        stripped = rest.lstrip()
        prefix = next((p for p in _SUBJECT_NOISE if stripped.lower().startswith(p)), None)
        if prefix is None:
            return position
        position += len(rest) - len(stripped) + len(prefix)


def _without_prefix(subject: str) -> str:
    return subject[_cut(subject) :]
