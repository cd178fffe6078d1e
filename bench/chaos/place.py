"""Everything around the bots, alive through all their deaths: both chats, all gateways, a database, settings."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.chat import Person
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
from tests.databases import PostgresServer

CHECKOUT = Path(__file__).parents[2]
#: Pixels of a grid: small ones are painted quickly.
AREA = 256 * 256
#: Groups on Telegram, each with its own twenty messages a minute.
GROUPS = ("group", "forum", "group-3", "group-4", "group-5", "group-6")
CHANNELS = ("general", "thread")


@dataclass(frozen=True)
class Place:
    """What the bots live in. ``gateways`` by their names in the catalogue; ``environment`` is all the bots are told."""

    telegram: TelegramSandbox
    discord: DiscordSandbox
    gateways: Mapping[str, GatewaySandbox]
    environment: Mapping[str, str]
    folder: Path

    @property
    def media(self) -> Path:
        return self.folder / "media"


@contextlib.asynccontextmanager
async def settled_in(folder: Path, *, database: str, people: int, seconds: tuple[float, float]) -> AsyncIterator[Place]:
    """Start the stand-ins with ``people`` persons in each chat; a picture takes ``seconds``, a range."""
    telegram, discord = TelegramSandbox(), DiscordSandbox()
    for number in range(5, people + 1):
        key = f"person-{number}"
        telegram.add_person(key, key.title())
        discord.people[key] = Person(key, str(1_170_000_000_000_000_000 + number), key.title(), "en-US")
    for group in GROUPS[2:]:
        telegram.add_group(group, group.title())
    gateways: dict[str, GatewaySandbox] = {
        "apiyi": ApiyiSandbox(seconds=seconds),
        "aihubmix": AihubmixSandbox(seconds=seconds),
        "apicore": ApicoreSandbox(seconds=seconds, area=AREA),
        "openai": OpenAiSandbox(seconds=seconds),
        "midjourney_proxy": MidjourneySandbox(seconds=seconds, area=AREA, concurrent=20, queue=100),
        "aihuihua": AihuihuaSandbox(seconds=seconds, area=AREA, closed=False, unfinished=100, concurrent=20),
    }
    async with contextlib.AsyncExitStack() as stack:
        for chat in (telegram, discord):
            await stack.enter_async_context(chat.running())
        for gateway in gateways.values():
            await stack.enter_async_context(gateway.running())
        environment = _environment(folder, telegram, discord, gateways) | {"DATABASE_URL": database}
        yield Place(telegram, discord, gateways, environment, folder)


def _environment(
    folder: Path, telegram: TelegramSandbox, discord: DiscordSandbox, gateways: Mapping[str, GatewaySandbox]
) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        web = f"127.0.0.1:{found.getsockname()[1]}"
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(CHECKOUT),
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.base_url,
        "DISCORD_BOT_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "MEDIA_URL": f"file://{folder}/media",
        "WEB_LISTEN": web,
        "PUBLIC_URL": f"http://{web}",
        "LOG_LEVEL": "info",
        # Nobody is refused anything: every request that is heard has to become a task.
        "USER_DAILY_CREDITS": "0",
        "USER_MONTHLY_CREDITS": "0",
        "USER_RUNNING": "20",
        "USER_QUEUED": "1000",
    }
    for name, gateway in gateways.items():
        address, key = ("URL", "SECRET") if name == "midjourney_proxy" else ("BASE_URL", "API_KEY")
        given |= {f"{name.upper()}_{address}": gateway.base_url, f"{name.upper()}_{key}": gateway.default_key}
        given[f"{name.upper()}_CONCURRENCY"] = "20"
    return given


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a migrated database on a PostgreSQL of our own."""
    server = PostgresServer(folder)
    try:
        yield server.url(server.migrated())
    finally:
        server.close()
