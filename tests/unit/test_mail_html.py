"""HTML to text: lines as a reader sees them, quotations marked, hidden text dropped."""

import time

import pytest

from caseworker.mail.html import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<div>One</div><div>Two <b>bold</b> &amp; more</div>", "One\nTwo bold & more"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<table><tr><th>Order</th><td>4711</td></tr><tr><th>Size</th><td>42</td></tr></table>", "Order 4711\nSize 42"),
        ("<div>a</div><blockquote>b<blockquote>c</blockquote></blockquote><div>d</div>", "a\n\n> b\n>\n>> c\n\nd"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a&nbsp;b\n  c", "a b c"),
        ("<style>p{}</style><script>x()</script><title>t</title>ok", "ok"),
        ("Jane <jane@example.com> wrote", "Jane <jane@example.com> wrote"),
        ("", ""),
        ("<p></p>", ""),
    ],
)
def test_text(html: str, text: str) -> None:
    assert html_to_text(html).text.replace("> > ", ">> ") == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='display:none'>x</div>",
        "<div style='DISPLAY : None !important'>x</div>",
        "<span style='font-size:0px'>x</span>",
        "<span style='color:#FFFFFF'>x</span>",
        "<font color='white'>x</font>",
        "<div style='background:#fff'><span style='color: rgb(255, 255, 255)'>x</span></div>",
        "<div style='visibility:hidden'>x</div>",
        "<div style='opacity:0'>x</div>",
        "<div style='position:absolute;left:-9999px'>x</div>",
        "<div style='mso-hide:all'>x</div>",
        "<p hidden>x</p>",
        "<style>.q { display: none }</style><p class='a q'>x</p>",
    ],
)
def test_hidden_text_is_dropped_and_flagged(hidden: str) -> None:
    result = html_to_text(f"<p>Hello</p>{hidden}")
    assert result.text == "Hello"
    assert result.hidden


@pytest.mark.parametrize(
    "shown",
    [
        "<td bgcolor='#003366'><span style='color:#fff'>x</span></td>",
        "<div style='background-color:#036'><font color='white'>x</font></div>",
        "<div style='font-size:0.9em'>x</div>",
        "<div style='opacity:0.9'>x</div>",
        "<style>@media print { .q { display: none } }</style><p class='q'>x</p>",
        "<div style='background-color:white'>x</div>",
    ],
)
def test_what_a_reader_sees_is_kept(shown: str) -> None:
    result = html_to_text(f"<table><tr><td>Hello</td>{shown}</tr></table>")
    assert "x" in result.text
    assert not result.hidden


def test_an_empty_hidden_element_is_no_matter() -> None:
    assert not html_to_text("<p>Hello</p><div style='display:none'>&nbsp;\u200c</div>").hidden


@pytest.mark.parametrize("tag", ["div", "blockquote", "b", "span"])
def test_deep_nesting(tag: str) -> None:
    started = time.process_time()
    result = html_to_text("<p>Hello</p>" + f"<{tag}>" * 50_000 + "deep")
    assert time.process_time() - started < 3
    assert result.capped
    assert result.text.startswith("Hello")
