"""Taking requests in, alone and many at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import event

from core.errors import CreditsUsedUp, TaskUnknown, TooManyTasks
from core.quota import Limits
from core.store import SqlStore, open_store
from core.store.database import Database, parsed
from core.testing import ManualClock
from core.types import DeliveryState, NewTask, OrderState, Task
from tests.core.store.making import EVERYWHERE, FREE, finish, finished_task, hand_over, new_task, picture, rows, submit

#: No window but the one a test is about.
NONE = Limits(user_day=0, user_month=0, unfinished=0)


@pytest.fixture
async def stores(database_url: str, store: SqlStore) -> AsyncIterator[Sequence[SqlStore]]:
    """As four processes would have them: each with its own connections."""
    others = [await open_store(database_url) for _ in range(3)]
    yield [store, *others]
    for other in others:
        await other.close()


async def submit_at_once(
    stores: Sequence[SqlStore], tasks: Sequence[NewTask], limits: Limits, clock: ManualClock
) -> tuple[list[Task], list[BaseException]]:
    answers = await asyncio.gather(
        *(stores[number % len(stores)].submit(new, limits, clock()) for number, new in enumerate(tasks)),
        return_exceptions=True,
    )
    return (
        [answer for answer in answers if isinstance(answer, Task)],
        [answer for answer in answers if isinstance(answer, BaseException)],
    )


async def test_a_stored_task_comes_back_with_its_orders(store: SqlStore, clock: ManualClock) -> None:
    new = replace(new_task(images=(picture(),), calls=2, credits=3), dropped=("seed",), parent="t0")
    task = await store.submit(new, FREE, clock())
    assert task == Task(
        id=new.id,
        who=new.who,
        address=new.address,
        request=new.request,
        gateway=new.gateway,
        created_at=clock(),
        revision=0,
        delivery=DeliveryState.OPEN,
        dropped=("seed",),
        parent="t0",
    )
    assert await store.task(new.id) == await store.task_of_event(new.event) == task
    orders = await store.orders(new.id)
    assert [(order.id, order.state, order.credits, order.seed, order.due) for order in orders] == [
        (f"{new.id}.{number}", OrderState.QUEUED, 3, 7, clock()) for number in (1, 2)
    ]


async def test_an_unknown_task_is_said_to_be_unknown(store: SqlStore) -> None:
    with pytest.raises(TaskUnknown):
        await store.task("nobody")
    assert await store.orders("nobody") == ()
    assert await store.task_of_event("nothing") is None


async def test_the_same_event_again_is_the_first_task_and_holds_nothing(store: SqlStore, clock: ManualClock) -> None:
    first = await submit(store, clock(), event="telegram:update:x", credits=4)
    again = await submit(store, clock(), event="telegram:update:x", credits=4)
    assert again == first
    assert (await store.usage("telegram:ana", FREE, clock())).day_held == 4


async def test_the_same_event_many_times_at_once_is_one_task(
    stores: Sequence[SqlStore], database_url: str, clock: ManualClock
) -> None:
    """Even under different accounts, which share no lock."""
    tasks = [new_task(f"p{number % 2}", event="telegram:update:y") for number in range(40)]
    stored, errors = await submit_at_once(stores, tasks, FREE, clock)
    assert errors == []
    assert len({task.id for task in stored}) == 1
    assert await rows(database_url, "SELECT count(*) FROM ledger") == [(1,)]


@pytest.mark.parametrize("spread", [1, 4], ids=["one store", "four stores"])
@pytest.mark.parametrize(
    ("limits", "person", "scope"),
    [
        (replace(NONE, user_day=5), lambda _: "ana", "user"),
        (replace(NONE, user_month=5), lambda _: "ana", "user"),
        (replace(NONE, chat_day=5), lambda number: f"p{number}", "chat"),
        (replace(NONE, global_day=5), lambda number: f"p{number}", "global"),
    ],
    ids=["day", "month", "chat", "global"],
)
async def test_two_hundred_at_once_against_a_limit_of_five_are_exactly_five(
    stores: Sequence[SqlStore],
    clock: ManualClock,
    limits: Limits,
    person: Callable[[int], str],
    scope: str,
    spread: int,
) -> None:
    tasks = [new_task(person(number)) for number in range(200)]
    stored, errors = await submit_at_once(stores[:spread], tasks, limits, clock)
    assert len(stored) == 5
    assert len(errors) == 195
    for error in errors:
        assert isinstance(error, CreditsUsedUp)
        assert (error.params["scope"], error.params["left"]) == (scope, 0)


@pytest.mark.parametrize("spread", [1, 4], ids=["one store", "four stores"])
async def test_two_hundred_at_once_are_five_unfinished_ones(
    stores: Sequence[SqlStore], clock: ManualClock, spread: int
) -> None:
    limits = replace(NONE, unfinished=5)
    stored, errors = await submit_at_once(stores[:spread], [new_task(calls=2) for _ in range(200)], limits, clock)
    assert len(stored) == 5
    assert all(isinstance(error, TooManyTasks) and error.params == {"limit": 5} for error in errors)
    # Others are not in the way, and a finished one makes room.
    await store_one(stores[0], clock, "ben", limits)
    with pytest.raises(TooManyTasks):
        await store_one(stores[0], clock, "ana", limits)


async def store_one(store: SqlStore, clock: ManualClock, person: str, limits: Limits) -> Task:
    return await store.submit(new_task(person), limits, clock())


async def test_a_finished_task_makes_room_before_it_is_handed_over(store: SqlStore, clock: ManualClock) -> None:
    limits = replace(NONE, unfinished=1)
    await finished_task(store, clock())
    await store_one(store, clock, "ana", limits)
    with pytest.raises(TooManyTasks):
        await store_one(store, clock, "ana", limits)


async def test_a_refusal_says_what_is_left_and_stores_nothing(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    limits = replace(NONE, user_day=5)
    await store.submit(new_task(credits=3), limits, clock())
    with pytest.raises(CreditsUsedUp) as refused:
        await store.submit(new_task(credits=3), limits, clock())
    assert (refused.value.params["left"], refused.value.params["cost"]) == (2, 3)
    assert await rows(database_url, "SELECT count(*) FROM task") == [(1,)]
    assert await rows(database_url, "SELECT count(*) FROM orders") == [(1,)]


async def test_a_caller_that_gives_up_leaves_the_store_whole(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    """A cancelled submit is stored whole or not at all, and the next one is served."""
    for steps in range(12):
        call = asyncio.create_task(store.submit(new_task(), FREE, clock()))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    task = await submit(store, clock())
    assert await store.orders(task.id)
    counts = {
        (await rows(database_url, f"SELECT count(*) FROM {table}"))[0][0] for table in ("task", "orders", "ledger")
    }
    assert len(counts) == 1


async def test_a_task_made_by_one_call_costs_six_write_transactions(sqlite_url: str, clock: ManualClock) -> None:
    """From submit to delivered, with its first status message. (Looks that find nothing do not write.)"""
    database = Database(parsed(sqlite_url))
    store = SqlStore(database)
    begun: list[object] = []
    event.listen(database._writer, "begin", begun.append)
    task = await submit(store, clock())
    clock.advance(1)
    (new,) = await store.outbox_due(["telegram"], clock(), 10)
    await store.shown(new.id, new.address, 0, None)
    (order,) = await store.claim(clock(), room=EVERYWHERE, running=2)
    assert await store.claim(clock(), room=EVERYWHERE, running=2) == await store.waiting_due(clock(), 10) == []
    assert await store.intake_due(["telegram"], clock(), 10) == []
    await finish(store, order, clock())
    (ready,) = await store.outbox_due(["telegram"], clock(), 10)
    await hand_over(store, ready, clock())
    assert (await store.task(task.id)).delivery is DeliveryState.DELIVERED
    assert len(begun) == 6
    await store.close()
