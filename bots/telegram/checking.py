"""For ``imagine doctor``: would this token work, what would the bot get to see, and does Telegram reach it?"""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bots.telegram.errors import opt_in_to_timedeltas, refused_token
from bots.telegram.polling import BACKOFF
from bots.telegram.secrecy import keep_tokens_out_of_logs, without_tokens
from bots.telegram.webhook import Hook
from core.clock import utc_now
from core.errors import ChatBusy, SettingsError

#: How old Telegram's last failure to post may be and still tell how things stand now.
FRESH = timedelta(minutes=5)


async def check(token: str, *, api_url: str, polls: bool = True) -> str:
    """A line for the operator: who the bot is and what it gets to see. Raises SettingsError, ChatBusy."""
    async with _asked(token, api_url) as bot:
        me = await bot.get_me()
        webhook = await bot.get_webhook_info()
    facts = [f"@{me.username} answers"]
    if me.can_read_all_group_messages:
        facts.append("privacy mode is off: it gets every message of its groups")
    else:
        facts.append("privacy mode is on: in groups it gets commands and replies to its own messages")
    if webhook.url and polls:
        facts.append("a webhook is set and will be removed when the bot starts")
    return "; ".join(facts)


async def check_webhook(token: str, *, api_url: str, hook: Hook) -> str:
    """A line for the operator: does Telegram post updates to this address? Raises SettingsError, ChatBusy."""
    hook.check(api_url)
    async with _asked(token, api_url) as bot:
        info = await bot.get_webhook_info()
    if not info.url:
        return "is not set yet: the bots set it when they start"
    if info.url != hook.url:
        # The host alone: many a path has a secret in it.
        host = urlsplit(info.url).hostname
        raise SettingsError("PUBLIC_URL", f"Telegram posts updates to {host} instead; the bots change that at a start")
    waiting, why = info.pending_update_count, info.last_error_message
    since = info.last_error_date
    if waiting and since is not None and utc_now() - since < FRESH:
        raise SettingsError("PUBLIC_URL", f"Telegram cannot post updates here ({waiting} waiting): {why}")
    failed = f"; the last one that could not be posted, at {since:%Y-%m-%d %H:%M} UTC: {why}" if why and since else ""
    return f"Telegram posts updates to this address ({waiting} waiting){failed}"


@contextlib.asynccontextmanager
async def _asked(token: str, api_url: str) -> AsyncIterator[Bot]:
    """Raises SettingsError for a refused token, ChatBusy for a Telegram that does not answer."""
    keep_tokens_out_of_logs()
    opt_in_to_timedeltas()
    async with HTTPXRequest(connect_timeout=10.0, read_timeout=10.0) as calling:
        try:
            yield Bot(token, base_url=f"{api_url.rstrip('/')}/bot", request=calling, get_updates_request=calling)
        except InvalidToken:
            raise refused_token() from None
        except TelegramError as error:
            raise ChatBusy(BACKOFF[1], without_tokens(error.message)) from None
