"""A stage without bots: the stand-ins alone, for tests of the page's own doings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from sandbox.demo.page import Page
from sandbox.demo.stage import Stage
from sandbox.discord import DiscordSandbox
from sandbox.serving import serve
from sandbox.telegram import TelegramSandbox


@contextlib.asynccontextmanager
async def quiet_stage() -> AsyncIterator[Stage]:
    """Both chats are served; whoever should be the bots only waits."""
    telegram, discord = TelegramSandbox(), DiscordSandbox()
    waiting: asyncio.Task[None] = asyncio.create_task(_for_ever())
    async with telegram.running(), discord.running():
        try:
            yield Stage(telegram, discord, {}, waiting)
        finally:
            waiting.cancel()


async def _for_ever() -> None:
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def page_of(stage: Stage) -> AsyncIterator[str]:
    """Serve the page; yields its address."""
    port = [0]
    async with serve(Page(stage).app(lambda: port[0])) as address:
        port[0] = urlsplit(address).port or 0
        yield address
