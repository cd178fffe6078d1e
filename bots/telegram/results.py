"""The last word of a task: its pictures as photos or files, with caption and buttons, or why there are none."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from telegram import Bot, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto, Message
from telegram.error import TelegramError

from bots import texts
from bots.telegram.answers import Answers
from bots.telegram.errors import is_picture_refused
from bots.telegram.keyboards import keyboard
from bots.telegram.photos import Shown
from bots.telegram.places import NAME, Place, Where, key
from bots.telegram.sending import Sender, Write
from bots.telegram.style import CAPTION_LIMIT, style
from bots.words import Words
from core.client import Client
from core.errors import ImagineError
from core.types import PostedMessage, View

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


@dataclass(frozen=True)
class _Addition:
    """A message that comes after the pictures."""

    place: Place
    write: Write[Message]
    index: int | None  #: the picture it carries


class Results:
    """Posts results. Raises TelegramError, ChatBusy.

    Only the pictures are waited for: until it is written down that they are posted, a killed process posts them again.
    What comes after them follows in the background, and a killed process loses it: the originals of pictures shown
    smaller, and the buttons below an album, which is acceptable: answering one of its pictures still edits that.
    """

    def __init__(self, bot: Bot, client: Client, words: Words, sender: Sender, answers: Answers) -> None:
        self._bot, self._client, self._words = bot, client, words
        self._sender, self._answers = sender, answers

    async def post(self, place: Place, view: View, pictures: Sequence[Shown]) -> list[PostedMessage]:
        """Answer with the pictures (at least one); the messages that carry them, as soon as they are there."""
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
        self._follow(said.view, self._originals(place, said.view, [(message, shown)]))
        return [_posted(message, said.view, shown.picture.index)]

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
        """Albums, and below them the buttons, which an album cannot have."""
        posted: list[tuple[Message, Shown]] = []
        for part in _parts(pictures):
            messages = await self._album(place, part, "" if posted else said.caption)
            posted += zip(messages, part, strict=True)
        below = self._buttons_below(place.answering(posted[0][0].message_id), said)
        self._follow(said.view, [below, *self._originals(place, said.view, posted)])
        return [_posted(message, said.view, shown.picture.index) for message, shown in posted]

    async def _album(self, place: Place, pictures: Sequence[Shown], caption: str) -> Sequence[Message]:
        if all(shown.photo is not None for shown in pictures):
            try:
                return await self._send_album(place, pictures, caption, as_files=False)
            except TelegramError as error:
                if not is_picture_refused(error):
                    raise
                log.info("not taken as photos, sent as files", reason=error.message)
        return await self._send_album(place, pictures, caption, as_files=True)

    async def _send_album(
        self, place: Place, pictures: Sequence[Shown], caption: str, *, as_files: bool
    ) -> Sequence[Message]:
        def media() -> list[InputMediaPhoto | InputMediaDocument]:
            captions = [caption, *[""] * (len(pictures) - 1)]
            return [
                InputMediaDocument(shown.picture.data, caption=text or None, filename=shown.picture.filename)
                if as_files or shown.photo is None
                else InputMediaPhoto(shown.photo, caption=text or None, filename=shown.picture.filename)
                for shown, text in zip(pictures, captions, strict=True)
            ]

        async def write(where: Where) -> Sequence[Message]:
            return await self._bot.send_media_group(media=media(), **where)

        return await self._sender.send(place, write, cost=len(pictures))

    def _buttons_below(self, place: Place, said: _Words) -> _Addition:
        shown = style(self._words, said.view.locale)
        text = texts.status(self._words, said.view, shown, self._client.now())

        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=said.buttons, **where)

        return _Addition(place, write, None)

    # -- what comes after the result is there -------------------------------------------------------------------------

    def _originals(self, place: Place, view: View, posted: Iterable[tuple[Message, Shown]]) -> list[_Addition]:
        """The full quality of what could only be shown smaller, each in answer to its photo."""
        return [
            self._original(place.answering(message.message_id), view, shown)
            for message, shown in posted
            if shown.is_smaller and message.photo and shown.picture.ref.size <= FILE_BYTES
        ]

    def _original(self, place: Place, view: View, shown: Shown) -> _Addition:
        async def write(where: Where) -> Message:
            return await self._bot.send_document(
                document=shown.picture.data,
                filename=shown.picture.filename,
                caption=self._words.say(view.locale, "delivery.original"),
                disable_content_type_detection=True,
                disable_notification=True,
                **where,
            )

        return _Addition(place, write, shown.picture.index)

    def _follow(self, view: View, additions: Sequence[_Addition]) -> None:
        if additions:
            self._answers.start("additions", self._add(view, additions))

    async def _add(self, view: View, additions: Sequence[_Addition]) -> None:
        """One after the other, so that they stay in their order; one that fails does not keep back the next."""
        for addition in additions:
            try:
                message = await self._answers.patiently(addition.place, addition.write)
                await self._client.remember(NAME, _posted(message, view, addition.index))
            except ImagineError as error:
                log.warning("an addition to a result failed", task=view.task_id, reason=str(error))


def _posted(message: Message, view: View, index: int | None) -> PostedMessage:
    return PostedMessage(key(message.chat_id, message.message_id), view.task_id, index)


def _parts(pictures: Sequence[Shown]) -> list[Sequence[Shown]]:
    """As few albums as will do, of about the same size: an album of one is refused."""
    size = math.ceil(len(pictures) / math.ceil(len(pictures) / ALBUM_LIMIT))
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]
