"""`OutgoingMail` -> bytes: text and simple HTML from one source, with the marks by which we recognise it when it comes back.

The result is a function of its input alone: the same mail composed again has the same bytes.
"""

import hashlib
import quopri
import re
from email.header import Header
from email.utils import format_datetime
from html import escape

from caseworker.core.errors import MailError
from caseworker.core.language import best
from caseworker.mail.classify import OUR_HEADER
from caseworker.mail.html import OUR_HTML_ID
from caseworker.mail.model import Address, OutgoingMail

REPLY_MARK = "~-~"
"""Stands at both ends of the line above which people are asked to reply; the words between differ by language."""

MAX_REFERENCES = 20

_REPLY_ABOVE = {
    "en": "Please reply above this line",
    "de": "Bitte oberhalb dieser Zeile antworten",
    "fr": "Merci de répondre au-dessus de cette ligne",
    "es": "Por favor, responda por encima de esta línea",
    "it": "Si prega di rispondere sopra questa riga",
    "nl": "Antwoord alstublieft boven deze regel",
    "pl": "Prosimy odpowiedzieć powyżej tej linii",
    "pt": "Por favor, responda acima desta linha",
}
_LINK = re.compile(r"https?://[^\s<>\"']{1,500}[^\s<>\"'.,;:!?)]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OWN_HEADERS = _words(
    "from to cc reply-to subject date message-id in-reply-to references mime-version content-type "
    "content-transfer-encoding bcc auto-submitted x-auto-response-suppress"
) | {OUR_HEADER.lower()}


def is_reply_marker(line: str) -> bool:
    """Is this our "please reply above this line", in any language, quoted or not?"""
    bare = line[:300].strip(" \t>|*_")
    return len(bare) > 2 * len(REPLY_MARK) and bare.startswith(REPLY_MARK) and bare.endswith(REPLY_MARK)


def reply_marker(language: str) -> str:
    """The marker line in `language`, else in English."""
    return f"{REPLY_MARK} {_REPLY_ABOVE[best(language, tuple(_REPLY_ABOVE), 'en')]} {REPLY_MARK}"


def reply_message_id(seed: str, domain: str) -> str:
    """A Message-ID (without angle brackets) that is the same for the same `seed`, so that a mail sent again is the same
    mail.
    """
    return f"{hashlib.sha256(seed.encode()).hexdigest()[:32]}.caseworker@{domain}"


def envelope_sender(mail: OutgoingMail) -> str:
    """Where delivery reports go."""
    return mail.bounce_address or mail.sender.email


def compose(mail: OutgoingMail) -> bytes:
    """RFC 5322 bytes with CRLF. Raises `MailError` where there is no date or an address is none."""
    if mail.date is None:
        raise MailError(
            "The mail has no date.", remedy="Give `OutgoingMail.date`; it is fixed before the first attempt to send."
        )
    headers = [
        ("Date", format_datetime(mail.date)),
        ("Message-ID", _bracketed(mail.message_id)),
        ("From", _address(mail.sender)),
        ("To", _address(mail.to)),
        *([("Cc", ", ".join(_address(address) for address in mail.cc))] if mail.cc else []),
        ("Reply-To", _address(_with_token(mail.sender, mail.thread_token))),
        ("Subject", _subject(mail)),
        *_thread_headers(mail),
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "OOF, DR, RN, NRN, AutoReply"),
        (OUR_HEADER, mail.case_reference),
        *((name, value) for name, value in mail.headers if name.lower() not in _OWN_HEADERS),
        ("MIME-Version", "1.0"),
    ]
    boundary = "=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:32]
    headers.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    marker = reply_marker(mail.language)
    text = f"{marker}\n\n{mail.text.strip()}\n"
    parts = (_part("text/plain", text), _part("text/html", _html(marker, mail.text.strip(), mail.language)))
    lines = [_header(name, value) for name, value in headers]
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return ("\r\n".join(lines) + "\r\n\r\n" + body + f"--{boundary}--\r\n").encode("utf-8")


def _thread_headers(mail: OutgoingMail) -> list[tuple[str, str]]:
    """In-Reply-To, and References capped to the first and the last ones, as RFC 5537 advises."""
    if not mail.in_reply_to and not mail.references:
        return []
    ids = list(dict.fromkeys(_bracketed(message_id) for message_id in (*mail.references, mail.in_reply_to) if message_id))
    if len(ids) > MAX_REFERENCES:
        ids = [ids[0], *ids[-(MAX_REFERENCES - 1) :]]
    headers = [("In-Reply-To", _bracketed(mail.in_reply_to))] if mail.in_reply_to else []
    return [*headers, ("References", "\r\n ".join(ids))]


def _subject(mail: OutgoingMail) -> str:
    subject = _CONTROL.sub(" ", mail.subject).strip()
    return subject if mail.case_reference in subject else f"{subject} [{mail.case_reference}]".strip()


def _with_token(sender: Address, token: str) -> Address:
    if not token:
        return sender
    local, _, domain = sender.email.partition("@")
    return Address(email=f"{local.partition('+')[0]}+{token}@{domain}", name=sender.name)


def _bracketed(message_id: str) -> str:
    return f"<{_CONTROL.sub('', message_id).strip('<> ')}>"


def _address(address: Address) -> str:
    email = address.email
    if _CONTROL.search(email) or email.count("@") != 1 or any(char in email for char in ' <>,;"'):
        raise MailError(f"{email!r} is no mail address.", remedy="Check the sender or recipient of the reply.")
    name = " ".join(_CONTROL.sub(" ", address.name).split())
    if not name:
        return email
    if name.isascii():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{email}>'
    return f"{Header(name, 'utf-8', maxlinelen=10_000).encode()} <{email}>"


def _header(name: str, value: str) -> str:
    """Folded and encoded; a line break in a value can come only from our own folding."""
    if name == "References":
        return f"{name}: {value}"
    clean = _CONTROL.sub(" ", value)
    if clean.isascii() and len(clean) < 900:
        return f"{name}: {clean}"
    return f"{name}: {Header(clean, 'utf-8', header_name=name, maxlinelen=75).encode(linesep=chr(13) + chr(10))}"


def _part(content_type: str, text: str) -> str:
    encoded = quopri.encodestring(text.encode("utf-8")).decode("ascii").replace("\r\n", "\n").replace("\n", "\r\n")
    return f"Content-Type: {content_type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"


def _html(marker: str, text: str, language: str) -> str:
    paragraphs = "\n".join(f"<p>{_linked(block)}</p>" for block in re.split(r"\n{2,}", text) if block.strip())
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}"><body>\n<div id="{OUR_HTML_ID}" class="{OUR_HTML_ID}">\n'
        f'<div style="color:#777777;font-size:12px">{escape(marker)}</div>\n{paragraphs}\n</div>\n</body></html>\n'
    )


def _linked(block: str) -> str:
    pieces: list[str] = []
    position = 0
    for match in _LINK.finditer(block):
        url = escape(match.group(0))
        pieces += [escape(block[position : match.start()]), f'<a href="{url}">{url}</a>']
        position = match.end()
    pieces.append(escape(block[position:]))
    return "".join(pieces).replace("\n", "<br>\n")
