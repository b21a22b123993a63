"""Delivery reports: by RFC 3464 where they follow it, by what they quote and say where they do not."""

import re
from collections.abc import Iterable, Sequence

from caseworker.mail.headers import Headers, addresses, message_ids, parameters
from caseworker.mail.machines import is_daemon, machine_words
from caseworker.mail.model import Bounce

LOOK_AT = 20_000
"""Characters of the text that are searched."""

_FIELD = re.compile(r"^([A-Za-z-]{2,40}):[ \t]{0,5}(.{0,500})$", re.MULTILINE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]\d)")
_CODE = re.compile(r"(?<![\d.@-])([45])\d{2}(?=[ -])")
_EMAIL = re.compile(r"[\w.+=&'-]{1,64}@[\w.-]{1,190}\.\w{2,20}")
_ID_LINE = re.compile(r"^[ \t>]{0,8}message-id:[ \t]{0,4}\n?[ \t]{0,4}(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE)
_ANY_ID = re.compile(r"message[- ]id[^<\n]{0,40}(<[^<>\s]{1,400}>)", re.IGNORECASE)


def parse_bounce(headers: Headers, text: str, reports: Sequence[str], enclosed: Sequence[Headers]) -> Bounce | None:
    """None where the mail is no delivery report.

    `reports` are the machine-readable parts, `enclosed` the headers of enclosed mails.
    """
    fields = _fields(reports)
    looked = text[:LOOK_AT]
    if not _is_report(headers, fields, looked):
        return None
    status = _status(fields, looked)
    permanent = _is_permanent(fields, status, headers, looked)
    return Bounce(
        recipient=_recipient(headers, fields, looked),
        status=status or ("5.0.0" if permanent else "4.0.0"),
        permanent=permanent,
        original_message_id=_original_id(headers, reports, enclosed, text),
    )


def _fields(reports: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for report in reports:
        unfolded = re.sub(r"\n[ \t]{1,20}", " ", report[:LOOK_AT].replace("\r", ""))
        for name, value in _FIELD.findall(unfolded):
            found.setdefault(name.lower(), []).append(value.strip())
    return found


def _is_report(headers: Headers, fields: dict[str, list[str]], text: str) -> bool:
    kind, options = parameters(headers.first("content-type"))
    if options.get("report-type", "").lower() in ("feedback-report", "disposition-notification") or "feedback-type" in fields:
        return False
    if "final-recipient" in fields or headers.has("x-failed-recipients"):
        return not _relayed(fields)
    if kind == "multipart/report" and options.get("report-type", "delivery-status").lower() == "delivery-status":
        return True
    senders = addresses(headers.all("from"))
    machine = not senders or is_daemon(senders[0].email)
    machine = machine or any(headers.first(name).replace(" ", "") == "<>" for name in ("return-path", "x-envelope-from"))
    subject = headers.text("subject").casefold()
    low = text.casefold()
    words = machine_words().failure + machine_words().delay
    if machine:
        return any(word in subject for word in words) or any(word in low for word in machine_words().failure)
    told = subject.startswith(machine_words().failure) and (_STATUS.search(text) or _CODE.search(text))
    return bool(told and _ID_LINE.search(text))  # a customer whose parcel "could not be delivered" quotes no Message-ID


def _relayed(fields: dict[str, list[str]]) -> bool:
    """A success notice ("delivered", "relayed") is no bounce."""
    actions = {action.lower().split(" ")[0] for action in fields.get("action", ())}
    return bool(actions) and actions <= {"delivered", "relayed", "expanded"}


def _status(fields: dict[str, list[str]], text: str) -> str:
    told = [match.group(1) for value in fields.get("diagnostic-code", ()) if (match := _STATUS.search(value))]
    stated = [match.group(1) for value in fields.get("status", ()) if (match := _STATUS.search(value))]
    specific = [status for status in stated + told if not status.endswith(".0.0")]
    for status in specific + stated + told:
        return status
    match = _STATUS.search(text)
    if match:
        return match.group(1)
    code = _CODE.search(text)
    return f"{code.group(1)}.0.0" if code else ""


def _is_permanent(fields: dict[str, list[str]], status: str, headers: Headers, text: str) -> bool:
    """`Action` decides, then the class of the status; a report without either is a failure unless it speaks of a delay."""
    actions = " ".join(fields.get("action", ())).lower()
    if "delayed" in actions and "failed" not in actions:
        return False
    if "failed" in actions:
        return not status.startswith("4.") or "expired" in text.casefold() or bool(fields.get("action"))
    if status:
        return status.startswith("5")
    low = headers.text("subject").casefold() + " " + text[:2000].casefold()
    return not any(word in low for word in machine_words().delay)


def _recipient(headers: Headers, fields: dict[str, list[str]], text: str) -> str:
    for name in ("original-recipient", "final-recipient"):
        for value in fields.get(name, ()):
            match = _EMAIL.search(value.partition(";")[2] or value)
            if match:
                return match.group(0).lower()
    failed = addresses(headers.all("x-failed-recipients"))
    if failed:
        return failed[0].email
    own = {address.email for name in ("from", "to", "cc", "reply-to") for address in addresses(headers.all(name))}
    for candidate in _candidates(text):
        if candidate not in own and not is_daemon(candidate):
            return candidate
    return ""


def _candidates(text: str) -> Iterable[str]:
    """Addresses in angle brackets first: reports name the recipient so."""
    for match in re.finditer(r"<([^<>\s]{3,250}@[^<>\s]{3,250})>", text):
        found = _EMAIL.search(match.group(1))
        if found and "message-id" not in text[max(0, match.start() - 30) : match.start()].lower():
            yield found.group(0).lower()
    for match in _EMAIL.finditer(text):
        yield match.group(0).lower().rstrip(".")


def _original_id(headers: Headers, reports: Sequence[str], enclosed: Sequence[Headers], text: str) -> str:
    """From the enclosed mail, the enclosed headers, the quoted text, and last from what the report refers to."""
    for inner in enclosed:
        ids = message_ids(inner.first("message-id"))
        if ids:
            return ids[0]
    for source in (*reports, text):
        for pattern in (_ID_LINE, _ANY_ID):
            match = pattern.search(source)
            if match:
                return match.group(1)[1:-1]
    for name in ("in-reply-to", "references"):
        ids = message_ids(headers.first(name))
        if ids:
            return ids[-1]
    return ""
