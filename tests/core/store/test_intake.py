"""Inputs that are still in the chat."""

import asyncio
from datetime import timedelta

from core.store import SqlStore, open_store
from core.testing import ManualClock
from core.types import FrontFile
from tests.core.store.making import EVERYWHERE, claim_one, in_chat, picture, submit

FRONTS = ["telegram"]


async def test_an_order_is_claimable_once_its_pictures_are_kept_in_their_order(
    store: SqlStore, clock: ManualClock
) -> None:
    task = await submit(store, clock(), images=(in_chat("one"), picture("b"), in_chat("three")))
    assert await store.claim(clock(), room=EVERYWHERE, running=9) == []
    (waiting,) = await store.intake_due(FRONTS, clock(), 9)
    assert waiting == task
    kept = [picture("a"), picture("b"), picture("c")]
    clock.advance(2)
    assert await store.inputs_kept(task.id, kept, clock())
    assert (await store.task(task.id)).request.images == tuple(kept)
    assert (await claim_one(store, clock())).task_id == task.id
    assert await store.intake_due(FRONTS, clock() + timedelta(hours=1), 9) == []
    assert not await store.inputs_kept(task.id, kept, clock())
    assert not await store.inputs_kept("nobody", kept, clock())


async def test_pictures_that_are_kept_already_need_no_fetching(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock(), images=(picture(),))
    assert await store.intake_due(FRONTS, clock(), 9) == []
    assert (await claim_one(store, clock())).task_id == task.id


async def test_one_hand_fetches_for_a_minute_and_can_put_it_off(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    tasks = {(await submit(store, clock(), f"p{number}", images=(in_chat(),))).id for number in range(10)}
    other = await open_store(database_url)
    got = await asyncio.gather(*((store, other)[number % 2].intake_due(FRONTS, clock(), 2) for number in range(8)))
    await other.close()
    taken = [task.id for part in got for task in part]
    assert len(taken) == 10
    assert set(taken) == tasks
    await store.intake_postponed(taken[0], clock() + timedelta(seconds=20))
    clock.advance(20)
    assert [task.id for task in await store.intake_due(FRONTS, clock(), 9)] == [taken[0]]
    clock.advance(40)
    assert len(await store.intake_due(FRONTS, clock(), 99)) == 9
    assert await store.intake_due(["discord"], clock() + timedelta(hours=1), 99) == []


async def test_an_albums_later_parts_are_waited_for_and_join_the_task(store: SqlStore, clock: ManualClock) -> None:
    wait = clock() + timedelta(seconds=1.5)
    task = await submit(store, clock(), event="telegram:album:1", images=(in_chat("one"),), not_before=wait)
    assert await store.intake_due(FRONTS, clock(), 9) == []
    assert await store.add_input("telegram:album:1", in_chat("two"), clock())
    assert not await store.add_input("telegram:album:2", in_chat("two"), clock())
    clock.advance(1.5)
    (due,) = await store.intake_due(FRONTS, clock(), 9)
    assert due.request.images == (in_chat("one"), in_chat("two"))
    assert await store.add_input("telegram:album:1", FrontFile("telegram", {"file_id": "three"}), clock())
    assert not await store.inputs_kept(task.id, [picture("a"), picture("b")], clock())
    assert await store.claim(clock(), room=EVERYWHERE, running=9) == []
    await store.intake_postponed(task.id, clock())
    (again,) = await store.intake_due(FRONTS, clock(), 9)
    assert len(again.request.images) == 3
    assert await store.inputs_kept(task.id, [picture("a"), picture("b"), picture("c")], clock())
    assert not await store.add_input("telegram:album:1", in_chat("four"), clock())
    assert (await claim_one(store, clock())).task_id == task.id


async def test_a_picture_that_joins_while_the_others_are_kept_is_in_or_refused_never_lost(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    other = await open_store(database_url)
    for number in range(12):
        event = f"telegram:album:{number}"
        task = await submit(store, clock(), event=event, images=(in_chat("one"),), not_before=clock())
        joined, kept = await asyncio.gather(
            store.add_input(event, in_chat("two"), clock()), other.inputs_kept(task.id, [picture()], clock())
        )
        assert joined != kept
        assert len((await store.task(task.id)).request.images) == (2 if joined else 1)
    await other.close()
