"""The circuit breaker: counts, rests, tries again, tells everybody through the store."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.breaker import EMPTY_REST, LONGEST_REST, REST, Breaker
from core.errors import BalanceEmpty, GatewayBusy, GatewayDown, GatewayError, GatewayResting, KeyRejected, PromptRefused
from core.ports import Rest
from core.store import SqlStore, open_store
from core.testing import ManualClock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(f"sqlite+aiosqlite:///{tmp_path}/imagine.db")
    yield opened
    await opened.close()


async def fail(breaker: Breaker, error: GatewayError, times: int) -> None:
    for number in range(times):
        await breaker.heard("alpha", f"order {number}", error)


async def test_five_failures_in_a_row_rest_a_gateway_for_everybody(store: SqlStore) -> None:
    clock = ManualClock()
    breaker, other = Breaker(store, clock), Breaker(store, clock)
    await fail(breaker, GatewayDown(), 4)
    assert not breaker.resting
    await fail(breaker, GatewayDown(), 1)
    await other.look()
    assert other.resting["alpha"].until == clock() + REST
    refusal = other.refusal("alpha")
    assert isinstance(refusal, GatewayResting)
    assert refusal.retry_after == REST.total_seconds()
    assert other.refusal("beta") is None


async def test_one_order_that_fails_again_and_again_proves_nothing(store: SqlStore) -> None:
    breaker = Breaker(store, ManualClock())
    for number in range(10):
        await breaker.heard("alpha", f"order {number % 2}", GatewayDown())
    assert not breaker.resting
    await breaker.heard("alpha", "a third one", GatewayDown())
    assert breaker.resting


@pytest.mark.parametrize("answer", [None, PromptRefused(), GatewayBusy()])
async def test_an_answer_in_between_begins_the_count_anew(store: SqlStore, answer: GatewayError | None) -> None:
    breaker = Breaker(store, ManualClock())
    await fail(breaker, GatewayDown(), 4)
    await breaker.heard("alpha", "another", answer)
    await fail(breaker, GatewayDown(), 4)
    assert not breaker.resting


async def test_after_its_rest_one_failure_is_enough_for_a_longer_one(store: SqlStore) -> None:
    clock = ManualClock()
    breaker = Breaker(store, clock)
    await fail(breaker, GatewayDown(), 5)
    for times in range(1, 8):
        clock.advance((breaker.resting["alpha"].until - clock()).total_seconds() + 1)
        assert not breaker.resting
        await fail(breaker, GatewayDown(), 1)
        assert breaker.resting["alpha"].until == clock() + min(REST * 2**times, LONGEST_REST)


async def test_calls_that_fail_at_the_same_moment_are_one_reason(store: SqlStore) -> None:
    clock = ManualClock()
    breaker = Breaker(store, clock)
    await asyncio.gather(*(breaker.heard("alpha", f"order {number}", GatewayDown()) for number in range(20)))
    assert breaker.resting["alpha"].until == clock() + REST


async def test_a_success_after_the_rest_ends_it_for_everybody(store: SqlStore) -> None:
    clock = ManualClock()
    breaker = Breaker(store, clock)
    await fail(breaker, GatewayDown(), 5)
    clock.advance(REST.total_seconds() + 1)
    await breaker.heard("alpha", "another", None)
    await fail(breaker, GatewayDown(), 4)
    assert not breaker.resting
    assert not await store.rests(clock() - timedelta(hours=1))


async def test_an_empty_balance_is_told_at_once_instead_of_a_wait(store: SqlStore) -> None:
    breaker = Breaker(store, ManualClock())
    await fail(breaker, BalanceEmpty(), 5)
    assert isinstance(breaker.refusal("alpha"), BalanceEmpty)


async def test_an_account_may_have_been_topped_up_by_the_next_start(store: SqlStore) -> None:
    clock = ManualClock()
    await fail(Breaker(store, clock), BalanceEmpty(), 5)
    broken = Breaker(store, clock)
    for number in range(5):
        await broken.heard("beta", f"order {number}", GatewayDown())
    await Breaker(store, clock).begin()
    assert set(await store.rests(clock())) == {"beta"}


async def test_an_empty_account_is_looked_at_again_within_minutes_and_trouble_long_ago_is_forgotten(
    store: SqlStore,
) -> None:
    clock = ManualClock()
    breaker = Breaker(store, clock)
    await fail(breaker, BalanceEmpty(), 5)
    for _ in range(6):
        clock.advance((breaker.resting["alpha"].until - clock()).total_seconds() + 1)
        await fail(breaker, BalanceEmpty(), 1)
        assert breaker.resting["alpha"].until - clock() <= EMPTY_REST
    clock.advance(2 * LONGEST_REST.total_seconds())
    await fail(breaker, GatewayDown(), 4)
    assert not breaker.resting


async def test_a_refused_key_rests_nothing_it_may_be_one_models_alone(store: SqlStore) -> None:
    breaker = Breaker(store, ManualClock())
    await fail(breaker, KeyRejected(), 20)
    assert not breaker.resting


async def test_a_rest_that_begins_during_a_look_is_not_forgotten(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker, rests = Breaker(store, ManualClock()), store.rests
    read, told = asyncio.Event(), asyncio.Event()

    async def late(now: datetime) -> Mapping[str, Rest]:
        found = await rests(now)
        read.set()
        await told.wait()
        return found

    monkeypatch.setattr(store, "rests", late)
    look = asyncio.create_task(breaker.look())
    await read.wait()
    await fail(breaker, GatewayDown(), 5)
    told.set()
    await look
    assert breaker.refusal("alpha")
