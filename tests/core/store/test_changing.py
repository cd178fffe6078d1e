"""Moves of orders and what follows from them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import PromptRefused
from core.orders import CLAIM_LEASE, FIRST_LOOK, after, interrupted
from core.store import SqlStore, open_store
from core.testing import ManualClock
from core.types import (
    DeliveryState,
    Failed,
    Finished,
    Kept,
    Order,
    OrderState,
    Outcome,
    Pending,
    RemotePicture,
    Ticket,
)
from tests.core.store.making import (
    EVERYWHERE,
    FREE,
    cancel,
    claim_one,
    finish,
    in_chat,
    next_due,
    picture,
    refuse,
    rows,
    submit,
    wait_at_gateway,
)


async def test_everything_a_move_changes_comes_back(store: SqlStore, clock: ManualClock) -> None:
    await submit(store, clock(), count=2)
    order = await claim_one(store, clock())
    made = after(order, Finished((RemotePicture("https://a/1"), RemotePicture("https://a/2")), seed=2**40), clock())
    waiting = after(made, Pending(Ticket("apiyi", "job", "flux"), 3, 0.5), clock())
    assert await store.apply(order, waiting, clock())
    assert (await store.orders(order.task_id)) == (waiting,)
    done = after(waiting, Kept((picture("b"),), seed=5), clock())
    await store.apply(waiting, done, clock())
    assert (await store.orders(order.task_id)) == (done,)
    assert done.results == (picture("b"),)


async def test_a_failure_is_kept_with_its_words(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    order = await claim_one(store, clock())
    error = PromptRefused(detail="no\x00 way", limit=3, share=0.5, model="flux")
    failed = after(order, Failed(error), clock())
    await store.apply(order, failed, clock())
    (read,) = await store.orders(task.id)
    assert read.failure is not None
    assert (read.failure.key, read.failure.kind) == ("error.prompt_refused", "PromptRefused")
    assert read.failure.params == {"limit": 3, "share": 0.5, "model": "flux"}
    assert read.failure.detail == "no\ufffd way"


async def test_a_move_from_a_revision_that_has_passed_changes_nothing(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    (queued,) = await store.orders(task.id)
    order = await claim_one(store, clock())
    assert not await cancel(store, queued, clock())
    assert await store.orders(task.id) == (order,)
    assert (await store.task(task.id)).revision == 1
    assert (await store.usage("telegram:ana", FREE, clock())).day_held == 1


async def test_of_many_who_move_an_order_at_once_one_does(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    await submit(store, clock(), credits=3)
    order = await claim_one(store, clock())
    other = await open_store(database_url)
    outcomes: list[Outcome | Kept] = [Failed(PromptRefused()), Kept((picture(),)), Pending(Ticket("apiyi", "1"), 1)] * 8
    stored = await asyncio.gather(
        *(
            (store, other)[number % 2].apply(order, after(order, outcome, clock()), clock())
            for number, outcome in enumerate(outcomes)
        )
    )
    await other.close()
    assert sum(stored) == 1
    assert (await store.orders(order.task_id))[0].revision == 2


async def test_the_last_order_to_end_makes_the_task_ready(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock(), calls=3)
    first, second, third = await store.claim(clock(), room=EVERYWHERE, running=9)
    assert (await finish(store, first, clock())).delivery is DeliveryState.OPEN
    await store.apply(second, after(second, Failed(PromptRefused()), clock()), clock())
    assert (await store.task(task.id)).delivery is DeliveryState.OPEN
    clock.advance(5)
    ready = await finish(store, third, clock())
    assert (ready.delivery, ready.revision) == (DeliveryState.READY, (await store.task(task.id)).revision)
    assert await next_due(store, clock()) == clock()


async def test_orders_that_end_at_the_same_moment_make_the_task_ready_once(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    """Each in its own transaction, none of which sees the other's end unless it waits for it."""
    other = await open_store(database_url)
    for _ in range(8):
        task = await submit(store, clock(), calls=6)
        orders = await store.claim(clock(), room=EVERYWHERE, running=9)
        await asyncio.gather(
            *(finish((store, other)[number % 2], order, clock()) for number, order in enumerate(orders))
        )
        read = await store.task(task.id)
        assert (read.delivery, read.revision) == (DeliveryState.READY, 7)
    await other.close()


async def test_a_failed_and_a_cancelled_order_give_their_credits_back_at_once(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    task = await submit(store, clock(), credits=4)
    (queued,) = await store.orders(task.id)
    await cancel(store, queued, clock())
    await submit(store, clock(), credits=3)
    running = await claim_one(store, clock())
    await store.apply(running, after(running, Failed(PromptRefused()), clock()), clock())
    assert (await store.usage("telegram:ana", FREE, clock())).day_held == 0
    assert await rows(database_url, "SELECT kind, amount FROM ledger ORDER BY id") == [
        ("hold", -4),
        ("release", 4),
        ("hold", -3),
        ("release", 3),
    ]


async def test_a_task_refused_before_anything_left_is_no_longer_fetched_for(
    store: SqlStore, clock: ManualClock
) -> None:
    task = await submit(store, clock(), images=(in_chat(),))
    (order,) = await store.orders(task.id)
    assert await refuse(store, order, clock())
    assert (await store.task(task.id)).delivery is DeliveryState.READY
    assert await store.intake_due(["telegram"], clock(), 9) == []
    assert not await store.inputs_kept(task.id, [picture()], clock())
    await store.intake_postponed(task.id, clock())
    assert await store.intake_due(["telegram"], clock(), 9) == []


async def test_waiting_orders_are_handed_out_when_due_oldest_first(store: SqlStore, clock: ManualClock) -> None:
    waiting: list[Order] = []
    for number in range(10):
        await submit(store, clock(), f"p{number}")
        waiting.append(await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=number))
    clock.advance(4)
    in_hand = [order.id for order in waiting[:2]]
    assert [order.id for order in await store.waiting_due(clock(), 2)] == in_hand
    assert [order.id for order in await store.waiting_due(clock(), 2, in_hand)] == [order.id for order in waiting[2:4]]
    assert (await store.orders(waiting[0].task_id))[0].revision == waiting[0].revision
    clock.advance(CLAIM_LEASE.total_seconds())
    assert len(await store.waiting_due(clock(), 99)) == 10


