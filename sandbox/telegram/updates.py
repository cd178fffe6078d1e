"""What the bot has yet to hear: kept until it is confirmed, handed out by long polling or posted to a webhook."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.telegram.errors import OTHER_POLLER, WEBHOOK_ACTIVE, ApiError

#: Not sent unless asked for: core.telegram.org/bots/api#getupdates, ``allowed_updates``.
OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
#: The longest a long poll waits, in seconds (tdlib/telegram-bot-api, Client.cpp).
LONGEST_POLL = 50
#: Updates are kept a day: core.telegram.org/bots/api#getting-updates.
KEPT_SECONDS = 86_400.0
#: The longest pause before a webhook is tried again, in seconds, and the longest it may ask for
#: (tdlib/telegram-bot-api, WebhookActor.cpp).
LONGEST_PAUSE, LONGEST_RETRY_AFTER = 60.0, 3600.0


@dataclass(frozen=True)
class Pending:
    """An update that was not confirmed yet; after ``until`` (clock seconds) nobody gets it any more."""

    update: dict[str, Any]
    until: float

    @property
    def id(self) -> int:
        return int(self.update["update_id"])

    @property
    def queue(self) -> tuple[str, int]:
        """A webhook gets those of one queue one after another: a chat's messages, a person's presses
        (tdlib/telegram-bot-api, Client.cpp, ``add_update``)."""
        kind = next(name for name in self.update if name != "update_id")
        value = self.update[kind]
        if "chat" in value:
            return ("message" if "message_id" in value else kind), int(value["chat"]["id"])
        return kind, int(value["from"]["id"])


@dataclass(frozen=True)
class Webhook:
    url: str
    secret_token: str | None
    max_connections: int


class Updates:
    """The queue of updates of one bot, in order of their ids. ``clock`` gives seconds.

    ``retry_seconds`` is the pause after an update's second failure at a webhook; it doubles up to a minute.
    """

    def __init__(self, clock: Callable[[], float], *, first_id: int = 700_000_001, retry_seconds: float = 2.0) -> None:
        self._clock = clock
        self.retry_seconds = retry_seconds
        self.allowed: list[str] | None = None
        self.webhook: Webhook | None = None
        self.last_error: tuple[int, str] | None = None  #: Unix time and text of the webhook's last failure
        self.last: Pending | None = None  #: the newest update ever made
        self._next_id = first_id
        self._pending: list[Pending] = []
        self._again: list[Pending] = []
        self._changed = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        self._pusher: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._again) + len(self._pending)

    def add(self, kind: str, value: dict[str, Any], *, seconds: float = KEPT_SECONDS) -> int | None:
        """Queue an update; its id, or ``None`` when the bot does not want that kind."""
        if (self.allowed is not None and kind not in self.allowed) or (self.allowed is None and kind in OPT_IN):
            return None
        pending = Pending({"update_id": self._next_id, kind: value}, self._clock() + seconds)
        self._next_id += 1
        self._pending.append(pending)
        self.last = pending
        self._changed.set()
        return pending.id

    def redeliver_last(self) -> None:
        """Hand the newest update out once more, confirmed or not. Raises ``RuntimeError`` when there was none."""
        if self.last is None:
            raise RuntimeError("no update was made yet")
        self._again.append(self.last)
        self._changed.set()

    async def get(
        self, *, offset: int, limit: int, timeout: int, allowed: Sequence[str] | None, gone: asyncio.Future[Any]
    ) -> list[dict[str, Any]]:
        """Answer a getUpdates call, at the latest after ``timeout`` seconds or when the caller is ``gone``.

        Raises :class:`ApiError` 409 with a webhook, and for this call when another one comes while it waits.
        """
        if self.webhook is not None:
            raise ApiError(409, f"Conflict: {WEBHOOK_ACTIVE}")
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(ApiError(409, f"Conflict: {OTHER_POLLER}"))
        if allowed is not None:
            self.allowed = list(allowed) or None
        self._confirm(offset)
        mine = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(min(timeout, LONGEST_POLL)):
                while not (self._alive() or gone.done() or self._closed or timeout <= 0):
                    self._changed.clear()
                    changed = asyncio.ensure_future(self._changed.wait())
                    await asyncio.wait({changed, mine, gone}, return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    if mine.done():
                        break
        except TimeoutError:
            pass
        finally:
            mine.cancel()
        if not mine.cancelled():
            mine.result()  # raises what ended this poll
        if gone.done():
            return []
        return [pending.update for pending in self._take(limit)]

    def set_webhook(self, webhook: Webhook | None, *, allowed: Sequence[str] | None, drop: bool) -> None:
        """Begin (or with ``None`` stop) to post updates; the same webhook once more changes nothing."""
        if webhook is not None and webhook == self.webhook and not drop and allowed in (None, self.allowed):
            return
        self.webhook = webhook
        self.last_error = None
        if allowed is not None:
            self.allowed = list(allowed) or None
        if drop:
            self._pending.clear()
            self._again.clear()
        if self._pusher is not None:
            self._pusher.cancel()
            self._pusher = None
        if webhook is not None:
            if self._poll is not None and not self._poll.done():
                self._poll.set_exception(ApiError(409, "Conflict: terminated by setWebhook request"))
            self._pusher = asyncio.create_task(self._push(webhook))

    async def close(self) -> None:
        """End waiting polls and the webhook's task, for the end of the server."""
        self._closed = True
        self._changed.set()
        if self._pusher is not None:
            self._pusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pusher
            self._pusher = None

    def reopen(self) -> None:
        """Serve polls (and the webhook that was set) again after :meth:`close`."""
        self._closed = False
        if self.webhook is not None:
            self._pusher = asyncio.create_task(self._push(self.webhook))

    def _confirm(self, offset: int) -> None:
        if offset > 0:
            self._pending = [pending for pending in self._pending if pending.id >= offset]
        elif offset < 0:
            self._pending = self._pending[offset:]

    def _alive(self) -> bool:
        now = self._clock()
        self._pending = [pending for pending in self._pending if pending.until > now]
        return bool(self._again or self._pending)

    def _take(self, limit: int) -> list[Pending]:
        self._alive()
        again, self._again = self._again, []
        return [*again, *(pending for pending in self._pending if pending not in again)][:limit]

    async def _push(self, webhook: Webhook) -> None:
        """Post the updates, those of different queues at once, on ``max_connections`` connections."""
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook.secret_token
        limits = httpx.Limits(max_connections=webhook.max_connections)
        timeout = httpx.Timeout(60.0, pool=None)
        async with (
            httpx.AsyncClient(headers=headers, limits=limits, timeout=timeout, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            busy: set[tuple[str, int]] = set()
            while True:
                self._changed.clear()
                self._alive()
                for queue in {pending.queue for pending in (*self._again, *self._pending)} - busy:
                    busy.add(queue)
                    group.create_task(self._post_queue(client, webhook.url, queue, busy))
                await self._changed.wait()

    async def _post_queue(
        self, client: httpx.AsyncClient, url: str, queue: tuple[str, int], busy: set[tuple[str, int]]
    ) -> None:
        """Post what is in a queue in order. What is not taken with a 2xx is posted again: at once, then ever later."""
        failures: dict[int, int] = {}
        while self._alive():
            pending = next((one for one in (*self._again, *self._pending) if one.queue == queue), None)
            if pending is None:
                break
            problem, pause = await _post(client, url, pending.update)
            if problem is None:
                if pending in self._again:
                    self._again.remove(pending)
                else:
                    self._pending = [item for item in self._pending if item is not pending]
                continue
            self.last_error = (int(self._clock()), problem)
            failed = failures[pending.id] = failures.get(pending.id, 0) + 1
            if not pause and failed > 1:
                pause = min(LONGEST_PAUSE, self.retry_seconds * 2 ** (failed - 2))
            await asyncio.sleep(pause)
        busy.discard(queue)


async def _post(client: httpx.AsyncClient, url: str, update: dict[str, Any]) -> tuple[str | None, float]:
    """``None`` when the bot took it, else what Telegram shows as last_error_message; the pause the bot asks for."""
    try:
        answer = await client.post(url, json=update)
    except httpx.TimeoutException:
        return "Read timeout expired", 0.0
    except httpx.HTTPError:
        return "Connection refused", 0.0
    if answer.is_success:
        return None, 0.0
    asked = answer.headers.get("retry-after", "")
    pause = min(float(asked), LONGEST_RETRY_AFTER) if asked.isdecimal() else 0.0
    return f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}", pause
