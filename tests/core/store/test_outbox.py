"""What is to be shown and handed over, by whom and when."""

import asyncio
from datetime import timedelta

import pytest

from core.errors import TaskUnknown
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


async def due(store: SqlStore, clock: ManualClock, limit: int = 99) -> list[str]:
    return [task.id for task in await store.outbox_due(FRONTS, clock(), limit)]


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


async def test_what_one_hand_has_no_other_gets_for_a_minute(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    """Not even when it changes meanwhile; the change is due as soon as the hand is free."""
    tasks = {(await submit(store, clock(), f"p{number}")).id for number in range(12)}
    other = await open_store(database_url)
    got = await asyncio.gather(*((store, other)[number % 2].outbox_due(FRONTS, clock(), 2) for number in range(9)))
    await other.close()
    taken = [task.id for part in got for task in part]
    assert len(taken) == 12
    assert set(taken) == tasks
    order = await claim_one(store, clock())
    assert await due(store, clock) == []
    await store.shown(order.task_id, Address("telegram"), 0, None)
    assert await due(store, clock) == [order.task_id]
    clock.advance(60)
    assert len(await due(store, clock)) == 12


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
    assert await due(store, clock, 1) == [done.id]


async def test_a_late_progress_message_leaves_the_last_word_due_and_its_address_known(
    store: SqlStore, clock: ManualClock
) -> None:
    task = await submit(store, clock())
    await due(store, clock)
    await finish(store, await claim_one(store, clock()), clock())
    await store.shown(task.id, Address("telegram", {"status": 7}), 0, clock() + timedelta(hours=1))
    (ready,) = await store.outbox_due(FRONTS, clock(), 9)
    assert (ready.delivery, ready.address) == (DeliveryState.READY, Address("telegram", {"status": 7}))


async def test_each_front_gets_its_own(store: SqlStore, clock: ManualClock) -> None:
    here = await submit(store, clock())
    there = await store.submit(new_task(front="discord"), FREE, clock())
    assert await due(store, clock) == [here.id]
    assert [task.id for task in await store.outbox_due(["discord", "terminal"], clock(), 9)] == [there.id]
    assert await store.outbox_due([], clock(), 9) == []


async def test_a_hand_over_is_begun_again_until_it_is_done(store: SqlStore, clock: ManualClock) -> None:
    task = await finished_task(store, clock())
    (ready,) = await store.outbox_due(FRONTS, clock(), 9)
    assert ready.delivery is DeliveryState.READY
    assert await store.handing(task.id)
    await store.delivery_postponed(task.id, clock() + timedelta(seconds=5))
    assert await due(store, clock) == []
    clock.advance(5)
    (handing,) = await store.outbox_due(FRONTS, clock(), 9)
    assert handing.delivery is DeliveryState.HANDING
    await hand_over(store, handing, clock())
    assert not await store.handing(task.id)
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
    assert ready.delivery is DeliveryState.READY
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
