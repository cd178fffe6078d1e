"""The one doorway of the bot's calls: nothing is written past the budgets, and every 429 is seen here."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter
from telegram.ext import BaseRateLimiter

from bots.telegram.budgets import SECONDS, Budgets, Kind
from bots.telegram.errors import seconds_of
from core.errors import ChatBusy

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Methods that write nothing, whatever chat they name; ``answerCallbackQuery`` has no limit (tdlib/telegram-bot-api
#: #648). What is not known to be free counts: of chat actions and reactions the documents do not tell.
_FREE = ("get", "delete", "answer")
#: Of those that write several messages, the parameter that lists them.
_SEVERAL = {"sendMediaGroup": "media", "forwardMessages": "message_ids", "copyMessages": "message_ids"}
#: Calls at once in each of the two lines. Thirty messages a second need no more as long as one takes half a second, and
#: a connection pool with more in it, or before it, is slow for all of them.
AT_ONCE = 16
#: Methods that may carry megabytes, for which the others do not wait.
_UPLOADS = {"sendPhoto", "sendVideo", "sendDocument", "sendMediaGroup", "editMessageMedia"}
#: What means that Telegram has read a call and has not done it.
_REFUSED = (BadRequest, Forbidden, ChatMigrated, InvalidToken, RetryAfter)

_Answer = bool | dict[str, Any] | list[dict[str, Any]]


def cost_of(endpoint: str, data: Mapping[str, Any]) -> int:
    """How many messages a call counts as."""
    if "chat_id" not in data or endpoint.startswith(_FREE):
        return 0
    several = _SEVERAL.get(endpoint)
    return 1 if several is None else len(data[several])


class _Line:
    """Calls of one sort."""

    def __init__(self) -> None:
        self.places, self.answers = asyncio.Semaphore(AT_ONCE), asyncio.Lock()


class Limiter(BaseRateLimiter[Kind]):
    """For an ``ExtBot``, whose calls carry their kind as ``rate_limit_args``; without one they are answers.

    A call whose chat takes nothing now raises ChatBusy, without having been made: progress is dropped, and what has to
    arrive is repeated by those who have stored it. Only for its turn among the calls to all chats, a matter of
    seconds, a call waits here, results before answers; progress does not. Before that it waits for one of the
    ``AT_ONCE`` places of its sort: what stood there in its turn already would keep all other sorts waiting. A 429 rests
    its chat and is raised like any other error. ``limited`` is told the method of each.
    """

    def __init__(self, budgets: Budgets, limited: Callable[[str], None] = lambda method: None) -> None:
        self._budgets, self._limited = budgets, limited
        self._turns = asyncio.Lock()
        self._has_ended = asyncio.Event()
        self._uploads, self._others = _Line(), _Line()

    async def initialize(self) -> None:
        """There is nothing to open."""

    async def shutdown(self) -> None:
        """Nor to close."""

    async def process_request(  # noqa: PLR0917  # the library's signature
        self,
        callback: Callable[..., Coroutine[Any, Any, _Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Kind | None,
    ) -> _Answer:
        """Raises ChatBusy, and TelegramError as the call does."""
        cost = cost_of(endpoint, data)
        line = self._uploads if endpoint in _UPLOADS else self._others
        try:
            if not cost:
                async with line.places:
                    return await callback(*args, **kwargs)
            return await self._counted(
                data["chat_id"], rate_limit_args or Kind.ANSWER, cost, line, lambda: callback(*args, **kwargs)
            )
        except RetryAfter as error:
            log.warning("Telegram answers 429", method=endpoint, wait=seconds_of(error))
            self._limited(endpoint)
            raise

    async def _counted(
        self,
        chat: int,
        kind: Kind,
        cost: int,
        line: _Line,
        call: Callable[[], Coroutine[Any, Any, _Answer]],
    ) -> _Answer:
        self._check(chat, kind, cost)
        self._budgets.begin(chat, cost)  # its chat's room is its own while it waits
        is_written = False
        try:
            async with contextlib.AsyncExitStack() as held:
                await self._turn(chat, kind, cost, line, held)
                try:
                    if kind is Kind.PROGRESS:
                        await held.enter_async_context(line.places)
                    is_written = True
                    return await call()
                except RetryAfter as error:
                    self._budgets.pause(chat, seconds_of(error))
                    is_written = False
                    raise
                except _REFUSED:
                    is_written = False
                    raise
                finally:
                    self._budgets.overall.end(cost, written=is_written)
                    self._has_ended.set()
        finally:
            self._budgets.end(chat, cost, written=is_written)

    def _check(self, chat: int, kind: Kind, cost: int) -> None:
        wait = self._budgets.wait(chat, kind, cost)
        if wait > 0:
            raise ChatBusy(wait, "the chat's budget is used up")

    async def _turn(self, chat: int, kind: Kind, cost: int, line: _Line, held: contextlib.AsyncExitStack) -> None:
        """Until the call fits among those of its ``line`` (``held`` from then on) and those to all chats.
        Raises ChatBusy where it is not worth the wait; progress is counted first and then stands in its line."""
        overall = self._budgets.overall
        if kind is Kind.PROGRESS:
            wait = SECONDS if self._turns.locked() else overall.wait(cost)
            if wait > 0:
                raise ChatBusy(wait, "all chats together are at their limit")
        else:
            # Of the answers one at a time stands among the results.
            async with line.answers if kind is Kind.ANSWER else contextlib.nullcontext():
                await held.enter_async_context(line.places)
                async with self._turns:
                    await self._fits(cost)
            if (wait := self._budgets.paused(chat)) > 0:
                raise ChatBusy(wait, "flood control, since it waits for its turn")
        overall.begin(cost)

    async def _fits(self, cost: int) -> None:
        while (wait := self._budgets.overall.wait(cost)) > 0:
            self._has_ended.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._has_ended.wait()
