"""The floor: what a bot costs that does nothing but the work. ``python -m bench.floor telegram|discord``.

The same libraries as ours: takes the command, calls the gateway, fetches the picture, posts it. No store, no limits,
no credits, nothing checked, nothing that survives a crash. Addresses come from the same environment as the bots'.
"""

import asyncio
import io
import os
import signal
import sys

import discord
import httpx
from discord import app_commands
from telegram import Update
from telegram.ext import Application, CommandHandler, ContextTypes

#: As many calls as there are requests; few connections are kept, for httpx looks at each of them at every call.
CALLS = httpx.Limits(max_connections=1000, max_keepalive_connections=20)
#: Updates worked on at once, and connections to Telegram.
AT_ONCE, CONNECTIONS = 1024, 64


class Gateway:
    """apiyi: one blocking call that answers with a link."""

    def __init__(self) -> None:
        key = os.environ["APIYI_API_KEY"]
        self._base = os.environ["APIYI_BASE_URL"]
        self._headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(timeout=300.0, limits=CALLS, trust_env=False)

    async def imagine(self, prompt: str) -> bytes:
        answer = await self._http.post(
            f"{self._base}/v1/images/generations",
            json={"model": "flux-2-pro", "prompt": prompt, "output_format": "png"},
            headers=self._headers,
        )
        picture = await self._http.get(answer.raise_for_status().json()["data"][0]["url"])
        return picture.raise_for_status().content


def telegram() -> None:
    gateway = Gateway()

    async def imagine(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        picture = await gateway.imagine(" ".join(context.args or []))
        await update.message.reply_photo(picture, do_quote=True)

    base = os.environ["TELEGRAM_API_URL"]
    application = (
        Application.builder()
        .token(os.environ["TELEGRAM_BOT_TOKEN"])
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .concurrent_updates(AT_ONCE)
        .connection_pool_size(CONNECTIONS)
        .pool_timeout(60.0)
        .read_timeout(60.0)
        .build()
    )
    application.add_handler(CommandHandler("imagine", imagine))
    application.run_polling(stop_signals=(signal.SIGTERM,), allowed_updates=[Update.MESSAGE])


async def on_discord() -> None:
    discord.http.Route.BASE = os.environ["DISCORD_API_URL"]
    client = discord.AutoShardedClient(intents=discord.Intents.none())
    tree = app_commands.CommandTree(client)
    gateway = Gateway()

    @tree.command(name="imagine", description="Make a picture")
    async def imagine(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.defer()
        picture = await gateway.imagine(prompt)
        await interaction.followup.send(file=discord.File(io.BytesIO(picture), "picture.png"))

    async def register() -> None:
        await tree.sync()

    client.setup_hook = register  # type: ignore[method-assign]  # as the library's documents have it in a subclass
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(client.close()))
    await client.start(os.environ["DISCORD_BOT_TOKEN"])


if __name__ == "__main__":
    if sys.argv[1] == "telegram":
        telegram()
    else:
        asyncio.run(on_discord())
