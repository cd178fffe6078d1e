"""What reaches a bot without the message-content intent, and what does not."""

import asyncio

import discord
import pytest

from sandbox.chat import Modal, Post, Upload
from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.bot import Bot, all_intents, running, without_content
from tests.sandbox.discord.conftest import Raw


async def contents(bot: Bot, post: Post) -> tuple[str, int]:
    message = await bot.heard(post.id)
    return message.content, len(message.attachments)


async def test_with_the_intent_everything_arrives(sandbox: DiscordSandbox, photo: Upload) -> None:
    async with running(sandbox, all_intents()) as bot:
        assert await contents(bot, await sandbox.say("ana", "general", "a cat", files=[photo])) == ("a cat", 1)


async def test_without_the_intent_other_people_s_words_and_pictures_are_empty(
    sandbox: DiscordSandbox, photo: Upload
) -> None:
    async with running(sandbox, without_content()) as bot:
        assert await contents(bot, await sandbox.say("ana", "general", "a cat", files=[photo])) == ("", 0)


async def test_without_the_intent_a_mention_of_the_bot_arrives_whole(sandbox: DiscordSandbox, photo: Upload) -> None:
    async with running(sandbox, without_content()) as bot:
        said = await sandbox.say("ana", "general", "@bot at night", files=[photo])
        assert await contents(bot, said) == (f"<@{sandbox.application_id}> at night", 1)
        assert sandbox.feed.post("general", said.id).text == "@bot at night"


async def test_without_the_intent_direct_messages_arrive_whole(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, without_content()) as bot:
        assert await contents(bot, await sandbox.say("ben", "dm:ben", "a cat")) == ("a cat", 0)


async def test_without_the_intent_a_reply_with_ping_to_the_bot_s_message_arrives(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, without_content()) as bot:
        result = await bot.guilds[0].text_channels[0].send("a result")
        said = await sandbox.say("ana", "general", "make it night", reply_to=str(result.id))
        message = await bot.heard(said.id)
        assert message.content == "make it night"
        assert message.reference is not None
        assert isinstance(message.reference.resolved, discord.Message)
        assert message.reference.resolved.content == "a result"
        silent = await sandbox.say("ana", "general", "make it day", reply_to=str(result.id), ping=False)
        assert await contents(bot, silent) == ("", 0)


async def test_without_the_intent_a_reply_to_an_interaction_s_answer_is_empty(sandbox: DiscordSandbox) -> None:
    async def imagine(interaction: discord.Interaction[Bot], *_: object) -> None:
        await interaction.response.send_message("an answer")

    async with running(sandbox, without_content()) as bot:
        bot.on_imagine = imagine
        await sandbox.command("ana", "general", "imagine", {"prompt": "x"})
        answer = await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.author == "bot")
        assert isinstance(answer, Post)
        said = await sandbox.say("ana", "general", "night", reply_to=answer.id)
        message = await bot.heard(said.id)
        assert message.content == ""
        assert message.mentions == [bot.user]


async def test_without_the_intent_the_photo_a_mention_replies_to_is_blank_also_by_fetch(
    sandbox: DiscordSandbox, photo: Upload
) -> None:
    sandbox.gateway.settings.message_content_allowed = False
    async with running(sandbox, without_content()) as bot:
        shown = await sandbox.say("ben", "general", "look", files=[photo])
        said = await sandbox.say("ana", "general", "@bot night", reply_to=shown.id)
        message = await bot.heard(said.id)
        assert "night" in message.content
        assert message.reference is not None
        quoted = message.reference.resolved
        assert isinstance(quoted, discord.Message)
        assert (quoted.content, quoted.attachments, quoted.author.name) == ("", [], "ben")
        fetched = await message.channel.fetch_message(int(shown.id))
        assert (fetched.content, fetched.attachments) == ("", [])
        assert (await message.channel.fetch_message(int(said.id))).content == message.content


async def test_with_the_intent_the_photo_a_reply_answers_comes_along(sandbox: DiscordSandbox, photo: Upload) -> None:
    async with running(sandbox, all_intents()) as bot:
        shown = await sandbox.say("ben", "general", "look", files=[photo])
        message = await bot.heard((await sandbox.say("ana", "general", "night", reply_to=shown.id)).id)
        assert message.reference is not None
        quoted = message.reference.resolved
        assert isinstance(quoted, discord.Message)
        assert await quoted.attachments[0].read() == photo.data


async def test_without_the_intent_a_context_menu_still_brings_the_picture(
    sandbox: DiscordSandbox, photo: Upload
) -> None:
    async with running(sandbox, without_content()):
        shown = await sandbox.say("ben", "general", "look", files=[photo])
        await sandbox.context_menu("ana", "general", "Edit image", shown.id)
        form = await sandbox.feed.wait_for(lambda e: isinstance(e, Modal))
        assert isinstance(form, Modal)
        await sandbox.submit("ana", form.id, {"words": "night", "model": "seedream-4"})
        answer = await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.author == "bot")
        assert isinstance(answer, Post)
        assert answer.text.endswith(f"on {len(photo.data)} bytes")


async def test_the_refused_content_intent_reaches_discord_py_as_its_own_error(sandbox: DiscordSandbox) -> None:
    sandbox.gateway.settings.message_content_allowed = False
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(sandbox, all_intents()):
            pass
    async with running(sandbox, without_content()) as bot:
        assert not (await bot.application_info()).flags.gateway_message_content_limited


async def test_messages_of_a_channel_the_bot_cannot_see_do_not_arrive(sandbox: DiscordSandbox, raw: Raw) -> None:
    async with running(sandbox, all_intents()) as bot:
        sandbox.add_channel("staff")
        sandbox.deny("staff", "view_channel")
        await sandbox.say("ana", "staff", "secret")
        said = await sandbox.say("ana", "general", "open")
        assert (await asyncio.wait_for(bot.messages.get(), 5)).id == int(said.id)
