"""Long polling with a durable inbox: an update is confirmed only once what it asks for is stored.

The library's own Updater confirms what it has fetched, so an update in memory dies with the process. Here a killed
process gets it again, and the update's id keeps it from ordering twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bots.telegram.errors import is_unauthorized, refused_token, seconds_of
from bots.telegram.secrecy import without_tokens
from bots.telegram.turns import person_of
from core.errors import StoreDown

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds a poll waits for something to come; Telegram allows 50.
POLL_SECONDS = 30
#: Seconds beyond that until a poll without an answer means that Telegram cannot be reached.
SLACK = 15
#: Everything we act on; edited messages are not asked for, because an edit orders nothing.
ALLOWED_UPDATES = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
#: Seconds to the next try after a failed one: the first and the longest.
BACKOFF = (1.0, 30.0)
#: Seconds the last confirmation may take when we stop.
FAREWELL = 2.0


class Polling:
    """Fetches updates and gives each to ``take``, which returns when its durable part is done.

    For a bot that ``getMe`` has introduced: its token was good.

    Updates of one person are taken in their order, different people's at the same time. An update whose ``take``
    raises StoreDown is not confirmed and comes again; any other error is logged, because it would come again for ever.
    """

    def __init__(self, bot: Bot, take: Callable[[Update], Awaitable[None]]) -> None:
        self._bot, self._take = bot, take
        self._offset: int | None = None
        self._confirmed: int | None = None
        self._taken: set[int] = set()  # taken, but behind one that was not, so Telegram gives them again
        self._pause = BACKOFF[0]
        self._heard_at = time.monotonic()  # getMe was answered
        self._one_by_one = False  # there is an unreadable one among those that wait

    @property
    def is_answered(self) -> bool:
        """Telegram has answered lately."""
        return time.monotonic() - self._heard_at < POLL_SECONDS + SLACK

    async def run(self, stopping: asyncio.Event) -> None:
        """Until ``stopping``; what is in hand then is finished. Raises SettingsError when the token is refused."""
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                updates = await self._fetch(stop)
                if updates and not stopping.is_set() and not await self._hand_out(updates):
                    await self._rest(stop)
        finally:
            stop.cancel()
        await self._confirm()

    async def _fetch(self, stop: asyncio.Task[bool]) -> Sequence[Update]:
        """The next updates; none after a failure (and a pause) or when it is time to stop."""
        fetching = asyncio.create_task(self._get())
        try:
            await asyncio.wait({fetching, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                return ()
            updates = fetching.result()
        except TelegramError as error:
            await self._rest(stop, await self._explain(error))
            return ()
        except Exception:
            if self._one_by_one:
                log.exception("an update cannot be read and is skipped")
                await self._skip_one()
                await self._rest(stop)
            # Fetched singly, the others of a batch are taken, and the one the library cannot read shows.
            self._one_by_one = not self._one_by_one
            return ()
        finally:
            fetching.cancel()
            await asyncio.wait({fetching})
        self._pause, self._confirmed, self._heard_at = BACKOFF[0], self._offset, time.monotonic()
        self._one_by_one = self._one_by_one and bool(updates)
        return updates

    async def _get(self) -> Sequence[Update]:
        return await self._bot.get_updates(
            offset=self._offset,
            limit=1 if self._one_by_one else None,
            timeout=POLL_SECONDS,
            allowed_updates=list(ALLOWED_UPDATES),
        )

    async def _skip_one(self) -> None:
        """Step over the first update that waits, without reading it."""
        question = f"{self._bot.base_url}/getUpdates?offset={self._offset or 0}&limit=1&timeout=0"
        try:
            raw = await self._bot.request.post(question)
        except TelegramError as error:
            log.warning("polling failed", reason=without_tokens(error.message))
            return
        if isinstance(raw, list) and raw:
            self._offset = int(raw[0]["update_id"]) + 1

    async def _explain(self, error: TelegramError) -> float | None:
        """Say what is wrong; how long Telegram wants us to wait, if it said so."""
        match error:
            case InvalidToken() if is_unauthorized(error):
                raise refused_token() from None
            case RetryAfter():
                log.warning("polling too often", wait=seconds_of(error))
                return seconds_of(error)
            case Conflict() if "webhook" in error.message.lower():
                log.warning("a webhook is set for this bot: it is removed, because this process polls")
                await self._remove_webhook()
            case Conflict():
                log.error("another process polls with the same token: stop one of the two")
            case NetworkError():
                log.warning("Telegram does not answer", again_in=self._pause, reason=without_tokens(error.message))
            case _:
                log.warning("polling failed", again_in=self._pause, reason=without_tokens(error.message))
        return None

    async def _remove_webhook(self) -> None:
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            log.warning("the webhook could not be removed", reason=without_tokens(error.message))

    async def _rest(self, stop: asyncio.Task[bool], seconds: float | None = None) -> None:
        """Wait before the next try, longer each time, unless it is time to stop."""
        await asyncio.wait({stop}, timeout=self._pause if seconds is None else seconds)
        self._pause = min(self._pause * 2, BACKOFF[1])

    async def _hand_out(self, updates: Sequence[Update]) -> bool:
        """Take them; False when some have to come again."""
        people: dict[int, list[Update]] = {}
        for update in updates:
            if update.update_id not in self._taken:
                people.setdefault(person_of(update), []).append(update)
        await asyncio.gather(*(self._in_turn(theirs) for theirs in people.values()))
        for update in updates:
            if update.update_id not in self._taken:
                return False
            self._taken.discard(update.update_id)
            self._offset = update.update_id + 1
        return True

    async def _in_turn(self, updates: Sequence[Update]) -> None:
        for update in updates:
            try:
                await self._take(update)
            except StoreDown as error:
                log.error("an update could not be stored and will come again", reason=str(error))
                return
            except Exception:
                log.exception("an update failed", update=update.update_id)
            self._taken.add(update.update_id)

    async def _confirm(self) -> None:
        """Without a next poll, Telegram would give the last ones again at the next start."""
        if self._offset == self._confirmed:
            return
        try:
            async with asyncio.timeout(FAREWELL):
                await self._bot.get_updates(
                    offset=self._offset, limit=1, timeout=0, allowed_updates=list(ALLOWED_UPDATES)
                )
        except (TelegramError, TimeoutError):
            log.info("the last updates could not be confirmed; they come again and order nothing twice")
