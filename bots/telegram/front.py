"""Telegram as the core sees it: shows progress, hands results over, fetches pictures, and listens."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog
from telegram import Bot, Message
from telegram import User as BotUser
from telegram.error import ChatMigrated, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bots import texts
from bots.telegram import commands, files
from bots.telegram.answers import Answers
from bots.telegram.errors import (
    delivery_error,
    is_edit_gone,
    is_unchanged,
    opt_in_to_timedeltas,
    refused_token,
    translated,
)
from bots.telegram.intake import Intake
from bots.telegram.keyboards import keyboard
from bots.telegram.meaning import Me
from bots.telegram.photos import shown
from bots.telegram.places import NAME, Where, place
from bots.telegram.polling import BACKOFF, Polling
from bots.telegram.results import Results
from bots.telegram.secrecy import keep_tokens_out_of_logs, without_tokens
from bots.telegram.sending import Sender
from bots.telegram.style import style
from bots.words import Words
from core.admin import Admin
from core.client import Client
from core.types import Address, FrontFile, Operation, Picture, Receipt, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Seconds the answers still under way get when we stop; the whole stop may take 5 where nothing paid is out.
LAST_ANSWERS = 2.5


class TelegramFront:
    """A :class:`core.ports.Front`. ``api_url`` is without a path, such as ``https://api.telegram.org``.

    Posting works from the start until :meth:`close`, which lets out what is under way; :meth:`run` only listens.
    """

    name = NAME
    #: Of the 20 messages a minute in a group (see ``budgets``), one task's status takes 12 at most.
    pace = 5.0

    def __init__(self, token: str, *, client: Client, words: Words, api_url: str, admin: Admin | None = None) -> None:
        keep_tokens_out_of_logs()
        opt_in_to_timedeltas()
        self._client, self._words, self._admin = client, words, admin
        # Uploads of tens of megabytes on a slow line take minutes; every other answer comes within seconds.
        self._calling = HTTPXRequest(
            connection_pool_size=64,
            connect_timeout=10.0,
            read_timeout=30.0,
            write_timeout=30.0,
            pool_timeout=30.0,
            media_write_timeout=300.0,
        )
        # Two: the last confirmation must not wait for a poll that is being given up.
        self._polling = HTTPXRequest(connection_pool_size=2, connect_timeout=10.0, read_timeout=10.0, pool_timeout=5.0)
        base = api_url.rstrip("/")
        self._bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._calling,
            get_updates_request=self._polling,
        )
        self._sender = Sender(self._bot)
        self._answers = Answers(self._bot, self._sender)
        self._results = Results(self._bot, client, words, self._sender, self._answers)

    # -- what the core calls ----------------------------------------------------------------------------------------

    async def show(self, address: Address, view: View) -> Address:
        """Post the status message, or change it. Raises ChatGone, ChatBusy."""
        status = address.data.get("status")
        if address.data.get("status_gone"):
            return address
        text = texts.status(self._words, view, style(self._words, view.locale), self._client.now())
        buttons = keyboard(self._words, view)
        if status is None:

            async def write(where: Where) -> Message:
                return await self._bot.send_message(text=text, reply_markup=buttons, disable_notification=True, **where)

            with translated():
                message = await self._sender.send(place(address), write, progress=True)
            if message.chat_id != address.data["chat"]:  # a supergroup now, where the request has another number
                address = _with(address, chat=message.chat_id, topic=None, request=None)
            return _with(address, status=message.message_id)
        try:
            await self._sender.edit(address.data["chat"], status, text, buttons, progress=True)
        except TelegramError as error:
            if is_edit_gone(error) or isinstance(error, ChatMigrated):
                # Somebody has deleted it, and so does not want to see it; the result comes all the same.
                return _with(address, status_gone=True)
            if not is_unchanged(error):
                raise delivery_error(error) from error
        return address

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        """Post the results in reply to the request, or turn the status message into why there are none.

        Returns as soon as the results are posted; what comes after them follows until :meth:`close`. A first attempt
        that reached the chat without our knowing is repeated: Telegram has nothing to recognise it by.
        Raises ChatGone, ChatBusy.
        """
        if attempt > 1:
            log.warning("handing over once more; the chat may see it twice", task=view.task_id)
        if not pictures and not view.texts:
            with translated():
                await self._say_why(address, view)
            return Receipt()
        has_holes = view.request.operation is Operation.CUTOUT
        prepared = [] if view.texts else [await shown(picture, has_holes=has_holes) for picture in pictures]
        with translated():
            if view.texts:
                posted = await self._results.tell(place(address), view)
            else:
                posted = await self._results.post(place(address), view, prepared)
        # In the background: until the receipt is stored, a killed process would post the pictures again.
        self._answers.start("removal of the status", self._remove_status(address))
        return Receipt(tuple(posted))

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        """A picture out of the chat. Raises ImageGone, ImageTooLarge, ChatBusy."""
        return await files.fetch(self._bot, file, limit=limit)

    async def _say_why(self, address: Address, view: View) -> None:
        plain = style(self._words, view.locale)
        text, buttons = texts.status(self._words, view, plain, self._client.now()), keyboard(self._words, view)
        status = address.data.get("status")
        if status is not None and not address.data.get("status_gone"):
            try:
                await self._sender.edit(address.data["chat"], status, text, buttons, progress=False)
            except TelegramError as error:
                if is_unchanged(error):
                    return
                if not is_edit_gone(error) and not isinstance(error, ChatMigrated):
                    raise
            else:
                return

        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        await self._sender.send(place(address), write)

    async def _remove_status(self, address: Address) -> None:
        status = address.data.get("status")
        if status is None or address.data.get("status_gone"):
            return
        try:
            await self._bot.delete_message(address.data["chat"], status)
        except TelegramError as error:
            log.info("the status message stays", reason=type(error).__name__)

    # -- listening --------------------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``, then take nothing new. Raises SettingsError for a token that is refused."""
        me = await self._introduced(stopping)
        if me is None:
            return
        who = Me(me.id, me.username or "", reads_all=bool(me.can_read_all_group_messages))
        log.info("listening", bot=f"@{who.username}", privacy_mode=not who.reads_all)
        publishing = commands.publish(self._bot, self._words, self._client.operations())
        self._answers.start("list of commands", publishing)
        intake = Intake(self._bot, self._client, self._words, self._answers, who, admin=self._admin)
        await Polling(self._bot, intake.take).run(stopping)

    async def _introduced(self, stopping: asyncio.Event) -> BotUser | None:
        """Who we are, as soon as Telegram can be reached; None when we are to stop before."""
        pause = BACKOFF[0]
        while not stopping.is_set():
            try:
                return await self._bot.get_me()
            except InvalidToken:
                raise refused_token() from None
            except TelegramError as error:
                log.warning("Telegram does not answer", again_in=pause, reason=without_tokens(error.message))
            try:
                async with asyncio.timeout(pause):
                    await stopping.wait()
            except TimeoutError:
                pause = min(pause * 2, BACKOFF[1])
        return None

    async def close(self) -> None:
        """Let the last answers out and close the connections."""
        await self._answers.finish(LAST_ANSWERS)
        await asyncio.gather(self._calling.shutdown(), self._polling.shutdown())


def _with(address: Address, **changes: object) -> Address:
    return replace(address, data={**address.data, **changes})
