"""What is to be shown and handed over, by whom and when."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from core.errors import TaskUnknown
from core.orders import FIRST_LOOK
from core.store import SqlStore, open_store
from core.testing import ManualClock
from core.types import Address, DeliveryState, PostedMessage, Receipt
from tests.core.store.making import (
    EVERYWHERE,
    FREE,
    cancel,
    claim_one,
    finish,
    finished_task,
    hand_over,
    new_task,
    submit,
    wait_at_gateway,
)

FRONTS = ["telegram"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new task's first look is not put off here, but for where that is the question."""
    monkeypatch.setattr("core.store.outbox.FIRST_LOOK", timedelta(0))


async def due(store: SqlStore, clock: ManualClock, limit: int = 99, busy: Collection[str] = ()) -> list[str]:
    return [task.id for task in await store.outbox_due(FRONTS, clock(), limit, busy)]


async def test_a_new_task_is_not_shown_before_its_first_look_but_its_result_is_handed_over(
    store: SqlStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    task, quick = await submit(store, clock(), "ana"), await submit(store, clock(), "ben")
    orders = {order.task_id: order for order in await store.claim(clock(), room=EVERYWHERE, running=9)}
    await finish(store, orders[quick.id], clock())
    assert await due(store, clock) == [quick.id]
    clock.advance(FIRST_LOOK.total_seconds())
    assert await due(store, clock) == [task.id]


async def test_a_new_task_is_shown_and_then_left_until_it_changes(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    assert await due(store, clock) == [task.id]
    await store.shown(task.id, Address("telegram", {"status": 5}), 0, None)
    clock.advance(3600)
    assert await due(store, clock) == []
    order = await claim_one(store, clock())
    (changed,) = await store.outbox_due(FRONTS, clock(), 9)
    assert (changed.revision, changed.address) == (1, Address("telegram", {"status": 5}))
    await store.shown(task.id, changed.address, 1, clock() + timedelta(seconds=10))
    clock.advance(9)
    assert await due(store, clock) == []
    clock.advance(1)
    assert await due(store, clock) == [task.id]  # to be looked at again, although nothing changed
    await finish(store, order, clock())


async def test_a_change_waits_until_the_screen_can_follow_and_the_last_word_does_not(
    store: SqlStore, clock: ManualClock
) -> None:
    quick, slow = await submit(store, clock(), "ana"), await submit(store, clock(), "ben")
    orders = {order.task_id: order for order in await store.claim(clock(), room=EVERYWHERE, running=9)}
    until = clock() + timedelta(seconds=3)
    # One change comes before it is known what is on the screen, the other one after it.
    await store.shown(quick.id, quick.address, 0, None, until)
    await store.shown(slow.id, slow.address, 1, None, until)
    await wait_at_gateway(store, orders[slow.id], clock())
    clock.advance(2.9)
    assert await due(store, clock) == []
    clock.advance(0.1)
    assert sorted(await due(store, clock)) == sorted([quick.id, slow.id])
    await store.shown(quick.id, quick.address, 1, None, clock() + timedelta(seconds=3))
    await finish(store, orders[quick.id], clock())
    assert await due(store, clock, busy=[slow.id]) == [quick.id]


async def test_what_one_hand_has_no_other_gets(store: SqlStore, database_url: str, clock: ManualClock) -> None:
    """Last words: by their lease, of a minute, wherever they are. Progress: only where there may be other hands."""
    for number in range(12):
        await submit(store, clock(), f"p{number}")
    ready = [await finish(store, order, clock()) for order in await store.claim(clock(), room=EVERYWHERE, running=9)]
    other = await open_store(database_url)

    async def taken() -> list[str]:
        several = ((store, other)[number % 2].outbox_due(FRONTS, clock(), 2) for number in range(9))
        return sorted(task.id for part in await asyncio.gather(*several) for task in part)

    assert await taken() == sorted(task.id for task in ready)
    clock.advance(59)
    assert await due(store, clock) == []
    clock.advance(1)
    assert sorted(await due(store, clock)) == sorted(task.id for task in ready)
    progress = [await submit(store, clock(), f"q{number}") for number in range(12)]
    if database_url.startswith("postgresql"):
        assert await taken() == sorted(task.id for task in progress)
    await other.close()


async def test_all_that_is_leased_is_given(store: SqlStore, clock: ManualClock) -> None:
    """Last words and progress have limits of their own: what is leased and not given would wait for a minute."""
    for number in range(6):
        await submit(store, clock(), f"p{number}")
    for order in await store.claim(clock(), room=EVERYWHERE, running=9, limit=3):
        await finish(store, order, clock())
    given: list[str] = []
    while more := await due(store, clock, limit=2, busy=given):
        given += more
    assert len(given) == len(set(given)) == 6


async def test_what_the_caller_has_in_hand_is_not_given_again(store: SqlStore, clock: ManualClock) -> None:
    """Whatever becomes of it meanwhile; it is due as soon as the hand is free."""
    task = await submit(store, clock())
    assert await due(store, clock) == [task.id]
    order = await claim_one(store, clock())
    assert await due(store, clock, busy=[task.id]) == []
    await store.shown(task.id, Address("telegram"), 0, None)
    assert await due(store, clock) == [task.id]
    assert await due(store, clock, busy=[task.id]) == []
    await finish(store, order, clock())
    assert await due(store, clock, busy=[task.id]) == []
    assert await due(store, clock) == [task.id]


async def test_progress_that_was_put_off_waits_even_if_there_is_more_of_it(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    await due(store, clock)
    await store.delivery_postponed(task.id, clock() + timedelta(seconds=30), Address("telegram", {"status": 6}))
    order = await claim_one(store, clock())
    await wait_at_gateway(store, order, clock())
    clock.advance(29)
    assert await due(store, clock) == []
    clock.advance(1)
    (again,) = await store.outbox_due(FRONTS, clock(), 9)
    assert again.address == Address("telegram", {"status": 6})


async def test_results_come_before_progress_and_at_once(store: SqlStore, clock: ManualClock) -> None:
    """Nothing that progress is waiting for holds back the last word."""
    done = await submit(store, clock(), "ben")
    assert await due(store, clock) == [done.id]
    await store.delivery_postponed(done.id, clock() + timedelta(hours=1))
    order = await claim_one(store, clock())
    clock.advance(1)
    newer = await submit(store, clock())
    clock.advance(1)
    await finish(store, order, clock())
    assert await due(store, clock) == [done.id, newer.id]
    clock.advance(60)
    assert await due(store, clock, 1) == [done.id, newer.id], "one of each"


async def test_a_late_progress_message_leaves_the_last_word_due_and_its_address_known(
    store: SqlStore, clock: ManualClock
) -> None:
    task = await submit(store, clock())
    await due(store, clock)
    await finish(store, await claim_one(store, clock()), clock())
    await store.shown(task.id, Address("telegram", {"status": 7}), 0, clock() + timedelta(hours=1))
    (ready,) = await store.outbox_due(FRONTS, clock(), 9)
    assert (ready.delivery, ready.address) == (DeliveryState.HANDING, Address("telegram", {"status": 7}))


async def test_each_front_gets_its_own(store: SqlStore, clock: ManualClock) -> None:
    here = await submit(store, clock())
    there = await store.submit(new_task(front="discord"), FREE, clock())
    assert await due(store, clock) == [here.id]
    assert [task.id for task in await store.outbox_due(["discord", "terminal"], clock(), 9)] == [there.id]
    assert await store.outbox_due([], clock(), 9) == []


async def test_a_hand_over_is_begun_again_until_it_is_done(store: SqlStore, clock: ManualClock) -> None:
    task = await finished_task(store, clock())
    (ready,) = await store.outbox_due(FRONTS, clock(), 9)
    assert (ready.delivery, ready.attempt) == (DeliveryState.HANDING, 1)
    await store.delivery_postponed(task.id, clock() + timedelta(seconds=5))
    assert await due(store, clock) == []
    clock.advance(5)
    (handing,) = await store.outbox_due(FRONTS, clock(), 9)
    assert (handing.delivery, handing.attempt) == (DeliveryState.HANDING, 2)
    await hand_over(store, handing, clock())
    clock.advance(3600)
    await store.delivery_postponed(task.id, clock())
    await store.shown(task.id, Address("telegram", {"status": 99}), 2, clock())
    assert await due(store, clock) == []
    assert (await store.task(task.id)).address == task.address


async def test_a_task_cancelled_whole_is_handed_over_too(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock(), calls=2)
    for order in await store.orders(task.id):
        await cancel(store, order, clock())
    (ready,) = await store.outbox_due(FRONTS, clock(), 9)
    assert ready.delivery is DeliveryState.HANDING
    await hand_over(store, ready, clock())
    assert await store.claim(clock(), room=EVERYWHERE, running=9) == []


async def test_messages_that_carry_a_result_are_remembered(store: SqlStore, clock: ManualClock) -> None:
    task = await finished_task(store, clock(), count=2)
    messages = (PostedMessage("-100:8", task.id, 0), PostedMessage("-100:9", task.id, 1))
    await hand_over(store, task, clock(), Receipt(messages))
    assert await store.posted("telegram", "-100:9") == messages[1]
    assert await store.posted("discord", "-100:9") is None
    assert await store.messages_of("telegram", task.id) == list(messages)
    assert await store.messages_of("discord", task.id) == []


async def test_the_last_word_about_a_message_counts(store: SqlStore, clock: ManualClock) -> None:
    first, second = await submit(store, clock()), await submit(store, clock())
    await store.remember("telegram", PostedMessage("-100:1", first.id))
    await store.remember("telegram", PostedMessage("-100:1", second.id, 3))
    assert await store.posted("telegram", "-100:1") == PostedMessage("-100:1", second.id, 3)
    assert await store.messages_of("telegram", first.id) == []
    with pytest.raises(TaskUnknown):
        await store.remember("telegram", PostedMessage("-100:2", "nobody"))


async def test_progress_never_puts_off_the_last_word(store: SqlStore, clock: ManualClock) -> None:
    task = await finished_task(store, clock())
    await store.progress_postponed(task.id, clock() + timedelta(hours=1))
    assert await due(store, clock) == [task.id]
