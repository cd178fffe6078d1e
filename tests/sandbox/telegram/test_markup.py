"""HTML and MarkdownV2 are parsed as Telegram parses them."""

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.helpers import escape_markdown

from sandbox.telegram.entities import detect, leading_command, trim
from sandbox.telegram.errors import ApiError
from sandbox.telegram.markup import parse

Flat = tuple[Any, ...]


def flat(entities: list[dict[str, Any]]) -> list[Flat]:
    """type, offset, length and what else an entity carries."""
    order = ("type", "offset", "length")
    return [(*(item[name] for name in order), *(item[name] for name in item if name not in order)) for item in entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>a</b><i>b</i>", "ab", [("bold", 0, 1), ("italic", 1, 1)]),
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
        ("<b>a<u>b</u></b>", "ab", [("bold", 0, 2), ("underline", 1, 1)]),
        ("&lt;&amp;&gt;&quot;&#65;&#x42; &nbsp;", '<&>"AB &nbsp;', []),
        ('<a href="https://a.org/?x=1&amp;y=2">go</a>', "go", [("text_link", 0, 2, "https://a.org/?x=1&y=2")]),
        ('<pre><code class="language-py">x</code></pre>', "x", [("pre", 0, 1, "py")]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1)]),
        ('<tg-emoji emoji-id="5">x</tg-emoji>', "x", [("custom_emoji", 0, 1, "5")]),
        ("<B>a</>", "a", [("bold", 0, 1)]),
        ("<b></b>", "", []),
        (
            '<a href="a.org">x</a><a href="a.org/y">x</a><a href="no">x</a>',
            "xxx",
            [("text_link", 0, 1, "http://a.org/"), ("text_link", 1, 1, "http://a.org/y")],
        ),
    ],
)
def test_html_is_parsed(source: str, text: str, entities: list[Flat]) -> None:
    parsed, found = parse(source, "HTML")
    assert (parsed, flat(found)) == (text, entities)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("é<fox>", 'Unsupported start tag "fox" at byte offset 2'),
        ("1 < 2 > 1", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ('<tg-emoji emoji-id="x">x</tg-emoji>', "Invalid custom emoji identifier specified"),
    ],
)
def test_wrong_html_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(source, "HTML")
    assert caught.value.description == f"Bad Request: can't parse entities: {reason}"


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*a* _b_ __c__ ~d~ ||e||", "a b c d e", [("bold", 0, 1), ("italic", 2, 1), ("underline", 4, 1),
         ("strikethrough", 6, 1), ("spoiler", 8, 1)]),
        ("*a _b_*", "a b", [("bold", 0, 3), ("italic", 2, 1)]),
        (r"1\.5 \* 2", "1.5 * 2", []),
        ("`a.b` ```py\nx = 1```", "a.b x = 1", [("code", 0, 3), ("pre", 4, 5, "py")]),
        (r"[go](https://a.org/\))", "go", [("text_link", 0, 2, "https://a.org/)")]),
        ("![x](tg://emoji?id=5)", "x", [("custom_emoji", 0, 1, "5")]),
        (">a\n>b\nc", "a\nb\nc", [("blockquote", 0, 4)]),
        (">a\n>b||", "a\nb", [("expandable_blockquote", 0, 3)]),
    ],
)  # fmt: skip
def test_markdown_v2_is_parsed(source: str, text: str, entities: list[Flat]) -> None:
    parsed, found = parse(source, "MarkdownV2")
    assert (parsed, flat(found)) == (text, entities)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a > b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("a | b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("é *a", "Can't find end of Bold entity at byte offset 3"),
        ("`a", "Can't find end of Code entity at byte offset 0"),
        ("[a](b", "Can't find end of a URL at byte offset 4"),
        ("![a]", "Custom emoji entity must contain a tg://emoji URL"),
    ],
)
def test_wrong_markdown_v2_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(source, "markdownv2")
    assert caught.value.description == f"Bad Request: can't parse entities: {reason}"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_any_escaped_text_survives_markdown_v2(text: str) -> None:
    assert parse(escape_markdown(text, version=2), "MarkdownV2") == (text, [])


@given(TEXTS)
def test_any_escaped_text_survives_html(text: str) -> None:
    assert parse(html.escape(text), "HTML") == (text, [])


@given(st.text(st.sampled_from("*_~`|[]()!>\\\n a😀.<b/i&=\"'"), max_size=30), st.sampled_from(["HTML", "MarkdownV2"]))
def test_any_text_is_parsed_or_refused_and_entities_stay_inside(source: str, mode: str) -> None:
    try:
        text, entities = parse(source, mode)
    except ApiError:
        return
    length = len(text.encode("utf-16-le")) // 2
    assert all(item["length"] > 0 and item["offset"] + item["length"] <= length for item in entities)


def test_nothing_is_found_inside_code_or_links() -> None:
    text, marked = parse("<code>/imagine</code> /edit", "HTML")
    assert flat(detect(text, marked)) == [("code", 0, 8), ("bot_command", 9, 5)]


def test_trimming_moves_the_entities_along() -> None:
    assert trim("  \n ab ", [{"type": "bold", "offset": 4, "length": 3}]) == (
        "ab", [{"type": "bold", "offset": 0, "length": 2}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/imagine a fox", ("imagine", None)),
        ("/Imagine@Some_Bot", ("imagine", "some_bot")),
        ("/imagine@x/y", None),
        ("/", None),
        (" /imagine", None),
        ("/usr/bin", None),
    ],
)
def test_a_leading_command_is_recognized(text: str, command: tuple[str, str | None] | None) -> None:
    assert leading_command(text) == command
