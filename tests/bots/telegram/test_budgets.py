"""The budgets of a chat and of all, by a clock that moves only when told."""

import heapq
import itertools
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.telegram.budgets import (
    GROUP_MESSAGES,
    GROUP_SECONDS,
    KEPT_FROM_ANSWERS,
    KEPT_FROM_PROGRESS,
    LATE,
    MESSAGES,
    Budgets,
    Kind,
)
from bots.telegram.open_tasks import FORGET_AFTER, OpenTasks
from tests.core.build import a_request

GROUP, PERSON = -100, 100
RESULT, ANSWER, PROGRESS = Kind.RESULT, Kind.ANSWER, Kind.PROGRESS


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def write(budgets: Budgets, count: int = 1, chat: int = GROUP) -> None:
    budgets.begin(chat, count)
    budgets.end(chat, count)


# -- a group ----------------------------------------------------------------------------------------------------------


def test_a_group_takes_twenty_a_minute_and_then_room_comes_back_as_the_minute_passes() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    write(budgets)
    clock.now += 10
    write(budgets, GROUP_MESSAGES - 1)
    assert budgets.wait(GROUP, RESULT) == GROUP_SECONDS - 10
    clock.now += GROUP_SECONDS - 10
    assert budgets.wait(GROUP, RESULT) == 0
    assert budgets.wait(GROUP, RESULT, 2) == 10
    clock.now += 10
    assert budgets.wait(GROUP, RESULT, GROUP_MESSAGES) == 0


def test_what_is_under_way_counts_and_what_was_refused_does_not() -> None:
    budgets = Budgets(Seconds())
    budgets.begin(GROUP, GROUP_MESSAGES)
    assert budgets.wait(GROUP, RESULT) == GROUP_SECONDS
    budgets.end(GROUP, GROUP_MESSAGES, written=False)
    assert budgets.wait(GROUP, RESULT, GROUP_MESSAGES) == 0


def test_progress_leaves_the_kept_part() -> None:
    budgets = Budgets(Seconds())
    write(budgets, GROUP_MESSAGES - KEPT_FROM_PROGRESS)
    assert budgets.wait(GROUP, PROGRESS) > 0
    assert budgets.wait(GROUP, RESULT, KEPT_FROM_PROGRESS) == 0


def test_progress_leaves_room_for_the_last_words_of_all_tasks_that_are_open() -> None:
    budgets = Budgets(Seconds(), room=lambda chat: 15)
    write(budgets, 4)
    assert budgets.wait(GROUP, PROGRESS) == 0
    write(budgets)
    assert budgets.wait(GROUP, PROGRESS) > 0
    assert budgets.wait(GROUP, ANSWER, 15) == 0


def test_answers_leave_room_for_results_that_wait_and_only_for_these() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    write(budgets, GROUP_MESSAGES)
    clock.now += 10
    assert budgets.wait(GROUP, ANSWER) == GROUP_SECONDS - 10
    waits = [budgets.wait(GROUP, RESULT) for _ in range(15)]
    clock.now += waits[0]
    write(budgets, GROUP_MESSAGES - KEPT_FROM_ANSWERS)
    assert budgets.wait(GROUP, ANSWER) > 0
    assert budgets.wait(GROUP, RESULT) == 0
    clock.now += LATE
    assert budgets.wait(GROUP, ANSWER) == 0


def test_progress_leaves_room_for_results_that_wait() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    write(budgets, GROUP_MESSAGES - 9)
    assert budgets.wait(GROUP, RESULT, 10) > 0
    clock.now += GROUP_SECONDS
    write(budgets, GROUP_MESSAGES - 10)
    assert budgets.wait(GROUP, PROGRESS) > 0
    assert budgets.wait(GROUP, RESULT, 10) == 0


@settings(max_examples=40, deadline=None)
@given(
    singles=st.integers(12, 19),  # a minute
    albums=st.lists(st.tuples(st.integers(2, 10), st.floats(60, 120)), min_size=1, max_size=3),
    late=st.lists(st.floats(0, LATE - 0.1), min_size=20, max_size=20),
)
def test_an_album_comes_within_minutes_however_many_single_results_come_and_these_come_too(
    singles: int, albums: list[tuple[int, float]], late: list[float]
) -> None:
    clock = Seconds()
    begin, budgets, number, delays = clock.now, Budgets(clock), itertools.count(), itertools.cycle(late)
    came = [(60 / singles * each, 1) for each in range(10 * singles)] + [(at, cost) for cost, at in albums]
    due = [(begin + at, next(number), cost, begin + at) for at, cost in came]
    heapq.heapify(due)
    waited: dict[int, float] = {}
    while due:
        clock.now, place, cost, since = heapq.heappop(due)
        if (wait := budgets.wait(GROUP, RESULT, cost)) > 0:
            heapq.heappush(due, (clock.now + wait + next(delays), place, cost, since))
            continue
        write(budgets, cost)
        waited[cost] = max(waited.get(cost, 0.0), clock.now - since)
    assert max(waited[cost] for cost, _ in albums) <= 3 * GROUP_SECONDS


