"""All stand-ins at once, and the real bots as a process of their own that can be killed and started again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.clock import utc_now
from core.quota import Limits
from core.store import open_store
from core.types import Task, Usage
from sandbox.chat import Event, Post
from sandbox.discord import DiscordSandbox
from sandbox.gateways import AihubmixSandbox, ApiyiSandbox
from sandbox.telegram import TelegramSandbox
from tests.e2e.started import CHECKOUT, Started, start


@dataclass
class Bots:
    """``imagine run`` with its own environment and nothing else's; ``log`` collects everything it prints."""

    environment: Mapping[str, str]
    folder: Path
    log: Path
    program: str = "bots"  #: the module that is run
    process: asyncio.subprocess.Process | Started | None = None
    forked: bool = False  #: from a process that has imported it already

    async def start(self, *arguments: str, **changes: str) -> None:
        if self.forked:
            self.log.touch()  # it is read from now on; the process opens it when it comes to that
            environment = {**self.environment, **changes}
            self.process = await start(
                *(arguments or ("run",)), folder=self.folder, environment=environment, out=self.log, err=self.log
            )
            return
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.program,
                *(arguments or ("run",)),
                cwd=self.folder,
                env={**self.environment, **changes},
                stdout=out,
                stderr=out,
            )

    def kill(self) -> None:
        """As a power cut does it: no handler runs."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)

    async def ended(self, *, within: float = 20.0) -> int:
        """The exit code. Raises TimeoutError."""
        assert self.process is not None
        async with asyncio.timeout(within):
            return await self.process.wait()

    async def killed(self) -> None:
        self.kill()
        await self.ended()

    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")


@dataclass
class Town:
    """The stand-ins with their people, and the bots among them."""

    telegram: TelegramSandbox
    discord: DiscordSandbox
    apiyi: ApiyiSandbox
    aihubmix: AihubmixSandbox
    bots: Bots
    folder: Path

    @property
    def database(self) -> str:
        return self.bots.environment.get("DATABASE_URL", f"sqlite+aiosqlite:///{self.folder}/data/imagine.db")

    async def started(self, **changes: str) -> None:
        """Start the bots and wait until both chat programs listen."""
        asked = len(self.telegram.called("getMe"))
        await self.bots.start(**changes)
        async with asyncio.timeout(40):
            while len(self.telegram.called("getMe")) == asked or not self.discord.gateway.connected:
                if self.bots.process is not None and self.bots.process.returncode is not None:
                    raise AssertionError(f"the bots ended:\n{self.bots.said()}")
                await asyncio.sleep(0.02)

    async def telegram_post(self, wanted: Callable[[Post], bool], *, timeout: float = 30.0) -> Post:
        return await self._post(self.telegram, wanted, timeout)

    async def discord_post(self, wanted: Callable[[Post], bool], *, timeout: float = 30.0) -> Post:
        return await self._post(self.discord, wanted, timeout)

    async def _post(
        self, chat: TelegramSandbox | DiscordSandbox, wanted: Callable[[Post], bool], timeout: float
    ) -> Post:
        def is_it(event: Event) -> bool:
            return isinstance(event, Post) and event.author == "bot" and not event.deleted and wanted(event)

        try:
            found = await chat.feed.wait_for(is_it, timeout=timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.bots.said()[-6000:]}") from None
        assert isinstance(found, Post)
        return found

    async def usage(self, account: str) -> Usage:
        """Read from the database itself; works while the bots are dead or alive."""
        store = await open_store(self.database)
        try:
            return await store.usage(account, Limits(), utc_now())
        finally:
            await store.close()

    async def unfinished(self, account: str) -> list[Task]:
        store = await open_store(self.database)
        try:
            return await store.unfinished(account)
        finally:
            await store.close()

    def telegram_pictures(self) -> list[Post]:
        """Every post of the bot in Telegram that shows a picture now."""
        return [post for post in self.telegram.feed.posts(author="bot") if post.attachments]

    def discord_pictures(self) -> list[Post]:
        return [post for post in self.discord.feed.posts(author="bot") if post.attachments]


@contextlib.asynccontextmanager
async def town(
    folder: Path,
    *,
    apiyi_seconds: float = 0.3,
    aihubmix_seconds: float = 0.3,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Town]:
    """Everything but the bots runs; ``settings`` are further environment variables of theirs."""
    telegram, discord = TelegramSandbox(), DiscordSandbox()
    apiyi, aihubmix = ApiyiSandbox(seconds=apiyi_seconds), AihubmixSandbox(seconds=aihubmix_seconds)
    async with telegram.running(), discord.running(), apiyi.running(), aihubmix.running():
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(CHECKOUT),
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.base_url,
            "DISCORD_BOT_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "APIYI_API_KEY": apiyi.default_key,
            "APIYI_BASE_URL": apiyi.base_url,
            "AIHUBMIX_API_KEY": aihubmix.default_key,
            "AIHUBMIX_BASE_URL": aihubmix.base_url,
            "WEB_LISTEN": "127.0.0.1:0",
            "LOG_LEVEL": "debug",
            "STOP_GRACE": "30",
            **(settings or {}),
        }
        bots = Bots(environment, folder, folder / "bots.log", forked=True)
        place = Town(telegram, discord, apiyi, aihubmix, bots, folder)
        try:
            yield place
        finally:
            for each in {id(bots): bots, id(place.bots): place.bots}.values():  # a test may have put others there
                if each.process is not None and each.process.returncode is None:
                    await each.killed()
