"""How everything stands: what is open, what today and this month have cost, and what each gateway has done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.errors import PromptRefused
from core.orders import after
from core.ports import Credits, GatewayFigures, Rest
from core.store import SqlStore
from core.testing import ManualClock
from core.types import Failed, OrderState, Receipt
from tests.core.store.making import (
    EVERYWHERE,
    cancel,
    claim_one,
    finish,
    finished_task,
    hand_over,
    submit,
    wait_at_gateway,
)

NOTHING = Credits(settled=0, held=0, released=0)


async def test_of_an_empty_database_everything_is_nought(store: SqlStore, clock: ManualClock) -> None:
    stats = await store.stats(clock(), "UTC")
    assert stats.orders == {OrderState.QUEUED: 0, OrderState.STARTING: 0, OrderState.WAITING: 0}
    assert (stats.next_due, stats.to_post, stats.tasks, stats.people) == (None, 0, 0, 0)
    assert (stats.day, stats.month, stats.rests, stats.gateways) == (NOTHING, NOTHING, {}, {})


async def test_open_orders_are_told_by_state_and_those_at_a_gateway_by_gateway(
    store: SqlStore, clock: ManualClock
) -> None:
    await submit(store, clock(), gateway="aihubmix")
    await wait_at_gateway(store, await claim_one(store, clock()), clock())
    await submit(store, clock(), calls=2)
    await claim_one(store, clock())
    stats = await store.stats(clock(), "UTC")
    assert stats.orders == {OrderState.QUEUED: 1, OrderState.STARTING: 1, OrderState.WAITING: 1}
    assert stats.gateways == {"aihubmix": GatewayFigures(running=1), "apiyi": GatewayFigures(running=1)}


async def test_what_was_made_counts_as_to_be_posted_until_the_chat_has_it(store: SqlStore, clock: ManualClock) -> None:
    first, second = [await finished_task(store, clock()) for _ in range(2)]
    await submit(store, clock(), "ben")
    assert (await store.stats(clock(), "UTC")).to_post == 2
    await hand_over(store, first, clock())
    await store.outbox_due(["telegram"], clock(), 9)
    assert (await store.stats(clock(), "UTC")).to_post == 1
    await store.delivered(second.id, second.address, Receipt(), clock())
    assert (await store.stats(clock(), "UTC")).to_post == 0


async def test_credits_are_settled_held_or_released_once_each(store: SqlStore, clock: ManualClock) -> None:
    task = await submit(store, clock(), credits=8, count=4)
    await hand_over(store, await finish(store, await claim_one(store, clock()), clock(), pictures=3), clock())
    await submit(store, clock(), "ben", credits=3)
    taken_back = await submit(store, clock(), credits=5)
    await cancel(store, (await store.orders(taken_back.id))[0], clock())
    stats = await store.stats(clock(), "UTC")
    assert stats.day == stats.month == Credits(settled=6, held=3, released=7)
    assert (stats.tasks, stats.people) == (3, 2)
    assert task.who.account != "telegram:ben"


async def test_yesterday_counts_for_the_month_alone(store: SqlStore, clock: ManualClock) -> None:
    clock.now = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    await hand_over(store, await finished_task(store, clock(), credits=4), clock())
    clock.advance(60)
    await submit(store, clock(), "ben", credits=2)
    stats = await store.stats(clock(), "UTC")
    assert (stats.day, stats.month) == (replace(NOTHING, held=2), Credits(settled=4, held=2, released=0))
    assert (stats.tasks, stats.people, stats.gateways) == (1, 1, {})
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert (await store.stats(clock(), "UTC")).month == NOTHING


async def test_the_day_begins_where_the_operator_lives(store: SqlStore, clock: ManualClock) -> None:
    clock.now = datetime(2026, 11, 21, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    await finished_task(store, clock())
    clock.advance(60)
    there, here = [await store.stats(clock(), zone) for zone in ("Asia/Shanghai", "UTC")]
    assert (there.tasks, there.gateways) == (0, {})
    assert (here.tasks, here.gateways["apiyi"].finished) == (1, 1)


async def test_a_gateway_is_told_with_what_ended_today_and_its_median(store: SqlStore, clock: ManualClock) -> None:
    """Of four, the mean of the two in the middle; of three, the one in the middle: neither is the average of all."""
    await submit(store, clock(), calls=5)
    first, *others = await store.claim(clock(), room=EVERYWHERE, running=9)
    await store.apply(first, after(first, Failed(PromptRefused()), clock.advance(1)), clock())
    for order, seconds in zip(others, (1, 2, 6), strict=False):
        await finish(store, order, clock.advance(seconds))  # 2, 4 and 10 seconds after their start
    assert (await store.stats(clock(), "UTC")).gateways == {"apiyi": GatewayFigures(1, 3, 1, seconds=4.0)}
    await finish(store, others[3], clock.advance(90))
    await submit(store, clock(), gateway="aihubmix")
    await finish(store, await claim_one(store, clock()), clock.advance(0.5))
    assert (await store.stats(clock(), "UTC")).gateways == {
        "aihubmix": GatewayFigures(0, 1, 0, seconds=0.5),
        "apiyi": GatewayFigures(0, 4, 1, seconds=7.0),
    }


async def test_resting_gateways_are_told(store: SqlStore, clock: ManualClock) -> None:
    rest = Rest(clock() + timedelta(seconds=60), "BalanceEmpty", 2)
    await store.rest("apiyi", rest)
    assert (await store.stats(clock(), "UTC")).rests == {"apiyi": rest}
    assert (await store.stats(clock.advance(60), "UTC")).rests == {}
