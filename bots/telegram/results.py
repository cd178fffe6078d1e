"""The last word of a task: its pictures, videos or texts, with caption and buttons."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from telegram import Bot, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto, InputMediaVideo, Message
from telegram.error import TelegramError

from bots import texts
from bots.telegram.answers import Answers
from bots.telegram.errors import is_picture_refused
from bots.telegram.keyboards import keyboard
from bots.telegram.photos import FILE_BYTES, MEGABYTE, Shown
from bots.telegram.places import NAME, Place, Where, key
from bots.telegram.sending import Sender, Write
from bots.telegram.style import CAPTION_LIMIT, TEXT_LIMIT, style
from bots.words import Words
from core.client import Client
from core.errors import ImagineError
from core.types import PostedMessage, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: core.telegram.org/bots/api#sendmediagroup
ALBUM_LIMIT = 10


_Item = InputMediaPhoto | InputMediaVideo | InputMediaDocument


@dataclass(frozen=True)
class _Words:
    """What goes with the results of one task."""

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
        fitting = [shown for shown in pictures if shown.fits]
        told = [self._too_large(view, shown) for shown in pictures if not shown.fits]
        if not fitting:
            return [await self._instead(place, said, told)]
        if len(fitting) == 1:
            posted = [(await self._alone(place, fitting[0], said.caption, said.buttons), fitting[0])]
        else:
            posted = await self._albums(place, said, fitting)
        first = place.answering(posted[0][0].message_id)
        below = [] if len(fitting) == 1 else [self._addition(first, self._done(view), said.buttons)]
        below += [self._addition(first, text, None) for text in told]
        self._follow(view, [*below, *self._originals(place, view, posted)])
        return [_posted(message, view, shown.picture.index) for message, shown in posted]

    async def tell(self, place: Place, view: View) -> list[PostedMessage]:
        """Answer with the task's texts; the buttons are below the last of them."""
        pages = texts.pages(texts.told(self._words, view, style(self._words, view.locale)), TEXT_LIMIT)
        buttons = keyboard(self._words, view)
        return [
            _posted(await self._say(place, page, buttons if page is pages[-1] else None), view, None) for page in pages
        ]

    async def _instead(self, place: Place, said: _Words, told: Sequence[str]) -> PostedMessage:
        """Nothing of it can be posted: say so, with all that goes with a result."""
        text = texts.cut("\n".join((*told, "", said.caption)), TEXT_LIMIT)
        return _posted(await self._say(place, text, said.buttons), said.view, None)

    async def _say(self, place: Place, text: str, buttons: InlineKeyboardMarkup | None) -> Message:
        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        return await self._sender.send(place, write)

    def _too_large(self, view: View, shown: Shown) -> str:
        size, limit = math.ceil(shown.picture.ref.size / MEGABYTE), FILE_BYTES // MEGABYTE
        number = self._words.number
        return self._words.say(
            view.locale,
            "delivery.video_too_large",
            size=number(view.locale, size),
            limit=number(view.locale, limit),
        )

    # -- one ----------------------------------------------------------------------------------------------------------

    async def _alone(self, place: Place, shown: Shown, caption: str, buttons: InlineKeyboardMarkup | None) -> Message:
        """One picture or video, as a file where it is not taken as what it is."""
        if shown.has_preview:
            try:
                return await self._preview(place, shown, caption, buttons)
            except TelegramError as error:
                if not is_picture_refused(error):
                    raise
                log.info("not taken as what it is, sent as a file", reason=error.message)
        return await self._file(place, shown, caption, buttons)

    async def _preview(self, place: Place, shown: Shown, caption: str, buttons: InlineKeyboardMarkup | None) -> Message:
        ref, filename = shown.picture.ref, shown.picture.filename

        async def photo(where: Where) -> Message:
            assert shown.photo is not None
            return await self._bot.send_photo(
                photo=shown.photo, filename=filename, caption=caption, reply_markup=buttons, **where
            )

        async def video(where: Where) -> Message:
            return await self._bot.send_video(
                video=shown.picture.data,
                filename=filename,
                width=ref.width,
                height=ref.height,
                duration=_duration(shown),
                supports_streaming=True,
                caption=caption,
                reply_markup=buttons,
                **where,
            )

        return await self._sender.send(place, video if shown.is_video else photo)

    async def _file(self, place: Place, shown: Shown, caption: str, buttons: InlineKeyboardMarkup | None) -> Message:
        async def write(where: Where) -> Message:
            return await self._bot.send_document(
                document=shown.picture.data,
                filename=shown.picture.filename,
                caption=caption,
                reply_markup=buttons,
                disable_content_type_detection=True,
                **where,
            )

        return await self._sender.send(place, write)

    # -- several ----------------------------------------------------------------------------------------------------

    async def _albums(self, place: Place, said: _Words, pictures: Sequence[Shown]) -> list[tuple[Message, Shown]]:
        """Albums, which have no buttons."""
        posted: list[tuple[Message, Shown]] = []
        for part in _parts(pictures):
            messages = await self._album(place, part, "" if posted else said.caption)
            posted += zip(messages, part, strict=True)
        return posted

    async def _album(self, place: Place, pictures: Sequence[Shown], caption: str) -> Sequence[Message]:
        if len(pictures) == 1:
            return [await self._alone(place, pictures[0], caption, None)]
        if all(shown.has_preview for shown in pictures):
            try:
                return await self._send_album(place, pictures, caption, as_files=False)
            except TelegramError as error:
                if not is_picture_refused(error):
                    raise
                log.info("not taken as what they are, sent as files", reason=error.message)
        return await self._send_album(place, pictures, caption, as_files=True)

    async def _send_album(
        self, place: Place, pictures: Sequence[Shown], caption: str, *, as_files: bool
    ) -> Sequence[Message]:
        def media() -> list[_Item]:
            captions = [caption, *[""] * (len(pictures) - 1)]
            return [
                _item(shown, text or None, as_file=as_files) for shown, text in zip(pictures, captions, strict=True)
            ]

        async def write(where: Where) -> Sequence[Message]:
            return await self._bot.send_media_group(media=media(), **where)

        return await self._sender.send(place, write, cost=len(pictures))

    # -- what comes after the result is there -------------------------------------------------------------------------

    def _done(self, view: View) -> str:
        return texts.status(self._words, view, style(self._words, view.locale), self._client.now())

    def _addition(self, place: Place, text: str, buttons: InlineKeyboardMarkup | None) -> _Addition:
        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        return _Addition(place, write, None)

    def _originals(self, place: Place, view: View, posted: Iterable[tuple[Message, Shown]]) -> list[_Addition]:
        """The full quality of what could only be shown smaller or without its holes, each in answer to its photo."""
        return [
            self._original(place.answering(message.message_id), view, shown)
            for message, shown in posted
            if shown.is_less and message.photo and shown.picture.ref.size <= FILE_BYTES
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


def _item(shown: Shown, caption: str | None, *, as_file: bool) -> _Item:
    ref, filename = shown.picture.ref, shown.picture.filename
    if shown.is_video and not as_file:
        return InputMediaVideo(
            shown.picture.data,
            caption=caption,
            width=ref.width,
            height=ref.height,
            duration=_duration(shown),
            supports_streaming=True,
            filename=filename,
        )
    if shown.photo is None or as_file:
        return InputMediaDocument(shown.picture.data, caption=caption, filename=filename)
    return InputMediaPhoto(shown.photo, caption=caption, filename=filename)


def _duration(shown: Shown) -> int | None:
    """Whole seconds, which is all that Telegram takes."""
    seconds = shown.picture.ref.seconds
    return None if seconds is None else math.ceil(seconds)


def _parts(pictures: Sequence[Shown]) -> list[Sequence[Shown]]:
    """As few albums as will do, of about the same size, each small enough for one upload. One alone may be among them:
    an album of one is refused."""
    size = math.ceil(len(pictures) / math.ceil(len(pictures) / ALBUM_LIMIT))
    parts: list[list[Shown]] = []
    room = 0
    for place, shown in enumerate(pictures):
        if place % size == 0 or shown.picture.ref.size > room:
            parts.append([])
            room = FILE_BYTES
        parts[-1].append(shown)
        room -= shown.picture.ref.size
    return [*parts]
