"""Words back to people: hints, refusals, answers to commands. Sent in the background: nothing waits for them."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog
from telegram import CallbackQuery, ForceReply, Message, MessageEntity
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bots import texts
from bots.telegram.budgets import Kind
from bots.telegram.errors import delivery_error
from bots.telegram.places import Place, Where
from bots.telegram.sending import Write, send
from bots.telegram.style import CAPTION_LIMIT, NOTICE_LIMIT, TEXT_LIMIT
from core.errors import ChatBusy, DeliveryError
from core.types import FrontFile

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Tries to send an answer while the chat is busy, and the longest pause between two, in seconds: after that, nobody
#: is waiting for it any more.
TRIES = 4
LONGEST_PAUSE = 60.0


class Answers:
    """Starts answers and sees them through; what fails is logged."""

    def __init__(self, bot: ExtBot[Kind]) -> None:
        self._bot = bot
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, what: str, job: Coroutine[Any, Any, object]) -> None:
        """Do ``job`` in the background."""
        task = asyncio.create_task(self._logged(what, job), name=f"telegram {what}")
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def finish(self, within: float) -> None:
        """Let what was started come to its end, for at most ``within`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._jobs:  # what comes to its end may have started more
                    await asyncio.wait(self._jobs)
        left = list(self._jobs)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            log.warning("answers were not sent", count=len(left))

    def say(self, place: Place, text: str) -> None:
        """Answer with words, in as many messages as they need."""
        self.start("answer", self._say(place, text))

    def notice(self, query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a pressed button, which spins until then."""
        shown = None if text is None else texts.cut(text, NOTICE_LIMIT)
        self.start("notice", self._notice(query.id, shown, alert=alert))

    async def ask(self, place: Place, text: str, form: ForceReply, entities: Sequence[MessageEntity]) -> Message:
        """Ask for words. Raises DeliveryError."""

        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, entities=entities, reply_markup=form, **where)

        return await self.patiently(place, write)

    async def ask_about(self, place: Place, picture: FrontFile, text: str, form: ForceReply) -> Message:
        """Ask for words under the picture itself: the answer to it carries the picture, even after a restart.
        Raises DeliveryError."""
        file_id, caption = picture.data["file_id"], texts.cut(text, CAPTION_LIMIT)

        async def write(where: Where) -> Message:
            if picture.data["photo"]:
                return await self._bot.send_photo(photo=file_id, caption=caption, reply_markup=form, **where)
            return await self._bot.send_document(document=file_id, caption=caption, reply_markup=form, **where)

        return await self.patiently(place, write)

    async def patiently(self, place: Place, write: Write[Message], kind: Kind = Kind.ANSWER) -> Message:
        """Send, waiting while the chat is busy. Raises DeliveryError."""
        for left in range(TRIES - 1, -1, -1):
            try:
                return await send(place, write, kind)
            except (TelegramError, ChatBusy) as error:
                trouble = delivery_error(error) if isinstance(error, TelegramError) else error
                if not isinstance(trouble, ChatBusy) or not left or trouble.retry_after > LONGEST_PAUSE:
                    raise trouble from None
                await asyncio.sleep(trouble.retry_after)
        raise AssertionError("the last try returns or raises")

    async def _say(self, place: Place, text: str) -> None:
        for page in texts.pages(text, TEXT_LIMIT):

            async def write(where: Where, page: str = page) -> Message:
                return await self._bot.send_message(text=page, **where)

            await self.patiently(place, write)

    async def _notice(self, query_id: str, text: str | None, *, alert: bool) -> None:
        await self._bot.answer_callback_query(query_id, text=text, show_alert=alert)

    async def _logged(self, what: str, job: Coroutine[Any, Any, object]) -> None:
        try:
            await job
        except TelegramError as error:
            log.warning("could not be sent", what=what, reason=delivery_error(error).params["reason"])
        except DeliveryError as error:
            log.warning("could not be sent", what=what, reason=error.params["reason"])
        except Exception:
            log.exception("an answer failed", what=what)
