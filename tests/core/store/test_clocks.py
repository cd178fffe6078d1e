"""What the database holds as times of day, when the clock is set."""

from dataclasses import replace
from datetime import timedelta

from core.ports import Rest
from core.store import SqlStore
from core.testing import ManualClock
from core.types import Order
from tests.core.store.making import claim_one, finished_task, in_chat, submit, wait_at_gateway

HOUR = timedelta(hours=1)


async def at_the_gateway(store: SqlStore, clock: ManualClock) -> Order:
    """Asked about in five seconds, and waited for until half an hour from now."""
    await submit(store, clock())
    claimed = replace(await claim_one(store, clock()), deadline=clock() + HOUR / 2)
    return await wait_at_gateway(store, claimed, clock(), ask_in=5.0)


async def test_a_clock_that_is_set_back_leaves_nothing_waiting_for_its_hour_to_come_again(
    store: SqlStore, clock: ManualClock
) -> None:
    await at_the_gateway(store, clock)
    made = await finished_task(store, clock(), person="ben")
    queued = await submit(store, clock())
    fetched = await submit(store, clock(), images=(in_chat(),))
    await store.rest("aihubmix", Rest(clock() + timedelta(seconds=30), "GatewayDown"))
    now = clock.advance(-3600)
    assert await store.outbox_due(["telegram"], now, 9) == []
    await store.clock_was_set(now, -3600.0)
    assert len(await store.waiting_due(now, 9)) == 1
    assert [order.task_id for order in await store.claim(now, room={"apiyi": 9}, running=9)] == [queued.id]
    assert [task.id for task in await store.intake_due(["telegram"], now, 9)] == [fetched.id]
    assert made.id in [task.id for task in await store.outbox_due(["telegram"], now, 9)]
    assert await store.rests(now) == {}


async def test_what_is_leased_or_put_off_for_a_while_stays_so_when_a_worker_starts(
    store: SqlStore, clock: ManualClock
) -> None:
    await at_the_gateway(store, clock)
    made = await finished_task(store, clock(), person="ben")
    await store.outbox_due(["telegram"], clock(), 9)
    await store.delivery_postponed(made.id, clock() + timedelta(seconds=60))
    rest = Rest(clock() + timedelta(minutes=15), "GatewayDown")
    await store.rest("aihubmix", rest)
    await store.clock_was_set(clock(), None)
    assert await store.waiting_due(clock(), 9) == []
    assert made.id not in [task.id for task in await store.outbox_due(["telegram"], clock(), 9)]
    assert await store.rests(clock()) == {"aihubmix": rest}


async def test_a_clock_that_is_set_forward_takes_no_time_from_what_is_waited_for(
    store: SqlStore, clock: ManualClock
) -> None:
    before = await at_the_gateway(store, clock)
    await submit(store, clock(), person="ben")
    out = await claim_one(store, clock())
    now = clock.advance(3600)
    await store.clock_was_set(now, 3600.0)
    (after,) = await store.orders(before.task_id)
    assert before.deadline is not None
    assert after.deadline == before.deadline + HOUR
    # An answer from before the step, decided by the old deadline, is not stored; that of a call that is out is.
    assert not await store.apply(before, replace(before, revision=before.revision + 1), now)
    assert (await store.orders(out.task_id))[0].revision == out.revision
