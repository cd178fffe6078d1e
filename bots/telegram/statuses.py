"""A task's one status message: posted, changed, and in the end turned into the result, or removed."""

from dataclasses import replace

import structlog
from telegram import InlineKeyboardMarkup, Message
from telegram.error import ChatMigrated, TelegramError
from telegram.ext import ExtBot

from bots import texts
from bots.telegram.answers import Answers
from bots.telegram.budgets import Kind
from bots.telegram.errors import delivery_error, is_edit_gone, is_unchanged, translated
from bots.telegram.keyboards import keyboard
from bots.telegram.places import NAME, Where, key, place
from bots.telegram.sending import send
from bots.telegram.style import style
from bots.words import Words
from core.client import Client
from core.types import Address, PostedMessage, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds after its posting in which a status is still looked at. An edit notifies nobody, so what comes later is a
#: message of its own.
YOUNG = 30.0
#: Tasks whose edit is known not to have been made; what is forgotten of more is taken for made.
UNTURNED = 10_000


class Statuses:
    """In the address: ``status``, its number; ``status_at``, Unix seconds; ``status_gone`` when it was deleted."""

    def __init__(self, bot: ExtBot[Kind], client: Client, words: Words, answers: Answers) -> None:
        self._bot, self._client, self._words, self._answers = bot, client, words, answers
        self._unturned: dict[str, int] = {}  # the last attempt of which that is known, by task

    async def show(self, address: Address, view: View) -> Address:
        """Post it, or change it. Raises ChatGone, ChatBusy."""
        if address.data.get("status_gone"):
            return address
        text, buttons = self._said(view)
        status = address.data.get("status")
        if status is None:

            async def write(where: Where) -> Message:
                return await self._bot.send_message(text=text, reply_markup=buttons, disable_notification=True, **where)

            with translated():
                message = await send(place(address), write, Kind.PROGRESS)
            if message.chat_id != address.data["chat"]:  # a supergroup now, where the request has another number
                address = _with(address, chat=message.chat_id, topic=None, request=None)
            return _with(address, status=message.message_id, status_at=self._now())
        try:
            await self._bot.edit_message_text(
                text, address.data["chat"], status, reply_markup=buttons, rate_limit_args=Kind.PROGRESS
            )
        except TelegramError as error:
            if is_edit_gone(error) or isinstance(error, ChatMigrated):
                # Somebody has deleted it, and so does not want to see it; the result comes all the same.
                return _with(address, status_gone=True)
            if not is_unchanged(error):
                raise delivery_error(error) from error
        return address

    async def say_why(self, address: Address, view: View) -> None:
        """Why there is no result, in it or in a message of its own. Raises TelegramError, ChatBusy."""
        text, buttons = self._said(view)
        status = _there(address)
        if status is not None:
            try:
                await self._bot.edit_message_text(
                    text, address.data["chat"], status, reply_markup=buttons, rate_limit_args=Kind.RESULT
                )
            except TelegramError as error:
                if is_unchanged(error):
                    return
                if not is_edit_gone(error) and not isinstance(error, ChatMigrated):
                    raise
            else:
                return

        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        await send(place(address), write, Kind.RESULT)

    async def to_turn(self, address: Address, view: View, *, attempt: int) -> int | None:
        """The message to turn into the result; None where the result is to be a message of its own.

        Later attempts go the way of the first that may have reached the chat: an edit can be repeated, and after a
        message of its own an edit would show the result twice. That one was sent is written down before, by
        :meth:`leave`; that no edit was made, only this process knows (:meth:`unturned`). Raises StoreDown.
        """
        is_first = self._is_first(view, attempt)
        status, posted_at = _there(address), address.data.get("status_at")
        if status is None or posted_at is None:
            return None
        if not is_first:
            was_left = await self._client.posted(NAME, key(address.data["chat"], status)) is not None
            return None if was_left else int(status)
        if 0 <= self._now() - posted_at <= YOUNG:
            return int(status)
        await self.leave(address, view)
        return None

    def unturned(self, view: View, *, attempt: int) -> None:
        """No edit was made in this attempt."""
        if not self._is_first(view, attempt):
            return
        self._unturned[view.task_id] = attempt
        if len(self._unturned) > UNTURNED:
            del self._unturned[next(iter(self._unturned))]

    def _is_first(self, view: View, attempt: int) -> bool:
        """Whether no attempt before it can have made an edit."""
        return attempt == 1 or self._unturned.get(view.task_id) == attempt - 1

    async def leave(self, address: Address, view: View) -> None:
        """Before the result is sent anew: the status is the task's as any other message, until it is removed.
        Raises StoreDown."""
        kept = key(address.data["chat"], address.data["status"])
        await self._client.remember(NAME, PostedMessage(kept, view.task_id, None))

    def remove(self, address: Address) -> None:
        """In the background: until the receipt is stored, a killed process would post the result again."""
        status = _there(address)
        if status is not None:
            self._answers.start("removal of the status", self._remove(address.data["chat"], status))

    async def _remove(self, chat: int, status: int) -> None:
        try:
            await self._bot.delete_message(chat, status)
        except TelegramError as error:
            log.info("the status message stays", reason=type(error).__name__)

    def _said(self, view: View) -> tuple[str, InlineKeyboardMarkup | None]:
        shown = style(self._words, view.locale)
        return texts.status(self._words, view, shown, self._client.now()), keyboard(self._words, view)

    def _now(self) -> float:
        return self._client.now().timestamp()


def _there(address: Address) -> int | None:
    return None if address.data.get("status_gone") else address.data.get("status")


def _with(address: Address, **changes: object) -> Address:
    return replace(address, data={**address.data, **changes})
