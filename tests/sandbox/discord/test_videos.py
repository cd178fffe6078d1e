"""Videos as attachments: their type, their size in pixels, their limits, and how people see them."""

import json
from typing import Any

import pytest

from sandbox.chat import Upload
from sandbox.discord import DiscordSandbox
from sandbox.pictures import clip
from tests.sandbox.discord.conftest import Raw, refused

MIB = 1024 * 1024
FILM = clip(seconds=8, ratio="9:16")


def film(data: bytes = FILM, name: str = "waves.mp4") -> dict[str, Any]:
    return {"payload_json": (None, json.dumps({"content": "waves"})), "files[0]": (name, data, "video/mp4")}


async def test_a_video_carries_its_type_and_size(sandbox: DiscordSandbox, raw: Raw) -> None:
    made = (await raw.post("general", files=film())).json()
    (attachment,) = made["attachments"]
    assert (attachment["content_type"], attachment["width"], attachment["height"]) == ("video/mp4", 360, 640)
    assert (await raw.client.get(attachment["url"])).content == FILM
    (shown,) = sandbox.feed.post("general", made["id"]).attachments
    assert (shown.kind, shown.mime, shown.width, shown.height, shown.size) == (
        "video",
        "video/mp4",
        360,
        640,
        len(FILM),
    )


async def test_the_page_can_ask_for_a_part_of_a_video(sandbox: DiscordSandbox, raw: Raw) -> None:
    post = await sandbox.say("ana", "general", "look", files=[Upload("a.mp4", "video/mp4", FILM)])
    answer = await raw.client.get(post.attachments[0].url, headers={"Range": "bytes=8-15"})
    assert (answer.status_code, answer.content) == (206, FILM[8:16])


@pytest.mark.parametrize("data", [FILM[:-1], b"film"], ids=["cut off", "no video"])
async def test_a_damaged_video_has_no_size(raw: Raw, data: bytes) -> None:
    (attachment,) = (await raw.post("general", files=film(data))).json()["attachments"]
    assert attachment["content_type"] == "video/mp4"
    assert "width" not in attachment
    assert "height" not in attachment


async def test_a_video_has_the_limit_of_every_file(sandbox: DiscordSandbox, raw: Raw) -> None:
    large = clip(note="x" * (10 * MIB))
    refused(await raw.post("general", files=film(large)), 413, 40005)
    assert sandbox.feed.posts("general") == []
    sandbox.world.guilds["guild"].tier = 2
    (attachment,) = (await raw.post("general", files=film(large))).json()["attachments"]
    assert (attachment["width"], attachment["height"]) == (640, 360)


async def test_a_person_answers_the_bots_video(sandbox: DiscordSandbox, raw: Raw) -> None:
    made = (await raw.post("general", files=film())).json()
    reply = await sandbox.say("ana", "general", "@bot slower", reply_to=made["id"])
    path = f"/channels/{made['channel_id']}/messages/{reply.id}"
    quoted = (await raw("GET", path)).json()["referenced_message"]
    assert [each["content_type"] for each in quoted["attachments"]] == ["video/mp4"]
