"""The last word of a task: its pictures, videos or texts, with caption and buttons."""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from telegram import InlineKeyboardMarkup, Message
from telegram.error import BadRequest, ChatMigrated, TelegramError
from telegram.ext import ExtBot

from bots import texts
from bots.telegram.answers import Answers
from bots.telegram.budgets import Kind
from bots.telegram.errors import is_file_too_big, is_picture_refused, is_unchanged
from bots.telegram.keyboards import keyboard
from bots.telegram.packing import Item, duration, item, parts
from bots.telegram.photos import FILE_BYTES, MEGABYTE, Shown
from bots.telegram.places import NAME, Place, Where, key, split_key
from bots.telegram.sending import Write, send
from bots.telegram.style import CAPTION_LIMIT, TEXT_LIMIT, style
from bots.words import Words
from core.client import Client
from core.errors import ImagineError
from core.types import PostedMessage, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Words:
    """What goes with the results of one task."""

    view: View
    caption: str
    buttons: InlineKeyboardMarkup | None


@dataclass(frozen=True)
class _Carried:
    """A picture that is in the chat."""

    message: PostedMessage
    shown: Shown
    is_photo: bool


@dataclass(frozen=True)
class _Addition:
    """A message that comes after the pictures."""

    place: Place
    write: Write[Message]
    index: int | None  #: the picture it carries