@pytest.mark.postgres
async def test_where_there_are_several_workers_a_waiting_order_is_in_one_hand_for_a_while(
    postgres_url: str,
    clock: ManualClock,
) -> None:
    store, other = await open_store(postgres_url), await open_store(postgres_url)
    waiting: list[Order] = []
    for number in range(6):
        await submit(store, clock(), f"p{number}")
        waiting.append(await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=0))
    got = await asyncio.gather(*((store, other)[number % 2].waiting_due(clock(), 1) for number in range(10)))
    await other.close()
    assert sorted(order.id for part in got for order in part) == sorted(order.id for order in waiting)
    assert (await store.orders(waiting[0].task_id))[0].due == clock() + CLAIM_LEASE
    await store.close()


async def test_a_sign_of_life_keeps_what_is_in_hand_and_leaves_alone_what_has_moved_on(
    store: SqlStore, clock: ManualClock
) -> None:
    tasks = [await submit(store, clock(), f"p{number}") for number in range(3)]
    called = await claim_one(store, clock())
    asked = await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=0)
    moved = await claim_one(store, clock())
    await wait_at_gateway(store, moved, clock(), ask_in=5)
    assert [order.id for order in await store.waiting_due(clock(), 9)] == [asked.id]
    later = clock() + timedelta(seconds=50)
    await store.still_in_hand({order.id: order.revision for order in (called, asked, moved)}, later)
    dues = {order.id: order.due for task in tasks for order in await store.orders(task.id)}
    assert dues == {called.id: later, asked.id: later, moved.id: clock() + timedelta(seconds=5)}


async def test_what_a_former_life_had_leased_is_due_at_once_but_an_album_keeps_its_wait(
    store: SqlStore, clock: ManualClock
) -> None:
    await submit(store, clock())
    await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=0)
    fetched = await submit(store, clock(), images=(in_chat(),))
    album = await submit(store, clock(), images=(in_chat(),), not_before=clock() + timedelta(seconds=90))
    assert len(await store.waiting_due(clock(), 9)) == 1
    assert [task.id for task in await store.intake_due(["telegram"], clock(), 9)] == [fetched.id]
    clock.advance(FIRST_LOOK.total_seconds())
    assert len(await store.outbox_due(["telegram"], clock(), 9)) == 3
    await store.release_leases(clock())
    assert len(await store.waiting_due(clock(), 9)) == 1
    assert [task.id for task in await store.intake_due(["telegram"], clock(), 9)] == [fetched.id]
    assert len(await store.outbox_due(["telegram"], clock(), 9)) == 3
    clock.advance(89.5 - FIRST_LOOK.total_seconds())
    assert album.id not in {task.id for task in await store.intake_due(["telegram"], clock(), 9)}
    clock.advance(1)
    assert album.id in {task.id for task in await store.intake_due(["telegram"], clock(), 9)}


async def test_the_next_due_is_the_earliest_of_orders_inputs_and_outbox(store: SqlStore, clock: ManualClock) -> None:
    assert await next_due(store, clock()) is None
    task = await submit(store, clock())
    assert await next_due(store, clock()) == clock()
    order = await claim_one(store, clock())
    await store.shown(task.id, task.address, 1, clock() + timedelta(seconds=40))
    assert await next_due(store, clock()) == clock() + timedelta(seconds=40)
    await wait_at_gateway(store, order, clock(), ask_in=7)
    await store.shown(task.id, task.address, 2, None)
    assert await next_due(store, clock()) == clock() + timedelta(seconds=7)
    album = await submit(store, clock(), not_before=clock() + timedelta(seconds=2))
    await store.shown(album.id, album.address, 0, None)
    assert await next_due(store, clock()) == clock() + timedelta(seconds=2)


async def test_a_persons_unfinished_tasks_are_the_open_ones_oldest_first(store: SqlStore, clock: ManualClock) -> None:
    tasks = []
    for _ in range(4):
        tasks.append(await submit(store, clock(), calls=2))
        clock.advance(1)
    await submit(store, clock(), "ben")
    for order in await store.orders(tasks[1].id):
        await cancel(store, order, clock())
    await cancel(store, (await store.orders(tasks[2].id))[0], clock())
    assert [task.id for task in await store.unfinished("telegram:ana")] == [tasks[i].id for i in (0, 2, 3)]
    assert {order.state for order in await store.orders(tasks[2].id)} == {OrderState.QUEUED, OrderState.CANCELLED}


async def test_a_call_may_leave_only_while_the_order_is_the_callers(store: SqlStore, clock: ManualClock) -> None:
    await submit(store, clock())
    mine = replace(await claim_one(store, clock()), deadline=clock() + timedelta(minutes=5))
    assert await store.leaving(mine)
    assert await store.orders(mine.task_id) == (mine,)
    [found] = await store.in_state_starting()
    assert await store.apply(found, interrupted(found, None, clock()), clock())
    assert not await store.leaving(mine)
