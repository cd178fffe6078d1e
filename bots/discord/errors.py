"""The one doorway from discord.py: whatever a call to Discord fails with is either for good or for now.

Codes: Discord, "Opcodes and Status Codes", JSON error codes.
"""

import contextlib
from collections.abc import Iterator

import aiohttp
import discord

from core.errors import ChatBusy, ChatGone, SettingsError

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015  # also: an interaction that was never acknowledged
UNKNOWN_INTERACTION = 10062
SLOWMODE = 20016
CHANNEL_WRITE_LIMIT = 20028
FILE_TOO_LARGE = 40005
MISSING_ACCESS = 50001
MISSING_PERMISSIONS = 50013
INVALID_WEBHOOK_TOKEN = 50027
THREAD_ARCHIVED = 50083
MESSAGES_OFF = 40004  # "Send messages has been temporarily disabled"
OVERLOADED = 130000  # "API resource is currently overloaded"

#: Gateway close code for a wrong token (opcodes-and-status-codes, "Gateway Close Event Codes").
AUTHENTICATION_FAILED = 4004
REFUSED = "is refused by Discord; copy it anew from the Developer Portal, under Bot → Reset Token"
INTENT_FIX = "switch on Message Content Intent in the Developer Portal, under Bot, or set this to auto"

#: A message that can no longer be edited, and will not be again: nothing is gained by trying, and ten thousand
#: refused calls in ten minutes ban the address (topics/rate-limits, "Invalid Request Limit").
STOP_SHOWING = frozenset({UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, MISSING_ACCESS, MISSING_PERMISSIONS, THREAD_ARCHIVED})
#: The interaction's token serves no more (15 minutes are over, or its answer never arrived).
TOKEN_DEAD = frozenset({UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_WEBHOOK_TOKEN})
_BUSY = frozenset({SLOWMODE, CHANNEL_WRITE_LIMIT, MESSAGES_OFF, OVERLOADED})

#: What a call to Discord can fail with.
FAILURES = (discord.DiscordException, aiohttp.ClientError, OSError)

# Seconds to wait where Discord names none.
_AFTER_429, _AFTER_5XX, _AFTER_NETWORK, _AFTER_401, _AFTER_CLOUDFLARE = 5.0, 10.0, 3.0, 300.0, 60.0


def translated(error: Exception) -> ChatGone | ChatBusy:
    """The verdict on a failed call. Total: what nobody foresaw counts as passing, for the result is kept."""
    match error:
        case discord.RateLimited():
            return ChatBusy(error.retry_after, "rate limit")
        case discord.HTTPException():
            return _of_status(error)
        case _:
            # The text of a network error may hold an address with an interaction's token in it: the name is enough.
            return ChatBusy(_AFTER_NETWORK, type(error).__name__)


def _of_status(error: discord.HTTPException) -> ChatGone | ChatBusy:
    reason = f"{error.status} {error.code}: {error.text[:120]}"
    if error.status == 429:
        return ChatBusy(_retry_after(error), reason)
    if error.status >= 500:
        return ChatBusy(_AFTER_5XX, reason)
    if error.status == 401:
        return ChatBusy(_AFTER_401, reason)  # the operator changes the token, and posting goes on
    if error.code in _BUSY:
        return ChatBusy(_AFTER_429, reason)
    if error.code == 0 and error.status in (403, 408):
        return ChatBusy(_AFTER_CLOUDFLARE, f"{error.status} without a code: a proxy on the way")
    return ChatGone(reason)


def _retry_after(error: discord.HTTPException) -> float:
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return _AFTER_429


def code_of(error: Exception) -> int:
    """Discord's own error code; 0 where there is none."""
    return error.code if isinstance(error, discord.HTTPException) else 0


def is_too_large(error: Exception) -> bool:
    """A file or the whole request is above the limit of this place."""
    return isinstance(error, discord.HTTPException) and (error.code == FILE_TOO_LARGE or error.status == 413)


def raise_for_token(error: Exception) -> None:
    """Raises SettingsError where ``error`` means that the token is wrong."""
    is_refused = isinstance(error, discord.LoginFailure) or (
        isinstance(error, discord.ConnectionClosed) and error.code == AUTHENTICATION_FAILED
    )
    if is_refused:
        raise SettingsError("DISCORD_BOT_TOKEN", REFUSED) from None


@contextlib.contextmanager
def doorway() -> Iterator[None]:
    """Raises ChatGone or ChatBusy for everything that a call to Discord fails with."""
    try:
        yield
    except FAILURES as error:
        raise translated(error) from error
