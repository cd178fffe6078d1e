"""The connection: discord.py's client with our intents, commands and buttons."""

import asyncio
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

from bots.discord.buttons import TaskButton
from bots.discord.commands import commands
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES
from bots.discord.files import DEFAULT_API
from bots.discord.forms import form_filled
from bots.discord.messages import heard
from bots.discord.registering import changed
from bots.discord.traffic import RATE_LIMIT_PATIENCE
from bots.discord.translator import Translator
from core.errors import ImagineError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds between two IDENTIFYs: more at once than ``max_concurrency``, which is one for all but the largest bots,
#: Discord refuses for now (events/gateway, "Rate Limiting").
IDENTIFY_PAUSE = 5.0


def intents(*, message_content: bool) -> discord.Intents:
    """As few as will do. Servers: names, languages and upload limits; messages: replies and mentions."""
    chosen = discord.Intents.none()
    chosen.guilds = True
    chosen.guild_messages = chosen.dm_messages = True
    chosen.message_content = message_content
    return chosen


def speak_to(api_url: str) -> None:
    """Send every call of discord.py in this process to ``api_url``: it has no setting for that."""
    discord.http.Route.BASE = api_url.rstrip("/")


# Nobody speaks here: the library's words at every start that voice is not installed would only worry operators.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class Bot(discord.AutoShardedClient):
    """One connection's life; a new one is made when the intents change."""

    def __init__(
        self,
        desk: Desk,
        *,
        message_content: bool,
        api_url: str,
        trace: aiohttp.TraceConfig,
        shards: tuple[range, int] | None = None,
    ) -> None:
        """``shards``: which of how many are this process's; None: all that Discord recommends."""
        sharding: dict[str, Any] = {} if shards is None else {"shard_ids": list(shards[0]), "shard_count": shards[1]}
        super().__init__(
            **sharding,
            http_trace=trace,
            intents=intents(message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            # Nothing is looked up in caches of messages and members: they would only grow.
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=RATE_LIMIT_PATIENCE,
        )
        self.desk = desk
        self._message_content, self._api_url = message_content, api_url
        self.tree = Tree(self)
        self._registers = shards is None or 0 in shards[0]
        self.is_connected = False

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for this shard's turn; at once for the process's first."""
        if not initial:
            await asyncio.sleep(IDENTIFY_PAUSE)

    async def setup_hook(self) -> None:
        """After the login, before the first event."""
        self.add_dynamic_items(TaskButton)
        for command in commands(self.desk):
            self.tree.add_command(command)
        await self.tree.set_translator(Translator(self.desk.words))
        await self._register()
        if self._api_url != DEFAULT_API:
            # Where a session cannot be resumed, discord.py goes to Discord's own gateway, whoever was asked before.
            _, gateway, _ = await self.http.get_bot_gateway()
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)

    async def _register(self) -> None:
        """Register the commands where they differ from what is registered: 200 a day may be created. Of several
        processes, the one with shard 0 does; two that differ, in the midst of an update, would take turns."""
        assert self.application_id is not None  # set by the login
        try:
            path = "/applications/{application_id}/commands"
            route = discord.http.Route("GET", path, application_id=self.application_id)
            registered = await self.http.request(route, params={"with_localizations": "true"})
            if self._registers and await changed(self.tree, registered):
                synced = await self.tree.sync()
                log.info("commands registered", commands=[command.name for command in synced])
                self.desk.command_ids = {command.name: command.id for command in synced}
            else:
                self.desk.command_ids = {each["name"]: int(each["id"]) for each in registered}
        except (*FAILURES, app_commands.AppCommandError) as error:
            # The commands of an earlier start go on working.
            log.error("the commands could not be registered", why=str(error)[:500])

    async def on_connect(self) -> None:
        """Discord has taken the login with its intents."""
        self.is_connected = True
        self.desk.reads_messages = self._message_content
        log.info("discord listens", bot=str(self.user), message_content=self._message_content)

    async def on_ready(self) -> None:
        log.info("discord is ready", servers=len(self.guilds), shards=self.shard_count)

    async def on_message(self, message: discord.Message) -> None:
        if self.user is not None:
            await heard(self.desk, self.user, message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Commands and buttons find their own way; a form does so only in the process that opened it."""
        if interaction.type is discord.InteractionType.modal_submit:
            await form_filled(self.desk, interaction)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.exception("an event could not be handled", event_=event_method)


class Tree(app_commands.CommandTree[Bot]):
    """Commands for servers and for people who take the bot along with them."""

    def __init__(self, bot: Bot) -> None:
        super().__init__(
            bot,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        )

    async def on_error(self, interaction: discord.Interaction[Bot], error: app_commands.AppCommandError, /) -> None:
        """What our own handlers did not foresee; the person is told something all the same."""
        name = interaction.command.qualified_name if interaction.command else "?"
        log.error("a command failed", command=name, exc_info=error)
        desk = interaction.client.desk
        if interaction.response.is_done():
            return
        try:
            sentence = desk.sentence(desk.language(interaction), ImagineError())
            await interaction.response.send_message(sentence, ephemeral=True)
        except FAILURES as failure:
            log.warning("nor could the person be told", why=type(failure).__name__)
