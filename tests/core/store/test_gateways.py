"""What is known beyond orders: rests, proofs, secrets; and call-backs that hasten a question."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from core.orders import after
from core.ports import Rest
from core.store import SqlStore
from core.testing import ManualClock
from core.types import Finished, Pending, RemotePicture
from tests.core.store.making import claim_one, finish, submit, wait_at_gateway


async def test_a_rest_lasts_until_its_end_or_until_it_is_taken_back(store: SqlStore, clock: ManualClock) -> None:
    first = Rest(clock() + timedelta(seconds=60), "GatewayDown")
    longer = Rest(clock() + timedelta(seconds=120), "GatewaySilent", 2)
    await store.rest("apiyi", first)
    await store.rest("apiyi", longer)
    await store.rest("aihubmix", first)
    assert await store.rests(clock()) == {"apiyi": longer, "aihubmix": first}
    await store.rest("aihubmix", None)
    assert await store.rests(clock()) == {"apiyi": longer}
    assert await store.rests(clock.advance(120)) == {}


async def test_a_model_proves_itself_once(store: SqlStore, clock: ManualClock) -> None:
    await store.verify("hui-flux", clock())
    await store.verify("hui-flux", clock.advance(1))
    assert await store.verified() == frozenset({"hui-flux"})


async def test_a_secret_is_made_once_whoever_asks(store: SqlStore) -> None:
    found = await asyncio.gather(*(store.secret("links") for _ in range(10)))
    assert len(set(found)) == 1
    assert len(found[0]) == 64
    assert await store.secret("other") != found[0]


async def test_a_call_back_makes_its_order_due_and_no_other(store: SqlStore, clock: ManualClock) -> None:
    await submit(store, clock())
    called = await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=300)
    await submit(store, clock(), "ben")
    other = await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=300)
    assert called.ticket is not None
    ticket = called.ticket.id
    assert await store.hasten("aihubmix", [ticket], clock()) == 0
    assert await store.hasten("apiyi", [ticket, "job-unknown"], clock()) == 1
    assert await store.hasten("apiyi", [ticket], clock()) == 0
    assert [order.id for order in await store.waiting_due(clock(), 10)] == [called.id]
    assert (await store.orders(other.task_id))[0].due == clock() + timedelta(seconds=300)


async def test_a_call_back_for_what_has_ended_changes_nothing(store: SqlStore, clock: ManualClock) -> None:
    await submit(store, clock())
    waiting = await wait_at_gateway(store, await claim_one(store, clock()), clock())
    await finish(store, waiting, clock())
    assert waiting.ticket is not None
    assert await store.hasten("apiyi", [waiting.ticket.id], clock()) == 0


async def test_a_seed_is_learned_once_and_never_replaced(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock())
    order = await claim_one(store, clock())
    await store.seed_known(order.id, 42)
    assert [each.seed for each in await store.orders(task.id)] == [7]


async def test_what_was_asked_about_in_vain_is_due_again_in_one_write(store: SqlStore, clock: ManualClock) -> None:
    orders = []
    for person in ("ana", "ben", "chen"):
        await submit(store, clock(), person)
        orders.append(await wait_at_gateway(store, await claim_one(store, clock()), clock()))
    first, second, hastened = orders
    assert hastened.ticket is not None
    await store.hasten("apiyi", [hastened.ticket.id], clock())
    later = clock() + timedelta(seconds=60)
    await store.asked({order.id: order.revision for order in orders}, later)
    dues = {order.id: (await store.orders(order.task_id))[0].due for order in orders}
    assert dues == {first.id: later, second.id: later, hastened.id: clock()}
    assert [order.revision for order in await store.orders(first.task_id)] == [first.revision]


async def test_an_answer_older_than_a_call_back_does_not_put_the_next_question_off(
    store: SqlStore, clock: ManualClock
) -> None:
    await submit(store, clock())
    asked = await wait_at_gateway(store, await claim_one(store, clock()), clock())
    assert asked.ticket is not None
    await store.hasten("apiyi", [asked.ticket.id], clock())
    old_answer = after(asked, Pending(asked.ticket, 300), clock())
    assert not await store.apply(asked, old_answer, clock())
    assert (await store.orders(asked.task_id))[0].due == clock()


async def test_a_call_back_does_not_disturb_the_fetching_of_what_is_made(store: SqlStore, clock: ManualClock) -> None:
    await submit(store, clock())
    asked = await wait_at_gateway(store, await claim_one(store, clock()), clock())
    assert asked.ticket is not None
    links = Finished((RemotePicture("https://a/1"),))
    made = replace(after(asked, links, clock()), due=clock() + timedelta(seconds=20))
    assert await store.apply(asked, made, clock())
    assert await store.hasten("apiyi", [asked.ticket.id], clock()) == 0
