"""How much is open, for whoever watches."""

from core.ports import Credits, Rest
from core.store import SqlStore
from core.testing import ManualClock
from core.types import OrderState
from tests.core.store.making import claim_one, finished_task, hand_over, in_chat, submit, wait_at_gateway


async def test_of_an_empty_database_nothing_is_open(store: SqlStore, clock: ManualClock) -> None:
    depths = await store.depths(clock(), "UTC")
    assert (depths.orders, depths.to_post, depths.to_fetch, depths.oldest, depths.rests) == ({}, {}, {}, {}, {})
    assert depths.day == Credits(settled=0, held=0, released=0)


async def test_open_work_is_told_by_its_kind_and_whose_it_is(store: SqlStore, clock: ManualClock) -> None:
    begun = clock()
    await hand_over(store, await finished_task(store, clock(), credits=4), clock())
    await finished_task(store, clock(), "ben", credits=2)
    await submit(store, clock(), gateway="aihubmix")
    await wait_at_gateway(store, await claim_one(store, clock()), clock(), ask_in=7)
    await submit(store, clock(), calls=2)
    await claim_one(store, clock())
    await submit(store, clock(), images=(in_chat(),))
    await store.rest("apiyi", Rest(clock.advance(1), "GatewayDown"))
    depths = await store.depths(begun, "UTC")
    assert depths.orders == {
        (OrderState.WAITING, "aihubmix"): 1,
        (OrderState.STARTING, "apiyi"): 1,
        (OrderState.QUEUED, "apiyi"): 2,
    }
    assert (depths.to_post, depths.to_fetch) == ({"telegram": 1}, {"telegram": 1})
    assert set(depths.oldest) == {"queued", "waiting", "intake", "outbox"}
    assert depths.oldest["queued"] == begun
    assert (depths.oldest["waiting"] - begun).total_seconds() == 7
    assert depths.day == (await store.stats(begun, "UTC")).day
    assert depths.day.settled == 4
    assert set(depths.rests) == {"apiyi"}
