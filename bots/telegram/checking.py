"""For ``imagine doctor``: would this token work, and what would the bot get to see?"""

from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bots.telegram.errors import opt_in_to_timedeltas, refused_token
from bots.telegram.polling import BACKOFF
from bots.telegram.secrecy import keep_tokens_out_of_logs, without_tokens
from core.errors import ChatBusy


async def check(token: str, *, api_url: str) -> str:
    """A line for the operator: who the bot is and what it gets to see. Raises SettingsError, ChatBusy."""
    keep_tokens_out_of_logs()
    opt_in_to_timedeltas()
    async with HTTPXRequest(connect_timeout=10.0, read_timeout=10.0) as calling:
        try:
            bot = Bot(token, base_url=f"{api_url.rstrip('/')}/bot", request=calling, get_updates_request=calling)
            me = await bot.get_me()
            webhook = await bot.get_webhook_info()
        except InvalidToken:
            raise refused_token() from None
        except TelegramError as error:
            raise ChatBusy(BACKOFF[1], without_tokens(error.message)) from None
    facts = [f"@{me.username} answers"]
    if me.can_read_all_group_messages:
        facts.append("privacy mode is off: it gets every message of its groups")
    else:
        facts.append("privacy mode is on: in groups it gets commands and replies to its own messages")
    if webhook.url:
        facts.append("a webhook is set and will be removed when the bot starts")
    return "; ".join(facts)
