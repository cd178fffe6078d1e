"""Fitting text into what a platform takes, without breaking a letter."""

import unicodedata
from collections.abc import Callable

_ELLIPSIS = "…"
_JOINER = "\u200d"


def utf16_length(text: str) -> int:
    """How Telegram counts: UTF-16 code units (its entity offsets are, so its limits are taken to be)."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def cut(text: str, limit: int, length: Callable[[str], int] = utf16_length) -> str:
    """``text`` if it measures at most ``limit``, else as much of its beginning as fits before a "…"."""
    return longest(text, lambda part: part, limit, length)


def longest(text: str, render: Callable[[str], str], limit: int, length: Callable[[str], int]) -> str:
    """``render`` of the longest beginning of ``text`` with which it measures at most ``limit``.

    What is cut ends in "…"; emoji with modifiers, flags and letters with accents stay whole. When nothing fits, the
    result is ``render("")``, however long.
    """
    whole = render(text)
    if length(whole) <= limit:
        return whole
    low, high = 0, len(text)  # cutting at `low` fits (or nothing does), at `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        if length(render(_begin(text, middle))) <= limit:
            low = middle
        else:
            high = middle
    # Escaping need not grow evenly with the text: step back until it really fits.
    while low > 0:
        shorter = render(_begin(text, low))
        if length(shorter) <= limit:
            return shorter
        low -= 1
    ellipsis = render(_ELLIPSIS)
    return ellipsis if length(ellipsis) <= limit else render("")


def pages(text: str, limit: int, length: Callable[[str], int] = utf16_length) -> list[str]:
    """``text`` in messages of at most ``limit``, split at line ends; a single line that is longer is cut."""
    messages: list[str] = []
    page = ""
    for line in text.split("\n"):
        longer = f"{page}\n{line}" if page else line
        if length(longer) <= limit:
            page = longer
            continue
        if page.strip():
            messages.append(page.strip("\n"))
        page = cut(line, limit, length)
    if page.strip():
        messages.append(page.strip("\n"))
    return messages


def _begin(text: str, end: int) -> str:
    return text[: _boundary(text, end)].rstrip() + _ELLIPSIS


def _boundary(text: str, end: int) -> int:
    """The nearest place at or before ``end`` that is not inside what a reader sees as one letter."""
    while 0 < end < len(text) and (
        _extends(text[end]) or text[end - 1] == _JOINER or (_is_flag_half(text[end]) and _flag_halves(text, end) % 2)
    ):
        end -= 1
    return end


def _extends(letter: str) -> bool:
    return (
        letter == _JOINER
        or unicodedata.category(letter) in {"Mn", "Mc", "Me"}  # accents, variation selectors
        or "\U0001f3fb" <= letter <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= letter <= "\U000e007f"  # tags of regional flags
    )


def _is_flag_half(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _flag_halves(text: str, end: int) -> int:
    start = end
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return end - start
