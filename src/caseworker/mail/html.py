"""HTML of a mail -> plain text: blocks become lines, quotations get `> `, what a reader would not see is dropped and flagged.

Hidden text is room for instructions to a language model ("prompt injection"), so it never reaches one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

HISTORY_MARK = "\ue0c5"
"""Private-use character; in `HtmlText.marked` a line with it says: a mail program marked all below as history."""

QUOTE_MARK = "\ue0c6"
"""Private-use character; in `HtmlText.marked` it ends the first line of what a mail program quoted."""

MARKS = str.maketrans("", "", HISTORY_MARK + QUOTE_MARK)
"""For `str.translate`: takes the marks out."""

OUR_HTML_ID = "caseworker-mail"
"""The id of the element around every mail of ours; mail programs keep it, some with a prefix."""

MAX_CHARS = 3_000_000
MAX_NODES = 200_000
MAX_DEPTH = 1_000
MAX_QUOTE_DEPTH = 20


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _words(
    "address article aside blockquote body caption center dd div dl dt fieldset figure footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main nav ol p pre section table tbody thead tr ul"
)
_SPACED = _words("p h1 h2 h3 h4 h5 h6 ul ol table blockquote")
_SKIPPED = _words("script style head title noscript template object iframe svg select textarea audio video math")
_QUOTE_IDS = ("OLK_SRC_BODY_SECTION", OUR_HTML_ID)
_QUOTE_CLASSES = ("yahoo_quoted", OUR_HTML_ID)
_HISTORY_IDS = ("divRplyFwdMsg", "appendonsend", "stopSpelling", "mail-editor-reference-message-container")
_OUTLOOK_LINE = re.compile(r"border:\s?none;\s?border-top:\s?solid #(?:e1e1e1|b5c4df|c4c4c4)", re.IGNORECASE)
_HIDING = re.compile(
    r"display:none|visibility:hidden|font-size:0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)|max-height:0(?:px)?(?:;|!|$)|(?<![-\w])opacity:0(?:\.0+)?(?:;|!|$)"
    r"|mso-hide:all|text-indent:-\d{3}|(?<![-\w])(?:left|top):-\d{3}"
)
_WHITE = r"(?:#fff(?:fff)?|white|rgb\(255,255,255\)|rgba\(255,255,255,[\d.]{1,4}\)|transparent)"
_WHITE_TEXT = re.compile(rf"(?:^|;)color:{_WHITE}(?:;|!|$)")
_WHITE_VALUE = re.compile(rf"{_WHITE}$")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color|-image)?:([^;]{1,200})")
_NESTING = re.compile(
    r"<(/?)(?:div|blockquote|span|table|tbody|tr|td|font|center|section|article|ul|ol|b|i|u|em|strong|a)(?=[\s>/])",
    re.IGNORECASE,
)
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """`text` for people and models; `marked` is the same with `HISTORY_MARK` lines; `hidden`: text was dropped;
    `capped`: not all was read.
    """

    text: str
    marked: str
    hidden: bool
    capped: bool


@dataclass(frozen=True, slots=True)
class _State:
    """What an element inherits."""

    depth: int = 0
    pre: bool = False
    coloured: bool = False


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    depth: int = 0
    written_depth: int = 0
    blank_wanted: bool = False
    quote_begins: bool = False

    def word(self, text: str, state: _State) -> None:
        if state.depth != self.depth:
            self.end_line()
            self.depth = state.depth
        if state.pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self.current.append(first)
            for line in rest:
                self.end_line(keep_empty=True)
                self.current.append(line)
            return
        squeezed = _SPACE.sub(" ", text)
        if squeezed == " " and (not self.current or self.current[-1].endswith(" ")):
            return
        if not self.current or self.current[-1].endswith(" "):
            squeezed = squeezed.lstrip(" ")
        if squeezed:
            self.current.append(squeezed)

    def end_line(self, *, keep_empty: bool = False) -> None:
        line = "".join(self.current).rstrip()
        self.current.clear()
        if not line and not keep_empty:
            return
        if self.blank_wanted and self.lines and self.lines[-1].strip("> "):
            self.lines.append("> " * min(self.depth, self.written_depth))
        self.blank_wanted = False
        self.written_depth = self.depth
        self.lines.append("> " * self.depth + line + (QUOTE_MARK if self.quote_begins and line else ""))
        self.quote_begins = self.quote_begins and not line

    def mark(self) -> None:
        self.end_line()
        self.lines.append(HISTORY_MARK)

    def last_words(self) -> str:
        """The end of what was written last, to see whether it announces a quotation."""
        if self.current:
            return "".join(self.current).rstrip()
        return next((line.rstrip() for line in reversed(self.lines[-4:]) if line.strip("> ")), "")


def html_to_text(html: str) -> HtmlText:
    """Never raises: lexbor makes a tree of anything. What is beyond the caps is left out and `capped` says so."""
    source = html[:MAX_CHARS].translate(MARKS).replace("\x00", "")
    flat = source[: _too_deep(source)]
    parser = LexborHTMLParser(flat)
    root = parser.body or parser.root
    if root is None:
        return HtmlText("", "", hidden=False, capped=False)
    writer = _Writer()
    walk = _Walk(writer, _hidden_selectors(parser))
    walk.run(root)
    writer.end_line()
    marked = _squeeze(writer.lines)
    text = "\n".join(line for line in marked.split("\n") if line != HISTORY_MARK).translate(MARKS).strip("\n")
    return HtmlText(text, marked, hidden=walk.hidden, capped=walk.capped or len(flat) < len(html))


def _too_deep(source: str) -> int:
    """Where nesting passes the cap: a tree builder looks through all open elements for each new one, which is quadratic."""
    depth = 0
    for match in _NESTING.finditer(source):
        depth = max(depth - 1, 0) if match.group(1) else depth + 1
        if depth > MAX_DEPTH:
            return match.start()
    return len(source)


class _Walk:
    """Depth-first over the tree with its own stack, so that no nesting is too deep."""

    def __init__(self, writer: _Writer, hidden_selectors: frozenset[str]) -> None:
        self._writer = writer
        self._hidden_selectors = hidden_selectors
        self.hidden = False
        self.capped = False

    def run(self, root: LexborNode) -> None:
        stack: list[tuple[Iterator[LexborNode], str]] = [(iter([root]), "")]
        states = [_State()]
        for _ in range(MAX_NODES):
            if not stack:
                return
            children, closing = stack[-1]
            node = next(children, None)
            if node is None:
                stack.pop()
                states.pop()
                self._leave(closing)
                continue
            state = self._enter(node, states[-1])
            if state is not None:
                stack.append((_children(node), node.tag or ""))
                states.append(state)
        self.capped = True

    def _enter(self, node: LexborNode, state: _State) -> _State | None:
        """Writes what stands before the children; None where there is nothing to go into."""
        tag = node.tag or ""
        if tag == "-text":
            self._writer.word(node.text_content or "", state)
            return None
        if tag in _SKIPPED or tag.startswith(("-", "!", "?")):
            return None
        attributes = {key: value or "" for key, value in node.attributes.items()}
        style = attributes.get("style", "")[:4000].casefold().replace(" ", "")
        if self._is_hidden(attributes, style, state):
            self.hidden = self.hidden or bool((node.text(deep=True) or "").strip(" \n\t\r\u00a0\u200b\u200c\u034f\u00ad\ufeff"))
            return None
        if "@" in tag:
            self._writer.word(f"<{tag}>", state)
        if tag == "br":
            self._writer.depth = state.depth if not self._writer.current else self._writer.depth
            self._writer.end_line(keep_empty=True)
            return None
        return self._open(tag, attributes, style, state)

    def _open(self, tag: str, attributes: dict[str, str], style: str, state: _State) -> _State:
        writer = self._writer
        if _marks_history(attributes):
            writer.mark()
        depth = state.depth
        quote = _quote(tag, attributes, style, writer)
        if quote:
            depth = min(depth + 1, MAX_QUOTE_DEPTH)
        if tag in _BLOCKS or quote:
            writer.end_line()
            writer.quote_begins = writer.quote_begins or quote == "sure"
            writer.blank_wanted = writer.blank_wanted or tag in _SPACED
        if tag == "li":
            writer.word("- ", state)
        if tag == "hr":
            writer.word("_" * 20, state)
        coloured = state.coloured or _coloured(attributes, style)
        return _State(depth=depth, pre=state.pre or tag == "pre", coloured=coloured)

    def _leave(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._writer.end_line()
            self._writer.blank_wanted = self._writer.blank_wanted or tag in _SPACED
        elif tag in ("td", "th") and self._writer.current:
            self._writer.current.append(" ")

    def _is_hidden(self, attributes: dict[str, str], style: str, state: _State) -> bool:
        if "hidden" in attributes or _HIDING.search(style):
            return True
        if self._hidden_selectors:
            names = {"." + name for name in attributes.get("class", "").split()} | {"#" + attributes.get("id", "")}
            if names & self._hidden_selectors:
                return True
        white = _WHITE_TEXT.search(style) or _WHITE_VALUE.match(attributes.get("color", "").casefold())
        return bool(white) and not state.coloured and not _coloured(attributes, style)


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _coloured(attributes: dict[str, str], style: str) -> bool:
    """Has it a background on which white can be read?"""
    background = _BACKGROUND.search(style)
    if background:
        return not _WHITE_VALUE.match(background.group(1).removesuffix("!important"))
    value = attributes.get("bgcolor", "").casefold()
    return bool(attributes.get("background")) or (bool(value) and not _WHITE_VALUE.match(value))


def _marks_history(attributes: dict[str, str]) -> bool:
    identifier = attributes.get("id", "")
    return bool(identifier and identifier.endswith(_HISTORY_IDS)) or bool(
        _OUTLOOK_LINE.search(attributes.get("style", "")[:2000])
    )


def _quote(tag: str, attributes: dict[str, str], style: str, writer: _Writer) -> Literal["", "doubtful", "sure"]:
    """A container of a mail program is a quotation for sure; a bare blockquote may be the writer's own."""
    identifier, classes = attributes.get("id", ""), attributes.get("class", "")
    if any(name in identifier for name in _QUOTE_IDS) or any(name in classes for name in _QUOTE_CLASSES):
        return "sure"
    if tag != "blockquote":
        return ""
    if attributes.get("type") == "cite" or attributes.get("cite"):
        return "sure"
    announced = writer.last_words().endswith((":", "："))
    if "gmail_quote" in classes:
        return "sure" if announced else ""
    indented = "border:none" in style or "border:0" in style  # a paragraph that Gmail or Outlook on the web indents
    return "" if indented else "doubtful"


