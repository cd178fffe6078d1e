"""Telegram as the core sees it: shows progress, hands results over, fetches pictures, and listens."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from starlette.routing import Route
from telegram import User as BotUser
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bots.telegram import commands, files
from bots.telegram.answers import Answers
from bots.telegram.budgets import Budgets
from bots.telegram.errors import opt_in_to_timedeltas, refused_token, translated
from bots.telegram.intake import Intake
from bots.telegram.limiter import AT_ONCE, Limiter
from bots.telegram.meaning import Me
from bots.telegram.open_tasks import OpenTasks
from bots.telegram.photos import shown
from bots.telegram.places import NAME, place
from bots.telegram.polling import BACKOFF, Polling
from bots.telegram.results import Results
from bots.telegram.secrecy import keep_tokens_out_of_logs, without_tokens
from bots.telegram.statuses import Statuses
from bots.telegram.webhook import Hook, Webhook
from bots.words import Words
from core.admin import Admin
from core.client import Client
from core.errors import ChatBusy, ChatGone
from core.types import Address, FrontFile, Operation, Picture, Receipt, View

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

#: Connections: those of the limiter's two lines, and for pictures that are fetched, which are not in them. httpcore
#: looks at all it has for every call, so more are slower.
CONNECTIONS = 2 * AT_ONCE + 8
#: Seconds the answers still under way get when we stop; the whole stop may take 5 where nothing paid is out.
LAST_ANSWERS = 2.5


class TelegramFront:
    """A :class:`core.ports.Front`. ``api_url`` is without a path, such as ``https://api.telegram.org``.

    Posting works from the start until :meth:`close`, which lets out what is under way; :meth:`run` only listens.
    """

    name = NAME
    #: Of the 20 messages a minute in a group (see ``budgets``), one task's status takes 12 at most.
    pace = 5.0
    quiet = 0.0  # the status message becomes the result: an edit more is not a message more to read

    def __init__(
        self,
        token: str,
        *,
        client: Client,
        words: Words,
        api_url: str,
        admin: Admin | None = None,
        hook: Hook | None = None,
        limited: Callable[[str], None] = lambda method: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``limited`` is told the method of every call that Telegram answers with 429; ``clock`` gives the seconds that
        budgets are counted in. Without ``hook`` it polls. Raises SettingsError for one that Telegram would refuse."""
        keep_tokens_out_of_logs()
        opt_in_to_timedeltas()
        self._client, self._words, self._admin = client, words, admin
        # Uploads of tens of megabytes on a slow line take minutes; every other answer comes within seconds.
        self._calling = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            connect_timeout=10.0,
            read_timeout=30.0,
            write_timeout=30.0,
            pool_timeout=30.0,
            media_write_timeout=300.0,
        )
        # Two: the last confirmation must not wait for a poll that is being given up.
        self._polling = HTTPXRequest(connection_pool_size=2, connect_timeout=10.0, read_timeout=10.0, pool_timeout=5.0)
        base = api_url.rstrip("/")
        self._open = OpenTasks(clock)
        self._bot = ExtBot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._calling,
            get_updates_request=self._polling,
            rate_limiter=Limiter(Budgets(clock, room=self._open.messages), limited),
        )
        self._answers = Answers(self._bot)
        self._statuses = Statuses(self._bot, client, words, self._answers)
        self._results = Results(self._bot, client, words, self._answers)
        self._webhook = None if hook is None else Webhook(self._bot, hook, api_url=api_url)
        self._poller: Polling | None = None

    # -- what the core calls ----------------------------------------------------------------------------------------

    async def show(self, address: Address, view: View) -> Address:
        """Post the status message, or change it. Raises ChatGone, ChatBusy."""
        self._open.seen(address.data["chat"], view.task_id, view.request)
        return await self._statuses.show(address, view)

    async def hand_over(self, address: Address, view: View, pictures: Sequence[Picture], *, attempt: int) -> Receipt:
        """Turn the status message into the result, post the results in reply to the request, or say why there are none.

        Returns as soon as the results are posted; what comes after them follows until :meth:`close`. A later attempt
        goes on after the parts that are known to be posted. What reached the chat without our knowing is repeated,
        which shows twice what was posted anew: Telegram has nothing to recognise it by.
        Raises ChatGone, ChatBusy, StoreDown.
        """
        try:
            receipt = await self._last_words(address, view, pictures, attempt)
        except ChatGone:
            self._open.ended(address.data["chat"], view.task_id)
            raise
        self._open.ended(address.data["chat"], view.task_id)
        return receipt

    async def _last_words(self, address: Address, view: View, pictures: Sequence[Picture], attempt: int) -> Receipt:
        if not pictures and not view.texts:
            with translated():
                await self._statuses.say_why(address, view)
            return Receipt()
        has_holes = view.request.operation is Operation.CUTOUT
        prepared = [] if view.texts else [await shown(picture, has_holes=has_holes) for picture in pictures]
        status = None
        if self._results.is_one(view, prepared):
            status = await self._statuses.to_turn(address, view, attempt=attempt)
        with translated():
            if status is not None:
                try:
                    turned = await self._results.turn(place(address), status, view, prepared)
                except (ChatBusy, RetryAfter):  # not called, or called in vain
                    self._statuses.unturned(view, attempt=attempt)
                    raise
                if turned is not None:
                    return Receipt(tuple(turned))
                await self._statuses.leave(address, view)
            if attempt > 1:
                log.warning("posting once more; the chat may see it twice", task=view.task_id)
            if view.texts:
                posted = await self._results.tell(place(address), view, attempt=attempt)
            else:
                posted = await self._results.post(place(address), view, prepared, attempt=attempt)
        self._statuses.remove(address)
        return Receipt(tuple(posted))

    async def fetch(self, file: FrontFile, *, limit: int) -> bytes:
        """A picture out of the chat. Raises ImageGone, ImageTooLarge, ChatBusy."""
        return await files.fetch(self._bot, file, limit=limit)

    # -- listening --------------------------------------------------------------------------------------------------

    @property
    def is_listening(self) -> bool:
        """Telegram has answered lately, or calls us."""
        if self._webhook is not None:
            return self._webhook.is_listening
        return self._poller is not None and self._poller.is_answered

    def routes(self) -> list[Route]:
        """What has to be served for :meth:`run` to hear anything; nothing where it polls."""
        return [] if self._webhook is None else [self._webhook.route()]

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping``, then take nothing new. Raises SettingsError for a token that is refused."""
        me = await self._introduced(stopping)
        if me is None:
            return
        who = Me(me.id, me.username or "", reads_all=bool(me.can_read_all_group_messages))
        log.info("listening", bot=f"@{who.username}", privacy_mode=not who.reads_all)
        publishing = commands.publish(self._bot, self._words, self._client.operations())
        self._answers.start("list of commands", publishing)
        intake = Intake(
            self._bot,
            self._client,
            self._words,
            self._answers,
            who,
            admin=self._admin,
            stored=self._open.stored,
            shared=self._webhook is not None,
        )
        if self._webhook is None:
            self._poller = Polling(self._bot, intake.take)
            await self._poller.run(stopping)
        else:
            await self._webhook.run(intake.take, stopping)

    async def _introduced(self, stopping: asyncio.Event) -> BotUser | None:
        """Who we are, as soon as Telegram can be reached; None when we are to stop before."""
        pause = BACKOFF[0]
        while not stopping.is_set():
            try:
                return await self._bot.get_me()
            except InvalidToken:
                raise refused_token() from None
            except TelegramError as error:
                log.warning("Telegram does not answer", again_in=pause, reason=without_tokens(error.message))
            try:
                async with asyncio.timeout(pause):
                    await stopping.wait()
            except TimeoutError:
                pause = min(pause * 2, BACKOFF[1])
        return None

    async def close(self) -> None:
        """Let the last answers out and close the connections."""
        await self._answers.finish(LAST_ANSWERS)
        await asyncio.gather(self._calling.shutdown(), self._polling.shutdown())
