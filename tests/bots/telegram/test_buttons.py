"""Pressed buttons, each by a front that was started after the message was posted."""

import pytest

from bots.buttons import Press, encode
from core.quota import Limits
from core.types import Action, MediaRef, OrderState
from sandbox.chat import Post
from tests.bots.telegram.world import World, a_world
from tests.waiting import until


async def press(world: World, who: str, post: Post, data: str, chat: str = "group") -> None:
    """Somebody presses; the bot runs only for that."""
    async with world.listening():
        await world.sandbox.press(who, chat, post.id, data)


async def test_again_orders_the_same_for_the_one_who_pressed_in_reply_to_the_result(world: World) -> None:
    first, result = await world.result_of("ana", "group")
    await press(world, "chen", result, encode(Press(Action.AGAIN, first.id)))
    task = await world.only_task("chen")
    assert (task.parent, task.request.prompt) == (first.id, first.request.prompt)
    assert task.request.seed != first.request.seed
    assert task.address.data["request"] == int(result.id)
    assert [(notice.person, notice.text) for notice in world.notices()] == [
        ("chen", world.words.say("zh-CN", "notice.started"))
    ]


async def test_a_press_that_comes_again_orders_nothing_twice(world: World) -> None:
    first, result = await world.result_of("ana", "group")
    await press(world, "ben", result, encode(Press(Action.AGAIN, first.id)))
    async with world.listening():
        world.sandbox.redeliver_last()
    assert len(await world.tasks("ben")) == 1


async def test_buttons_in_a_topic_keep_the_topic(world: World) -> None:
    first, result = await world.result_of("ana", "forum", thread="Portraits")
    await press(world, "ben", result, encode(Press(Action.AGAIN, first.id)), "forum")
    assert (await world.only_task("ben")).address.data["topic"] == world.sandbox.thread_id("forum", "Portraits")


async def test_a_refused_again_is_told_to_the_one_who_pressed_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = Limits(user_day=1, user_month=100, unfinished=5)
    async with a_world(tmp_path_factory.mktemp("poor"), limits=limits) as world:
        first, result = await world.result_of("ana", "group")
        await press(world, "ana", result, encode(Press(Action.AGAIN, first.id)))
        assert await world.tasks() == []
        (notice,) = world.notices()
        assert (notice.person, notice.alert) == ("ana", True)
        assert len(world.bot_posts()) == 1


async def test_edit_asks_the_one_who_pressed_and_the_answer_edits_that_picture(world: World) -> None:
    first, result = await world.result_of("ana", "group")
    await press(world, "ben", result, encode(Press(Action.EDIT, first.id, 0)))
    question = world.bot_posts()[-1]
    assert question.text == f"Ben, {world.words.say('en', 'edit.question')}"
    assert question.reply_to == result.id
    call = world.sandbox.called("sendMessage")[-1]
    assert call.params["reply_markup"]["selective"] is True
    assert call.params["entities"][0]["user"]["id"] == int(world.sandbox.people["ben"].id)
    await world.said("ben", "group", "make it blue", reply_to=question.id)
    task = await world.only_task("ben")
    assert (task.parent, task.request.prompt) == (first.id, "make it blue")
    assert task.request.images == (await world.client.result(first.id, 0),)
    assert isinstance(task.request.images[0], MediaRef)


async def test_delete_takes_away_every_message_of_the_task(world: World) -> None:
    first, result = await world.result_of("ben", "group")
    await press(world, "ben", result, encode(Press(Action.EDIT, first.id, 0)))
    assert len(world.bot_posts()) == 2
    await press(world, "ben", result, encode(Press(Action.DELETE, first.id)))
    assert world.bot_posts() == []
    assert world.notices()[-1].text == world.words.say("en", "notice.deleted")


async def test_delete_is_refused_to_others_but_not_to_administrators(world: World) -> None:
    first, result = await world.result_of("ben", "group")
    await press(world, "dora", result, encode(Press(Action.DELETE, first.id)))
    assert [post.id for post in world.bot_posts()] == [result.id]
    assert world.notices()[-1].alert
    await press(world, "ana", result, encode(Press(Action.DELETE, first.id)))  # she owns the group
    assert world.bot_posts() == []


async def test_what_telegram_no_longer_lets_be_deleted_is_said(world: World) -> None:
    first, result = await world.result_of("ben", "group")
    world.sandbox.fail_next("deleteMessages", description="Bad Request: message can't be deleted")
    await press(world, "ben", result, encode(Press(Action.DELETE, first.id)))
    assert world.notices()[-1].text == world.words.say("en", "notice.delete_failed")


async def test_cancel_takes_the_request_back_for_its_owner_alone(world: World) -> None:
    async with world.listening() as front:
        await world.sandbox.say("ana", "group", "/imagine a red fox")
        await until(world.tasks)
        task = await world.only_task()
        await front.show(task.address, await world.view(task.id))
        (status,) = world.bot_posts()
        data = encode(Press(Action.CANCEL, task.id))
        await world.sandbox.press("ben", "group", status.id, data)
        await until(world.notices)
        assert [order.state for order in await world.store.orders(task.id)] == [OrderState.QUEUED]
        await world.sandbox.press("ana", "group", status.id, data)
    assert [order.state for order in await world.store.orders(task.id)] == [OrderState.CANCELLED]
    assert [(notice.person, notice.alert) for notice in world.notices()] == [("ben", True), ("ana", False)]


@pytest.mark.parametrize("data", ["v0:something:old", "i1:again:000000000000"])
async def test_a_button_that_means_nothing_any_more_is_answered(world: World, data: str) -> None:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    front = world.front()
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("old", callback_data=data)]])
    sent = await front._bot.send_message(world.sandbox.chat_id("group"), "old", reply_markup=markup)
    await press(world, "ana", world.sandbox.feed.post("group", str(sent.message_id)), data)
    (notice,) = world.notices()
    assert notice.text
    assert notice.alert
    assert await world.tasks() == []