def _hidden_selectors(parser: LexborHTMLParser) -> frozenset[str]:
    """Classes and ids that a style sheet hides on every screen; rules inside `@media` are for some screens only and do
    not count.
    """
    hidden: set[str] = set()
    for node in parser.css("style")[:20]:
        for selector, body in _top_rules((node.text(deep=True) or "")[:100_000]):
            if _HIDING.search(body.casefold().replace(" ", "").replace("\n", "")):
                hidden.update(name.strip() for name in selector.split(",") if re.fullmatch(r"\s*[.#][\w-]+\s*", name))
    return frozenset(hidden)


def _top_rules(css: str) -> Iterator[tuple[str, str]]:
    depth, start, selector, body_start = 0, 0, "", 0
    for position, char in enumerate(css):
        if char == "{":
            depth += 1
            if depth == 1:
                selector, body_start = css[start:position], position + 1
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                if "@" not in selector:
                    yield selector.rpartition("-->")[2].rpartition("<!--")[2].rpartition("*/")[2], css[body_start:position]
                start = position + 1


def _squeeze(lines: list[str]) -> str:
    """At most one blank line in a row, none at the ends."""
    result: list[str] = []
    for line in lines:
        if line.strip("> ") or not result or result[-1].strip("> "):
            result.append(line.rstrip() if line.strip("> ") else line.rstrip(" ") or "")
    return "\n".join(result).strip("\n")
