"""Raw bytes -> `Message`. Never raises: what cannot be parsed is kept, shown and flagged.

Structure comes from the standard library's compat32 parser, which takes anything; headers, charsets and parts are decoded here.
"""

import binascii
import email
import email.policy
import hashlib
import re
from dataclasses import dataclass, field, replace
from email.message import Message as Part

from caseworker.mail.bounce import parse_bounce
from caseworker.mail.charset import declared_in_html, decode
from caseworker.mail.classify import classify
from caseworker.mail.headers import (
    MAX_HEADERS,
    MAX_VALUE,
    Headers,
    addresses,
    decode_base64,
    is_plain_mailbox,
    message_ids,
    parameters,
    parse_date,
)
from caseworker.mail.html import html_to_text
from caseworker.mail.model import Address, Attachment, MailboxSettings, Message
from caseworker.mail.newtext import new_text
from caseworker.mail.trust import judge_trust

MAX_PARTS = 500
MAX_DEPTH = 200
MAX_TEXT = 1_000_000
MAX_PREVIEW = 4_000
MAX_ATTACHMENT_TEXT = 50_000

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, OverflowError, MemoryError)
"""What the standard library raises on broken structure (Unicode errors are ValueErrors, index and key errors LookupErrors)."""

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_HEIF = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")
MIN_PICTURE = 2_000  # bytes: the smallest photos of a camera have several times as many, logos of a signature often fewer
_PATH = re.compile(r"[\\/:*?\"<>|\x00-\x1f]")
_IDENTITY = ("from", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to")
_TEXT_FILES = ("text/", "application/json", "application/xml")


@dataclass(slots=True)
class _Body:
    """What the walk over the parts gathers. `texts` hold (is HTML, content, index of the alternative they belong to or -1)."""

    texts: list[tuple[bool, str, int]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    enclosed: list[Headers] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def flag(self, word: str) -> None:
        if word not in self.flags:
            self.flags.append(word)


def parse(
    raw: bytes, mailbox: MailboxSettings, *, our_texts: tuple[str, ...] = (), envelope_from: str | None = None
) -> Message:
    """The mail as intake sees it. `our_texts` are earlier mails of ours in the conversation, where the caller knows them.

    `envelope_from` is the return path as the SMTP client gave it: `""` for the null one, None where it is not known.
    """
    try:
        return _parse(raw, mailbox, our_texts, envelope_from)
    except _BROKEN:
        return _unparsable(raw, mailbox, envelope_from)


def raw_mail_hash(raw: bytes) -> str:
    """SHA-256 over the identity headers and the body, without transport headers and line-ending differences: equal for a
    repeat.
    """
    head, body = _split_raw(raw)
    digest = hashlib.sha256()
    lines = re.sub(rb"\n[ \t]+", b" ", head).split(b"\n")[:MAX_HEADERS]
    named = [(line.partition(b":")[0].strip().lower(), line.partition(b":")[2]) for line in lines]
    for name in _IDENTITY:
        for key, value in named:
            if key == name.encode():
                digest.update(key + b":" + b" ".join(value.split()) + b"\n")
    digest.update(b"\n" + body.rstrip())
    return digest.hexdigest()


def event_id(mailbox: str, message: Message) -> str:
    """The id of the event "this mail arrived": mailbox + Message-ID + body hash, so that duplicates are free. 64 hex digits."""
    return hashlib.sha256(
        f"{mailbox.lower()}\n{message.message_id}\n{message.body_hash}".encode("utf-8", "surrogateescape")
    ).hexdigest()


def _parse(raw: bytes, mailbox: MailboxSettings, our_texts: tuple[str, ...], envelope_from: str | None) -> Message:
    root = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = Headers(root.raw_items())
    body = _Body()
    if len(list(root.raw_items())) > MAX_HEADERS or any(len(value) > MAX_VALUE for _, value in root.raw_items()):
        body.flag("capped")
    _walk(root, body)
    return _assemble(raw, headers, body, mailbox=mailbox, our_texts=our_texts, envelope_from=envelope_from)


def _unparsable(raw: bytes, mailbox: MailboxSettings, envelope_from: str | None) -> Message:
    """Headers are read, the body is shown as it came; a person reads it."""
    head, content = _split_raw(raw)
    lines = email.message_from_bytes(head[:MAX_TEXT] + b"\n\n", policy=email.policy.compat32).raw_items()
    headers = Headers(
        (name, value) for name, value in lines if name.lower() not in ("content-type", "content-transfer-encoding")
    )
    body = _Body(texts=[(False, decode(content[:MAX_TEXT], None), -1)], flags=["unparsable_part"])
    message = _assemble(raw, headers, body, mailbox=mailbox, our_texts=(), envelope_from=envelope_from)
    return replace(message, classification=replace(message.classification, may_answer=False, for_person=True))


def _assemble(
    raw: bytes,
    headers: Headers,
    body: _Body,
    *,
    mailbox: MailboxSettings,
    our_texts: tuple[str, ...],
    envelope_from: str | None,
) -> Message:
    text, html = _join_texts(body)
    senders = addresses(headers.all("from"))
    sender = senders[0] if senders else None
    one_from = sender is not None and len(headers.all("from")) == 1 and is_plain_mailbox(headers.first("from"), sender.email)
    reply_to = addresses(headers.all("reply-to"))
    _flag_addresses(body, senders, headers, reply_to)
    subject = headers.text("subject")
    bounce = parse_bounce(headers, text, tuple(body.reports), tuple(body.enclosed))
    alternative = html if text and _has_plain(body) else ""
    return Message(
        message_id=next(iter(message_ids(headers.first("message-id"))), ""),
        sender=sender,
        to=addresses(headers.all("to")),
        cc=addresses(headers.all("cc")),
        reply_to=reply_to,
        subject=subject,
        date=parse_date(headers.first("date")),
        text=text,
        html=html,
        new_text=new_text(text if alternative or not html else "", html=html, our_texts=our_texts, subject=subject),
        classification=classify(headers, mailbox, bounce=bounce, envelope_from=envelope_from, words=text),
        trust=judge_trust(headers, mailbox, sender, one_from=one_from),
        attachments=tuple(body.attachments),
        in_reply_to=message_ids(headers.first("in-reply-to")),
        references=message_ids(headers.first("references")),
        body_hash=raw_mail_hash(raw),
        raw_size=len(raw),
        bounce=bounce,
        delivered_to=addresses(headers.all("delivered-to") + headers.all("x-original-to")),
        flags=tuple(body.flags),
    )


def _flag_addresses(body: _Body, senders: tuple[Address, ...], headers: Headers, reply_to: tuple[Address, ...]) -> None:
    if len(headers.all("from")) > 1 or len(senders) > 1:
        body.flag("two_from")
    if senders and reply_to and any(address.email != senders[0].email for address in reply_to):
        body.flag("reply_to_differs")


def _walk(root: Part, body: _Body) -> None:
    """Depth-first, left to right, with caps.

    An alternative's parts carry its number, so that the same words are not taken twice.
    """
    alternatives = 0
    stack: list[tuple[Part, int, int]] = [(root, 0, -1)]
    for _ in range(MAX_PARTS):
        if not stack:
            return
        part, depth, alternative = stack.pop()
        headers = Headers(part.raw_items())
        kind, options = parameters(headers.first("content-type"))
        children = part.get_payload()
        if _is_encrypted(kind, options):
            body.flag("encrypted")
        if kind == "message/rfc822" or (kind.startswith("message/") and isinstance(children, list)):
            _enclosed(part, kind, headers, body)
        elif isinstance(children, list) and depth < MAX_DEPTH:
            if kind == "multipart/alternative":
                alternatives += 1
                alternative = alternatives
            stack += [(child, depth + 1, alternative) for child in reversed(children[:MAX_PARTS]) if isinstance(child, Part)]
        else:
            _leaf(part, headers, body, is_root=part is root, alternative=alternative)
    body.flag("capped")


def _leaf(part: Part, headers: Headers, body: _Body, *, is_root: bool, alternative: int) -> None:
    kind, options = parameters(headers.first("content-type"))
    disposition, more = parameters(headers.first("content-disposition"))
    filename = _filename(more.get("filename") or options.get("name") or "")
    data = _content(part, headers, body)
    is_text = not kind or "/" not in kind or kind.startswith(("text/plain", "text/html", "multipart/"))
    if kind in (
        "message/delivery-status",
        "message/feedback-report",
        "message/disposition-notification",
        "text/rfc822-headers",
    ):
        body.reports.append(decode(data[:MAX_PREVIEW], options.get("charset")))
    if is_text and (is_root or (not filename and disposition != "attachment")):
        _text(kind, options, data, body, alternative)
        return
    readable = kind.startswith(_TEXT_FILES)
    sniffed = _sniffed(data)
    body.attachments.append(
        Attachment(
            filename=filename or _default_name(kind),
            content_type=sniffed or kind or "application/octet-stream",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            text=decode(data[:MAX_ATTACHMENT_TEXT], options.get("charset")) if readable else "",
            inline=disposition == "inline" or headers.has("content-id"),
            truncated=readable and len(data) > MAX_ATTACHMENT_TEXT,
            picture=sniffed.startswith("image/") and len(data) >= MIN_PICTURE,
        )
    )


def _text(kind: str, options: dict[str, str], data: bytes, body: _Body, alternative: int) -> None:
    if len(data) > MAX_TEXT * 4:
        data = data[: MAX_TEXT * 4]
        body.flag("capped")
    is_html = kind.startswith("text/html")
    charset = options.get("charset") or (declared_in_html(data) if is_html else None)
    text = decode(data, charset).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        body.flag("capped")
    if not is_html and options.get("format", "").lower() == "flowed":
        text = _unflow(text, delete_space=options.get("delsp", "").lower() == "yes")
    if "-----BEGIN PGP MESSAGE-----" in text:
        body.flag("encrypted")
    body.texts.append((is_html, text, alternative))


def _enclosed(part: Part, kind: str, headers: Headers, body: _Body) -> None:
    """A mail inside: an attachment with a preview. For reports, its headers and fields are kept as well."""
    children = part.get_payload()
    inner = children[0] if isinstance(children, list) and children and isinstance(children[0], Part) else None
    raw = b""
    preview = ""
    if isinstance(children, list):
        raw = b"\n\n".join(_flat(child) for child in children[:50] if isinstance(child, Part))
        preview = decode(raw[:MAX_PREVIEW], None)
    if kind != "message/rfc822":
        body.reports.append(preview)
    elif inner is not None:
        body.enclosed.append(Headers(inner.raw_items()))
    _, options = parameters(headers.first("content-disposition"))
    subject = Headers(inner.raw_items()).text("subject") if inner is not None else ""
    body.attachments.append(
        Attachment(
            filename=_filename(options.get("filename", ""))
            or _filename(subject[:80] + ".eml" if subject else "")
            or "message.eml",
            content_type=kind,
            size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
            text=preview,
            truncated=len(raw) > MAX_PREVIEW,
        )
    )


def _flat(part: Part) -> bytes:
    try:
        return part.as_bytes()
    except _BROKEN:
        return "\n".join(f"{name}: {value}" for name, value in part.raw_items()).encode("utf-8", "surrogateescape")


def _content(part: Part, headers: Headers, body: _Body) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):
        body.flag("capped")
        return _flat(part)
    encoding = headers.first("content-transfer-encoding").partition(";")[0].strip().lower()
    if encoding in ("base64", "quoted-printable"):
        del part["content-transfer-encoding"]  # decoded here: the library gives up on the first odd character
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        body.flag("unparsable_part")
        return b""
    if encoding == "base64":
        return decode_base64(data)
    return binascii.a2b_qp(data) if encoding == "quoted-printable" else data


def _join_texts(body: _Body) -> tuple[str, str]:
    """Text of all parts in order; HTML counts as text where no plain part says the same."""
    plain_in = {alternative for is_html, _, alternative in body.texts if not is_html and alternative >= 0}
    pieces: list[str] = []
    pages = [content for is_html, content, _ in body.texts if is_html]
    for is_html, content, alternative in body.texts:
        if not is_html:
            pieces.append(content)
            continue
        page = html_to_text(content)
        if page.hidden:
            body.flag("hidden_text")
        if page.capped:
            body.flag("capped")
        if alternative not in plain_in:
            pieces.append(page.text)
    text = "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())
    return text[:MAX_TEXT], "\n".join(pages)


def _has_plain(body: _Body) -> bool:
    return any(not is_html and content.strip() for is_html, content, _ in body.texts)


def _is_encrypted(kind: str, options: dict[str, str]) -> bool:
    if kind == "multipart/encrypted":
        return True
    return kind in ("application/pkcs7-mime", "application/x-pkcs7-mime") and "signed" not in options.get("smime-type", "")


def _unflow(text: str, *, delete_space: bool) -> str:
    """RFC 3676: a line that ends with a space goes on in the next one of the same quote depth; `-- ` is a signature."""
    lines: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        flowed = bare.endswith(" ") and bare != "-- "
        content = bare[:-1] if flowed and delete_space else bare
        if open_depth == depth and bare != "-- ":
            lines[-1].append(content)
        else:
            lines.append([">" * depth + (" " if depth and content else "") + content])
        open_depth = depth if flowed else None
    return "\n".join("".join(pieces) for pieces in lines)


def _filename(name: str) -> str:
    """A bare file name: no path, no control characters, at most 150 characters."""
    return _PATH.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")[:150]


def _default_name(kind: str) -> str:
    return "attachment" if "/" not in kind else f"{_PATH.sub('', kind.partition('/')[0])}-attachment"[:40]


def _sniffed(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in _HEIF:
        return "image/heic"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")


def _split_raw(raw: bytes) -> tuple[bytes, bytes]:
    """Header section and body, line endings as LF."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    return head, body
