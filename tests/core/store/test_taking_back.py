"""A person takes a request back, in each state it can be in."""

import pytest

from core.catalogue import Catalogue
from core.client import Client
from core.errors import PromptRefused, TooLate
from core.orders import after
from core.store import SqlStore
from core.testing import ManualClock
from core.types import Failed, Order, OrderState, Task
from tests.core.store.making import FREE, claim_one, finish, hand_over, submit, wait_at_gateway

ANA = "telegram:ana"


@pytest.fixture
def client(store: SqlStore, clock: ManualClock) -> Client:
    return Client(store, Catalogue([], gateways={}), FREE, clock=clock, wake=lambda: None)


async def paid(client: Client) -> tuple[int, int]:
    """Used and held."""
    usage = await client.usage(ANA)
    return usage.day_used, usage.day_held


async def refused(client: Client, task: Task, *, used: int, held: int) -> bool:
    """Whether it is told that it is too late, and nothing changes."""
    with pytest.raises(TooLate):
        await client.cancel(task.id, account=ANA)
    return await paid(client) == (used, held)


async def test_what_is_queued_is_taken_back_and_its_credits_come_back(
    store: SqlStore, clock: ManualClock, client: Client
) -> None:
    task = await submit(store, clock(), credits=3)
    assert await paid(client) == (0, 3)
    await client.cancel(task.id, account=ANA)
    assert await paid(client) == (0, 0)
    assert [order.state for order in await store.orders(task.id)] == [OrderState.CANCELLED]
    assert await refused(client, task, used=0, held=0)


async def under_way(store: SqlStore, clock: ManualClock, *, accepted: bool) -> tuple[Task, Order]:
    task = await submit(store, clock(), credits=3)
    order = await claim_one(store, clock())
    return task, await wait_at_gateway(store, order, clock()) if accepted else order


@pytest.mark.parametrize("accepted", [False, True], ids=["starting", "waiting"])
async def test_what_is_being_made_stays_held_and_is_paid_once_it_is_posted(
    store: SqlStore, clock: ManualClock, client: Client, accepted: bool
) -> None:
    task, order = await under_way(store, clock, accepted=accepted)
    assert await refused(client, task, used=0, held=3)
    made = await finish(store, order, clock())
    assert await refused(client, task, used=0, held=3)
    await store.outbox_due(["telegram"], clock.advance(1), 9)
    await hand_over(store, made, clock())
    assert await refused(client, task, used=3, held=0)


@pytest.mark.parametrize("accepted", [False, True], ids=["starting", "waiting"])
async def test_what_is_being_made_and_fails_gives_its_credits_back_once(
    store: SqlStore, clock: ManualClock, client: Client, accepted: bool
) -> None:
    task, order = await under_way(store, clock, accepted=accepted)
    assert await refused(client, task, used=0, held=3)
    await store.apply(order, after(order, Failed(PromptRefused()), clock()), clock())
    assert await refused(client, task, used=0, held=0)


async def test_of_a_request_in_parts_only_what_has_not_left_is_taken_back(
    store: SqlStore, clock: ManualClock, client: Client
) -> None:
    task = await submit(store, clock(), credits=3, calls=2)
    order = await claim_one(store, clock())
    await client.cancel(task.id, account=ANA)
    assert await paid(client) == (0, 3)
    made = await finish(store, order, clock())
    await store.outbox_due(["telegram"], clock.advance(1), 9)
    await hand_over(store, made, clock())
    assert await paid(client) == (3, 0)
