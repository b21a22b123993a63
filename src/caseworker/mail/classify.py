"""Machine mail and loops: a table of small named rules. The first that holds decides, and `Classification.why` names it.

Two questions are answered apart: may we ever answer automatically, and does a person's case need to see it?
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from caseworker.mail.headers import Headers, addresses, parameters
from caseworker.mail.machines import is_daemon, is_no_reply, machine_words
from caseworker.mail.model import Address, Bounce, Classification, Kind, MailboxSettings

OUR_HEADER = "X-Caseworker"
_SUBJECT = 200  # characters of a subject that are looked at
_SEARCHED = 8_000  # characters of a mail in which an order number is looked for

_AUTO_REPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-auto-reply", "x-mail-autoreply")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at."""

    headers: Headers
    mailbox: MailboxSettings
    sender: Address | None
    bounce: Bounce | None
    envelope_from: str | None
    words: str = ""

    @property
    def email(self) -> str:
        return self.sender.email if self.sender else ""

    @property
    def answer_to(self) -> str:
        """Where an answer would go: one Reply-To, else the sender."""
        reply_to = addresses(self.headers.all("reply-to"))
        return reply_to[0].email if len(reply_to) == 1 else self.email

    @property
    def report_type(self) -> str:
        kind, options = parameters(self.headers.first("content-type"))
        if kind == "multipart/report":
            return options.get("report-type", "other").lower()
        return kind.partition("/")[2] if kind in ("message/disposition-notification", "message/feedback-report") else ""

    @property
    def auto_submitted(self) -> str:
        return self.headers.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()

    @property
    def own(self) -> frozenset[str]:
        return self.mailbox.own_addresses | {self.mailbox.address.lower()}

    @property
    def precedence(self) -> str:
        return self.headers.first("precedence").strip().lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy."""

    name: str
    holds: Callable[[Seen], bool]
    kind: Kind
    may_answer: bool
    for_person: bool


def _is_ours(seen: Seen) -> bool:
    return seen.headers.has(OUR_HEADER.lower()) and _plain(seen.email) in seen.own


def _is_listed(seen: Seen) -> bool:
    return seen.email in {machine.lower() for machine in seen.mailbox.known_machines}


def _known_machine(seen: Seen) -> bool:
    return _is_listed(seen) and len(addresses(seen.headers.all("reply-to"))) == 1 and not _answers_reach_nobody(seen)


def _answers_reach_nobody(seen: Seen) -> bool:
    """An answer would go to a machine, or back to us."""
    return _plain(seen.answer_to) in seen.own or is_no_reply(seen.answer_to) or is_daemon(seen.answer_to)


def _absence_note(seen: Seen) -> bool:
    if not _absence_subject().match(seen.headers.text("subject")[:_SUBJECT].casefold()):
        return False
    if seen.auto_submitted not in ("", "no") or seen.headers.has("x-auto-response-suppress") or _answers_itself(seen):
        return True
    return seen.headers.has("in-reply-to") or seen.headers.has("references")


def _absence_subject_alone(seen: Seen) -> bool:
    return bool(_absence_subject().match(seen.headers.text("subject")[:_SUBJECT].casefold()))


@cache
def _absence_subject() -> re.Pattern[str]:
    """The phrase alone or before a colon or dash (`Out of office AutoReply: ...`), so that nobody's own sentence begins so."""
    phrase = "|".join(re.escape(words) for words in sorted(machine_words().out_of_office, key=len, reverse=True))
    return re.compile(rf"\s{{0,5}}(?:(?:{phrase})\s{{0,5}}){{1,3}}(?:$|[:：\-–—])")


def _answers_itself(seen: Seen) -> bool:
    return (
        seen.auto_submitted in ("auto-replied", "auto-notified")
        or any(seen.headers.has(name) for name in _AUTO_REPLY_HEADERS)
        or seen.precedence in ("auto_reply", "auto-reply")
    )


def _is_bulk(seen: Seen) -> bool:
    if seen.precedence in ("bulk", "junk", "list"):
        return not _own_group(seen)
    return (seen.headers.has("list-id") or seen.headers.has("list-unsubscribe")) and not _own_group(seen)


def _speaks_to_us(seen: Seen) -> bool:
    """A list's mail that is about an order of ours or answers somebody: a customer who writes through a group of his own."""
    if not _is_bulk(seen):
        return False
    answers = seen.headers.has("in-reply-to") and seen.headers.has("list-id")  # absence notes have no List-Id
    return answers or _names_an_order(seen)


