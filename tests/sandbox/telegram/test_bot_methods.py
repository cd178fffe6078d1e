"""The methods about the bot, its commands and its chats."""

from typing import Any

import pytest
from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeChat
from telegram.error import BadRequest

from sandbox.telegram import TelegramSandbox
from tests.sandbox.telegram.conftest import Raw


async def test_commands_are_kept_by_scope_and_language(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    await bot.set_my_commands([BotCommand("imagine", "Paint")])
    await bot.set_my_commands([("imagine", "画图")], language_code="zh")
    await bot.set_my_commands([("edit", "Change")], scope=BotCommandScopeChat(group))
    assert await bot.get_my_commands() == (BotCommand("imagine", "Paint"),)
    assert (await bot.get_my_commands(language_code="zh"))[0].description == "画图"
    assert (await bot.get_my_commands(scope=BotCommandScopeChat(group)))[0].command == "edit"
    assert await bot.get_my_commands(scope=BotCommandScopeAllGroupChats()) == ()
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()


@pytest.mark.parametrize(
    ("commands", "description"),
    [
        ([{"command": "Imagine", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "a" * 33, "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "imagine", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "imagine", "description": "x" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": f"c{number}", "description": "x"} for number in range(101)], "BOT_COMMANDS_TOO_MUCH"),
        ([{"command": "imagine"}], "parameter commands[0].description is required"),
    ],
)
async def test_wrong_commands_are_refused(raw: Raw, commands: list[dict[str, str]], description: str) -> None:
    assert (await raw("setMyCommands", commands=commands))["description"] == f"Bad Request: {description}"


@pytest.mark.parametrize(
    ("scope", "description"),
    [
        ({"type": "chat"}, "can't parse scope: not one of"),
        ({"type": "everywhere"}, "can't parse scope: not one of"),
        ({"type": "default", "chat_id": 5}, "unknown parameter scope.chat_id"),
    ],
)
async def test_a_wrong_scope_is_refused(raw: Raw, scope: dict[str, Any], description: str) -> None:
    answer = await raw("setMyCommands", commands=[], scope=scope)
    assert answer["description"].startswith(f"Bad Request: {description}")


async def test_members_are_owner_administrator_or_member(sandbox: TelegramSandbox, bot: Bot, group: int) -> None:
    ids = {key: int(person.id) for key, person in sandbox.people.items()}
    assert (await bot.get_chat_member(group, ids["ana"])).status == "creator"
    assert (await bot.get_chat_member(group, ids["ben"])).status == "member"
    assert (await bot.get_chat_member(group, bot.id)).status == "member"
    sandbox.set_admin("group", True)
    assert (await bot.get_chat_member(group, bot.id)).status == "administrator"
    assert [member.user.username for member in await bot.get_chat_administrators(group)] == ["ana", bot.username]
    with pytest.raises(BadRequest, match="User not found"):
        await bot.get_chat_member(group, 5)


async def test_a_chat_tells_its_kind(sandbox: TelegramSandbox, bot: Bot) -> None:
    await sandbox.say("chen", "private:chen", "/start")
    private = await bot.get_chat(sandbox.chat_id("private:chen"))
    forum = await bot.get_chat(sandbox.chat_id("forum"))
    assert (private.type, private.username) == ("private", "chen")
    assert (forum.type, forum.title, forum.is_forum) == ("supergroup", "Picture forum", True)
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.get_chat("@nobody")
    with pytest.raises(BadRequest, match="There are no administrators in the private chat"):
        await bot.get_chat_administrators(private.id)


async def test_the_profile_has_limits(bot: Bot) -> None:
    assert await bot.set_my_name("Imagine")
    assert await bot.set_my_description("x" * 512)
    assert await bot.set_my_short_description("x" * 120)
    with pytest.raises(BadRequest, match="Short description is too long"):
        await bot.set_my_short_description("x" * 121)


async def test_a_forum_is_a_supergroup_and_keys_are_unique(sandbox: TelegramSandbox) -> None:
    with pytest.raises(ValueError, match="only a supergroup"):
        sandbox.add_group("wrong", "Wrong", supergroup=False, forum=True)
    with pytest.raises(ValueError, match="already"):
        sandbox.add_group("group", "Twice")
    erik = sandbox.add_person("dee", "Dee", "de")
    assert sandbox.chat_id("private:dee") == int(erik.id)
