"""The table of moves, cell by cell."""

import itertools

import pytest

from core.states import ENDED, RUNNING, TABLE, IllegalMove, Move, moved
from core.types import OrderState


@pytest.mark.parametrize(("state", "move"), list(itertools.product(OrderState, Move)))
def test_every_cell_leads_where_the_table_says_or_is_refused(state: OrderState, move: Move) -> None:
    drawn = {
        ("queued", "claim"): "starting",
        ("queued", "cancel"): "cancelled",
        ("queued", "fail"): "failed",
        ("starting", "accept"): "waiting",
        ("starting", "retry"): "queued",
        ("starting", "finish"): "finished",
        ("starting", "fail"): "failed",
        ("waiting", "accept"): "waiting",
        ("waiting", "finish"): "finished",
        ("waiting", "fail"): "failed",
    }
    expected = drawn.get((state.value, move.value))
    if expected is None:
        with pytest.raises(IllegalMove):
            moved(state, move)
    else:
        assert moved(state, move) == expected


def test_nothing_leads_out_of_an_ended_state() -> None:
    assert not [state for state, _ in TABLE if state in ENDED]


def test_every_state_is_queued_running_or_ended() -> None:
    assert {OrderState.QUEUED} | RUNNING | ENDED == set(OrderState)
