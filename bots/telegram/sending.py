"""One way to write into a chat: past what people have deleted meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from telegram.error import BadRequest, ChatMigrated

from bots.telegram.budgets import Kind
from bots.telegram.errors import is_reply_gone, is_thread_closed, is_thread_gone
from bots.telegram.places import Place, Where
from core.errors import ChatBusy

Sent = TypeVar("Sent")
Write = Callable[[Where], Awaitable[Sent]]

#: A topic, a reply target and a chat id can each turn out to be gone once.
_TRIES = 4


async def send(place: Place, write: Write[Sent], kind: Kind) -> Sent:
    """Call ``write`` with where to send. What is answered or the topic being gone, it is sent without.

    Raises TelegramError as the library does, and ChatBusy where the bot's ``Limiter`` does.
    """
    for _ in range(_TRIES):
        try:
            return await write(place.where(kind))
        except BadRequest as error:
            narrowed = _narrowed(place, error)
            if narrowed == place:
                raise
            place = narrowed
        except ChatMigrated as error:
            # Its messages have new numbers there, which nobody tells.
            place = Place(error.new_chat_id)
    raise ChatBusy(1.0, "the chat keeps changing")


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
