"""Messages: which of them order an edit, which are answered with a hint, and which are left alone."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.discord.front import DiscordFront
from core.types import MediaRef, Operation
from tests.bots.discord.world import NO_PICTURE, World, a_world, names_of, upload
from tests.waiting import until


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[tuple[World, DiscordFront]]:
    """Discord does not allow the message content intent: the bot listens without it."""
    async with a_world(tmp_path, message_content_allowed=False) as world, world.listening() as front:
        yield world, front


async def test_a_reply_to_the_bots_picture_edits_the_original(world: World, front: DiscordFront) -> None:
    parent, shown = await world.result(front)
    task = await world.ordered(
        world.sandbox.say("ben", "general", "make it night --seed 9", reply_to=shown.id), who="ben"
    )

    (order,) = await world.store.orders(parent.id)
    assert task.parent == parent.id
    assert task.request.operation is Operation.EDIT
    assert (task.request.prompt, task.request.seed) == ("make it night", 9)
    assert task.request.images == order.results, "the picture in its original quality, not what the chat shows"


async def test_a_reply_to_the_bots_picture_works_without_the_intent(bare: tuple[World, DiscordFront]) -> None:
    world, front = bare
    _, shown = await world.result(front)
    task = await world.ordered(world.sandbox.say("ana", "general", "make it night", reply_to=shown.id))

    assert task.request.prompt == "make it night"
    assert isinstance(task.request.images[0], MediaRef)


async def test_a_reply_with_one_more_picture_brings_both(world: World, front: DiscordFront) -> None:
    _, shown = await world.result(front)
    task = await world.ordered(
        world.sandbox.say("ana", "general", "put them together", reply_to=shown.id, files=[upload("green")])
    )

    assert isinstance(task.request.images[0], MediaRef)
    assert names_of(task) == ["green.png"]


async def test_a_reply_to_anybodys_picture_that_mentions_the_bot_edits_it(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    task = await world.ordered(world.sandbox.say("ana", "general", "@bot give it a hat", reply_to=photo.id))

    assert task.request.prompt == "give it a hat"
    assert names_of(task) == ["red.png"]
    assert task.address.data["request"] != int(photo.id), "the result answers the request"


async def test_the_replied_picture_comes_before_ones_own(world: World, front: DiscordFront) -> None:
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    task = await world.ordered(
        world.sandbox.say("ana", "general", "mix @bot", reply_to=photo.id, files=[upload("green")])
    )

    assert names_of(task) == ["red.png", "green.png"]


async def test_a_picture_that_is_hidden_without_the_intent_is_explained(bare: tuple[World, DiscordFront]) -> None:
    world, _ = bare
    photo = await world.sandbox.say("ben", "general", "my cat", files=[upload("red")])
    hint = await world.told(world.sandbox.say("ana", "general", "@bot give it a hat", reply_to=photo.id), who=None)

    assert "Edit image" in hint.text
    assert not await world.tasks()


async def test_a_picture_with_a_mention_is_edited_even_without_the_intent(bare: tuple[World, DiscordFront]) -> None:
    world, _ = bare
    task = await world.ordered(world.sandbox.say("ana", "general", "@bot make it night", files=[upload("red")]))

    assert task.request.prompt == "make it night"
    assert names_of(task) == ["red.png"]


async def test_a_direct_message_with_a_picture_and_words_is_an_edit(bare: tuple[World, DiscordFront]) -> None:
    world, _ = bare
    task = await world.ordered(
        world.sandbox.say("ana", "dm:ana", "make it night", files=[upload("red"), upload("blue")])
    )

    assert names_of(task) == ["red.png", "blue.png"]
    assert task.address.data["guild"] is None


@pytest.mark.parametrize(
    ("channel", "text", "with_picture", "hint"),
    [
        ("general", "@bot", True, "What should change"),
        ("general", "@bot paint me a fox", False, "/imagine"),
        ("dm:ana", "", True, "What should change"),
        ("dm:ana", "a red fox", False, "/imagine"),
    ],
)
async def test_half_a_request_is_answered_with_a_hint(
    world: World, front: DiscordFront, channel: str, text: str, with_picture: bool, hint: str
) -> None:
    files = [upload()] if with_picture else []
    said = await world.sandbox.say("ana", channel, text, files=files)

    answer = await world.post(lambda post: True, channel)
    assert hint.strip("/") in answer.text
    assert answer.reply_to == said.id
    assert not await world.tasks()
    assert not world.pinged(answer)


async def test_a_reply_to_words_of_the_bot_is_left_alone(world: World) -> None:
    async with overheard(world):
        hint = await world.told(world.sandbox.say("ana", "general", "@bot"), who=None)
        await world.sandbox.say("ana", "general", "thanks", reply_to=hint.id)

    assert len(world.bot_posts()) == 2


async def test_the_role_that_came_with_the_bot_is_a_mention_too(world: World, front: DiscordFront) -> None:
    role = world.sandbox.world.guilds["guild"].bot_role
    task = await world.ordered(world.sandbox.say("ana", "general", f"<@&{role}> night", files=[upload()]))

    assert task.request.prompt == "night"


@pytest.mark.parametrize("text", ["just talking", "@everyone look", "@ben nice"])
async def test_messages_that_do_not_name_the_bot_are_left_alone(world: World, text: str) -> None:
    async with overheard(world):
        await world.sandbox.say("ana", "general", text, files=[upload()])

    assert not await world.tasks()
    assert len(world.bot_posts()) == 1


async def test_a_reply_between_people_is_left_alone(world: World) -> None:
    async with overheard(world):
        photo = await world.sandbox.say("ben", "general", "my cat", files=[upload()])
        await world.sandbox.say("ana", "general", "lovely", reply_to=photo.id)

    assert not await world.tasks()


@contextlib.asynccontextmanager
async def overheard(world: World) -> AsyncIterator[None]:
    """The bot listens; on leaving it has heard and finished with everything that was said, and one hint more."""
    async with world.listening():
        yield
        since = len(world.sandbox.feed.events)
        await world.sandbox.say("dora", "general", "@bot")
        await world.post(lambda post: True, since=since)


async def test_a_mention_with_a_file_that_is_no_picture_is_told_so(world: World, front: DiscordFront) -> None:
    answer = await world.told(world.sandbox.say("ana", "general", "@bot edit", files=[NO_PICTURE]), who=None)

    assert answer.text
    assert not await world.tasks()


async def test_refusals_of_messages_are_replies_that_ping_nobody(world: World, front: DiscordFront) -> None:
    said = world.sandbox.say("ana", "general", "@bot night --sharp 3 <@1170000000000000002>", files=[upload()])
    answer = await world.told(said, who=None)

    assert "--sharp" in answer.text
    assert not world.pinged(answer)


async def test_a_message_delivered_twice_orders_once(world: World) -> None:
    async with overheard(world):
        await world.ordered(world.sandbox.say("ana", "general", "@bot night", files=[upload()]))
        assert await world.sandbox.redeliver("MESSAGE_CREATE")

    assert len(await world.tasks()) == 1


async def test_the_language_of_a_message_is_the_one_the_persons_app_last_told(
    world: World, front: DiscordFront
) -> None:
    first = await world.ordered(world.sandbox.say("chen", "general", "@bot night", files=[upload()]), who="chen")
    await world.told(world.sandbox.command("chen", "general", "usage"), who="chen")
    second = await world.ordered(world.sandbox.say("chen", "general", "@bot day", files=[upload()]), who="chen")

    assert (first.who.locale, second.who.locale) == ("en", "zh-CN")


async def test_a_server_that_speaks_chinese_is_answered_in_chinese(world: World, front: DiscordFront) -> None:
    world.sandbox.add_guild("yard", locale="zh-CN")
    world.sandbox.add_channel("yard-chat", guild="yard")
    await until(lambda: len(front._online().guilds) == 2)
    task = await world.ordered(world.sandbox.say("ben", "yard-chat", "@bot night", files=[upload()]), who="ben")

    assert task.who.locale == "zh-CN"


async def test_a_message_in_a_thread_is_answered_in_the_thread(world: World, front: DiscordFront) -> None:
    task = await world.ordered(world.sandbox.say("ana", "thread", "@bot night", files=[upload()]))
    receipt = await world.delivered(front, task)

    assert receipt.messages[0].key.startswith(f"{world.channel('thread')}:")
