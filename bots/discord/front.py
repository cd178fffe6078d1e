"""The Discord front: listens, shows progress, hands results over, fetches pictures."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Literal

import discord
import structlog

from bots.discord.address import NAME, place_of
from bots.discord.bot import Bot, speak_to
from bots.discord.desk import Desk
from bots.discord.errors import FAILURES, INTENT_FIX, doorway, raise_for_token, translated
from bots.discord.files import DEFAULT_API, Downloads, pictures_of, same
from bots.discord.progress import Progress
from bots.discord.results import Result
from bots.discord.traffic import DROP_FROM, WAIT_FROM, Traffic
from bots.words import Words
from core.admin import Admin
from core.client import Client
from core.errors import ChatBusy, SettingsError
from core.types import Address, FrontFile, Picture, Receipt, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds between two tries to connect: the first, doubled up to the last. 1000 a day are allowed.
RECONNECT = (2.0, 300.0)
#: Seconds the handlers at work get to finish at a stop.
LAST_HANDLERS = 5.0
#: Seconds the other side gets to answer our goodbye on the gateway.
GOODBYE = 1.0


def _nobody(_who: str) -> None:
    """Told of every 429 where nobody counts them."""


class DiscordFront:
    """Implements :class:`core.ports.Front`. ``message_content``: ``auto`` asks for the privileged intent and does
    without it where it is refused; ``on`` insists; ``off`` never asks. ``shards``: which of how many this process
    listens on (``(range(0, 4), 8)``: the first half of eight); None: all. ``limited`` is called with "discord" for
    every answer that says too fast (429). ``drop_from``, ``wait_from``: see :mod:`bots.discord.traffic`."""

    name = NAME
    #: Seconds between two edits of one message: five edits in five seconds are what a channel takes, for all tasks.
    pace = 3.0
    #: Seconds from the request in which one status is all: with the acknowledgement, the result and the end of the
    #: status that makes four calls for a task that is quick.
    quiet = 10.0

    def __init__(
        self,
        token: str,
        *,
        client: Client,
        words: Words,
        api_url: str = DEFAULT_API,
        message_content: Literal["auto", "on", "off"] = "auto",
        admin: Admin | None = None,
        shards: tuple[range, int] | None = None,
        limited: Callable[[str], None] = _nobody,
        drop_from: int = DROP_FROM,
        wait_from: int = WAIT_FROM,
    ) -> None:
        self._token, self._api_url, self._message_content = token, api_url, message_content
        self._desk = Desk(client, words, admin)
        self._shards = shards
        # As if the processes with the other shards shared this one's address: nobody knows that here.
        share = 1.0 if shards is None else len(shards[0]) / shards[1]
        self._traffic = Traffic(limited, share=share, drop_from=drop_from, wait_from=wait_from)
        self._progress = Progress(self._desk)
        self._downloads = Downloads(api_url)
        self._bot: Bot | None = None
        if api_url != DEFAULT_API:
            speak_to(api_url)

    @property
    def is_listening(self) -> bool:
        """Discord has taken the login, and events come in on every shard of ours."""
        bot = self._bot
        return bot is not None and bot.is_connected and not any(shard.is_closed() for shard in bot.shards.values())

    # -- the connection ---------------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``, then take nothing new; posting still works until :meth:`close`.

        Raises SettingsError for a token or an intent that Discord refuses.
        """
        content = self._message_content != "off"
        pause = RECONNECT[0]
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                bot = await self._new_bot(content)
                try:
                    await self._listen(bot, stop)
                    continue
                except discord.PrivilegedIntentsRequired:
                    if self._message_content == "on":
                        raise SettingsError("DISCORD_MESSAGE_CONTENT", INTENT_FIX) from None
                    log.warning("discord refuses the message content intent: going on without it", fix=INTENT_FIX)
                    content = False
                    continue
                except FAILURES as error:
                    raise_for_token(error)
                    log.warning("discord cannot be reached", why=translated(error).params["reason"], again_in=pause)
                except Exception:
                    # The library trips over an event it does not know, say: no reason to end everything else.
                    log.exception("the connection to discord broke", again_in=pause)
                pause = RECONNECT[0] if bot.is_connected else pause
                await asyncio.wait({stop}, timeout=pause)
                pause = min(pause * 2, RECONNECT[1])
        finally:
            stop.cancel()

    async def _new_bot(self, content: bool) -> Bot:
        await self._close_bot()
        self._desk.reads_messages = False
        return Bot(
            self._desk,
            message_content=content,
            api_url=self._api_url,
            trace=self._traffic.trace(),
            shards=self._shards,
        )

    async def _listen(self, bot: Bot, stop: "asyncio.Task[bool]") -> None:
        """One connection, until ``stop`` or until it fails for good: passing failures are the library's."""
        connection = asyncio.create_task(self._connect(bot))
        try:
            await asyncio.wait({connection, stop}, return_when=asyncio.FIRST_COMPLETED)
            if connection.done():
                connection.result()
            else:
                await self._hang_up(bot, connection)
        except BaseException:
            connection.cancel()
            await self._drop(bot)
            raise

    async def _connect(self, bot: Bot) -> None:
        await bot.login(self._token)
        self._bot = bot
        await bot.connect()

    async def _hang_up(self, bot: Bot, connection: "asyncio.Task[None]") -> None:
        """Leave the gateway, but keep the way to post."""
        for shard in bot.shards.values():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await shard.disconnect()
        connection.cancel()
        await asyncio.wait({connection})
        if self._bot is not bot:  # it was still logging in
            await self._drop(bot)
        if not await self._desk.hands.idle(LAST_HANDLERS):
            log.warning("some requests were still being answered at the stop")

    async def _drop(self, bot: Bot) -> None:
        if self._bot is bot:
            self._bot = None
        with contextlib.suppress(*FAILURES):
            await bot.close()

    async def _close_bot(self) -> None:
        if self._bot is not None:
            await self._drop(self._bot)

    async def close(self) -> None:
        """Nothing can be posted or fetched any more."""
        await self._close_bot()
        await self._downloads.close()

    # -- core.ports.Front -------------------------------------------------------------------------------------------

    async def show(self, address: Address, view: View) -> Address:
        """Raises ChatBusy; where nothing can be shown it stays quiet."""
        place = await self._progress.show(self._online(), place_of(address), view)
        return place.address()

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        """Raises ChatGone, ChatBusy."""
        bot = self._online()
        await self._progress.settled(view.task_id)
        place = await self._progress.answered(place_of(address))
        return await Result(self._desk, bot, place, view, pictures=pictures, attempt=attempt).post()

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        """Raises ImageGone, ImageTooLarge, ChatBusy."""

        async def refresh() -> str | None:
            channel, message = file.data["channel"], file.data["message"]
            if channel is None or message is None:
                return None
            try:
                found = await self._online().get_partial_messageable(channel).fetch_message(message)
            except discord.HTTPException as error:
                if error.status in (403, 404):
                    return None
                raise
            now = same(file, pictures_of(found))
            return None if now is None else str(now.data["url"])

        with doorway():
            return await self._downloads.fetch(file, limit=limit, refresh=refresh)

    def _online(self) -> Bot:
        if self._bot is None:
            raise ChatBusy(1.0, "not logged in yet")
        return self._bot
