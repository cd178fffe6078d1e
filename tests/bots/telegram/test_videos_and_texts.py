"""Results that are no pictures: each fallback of posting, by one front against one stand-in."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from bots.telegram import photos
from bots.telegram.places import key
from core.types import Action, Picture, Receipt, View
from sandbox.chat import Post
from sandbox.pictures import clip
from tests.bots.telegram.handing import DONE, a_chat
from tests.bots.telegram.world import World, a_result, a_world
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "private:ana"
FILMED = replace(DONE, actions=(Action.AGAIN, Action.DETAILS, Action.DELETE))
TOLD = replace(
    FILMED, actions=(Action.AGAIN, Action.IMAGINE, Action.DETAILS, Action.DELETE), texts=("a red fox", "@ben in snow")
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("results")) as found:
        yield found


def a_video(index: int = 0, *, seconds: float = 4.2) -> Picture:
    return a_result(clip(seconds=seconds, note=str(index)), index, mime="video/mp4")


async def handed(world: World, view: View, *pictures: Picture, posts: int = 1) -> tuple[Sequence[Post], Receipt, Post]:
    """What is posted (that many messages), the receipt, and the request it answers."""
    front, address, request = await a_chat(world, CHAT)
    before = len(world.bot_posts(CHAT))
    receipt = await front.hand_over(address, view, pictures, attempt=1)
    await until(lambda: len(world.bot_posts(CHAT)) == before + posts)
    return world.bot_posts(CHAT)[before:], receipt, request


def kinds(posts: Sequence[Post]) -> list[str]:
    return [item.kind for post in posts for item in post.attachments]


def ids(post: Post) -> list[str]:
    return [button.id.replace(f":{DONE.task_id}", "") for row in post.buttons for button in row]


# -- videos -----------------------------------------------------------------------------------------------------------


async def test_a_video_is_played_in_the_chat_with_caption_and_buttons(world: World) -> None:
    video = a_video()
    (post,), receipt, request = await handed(world, FILMED, video)
    assert kinds([post]) == ["video"]
    assert post.attachments[0].size == len(video.data)
    assert post.reply_to == request.id
    assert post.text.startswith("a red fox")
    assert ids(post) == ["i1:again", "i1:details", "i1:delete"]
    told = world.sandbox.called("sendVideo")[-1].params
    assert (told["width"], told["height"], told["duration"]) == (video.ref.width, video.ref.height, 5)
    assert told["supports_streaming"] is True
    (message,) = receipt.messages
    assert (message.key, message.index) == (key(world.sandbox.chat_id(CHAT), int(post.id)), 0)


@pytest.mark.parametrize(
    ("code", "description"), [(400, "Bad Request: VIDEO_CONTENT_TYPE_INVALID"), (413, "Request Entity Too Large")]
)
async def test_a_video_that_is_refused_goes_as_a_file(world: World, code: int, description: str) -> None:
    world.sandbox.fail_next("sendVideo", code=code, description=description)
    (post,), receipt, _ = await handed(world, FILMED, a_video())
    assert kinds([post]) == ["document"]
    assert ids(post) == ["i1:again", "i1:details", "i1:delete"]
    assert [message.index for message in receipt.messages] == [0]


async def test_several_videos_are_an_album_with_buttons_below(world: World) -> None:
    posts, receipt, _ = await handed(world, FILMED, *(a_video(index) for index in range(3)), posts=4)
    assert kinds(posts) == ["video"] * 3
    assert [item["duration"] for item in world.sandbox.called("sendMediaGroup")[-1].params["media"]] == [5, 5, 5]
    assert ids(posts[3]) == ["i1:again", "i1:details", "i1:delete"]
    assert [message.index for message in receipt.messages] == [0, 1, 2]


async def test_several_videos_that_are_refused_go_as_files(world: World) -> None:
    world.sandbox.fail_next("sendMediaGroup", description="Bad Request: VIDEO_CONTENT_TYPE_INVALID")
    posts, _, _ = await handed(world, FILMED, a_video(0), a_video(1), posts=3)
    assert kinds(posts) == ["document"] * 2


async def test_what_is_too_much_for_one_upload_goes_in_several(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    videos = [a_video(index) for index in range(3)]
    monkeypatch.setattr("bots.telegram.packing.FILE_BYTES", 2 * len(videos[0].data))
    posts, receipt, _ = await handed(world, FILMED, *videos, posts=4)
    assert kinds(posts) == ["video"] * 3
    assert [bool(post.text) for post in posts[:3]] == [True, False, False]
    assert len(world.sandbox.called("sendMediaGroup")[-1].params["media"]) == 2
    assert [message.index for message in receipt.messages] == [0, 1, 2]


async def test_a_video_that_no_message_takes_is_told_about_and_keeps_its_buttons(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "FILE_BYTES", 1000)
    (post,), receipt, request = await handed(world, FILMED, a_video())
    assert kinds([post]) == []
    assert world.words.say("en", "delivery.video_too_large", size="1", limit="50") in post.text
    assert "a red fox" in post.text
    assert post.reply_to == request.id
    assert ids(post) == ["i1:again", "i1:details", "i1:delete"]
    assert [message.index for message in receipt.messages] == [None]


async def test_of_several_videos_the_one_that_no_message_takes_is_told_about(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = a_video(0), a_result(clip(note="x" * 1000), 1, mime="video/mp4")
    monkeypatch.setattr(photos, "FILE_BYTES", len(large.data) - 1)
    posts, receipt, _ = await handed(world, FILMED, small, large, posts=2)
    assert kinds(posts) == ["video"]
    assert world.words.say("en", "delivery.video_too_large", size="1", limit="50") == posts[1].text
    assert [message.index for message in receipt.messages] == [0]


# -- texts ------------------------------------------------------------------------------------------------------------


async def test_texts_are_one_message_with_a_button_for_each(world: World) -> None:
    (post,), receipt, request = await handed(world, TOLD)
    assert post.reply_to == request.id
    assert world.words.say("en", "result.texts") in post.text
    assert "1. a red fox" in post.text
    assert "@ben" not in post.text  # it rings nobody
    assert ids(post) == ["i1:imagine:0", "i1:imagine:1", "i1:again", "i1:details", "i1:delete"]
    (message,) = receipt.messages
    assert (message.key, message.index) == (key(world.sandbox.chat_id(CHAT), int(post.id)), None)


async def test_texts_that_are_too_long_for_a_message_go_on_in_the_next(world: World) -> None:
    view = replace(TOLD, texts=("fox " * 700, "cat " * 700))
    posts, receipt, _ = await handed(world, view, posts=2)
    assert [bool(post.buttons) for post in posts] == [False, True]
    assert sum(post.text.count("cat") for post in posts) == 700
    assert len(receipt.messages) == 2
