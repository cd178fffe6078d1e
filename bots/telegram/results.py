"""The last word of a task: its pictures as photos or files, with caption and buttons, or why there are none."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from core.client import Client
from core.errors import ChatBusy, DeliveryError
from core.types import PostedMessage, View
from telegram import Bot, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto, Message
from telegram.error import TelegramError

from bots import texts
from bots.telegram.answers import Answers
from bots.telegram.errors import is_picture_refused
from bots.telegram.keyboards import keyboard
from bots.telegram.photos import Shown
from bots.telegram.places import NAME, Place, Where, key
from bots.telegram.sending import Sender
from bots.telegram.style import CAPTION_LIMIT, style
from bots.words import Words

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: core.telegram.org/bots/api#sendmediagroup
ALBUM_LIMIT = 10
#: core.telegram.org/bots/api#senddocument: 50 MB.
FILE_BYTES = 50_000_000


@dataclass(frozen=True)
class _Words:
    """What goes with the pictures of one task."""

    view: View
    caption: str
    buttons: InlineKeyboardMarkup | None


class Results:
    """Posts results. Raises TelegramError, ChatBusy."""

    def __init__(self, bot: Bot, client: Client, words: Words, sender: Sender, answers: Answers) -> None:
        self._bot, self._client, self._words = bot, client, words
        self._sender, self._answers = sender, answers

    async def post(self, place: Place, view: View, pictures: Sequence[Shown]) -> list[PostedMessage]:
        """Answer with the pictures (at least one); the messages that carry them."""
        shown = style(self._words, view.locale)
        caption = texts.caption(self._words, view, shown, limit=CAPTION_LIMIT, length=texts.utf16_length)
        said = _Words(view, caption, keyboard(self._words, view, pictures=len(pictures)))
        if len(pictures) == 1:
            return await self._single(place, said, pictures[0])
        return await self._albums(place, said, pictures)

    async def _single(self, place: Place, said: _Words, shown: Shown) -> list[PostedMessage]:
        message = None
        if shown.photo is not None:
            try:
                message = await self._photo(place, said, shown.photo, shown.picture.filename)
            except TelegramError as error:
                if not is_picture_refused(error):
                    raise
                log.info("not taken as a photo, sent as a file", task=said.view.task_id, reason=error.message)
        if message is None:
            message = await self._file(place, said, shown)
        posted = [_posted(message, said.view, shown.picture.index)]
        if shown.is_smaller and message.photo:
            posted += await self._originals(place.answering(message.message_id), said.view, [shown])
        return posted

    async def _photo(self, place: Place, said: _Words, photo: bytes, filename: str) -> Message:
        async def write(where: Where) -> Message:
            return await self._bot.send_photo(
                photo=photo, filename=filename, caption=said.caption, reply_markup=said.buttons, **where
            )

        return await self._sender.send(place, write)

    async def _file(self, place: Place, said: _Words, shown: Shown) -> Message:
        async def write(where: Where) -> Message:
            return await self._bot.send_document(
                document=shown.picture.data,
                filename=shown.picture.filename,
                caption=said.caption,
                reply_markup=said.buttons,
                disable_content_type_detection=True,
                **where,
            )

        return await self._sender.send(place, write)

    # -- several ----------------------------------------------------------------------------------------------------

    async def _albums(self, place: Place, said: _Words, pictures: Sequence[Shown]) -> list[PostedMessage]:
        posted: list[PostedMessage] = []
        caption = said.caption
        for part in _parts(pictures):
            messages = await self._album(place, part, caption)
            caption = ""
            posted += [
                _posted(message, said.view, shown.picture.index)
                for message, shown in zip(messages, part, strict=True)
            ]
            smaller = [shown for shown, message in zip(part, messages, strict=True) if shown.is_smaller and message.photo]
            posted += await self._originals(place.answering(messages[0].message_id), said.view, smaller)
            first = first or messages[0].message_id
        await self._buttons_below(place, said)
        return posted

    async def _album(self, place: Place, pictures: Sequence[Shown], caption: str) -> Sequence[Message]:
        if all(shown.photo is not None for shown in pictures):
            try:
                return await self._send_album(place, _photos(pictures, caption), len(pictures))
            except TelegramError as error:
                if not is_picture_refused(error):
                    raise
                log.info("not taken as photos, sent as files", reason=error.message)
        return await self._send_album(place, _files(pictures, caption), len(pictures))
