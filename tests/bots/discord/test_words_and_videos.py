"""Results that are no pictures: words to paint from, and videos."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from bots.discord.front import DiscordFront
from core.errors import ChatBusy
from core.types import Picture, Receipt, Task
from sandbox.chat import Post
from sandbox.pictures import clip
from tests.bots.discord.world import (
    EVERYTHING,
    GENEROUS,
    World,
    a_result,
    a_video,
    a_world,
    actions,
    button,
    labels,
    upload,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
PROMPTS = ("a *red* fox --ar 16:9", "an owl")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(tmp_path_factory.mktemp("words"), limits=GENEROUS, models=EVERYTHING) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(world: World) -> AsyncIterator[DiscordFront]:
    async with world.listening() as listening:
        yield listening


async def described(world: World, channel: str = "general", **options: bool) -> Task:
    return await world.ordered(world.sandbox.command("ana", channel, "describe", {"image": upload(), **options}))


async def animated(world: World, channel: str = "general") -> Task:
    return await world.ordered(world.sandbox.command("ana", channel, "animate", {"prompt": "waves"}))


def posts(world: World, receipt: Receipt, channel: str = "general") -> list[Post]:
    """The messages the receipt names, in their order."""
    return [world.sandbox.feed.post(channel, message.key.partition(":")[2]) for message in receipt.messages]


async def handed_over(
    world: World,
    front: DiscordFront,
    task: Task,
    pictures: Sequence[Picture] = (),
    *,
    texts: Sequence[str] = (),
    channel: str = "general",
) -> list[Post]:
    view = await world.finish(task, *pictures, texts=texts)
    return posts(world, await front.hand_over(task.address, view, pictures, attempt=1), channel)


async def test_words_come_as_one_message_with_a_button_for_each(world: World, front: DiscordFront) -> None:
    task = await described(world)
    (told,) = await handed_over(world, front, task, texts=PROMPTS)

    assert "a \\*red\\* fox --ar 16:9" in world.sandbox.message("general", told.id).content, "as it is, no formatting"
    assert "an owl" in told.text
    assert not told.attachments
    assert labels(told)[0] == ["🎨 1", "🎨 2"]
    assert actions(told)[2:] == ["again", "details", "delete"]
    assert world.pinged(told) == {"ana"}
    assert told.reply_to is not None, "it answers the command"


async def test_long_words_take_several_messages_with_the_buttons_on_the_last(world: World, front: DiscordFront) -> None:
    task = await described(world)
    first, last = await handed_over(world, front, task, texts=[f"{n}: " + "fox " * 200 for n in range(4)])

    assert max(len(post.text) for post in (first, last)) <= 2000
    assert (actions(first), actions(last)[:2]) == ([], ["imagine", "imagine"])
    assert all(f"{n}: fox" in first.text + last.text for n in range(4))


async def test_words_for_one_pair_of_eyes_stay_there(world: World, front: DiscordFront) -> None:
    task = await described(world, private=True)
    (told,) = await handed_over(world, front, task, texts=PROMPTS)

    assert told.only_for == "ana"
    assert "an owl" in told.text


async def test_words_that_may_have_been_posted_an_hour_ago_are_not_posted_again(
    world: World, front: DiscordFront
) -> None:
    task = await described(world)
    view = await world.finish(task, texts=["a lighthouse"])
    world.sandbox.fail_next("POST", "/messages$", mode="drop_after")
    with pytest.raises(ChatBusy):
        await front.hand_over(task.address, view, [], attempt=1)
    world.clock.ahead += 600
    receipt = await front.hand_over(task.address, view, [], attempt=2)

    assert [post for post in world.bot_posts() if "a lighthouse" in post.text] == posts(world, receipt)


async def test_words_reach_their_requester_where_the_bot_may_not_post(world: World, front: DiscordFront) -> None:
    world.sandbox.add_channel("quiet")
    world.sandbox.deny("quiet", "send_messages")
    task = await described(world, "quiet")
    (told,) = await handed_over(world, front, task, texts=PROMPTS, channel="quiet")

    assert told.via == "ana used /describe"
    assert actions(told)[:2] == ["imagine", "imagine"]


async def test_a_video_comes_as_a_file_with_its_caption_and_no_button_for_an_edit(
    world: World, front: DiscordFront
) -> None:
    task = await animated(world)
    (shown,) = await handed_over(world, front, task, [a_video(task)])

    (video,) = shown.attachments
    assert (video.mime, video.filename, video.size) == ("video/mp4", f"imagine-{task.id}.mp4", len(clip()))
    assert "waves" in shown.text
    assert actions(shown) == ["again", "details", "delete"]


async def test_beside_a_video_the_picture_is_what_can_be_edited(world: World, front: DiscordFront) -> None:
    task = await world.imagined()
    (shown,) = await handed_over(world, front, task, [a_video(task), a_result(task, 1)])

    assert [attachment.mime for attachment in shown.attachments] == ["video/mp4", "image/png"]
    assert button(shown, "edit") == f"i1:edit:{task.id}:1"
    assert actions(shown).count("edit") == 1


async def test_a_video_that_is_too_large_is_told_and_never_cut(world: World, front: DiscordFront) -> None:
    task = await animated(world)
    (shown,) = await handed_over(world, front, task, [a_video(task, clip() + bytes(11 * MIB))])

    assert not shown.attachments
    assert "waves" in shown.text
    assert "12 MB" in shown.text
    assert "(10 MB)" in shown.text
    assert actions(shown) == ["again", "details", "delete"]


async def test_a_large_video_comes_whole_where_the_place_takes_it(world: World, front: DiscordFront) -> None:
    world.sandbox.add_guild("boosted", tier=2)
    world.sandbox.add_channel("boosted-chat", guild="boosted")
    task = await animated(world, "boosted-chat")
    large = clip() + bytes(11 * MIB)
    (shown,) = await handed_over(world, front, task, [a_video(task, large)], channel="boosted-chat")

    assert [video.size for video in shown.attachments] == [len(large)]


async def test_a_video_that_discord_refuses_against_its_word_is_told(world: World, front: DiscordFront) -> None:
    task = await animated(world)
    world.sandbox.fail_next("POST", "/messages$", status=413, code=40005, message="Request entity too large")
    (shown,) = await handed_over(world, front, task, [a_video(task, clip() + bytes(9 * MIB))])

    assert not shown.attachments
    assert "10 MB, more than this place takes (8 MB)" in shown.text


async def test_our_video_is_no_picture_to_edit(world: World, front: DiscordFront) -> None:
    task = await animated(world)
    (message,) = (await world.delivered(front, task, a_video(task))).messages
    post_id, before = message.key.partition(":")[2], len(await world.tasks())
    await world.sandbox.say("ana", "general", "how nice", reply_to=post_id)
    hint = await world.told(world.sandbox.say("ana", "general", "@bot how nice", reply_to=post_id), who=None)
    menu = await world.told(world.sandbox.context_menu("ana", "general", "Edit image", post_id))

    assert "mention me beside it" in hint.text
    assert "no picture" in menu.text
    assert len(await world.tasks()) == before
