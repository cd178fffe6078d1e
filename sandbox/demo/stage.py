"""Everything the demo needs, running: all stand-ins on free loopback ports and the real bots in the same loop."""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from bots import parts
from bots.logs import configure
from core.errors import ImagineError
from core.masking import Masker
from core.settings import Settings
from sandbox.discord import DiscordSandbox
from sandbox.gateways import (
    AihubmixSandbox,
    AihuihuaSandbox,
    ApicoreSandbox,
    ApiyiSandbox,
    MidjourneySandbox,
    OpenAiSandbox,
)
from sandbox.gateways.base import GatewaySandbox
from sandbox.telegram import TelegramSandbox

#: Seconds within which the bots must listen to both chats; they take about two.
START_WITHIN = 60.0
#: Seconds that paid calls in flight get when the demo ends: long enough for a picture, short enough for a person.
STOP_GRACE = 3.0
#: Credits a day: enough to play for long, few enough to see /usage count.
DAILY_CREDITS = 200
#: Pixels of a grid: each of its four pictures is as wide as the page shows it, and one is drawn in a blink.
GRID = 768 * 768
#: All models, with what aihuihua has closed to the public or does not tell how to ask for: here everybody may try it.
MODELS = """packaged = true

[gateways.aihuihua.operations]
faceswap = true
restyle = true
animate = true
inpaint = { fields = { mask = "white" } }
"""

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
    gateways: Mapping[str, GatewaySandbox]  #: by the name that models have for theirs
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
    gateways = _gateways(seconds, slow_seconds or seconds)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagine-demo-")))
        stack.enter_context(_no_proxies())
        for chat in (telegram, discord):
            await stack.enter_async_context(chat.running())
        for gateway in gateways.values():
            await stack.enter_async_context(gateway.running())
        web = f"127.0.0.1:{_free_port()}"
        settings = _OnlyThese(
            telegram_bot_token=telegram.token,
            telegram_api_url=telegram.base_url,
            discord_bot_token=discord.token,
            discord_api_url=discord.api_url,
            **_access(gateways),
            models_file=str(_models_file(folder)),
            database_url=f"sqlite+aiosqlite:///{folder}/imagine.db",
            media_url=f"file://{folder}/media",
            web_listen=web,
            public_url=f"http://{web}",
            user_daily_credits=DAILY_CREDITS,
            stop_grace=STOP_GRACE,
        )
        configure(level="debug" if debug else "error", style="text", masker=Masker(settings.secrets()))
        stopping = asyncio.Event()
        # The parts by their names: without its web part the demo would wait for call-backs for ever.
        bots = asyncio.create_task(parts.run(settings, parts.PARTS, stopping), name="bots")
        try:
            yield Stage(telegram, discord, gateways, bots)
        finally:
            stopping.set()
            # How they end after this is nobody's concern any more; that they ended is.
            await asyncio.wait({bots})


def _gateways(seconds: Seconds, slow: Seconds) -> dict[str, GatewaySandbox]:
    return {
        "apiyi": ApiyiSandbox(seconds=seconds),
        "aihubmix": AihubmixSandbox(seconds=slow),
        "apicore": ApicoreSandbox(seconds=seconds, area=GRID),
        "openai": OpenAiSandbox(seconds=seconds),
        "midjourney_proxy": MidjourneySandbox(seconds=seconds, area=GRID),
        "aihuihua": AihuihuaSandbox(seconds=seconds, area=GRID, closed=False),
    }


def _access(gateways: Mapping[str, GatewaySandbox]) -> dict[str, Any]:
    """Where each gateway is, and its key, as settings."""
    given: dict[str, Any] = {}
    for name, gateway in gateways.items():
        address, key = ("url", "secret") if name == "midjourney_proxy" else ("base_url", "api_key")
        given |= {f"{name}_{address}": gateway.base_url, f"{name}_{key}": gateway.default_key}
    return given


def _models_file(folder: Path) -> Path:
    path = folder / "models.toml"
    path.write_text(MODELS, "utf-8")
    return path


def _free_port() -> int:
    """A port for the web part, whose address the gateways are told before it listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


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
