"""The prompts of a description, one by one."""

from typing import Any

import pytest

from core.gateways.midjourney_texts import split, texts_of

FOUR = "1️⃣ a red fox --ar 1:1\n\n2️⃣ a fox\nin snow --ar 1:1\n\n3️⃣ winter\n\n4️⃣ an animal"
SHORTENED = """## Important tokens
**fox** (1.00), **snow** (0.40), very (0.02)

## Shortened prompts
1️⃣ red fox, deep snow

2️⃣ fox, snow

3️⃣ fox
"""


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (FOUR, ("a red fox --ar 1:1", "a fox in snow --ar 1:1", "winter", "an animal")),
        (SHORTENED, ("red fox, deep snow", "fox, snow", "fox")),
        ("1\u20e3 one\n2\u20e3 two", ("one", "two")),
        ("1. one\n2. two\n 3) three", ("one", "two", "three")),
        ("① one\n② two", ("one", "two")),
        ("a fox\n\nan owl\n", ("a fox", "an owl")),
        ("2.5 metres of fox", ("2.5 metres of fox",)),
        ("1️⃣ in the style of [Ana Li](<https://x.example/a b>) and [ink](https://x.example/q?a=1)",
         ("in the style of [Ana Li](<https://x.example/a b>) and ink",)),
        ("1️⃣ a [fox](<https://x.example/fox>) --v 7\n\nnot a prompt any more", ("a fox --v 7",)),
        ("1️⃣ \n\n2️⃣ two", ("two",)),
        ("", ()),
    ],
)  # fmt: skip
def test_a_text_is_split_at_its_numbers_or_else_at_its_lines(text: str, texts: tuple[str, ...]) -> None:
    assert split(text) == texts


@pytest.mark.parametrize(
    ("task", "described", "texts"),
    [
        ({"properties": {"finalPrompt": "1️⃣ a"}, "promptEn": "x", "prompt": "y"}, True, ("a",)),
        ({"properties": {"finalPrompt": ""}, "promptEn": "1️⃣ b", "prompt": "y"}, True, ("b",)),
        ({"properties": None, "prompt": "c\nd"}, True, ("c", "d")),
        ({"properties": None, "prompt": "the person's own words"}, False, ()),
        ({"properties": [1], "promptEn": 7}, True, ()),
    ],
)
def test_the_words_a_person_has_given_are_no_result(
    task: dict[str, Any], described: bool, texts: tuple[str, ...]
) -> None:
    assert texts_of(task, described=described) == texts
