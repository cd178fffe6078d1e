"""Edits, deletions, pressed buttons and reactions."""

from typing import Any

import pytest
from telegram import Bot, InputMediaPhoto, Message
from telegram.error import BadRequest

from sandbox.chat import Notice
from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import Clock, Raw, png
from tests.sandbox.telegram.test_sending import keyboard


async def pressed(sandbox: TelegramSandbox, bot: Bot, sent: Message) -> str:
    """The id of the callback query after ana presses "again"."""
    await sandbox.press("ana", "group", str(sent.message_id), "again")
    (update,) = await bot.get_updates(timeout=0)
    assert update.callback_query is not None
    return update.callback_query.id


async def test_an_edit_replaces_the_post_and_takes_an_unnamed_keyboard_away(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    sent = await bot.send_message(group, "waiting", reply_markup=keyboard("cancel"))
    await bot.edit_message_text("painting", group, sent.message_id)
    post = sandbox.feed.post("group", str(sent.message_id))
    assert (post.text, post.buttons, post.revision) == ("painting", (), 1)


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, group: int) -> None:
    text = await bot.send_message(group, "*waiting*", parse_mode="MarkdownV2", reply_markup=keyboard("a"))
    photo = await bot.send_photo(group, png(), caption="fox")
    not_modified = (
        "Message is not modified: specified new message content and reply markup are exactly the same as a current "
        "content and reply markup of the message"
    )
    with pytest.raises(BadRequest, match=not_modified):
        await bot.edit_message_text(
            "<b>waiting</b> ", group, text.message_id, parse_mode="HTML", reply_markup=keyboard("a")
        )
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_reply_markup(group, text.message_id, reply_markup=keyboard("a"))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_caption(group, photo.message_id, caption="fox")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_media(InputMediaPhoto(photo.photo[0].file_id, "fox"), group, photo.message_id)
    assert await bot.edit_message_reply_markup(group, text.message_id, reply_markup=keyboard("b"))


async def test_only_an_own_and_existing_message_can_be_edited(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    post = await sandbox.say("ana", "group", "/imagine a fox")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("mine", group, int(post.id))
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("mine", group, 999)


async def test_text_is_edited_as_text_and_a_caption_as_a_caption(bot: Bot, group: int) -> None:
    text = await bot.send_message(group, "waiting")
    photo = await bot.send_photo(group, png())
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await bot.edit_message_text("hi", group, photo.message_id)
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await bot.edit_message_caption(group, text.message_id, caption="hi")
    with pytest.raises(BadRequest, match="Message is too long"):
        await bot.edit_message_text("x" * 4097, group, text.message_id)


async def test_a_placeholder_text_becomes_the_picture(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "painting")
    edited = await bot.edit_message_media(
        InputMediaPhoto(png(), caption="a fox"), group, sent.message_id, reply_markup=keyboard("again")
    )
    assert isinstance(edited, Message)
    assert (edited.message_id, edited.text, edited.caption) == (sent.message_id, None, "a fox")
    assert edited.edit_date is not None
    post = sandbox.feed.post("group", str(sent.message_id))
    assert (post.text, [item.kind for item in post.attachments]) == ("a fox", ["photo"])


async def test_a_deleted_message_is_gone_for_everything(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "oops")
    assert await bot.delete_message(group, sent.message_id)
    assert sandbox.feed.post("group", str(sent.message_id)).deleted
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(group, sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("hi", group, sent.message_id)


async def test_what_others_wrote_only_an_administrator_deletes(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    post = await sandbox.say("ana", "group", "/imagine a fox")
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(group, int(post.id))
    sandbox.set_admin("group", True)
    assert await bot.delete_messages(group, [int(post.id), 999])
    assert sandbox.feed.post("group", post.id).deleted


async def test_a_pressed_button_comes_with_its_message_and_is_answered_with_a_toast(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    sent = await bot.send_photo(group, png(), reply_markup=keyboard("again"))
    await sandbox.press("ben", "group", str(sent.message_id), "again")
    (update,) = await bot.get_updates(timeout=0)
    query = update.callback_query
    assert query is not None
    assert isinstance(query.message, Message)
    assert (query.data, query.from_user.username, query.message.photo) == ("again", "ben", sent.photo)
    await query.answer("On its way", show_alert=True)
    notice = await sandbox.feed.wait_for(lambda event: isinstance(event, Notice), timeout=5)
    assert notice == Notice("telegram", "group", "ben", "On its way", alert=True)


async def test_a_button_that_is_not_there_cannot_be_pressed(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    for post_id, button in [(str(sent.message_id), "other"), ("999", "again")]:
        with pytest.raises(KeyError):
            await sandbox.press("ana", "group", post_id, button)
    await bot.edit_message_reply_markup(group, sent.message_id)
    with pytest.raises(KeyError):
        await sandbox.press("ana", "group", str(sent.message_id), "again")


async def test_a_query_is_answerable_for_150_seconds(
    sandbox: TelegramSandbox, bot: Bot, clock: Clock, group: int
) -> None:
    too_old = "Query is too old and response timeout expired or query id is invalid"
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    query = await pressed(sandbox, bot, sent)
    clock.seconds += 150
    assert await bot.answer_callback_query(query)
    clock.seconds += 1
    with pytest.raises(BadRequest, match=too_old):
        await bot.answer_callback_query(query)
    with pytest.raises(BadRequest, match=too_old):
        await bot.answer_callback_query("12345")


async def test_a_pressed_button_nobody_fetched_is_dropped_after_150_seconds(
    sandbox: TelegramSandbox, bot: Bot, clock: Clock, group: int
) -> None:
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    await sandbox.press("ana", "group", str(sent.message_id), "again")
    clock.seconds += 151
    assert await bot.get_updates(timeout=0) == ()


async def test_an_answer_has_at_most_200_characters(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "hi", reply_markup=keyboard("again"))
    query = await pressed(sandbox, bot, sent)
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await bot.answer_callback_query(query, "x" * 201)
    assert await bot.answer_callback_query(query, "x" * 200)


async def test_a_bot_sets_one_standard_reaction(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    post = await sandbox.say("ana", "group", "/imagine a fox")
    assert await bot.set_message_reaction(group, int(post.id), "👀")
    assert sandbox.message("group", post.id).reactions == ["👀"]
    with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
        await bot.set_message_reaction(group, int(post.id), "🦊")
    with pytest.raises(BadRequest, match=r"(?i)reactions_too_many"):
        await bot.set_message_reaction(group, int(post.id), ["👀", "👍"])


async def test_pinning_needs_rights_in_a_group(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    sent = await bot.send_message(group, "rules")
    with pytest.raises(BadRequest, match="Not enough rights to manage pinned messages"):
        await bot.pin_chat_message(group, sent.message_id)
    sandbox.set_admin("group", True)
    assert await bot.pin_chat_message(group, sent.message_id)


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"text": "hi", "message_id": 5}, "chat_id is empty"),
        ({"text": "hi", "chat_id": 1}, "chat not found"),
        ({"text": "hi", "inline_message_id": "AbC"}, "MESSAGE_ID_INVALID"),
    ],
)
async def test_an_edit_must_name_its_message(raw: Raw, parameters: dict[str, Any], description: str) -> None:
    answer = await raw("editMessageText", **parameters)
    assert answer["description"] == f"Bad Request: {description}"
