"""Updates by webhook: Telegram posts each of them, and repeats it until its durable part is stored.

Any number of processes may stand behind the one address. Which of them gets an update does not matter: its id keeps it
from ordering twice, and everything that lasts is in the store. A process that stops leaves the webhook as it is: others
may live on, and if none does, Telegram keeps the updates for a day.
"""

import asyncio
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import Bot, Update
from telegram.error import BadRequest, InvalidToken, RetryAfter, TelegramError

from bots.posted import body_of
from bots.telegram.errors import is_unauthorized, refused_token, seconds_of
from bots.telegram.polling import ALLOWED_UPDATES, BACKOFF
from bots.telegram.secrecy import without_tokens
from bots.telegram.turns import Turns
from core.errors import SettingsError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Where Telegram posts, below PUBLIC_URL. Proxies log paths, so the secret is in a header.
PATH = "/telegram/webhook"
#: core.telegram.org/bots/api#setwebhook, "secret_token": the header, and what it may consist of.
HEADER = "X-Telegram-Bot-Api-Secret-Token"
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")
#: The server that insists on https and on these ports (core.telegram.org/bots/api#setwebhook); a local one does not.
OFFICIAL = "api.telegram.org"
PORTS = (443, 80, 88, 8443)
#: Posts at once, to all processes together: Telegram's default. An update is stored within milliseconds, so 40 are
#: thousands a second, and a slow database has no more than 40 waiting for it. Named, lest an earlier number stays.
MAX_CONNECTIONS = 40
#: Bytes of a post: an update of some 20 kB has a text of 4,096 characters and another one that it answers.
MAX_BODY = 1024 * 1024
#: Seconds until Telegram repeats what could not be stored, and what came before we listened or while we stop. It keeps
#: to what we say; else its pauses grow to two minutes (tdlib/telegram-bot-api, WebhookActor.cpp).
REPEAT_AFTER, REPEAT_SOON = 5, 1
#: Seconds between two looks at how the webhook is, and between two lines about posts without the right secret.
LOOK_EVERY = 60.0
TELL_EVERY = 60.0


@dataclass(frozen=True)
class Hook:
    """What switches the webhook on; ``public_url`` without a slash at its end."""

    public_url: str
    secret: str = field(repr=False)

    @property
    def url(self) -> str:
        return self.public_url + PATH

    def check(self, api_url: str) -> None:
        """Raises SettingsError for what Telegram would refuse."""
        if not SECRET.match(self.secret):
            raise SettingsError("TELEGRAM_WEBHOOK_SECRET", "use 1-256 letters, digits, _ and - (Telegram's rule)")
        parts = urlsplit(self.public_url)
        if urlsplit(api_url).hostname == OFFICIAL and (parts.scheme != "https" or (parts.port or 443) not in PORTS):
            ports = ", ".join(map(str, PORTS))
            why = f"Telegram's webhook needs https:// and one of the ports {ports}"
            raise SettingsError("PUBLIC_URL", f"{why}; without TELEGRAM_WEBHOOK_SECRET the bot is polled instead")