def _names_an_order(seen: Seen) -> bool:
    text = f"{seen.headers.text('subject')}\n{seen.words}"[:_SEARCHED].casefold()
    return any(
        re.search(rf"(?<!\w){re.escape(form.casefold()).replace(re.escape('#'), '[0-9]')}(?!\w)", text)
        for form in seen.mailbox.order_numbers
        if form.strip("#")
    )


def _own_group(seen: Seen) -> bool:
    """A group address of ours stamps List-Id on customers' mail."""
    told = f"{seen.headers.first('list-id')} {seen.headers.first('list-post')}".lower()
    return any(address in told or address.replace("@", ".") in told for address in seen.own)


def _null_return_path(seen: Seen) -> bool:
    return seen.envelope_from == "" or seen.headers.first("return-path").replace(" ", "") == "<>"


def _plain(email: str) -> str:
    """Without the plus part."""
    local, at, domain = email.partition("@")
    return local.partition("+")[0] + at + domain


RULES: tuple[Rule, ...] = (
    Rule("our_own_mail", _is_ours, "ours", may_answer=False, for_person=False),
    Rule("complaint_report", lambda s: s.report_type == "feedback-report", "complaint", may_answer=False, for_person=True),
    Rule("read_receipt", lambda s: s.report_type == "disposition-notification", "receipt", may_answer=False, for_person=False),
    Rule("delivery_failed", lambda s: s.bounce is not None and s.bounce.permanent, "bounce", may_answer=False, for_person=True),
    Rule("delivery_delayed", lambda s: s.bounce is not None, "delay", may_answer=False, for_person=False),
    Rule("other_report", lambda s: bool(s.report_type), "system", may_answer=False, for_person=False),
    Rule("known_machine_names_customer", _known_machine, "person", may_answer=True, for_person=True),
    Rule("known_machine_names_nobody", _is_listed, "system", may_answer=False, for_person=True),
    Rule("absence_note", _absence_note, "out_of_office", may_answer=False, for_person=False),
    Rule("absence_subject_alone", _absence_subject_alone, "out_of_office", may_answer=False, for_person=True),
    Rule("automatic_reply", _answers_itself, "auto_reply", may_answer=False, for_person=False),
    Rule("auto_submitted", lambda s: s.auto_submitted not in ("", "no"), "system", may_answer=False, for_person=True),
    Rule("our_header", lambda s: s.headers.has(OUR_HEADER.lower()), "ours", may_answer=False, for_person=True),
    Rule("our_address", lambda s: _plain(s.email) in s.own, "ours", may_answer=False, for_person=True),
    Rule("list_that_speaks_to_us", _speaks_to_us, "person", may_answer=False, for_person=True),
    Rule("mailing_list", _is_bulk, "bulk", may_answer=False, for_person=False),
    Rule("mailer_daemon", lambda s: is_daemon(s.email), "system", may_answer=False, for_person=True),
    Rule("null_return_path", _null_return_path, "system", may_answer=False, for_person=True),
    Rule("no_reply_address", lambda s: is_no_reply(s.email), "system", may_answer=False, for_person=True),
    Rule("no_sender", lambda s: s.sender is None, "person", may_answer=False, for_person=True),
    Rule("answers_reach_nobody", _answers_reach_nobody, "person", may_answer=False, for_person=True),
    Rule("answers_unwanted", lambda s: s.headers.has("x-auto-response-suppress"), "person", may_answer=False, for_person=True),
)
"""The policy, in the order in which it is asked.

X-Auto-Response-Suppress alone does not make a machine: Exchange puts it on people's mail. In doubt people see it and nobody
is answered: a case too many costs a glance, a lost mail a customer.
"""


def classify(
    headers: Headers,
    mailbox: MailboxSettings,
    *,
    bounce: Bounce | None = None,
    envelope_from: str | None = None,
    words: str = "",
) -> Classification:
    """`envelope_from` is `""` for the null return path, None where it is not known; `words` is the text, for order numbers."""
    senders = addresses(headers.all("from"))
    seen = Seen(headers, mailbox, senders[0] if senders else None, bounce, envelope_from, words)
    for rule in RULES:
        if rule.holds(seen):
            return Classification(rule.kind, may_answer=rule.may_answer, for_person=rule.for_person, why=rule.name)
    return Classification("person", may_answer=True, for_person=True, why="nothing_speaks_against_a_person")
