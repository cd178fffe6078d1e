"""Everything the demo needs, running: four stand-ins on free loopback ports and the real bots in the same loop."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from bots import app
from bots.logs import configure
from core.errors import ImagineError
from core.masking import Masker
from core.settings import Settings
from sandbox.discord import DiscordSandbox
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox
from sandbox.telegram import TelegramSandbox

#: Seconds within which the bots must listen to both chats; they take about two.
START_WITHIN = 60.0
#: Seconds that paid calls in flight get when the demo ends: long enough for a picture, short enough for a person.
STOP_GRACE = 3.0
#: Credits a day: enough to play for long, few enough to see /usage count.
DAILY_CREDITS = 200

Seconds = float | tuple[float, float]


class BotsEnded(Exception):
    """The bots stopped although nobody asked them to; the cause is why, if they said."""


class _OnlyThese(Settings):
    """Settings that listen to nobody but their maker: not to the environment, not to a ``.env``."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True)
class Stage:
    """The stand-ins, and the task in which the bots run."""

    telegram: TelegramSandbox
    discord: DiscordSandbox
    apiyi: ApiyiSandbox
    aihubmix: AihubmixSandbox
    bots: asyncio.Task[None]

    async def ready(self) -> None:
        """Return once both bots listen. Raises ImagineError or :class:`BotsEnded` when they end instead."""
        async with asyncio.timeout(START_WITHIN):
            while not self._listening():
                self.check()
                await asyncio.sleep(0.02)

    def check(self) -> None:
        """Raise the reason when the bots have ended: their own ImagineError, else :class:`BotsEnded`."""
        if not self.bots.done():
            return
        error = None if self.bots.cancelled() else self.bots.exception()
        if isinstance(error, ImagineError):
            raise error
        raise BotsEnded from error

    async def until(self, event: asyncio.Event) -> None:
        """Wait for ``event``. Raises like :meth:`check` when the bots end before it."""
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait({waiting, self.bots}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not event.is_set():
            self.check()

    def _listening(self) -> bool:
        # The commands are on Discord before its gateway is connected to, on Telegram beside the first question. That
        # question itself is not waited for: it counts as a call once it is answered, which may take half a minute.
        greeted = self.telegram.called("setMyCommands")
        return bool(greeted and self.discord.gateway.connected and self.discord.commands.all(None))


@contextlib.asynccontextmanager
async def staged(
    *, seconds: Seconds = (2.0, 5.0), slow_seconds: Seconds | None = None, debug: bool = False
) -> AsyncIterator[Stage]:
    """Start everything; the bots may still be connecting (:meth:`Stage.ready`). On leaving, stop them cleanly.

    ``seconds`` is how long a picture takes, a range or a number; ``slow_seconds`` the same for aihubmix alone.
    """
    telegram, discord = TelegramSandbox(), DiscordSandbox()
    apiyi, aihubmix = ApiyiSandbox(seconds=seconds), AihubmixSandbox(seconds=slow_seconds or seconds)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-demo-")))
        stack.enter_context(_no_proxies())
        for sandbox in (telegram, discord, apiyi, aihubmix):
            await stack.enter_async_context(sandbox.running())
        settings = _OnlyThese(
            telegram_bot_token=telegram.token,
            telegram_api_url=telegram.base_url,
            discord_bot_token=discord.token,
            discord_api_url=discord.api_url,
            apiyi_api_key=apiyi.default_key,
            apiyi_base_url=apiyi.base_url,
            aihubmix_api_key=aihubmix.default_key,
            aihubmix_base_url=aihubmix.base_url,
            database_url=f"sqlite+aiosqlite:///{folder}/imagine.db",
            media_url=f"file://{folder}/media",
            web_listen="127.0.0.1:0",
            user_daily_credits=DAILY_CREDITS,
            stop_grace=STOP_GRACE,
        )
        configure(level="debug" if debug else "error", style="text", masker=Masker(settings.secrets()))
        stopping = asyncio.Event()
        bots = asyncio.create_task(app.run(settings, (), stopping), name="bots")
        try:
            yield Stage(telegram, discord, apiyi, aihubmix, bots)
        finally:
            stopping.set()
            # How they end after this is nobody's concern any more; that they ended is.
            await asyncio.wait({bots})


@contextlib.contextmanager
def _no_proxies() -> Iterator[None]:
    """A machine's proxy variables must not take loopback requests away: libraries read them by themselves."""
    names = ("NO_PROXY", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
