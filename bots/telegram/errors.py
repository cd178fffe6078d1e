"""The doorway for ``telegram.error``: everything it can raise becomes a DeliveryError or is known for what it is.

Descriptions are those of the Bot API server (tdlib/telegram-bot-api ``Client.cpp``); they are its only way to tell
one 400 from another, so they are compared here and nowhere else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from core.errors import ChatBusy, ChatGone, DeliveryError, SettingsError

#: Seconds until another try after a lost connection or a server error: Telegram is rarely away for longer.
AFTER_NETWORK = 5.0
#: Seconds until another try when the operator has to act first (token, second instance, an old local server).
AFTER_SETUP = 60.0

_THREAD_GONE = ("message thread not found", "topic_deleted")
_THREAD_CLOSED = ("topic_closed", "topic_id_invalid")
_REPLY_GONE = ("message to be replied not found", "replied message not found", "reply message not found")
_EDIT_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_PICTURE_REFUSED = (
    "photo_invalid_dimensions",
    "image_process_failed",
    "photo_save_file_invalid",
    "photo_ext_invalid",
    "photo_invalid",
    "not enough rights to send photos",
    "not enough rights to send videos",
    "chat_send_photos_forbidden",
    "chat_send_videos_forbidden",
)
#: What a refusal that is not about the picture speaks of: the chat, its topics, what is answered, somebody's rights.
_NOT_THE_PICTURE = ("chat", "channel", "peer", "user", "topic", "thread", "repl", "rights")


def opt_in_to_timedeltas() -> None:
    """Without it the library warns at every 429 that ``retry_after`` will be a timedelta some day."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram wants to be left alone."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def _says(error: TelegramError, phrases: tuple[str, ...]) -> bool:
    text = error.message.lower()
    return any(phrase in text for phrase in phrases)


def is_thread_gone(error: BadRequest) -> bool:
    """The topic is no more (or topics were switched off): what replies may still find its way."""
    return _says(error, _THREAD_GONE)


def is_thread_closed(error: BadRequest) -> bool:
    """The topic takes nothing, not even replies."""
    return _says(error, _THREAD_CLOSED)


def is_reply_gone(error: BadRequest) -> bool:
    return _says(error, _REPLY_GONE)


def is_edit_gone(error: TelegramError) -> bool:
    """The message to be edited is no more, or no longer ours to edit."""
    return isinstance(error, BadRequest) and _says(error, _EDIT_GONE)


def is_unchanged(error: TelegramError) -> bool:
    """An edit that would change nothing: as good as done."""
    return isinstance(error, BadRequest) and _says(error, ("message is not modified",))


def is_file_too_big(error: TelegramError) -> bool:
    """getFile of more than 20 MB; an upload that is too large (HTTP 413, which the library calls a NetworkError)."""
    return isinstance(error, NetworkError) and _says(error, ("file is too big", "request entity too large"))


def is_picture_refused(error: TelegramError) -> bool:
    """Not as a photo or a video; as a file it may go. A refusal in unknown words counts: one more call is less than a
    picture."""
    if not isinstance(error, BadRequest):
        return is_file_too_big(error)
    return _says(error, _PICTURE_REFUSED) or not _says(error, _NOT_THE_PICTURE)


def is_unauthorized(error: InvalidToken) -> bool:
    """The token itself is refused (401). The library makes the same error of any 404, which a proxy or a server that
    is being restarted answers too."""
    return error.message.lower().startswith("unauthorized")


def delivery_error(error: TelegramError) -> DeliveryError:
    """What a failed call means for the chat. Total: a test walks ``telegram.error``."""
    match error:
        case RetryAfter():
            return ChatBusy(seconds_of(error), "flood control")
        case ChatMigrated():
            return ChatBusy(AFTER_NETWORK, "the group became a supergroup")
        case BadRequest() | Forbidden():
            # It has been understood and refused; sent again as it is, it would be refused again.
            return ChatGone(error.message)
        case NetworkError() if is_file_too_big(error):
            return ChatGone(error.message)
        case NetworkError():
            return ChatBusy(AFTER_NETWORK, error.message)
        case InvalidToken() | Conflict() | EndPointNotFound():
            return ChatBusy(AFTER_SETUP, type(error).__name__)
        case _:
            return ChatBusy(AFTER_NETWORK, type(error).__name__)


@contextmanager
def translated() -> Iterator[None]:
    """Raises DeliveryError where the library raises TelegramError."""
    try:
        yield
    except TelegramError as error:
        raise delivery_error(error) from error


def refused_token() -> SettingsError:
    """What ``InvalidToken`` means as long as no call has worked, and a 401 at any time."""
    return SettingsError("TELEGRAM_BOT_TOKEN", "Telegram refuses it; copy it again from @BotFather")
