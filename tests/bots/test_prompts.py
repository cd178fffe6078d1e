"""Flags: taken out of the prompt wherever and however people type them; prose stays prose."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bots.prompts import Parsed, parse, request
from core.errors import FlagInvalid, FlagUnknown, RequestError
from core.types import MediaRef, Operation, Request


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("a red fox", Parsed("a red fox")),
        ("", Parsed("")),
        (
            "a red fox --ar 16:9 --model flux-2-pro --n 2 --seed 42 --no text, blur",
            Parsed("a red fox", "flux-2-pro", "16:9", 2, 42, "text, blur"),
        ),
        ("--ratio 3:2 a fox --count 4 in snow --m dev", Parsed("a fox in snow", "dev", "3:2", 4)),
        ("a fox --negative blur --seed 0", Parsed("a fox", seed=0, negative="blur")),
        ("a fox --AR 16:9 --Seed 7", Parsed("a fox", ratio="16:9", seed=7)),
        # every spelling of the separator
        ("a fox --ar=16:9", Parsed("a fox", ratio="16:9")),
        ("a fox --ar= 16:9", Parsed("a fox", ratio="16:9")),
        ("a fox --ar:16:9", Parsed("a fox", ratio="16:9")),
        ("a fox --ar 16x9", Parsed("a fox", ratio="16:9")),
        ("a fox --ar 16×9", Parsed("a fox", ratio="16:9")),
        ("狐狸 --ar 16：9", Parsed("狐狸", ratio="16:9")),
        ("a fox --ar 1920/1080", Parsed("a fox", ratio="1920:1080")),
        # quotation marks
        ('a fox --ar "16:9" in snow', Parsed("a fox in snow", ratio="16:9")),
        ("a fox --ar '16:9'", Parsed("a fox", ratio="16:9")),
        ("a fox --model “flux-2-pro” now", Parsed("a fox now", model="flux-2-pro")),
        ('a fox --no "text, blur" in snow', Parsed("a fox in snow", negative="text, blur")),
        ("a fox --no 'don't do' x", Parsed("a fox x", negative="don't do")),
        ('a fox --no "never --seed 4 closed" ok', Parsed("a fox ok", negative="never --seed 4 closed")),
        ('a fox --no "open --seed 4', Parsed("a fox", seed=4, negative='"open')),
        # what phones make of two hyphens
        ("a fox —ar 16:9", Parsed("a fox", ratio="16:9")),
        ("a fox –n 2", Parsed("a fox", count=2)),
        ("a fox ——seed 42", Parsed("a fox", seed=42)),
        ("a fox −seed=42", Parsed("a fox", seed=42)),
        # white space
        ("a\nred\tfox\r\n\r\n--n 2", Parsed("a red fox", count=2)),
        ("a\u0000red\ud83dfox", Parsed("a red fox")),
        # said twice
        ("a fox --n 2 --n 3", Parsed("a fox", count=3)),
        ("a fox --no text --no blur", Parsed("a fox", negative="text, blur")),
    ],
)
def test_flags_are_taken_out_of_the_prompt(typed: str, parsed: Parsed) -> None:
    assert parse(typed) == parsed


@pytest.mark.parametrize(
    "prose",
    [
        "a well-known fox",
        "a fox -- or a cat",
        "a fox --",
        "a--n 2 b",
        "a fox—n 2",
        "-n 2 foxes",
        "--> this way",
        "a fox —sleeping — in snow",
        'a sign "--no entry"',
        "--16 degrees",
        "— a fox —",
        "--- a fox",
        "–",
    ],
)
def test_dashes_in_prose_stay_prose(prose: str) -> None:
    assert parse(prose) == Parsed(prose)


@pytest.mark.parametrize(
    ("typed", "flag"),
    [
        ("a fox --v 6", "--v"),
        ("--stylize=250 a fox", "--stylize"),
        ("a fox --n2", "--n2"),
        ("a fox --ar16:9", "--ar16"),
    ],
)
def test_an_unknown_flag_is_refused_with_the_known_ones(typed: str, flag: str) -> None:
    with pytest.raises(FlagUnknown) as refusal:
        parse(typed)
    assert refusal.value.params == {"flag": flag, "known": "--ar --model --n --seed --no"}


@pytest.mark.parametrize(
    ("typed", "flag", "value", "expected"),
    [
        ("a fox --ar wide", "--ar", "wide", "16:9"),
        ("a fox --ar 16:0", "--ar", "16:0", "16:9"),
        ("a fox --ar 16:9:1", "--ar", "16:9:1", "16:9"),
        ("a fox --ar", "--ar", "", "16:9"),
        ("a fox --ar --n 2", "--ar", "", "16:9"),
        ("a fox --ratio ''", "--ratio", "", "16:9"),
        ("a fox --n two", "--n", "two", "4"),
        ("a fox --count 1.5", "--count", "1.5", "4"),
        ("a fox --seed ٤٢", "--seed", "٤٢", "42"),
        (f"a fox --seed {'9' * 5000}", "--seed", "9" * 60, "42"),
        ("a fox --no", "--no", "", "text, watermark"),
        ("a fox --model", "--model", "", "flux-2-pro"),
        ("a fox --ar wide --ar 16:9", "--ar", "wide", "16:9"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_an_example(
    typed: str, flag: str, value: str, expected: str
) -> None:
    with pytest.raises(FlagInvalid) as refusal:
        parse(typed)
    assert refusal.value.params == {"flag": flag, "value": value, "expected": expected}


def test_a_value_out_of_range_is_left_for_the_model_to_judge() -> None:
    assert parse("a fox --n -3 --seed -1") == Parsed("a fox", count=-3, seed=-1)


_PIECES = st.sampled_from(
    [
        "--",
        "—",
        "–",
        "ar",
        "n",
        "no",
        "seed",
        "model",
        "=",
        ":",
        " ",
        '"',
        "'",
        "“",
        "”",
        "16:9",
        "2",
        "x",
        "\n",
        "\0",
        "狐",
    ]
)


@given(st.text() | st.lists(_PIECES | st.characters(), max_size=30).map("".join))
def test_any_text_at_all_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except RequestError:
        return
    assert parsed.prompt == " ".join(parsed.prompt.split())
    parsed.prompt.encode()  # a database takes it


_WORDS = st.text(st.characters(categories=["L", "M", "N", "S", "Po"], exclude_characters="\"'"), min_size=1, max_size=9)
_PHRASES = st.lists(_WORDS, min_size=1, max_size=5).map(" ".join)


@st.composite
def parsed_values(draw: st.DrawFn) -> Parsed:
    return Parsed(
        prompt=draw(_PHRASES),
        model=draw(st.none() | st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}\Z")),
        ratio=draw(st.none() | st.builds("{}:{}".format, st.integers(1, 9999), st.integers(1, 9999))),
        count=draw(st.none() | st.integers(1, 10)),
        seed=draw(st.none() | st.integers(0, 2**53)),
        negative=draw(st.none() | _PHRASES),
    )


def render(parsed: Parsed, dashes: str, separator: str, quote: str) -> str:
    """As a person would type it."""
    flags = {
        "ar": parsed.ratio,
        "model": parsed.model,
        "n": parsed.count,
        "seed": parsed.seed,
        "no": parsed.negative,
    }
    typed = (f"{dashes}{flag}{separator}{quote}{value}{quote}" for flag, value in flags.items() if value is not None)
    return " ".join((parsed.prompt, *typed))


@given(parsed_values(), st.sampled_from(["--", "—", "–"]), st.sampled_from(["=", " "]), st.sampled_from(["", '"', "'"]))
def test_what_is_written_as_flags_is_read_back(parsed: Parsed, dashes: str, separator: str, quote: str) -> None:
    for text in (parsed.prompt, parsed.negative or ""):
        assume(parse(text) == Parsed(text))
    assert parse(render(parsed, dashes, separator, quote)) == parsed


def test_a_request_carries_all_that_was_typed() -> None:
    picture = MediaRef("0" * 64, "image/png", 1, 1, 1)
    assert request(Parsed("a fox", "dev", "1:1", 2, 3, "text"), Operation.EDIT, [picture]) == Request(
        Operation.EDIT, "a fox", "dev", "1:1", 2, 3, "text", (picture,)
    )


def test_a_request_without_flags_is_for_one_picture() -> None:
    assert request(Parsed("a fox"), Operation.IMAGINE) == Request(Operation.IMAGINE, "a fox", count=1)
