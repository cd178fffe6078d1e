"""The main job, with a real discord.py client: commands, forms, buttons, replies."""

import asyncio
import io
from typing import Any

import discord
import pytest
from discord import ui

from sandbox.chat import Modal, Notice, Post, Upload
from sandbox.discord import DiscordSandbox
from tests.sandbox.discord.bot import Again, all_intents, running
from tests.sandbox.discord.conftest import Clock, png


async def test_a_bot_logs_in_and_syncs_its_commands(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        assert bot.user is not None
        assert str(bot.user.id) == sandbox.application_id == str(bot.application_id)
        assert [guild.name for guild in bot.guilds] == ["Picture Club"]
        assert {channel.name for channel in bot.guilds[0].text_channels} == {"general"}
        assert [thread.name for thread in bot.guilds[0].threads] == ["thread"]
        assert bot.guilds[0].me.guild_permissions.attach_files
        known = await bot.tree.fetch_commands()
        assert {command.name for command in known} == {"imagine", "Edit image"}
        first = {command.name: command.id for command in known}
        again = {command.name: command.id for command in await bot.tree.sync()}
        assert again == first, "a bulk overwrite keeps ids"
        info = await bot.application_info()
        assert info.flags.gateway_message_content_limited


async def test_a_wrong_token_is_refused_at_login(sandbox: DiscordSandbox) -> None:
    client = discord.AutoShardedClient(intents=discord.Intents.none())
    with pytest.raises(discord.LoginFailure):
        await client.start(sandbox.token[:-1])
    await client.close()


async def test_a_slash_command_with_a_picture_is_deferred_and_delivered_in_the_channel(
    sandbox: DiscordSandbox, photo: Upload
) -> None:
    heard: dict[str, Any] = {}

    async def imagine(interaction: Any, prompt: str, model: str | None, count: int, image: Any) -> None:
        await interaction.response.defer(thinking=True)
        heard.update(
            prompt=prompt, model=model, count=count, image=await image.read(), size=(image.width, image.height)
        )
        heard.update(limit=interaction.filesize_limit, locale=str(interaction.locale), guild=interaction.guild.name)
        heard.update(may=interaction.app_permissions.attach_files, user=interaction.user.display_name)
        await interaction.edit_original_response(content="working …")
        picture = discord.File(io.BytesIO(png((32, 32))), "result.png")
        view = ui.View(timeout=None).add_item(Again(7))
        await interaction.channel.send("<@1170000000000000003>", file=picture, view=view, nonce="task-7")

    async with running(sandbox, all_intents()) as bot:
        bot.on_imagine = imagine
        await sandbox.command("chen", "general", "imagine", {"prompt": "a cat", "count": 2, "image": photo})
        result = await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and bool(e.attachments))
        assert isinstance(result, Post)
        assert heard == {
            "prompt": "a cat",
            "model": None,
            "count": 2,
            "image": photo.data,
            "size": (64, 48),
            "limit": 10 * 1024 * 1024,
            "locale": "zh-CN",
            "guild": "Picture Club",
            "may": True,
            "user": "Chen",
        }
        assert result.text == "@chen"
        assert [(a.filename, a.kind, a.width) for a in result.attachments] == [("result.png", "photo", 32)]
        assert [[(b.id, b.label, b.style) for b in row] for row in result.buttons] == [
            [("again:7", "Again", "primary")]
        ]
        assert sandbox.pings == [(result.id, {"chen"})]
        thinking, *later = [e for e in sandbox.feed.events if isinstance(e, Post) and e.via]
        assert (thinking.via, thinking.thinking, thinking.text) == ("chen used /imagine", True, "")
        assert [(e.thinking, e.text, e.revision) for e in later] == [(False, "working …", 1)]
        delivered = await bot.heard(result.id)
        assert delivered.author == bot.user
        assert delivered.nonce == "task-7"


