"""Buttons: what is written can be read back, for ever and within 64 bytes; nothing else is taken for a button."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.buttons import PATTERN, Press, decode, encode
from core.client import ALPHABET, ID_LENGTH
from core.types import Action

PRESSES = st.builds(
    Press,
    action=st.sampled_from(Action),
    task_id=st.text(ALPHABET, min_size=ID_LENGTH, max_size=ID_LENGTH),
    index=st.none() | st.integers(0, 99),
)


@given(PRESSES)
def test_a_button_says_the_same_when_it_is_read_back(press: Press) -> None:
    assert decode(encode(press)) == press


@given(PRESSES)
def test_a_button_fits_telegrams_64_bytes(press: Press) -> None:
    assert len(encode(press).encode("ascii")) <= 64


@given(st.text() | st.from_regex(PATTERN) | st.from_regex(r"\Ai[0-9]:[a-z]+:[0-9a-z]*(:\d+)?\Z"))
def test_reading_any_text_gives_a_press_that_is_written_the_same_or_nothing(data: str) -> None:
    press = decode(data)
    assert press is None or encode(press) == data


@pytest.mark.parametrize(
    "data",
    [
        "",
        "again",
        "i1:again",
        "i1:again:",
        "i2:again:7h2k",
        "i1:dance:7h2k",
        "i1:again:7h2k:",
        "i1:again:7h2k:00",
        "i1:again:7h2k:٣",
        "i1:again:7h2k:100",
        "i1:again:7h2k\n",
        " i1:again:7h2k",
        "i1:AGAIN:7h2k",
    ],
)
def test_what_is_no_button_of_ours_is_not_read(data: str) -> None:
    assert decode(data) is None


def test_the_pattern_names_its_groups_for_discord() -> None:
    found = re.fullmatch(PATTERN, "i1:edit:7h2k9qz0m4xa:3")
    assert found is not None
    assert found.groupdict() == {"action": "edit", "task": "7h2k9qz0m4xa", "index": "3"}


@pytest.mark.parametrize("press", [Press(Action.EDIT, ""), Press(Action.EDIT, "a:b"), Press(Action.EDIT, "ab", -1)])
def test_a_button_that_could_not_be_read_back_is_not_written(press: Press) -> None:
    with pytest.raises(ValueError, match="no button"):
        encode(press)


def test_buttons_that_are_in_chats_today_keep_their_meaning() -> None:
    assert decode("i1:again:7h2k9qz0m4xa") == Press(Action.AGAIN, "7h2k9qz0m4xa")
    assert decode("i1:delete:7h2k9qz0m4xa:0") == Press(Action.DELETE, "7h2k9qz0m4xa", 0)
