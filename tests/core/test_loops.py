"""What the loops share."""

from core.loops import Silence, Steps
from core.testing import ManualClock


def test_silence_is_counted_from_the_last_new_sign() -> None:
    silence = Silence(patience=20.0, gap=10.0)
    heard = [({"a": 1, "b": 1}, 0.0), ({"a": 1, "b": 2}, 9.0), ({"a": 1, "b": 2}, 18.0), ({"a": 1, "b": 2}, 20.0)]
    assert [silence.of(signs, at) for signs, at in heard] == [set(), set(), set(), {"a"}]
    assert silence.of({"a": 1, "b": 2}, 29.0) == {"a", "b"}
    assert silence.of({}, 30.0) == set()


def test_after_a_break_everybody_gets_the_time_for_a_sign_again() -> None:
    silence = Silence(patience=20.0, gap=10.0)
    assert [silence.of({"a": 1}, at) for at in (0.0, 10.0, 21.0, 31.0, 40.0)] == [set()] * 5
    assert silence.of({"a": 1}, 41.0) == {"a"}


def test_a_clock_that_is_set_is_noticed_until_that_was_dealt_with() -> None:
    steps, clock = Steps(), ManualClock()
    assert steps.by(clock(), 100.0) is None, "nobody knows what the clock was before"
    steps.noted(clock(), 100.0)
    assert steps.by(clock.advance(10), 110.0) == 0
    assert [steps.by(clock.advance(3601), 111.0), steps.by(clock.advance(1), 112.0)] == [3600, 3600]
    steps.noted(clock(), 112.0)
    assert steps.by(clock.advance(1 - 3600), 113.0) == -3600
    steps.noted(clock(), 113.0)
    assert steps.by(clock.advance(5 - 20), 118.0) == 0, "it was corrected a little"
    assert steps.by(clock.advance(5 - 20), 123.0) == 0, "and a little again"