async def test_a_message_sent_twice_with_one_nonce_appears_once(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        asked = await sandbox.say("ana", "general", "please")
        channel = bot.guilds[0].text_channels[0]
        reference = discord.MessageReference(message_id=int(asked.id), channel_id=channel.id)
        first = await channel.send("done", nonce="task-1", reference=reference)
        second = await channel.send("done", nonce="task-1", reference=reference)
        assert first.id == second.id
        posts = sandbox.feed.posts("general", author="bot")
        assert [(post.text, post.reply_to) for post in posts] == [("done", asked.id)]


async def test_a_nonce_is_forgotten_after_a_few_minutes(sandbox: DiscordSandbox, clock: Clock) -> None:
    async with running(sandbox, all_intents()) as bot:
        channel = bot.guilds[0].text_channels[0]
        first = await channel.send("done", nonce="task-3")
        clock.ahead += 3600
        assert (await channel.send("done", nonce="task-3")).id != first.id


async def test_autocomplete_offers_what_the_bot_says(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()):
        offered = await sandbox.autocomplete("ben", "general", "imagine", "model", "flux", options={"prompt": "x"})
        assert offered == [("Flux-2-Pro", "flux-2-pro"), ("Flux-Kontext", "flux-kontext")]


async def test_autocomplete_offers_nothing_and_says_so_when_no_bot_is_there(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()):
        pass
    assert await sandbox.autocomplete("ben", "general", "imagine", "model", "flux") == []
    assert [e.text for e in sandbox.feed.events if isinstance(e, Notice)] == ["Loading options failed"]


async def test_edit_image_opens_a_form_whose_answer_reaches_the_bot(sandbox: DiscordSandbox, photo: Upload) -> None:
    async with running(sandbox, all_intents()):
        shown = await sandbox.say("ben", "general", "look", files=[photo])
        await sandbox.context_menu("ana", "general", "Edit image", shown.id)
        form = await sandbox.feed.wait_for(lambda e: isinstance(e, Modal))
        assert isinstance(form, Modal)
        assert (form.person, form.title) == ("ana", "Edit image")
        assert [(f.id, f.label, f.style) for f in form.fields] == [
            ("words", "What to change", "short"),
            ("model", "Model", "select"),
        ]
        with pytest.raises(ValueError, match="model takes 1 to 1 choices"):
            await sandbox.submit("ana", form.id, {"words": "night"})
        with pytest.raises(KeyError):
            await sandbox.submit("ben", form.id, {"words": "night", "model": "seedream-4"})
        await sandbox.submit("ana", form.id, {"words": "night", "model": "seedream-4"})
        answer = await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.author == "bot")
        assert isinstance(answer, Post)
        assert answer.text == f"night with seedream-4 on {len(photo.data)} bytes"


async def test_a_button_works_after_the_bot_restarted(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        view = ui.View(timeout=None).add_item(Again(41))
        await bot.guilds[0].text_channels[0].send("a result", view=view)
    [post] = sandbox.feed.posts("general")
    async with running(sandbox, all_intents()):
        await sandbox.press("dora", "general", post.id, "again:41")
        answer = await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.only_for == "dora")
        assert isinstance(answer, Post)
        assert (answer.text, answer.reply_to) == ("again 41", post.id)


async def test_a_button_that_is_not_there_or_disabled_cannot_be_pressed(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        view = ui.View(timeout=None).add_item(ui.Button(label="Off", custom_id="off", disabled=True))
        sent = await bot.guilds[0].text_channels[0].send("x", view=view)
        with pytest.raises(ValueError, match="disabled"):
            await sandbox.press("ana", "general", str(sent.id), "off")
        with pytest.raises(KeyError):
            await sandbox.press("ana", "general", str(sent.id), "on")


async def test_a_select_on_a_message_reaches_the_bot_with_its_values(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        select: ui.Select[Any] = ui.Select(custom_id="pick", options=[discord.SelectOption(label="1", value="one")])
        sent = await bot.guilds[0].text_channels[0].send("x", view=ui.View(timeout=None).add_item(select))
        await sandbox.choose("ana", "general", str(sent.id), "pick", ["one"])
        interaction = await asyncio.wait_for(bot.interactions.get(), 5)
        assert interaction.data is not None
        assert interaction.data["values"] == ["one"]  # type: ignore[typeddict-item]
        await interaction.response.edit_message(content="chosen", view=None)
        assert sandbox.feed.post("general", str(sent.id)).text == "chosen"
        assert sandbox.feed.post("general", str(sent.id)).buttons == ()


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("draw", {"prompt": "x"}, KeyError),
        ("imagine", {}, ValueError),
        ("imagine", {"prompt": "x", "size": "big"}, ValueError),
        ("imagine", {"prompt": 5}, ValueError),
        ("imagine", {"prompt": "x", "count": 9}, ValueError),
        ("imagine", {"prompt": "x", "image": "cat.png"}, ValueError),
    ],
)
async def test_a_person_can_only_send_what_the_registered_command_takes(
    sandbox: DiscordSandbox, name: str, options: dict[str, Any], error: type[Exception]
) -> None:
    async with running(sandbox, all_intents()):
        with pytest.raises(error):
            await sandbox.command("ana", "general", name, options)


