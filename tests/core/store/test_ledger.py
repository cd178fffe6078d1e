"""Credits: held, used, given back; once, and in the window they came from."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import CreditsUsedUp, PromptRefused
from core.orders import after
from core.quota import Limits
from core.store import SqlStore
from core.testing import ManualClock
from core.types import Failed, Receipt
from tests.core.store.making import (
    EVERYWHERE,
    FREE,
    cancel,
    claim_one,
    finish,
    finished_task,
    hand_over,
    new_task,
    rows,
    submit,
)

LINES = "SELECT kind, amount FROM ledger ORDER BY id"


async def used_and_held(store: SqlStore, clock: ManualClock, limits: Limits = FREE) -> tuple[int, int, int, int]:
    usage = await store.usage("telegram:ana", limits, clock())
    return usage.day_used, usage.day_held, usage.month_used, usage.month_held


async def test_credits_are_held_until_the_hand_over_and_used_after_it(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    assert await used_and_held(store, clock) == (0, 0, 0, 0)
    task = await finished_task(store, clock(), credits=3)
    assert await used_and_held(store, clock) == (0, 3, 0, 3)
    await hand_over(store, task, clock())
    assert await used_and_held(store, clock) == (3, 0, 3, 0)
    assert await rows(database_url, LINES) == [("hold", -3), ("settle", 0)]


async def test_pictures_that_did_not_come_are_given_back_at_the_hand_over(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    await submit(store, clock(), credits=8, count=4)
    task = await finish(store, await claim_one(store, clock()), clock(), pictures=3)
    await hand_over(store, task, clock())
    assert await used_and_held(store, clock) == (6, 0, 6, 0)
    assert await rows(database_url, LINES) == [("hold", -8), ("settle", 0), ("release", 2)]


async def test_of_a_task_in_parts_each_is_settled_or_released_on_its_own(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    task = await submit(store, clock(), credits=2, calls=3)
    await cancel(store, (await store.orders(task.id))[0], clock())
    first, second = await store.claim(clock(), room=EVERYWHERE, running=9)
    await store.apply(first, after(first, Failed(PromptRefused()), clock()), clock())
    ready = await finish(store, second, clock())
    assert await used_and_held(store, clock) == (0, 2, 0, 2)
    await hand_over(store, ready, clock())
    assert await used_and_held(store, clock) == (2, 0, 2, 0)
    assert await rows(database_url, "SELECT kind, count(*) FROM ledger GROUP BY kind ORDER BY kind") == [
        ("hold", 3),
        ("release", 2),
        ("settle", 1),
    ]


async def test_a_hand_over_reported_twice_is_settled_once(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    task = await finished_task(store, clock(), credits=3)
    await hand_over(store, task, clock())
    await store.delivered(task.id, task.address, Receipt(), clock())
    await store.undeliverable(task.id, "blocked", clock())
    assert await rows(database_url, LINES) == [("hold", -3), ("settle", 0)]


async def test_what_cannot_be_handed_over_is_given_back_whole_and_once(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    task = await finished_task(store, clock(), credits=3)
    for _ in range(2):
        await store.undeliverable(task.id, "blocked by the user", clock())
    await store.delivered(task.id, task.address, Receipt(), clock())
    assert await used_and_held(store, clock) == (0, 0, 0, 0)
    assert await rows(database_url, LINES) == [("hold", -3), ("release", 3)]
    assert await rows(database_url, "SELECT undeliverable_reason FROM task") == [("blocked by the user",)]
    assert (await store.orders(task.id))[0].results  # the pictures stay


async def test_a_task_that_is_still_being_made_cannot_be_settled(
    store: SqlStore, database_url: str, clock: ManualClock
) -> None:
    task = await submit(store, clock(), credits=3)
    await store.delivered(task.id, task.address, Receipt(), clock())
    await store.undeliverable(task.id, "blocked", clock())
    assert await rows(database_url, LINES) == [("hold", -3)]


async def test_a_new_day_refills_and_the_month_goes_on(store: SqlStore, clock: ManualClock) -> None:
    limits = Limits(user_day=5, user_month=8, unfinished=0)
    clock.now = datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC)
    await store.submit(new_task(credits=5), limits, clock())
    with pytest.raises(CreditsUsedUp, match="'day'"):
        await store.submit(new_task(credits=1), limits, clock())
    assert (await store.usage("telegram:ana", limits, clock())).day_refills_at == datetime(2026, 11, 22, tzinfo=UTC)
    clock.advance(0.000001)
    assert await used_and_held(store, clock) == (0, 0, 0, 5)
    with pytest.raises(CreditsUsedUp, match="'month'"):
        await store.submit(new_task(credits=4), limits, clock())
    await store.submit(new_task(credits=3), limits, clock())
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert await used_and_held(store, clock) == (0, 0, 0, 0)


async def test_what_was_held_yesterday_is_given_back_to_yesterday(store: SqlStore, clock: ManualClock) -> None:
    """Else a person could make more today than a day allows."""
    limits = Limits(user_day=5, user_month=0, unfinished=0)
    clock.now = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    task = await store.submit(new_task(credits=5), limits, clock())
    clock.advance(2 * 3600)
    await store.submit(new_task(credits=5), limits, clock())
    await cancel(store, (await store.orders(task.id))[0], clock())
    assert await used_and_held(store, clock, limits) == (0, 5, 0, 5)
    with pytest.raises(CreditsUsedUp):
        await store.submit(new_task(credits=1), limits, clock())
    clock.advance(-2 * 3600)
    assert await used_and_held(store, clock, limits) == (0, 0, 0, 5)


async def test_days_and_months_begin_where_the_operator_lives(store: SqlStore, clock: ManualClock) -> None:
    limits = Limits(user_day=5, user_month=5, unfinished=0, timezone="Asia/Shanghai")
    clock.now = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)  # 23:59 there
    await store.submit(new_task(credits=5), limits, clock())
    assert await used_and_held(store, clock, limits) == (0, 5, 0, 5)
    clock.advance(60)
    assert await used_and_held(store, clock, limits) == (0, 0, 0, 0)
    assert await used_and_held(store, clock, replace(limits, timezone="UTC")) == (0, 5, 0, 5)


async def test_limits_count_what_is_used_and_what_is_held(store: SqlStore, clock: ManualClock) -> None:
    limits = Limits(user_day=6, user_month=0, unfinished=0)
    await hand_over(store, await finished_task(store, clock(), credits=2), clock())
    await store.submit(new_task(credits=3), limits, clock())
    with pytest.raises(CreditsUsedUp) as refused:
        await store.submit(new_task(credits=2), limits, clock())
    assert refused.value.params["left"] == 1
    usage = await store.usage("telegram:ana", limits, clock())
    assert (usage.day_used, usage.day_held, usage.day_limit, usage.month_limit) == (2, 3, 6, 0)
