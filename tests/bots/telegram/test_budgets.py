"""The budget of a chat, by a clock that moves only when told."""

from bots.telegram.budgets import GROUP_MESSAGES, GROUP_SECONDS, KEPT_FOR_RESULTS, Budgets

GROUP, PERSON = -100, 100


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_group_takes_twenty_a_minute_and_then_room_comes_back_as_the_minute_passes() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    budgets.written(GROUP)
    clock.now += 10
    budgets.written(GROUP, GROUP_MESSAGES - 1)
    assert budgets.wait(GROUP) == GROUP_SECONDS - 10
    assert budgets.wait(GROUP, 2) == GROUP_SECONDS
    clock.now += GROUP_SECONDS - 10
    assert budgets.wait(GROUP) == 0
    clock.now += 10
    assert budgets.wait(GROUP, GROUP_MESSAGES) == 0


def test_progress_leaves_the_kept_part() -> None:
    budgets = Budgets(Seconds())
    budgets.written(GROUP, GROUP_MESSAGES - KEPT_FOR_RESULTS)
    assert budgets.wait(GROUP, keep=KEPT_FOR_RESULTS) > 0
    assert budgets.wait(GROUP, KEPT_FOR_RESULTS) == 0


def test_private_chats_have_no_window() -> None:
    budgets = Budgets(Seconds())
    budgets.written(PERSON, 100)
    assert budgets.wait(PERSON) == 0


def test_a_pause_holds_that_chat_alone_and_ends() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    budgets.pause(PERSON, 30)
    budgets.pause(PERSON, 5)
    assert budgets.wait(PERSON) == 30
    assert budgets.wait(GROUP) == 0
    clock.now += 30
    assert budgets.wait(PERSON) == 0