class Results:
    """Posts results. Raises TelegramError, ChatBusy, StoreDown.

    A result that takes several messages is remembered part by part, and a later attempt goes on where the one before
    was stopped: begun anew each time, its first part would take the room that its second waits for.

    Only the pictures are waited for: until it is written down that they are posted, a killed process posts them again.
    What comes after them follows in the background, and a killed process loses it: the originals of pictures shown
    smaller, and the buttons below an album, which is acceptable: answering one of its pictures still edits that.
    """

    def __init__(self, bot: ExtBot[Kind], client: Client, words: Words, answers: Answers) -> None:
        self._bot, self._client, self._words, self._answers = bot, client, words, answers

    async def post(self, place: Place, view: View, pictures: Sequence[Shown], *, attempt: int) -> list[PostedMessage]:
        """Answer with the pictures (at least one); the messages that carry them, as soon as they are there."""
        said = self._said(view, len(pictures))
        fitting = [shown for shown in pictures if shown.fits]
        told = [self._too_large(view, shown) for shown in pictures if not shown.fits]
        if not fitting:
            return [await self._instead(place, said, told)]
        if len(fitting) == 1:
            carried = [_carried(await self._alone(place, fitting[0], said.caption, said.buttons), view, fitting[0])]
        else:
            carried = await self._albums(place, said, fitting, attempt=attempt)
        first = place.answering(_number(carried[0].message))
        photos = [(_number(each.message), each.shown) for each in carried if each.is_photo]
        below = [] if len(fitting) == 1 else [self._addition(first, self._done(view), said.buttons)]
        below += [self._addition(first, text, None) for text in told]
        self._follow(view, [*below, *self._originals(place, view, photos)])
        return [each.message for each in carried]

    async def tell(self, place: Place, view: View, *, attempt: int) -> list[PostedMessage]:
        """Answer with the task's texts; the buttons are below the last of them."""
        pages = self._pages(view)
        *earlier, last = pages
        posted: list[PostedMessage] = []
        if attempt > 1 and earlier:
            known = await self._client.messages_of(NAME, view.task_id)
            # The last page is never among them: a task has it when it is delivered.
            posted = [message for message in known if message.index is None][: len(earlier)]
        for page in earlier[len(posted) :]:
            posted.append(_posted(await self._say(place, page, None), view, None))
            await self._remember(posted[-1:])
        return [*posted, _posted(await self._say(place, last, keyboard(self._words, view)), view, None)]

    async def _remember(self, posted: Sequence[PostedMessage]) -> None:
        """A part of the result is in the chat. What is not stored may be posted once more."""
        try:
            await asyncio.gather(*(self._client.remember(NAME, message) for message in posted))
        except ImagineError as error:
            log.warning("a part of a result is posted but not stored", task=posted[0].task_id, reason=str(error))

    def _pages(self, view: View) -> list[str]:
        return texts.pages(texts.told(self._words, view, style(self._words, view.locale)), TEXT_LIMIT)

    def _said(self, view: View, pictures: int) -> _Words:
        shown = style(self._words, view.locale)
        caption = texts.caption(self._words, view, shown, limit=CAPTION_LIMIT, length=texts.utf16_length)
        return _Words(view, caption, keyboard(self._words, view, pictures=pictures))

    # -- instead of a message that is there ---------------------------------------------------------------------------

    def is_one(self, view: View, pictures: Sequence[Shown]) -> bool:
        """Whether one message can be all of the result."""
        return len(self._pages(view)) == 1 if view.texts else len(pictures) == 1 and pictures[0].fits

    async def turn(
        self, place: Place, message_id: int, view: View, pictures: Sequence[Shown]
    ) -> list[PostedMessage] | None:
        """Make a text message of ours the result, which is one; None where Telegram does not take that.

        Made once more, it changes nothing: so this is the way that a process may be killed on at any moment.
        """
        try:
            if view.texts:
                await self._turn_text(place.chat, message_id, view)
            else:
                await self._turn_media(place.chat, message_id, view, pictures[0])
        except TelegramError as error:
            if is_unchanged(error):
                log.info("the result is there already", task=view.task_id)
            elif isinstance(error, (BadRequest, ChatMigrated)) or is_file_too_big(error):
                log.info("not taken in place of the status, sent anew", task=view.task_id, reason=error.message)
                return None
            else:
                raise
        photos = [(message_id, shown) for shown in pictures if shown.photo is not None]
        self._follow(view, self._originals(place, view, photos))
        index = None if view.texts else pictures[0].picture.index
        return [PostedMessage(key(place.chat, message_id), view.task_id, index)]

    async def _turn_text(self, chat: int, message_id: int, view: View) -> None:
        (text,), buttons = self._pages(view), keyboard(self._words, view)
        await self._bot.edit_message_text(text, chat, message_id, reply_markup=buttons, rate_limit_args=Kind.RESULT)

    async def _turn_media(self, chat: int, message_id: int, view: View, shown: Shown) -> None:
        said = self._said(view, 1)
        media = item(shown, said.caption or None, as_file=False)
        await self._bot.edit_message_media(
            media, chat, message_id, reply_markup=said.buttons, rate_limit_args=Kind.RESULT
        )

    # -- what it is told in -------------------------------------------------------------------------------------------

    async def _instead(self, place: Place, said: _Words, told: Sequence[str]) -> PostedMessage:
        """Nothing of it can be posted: say so, with all that goes with a result."""
        text = texts.cut("\n".join((*told, "", said.caption)), TEXT_LIMIT)
        return _posted(await self._say(place, text, said.buttons), said.view, None)

    async def _say(self, place: Place, text: str, buttons: InlineKeyboardMarkup | None) -> Message:
        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        return await send(place, write, Kind.RESULT)

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
                duration=duration(shown),
                supports_streaming=True,
                caption=caption,
                reply_markup=buttons,
                **where,
            )

        return await send(place, video if shown.is_video else photo, Kind.RESULT)

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

        return await send(place, write, Kind.RESULT)

    # -- several ----------------------------------------------------------------------------------------------------

    async def _albums(self, place: Place, said: _Words, pictures: Sequence[Shown], *, attempt: int) -> list[_Carried]:
        """Albums, which have no buttons."""
        carried = await self._there(said.view, pictures) if attempt > 1 else []
        there = {each.message.index for each in carried}
        left = [shown for shown in pictures if shown.picture.index not in there]
        as_files = not all(shown.has_preview for shown in pictures)
        to_come = deque((part, as_files) for part in parts(left, as_files=as_files))
        while to_come:
            part, as_files = to_come.popleft()
            messages = await self._album(place, part, "" if carried else said.caption, as_files=as_files)
            if messages is None:
                to_come.extendleft((smaller, True) for smaller in reversed(parts(part, as_files=True)))
                continue
            posted = [_carried(message, said.view, shown) for message, shown in zip(messages, part, strict=True)]
            carried += posted
            if to_come:
                await self._remember([each.message for each in posted])
        return sorted(carried, key=lambda each: each.shown.picture.index)

    async def _there(self, view: View, pictures: Sequence[Shown]) -> list[_Carried]:
        """What earlier attempts have posted. As what they are, for all that is known."""
        known: dict[int | None, PostedMessage] = {}
        for message in await self._client.messages_of(NAME, view.task_id):
            known.setdefault(message.index, message)
        found = [(known.get(shown.picture.index), shown) for shown in pictures]
        return [_Carried(message, shown, shown.photo is not None) for message, shown in found if message is not None]

    async def _album(
        self, place: Place, pictures: Sequence[Shown], caption: str, *, as_files: bool
    ) -> Sequence[Message] | None:
        """None where they are not taken as what they are."""
        if len(pictures) == 1:
            return [await self._alone(place, pictures[0], caption, None)]
        try:
            return await self._send_album(place, pictures, caption, as_files=as_files)
        except TelegramError as error:
            if as_files or not is_picture_refused(error):
                raise
            log.info("not taken as what they are, sent as files", reason=error.message)
            return None

    async def _send_album(
        self, place: Place, pictures: Sequence[Shown], caption: str, *, as_files: bool
    ) -> Sequence[Message]:
        def media() -> list[Item]:
            captions = [caption, *[""] * (len(pictures) - 1)]
            return [item(shown, text or None, as_file=as_files) for shown, text in zip(pictures, captions, strict=True)]

        async def write(where: Where) -> Sequence[Message]:
            return await self._bot.send_media_group(media=media(), **where)

        return await send(place, write, Kind.RESULT)

    # -- what comes after the result is there -------------------------------------------------------------------------

    def _done(self, view: View) -> str:
        return texts.status(self._words, view, style(self._words, view.locale), self._client.now())

    def _addition(self, place: Place, text: str, buttons: InlineKeyboardMarkup | None) -> _Addition:
        async def write(where: Where) -> Message:
            return await self._bot.send_message(text=text, reply_markup=buttons, **where)

        return _Addition(place, write, None)

    def _originals(self, place: Place, view: View, photos: Iterable[tuple[int, Shown]]) -> list[_Addition]:
        """The full quality of what could only be shown smaller or without its holes, each in answer to its photo."""
        return [
            self._original(place.answering(message_id), view, shown)
            for message_id, shown in photos
            if shown.is_less and shown.picture.ref.size <= FILE_BYTES
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
                message = await self._answers.patiently(addition.place, addition.write, Kind.RESULT)
                await self._client.remember(NAME, _posted(message, view, addition.index))
            except ImagineError as error:
                log.warning("an addition to a result failed", task=view.task_id, reason=str(error))


def _posted(message: Message, view: View, index: int | None) -> PostedMessage:
    return PostedMessage(key(message.chat_id, message.message_id), view.task_id, index)


def _carried(message: Message, view: View, shown: Shown) -> _Carried:
    return _Carried(_posted(message, view, shown.picture.index), shown, bool(message.photo))


def _number(message: PostedMessage) -> int:
    return split_key(message.key)[1]
