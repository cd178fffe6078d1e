"""Forums: the General topic goes without an id, the others need theirs."""

import pytest
from telegram import Bot, Message
from telegram.constants import ChatAction
from telegram.error import BadRequest

from sandbox.telegram import TelegramSandbox


async def updates_of(bot: Bot) -> list[Message]:
    """The messages that wait for the bot, which it confirms."""
    updates = await bot.get_updates(timeout=0)
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    return [update.message for update in updates if update.message is not None]


@pytest.mark.parametrize("thread", [1, 9999])
async def test_a_topic_that_is_general_or_unknown_must_not_be_named(
    sandbox: TelegramSandbox, bot: Bot, thread: int
) -> None:
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(sandbox.chat_id("forum"), "hi", message_thread_id=thread)


async def test_no_thread_can_be_named_where_topics_are_off(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("ana", "private:ana", "/start")
    for chat in ("group", "private:ana"):
        with pytest.raises(BadRequest, match="Message thread not found"):
            await bot.send_message(sandbox.chat_id(chat), "hi", message_thread_id=12)


async def test_a_message_without_thread_goes_to_general(sandbox: TelegramSandbox, bot: Bot) -> None:
    sent = await bot.send_message(sandbox.chat_id("forum"), "hi")
    assert (sent.message_thread_id, sent.is_topic_message) == (None, None)
    assert sandbox.feed.post("forum", str(sent.message_id)).thread == "General"


async def test_a_message_in_a_topic_says_so_and_replies_to_the_topics_creation(
    sandbox: TelegramSandbox, bot: Bot
) -> None:
    thread = sandbox.thread_id("forum", "Landscapes")
    await sandbox.say("ana", "forum", "/imagine hills", thread="Landscapes")
    (message,) = await updates_of(bot)
    assert message.chat.is_forum
    assert (message.message_thread_id, message.is_topic_message) == (thread, True)
    assert message.reply_to_message is not None
    assert message.reply_to_message.forum_topic_created is not None
    sent = await bot.send_message(message.chat_id, "done", message_thread_id=thread)
    assert sandbox.feed.post("forum", str(sent.message_id)).thread == "Landscapes"


async def test_a_reply_without_thread_lands_in_the_topic_of_what_it_answers(sandbox: TelegramSandbox, bot: Bot) -> None:
    post = await sandbox.say("ana", "forum", "/imagine hills", thread="Portraits")
    sent = await bot.send_message(sandbox.chat_id("forum"), "done", reply_to_message_id=int(post.id))
    assert sent.message_thread_id == sandbox.thread_id("forum", "Portraits")
    assert sandbox.feed.post("forum", str(sent.message_id)).thread == "Portraits"


async def test_a_reply_in_a_plain_supergroup_has_a_thread_id_that_is_no_topic(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    first = await bot.send_message(group, "a picture")
    await sandbox.say("ana", "group", "darker", reply_to=str(first.message_id))
    (message,) = await updates_of(bot)
    assert message.message_thread_id == first.message_id
    assert message.is_topic_message is None
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(group, "done", message_thread_id=message.message_thread_id)


async def test_a_closed_topic_takes_messages_from_administrators_only(sandbox: TelegramSandbox, bot: Bot) -> None:
    thread = sandbox.thread_id("forum", "Portraits")
    sandbox.close_topic("forum", "Portraits")
    (notice,) = await updates_of(bot)
    assert notice.forum_topic_closed is not None
    with pytest.raises(BadRequest, match=r"(?i)topic_closed"):
        await bot.send_message(sandbox.chat_id("forum"), "hi", message_thread_id=thread)
    with pytest.raises(ValueError, match="closed"):
        await sandbox.say("ben", "forum", "hi", thread="Portraits")
    sandbox.set_admin("forum", True)
    assert await bot.send_message(sandbox.chat_id("forum"), "hi", message_thread_id=thread)
    sandbox.reopen_topic("forum", "Portraits")
    assert await sandbox.say("ben", "forum", "hi", thread="Portraits")


async def test_a_chat_action_may_name_general_but_no_unknown_topic(sandbox: TelegramSandbox, bot: Bot) -> None:
    forum = sandbox.chat_id("forum")
    assert await bot.send_chat_action(forum, ChatAction.UPLOAD_PHOTO, message_thread_id=1)
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_chat_action(forum, ChatAction.UPLOAD_PHOTO, message_thread_id=9999)
    with pytest.raises(BadRequest, match="Wrong parameter action in request"):
        await bot.send_chat_action(forum, "dancing")