def test_private_chats_have_no_window() -> None:
    budgets = Budgets(Seconds())
    write(budgets, 100, PERSON)
    assert budgets.wait(PERSON, PROGRESS) == 0


_STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 7.0, 31.0]),  # seconds since the one before
        st.sampled_from(list(Kind)),
        st.integers(1, 10),  # messages
        st.sampled_from([0.0, 0.3, 20.0]),  # seconds it is under way
        st.booleans(),  # whether Telegram counts it at its beginning or at its end
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=_STEPS, room=st.integers(0, 30))
def test_no_minute_ever_has_more_than_twenty_whenever_telegram_counts_them(
    steps: list[tuple[float, Kind, int, float, bool]], room: int
) -> None:
    clock = Seconds()
    budgets = Budgets(clock, room=lambda chat: room)
    under_way: list[tuple[float, int]] = []
    counted: list[tuple[float, int]] = []

    def pass_by(until: float) -> None:
        for end, cost in sorted(under_way):
            if end <= until:
                clock.now = end
                budgets.end(GROUP, cost)
                under_way.remove((end, cost))
        clock.now = until

    for pause, kind, cost, seconds, at_once in steps:
        pass_by(clock.now + pause)
        if budgets.wait(GROUP, kind, cost) == 0:
            budgets.begin(GROUP, cost)
            under_way.append((clock.now + seconds, cost))
            counted.append((clock.now if at_once else clock.now + seconds, cost))
    minute: deque[tuple[float, int]] = deque()
    for at, cost in sorted(counted):
        minute.append((at, cost))
        while minute[0][0] <= at - GROUP_SECONDS:
            minute.popleft()
        assert sum(cost for _, cost in minute) <= GROUP_MESSAGES


@given(
    results=st.lists(st.integers(1, 5), min_size=1, max_size=20).filter(lambda costs: sum(costs) <= GROUP_MESSAGES),
    edits=st.integers(0, 60),
    pauses=st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=60, max_size=60),
)
def test_progress_keeps_no_result_waiting(results: list[int], edits: int, pauses: list[float]) -> None:
    clock = Seconds()
    waiting = list(results)
    budgets = Budgets(clock, room=lambda chat: sum(waiting))
    for number in range(edits):
        clock.now += pauses[number]
        if budgets.wait(GROUP, PROGRESS) == 0:
            write(budgets)
    while waiting:
        assert budgets.wait(GROUP, RESULT, waiting[0]) == 0
        write(budgets, waiting.pop(0))


# -- pauses -----------------------------------------------------------------------------------------------------------


def test_a_pause_holds_that_chat_alone_and_ends() -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    budgets.pause(PERSON, 30)
    budgets.pause(PERSON, 5)
    assert budgets.wait(PERSON, RESULT) == 30
    assert budgets.wait(GROUP, RESULT) == 0
    clock.now += 30
    assert budgets.wait(PERSON, RESULT) == 0


@pytest.mark.parametrize(("apart", "everybody_waits"), [(0.3, True), (0.8, False)])
def test_three_chats_that_are_refused_at_once_mean_all_of_the_bot(apart: float, everybody_waits: bool) -> None:
    clock = Seconds()
    budgets = Budgets(clock)
    for chat, seconds in ((-1, 30), (-2, 5), (-2, 7), (3, 20)):
        budgets.pause(chat, seconds)
        clock.now += apart
    assert (budgets.wait(GROUP, RESULT) > 0) is everybody_waits
    clock.now += 5
    assert budgets.wait(GROUP, RESULT) == 0
    assert budgets.wait(-1, RESULT) > 0


def test_all_chats_together_take_thirty_a_second() -> None:
    clock = Seconds()
    overall = Budgets(clock).overall
    overall.begin(MESSAGES)
    overall.end(MESSAGES, written=True)
    clock.now += 0.25
    assert overall.wait(1) == 0.75
    clock.now += 0.75
    assert overall.wait(MESSAGES) == 0


# -- the tasks that are open ------------------------------------------------------------------------------------------


def test_open_tasks_are_counted_by_their_last_words_until_they_end_or_are_forgotten() -> None:
    clock = Seconds()
    tasks = OpenTasks(clock)
    tasks.seen(GROUP, "one", a_request("a red fox"))
    tasks.seen(GROUP, "album", a_request("a red fox", count=3))
    tasks.seen(PERSON, "other", a_request("a red fox"))
    assert (tasks.messages(GROUP), tasks.messages(PERSON)) == (1 + 4, 0)
    tasks.ended(GROUP, "one")
    assert tasks.messages(GROUP) == 4
    clock.now += FORGET_AFTER
    tasks.seen(GROUP, "late", a_request("a red fox"))
    clock.now += 1
    assert tasks.messages(GROUP) == 1
    tasks.seen(GROUP, "late", a_request("a red fox"))
    assert tasks.messages(GROUP) == 1
