"""The first answer: within three seconds whatever the store does, and never before a quick store has spoken."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bots.discord.answering import STORE_PATIENCE
from bots.discord.front import DiscordFront
from core.engine import Embedded
from core.quota import Limits
from sandbox.discord.interactions import ANSWER_SECONDS, NO_ANSWER
from tests.bots.discord.world import World, a_world
from tests.waiting import until


@contextlib.contextmanager
def held(world: World) -> Iterator[None]:
    """Another process holds the database's write lock."""
    other = sqlite3.connect(world.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def be_patient(world: World) -> None:
    """The stand-in waits longer than Discord: the order of things is looked at, not the speed of a busy machine."""
    world.sandbox.interactions.answer_seconds = 60.0


async def test_the_request_is_stored_before_it_is_acknowledged(world: World, front: DiscordFront) -> None:
    await world.sandbox.command("ana", "general", "imagine", {"prompt": "a fox"})
    await world.post(lambda post: post.thinking)

    assert len(await world.tasks()) == 1, "who is told 'thinking' is in the store"


async def test_a_held_store_delays_the_request_but_not_the_answer(world: World, front: DiscordFront) -> None:
    be_patient(world)
    with held(world):
        await world.sandbox.command("ana", "general", "imagine", {"prompt": "a fox"})
        await world.post(lambda post: post.thinking)
        assert not await world.tasks()

    await until(world.tasks)
    assert NO_ANSWER not in [notice.text for notice in world.notices()]


def test_the_patience_with_the_store_leaves_time_for_the_way_to_discord() -> None:
    assert STORE_PATIENCE <= ANSWER_SECONDS / 2


async def test_a_refusal_that_comes_late_is_still_told(tmp_path: Path) -> None:
    async with a_world(tmp_path, limits=Limits(user_day=1)) as world, world.listening():
        be_patient(world)
        with held(world):
            await world.sandbox.command("ana", "general", "imagine", {"prompt": "two foxes", "count": 2})
            thinking = await world.post(lambda post: post.thinking)

        told = await world.post(lambda post: post.id == thinking.id and not post.thinking)
        assert "credit" in told.text


async def test_a_store_that_does_not_answer_is_told_to_the_person(world: World, front: DiscordFront) -> None:
    await world.store.close()
    world.database.unlink()
    world.database.mkdir()
    answer = await world.told(world.sandbox.command("ana", "general", "imagine", {"prompt": "a fox"}))

    assert "try again" in answer.text


async def test_a_request_whose_acknowledgement_fails_is_still_made_and_shown_in_the_channel(
    world: World, front: DiscordFront
) -> None:
    world.sandbox.fail_next("POST", "/callback$", status=400, code=10062, message="Unknown interaction")
    task = await world.imagined()

    await front.show(task.address, await world.view(task.id))
    (shown,) = world.bot_posts()
    assert "a red fox" in shown.text
    assert shown.only_for is None


async def test_progress_waits_for_the_acknowledgement(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    address = await front.show(task.address, await world.view(task.id))

    callback, first_edit = world.calls("POST", "/callback")[0], world.calls("PATCH", "/messages/@original")[0]
    assert world.sandbox.calls.index(callback) < world.sandbox.calls.index(first_edit)
    assert first_edit.status == 200
    assert str(address.data["status"]) == world.bot_posts()[0].id


async def test_the_loops_stand_back_until_the_acknowledgement_is_out(world: World, front: DiscordFront) -> None:
    engine = Embedded()
    world.client.accepting = engine.accepting
    world.sandbox.fail_next("POST", "/callback$", mode="late", seconds=1.5)
    await world.imagined()

    async def is_calm() -> bool:
        try:
            await asyncio.wait_for(engine.calm(), 0.1)
        except TimeoutError:
            return False
        return True

    assert not await is_calm()
    await until(is_calm)
