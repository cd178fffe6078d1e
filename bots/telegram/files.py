"""Pictures in Telegram messages: which one a message has, and its bytes.

The download link of a file has the bot's token in it: it never leaves this module.
"""

import mimetypes

from telegram import Bot, ExternalReplyInfo, File, Message, PhotoSize
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bots.telegram.errors import delivery_error, is_file_too_big
from bots.telegram.photos import MEGABYTE
from bots.telegram.places import NAME
from core.errors import ChatBusy, ImageGone, ImageTooLarge
from core.types import FrontFile

#: core.telegram.org/bots/api#getfile: 20 MB, which tdlib/telegram-bot-api reads as 20 << 20.
DOWNLOAD_LIMIT = 20 << 20


def picture_of(message: Message | ExternalReplyInfo) -> FrontFile | None:
    """The picture a message shows: a photo in its largest size, or a file that is an image."""
    if message.photo:
        largest: PhotoSize = max(message.photo, key=lambda size: size.width * size.height)
        return _front_file(largest.file_id, largest.file_size, is_photo=True)
    document = message.document
    if document is None or message.animation is not None:
        return None
    mime = document.mime_type or mimetypes.guess_type(document.file_name or "")[0] or ""
    return _front_file(document.file_id, document.file_size, is_photo=False) if mime.startswith("image/") else None


def is_video(message: Message) -> bool:
    """Whether a message shows a video, be it as a file."""
    document = message.document
    return message.video is not None or (document is not None and (document.mime_type or "").startswith("video/"))


def _front_file(file_id: str, size: int | None, *, is_photo: bool) -> FrontFile:
    return FrontFile(NAME, {"file_id": file_id, "size": size, "photo": is_photo})


async def fetch(bot: Bot, file: FrontFile, *, limit: int) -> bytes:
    """The bytes of a picture, at most ``limit``. Raises ImageGone, ImageTooLarge, ChatBusy."""
    if (file.data.get("size") or 0) > limit:
        raise _too_large(limit)
    try:
        found = await bot.get_file(file.data["file_id"])
    except TelegramError as error:
        if is_file_too_big(error):
            raise _too_large(min(limit, DOWNLOAD_LIMIT)) from None
        raise _not_had(error) from None
    if (found.file_size or 0) > limit:
        raise _too_large(limit)
    data = await _download(found)
    if len(data) > limit:
        raise _too_large(limit)
    return data


async def _download(found: File) -> bytes:
    try:
        return bytes(await found.download_as_bytearray())
    except InvalidToken:
        # A link answers 404 once it has expired, which the library takes for a word about the token.
        raise ImageGone from None
    except TelegramError as error:
        raise _not_had(error) from None


def _not_had(error: TelegramError) -> ImageGone | ChatBusy:
    if isinstance(error, (BadRequest, Forbidden)) and "temporarily unavailable" not in error.message.lower():
        return ImageGone()
    later = delivery_error(error)
    return later if isinstance(later, ChatBusy) else ChatBusy(5.0, "the file is temporarily unavailable")


def _too_large(limit: int) -> ImageTooLarge:
    return ImageTooLarge(limit_mb=limit // MEGABYTE)
