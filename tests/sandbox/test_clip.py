"""The film of the stand-ins is a real one."""

import pytest

from core.videos import inspect_video
from sandbox.pictures import clip
from sandbox.pictures.clip import RATIOS


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seconds", [1, 5, 8, 10, 60])
def test_a_film_is_whole_and_has_the_shape_and_length_that_were_asked_for(ratio: str, seconds: int) -> None:
    film = clip(seconds=seconds, ratio=ratio)
    seen = inspect_video(film)
    across, down = map(int, ratio.split(":"))
    assert seen.width * down == seen.height * across
    assert seen.seconds == pytest.approx(seconds, abs=0.001)
    assert len(film) <= 60_000


def test_the_same_film_comes_twice_and_another_note_makes_another_file() -> None:
    assert clip() == clip()
    one, other = clip(note="a red fox"), clip(note="雪")
    assert one != other
    assert inspect_video(one) == inspect_video(other) == inspect_video(clip())


def test_the_film_begins_to_play_before_all_of_it_is_there() -> None:
    assert clip().index(b"moov") < clip().index(b"mdat")


@pytest.mark.parametrize(("seconds", "ratio"), [(0.5, "1:1"), (61, "1:1"), (float("nan"), "1:1"), (5, "2:1")])
def test_there_is_no_film_of_another_shape_or_length(seconds: float, ratio: str) -> None:
    with pytest.raises(ValueError, match="film"):
        clip(seconds=seconds, ratio=ratio)
