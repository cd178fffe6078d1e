"""What people do on the page happens in the stand-ins, and what happens there is told to the page."""

import json
from io import BytesIO
from typing import Any

import httpx
import websockets
from PIL import Image

from sandbox.chat import Notice
from sandbox.demo import acts
from sandbox.demo.stage import Stage
from tests.sandbox.demo.stages import page_of, quiet_stage


def png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "png")
    return file.getvalue()


async def do(address: str, act: str, files: Any = None, **form: Any) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{address}/do/{act}", data=form, files=files, headers={"Origin": address})


async def heard(address: str, until: str) -> list[dict[str, Any]]:
    """The first messages on the live line, up to the one that contains ``until``."""
    found: list[dict[str, Any]] = []
    live = address.replace("http", "ws") + "/live"
    async with websockets.connect(live, origin=websockets.Origin(address)) as socket:
        async for text in socket:
            found.append(json.loads(text))
            if until in str(text):
                break
    return found


async def test_a_message_with_a_file_and_a_sample_stands_in_the_chat() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        form = {"platform": "discord", "who": "ben", "chat": "general", "text": "look"}
        files = [("file", ("teal.png", png(), "image/png")), ("file", (None, b"a lake at sunset"))]
        assert (await do(address, "say", files, **form)).status_code == 200
        (post,) = stage.discord.feed.posts("general")
        assert (post.author, post.text) == ("ben", "look")
        assert [(each.filename, each.width) for each in post.attachments] == [
            ("teal.png", 40),
            ("a-lake-at-sunset.jpg", 1024),
        ]


async def test_a_picture_sent_as_a_file_stays_a_document_in_its_topic() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        form = {"platform": "telegram", "who": "ana", "chat": "forum", "thread": "Portraits", "as_file": "1"}
        await do(address, "say", [("file", ("teal.png", png(), "image/png"))], **form)
        (post,) = stage.telegram.feed.posts("forum")
        assert (post.thread, post.attachments[0].kind) == ("Portraits", "document")


async def test_what_a_person_cannot_do_is_said_in_words() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        post = await stage.telegram.say("ben", "group", "mine")
        answer = await do(address, "delete", platform="telegram", who="dora", chat="group", post=post.id)
        assert answer.status_code == 400
        assert answer.json() == {"error": "only the owner may delete what others wrote"}
        assert (await do(address, "dance", who="ana")).status_code == 400
        assert (await do(address, "command", who="ana", chat="general", name="nothing")).status_code == 400


async def test_ones_own_message_can_be_deleted() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        post = await stage.discord.say("ben", "general", "oops")
        await do(address, "delete", platform="discord", who="ben", chat="general", post=post.id)
        assert stage.discord.feed.posts("general") == []


async def test_a_file_that_is_too_large_is_refused() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        large = ("file", ("large.png", bytes(acts.FILE_LIMIT + 1), "image/png"))
        answer = await do(address, "say", [large], platform="discord", who="ana", chat="general")
        assert answer.json() == {"error": "large.png is larger than 20 MB"}
        assert stage.discord.feed.posts() == []


async def test_whoever_opens_the_page_sees_what_stands_there_and_no_old_toasts() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        first = await stage.telegram.say("ana", "group", "before")
        await stage.telegram.say("ben", "group", "between")
        await stage.telegram.edit("ana", "group", first.id, "after")
        stage.telegram.feed.publish(Notice("telegram", "group", "ana", "long ago"))
        await stage.telegram.say("ana", "group", "the end")
        found = await heard(address, "the end")
        assert [each["type"] for each in found] == ["hello", "post", "post", "post"]
        assert [(each["text"], each["edited"]) for each in found[1:3]] == [("after", True), ("between", False)]


async def test_what_happens_is_told_at_once() -> None:
    async with quiet_stage() as stage, page_of(stage) as address:
        live = address.replace("http", "ws") + "/live"
        async with websockets.connect(live, origin=websockets.Origin(address)) as socket:
            assert "hello" in str(await socket.recv())
            await stage.discord.say("dora", "general", "good morning")
            said = json.loads(await socket.recv())
            assert (said["type"], said["author"], said["text"]) == ("post", "dora", "good morning")


async def test_the_commands_are_listed_in_the_persons_language() -> None:
    async with quiet_stage() as stage, page_of(stage) as address, httpx.AsyncClient() as client:
        await _register(stage)
        english = (await client.get(f"{address}/commands?who=ana")).json()
        chinese = (await client.get(f"{address}/commands?who=chen")).json()
        assert [each["description"] for each in english["telegram"]] == ["Make a picture"]
        assert [each["description"] for each in chinese["telegram"]] == ["画图"]
        assert english["discord"]["slash"][0]["description"] == "Make a picture"
        assert chinese["discord"]["slash"][0]["description"] == "画图"
        assert chinese["discord"]["menu"] == [{"name": "Edit image", "label": "修改图片"}]
        assert (await client.get(f"{address}/commands?who=nobody")).status_code == 404


async def _register(stage: Stage) -> None:
    async with httpx.AsyncClient() as client:
        for code, text in ((None, "Make a picture"), ("zh", "画图")):
            wanted = {"commands": [{"command": "imagine", "description": text}]} | (
                {"language_code": code} if code else {}
            )
            url = f"{stage.telegram.base_url}/bot{stage.telegram.token}/setMyCommands"
            assert (await client.post(url, json=wanted)).json()["ok"]
    names = {"name_localizations": {"zh-CN": "修改图片"}}
    stage.discord.commands.replace_all(
        None,
        [
            {"name": "imagine", "description": "Make a picture", "description_localizations": {"zh-CN": "画图"}},
            {"name": "Edit image", "type": 3, **names},
        ],
    )


async def test_the_samples_are_pictures_and_nothing_else_is_served_under_them() -> None:
    async with quiet_stage() as stage, page_of(stage) as address, httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/samples/a lake at sunset")
        assert Image.open(BytesIO(answer.content)).size == (1024, 768)
        assert (await client.get(f"{address}/samples/something else")).status_code == 404
