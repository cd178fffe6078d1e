"""A real discord.py client with one of everything that the stand-in must serve."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import discord
from discord import app_commands, ui

from sandbox.discord import DiscordSandbox

MODELS = ("flux-2-pro", "flux-kontext", "seedream-4", "gpt-image-1")


class Again(ui.DynamicItem[ui.Button[Any]], template=r"again:(?P<task>\d+)"):
    """A button whose whole state is in its id, as the real bot has them."""

    def __init__(self, task: int) -> None:
        super().__init__(ui.Button(label="Again", custom_id=f"again:{task}", style=discord.ButtonStyle.primary))
        self.task = task

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str]) -> Self:
        return cls(int(match["task"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"again {self.task}", ephemeral=True)


class EditForm(ui.Modal, title="Edit image"):
    words: ui.Label[Any] = ui.Label(text="What to change", component=ui.TextInput(custom_id="words", max_length=200))
    model: ui.Label[Any] = ui.Label(
        text="Model",
        component=ui.Select(custom_id="model", options=[discord.SelectOption(label=m, value=m) for m in MODELS]),
    )

    def __init__(self, target: discord.Message) -> None:
        super().__init__(custom_id=f"edit:{target.id}")
        self.target = target

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        words, model = self.words.component, self.model.component
        assert isinstance(words, ui.TextInput)
        assert isinstance(model, ui.Select)
        picture = await self.target.attachments[0].read()
        await interaction.response.send_message(f"{words.value} with {model.values[0]} on {len(picture)} bytes")


class Bot(discord.AutoShardedClient):
    """Keeps what it hears in :attr:`messages` and :attr:`interactions`; tests add behaviour through ``on``."""

    def __init__(self, *, intents: discord.Intents, **options: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.2, **options)
        self.tree: app_commands.CommandTree[Bot] = app_commands.CommandTree(self)
        self.messages: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.edits: asyncio.Queue[discord.RawMessageUpdateEvent] = asyncio.Queue()
        self.deletes: asyncio.Queue[discord.RawMessageDeleteEvent] = asyncio.Queue()
        self.interactions: asyncio.Queue[discord.Interaction[Any]] = asyncio.Queue()
        self.resumes: asyncio.Queue[int] = asyncio.Queue()
        self.on_imagine: Callable[..., Any] | None = None

        self.is_there = asyncio.Event()

    async def on_ready(self) -> None:
        self.is_there.set()

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Again)

        async def imagine(
            interaction: discord.Interaction[Any],
            prompt: str,
            model: str | None = None,
            count: app_commands.Range[int, 1, 4] = 1,
            image: discord.Attachment | None = None,
        ) -> None:
            if self.on_imagine is not None:
                await self.on_imagine(interaction, prompt, model, count, image)

        command: app_commands.Command[Any, Any, Any] = app_commands.Command(
            name="imagine", description="Make a picture", callback=imagine
        )

        async def complete(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=m.title(), value=m) for m in MODELS if current in m]

        command.autocomplete("model")(complete)
        self.tree.add_command(command)

        async def edit_image(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await interaction.response.send_modal(EditForm(message))

        self.tree.add_command(app_commands.ContextMenu(name="Edit image", callback=edit_image))

    async def on_message(self, message: discord.Message) -> None:
        self.messages.put_nowait(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.edits.put_nowait(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.deletes.put_nowait(event)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.interactions.put_nowait(interaction)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self.resumes.put_nowait(shard_id)

    async def heard(self, post_id: str) -> discord.Message:
        """The message of that id, as the gateway brought it. Raises ``TimeoutError``."""
        async with asyncio.timeout(10):
            while True:
                message = await self.messages.get()
                if str(message.id) == post_id:
                    return message


@contextlib.asynccontextmanager
async def running(sandbox: DiscordSandbox, intents: discord.Intents, **options: Any) -> AsyncIterator[Bot]:
    """A bot that is logged in, has its commands synced and is ready."""
    bot = Bot(intents=intents, **options)
    task = asyncio.create_task(bot.start(sandbox.token))
    ready = asyncio.create_task(asyncio.wait_for(bot.is_there.wait(), 20))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await ready
        await bot.tree.sync()
        yield bot
    finally:
        ready.cancel()
        await bot.close()
        await asyncio.gather(task, ready, return_exceptions=True)


def all_intents() -> discord.Intents:
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
    intents.message_content = True
    return intents


def without_content() -> discord.Intents:
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