class Webhook:
    """Sets the webhook, and hears what is posted to it. Raises SettingsError for a hook that cannot be."""

    def __init__(self, bot: Bot, hook: Hook, *, api_url: str) -> None:
        hook.check(api_url)
        self._bot, self._hook = bot, hook
        self._turns: Turns | None = None  # None: not listening yet, or no more
        self._leads_to = ""  # as far as we know; nowhere
        self._was_set = False
        self._pause = BACKOFF[0]
        self._told_error: datetime | None = None
        self._refused, self._tell_at = 0, 0.0

    @property
    def is_listening(self) -> bool:
        """The webhook leads here, as far as we know, and what is posted is taken."""
        return self._leads_to == self._hook.url and self._turns is not None

    # -- hearing ----------------------------------------------------------------------------------------------------

    def route(self) -> Route:
        """``POST /telegram/webhook``: 200 when the update's durable part is stored, and for one that nobody can read,
        which would come again for ever. 403 without the right secret; 503 while the database is away and before and
        after :meth:`run`: Telegram repeats it, to another process if need be."""
        return Route(PATH, self._posted, methods=["POST"])

    async def _posted(self, request: Request) -> Response:
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), self._hook.secret.encode()):
            self._tell_refused()
            return PlainTextResponse("Forbidden", 403)
        turns = self._turns
        if turns is None:
            return _later(REPEAT_SOON)
        body = await body_of(request, most=MAX_BODY)
        if isinstance(body, Response):
            return body
        try:
            told = json.loads(body)
        except ValueError:
            return PlainTextResponse("Bad Request", 400)
        try:
            update = Update.de_json(told, self._bot)
        except Exception:
            log.exception("an update cannot be read and is skipped")
            return Response(status_code=200)
        if await turns.take(update):
            return Response(status_code=200)
        return _later(REPEAT_AFTER)

    def _tell_refused(self) -> None:
        """Anybody may post anything as often as they like: a line a minute tells of all."""
        self._refused += 1
        if time.monotonic() >= self._tell_at:
            log.warning(
                "posts to the webhook without the right secret are refused; "
                "every process needs the same TELEGRAM_WEBHOOK_SECRET",
                count=self._refused,
            )
            self._refused, self._tell_at = 0, time.monotonic() + TELL_EVERY

    # -- the webhook itself -----------------------------------------------------------------------------------------

    async def run(self, take: Callable[[Update], Awaitable[None]], stopping: asyncio.Event) -> None:
        """Give every update to ``take`` until ``stopping``; what is in hand then is finished.

        For a bot that ``getMe`` has introduced. Raises SettingsError when the token or the address is refused.
        """
        turns = self._turns = Turns(take)
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                looking = asyncio.create_task(self._looked_after())
                try:
                    await asyncio.wait({looking, stop}, return_when=asyncio.FIRST_COMPLETED)
                    if looking.done():
                        await asyncio.wait({stop}, timeout=looking.result())
                finally:
                    looking.cancel()
                    await asyncio.wait({looking})
        finally:
            stop.cancel()
            self._turns = None
            await turns.finish()

    async def _looked_after(self) -> float:
        """Set the webhook if need be, and say how it is; seconds until the next look. Raises SettingsError."""
        try:
            if self._leads_to:
                await self._look()
            if not self._leads_to:
                await self._set()
        except InvalidToken as error:
            if is_unauthorized(error):
                raise refused_token() from None
            log.warning("the webhook cannot be looked after", again_in=self._pause, reason=type(error).__name__)
        except RetryAfter as error:
            # setWebhook is taken once a second: other processes start at the same time.
            return seconds_of(error)
        except TelegramError as error:
            if isinstance(error, BadRequest) and not self._was_set:
                raise SettingsError("PUBLIC_URL", f"Telegram refuses it as a webhook: {error.message}") from None
            log.warning("Telegram does not answer", again_in=self._pause, reason=without_tokens(error.message))
        else:
            self._pause = BACKOFF[0]
            return LOOK_EVERY
        pause, self._pause = self._pause, min(self._pause * 2, BACKOFF[1])
        return pause

    async def _set(self) -> None:
        """At every start: whether the secret is still the same, nobody tells. The same once more changes nothing."""
        await self._bot.set_webhook(
            self._hook.url,
            allowed_updates=list(ALLOWED_UPDATES),
            max_connections=MAX_CONNECTIONS,
            secret_token=self._hook.secret,
        )
        self._leads_to, self._was_set = self._hook.url, True
        log.info("the webhook is set", url=self._hook.url)

    async def _look(self) -> None:
        """A process that polls has removed it: set it again. One that has set another address meant to."""
        info = await self._bot.get_webhook_info()
        self._leads_to = info.url
        if not info.url:
            log.error("the webhook is gone and is set again; does another process poll with the same token?")
        elif info.url != self._hook.url:
            # The host alone: many a path has a secret in it.
            host = urlsplit(info.url).hostname
            log.error("the webhook leads elsewhere: somebody else uses the same token", host=host)
        elif info.last_error_date != self._told_error and info.last_error_message:
            self._told_error = info.last_error_date
            why, waiting = info.last_error_message, info.pending_update_count
            log.warning("Telegram could not post an update", reason=why, waiting=waiting)


def _later(seconds: int) -> Response:
    return PlainTextResponse("Service Unavailable", 503, {"retry-after": str(seconds)})
