"""Several processes, each with its own shards: who hears what, and that either may speak."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.discord.front import DiscordFront
from core.errors import ChatBusy
from tests.bots.discord.world import World, a_result, a_world, heavy_picture
from tests.waiting import until

ZERO, ONE = (range(1), 2), (range(1, 2), 2)


def add_server(world: World) -> int:
    """A second server on the other shard; the number of the first server's shard."""
    number = int(world.sandbox.world.guilds["guild"].id) >> 22
    world.sandbox.add_guild("other", guild_id=str(number + 1 << 22))
    world.sandbox.add_channel("lounge", guild="other")
    return number % 2


@contextlib.asynccontextmanager
async def halves(world: World) -> AsyncIterator[tuple[DiscordFront, DiscordFront]]:
    """Two fronts with one shard of two each: that of channel ``general``, and that of ``lounge``."""
    mine = add_server(world)
    async with world.listening(shards=ZERO) as zero, world.listening(shards=ONE) as one:
        await world.sandbox.gateway.wait_connected(2)
        yield (one, zero) if mine else (zero, one)


async def test_each_process_hears_its_own_servers_and_shard_zero_the_private_chats(world: World) -> None:
    async with halves(world):
        for channel in ("general", "lounge", "dm:ana"):
            await world.imagined(channel=channel)
        await until(lambda: [call.status for call in world.calls("POST", "/callback")] == [200] * 3)
        places = world.sandbox.world.guilds
        for session in world.sandbox.gateway.connected:
            heard = session.last("INTERACTION_CREATE")
            own = [key for key, guild in places.items() if (int(guild.id) >> 22) % 2 == session.shard[0]]
            private = ["dm:ana"] if session.shard[0] == 0 else []
            assert heard is not None
            assert heard["d"].get("guild_id") == (None if private else places[own[0]].id)


async def test_a_process_posts_results_for_servers_it_does_not_know_and_as_large_as_they_take(world: World) -> None:
    world.sandbox.world.guilds["guild"].tier = 2
    async with halves(world) as (_, other):
        task = await world.imagined()
        large = a_result(task, data=heavy_picture(2000))
        view = await world.finish(task, large)
        await other.hand_over(task.address, view, [large], attempt=1)

    (result,) = world.pictures()
    assert result.attachments[0].size == len(large.data)


async def test_another_process_does_not_speak_before_the_interaction_is_acknowledged(world: World) -> None:
    async with halves(world) as (_, other):
        world.sandbox.fail_next("POST", "/callback$", mode="late", seconds=0.5)
        task = await world.imagined()
        with pytest.raises(ChatBusy):
            await other.show(task.address, await world.view(task.id))
        assert not world.bot_posts()
        await world.post(lambda post: post.thinking)
        await other.show(task.address, await world.view(task.id))

    (shown,) = world.bot_posts()
    assert "a red fox" in shown.text


async def test_nor_does_it_post_a_private_result_elsewhere_before_that(world: World) -> None:
    async with halves(world) as (_, other):
        world.sandbox.fail_next("POST", "/callback$", mode="late", seconds=0.5)
        task = await world.imagined(private=True)
        picture = a_result(task)
        view = await world.finish(task, picture)
        with pytest.raises(ChatBusy):
            await other.hand_over(task.address, view, [picture], attempt=1)
        await until(lambda: [call.status for call in world.calls("POST", "/callback")] == [200])
        await other.hand_over(task.address, view, [picture], attempt=2)

    assert [post.only_for for post in world.pictures()] == ["ana"]
    assert not world.bot_posts("dm:ana")


async def test_only_the_process_with_shard_zero_registers_commands(world: World) -> None:
    async with world.listening(shards=ONE):
        assert not world.calls("PUT", "/commands")
        async with world.listening(shards=ZERO):
            assert len(world.calls("PUT", "/commands")) == 1


async def test_the_shards_of_a_process_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.discord.bot.IDENTIFY_PAUSE", 0.5)
    async with a_world(tmp_path, identify_seconds=0.2) as world, world.listening(shards=(range(2), 2)):
        await world.sandbox.gateway.wait_connected(2)

    assert (world.sandbox.gateway.identified, world.sandbox.gateway.turned_away) == (2, 0)


async def test_a_process_that_comes_too_soon_after_another_one_tries_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.discord.bot.IDENTIFY_PAUSE", 0.1)
    gateway = world.sandbox.gateway
    async with world.listening(shards=ZERO):
        gateway.settings.identify_seconds = 60.0
        second, stopping = world.front(shards=ONE), asyncio.Event()
        running = asyncio.create_task(second.run(stopping))
        await until(lambda: gateway.turned_away)
        assert not second.is_listening
        gateway.settings.identify_seconds = 0.0
        await until(lambda: second.is_listening)
        stopping.set()
        await running
        await second.close()
