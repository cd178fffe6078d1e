"""Whose turn it is."""

import asyncio
from collections import Counter

import pytest

from core.errors import GatewayBusy
from core.orders import CLAIM_LEASE, after
from core.store import SqlStore, open_store
from core.testing import ManualClock
from core.types import Failed, OrderState
from tests.core.store.making import (
    EVERYWHERE,
    cancel,
    claim_one,
    finish,
    in_chat,
    next_due,
    picture,
    submit,
    wait_at_gateway,
)


async def test_a_claimed_order_is_starting_and_out_of_others_reach(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    clock.advance(3)
    order = await claim_one(store, clock())
    assert (order.state, order.attempts, order.revision) == (OrderState.STARTING, 1, 1)
    assert (order.started_at, order.due) == (clock(), clock() + CLAIM_LEASE)
    assert await store.orders(task.id) == (order,)
    assert (await store.task(task.id)).revision == 1
    assert await store.claim(clock(), room=EVERYWHERE, running=9) == []
    assert await store.in_state_starting() == [order]
    await submit(store, clock())
    assert await store.claim(clock(), room={"apiyi": 1}, running=9) == []


async def test_one_persons_fifty_never_hold_up_nine_others_one(store: SqlStore, clock: ManualClock) -> None:
    for _ in range(50):
        await submit(store, clock(), "ana")
        clock.advance(0.001)
    for number in range(9):
        await submit(store, clock(), f"p{number}")
        clock.advance(0.001)
    first = await store.claim(clock(), room={"apiyi": 10}, running=50)
    assert Counter(order.account for order in first) == {
        "telegram:ana": 1,
        **{f"telegram:p{number}": 1 for number in range(9)},
    }
    assert first[0].account == "telegram:ana"  # the oldest among equals
    second = await store.claim(clock(), room={"apiyi": 20}, running=50)
    assert Counter(order.account for order in second) == {"telegram:ana": 10}


async def test_who_has_fewest_running_comes_first(store: SqlStore, clock: ManualClock) -> None:
    for person in ("ana", "ana", "ana", "ben", "ben"):
        await submit(store, clock(), person)
        clock.advance(1)
    await store.claim(clock(), room={"apiyi": 2}, running=9)  # one each
    (third,) = await store.claim(clock(), room={"apiyi": 3}, running=9)
    assert third.account == "telegram:ana"  # one each: age decides
    (fourth,) = await store.claim(clock(), room={"apiyi": 4}, running=9)
    assert fourth.account == "telegram:ben"  # although ana's is older
    await finish(store, third, clock())


async def test_the_room_of_each_gateway_and_the_limit_hold(store: SqlStore, clock: ManualClock) -> None:
    for number in range(6):
        await submit(store, clock(), f"p{number}", gateway="apiyi")
        await submit(store, clock(), f"q{number}", gateway="aihubmix")
    taken = await store.claim(clock(), room={"apiyi": 2, "aihubmix": 3}, running=9)
    assert Counter(order.gateway for order in taken) == {"apiyi": 2, "aihubmix": 3}
    assert await store.claim(clock(), room={"apiyi": 0, "aihubmix": -1, "other": 5}, running=9) == []
    assert len(await store.claim(clock(), room=EVERYWHERE, running=9, limit=3)) == 3


async def test_a_full_gateway_holds_nobody_up_at_another(store: SqlStore, clock: ManualClock) -> None:
    for _ in range(5):
        await submit(store, clock(), gateway="apiyi")
    await submit(store, clock(), gateway="aihubmix")
    taken = await store.claim(clock(), room={"apiyi": 1, "aihubmix": 1}, running=2)
    assert sorted(order.gateway for order in taken) == ["aihubmix", "apiyi"]


async def test_a_person_has_at_most_so_many_running(store: SqlStore, clock: ManualClock) -> None:
    """Over both gateways, over both running states, and over several claims."""
    for gateway in ("apiyi", "aihubmix") * 3:
        await submit(store, clock(), gateway=gateway)
        clock.advance(1)
    first = await store.claim(clock(), room=EVERYWHERE, running=2)
    assert len(first) == 2
    assert await store.claim(clock(), room=EVERYWHERE, running=2) == []
    waiting = await wait_at_gateway(store, first[0], clock())
    assert await store.claim(clock(), room=EVERYWHERE, running=2) == []
    await finish(store, waiting, clock())
    assert len(await store.claim(clock(), room=EVERYWHERE, running=2)) == 1


async def test_an_order_that_is_to_be_tried_later_is_left_until_then(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    order = await claim_one(store, clock())
    await store.apply(order, after(order, Failed(GatewayBusy(retry_after=30)), clock()), clock())
    assert await store.claim(clock(), room=EVERYWHERE, running=9) == []
    await store.shown(order.task_id, task.address, 99, None)
    later = await next_due(store, clock())
    assert later == clock.advance(30)
    again = await claim_one(store, clock())
    assert (again.attempts, again.started_at) == (2, order.started_at)


@pytest.mark.parametrize("size", [1, 7])
async def test_two_claimers_at_once_never_get_the_same_and_keep_the_limits_together(
    store: SqlStore, database_url: str, clock: ManualClock, size: int
) -> None:
    for number in range(60):
        await submit(store, clock(), f"p{number % 20}")
    other = await open_store(database_url)
    got = await asyncio.gather(
        *((store, other)[number % 2].claim(clock(), room={"apiyi": 60}, running=2, limit=size) for number in range(30))
    )
    await other.close()
    taken = [order for part in got for order in part]
    assert len({order.id for order in taken}) == len(taken) == min(40, 30 * size)
    assert max(Counter(order.account for order in taken).values()) <= 2


async def test_a_claim_and_a_cancel_at_once_have_one_winner(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    tasks = [await submit(store, clock(), f"p{number}") for number in range(20)]
    queued = [(await store.orders(task.id))[0] for task in tasks]
    other = await open_store(database_url)
    results = await asyncio.gather(
        *(cancel(store, order, clock()) for order in queued[:10]),
        other.claim(clock(), room=EVERYWHERE, running=9),
        *(cancel(other, order, clock()) for order in queued[10:]),
    )
    await other.close()
    claimed = {order.id for result in results if isinstance(result, list) for order in result}
    for order in queued:
        now = (await store.orders(order.task_id))[0]
        assert now.state is (OrderState.STARTING if order.id in claimed else OrderState.CANCELLED)
        assert now.revision == 1


async def test_positions_are_the_order_in_which_claims_come(store: SqlStore, clock: ManualClock) -> None:
    tasks = {}
    for person in ("ana", "ana", "ana", "ben", "chen", "ben"):
        task = await submit(store, clock(), person, calls=2 if person == "chen" else 1)
        tasks[task.id] = task
        clock.advance(1)
    elsewhere = await submit(store, clock(), "ana", gateway="aihubmix")
    assert await store.position(elsewhere.id) == 1
    expected = {task_id: await store.position(task_id) for task_id in tasks}
    came: dict[str, int] = {}
    for place, order in enumerate(await store.claim(clock(), room={"apiyi": 99}, running=99), start=1):
        came.setdefault(order.task_id, place)
    assert expected == came
    assert await store.position(next(iter(tasks))) is None
    assert await store.position("nobody") is None


async def test_a_task_that_waits_for_its_picture_has_a_place_and_takes_none(
    store: SqlStore, clock: ManualClock
) -> None:
    waits = await submit(store, clock(), "ana", images=(in_chat(),))
    clock.advance(1)
    goes = await submit(store, clock(), "ben")
    assert (await store.position(waits.id), await store.position(goes.id)) == (1, 1)
    assert [order.task_id for order in await store.claim(clock(), room=EVERYWHERE, running=9)] == [goes.id]
    assert await store.inputs_kept(waits.id, [picture()], clock())
    assert (await claim_one(store, clock())).task_id == waits.id


async def test_who_took_a_place_elsewhere_leaves_this_one_to_the_next(store: SqlStore, clock: ManualClock) -> None:
    for person, gateway in (("ana", "aihubmix"), ("ana", "apiyi"), ("ben", "apiyi")):
        await submit(store, clock(), person, gateway=gateway)
        clock.advance(1)
    taken = await store.claim(clock(), room={"apiyi": 1, "aihubmix": 1}, running=1)
    assert {(order.account, order.gateway) for order in taken} == {
        ("telegram:ana", "aihubmix"),
        ("telegram:ben", "apiyi"),
    }