async def test_kept_attachments_stay_and_others_go_when_a_message_is_edited(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        files = [discord.File(io.BytesIO(png((8, 8))), name) for name in ("a.png", "b.png")]
        sent = await bot.guilds[0].text_channels[0].send("two", files=files)
        more = discord.File(io.BytesIO(png((9, 9))), "c.png")
        edited = await sent.edit(attachments=[sent.attachments[1], more])
        assert [a.filename for a in edited.attachments] == ["b.png", "c.png"]
        assert edited.attachments[0].id == sent.attachments[1].id
        event = await asyncio.wait_for(bot.edits.get(), 5)
        assert [a["filename"] for a in event.data["attachments"]] == ["b.png", "c.png"]


async def test_a_person_deletes_a_result_and_the_bot_hears_of_it(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        sent = await bot.guilds[0].text_channels[0].send("a result")
        with pytest.raises(ValueError, match="may not delete"):
            await sandbox.delete("ben", "general", str(sent.id))
        await sandbox.delete("ana", "general", str(sent.id))
        assert (await asyncio.wait_for(bot.deletes.get(), 5)).message_id == sent.id
        assert sandbox.feed.posts("general") == []
        with pytest.raises(discord.NotFound) as gone:
            await sent.edit(content="still here?")
        assert gone.value.code == 10008


async def test_a_layout_of_components_v2_shows_its_texts_and_pictures(sandbox: DiscordSandbox) -> None:
    class Layout(ui.LayoutView):
        box: ui.Container[Any] = ui.Container(
            ui.TextDisplay("**A cat**"),
            ui.MediaGallery(discord.MediaGalleryItem("attachment://cat.png", description="a cat")),
            ui.ActionRow(ui.Button(label="Again", custom_id="again:1")),
        )

    async with running(sandbox, all_intents()) as bot:
        picture = discord.File(io.BytesIO(png((20, 10))), "cat.png")
        sent = await bot.guilds[0].text_channels[0].send(view=Layout(), file=picture)
        post = sandbox.feed.post("general", str(sent.id))
        assert post.text == "**A cat**"
        assert [a.filename for a in post.attachments] == ["cat.png"]
        assert post.buttons[0][0].id == "again:1"
        fetched = await sent.channel.fetch_message(sent.id)
        assert fetched.flags.components_v2
        assert fetched.components[0].type == discord.ComponentType.container


async def test_an_embed_s_picture_is_shown_by_the_embed_and_not_listed_apart(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        embed = discord.Embed(title="A cat", description="with a hat").add_field(name="Model", value="flux")
        embed.set_image(url="attachment://cat.png").set_footer(text="3 credits")
        picture = discord.File(io.BytesIO(png((20, 10))), "cat.png")
        sent = await bot.guilds[0].text_channels[0].send("done", embed=embed, file=picture)
        assert sent.attachments == []
        assert sent.embeds[0].image.width == 20
        post = sandbox.feed.post("general", str(sent.id))
        assert post.text == "done\nA cat\nwith a hat\nModel: flux\n3 credits"
        assert [a.filename for a in post.attachments] == ["cat.png"]


async def test_a_direct_message_goes_both_ways(sandbox: DiscordSandbox) -> None:
    async with running(sandbox, all_intents()) as bot:
        said = await sandbox.say("ben", "dm:ben", "hello")
        message = await bot.heard(said.id)
        assert isinstance(message.channel, discord.DMChannel)
        await message.reply("hello Ben")
        person = await bot.fetch_user(int(sandbox.people["ben"].id))
        await person.send("one more")
        assert [p.text for p in sandbox.feed.posts("dm:ben", author="bot")] == ["hello Ben", "one more"]
        sandbox.close_dms("ben")
        with pytest.raises(discord.Forbidden) as closed:
            await person.send("and more")
        assert closed.value.code == 50007
        with pytest.raises(KeyError):
            await sandbox.say("ana", "dm:ben", "let me in")


async def test_a_deferred_answer_is_filled_by_the_first_follow_up(sandbox: DiscordSandbox) -> None:
    async def imagine(interaction: Any, *_: Any) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        filled = await interaction.followup.send("first", wait=True)
        await interaction.followup.send("second", wait=True)
        original = await interaction.original_response()
        assert original.id == filled.id
        await interaction.delete_original_response()

    async with running(sandbox, all_intents()) as bot:
        bot.on_imagine = imagine
        await sandbox.command("ben", "general", "imagine", {"prompt": "x"})
        await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.deleted)
        posts = [e for e in sandbox.feed.events if isinstance(e, Post)]
        assert [(e.text, e.thinking, e.deleted) for e in posts] == [
            ("", True, False),
            ("first", False, False),
            ("second", False, False),
            ("first", False, True),
        ]
        assert {e.only_for for e in posts} == {"ben", None}, "only the deferred answer was ephemeral"
        assert bot.messages.qsize() == 1, "the gateway does not tell of ephemeral messages"


async def test_a_command_in_a_thread_is_answered_in_the_thread(sandbox: DiscordSandbox) -> None:
    async def imagine(interaction: Any, *_: Any) -> None:
        assert isinstance(interaction.channel, discord.Thread)
        await interaction.response.defer()
        await interaction.channel.send("in the thread")
        await interaction.delete_original_response()

    async with running(sandbox, all_intents()) as bot:
        bot.on_imagine = imagine
        await sandbox.command("ben", "thread", "imagine", {"prompt": "x"})
        await sandbox.feed.wait_for(lambda e: isinstance(e, Post) and e.deleted)
        assert [(p.text, p.thread) for p in sandbox.feed.posts("thread")] == [("in the thread", "thread")]
