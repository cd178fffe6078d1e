"""What the loops share."""

from datetime import timedelta

from core.loops import Attention
from core.testing import ManualClock


def test_attention_lasts_until_it_is_broken_off_and_begins_anew() -> None:
    attention, clock = Attention(timedelta(seconds=10)), ManualClock()
    lasted = [attention.paid(clock.advance(seconds)).total_seconds() for seconds in (0, 8, 10, 11, 5)]
    assert lasted == [0, 8, 18, 0, 5]
