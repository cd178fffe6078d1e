"""Pictures in messages: which there are, and how their bytes are had."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from bots.discord.files import pictures_of
from bots.discord.front import DiscordFront
from core.errors import ChatBusy, ImageGone, ImageTooLarge
from core.types import FrontFile
from tests.bots.discord.world import World, a_world, files_of, picture_bytes, upload

LIMIT = 20 * 1024 * 1024


async def a_file(world: World, **options: Any) -> FrontFile:
    """A picture that came as the option of a command."""
    (file,) = files_of(await world.imagined(image=upload("red"), **options))
    return file


async def a_shown_file(world: World) -> FrontFile:
    """A picture that stands in a message."""
    task = await world.ordered(world.sandbox.say("ana", "general", "@bot night", files=[upload("red")]))
    (file,) = files_of(task)
    return file


async def test_a_picture_is_fetched_as_it_was_sent(world: World, front: DiscordFront) -> None:
    assert await front.fetch(await a_file(world), limit=LIMIT) == picture_bytes("red")
    assert await front.fetch(await a_shown_file(world), limit=LIMIT) == picture_bytes("red")


async def test_an_expired_address_is_asked_for_anew(world: World, front: DiscordFront) -> None:
    file = await a_shown_file(world)
    world.clock.ahead = 48 * 3600

    assert await front.fetch(file, limit=LIMIT) == picture_bytes("red")


async def test_an_expired_address_without_a_message_is_gone(world: World, front: DiscordFront) -> None:
    file = await a_file(world)
    world.clock.ahead = 48 * 3600

    with pytest.raises(ImageGone):
        await front.fetch(file, limit=LIMIT)


async def test_a_picture_whose_message_was_deleted_is_gone(world: World, front: DiscordFront) -> None:
    file = await a_shown_file(world)
    await world.sandbox.delete("ana", "general", str(file.data["message"]))
    world.clock.ahead = 48 * 3600

    with pytest.raises(ImageGone):
        await front.fetch(file, limit=LIMIT)


async def test_nothing_above_the_limit_is_taken_whatever_its_size_was_said_to_be(
    world: World, front: DiscordFront
) -> None:
    file = await a_file(world)
    lying = replace(file, data={**file.data, "size": 10})

    for each in (file, lying):
        with pytest.raises(ImageTooLarge):
            await front.fetch(each, limit=50)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "http://127.0.0.2/cat.png",
        "file:///etc/passwd",
        "https://cdn.discordapp.com.evil.example/x",
    ],
)
async def test_no_foreign_host_is_ever_asked(world: World, front: DiscordFront, url: str) -> None:
    file = await a_file(world)
    with pytest.raises(ImageGone):
        await front.fetch(replace(file, data={**file.data, "url": url}), limit=LIMIT)


async def test_a_file_host_that_does_not_answer_is_for_later(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with world.listening():
            file = await a_file(world)
        front = world.front()
    with pytest.raises(ChatBusy):
        await front.fetch(file, limit=LIMIT)
    await front.close()


async def posted(world: World, front: DiscordFront, payload: dict[str, Any]) -> discord.Message:
    """A message as another program would have posted it; the parts of the message that only Discord writes are ours."""
    channel = front._online().get_partial_messageable(world.channel())
    message = await channel.fetch_message((await channel.send("hello")).id)
    data: Any = {**_data(message), **payload}
    return discord.Message(state=message._state, channel=channel, data=data)


def _data(message: discord.Message) -> dict[str, Any]:
    author = {"id": "9", "username": "x", "discriminator": "0", "avatar": None}
    return {
        "id": str(message.id), "channel_id": str(message.channel.id), "type": 0, "content": "", "author": author,
        "attachments": [], "embeds": [], "components": [], "mentions": [], "mention_roles": [], "pinned": False,
        "mention_everyone": False, "tts": False, "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None,
    }  # fmt: skip


CDN = "https://cdn.discordapp.com/attachments/1/2/cat.png"
PROXY = "https://images-ext-1.discordapp.net/external/x/https/example.com/cat.png"
FOREIGN = {"url": "https://example.com/cat.png", "proxy_url": PROXY}


@pytest.mark.parametrize(
    ("payload", "urls"),
    [
        ({"embeds": [{"type": "rich", "image": FOREIGN}]}, [PROXY]),
        ({"embeds": [{"type": "image", "url": FOREIGN["url"], "thumbnail": FOREIGN}]}, [PROXY]),
        ({"embeds": [{"type": "rich", "thumbnail": FOREIGN}]}, []),
        ({"embeds": [{"type": "rich", "image": {"url": CDN + "?ex=1", "proxy_url": PROXY}}]}, [CDN + "?ex=1"]),
        (
            {
                "flags": 1 << 15,
                "components": [
                    {
                        "type": 17,
                        "id": 1,
                        "components": [
                            {"type": 12, "id": 2, "items": [{"media": FOREIGN}, {"media": {"url": CDN}}]},
                            {
                                "type": 9,
                                "id": 3,
                                "components": [{"type": 10, "id": 4, "content": "hi"}],
                                "accessory": {"type": 11, "id": 5, "media": {"url": CDN + "?again"}},
                            },
                        ],
                    }
                ],
            },
            [PROXY, CDN],
        ),
        (
            {
                "message_snapshots": [
                    {
                        "message": {
                            "type": 0, "content": "", "embeds": [], "timestamp": "2026-01-01T00:00:00+00:00",
                            "edited_timestamp": None, "flags": 0, "components": [],
                            "attachments": [
                                {"id": "5", "filename": "cat.png", "size": 9, "url": CDN, "proxy_url": CDN,
                                 "content_type": "image/png"}
                            ],
                        }
                    }
                ]
            },
            [CDN],
        ),
    ],
    ids=["embed", "link", "thumbnail", "own embed", "gallery", "forwarded"],
)  # fmt: skip
async def test_the_pictures_of_a_message_are_found_wherever_they_are_shown(
    world: World, front: DiscordFront, payload: dict[str, Any], urls: list[str]
) -> None:
    message = await posted(world, front, payload)

    assert [file.data["url"] for file in pictures_of(message)] == urls
