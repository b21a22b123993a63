"""Bytes of a mail -> text.

Charset names in mails are often wrong, and some names are Python codecs that are no charsets at all.
"""

import codecs
import re

_ALIASES = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode": "utf-8",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "x-unknown": "",
    "unknown-8bit": "",
    "default": "",
    "8bit": "",
    "binary": "",
}
_CHARSET = re.compile(
    r"utf-(?:7|8|8-sig|16|16-le|16-be|32|32-le|32-be)|cp\d{2,5}|iso8859-\d{1,2}|koi8-[rtu]|gb18030|hz|big5(?:hkscs)?|euc_(?:jp|kr)|euc_jis_2004"
    r"|iso2022_\w{2,8}|mac-\w{3,12}|shift_jis\w{0,5}|johab|ptcp154|kz1048"
)
_META = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{2,40})", re.IGNORECASE)
GUESS_FROM = 24
"""So many bytes outside ASCII are needed before a declared charset is doubted."""


def decode(data: bytes, declared: str | None) -> str:
    """Never raises.

    A declared utf-8 with few bad bytes stays utf-8; what is undeclared is utf-8 where that is valid, else cp1252.
    """
    name = codec_name(declared)
    if name in ("", "utf-8"):
        return _decode_utf8(data, declared=name == "utf-8" and "utf" in (declared or "").lower())
    try:
        return data.decode(name, "replace").replace("\x00", "")
    except (UnicodeError, ValueError):
        return _decode_utf8(data, declared=False)


def codec_name(declared: str | None) -> str:
    """The Python codec of a charset name, `""` where it is unknown or is no charset (rot13, zlib, idna ...)."""
    label = (declared or "").strip().strip("\"'").lower().partition("*")[0]
    label = _ALIASES.get(label, label)
    if not label or len(label) > 40 or not label.isascii() or "\x00" in label:
        return ""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return ""
    return name if _CHARSET.fullmatch(name) else ""


def declared_in_html(data: bytes) -> str | None:
    """The charset that an HTML page names itself."""
    match = _META.search(data[:4096])
    return match.group(1).decode("ascii", "replace") if match else None


def _decode_utf8(data: bytes, *, declared: bool) -> str:
    try:
        return data.decode("utf-8").replace("\x00", "")
    except UnicodeDecodeError:
        pass
    outside = sum(byte > 127 for byte in data[:200_000])
    replaced = data.decode("utf-8", "replace")
    bad = replaced[:200_000].count("\ufffd")
    if bad * 10 <= outside or (declared and outside < GUESS_FROM):
        return replaced.replace("\x00", "")
    return data.decode("cp1252", "replace").replace("\x00", "")
