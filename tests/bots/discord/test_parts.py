"""A result of several messages: each of its parts comes once, whichever way and attempt it was that posted it."""

import asyncio
import re
from typing import Any

import pytest

from bots.discord import results
from bots.discord.front import DiscordFront
from core.errors import ChatBusy
from sandbox.chat import Post
from tests.bots.discord.world import World, a_result

FOLLOW_UPS = r"/webhooks/[^/]+/[^/]+$"
MESSAGES = "/messages$"
#: Texts that take a message each.
TEXTS = [" ".join(f"word{number}" for number in range(first, first + 150)) for first in (100, 300, 500)]


def names(posts: list[Post]) -> list[str]:
    return [attachment.filename for post in posts for attachment in post.attachments]


async def test_of_parts_for_one_persons_eyes_a_later_attempt_posts_those_that_are_missing(
    world: World, front: DiscordFront
) -> None:
    task = await world.imagined(private=True)
    view = await world.finish(task, texts=TEXTS)
    handing = asyncio.create_task(front.hand_over(task.address, view, [], attempt=1))
    await world.post(lambda _: len(world.bot_posts()) == 2)
    world.sandbox.fail_next("POST", FOLLOW_UPS, status=429, headers={"Retry-After": "120"})
    with pytest.raises(ChatBusy):
        await handing
    receipt = await front.hand_over(task.address, view, [], attempt=2)

    parts = world.bot_posts()
    assert re.findall(r"word\d+", " ".join(post.text for post in parts)) == " ".join(TEXTS).split()
    assert {message.key.partition(":")[2] for message in receipt.messages} == {post.id for post in parts}
    assert {post.only_for for post in parts} == {"ana"}
    assert [bool(post.buttons) for post in parts] == [*[False] * (len(parts) - 1), True]


@pytest.mark.parametrize(
    ("private", "route", "trouble"),
    [
        (True, FOLLOW_UPS, {"status": 413, "code": 40005}),
        (False, MESSAGES, {"status": 403, "code": 50013}),
    ],
    ids=["too large", "no permission any more"],
)
async def test_what_fails_midway_is_gone_on_with_where_it_stopped(
    world: World, front: DiscordFront, private: bool, route: str, trouble: dict[str, Any]
) -> None:
    task = await world.imagined(private=private)
    pictures = [a_result(task, index) for index in range(12)]
    view = await world.finish(task, *pictures)
    handing = asyncio.create_task(front.hand_over(task.address, view, pictures, attempt=1))
    await world.post(lambda post: len(post.attachments) == 10)
    world.sandbox.fail_next("POST", route, **trouble)
    await handing

    assert sorted(names(world.pictures())) == sorted(picture.filename for picture in pictures)


async def test_a_result_that_came_long_after_the_request_is_found_again(
    world: World, front: DiscordFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "HISTORY", 3)
    task = await world.imagined()
    for number in range(5):
        await world.sandbox.say("ben", "general", f"chatter {number}")
    view, pictures = await world.finish(task, a_result(task)), [a_result(task)]
    first = await front.hand_over(task.address, view, pictures, attempt=1)
    world.clock.ahead = 3600
    second = await front.hand_over(task.address, view, pictures, attempt=2)

    assert len(world.pictures()) == 1
    assert second == first
