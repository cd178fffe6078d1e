"""Privacy mode: what reaches the bot in a group, and what the message then carries."""

import pytest
from telegram import Bot

from sandbox.chat import Upload
from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import png
from tests.sandbox.telegram.test_topics import updates_of

PICTURE = Upload("fox.png", "image/png", png())


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("/imagine a fox", True),
        ("/imagine@imagine_sandbox_bot a fox", True),
        ("/Imagine@IMAGINE_sandbox_bot a fox", True),
        ("/imagine@another_bot a fox", False),
        ("a fox, please", False),
        ("@imagine_sandbox_bot a fox, please", False),
        ("please /imagine a fox", False),
        ("/path/to/file", False),
    ],
)
async def test_privacy_mode_lets_only_commands_for_the_bot_through(
    sandbox: TelegramSandbox, bot: Bot, text: str, reaches: bool
) -> None:
    await sandbox.say("ana", "group", text)
    assert [message.text for message in await updates_of(bot)] == ([text] if reaches else [])


async def test_a_caption_that_begins_with_a_command_reaches_the_bot(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("ana", "group", "/edit at night", files=[PICTURE])
    await sandbox.say("ana", "group", "look at this", files=[PICTURE])
    (message,) = await updates_of(bot)
    assert message.caption == "/edit at night"
    assert [(item.type, item.offset, item.length) for item in message.caption_entities] == [("bot_command", 0, 5)]


async def test_a_reply_reaches_the_bot_only_when_it_answers_the_bot(
    sandbox: TelegramSandbox, bot: Bot, group: int
) -> None:
    photo = await sandbox.say("ana", "group", files=[PICTURE])
    mine = await bot.send_photo(group, png())
    await sandbox.say("ben", "group", "make it darker", reply_to=photo.id)
    await sandbox.say("ben", "group", "make it lighter", reply_to=str(mine.message_id))
    (message,) = await updates_of(bot)
    assert message.text == "make it lighter"
    assert message.reply_to_message is not None
    assert message.reply_to_message.from_user is not None
    assert message.reply_to_message.from_user.is_bot
    assert len(message.reply_to_message.photo) == len(mine.photo)


async def test_a_command_in_reply_carries_the_photo_the_bot_never_saw(sandbox: TelegramSandbox, bot: Bot) -> None:
    photo = await sandbox.say("ana", "group", files=[PICTURE])
    await sandbox.say("ben", "group", "/edit@imagine_sandbox_bot at night", reply_to=photo.id)
    (message,) = await updates_of(bot)
    assert message.reply_to_message is not None
    largest = message.reply_to_message.photo[-1]
    assert (largest.width, largest.height) == (64, 48)


@pytest.mark.parametrize("how", ["admin", "privacy off", "private"])
async def test_without_privacy_mode_everything_reaches_the_bot(sandbox: TelegramSandbox, bot: Bot, how: str) -> None:
    chat = "private:ana" if how == "private" else "group"
    if how == "admin":
        sandbox.set_admin("group", True)
    elif how == "privacy off":
        sandbox.set_privacy("group", False)
    await sandbox.say("ana", chat, "just talking")
    assert [message.text for message in await updates_of(bot)] == ["just talking"]


async def test_get_me_tells_whether_the_bot_reads_everything(sandbox: TelegramSandbox, bot: Bot) -> None:
    assert (await bot.get_me()).can_read_all_group_messages is False
    sandbox.set_privacy("group", False)
    me = await bot.get_me()
    assert (me.can_read_all_group_messages, me.username, me.id) == (True, "imagine_sandbox_bot", 123456)


async def test_a_person_is_told_with_language_and_the_entities_count_utf16(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("chen", "private:chen", "😀 @imagine_sandbox_bot https://a.org/x. #画 /imagine 猫")
    (message,) = await updates_of(bot)
    assert message.from_user is not None
    assert (message.from_user.language_code, message.from_user.is_bot) == ("zh-hans", False)
    assert {item.type: message.parse_entity(item) for item in message.entities} == {
        "mention": "@imagine_sandbox_bot",
        "url": "https://a.org/x",
        "hashtag": "#画",
        "bot_command": "/imagine",
    }


async def test_an_album_is_several_updates_with_the_caption_on_the_first(sandbox: TelegramSandbox, bot: Bot) -> None:
    first = await sandbox.say("ana", "private:ana", "/blend", files=[PICTURE, PICTURE, PICTURE])
    messages = await updates_of(bot)
    assert [message.caption for message in messages] == ["/blend", None, None]
    assert len({message.media_group_id for message in messages}) == 1
    assert messages[0].media_group_id is not None
    assert messages[0].message_id == int(first.id)
    assert len(sandbox.feed.posts("private:ana")) == 3


async def test_privacy_mode_keeps_back_the_album_pictures_without_the_caption(
    sandbox: TelegramSandbox, bot: Bot
) -> None:
    await sandbox.say("ana", "group", "/blend", files=[PICTURE, PICTURE])
    assert [message.caption for message in await updates_of(bot)] == ["/blend"]


async def test_an_edited_message_is_an_update_of_its_own_kind(sandbox: TelegramSandbox, bot: Bot) -> None:
    post = await sandbox.say("ana", "group", "/imagine a fix")
    edited = await sandbox.edit("ana", "group", post.id, "/imagine a fox")
    assert (edited.text, edited.revision) == ("/imagine a fox", 1)
    first, second = await bot.get_updates(timeout=0)
    assert first.message is not None
    assert second.edited_message is not None
    assert second.edited_message.text == "/imagine a fox"
    assert second.edited_message.edit_date is not None


async def test_joining_and_leaving_is_told_by_my_chat_member(sandbox: TelegramSandbox, bot: Bot) -> None:
    sandbox.kick_bot("group")
    await sandbox.say("ana", "group", "/imagine unheard")
    sandbox.invite_bot("group")
    kicked, invited, service = await bot.get_updates(timeout=0)
    assert kicked.my_chat_member is not None
    assert kicked.my_chat_member.new_chat_member.status == "kicked"
    assert invited.my_chat_member is not None
    assert invited.my_chat_member.new_chat_member.status == "member"
    assert service.message is not None
    assert [user.is_bot for user in service.message.new_chat_members] == [True]


async def test_people_cannot_do_what_telegram_would_not_let_them(sandbox: TelegramSandbox) -> None:
    with pytest.raises(ValueError, match="empty"):
        await sandbox.say("ana", "group", " ")
    with pytest.raises(ValueError, match="too long"):
        await sandbox.say("ana", "group", "x" * 1025, files=[PICTURE])
    with pytest.raises(ValueError, match="not ben's chat"):
        await sandbox.say("ben", "private:ana", "hi")
    with pytest.raises(KeyError):
        await sandbox.say("ana", "group", "hi", reply_to="999")
    post = await sandbox.say("ana", "group", "hi")
    with pytest.raises(ValueError, match="own messages"):
        await sandbox.edit("ben", "group", post.id, "hi")
    with pytest.raises(ValueError, match="only the owner"):
        await sandbox.delete("ben", "group", post.id)
