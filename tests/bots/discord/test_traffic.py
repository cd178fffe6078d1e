"""Refused calls are counted where all calls pass, and fewer are made before Discord bans the address."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.discord.front import DiscordFront
from bots.discord.window import Window
from core.errors import ChatBusy, ChatGone
from tests.bots.discord.world import World, a_result
from tests.waiting import until

MOST = 20


@given(
    pauses=st.lists(st.integers(0, 100), max_size=2 * MOST),
    seconds=st.integers(1, 300),
    threshold=st.integers(1, MOST),
)
def test_the_window_counts_what_is_younger_and_tells_when_it_will_be_less(
    pauses: list[int], seconds: int, threshold: int
) -> None:
    now = 0
    window = Window(seconds, MOST, lambda: now)
    added: list[int] = []
    for pause in pauses:
        now += pause
        window.add()
        added.append(now)
        assert window.count() == min(MOST, sum(each > now - seconds for each in added))
    wait = window.wait(threshold)
    assert (wait > 0) == (window.count() >= threshold)
    if wait:
        now += int(wait) - 1
        assert window.count() >= threshold
        now += 1
        assert window.count() < threshold


async def refused(world: World, front: DiscordFront) -> int:
    """Hand a result over where nothing is allowed; how many calls were made."""
    answered = len(world.calls("POST", "/callback"))
    task = await world.imagined()
    # The task is stored before it is acknowledged.
    await until(lambda: len([call for call in world.calls("POST", "/callback") if call.status]) > answered)
    before = len(world.sandbox.calls)
    world.sandbox.fail_next("*", "/(messages|channels|webhooks)", status=403, code=50001, times=4)
    picture = a_result(task)
    with pytest.raises(ChatGone):
        await front.hand_over(task.address, await world.finish(task, picture), [picture], attempt=1)
    return len(world.sandbox.calls) - before


async def test_refusals_in_masses_first_end_progress_then_all_but_the_acknowledgements(world: World) -> None:
    async with world.listening(drop_from=4, wait_from=8) as front:
        assert await refused(world, front) == 4
        task = await world.imagined()
        with pytest.raises(ChatBusy) as progress:
            await front.show(task.address, await world.view(task.id))
        picture = a_result(task)
        await front.hand_over(task.address, await world.finish(task, picture), [picture], attempt=1)
        assert len(world.pictures()) == 1

        assert await refused(world, front) == 4
        task = await world.imagined()
        await until(lambda: [call.status for call in world.calls("POST", "/callback")] == [200] * 4)
        before = len(world.sandbox.calls)
        picture = a_result(task)
        with pytest.raises(ChatBusy) as result:
            await front.hand_over(task.address, await world.finish(task, picture), [picture], attempt=1)
        assert len(world.sandbox.calls) == before

    for error in (progress.value, result.value):
        assert 500 < error.retry_after <= 600


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
async def strict(world: World, heard: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordFront]:
    """One refused call, and progress is no longer shown: half the shards, half of what the address may do."""
    monkeypatch.setattr("bots.discord.bot.IDENTIFY_PAUSE", 0.0)
    async with world.listening(shards=(range(2), 4), drop_from=2, limited=heard.append) as front:
        await world.sandbox.gateway.wait_connected(2)
        yield front


@pytest.mark.parametrize("scope", ["user", "shared"])
async def test_a_result_waits_for_a_429_which_is_told_once_and_counts_unless_it_is_shared(
    world: World, strict: DiscordFront, heard: list[str], scope: str
) -> None:
    task, other = await world.imagined(), await world.imagined()
    headers = {"Retry-After": "1", "X-RateLimit-Scope": scope}
    world.sandbox.fail_next("POST", "/messages$", status=429, headers=headers)
    picture = a_result(task)
    await strict.hand_over(task.address, await world.finish(task, picture), [picture], attempt=1)

    assert [call.status for call in world.calls("POST", "/messages")] == [429, 200]
    assert heard == ["discord"]
    if scope == "user":
        with pytest.raises(ChatBusy):
            await strict.show(other.address, await world.view(other.id))
    else:
        await strict.show(other.address, await world.view(other.id))


async def test_a_result_by_the_interactions_token_does_not_wait_for_minutes(world: World, front: DiscordFront) -> None:
    task = await world.imagined(private=True)
    world.sandbox.fail_next("PATCH", "/messages/(@|%40)original$", status=429, headers={"Retry-After": "90"})
    picture = a_result(task)
    with pytest.raises(ChatBusy) as caught:
        await front.hand_over(task.address, await world.finish(task, picture), [picture], attempt=1)

    assert caught.value.retry_after == 90
