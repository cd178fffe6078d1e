"""One way to write into a chat: within its budget, and past what people have deleted meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from telegram import Bot, InlineKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, RetryAfter

from bots.telegram.budgets import KEPT_FOR_RESULTS, Budgets
from bots.telegram.errors import is_reply_gone, is_thread_closed, is_thread_gone, seconds_of
from bots.telegram.places import Place, Where
from core.errors import ChatBusy

Sent = TypeVar("Sent")
Write = Callable[[Where], Awaitable[Sent]]

#: A topic, a reply target and a chat id can each turn out to be gone once.
_TRIES = 4


class Sender:
    """Sends and edits. Raises TelegramError as the library does, and ChatBusy, without a call, when over budget."""

    def __init__(self, bot: Bot, budgets: Budgets | None = None) -> None:
        self.bot = bot
        self._budgets = budgets or Budgets()

    async def send(self, place: Place, write: Write[Sent], *, cost: int = 1, progress: bool = False) -> Sent:
        """Call ``write`` with where to send. What is answered or the topic being gone, it is sent without.

        ``cost`` is the number of messages it makes; ``progress`` leaves room for results.
        """
        self._check(place.chat, cost, progress=progress)
        for _ in range(_TRIES):
            try:
                sent = await self._counted(place.chat, write(place.where()), cost)
            except BadRequest as error:
                narrowed = _narrowed(place, error)
                if narrowed == place:
                    raise
                place = narrowed
            except ChatMigrated as error:
                # Its messages have new numbers there, which nobody tells.
                place = Place(error.new_chat_id)
            else:
                return sent
        raise ChatBusy(1.0, "the chat keeps changing")

    async def edit(
        self, chat: int, message_id: int, text: str, keyboard: InlineKeyboardMarkup | None, *, progress: bool
    ) -> None:
        """Change a message of ours; without a keyboard the one it had goes."""
        self._check(chat, 1, progress=progress)
        write = self.bot.edit_message_text(text, chat, message_id, reply_markup=keyboard)
        await self._counted(chat, write, 1)

    def _check(self, chat: int, cost: int, *, progress: bool) -> None:
        wait = self._budgets.wait(chat, cost, keep=KEPT_FOR_RESULTS if progress else 0)
        if wait > 0:
            raise ChatBusy(wait, "the chat's budget is used up")

    async def _counted(self, chat: int, write: Awaitable[Sent], cost: int) -> Sent:
        try:
            sent = await write
        except RetryAfter as error:
            self._budgets.pause(chat, seconds_of(error))
            raise
        self._budgets.written(chat, cost)
        return sent


def _narrowed(place: Place, error: BadRequest) -> Place:
    """Where it may go instead; the same place when that is not the trouble."""
    if is_thread_gone(error):
        return replace(place, topic=None)
    if is_thread_closed(error):
        # A reply would go into the closed topic again.
        return replace(place, topic=None, reply_to=None)
    if is_reply_gone(error):
        return replace(place, reply_to=None)
    return place
