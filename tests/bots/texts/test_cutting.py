"""Fitting: never longer than allowed, never a broken letter, nothing lost that would have fitted."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.texts.cutting import cut, longest, pages, utf16_length
from tests.bots.texts.samples import PROMPTS

FAMILY = "👨‍👩‍👧‍👦"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_length_is_that_of_utf_16(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le")) // 2


def test_half_a_surrogate_pair_counts_as_one_unit() -> None:
    assert utf16_length("a\ud83d") == 2


@given(PROMPTS, st.integers(0, 40), st.sampled_from([utf16_length, len]))
def test_what_is_cut_fits_and_is_the_beginning(text: str, limit: int, length: Callable[[str], int]) -> None:
    short = cut(text, limit, length)
    assert length(short) <= limit
    if short != text:
        assert length(text) > limit
        assert short in {"", "…"} or (short.endswith("…") and text.startswith(short[:-1]))


@given(PROMPTS, st.integers(1, 40))
def test_a_cut_never_falls_inside_a_letter(text: str, limit: int) -> None:
    short = cut(text, limit)
    kept, rest = short[:-1], text[len(short) - 1 :]
    if short in {text, "…"} or not kept or kept != kept.rstrip() or rest[:1].isspace():
        return
    assert not unicodedata.category(rest[0]).startswith("M")
    assert rest[0] != "\u200d"
    assert kept[-1] != "\u200d"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("abc def", 5, "abc…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("😀😀😀", 4, "😀…"),
        ("a" + FAMILY * 2, 12, "a…"),
        ("a" + FAMILY * 2, 13, f"a{FAMILY}…"),
        ("ab👍🏽c", 5, "ab…"),
        ("🇩🇪🇫🇷", 7, "🇩🇪…"),
        ("ae\u0301e\u0301", 4, "ae\u0301…"),
    ],
)
def test_as_much_is_kept_as_fits(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short


@given(st.text(st.sampled_from("a*_`\\"), max_size=60), st.integers(0, 60))
def test_the_measure_is_of_the_escaped_text(text: str, limit: int) -> None:
    def escape(part: str) -> str:
        return "".join(f"\\{letter}" if letter in "*_`\\" else letter for letter in part)

    written = longest(text, escape, limit, len)
    assert len(written) <= limit
    if written != escape(text):
        assert len(escape(text)) > limit


def test_what_is_around_the_text_is_kept_even_when_nothing_else_fits() -> None:
    assert longest("a red fox", lambda part: f"<{part}>", 2, len) == "<>"


@given(PROMPTS, st.integers(1, 30))
def test_every_page_fits_and_no_line_that_fits_is_lost(text: str, limit: int) -> None:
    written = pages(text, limit)
    assert all(0 < utf16_length(page) <= limit for page in written)
    together = "\n".join(written).split("\n")
    assert all(line in together for line in text.split("\n") if line.strip() and utf16_length(line) <= limit)


def test_a_text_that_fits_is_one_page() -> None:
    assert pages("a\n\nb", 4) == ["a\n\nb"]


def test_a_long_text_is_split_at_line_ends() -> None:
    assert pages("one two\nthree\nfour", 13) == ["one two\nthree", "four"]
